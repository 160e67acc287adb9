"""Predictive dialing around its pacer: customers without an agent of their own wait, are served, or get the message (V04)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from dialerd.campaigns.pace import Pace
from dialerd.campaigns.why import why
from dialerd.model import facts as f
from dialerd.model import intents as i
from dialerd.pacing import contract as c
from dialerd.pacing.policy import PacingPolicy
from tests.doubles.desk_of_facts import Centre, every, floor, only


class Wants:
    """A pacer that wants so many calls in flight, and remembers what it heard."""

    def __init__(self, in_flight: int) -> None:
        self.in_flight = in_flight
        self.heard: list[c.Event] = []
        self.readings: list[c.Reading] = []

    def observe(self, event: c.Event, now: float) -> None:
        self.heard.append(event)

    def calls_to_place(self, reading: c.Reading, now: float) -> int:
        self.readings.append(reading)
        if not reading.agents:
            return 0
        return max(0, min(self.in_flight - reading.in_flight, reading.free_lines))


def centre(in_flight: int = 3, agents: int = 2, softphone: str = "nailed_up", **policy: Any) -> tuple[Centre, Wants]:
    made = Centre(floor(agents, softphone, {"mode": "predictive", "max_wait_s": 2, **policy}), leads=20)
    pacer = Wants(in_flight)
    made.live.paces["spring"] = Pace(PacingPolicy(0.03, float(policy.get("max_wait_s", 2.0))), pacer)
    return made, pacer


def started(c_: Centre, agents: int = 2) -> list[i.AnyIntent]:
    """All agents log in to the campaign that runs already; what is dialed."""
    for agent in range(agents):
        c_.agent_ready(str(1001 + agent))
    return [intent for turn in c_.turns[-2:] for intent in turn.turn.intents]


def run(c_: Centre, seconds: float) -> None:
    """Let time pass as the daemon does: a turn whenever something is due."""
    end = c_.now + seconds
    while (due := c_.exchange.next_wakeup()) is not None and due < end:
        c_.take(after=max(0.0, due - c_.now) + 1e-4)
    c_.take(after=max(0.0, end - c_.now))


def dials(c_: Centre) -> list[i.Dial]:
    return [one for turn in c_.turns for one in turn.turn.intents if isinstance(one, i.Dial)]


def in_flight(c_: Centre) -> list[str]:
    return [call for call in c_.live.calls if c_.live.calls[call].state in ("dialing", "ringing")]


def test_V04_more_calls_than_ready_agents_are_placed_if_the_pacer_wants_them() -> None:
    h, pacer = centre(in_flight=5)
    started(h)
    run(h, 1)
    assert len(in_flight(h)) == 5
    assert {dial.booked for dial in dials(h)} == {""}, "whoever is free when somebody answers takes him"
    assert pacer.heard.count(c.Placed()) == 5
    h.take(after=1)
    assert len(in_flight(h)) == 5, "it is asked again and wants no more"
    assert len(pacer.readings[-1].ringing) == 5 and len(pacer.readings[-1].ready) == 2


def test_V04_who_answers_is_connected_at_once_and_the_next_one_waits_for_the_first_free_agent() -> None:
    h, pacer = centre()
    started(h)
    run(h, 1)
    first, second, third = in_flight(h)
    legs = {}
    for call in (first, second):
        connect = only(h.answered(call), i.Connect)
        legs[call] = connect.leg
        h.take(f.CallBridged(call, connect.leg), after=0.1)
    assert h.live.calls[first].agent != h.live.calls[second].agent
    wanted = h.take(f.CallAnswered(third), f.CallWaiting(third), after=0.5)
    assert not every(wanted, i.Connect) and h.live.calls[third].state == "waiting"
    agent = h.live.calls[first].agent
    h.take(f.CallEnded(first, 16, None), f.PhoneIdle(legs[first]), after=0.5)
    wanted = h.ask("agent.ready", "sam", agent=agent) and h.turns[-1].turn.intents
    assert only(wanted, i.Connect).call == third, "the wrap-up was ended by his own word and the customer waited"
    assert pacer.heard.count(c.Offered()) == 3
    assert [event for event in pacer.heard if isinstance(event, c.TalkEnded)]


def test_V04_a_customer_whom_nobody_takes_in_time_gets_the_message_and_counts_as_abandoned() -> None:
    h, pacer = centre(in_flight=3, agents=1)
    started(h, 1)
    run(h, 1)
    first, second, _ = in_flight(h)
    connect = only(h.answered(first), i.Connect)
    h.take(f.CallBridged(first, connect.leg), after=0.1)
    h.take(f.CallAnswered(second), f.CallWaiting(second), after=0.1)
    drop = only(h.take(after=2.0), i.Drop)
    assert drop.call == second
    h.take(f.CallLeft(second), f.CallEnded(second, 16, None), after=1)
    assert h.live.tallies["spring"].abandoned == 1
    (gone,) = [event for event in pacer.heard if isinstance(event, c.Abandoned)]
    assert gone.reason == "too_late" and gone.wait_s == pytest.approx(3.0)


def shared(in_flight: int = 4) -> Centre:
    """Two agents, shared evenly with a progressive campaign."""
    h, _ = centre(in_flight=in_flight, agents=2)
    h.configuration["campaigns"]["autumn"] = {**h.configuration["campaigns"]["spring"], "mode": "progressive"}
    h.take(f.Configured(h.configuration, h.packs))
    h.take(f.LeadsAdded("autumn", tuple(f.NewLead(str(7000 + n)) for n in range(9)), "test", "olga"))
    h.ask("campaign.start", campaign="autumn")
    started(h)
    run(h, 2)
    return h


def test_V09_another_campaign_does_not_take_the_agent_who_is_kept_for_a_predictive_call() -> None:
    h = shared()
    by_campaign = {name: [one for one in dials(h) if one.campaign == name] for name in ("spring", "autumn")}
    kept = sorted(h.live.calls[call].campaign for call in h.live.booked.values())
    assert kept == ["autumn", "spring"], "each campaign has its part of the agents"
    assert len(by_campaign["spring"]) > 1
    assert len(by_campaign["autumn"]) == 1


def test_V04_whoever_answers_first_gets_the_agent_who_was_kept_for_a_call_that_still_rings() -> None:
    h = shared()
    mine = [call for call in in_flight(h) if h.live.calls[call].campaign == "spring"]
    (kept,) = [call for call in mine if h.live.calls[call].booked]
    other = next(call for call in mine if call != kept)
    agent = h.live.calls[kept].booked
    wanted = h.answered(other)
    assert only(wanted, i.Book).agent == agent
    assert only(wanted, i.Connect).call == other
    assert h.live.calls[kept].booked == ""


def test_V04_an_agent_who_does_not_answer_loses_the_call_to_the_next() -> None:
    h, _ = centre(in_flight=1, softphone="ring", max_wait_s=60)
    started(h)
    run(h, 1)
    (call,) = in_flight(h)
    offer = only(h.answered(call), i.OfferCall)
    wanted = h.take(f.PhoneEnded(offer.leg, None, None, 3), after=10)
    assert h.live.agents[offer.agent].state == "not_ready"
    second = only(wanted, i.OfferCall)
    assert second.agent != offer.agent and second.call == call


def test_V04_without_an_agent_nothing_is_placed_and_what_rings_is_hung_up() -> None:
    h, pacer = centre(in_flight=4)
    started(h)
    run(h, 1)
    ringing = in_flight(h)
    assert len(ringing) == 4
    for agent in ("1001", "1002"):
        h.take(f.Asked(f"out{agent}", agent, ("agent",), "agent.logout", {}))
    h.take(after=2)
    assert pacer.readings[-1].agents == 0
    assert not every(h.take(after=5), i.HangUp), "a phone rings at least 15 s (V14)"
    hung_up = every(h.take(after=15), i.HangUp)
    assert sorted(one.leg for one in hung_up) == sorted(ringing)
    assert len(dials(h)) == 4


def test_V04_an_agent_about_to_leave_is_not_counted() -> None:
    h, pacer = centre(in_flight=2)
    started(h)
    run(h, 1)
    first, _ = in_flight(h)
    connect = only(h.answered(first), i.Connect)
    h.take(f.CallBridged(first, connect.leg), after=0.1)
    h.take(f.Asked("n", connect.agent, ("agent",), "agent.not-ready", {"reason": "lunch"}), after=0.5)
    h.take(after=1.5)
    assert pacer.readings[-1].agents == 1


def test_V04_calls_go_out_at_the_trunks_calls_per_second() -> None:
    h, _ = centre(in_flight=6)
    h.configuration["trunks"]["main"]["calls_per_second"] = 2
    h.take(f.Configured(h.configuration, h.packs))
    started(h)
    placed = []
    for _step in range(30):
        due = h.exchange.next_wakeup()
        assert due is not None
        h.take(after=max(0.0, due - h.now))
        placed.append((h.now, len(dials(h))))
        if len(dials(h)) == 6:
            break
    times = [turn.turn.at for turn in h.turns for one in turn.turn.intents if isinstance(one, i.Dial)]
    assert len(times) == 6 and all(b - a == pytest.approx(0.5, abs=0.05) for a, b in pairwise(times))


def test_V04_a_real_pacer_begins_carefully_and_dials() -> None:
    h = Centre(floor(2, "nailed_up", {"mode": "predictive"}), leads=20)
    for agent in ("1001", "1002"):
        h.agent_ready(agent)
    h.take(after=1)
    assert 2 <= len(in_flight(h)) <= 10


def test_V04_why_tells_that_the_pacer_waits() -> None:
    h, _ = centre(in_flight=0)
    started(h)
    run(h, 1)
    told = why(h.live, "spring")
    assert told["factor"] == "pacing" and "abandon" in told["because"]


def test_C10_a_promised_recall_that_the_network_refused_stays_a_recall() -> None:
    h = Centre(floor(1, "nailed_up"), leads=1, start=False)
    row = h.lead("5000")
    found = f.Found(as_of=h.live.seq, leads=(row,))
    h.take(
        f.Asked(
            "r",
            "sam",
            ("supervisor",),
            "lead.callback",
            {"campaign": "spring", "phone": "5000", "call_at": h.now + 60},
            found,
        )
    )
    h.ask("campaign.start", campaign="spring")
    h.agent_ready("1001")
    dial = only(h.take(after=61), i.Dial)
    h.take(f.CallEnded(dial.call, 34, 503), after=1)
    assert h.lead("5000").state == "callback" and h.lead("5000").next_at > h.now
