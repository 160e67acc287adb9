"""Fair shares between campaigns that share agents or lines (V09), and who serves whom (C16), at a cost that does not grow."""

from __future__ import annotations

import itertools
import sys
from types import FrameType
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from dialerd.campaigns import dialing
from dialerd.campaigns.shares import Shares
from dialerd.campaigns.teams import Teams
from dialerd.campaigns.why import why
from dialerd.model import facts as f
from dialerd.model import intents as i
from dialerd.model.policies import Campaign, Floor
from tests.doubles.desk_of_facts import Centre, every, floor


def two_campaigns(spring: float, autumn: float, agents: int = 3, leads: int = 4000, **more: Any) -> Centre:
    """Two campaigns with these weights and long lists, agents ready for both."""
    other = {"name": "Autumn", "trunks": ["main"], "region": "none", "wrap_up_s": 5, "share": autumn}
    centre = Centre(floor(agents=agents, campaign={"share": spring}, campaigns={"autumn": other}, **more), leads=leads)
    centre.take(f.LeadsAdded("autumn", tuple(f.NewLead(str(900000 + n)) for n in range(leads)), "test", "olga"))
    centre.ask("campaign.start", campaign="autumn")
    for n in range(agents):
        centre.agent_ready(str(1001 + n))
    return centre


def play(centre: Centre, calls: int) -> dict[str, int]:
    """The oldest call is ended, again and again; calls placed by campaign."""
    before = {name: tally.placed for name, tally in centre.live.tallies.items()}
    for _ in range(calls):
        call = next(iter(centre.live.calls.values()), None)
        if call is None:
            centre.take(after=1)
        else:
            centre.take(f.CallEnded(call.id, cause=17, sip=486), after=1)
    return {name: tally.placed - before[name] for name, tally in centre.live.tallies.items()}


def test_V09_campaigns_of_weights_one_and_three_get_calls_as_one_to_three() -> None:
    placed = play(two_campaigns(1, 3), 800)
    assert placed["autumn"] / placed["spring"] == pytest.approx(3, rel=0.02)


def test_V09_one_agent_is_shared_too_and_nobody_starves() -> None:
    placed = play(two_campaigns(0.1, 1, agents=1), 440)
    assert placed["spring"] == pytest.approx(40, abs=2)
    placed = play(two_campaigns(1, 1, agents=1), 100)
    assert placed["spring"] == pytest.approx(50, abs=1)


def test_V09_what_one_cannot_use_the_other_does_and_it_is_not_saved_up() -> None:
    centre = two_campaigns(1, 3)
    centre.ask("campaign.pause", campaign="autumn")
    assert play(centre, 200)["spring"] >= 200
    centre.ask("campaign.resume", campaign="autumn")
    placed = play(centre, 200)
    assert placed["spring"] == pytest.approx(50, abs=4), "it does not stand still until the other has caught up"


def test_V09_a_campaign_at_its_own_ceiling_leaves_the_rest_to_the_other() -> None:
    other = {"name": "Autumn", "trunks": ["main"], "region": "none", "share": 1000}
    centre = Centre(floor(agents=5, campaigns={"autumn": {**other, "lines": 1}}), leads=50)
    centre.take(f.LeadsAdded("autumn", tuple(f.NewLead(str(9000 + n)) for n in range(50)), "test", "olga"))
    centre.ask("campaign.start", campaign="autumn")
    for n in range(5):
        centre.agent_ready(str(1001 + n))
    assert centre.live.campaign_lines == {"spring": 4, "autumn": 1}


def test_V09_a_changed_share_holds_from_the_next_call_on() -> None:
    other = {"name": "Autumn", "trunks": ["main"], "region": "none"}
    centre = Centre(floor(agents=2), leads=3000)
    assert centre.ask("campaign.create", campaign="autumn", policy=other)["ok"]
    for verb in ("approve", "start"):
        assert centre.ask(f"campaign.{verb}", campaign="autumn")["ok"]
    centre.take(f.LeadsAdded("autumn", tuple(f.NewLead(str(900000 + n)) for n in range(3000)), "test", "olga"))
    for agent in ("1001", "1002"):
        centre.agent_ready(agent)
    assert play(centre, 100)["autumn"] == pytest.approx(50, abs=2)
    assert centre.ask("campaign.update", campaign="autumn", policy={"share": 4})["ok"]
    assert play(centre, 100)["autumn"] == pytest.approx(80, abs=3)


@settings(max_examples=150, deadline=None)
@given(
    weights=st.lists(st.floats(0.01, 1000), min_size=1, max_size=6),
    able=st.lists(st.sets(st.integers(0, 5)), min_size=1, max_size=300),
)
def test_V09_nobody_who_can_always_dial_falls_behind_his_share(weights: list[float], able: list[set[int]]) -> None:
    """Campaign 0 can always dial, the others as they come: it has its share, but for one call."""
    shares = Shares()
    placed = [0] * len(weights)
    for now in able:
        can = sorted({0, *(n for n in now if n < len(weights))})
        chosen = min(can, key=lambda n: shares.place(str(n)))
        placed[chosen] += 1
        shares.served(str(chosen), weights[chosen])
    for other in range(1, len(weights)):
        assert placed[other] / weights[other] <= placed[0] / weights[0] + 1 / weights[0] + 1 / weights[other] + 1e-9


# --- who serves whom


def serving(**campaign: Any) -> Centre:
    agents = {"1002": {"phone": "PJSIP/1002", "server": "pbx", "campaigns": ["spring"]}}
    agents["1003"] = {"phone": "PJSIP/1003", "server": "pbx", "campaigns": ["other"]}
    groups = {"day": ["1001", "1003"], "night": ["1002"]}
    return Centre(_with_agents(floor(agents=4, campaign=campaign, agent_groups=groups), agents), leads=20)


def _with_agents(configuration: dict[str, Any], agents: dict[str, Any]) -> dict[str, Any]:
    return {**configuration, "agents": {**configuration["agents"], **agents}}


@pytest.mark.parametrize(
    ("campaign", "who"),
    [
        ({}, ["1001", "1002", "1004"]),
        ({"agents": ["1001", "1003"]}, ["1001"]),
        ({"agent_groups": ["day"]}, ["1001"]),
        ({"agent_groups": ["night"]}, ["1002"]),
        ({"agent_groups": ["day", "night"], "agents": ["1004"]}, ["1001", "1002", "1004"]),
    ],
)
def test_C16_an_agent_serves_a_campaign_if_both_he_and_the_campaign_say_so(
    campaign: dict[str, Any], who: list[str]
) -> None:
    centre = serving(**campaign)
    assert [agent for agent in centre.live.agents if centre.live.serves(agent, "spring")] == who
    for agent in centre.live.agents:
        centre.agent_ready(agent)
    centre.take(after=1)
    centre.take(after=1)
    assert sorted(call.booked for call in centre.live.calls.values()) == who


def test_C16_a_campaign_that_names_nobody_who_is_there_says_so() -> None:
    centre = serving(agents=["1003"])
    centre.agent_ready("1003")
    assert why(centre.live, "spring")["because"] == "no agent takes calls of this campaign"


def test_C16_a_changed_group_or_policy_holds_at_once_for_agents_who_are_free() -> None:
    centre = serving(agent_groups=["night"])
    assert not every(centre.agent_ready("1001"), i.Dial)
    groups = {"day": [], "night": ["1001"]}
    assert len(every(centre.take(f.Configured({**centre.configuration, "agent_groups": groups})), i.Dial)) == 1
    assert not centre.live.serves("1002", "spring")
    configuration = floor(agents=4, campaign={"agents": ["1004"]})
    centre.take(f.Configured(configuration))
    assert [agent for agent in centre.live.agents if centre.live.serves(agent, "spring")] == ["1004"]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_C16_the_index_of_who_is_free_is_always_what_a_look_at_all_agents_would_say(data: st.DataObject) -> None:
    names = [str(1001 + n) for n in range(6)]
    campaigns = ["c0", "c1", "c2", "c3"]

    def a_floor() -> Floor:
        agents = {}
        for name in names:
            own = data.draw(st.one_of(st.just("all"), st.lists(st.sampled_from(campaigns), unique=True)))
            server = data.draw(st.sampled_from(["p", "q"]))
            agents[name] = {"phone": f"PJSIP/{name}", "server": server, "campaigns": own}
        return Floor.model_validate({"servers": {"p": {}, "q": {}}, "agents": agents, "agent_groups": {"g": names[:3]}})

    def a_policy() -> Campaign:
        given_ = data.draw(st.sampled_from([{}, {"agents": names[1:4]}, {"agent_groups": ["g"]}]))
        return Campaign.model_validate({"name": "c", "trunks": ["t"], **given_})

    teams, floor_, since = Teams(), a_floor(), dict.fromkeys(names, 0.0)
    policies = {name: a_policy() for name in campaigns[:3]}
    running, free = {"c0"}, set[str]()

    def form() -> None:
        teams.form(floor_, policies, running, free, since.__getitem__)

    form()
    for now in range(data.draw(st.integers(1, 40))):
        match data.draw(st.integers(0, 9)):
            case 0:
                floor_ = a_floor()
                form()
            case 1:
                name = data.draw(st.sampled_from(campaigns))
                policies[name] = a_policy()
                if not teams.fits(floor_, name, policies[name]):
                    form()
            case 2:
                name = data.draw(st.sampled_from(sorted(policies)))
                (running.discard if name in running else running.add)(name)
                teams.run(name, name in running)
            case _:
                agent = data.draw(st.sampled_from(names))
                if agent in free:
                    free.discard(agent)
                    teams.left(agent)
                else:
                    free.add(agent)
                    since[agent] = data.draw(st.sampled_from([float(now), since[agent]]))
                    teams.came(agent, since[agent])
        for campaign, server in itertools.product(policies, ("p", "q")):
            allowed = {*policies[campaign].agents, *(names[:3] if policies[campaign].agent_groups else ())}
            takers = [
                name
                for name in names
                if (floor_.agents[name].campaigns == "all" or campaign in floor_.agents[name].campaigns)
                and (not allowed or name in allowed)
            ]
            assert [name for name in names if teams.serves(name, campaign)] == takers
            there = [(since[a], a) for a in free if a in takers and floor_.agents[a].server == server]
            assert teams.longest_idle(campaign, server) == (min(there)[1] if there else None)
            without = {names[0], names[4]}
            left = [one for one in there if one[1] not in without]
            assert teams.longest_idle(campaign, server, without) == (min(left)[1] if left else None)
            if campaign in running:
                assert teams.manned(campaign, server) == bool(there)


def test_V09_a_call_costs_no_more_with_fifty_campaigns_and_five_hundred_agents_than_their_sum_says() -> None:
    """The worst there is: agents free for nothing that is due, campaigns due with nobody free; four times each, not sixteen."""

    def lines(campaigns: int, agents: int) -> int:
        """Lines of Python that one question for the next call runs through."""
        many = {f"c{n}": {"name": "c", "trunks": ["main"], "region": "none"} for n in range(campaigns)}
        people = {
            str(n): {"phone": f"PJSIP/{n}", "server": "pbx", "softphone": "ring", "campaigns": ["idle"]}
            for n in range(agents)
        }
        configuration = floor(agents=0, campaigns={**many, "idle": {"name": "i", "trunks": ["main"], "region": "none"}})
        centre = Centre({**configuration, "agents": people}, leads=1)
        for name in (*many, "idle"):
            centre.ask("campaign.start", campaign=name)
        for name in many:
            centre.take(f.LeadsAdded(name, (f.NewLead("77"),), "test", "olga"))
        for agent in people:
            centre.take(f.Asked(f"in{agent}", agent, ("agent",), "agent.login", {"ready": True}))
        assert len(centre.live.free) == agents
        count = 0

        def tracing(frame: FrameType, event: str, arg: object) -> Any:
            nonlocal count
            count += event == "line"
            return tracing

        assert dialing.next_dial(centre.live) is None
        before = sys.gettrace()
        sys.settrace(tracing)
        try:
            found = dialing.next_dial(centre.live)
        finally:
            sys.settrace(before)
        assert found is None
        return count

    small, great = lines(10, 40), lines(40, 160)
    assert 100 < great < 5 * small, (small, great)
