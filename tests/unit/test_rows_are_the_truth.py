"""Live state can be rebuilt from the rows alone, whatever happened: compared after every turn of random shifts (O08)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, Phase, given, settings

from dialerd.adapters.storage.ledger import SyncLedger
from dialerd.campaigns.engine import Engine
from dialerd.campaigns.rebuilding import Kept, nothing_kept
from dialerd.model import facts as f
from dialerd.model import intents as i
from dialerd.model.turn import decode, encode
from dialerd.runtime.exchange import Exchange
from sim.driver import Shift
from sim.scenario import check_scenario
from tests.doubles.desk_of_facts import Centre, floor


@contextmanager
def ledger() -> Iterator[SyncLedger]:
    kept = SyncLedger(":memory:", "normal")
    kept.open()
    try:
        yield kept
    finally:
        kept.close()


def rebuilt(kept: Kept, configuration: dict[str, Any], now: float) -> dict[str, Any]:
    """The state that a daemon started now would have."""
    engine = Engine(kept)
    engine.live.now = now
    engine.apply(f.Configured(configuration))
    return engine.snapshot()


def test_O08_rows_tell_all_after_every_turn_of_a_shift() -> None:
    scenario = check_scenario(
        {
            "name": "hour",
            "hours": 0.5,
            "seed": 4,
            "agents": {"count": 5, "breaks_per_hour": 6, "unanswered": 0.2, "busy": 0.05, "softphone": "ring"},
            "customers": {"answer_rate": 0.4, "busy": 0.1, "congestion": 0.1, "talk": {"mean_s": 40, "cv": 0.9}},
            "leads": {"count": 300},
            "campaign": {"wrap_up_s": 5, "rest": {"busy": {"again_after_min": 2}}},
        }
    )
    with ledger() as kept:
        shift = Shift(scenario, kept)
        shift.begin()
        configuration = shift.live.floor.model_dump(mode="json")
        turns = 0
        while shift.step():
            turns += 1
            assert rebuilt(kept.load(), configuration, shift.now) == shift.exchange.engine.snapshot(), (
                f"turn {shift.exchange.seq}"
            )
        assert turns > 300
        assert shift.live.tallies["hour"].connected > 20


def _legs(centre: Centre) -> tuple[list[str], list[str]]:
    """Every customer's and every agent's leg that was ever wanted."""
    calls, phones = [], []
    for committed in centre.turns:
        for intent in committed.turn.intents:
            if isinstance(intent, i.Dial):
                calls.append(intent.call)
            elif isinstance(intent, i.OfferCall | i.CallPhone):
                phones.append(intent.leg)
    return calls, phones


def _any_fact(data: st.DataObject, centre: Centre) -> f.AnyFact:
    """Something that Asterisk might say, true or not, in any order."""
    calls, phones = _legs(centre)
    # mostly of the legs that live: oddities alone would not get far
    calls = (list(centre.live.calls) or calls) if data.draw(st.integers(0, 5)) else calls
    phones = (list(centre.live.by_leg) or phones) if data.draw(st.integers(0, 5)) else phones
    choices = ["woke", "link"]
    choices += ["ringing", "answered", "waiting", "left", "ended", "not_placed"] * 2 if calls else []
    choices += ["phone_ringing", "idle", "idle", "idle", "phone_ended"] if phones else []
    choices += ["bridged", "bridged", "failed"] if calls and phones else []
    kind = data.draw(st.sampled_from(choices))
    call = data.draw(st.sampled_from(calls)) if calls else ""
    leg = data.draw(st.sampled_from(phones)) if phones else ""
    if kind == "link":
        return _link(data, centre)
    made: dict[str, f.AnyFact] = {
        "woke": f.Woke(),
        "ringing": f.CallRinging(call),
        "answered": f.CallAnswered(call),
        "waiting": f.CallWaiting(call),
        "left": f.CallLeft(call),
        "ended": f.CallEnded(call, cause=data.draw(st.sampled_from([None, 1, 16, 17, 19, 34]))),
        "not_placed": f.CallNotPlaced(call, "link is down"),
        "phone_ringing": f.PhoneRinging(leg),
        "idle": f.PhoneIdle(leg),
        "phone_ended": f.PhoneEnded(leg, cause=data.draw(st.sampled_from([None, 16, 17, 19]))),
        "bridged": f.CallBridged(call, leg),
        "failed": f.ConnectFailed(call, leg, "no such channel"),
    }
    return made[kind]


def _link(data: st.DataObject, centre: Centre) -> f.AnyFact:
    if data.draw(st.booleans()):
        return f.LinkLost("pbx", "reset by peer")
    seen = []
    for call in list(centre.live.calls.values()):
        state = data.draw(st.sampled_from(["gone", "ringing", "answered", "waiting", "talking", "dropping"]))
        if state != "gone":
            seen.append(f.CallSeen(call.id, state, call.agent_leg if state == "talking" else ""))
    phones = []
    for leg in list(centre.live.by_leg):
        state = data.draw(st.sampled_from(["gone", "calling", "idle", "talking"]))
        if state != "gone":
            phones.append(f.PhoneSeen(leg, state))
    return f.Reconciled("pbx", tuple(seen), tuple(phones), data.draw(st.booleans()))


def check_the_floor(centre: Centre) -> None:
    """What must hold after every turn, whatever the outside said."""
    live = centre.live
    talking = [agent.call for agent in live.agents.values() if agent.call]
    assert len(talking) == len(set(talking)), "two agents on one call"
    booked = [call.booked for call in live.calls.values() if call.booked]
    assert len(booked) == len(set(booked)), "one agent kept for two calls"
    assert not set(booked) & set(live.free)
    numbers = [call.number for call in live.calls.values()]
    assert len(numbers) == len(set(numbers)), "one number called twice at once"
    for name, trunk in live.floor.trunks.items():
        lines = sum(call.trunk == name for call in live.calls.values())
        assert lines == live.trunk_lines[name] <= trunk.lines
    for campaign, counts in live.lead_states.items():
        assert all(n >= 0 for n in counts.values())
        assert counts["in_progress"] == live.campaign_lines[campaign]
    for agent in live.free:
        assert live.agents[agent].state == "ready"
        assert not live.agents[agent].call


@settings(
    max_examples=60,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data(), softphone=st.sampled_from(["ring", "nailed_up"]))
def test_O08_no_order_of_facts_breaks_the_floor_or_the_rows(data: st.DataObject, softphone: str) -> None:
    campaign = {
        "max_attempts": 3,
        "rest": {o: {"again_after_min": 0.1} for o in ("busy", "no_answer", "lost", "unknown")},
    }
    centre = Centre(floor(agents=3, softphone=softphone, campaign=campaign), leads=8)
    for agent in ("1001", "1002", "1003"):
        centre.agent_ready(agent)
    for _ in range(data.draw(st.integers(5, 40))):
        what = data.draw(st.integers(0, 11))
        if what == 11:
            phones = {"1001": {"phone": data.draw(st.sampled_from(["PJSIP/1001", "PJSIP/desk-7"])), "server": "pbx"}}
            phones["1001"]["softphone"] = softphone
            centre.take(f.Configured({**centre.configuration, "agents": {**centre.configuration["agents"], **phones}}))
        elif what == 10:
            verb = data.draw(st.sampled_from(["ready", "not-ready", "login", "logout", "hangup"]))
            args = {"reason": "rest"} if verb == "not-ready" else {}
            centre.ask(f"agent.{verb}", data.draw(st.sampled_from(["1001", "1002", "1003"])), **args)
        else:
            facts = [_any_fact(data, centre) for _ in range(data.draw(st.integers(1, 3)))]
            centre.take(*facts, after=data.draw(st.sampled_from([0.0, 0.5, 5.0, 40.0])))
        check_the_floor(centre)
        assert (
            rebuilt(centre.rows.load("00c0ffee"), centre.configuration, centre.now) == centre.exchange.engine.snapshot()
        )
    assert all(lead.attempts <= 3 for lead in centre.rows.leads.values()), "never more than the maximum"
    calls, _ = _legs(centre)
    assert len(centre.rows.attempts) == len(calls), "each call wanted is one attempt on record"


def test_the_same_facts_at_the_same_instants_give_the_same_turns() -> None:
    scenario = check_scenario(
        {
            "name": "again",
            "hours": 0.2,
            "agents": {"count": 4},
            "customers": {"answer_rate": 0.5},
            "leads": {"count": 100},
        }
    )
    with ledger() as kept:
        shift = Shift(scenario, kept)
        shift.run()
        recorded = kept.turns(0, 100_000)
    assert len(recorded) > 100
    again = Exchange(Engine(nothing_kept(shift.live.token)))
    for turn in recorded:
        read = decode(encode(turn))
        assert again.take(read.facts, read.at).turn == read
