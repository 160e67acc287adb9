"""The order in which leads are dialed: priorities, recalls, mixed lists, private leads, and that none is lost (C09, C10, C13)."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from pydantic import ValidationError

from dialerd.campaigns.hopper import LOW, URGENT_EVERY_S
from dialerd.campaigns.why import why
from dialerd.model import facts as f
from dialerd.model import intents as i
from dialerd.model.lead_order import LeadOrder, Order, class_of, order_of
from dialerd.model.policies import Campaign
from dialerd.model.rows import LeadRow
from dialerd.model.turn import Committed, Turn, decode, encode
from tests.doubles.desk_of_facts import START, Centre, every, floor, only


def leads(*made: dict[str, Any]) -> f.LeadsAdded:
    return f.LeadsAdded("spring", tuple(f.NewLead(**one) for one in made), "test", "olga")


def numbered(first: int, count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"phone": str(first + n), **more} for n in range(count)]


def put(centre: Centre, *rows: LeadRow) -> None:
    """Rows as another turn left them, before the campaign was started."""
    seq = centre.exchange.seq
    centre.rows.commit((Committed(Turn(seq, centre.now, (), ()), rows),))
    for row in rows:
        counts = centre.live.lead_states["spring"]
        counts[row.state] += 1
        if class_of(row):
            centre.live.count_open(row, 1)
        centre.live.mark(row)


def row(n: int, state: str = "new", **more: Any) -> LeadRow:
    made = LeadRow(n, "spring", str(7000 + n), state, START, START)
    return msgspec.structs.replace(made, **more)


def dial_all(centre: Centre, dial: i.Dial, count: int, after: float = 0.1) -> list[str]:
    """The agent's calls one after the other, each busy; the numbers in the order of dialing."""
    numbers = [dial.number]
    while len(numbers) < count:
        found = every(centre.take(f.CallEnded(dial.call, cause=17), after=after), i.Dial)
        if not found:
            break
        dial = found[0]
        numbers.append(dial.number)
    return numbers


# --- the words of the policy


def test_the_words_of_a_campaign_become_the_order_that_the_store_takes() -> None:
    campaign = Campaign.model_validate(
        {
            "name": "x",
            "trunks": ["t"],
            "order": {"mix": "3:1", "fresh": "newest", "retries": "fewest_attempts", "recalls": "with_retries"},
            "lists": {"Khách tháng 1": 3, "b": 0},
        }
    )
    assert order_of(campaign.order, campaign.lists) == LeadOrder(
        recalls_first=False, mix=(3, 1), newest=True, fewest_attempts=True, shares=(("Khách tháng 1", 3), ("b", 0))
    )
    assert order_of(Order(), {}) == LeadOrder()
    assert order_of(Order(mix="retries_first"), {}) == LeadOrder(mix=(0, 1))


@pytest.mark.parametrize("wrong", ["0:1", "3:0", "3", "3:1:1", "1000:1", "first", "", "3:1\n"])
def test_a_mix_that_is_none_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError, match="mix"):
        Order.model_validate({"mix": wrong})


@pytest.mark.parametrize("wrong", [{"a": -1}, {"a": 1001}, {"": 1}, {"a\nb": 1}, {"x" * 65: 1}, {"a": "3"}, {"a": 1.5}])
def test_a_share_that_is_none_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="lists"):
        Campaign.model_validate({"name": "x", "trunks": ["t"], "lists": wrong}, strict=True)


def test_C10_a_new_lead_that_was_put_off_is_found_by_its_instant() -> None:
    assert [class_of(row(1)), class_of(row(1, next_at=START + 1)), class_of(row(1, "retry", next_at=0.0))] == [1, 2, 2]
    assert [class_of(row(1, "callback")), class_of(row(1, "in_progress")), class_of(row(1, "held"))] == [3, 0, 0]


# --- dialing


def test_C09_a_greater_priority_goes_first_also_if_the_hopper_is_full_of_others() -> None:
    centre = Centre(floor(agents=1), leads=1000)
    dial = only(centre.agent_ready("1001"), i.Dial)
    assert centre.live.hoppers["spring"].leads > LOW
    centre.take(leads({"phone": "80001", "priority": 5}), after=URGENT_EVERY_S)
    assert dial_all(centre, dial, 3) == ["5000", "80001", "5001"]


def test_C09_a_smaller_priority_waits() -> None:
    centre = Centre(floor(agents=1), leads=2)
    centre.take(leads(*numbered(30100, 2, priority=-5), *numbered(30200, 2, priority=100)))
    dial = only(centre.agent_ready("1001"), i.Dial)
    assert dial_all(centre, dial, 9) == ["30200", "30201", "5000", "5001", "30100", "30101"]


def test_C13_a_recall_whose_time_comes_does_not_wait_behind_a_full_hopper() -> None:
    centre = Centre(floor(agents=1), start=False)
    put(centre, row(1, "callback", next_at=START + 60), *(row(n) for n in range(2, 900)))
    centre.ask("campaign.start", campaign="spring")
    dial = only(centre.agent_ready("1001"), i.Dial)
    assert dial.number == "7002"
    hopper = centre.live.hoppers["spring"]
    at = centre.exchange.next_wakeup()
    assert at is not None
    assert at <= START + 60, "it wakes for the recall"
    centre.take(after=START + 60 - centre.now)
    assert hopper.head() == centre.lead("7001")
    assert dial_all(centre, dial, 3) == ["7002", "7001", "7003"]
    questions = [intent for turn in centre.turns for intent in turn.turn.intents if isinstance(intent, i.WantLeads)]
    assert [question.order.outranking for question in questions] == [None, 0]


def test_C13_a_recall_given_while_the_hopper_is_full_comes_at_its_time() -> None:
    """The engine itself knows of it: nobody has to look through the store."""
    centre = Centre(floor(agents=2), leads=900)
    first, second = only(centre.agent_ready("1001"), i.Dial), only(centre.agent_ready("1002"), i.Dial)
    lead = centre.live.leads[first.lead]
    centre.take(f.CallEnded(first.call, cause=17), after=1)
    lead.state, lead.next_at = "callback", centre.now + 30
    centre.live.lead_states["spring"].update({"retry": -1, "callback": 1})
    centre.live.mark(lead)
    centre.live.lead_comes_due(lead)
    centre.take(after=31)
    assert dial_all(centre, second, 2) == [second.number, first.number]


def test_O09_recalls_that_come_due_one_by_one_are_asked_for_together() -> None:
    centre = Centre(floor(agents=1), start=False)
    recalls = [row(n, "callback", next_at=START + 60 + n / 100) for n in range(1, 90)]
    put(centre, *recalls, *(row(n) for n in range(200, 900)))
    centre.ask("campaign.start", campaign="spring")
    centre.agent_ready("1001")
    asked_before = len(questions_of(centre))
    for _ in range(100):
        centre.take(after=START + 60 - centre.now if centre.now < START + 60 else 0.01)
    assert 1 <= len(questions_of(centre)) - asked_before <= 3
    centre.take(after=1)
    assert [lead.id for lead in centre.live.hoppers["spring"].all()[:89]] == list(range(1, 90))


def questions_of(centre: Centre) -> list[i.WantLeads]:
    return [intent for turn in centre.turns for intent in turn.turn.intents if isinstance(intent, i.WantLeads)]


def test_C09_lists_are_mixed_by_share_over_many_fills() -> None:
    policy = {"lists": {"gold": 3}, "rest": {"busy": {"again_after_min": None}}}
    centre = Centre(floor(agents=1, campaign=policy))
    centre.take(leads(*numbered(10_000, 900, list_name="gold"), *numbered(20_000, 900, list_name="silver")))
    numbers = dial_all(centre, only(centre.agent_ready("1001"), i.Dial), 1000)
    assert len(set(numbers)) == 1000
    for count in range(1, 1001):
        silver = sum(number.startswith("2") for number in numbers[:count])
        assert abs(silver - count / 4) <= 1


def test_C09_a_list_that_is_paused_waits_and_the_campaign_says_so() -> None:
    centre = Centre(floor(agents=1, campaign={"lists": {"old": 0}, "finish_when_done": True}))
    centre.take(leads(*numbered(30100, 4, list_name="old"), {"phone": "30200"}))
    dial = only(centre.agent_ready("1001"), i.Dial)
    assert dial_all(centre, dial, 5) == ["30200"]
    told = why(centre.live, "spring")
    assert told["factor"] == "resting"
    assert told["because"] == "no lead is due: 1 lead rests after an attempt"
    assert told["leads_paused"] == {"old": 4}
    centre.take(after=15 * 60 - 1)
    dial = only(centre.take(after=1), i.Dial)
    centre.take(f.CallEnded(dial.call, cause=1), after=1)
    told = why(centre.live, "spring")
    assert told["factor"] == "lists_paused"
    assert told["because"] == "its 4 leads are in lists that are paused by share 0: old"
    assert centre.live.campaigns["spring"].state == "running", "a paused list is not done"


def test_C09_a_list_is_paused_and_goes_on_while_calls_run() -> None:
    centre = Centre(floor(agents=1))
    centre.take(leads(*numbered(30100, 400, list_name="old"), *numbered(30900, 2)))
    dial = only(centre.agent_ready("1001"), i.Dial)
    assert dial.number == "30900", "lists go in turn"
    centre.take(f.Configured(floor(agents=1, campaign={"lists": {"old": 0}})))
    assert dial_all(centre, dial, 5) == ["30900", "30901"]
    assert why(centre.live, "spring")["leads_paused"] == {"old": 400}
    dial = only(centre.take(f.Configured(floor(agents=1))), i.Dial)
    assert dial_all(centre, dial, 3) == ["30100", "30101", "30102"]


def test_C10_leads_that_the_gate_puts_off_are_not_asked_for_again_until_then() -> None:
    centre = Centre(floor(agents=1, campaign={"region": "VN"}))
    centre.take(f.CallRinging("c1"))
    bad = leads(*numbered(1, 150), {"phone": "+84901234567"})
    dial = only([*centre.take(bad), *centre.agent_ready("1001")], i.Dial)
    assert dial.number == "+84901234567"
    before = len(questions_of(centre))
    for _ in range(5):
        centre.take(after=1)
    assert len(questions_of(centre)) <= before + 1


# --- private leads


def test_C13_a_private_lead_is_dialed_for_its_agent_and_holds_up_nobody() -> None:
    centre = Centre(floor(agents=2), start=False)
    put(centre, *(row(n, "retry", private_to="1002", next_at=START - n) for n in range(1, 41)), row(50), row(51))
    centre.ask("campaign.start", campaign="spring")
    first = only(centre.agent_ready("1001"), i.Dial)
    assert (first.number, first.booked) == ("7050", "1001")
    second = only(centre.agent_ready("1002"), i.Dial)
    assert (second.number, second.booked) == ("7040", "1002"), "his own go first"
    third = only(centre.take(f.CallEnded(first.call, cause=17), after=1), i.Dial)
    assert (third.number, third.booked) == ("7051", "1001")
    assert not every(centre.take(f.CallEnded(third.call, cause=17), after=1), i.Dial), "the rest is not for him"
    assert dial_all(centre, second, 40) == [str(7040 - n) for n in range(40)]


def test_C13_a_public_recall_goes_before_a_private_retry() -> None:
    centre = Centre(floor(agents=1), start=False)
    put(centre, row(1, "retry", private_to="1001"), row(2, "callback"), row(3, "callback", private_to="1001"))
    centre.ask("campaign.start", campaign="spring")
    assert dial_all(centre, only(centre.agent_ready("1001"), i.Dial), 3) == ["7003", "7002", "7001"]


def test_C13_private_leads_of_an_agent_who_is_away_are_told_as_the_reason() -> None:
    centre = Centre(floor(agents=2), start=False)
    put(centre, row(1, private_to="1002"), row(2, "callback", private_to="1002", next_at=START + 900))
    centre.ask("campaign.start", campaign="spring")
    assert not every(centre.agent_ready("1001"), i.Dial)
    told = why(centre.live, "spring")
    assert (told["factor"], told["leads_private"]) == ("private", {"1002": 1})
    assert told["because"] == "all leads that are due are private to agents who are not free: 1002 (1)"
    wakeup = centre.exchange.next_wakeup()
    assert wakeup is None or wakeup > centre.now, "it does not turn round and round"
    dial = only(centre.agent_ready("1002"), i.Dial)
    assert dial.booked == "1002"


def test_C13_a_lead_made_private_during_its_call_comes_back_to_its_agent() -> None:
    centre = Centre(floor(agents=2), leads=1)
    dial = only(centre.agent_ready("1001"), i.Dial)
    centre.live.leads[dial.lead].private_to = "1002"
    centre.take(f.CallEnded(dial.call, cause=17), after=1)
    assert not every(centre.take(after=900), i.Dial)
    assert only(centre.agent_ready("1002"), i.Dial).booked == "1002"
    assert centre.live.private_to == {"spring": {"1002"}}


# --- nothing is lost, and it can be told again


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "order": {
            "recalls": draw(st.sampled_from(["first", "with_retries"])),
            "mix": draw(st.sampled_from(["fresh_first", "retries_first", "1:1", "3:2"])),
            "fresh": draw(st.sampled_from(["oldest", "newest"])),
            "retries": draw(st.sampled_from(["earliest_due", "fewest_attempts"])),
        },
        "lists": draw(st.dictionaries(st.sampled_from(["a", "b"]), st.integers(0, 3))),
        "rest": {"busy": {"again_after_min": draw(st.sampled_from([0, 1, 10]))}},
        "max_attempts": 3,
        "wrap_up_s": 0,
    }


@settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data(), policy=policies())
def test_C09_every_lead_is_called_as_often_as_the_policy_says_and_none_is_lost(
    data: st.DataObject, policy: dict[str, Any]
) -> None:
    """Whatever comes in between: imports, new policies, and leads that are private, recalled or of a paused list."""
    centre = Centre(floor(agents=2, campaign=policy), start=False)
    rows = [
        row(
            n,
            data.draw(st.sampled_from(["new", "retry", "callback"])),
            next_at=START + data.draw(st.sampled_from([0, 0, 5, 300])),
            priority=data.draw(st.sampled_from([0, 0, 9])),
            list_name=data.draw(st.sampled_from(["", "a", "b"])),
            private_to=data.draw(st.sampled_from(["", "", "1001", "1002"])),
        )
        for n in range(1, data.draw(st.integers(1, 25)))
    ]
    put(centre, *rows)
    centre.live.count("lead")
    centre.live.counters["lead"].value = 100  # the leads that come later get other ids
    centre.ask("campaign.start", campaign="spring")
    wanted = [*centre.agent_ready("1001"), *centre.agent_ready("1002")]
    calls = [dial.call for dial in every(wanted, i.Dial)]
    added = changed = 0
    for _ in range(2000):
        what = data.draw(st.integers(0, 40)) if added < 3 or changed < 3 else 0
        if what == 1 and added < 3:
            added += 1
            priority = data.draw(st.sampled_from([0, 50]))
            more = numbered(30000 + 100 * added, 3, list_name=data.draw(st.sampled_from(["a", "c"])), priority=priority)
            wanted = centre.take(leads(*more))
        elif what == 2 and changed < 3:
            changed += 1
            policy = {**policy, "lists": data.draw(st.dictionaries(st.sampled_from(["a", "b"]), st.integers(0, 2)))}
            wanted = centre.take(f.Configured(floor(agents=2, campaign=policy)))
        elif calls:
            wanted = centre.take(
                f.CallEnded(calls.pop(0), cause=17), after=data.draw(st.sampled_from([0.0, 1.0, 40.0]))
            )
        else:
            at = centre.exchange.next_wakeup()
            if at is None:
                break
            wanted = centre.take(after=max(0.0, at - centre.now))
        calls += [dial.call for dial in every(wanted, i.Dial)]
    paused = {name for name, share in policy["lists"].items() if not share}
    for lead in centre.rows.leads.values():
        if lead.list_name in paused:
            assert lead.state in ("new", "retry", "callback", "exhausted")
        else:
            assert lead.state == "exhausted", f"{lead} waits for ever"
            assert lead.attempts == 3
    for committed in centre.turns:
        assert decode(encode(committed.turn)) == committed.turn
        for dial in every(committed.turn.intents, i.Dial):
            to = centre.rows.leads[dial.lead].private_to
            assert to in ("", dial.booked)
