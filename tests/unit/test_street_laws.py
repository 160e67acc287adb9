"""What must hold on any street whatever is wished: legs end once, the same seed gives the same day, order is no chance.

Never a particular number of calls.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.legs import At, Call
from sim.scenario import check_scenario, read_scenario
from sim.street import Street
from sim.street_events import (
    AgentWants,
    Answered,
    AnyStreetEvent,
    Bridged,
    Dropped,
    Ended,
    PhoneEnded,
    PhoneIdle,
    Ringing,
    Waiting,
)

NUMBERS = ["71005020001", "71010000001", "72003486001", "74000000001", "75000000001", "84900000001", "84900000002"]
WILD: dict[str, Any] = {
    "name": "wild",
    "start": 0,
    "hours": 0.05,
    "agents": {"count": 4, "first": 1005, "unanswered": 0.2, "busy": 0.1, "breaks_per_hour": 40, "sign_in_s": 20},
    "customers": {"numbers": "scripted", "answer_rate": 0.6, "machine": 0.1, "talk": {"mean_s": 20}, "message_s": 3},
    "lines": {"limit": 5, "calls_per_second": 3, "outages": [{"from_s": 50, "until_s": 60}]},
    "campaign": {"region": "none"},
}
STEP = st.tuples(
    st.sampled_from(["dial", "dial", "ring", "nail", "bridge", "bridge", "mark", "hang_up", "drop", "vanish", "wait"]),
    st.integers(0, 30),
    st.integers(0, 30),
    st.sampled_from([0.0, 0.0, 0.1, 0.5, 1.0, 3.0, 8.0, 20.0]),
)


def play(street: Street, steps: list[tuple[str, int, int, float]]) -> tuple[list[AnyStreetEvent], list[str], set[str]]:
    """Do the wishes; all events, all legs that were begun, and those that an exchange's death took."""
    begun: list[str] = []
    lost: set[str] = set()
    events: list[AnyStreetEvent] = []
    now = 0.0
    for place, (wish, one, two, dt) in enumerate(steps):
        now += dt
        calls = [leg for leg in begun if leg[0] == "c"] or ["c-none"]
        phones = [leg for leg in begun if leg[0] == "p"] or ["p-none"]
        if wish == "dial":
            begun.append(f"c{place}")
            street.originate_customer(
                f"c{place}", NUMBERS[one % len(NUMBERS)], 5 + two, 1 + one % 7, now, drop_s=float(two % 3)
            )
        elif wish in ("ring", "nail"):
            begun.append(f"p{place}")
            street.originate_phone(f"p{place}", str(1004 + one % 6), 3 + two, wish == "nail", now)
        elif wish == "bridge":
            street.bridge(calls[one % len(calls)], phones[two % len(phones)], now, mark=bool(one % 2))
        elif wish == "mark":
            street.mark_talk(calls[one % len(calls)], now)
        elif wish == "hang_up":
            street.hang_up((calls + phones)[one % (len(calls) + len(phones))], now)
        elif wish == "drop":
            street.drop(calls[one % len(calls)], now)
        elif wish == "vanish" and one == 0:
            events += street.advance(now)
            lost |= {leg.id for leg in street.legs()}
            street.vanish(now)
        events += street.advance(now)
    return events, begun, lost


@settings(max_examples=300, deadline=None)
@given(steps=st.lists(STEP, max_size=60), seed=st.integers(0, 1000))
def test_O07_every_leg_ends_exactly_once_whatever_is_wished(
    steps: list[tuple[str, int, int, float]], seed: int
) -> None:
    street = Street(check_scenario(WILD), seed)
    events, begun, lost = play(street, steps)
    events += street.advance(street.now + 4000)
    for leg in street.legs():
        street.hang_up(leg.id, street.now)
    events += street.advance(street.now + 4000)

    ends = Counter(e.call if isinstance(e, Ended) else e.leg for e in events if isinstance(e, Ended | PhoneEnded))
    assert ends == Counter(leg for leg in begun if leg not in lost)
    assert street.legs() == []
    assert street.lines_used[0] == 0
    books = street.books
    assert books.live_calls == {}
    assert books.live_phones == {}
    assert sum(books.ends.values()) == books.calls
    assert sum(books.invites.values()) <= books.calls
    answered = {e.call for e in events if isinstance(e, Answered)}
    vanished_waiting = books.answered - books.connected - books.abandoned - books.hung_up
    assert 0 <= vanished_waiting <= len(lost & answered)
    assert [e.at for e in events] == sorted(e.at for e in events)


@settings(max_examples=200, deadline=None)
@given(steps=st.lists(STEP, max_size=60), seed=st.integers(0, 1000))
def test_O07_a_legs_story_has_an_order(steps: list[tuple[str, int, int, float]], seed: int) -> None:
    street = Street(check_scenario(WILD), seed)
    events, _, _ = play(street, steps)
    events += street.advance(street.now + 4000)
    seen: dict[str, set[type]] = {}
    for event in events:
        if isinstance(event, AgentWants):
            continue
        leg = event.leg if hasattr(event, "leg") and not isinstance(event, Bridged) else event.call
        story = seen.setdefault(leg, set())
        assert Ended not in story, f"{event} after the end"
        assert PhoneEnded not in story, f"{event} after the end"
        if isinstance(event, Ringing):
            assert not story
        if isinstance(event, Waiting):
            assert Answered in story
        if isinstance(event, Bridged):
            assert Waiting in story
            assert PhoneIdle in seen[event.leg]
            assert PhoneEnded not in seen[event.leg]
        if isinstance(event, Dropped):
            assert Answered in story
        story.add(type(event))


@settings(max_examples=100, deadline=None)
@given(steps=st.lists(STEP, max_size=40), seed=st.integers(0, 1000))
def test_O07_pairs_are_always_mutual(steps: list[tuple[str, int, int, float]], seed: int) -> None:
    street = Street(check_scenario(WILD), seed)
    for end in range(len(steps)):
        play_one = steps[end : end + 1]
        wish, one, two, dt = play_one[0]
        play(street, [("wait", 0, 0, street.now)])
        if wish == "dial":
            street.originate_customer(f"c{end}", NUMBERS[one % len(NUMBERS)], 30, 9, street.now + dt)
        elif wish in ("ring", "nail"):
            street.originate_phone(f"p{end}", str(1005 + one % 4), 9, wish == "nail", street.now + dt)
        elif wish == "bridge":
            street.bridge(f"c{one}", f"p{two}", street.now + dt)
        elif wish == "hang_up":
            street.hang_up(f"{'cp'[one % 2]}{two}", street.now + dt)
        for leg in street.legs():
            other = leg.phone if isinstance(leg, Call) else leg.call
            assert (other is not None) == (leg.at == At.TALKING)
            if other is not None:
                assert (other.phone if isinstance(other, Call) else other.call) is leg
                assert other in street.legs()


def day(seed: int) -> bytes:
    """A day without a daemon: everybody is called once, the first idle phone takes who waits."""
    scenario = read_scenario("demo")
    street = Street(scenario, seed)
    lines: list[bytes] = []
    offers = 0
    for i, number in enumerate(scenario.leads.phones()):
        street.originate_customer(f"c{i:05d}", number, 30, 8, street.start + 3 * i)
        for event in street.advance(street.start + 3 * i):
            lines.append(msgspec.json.encode(event))
            if isinstance(event, Waiting):
                offers += 1
                street.originate_phone(f"p{offers:05d}", f"100{1 + offers % 8}", 15, False, street.now)
            if isinstance(event, PhoneIdle) and event.picked_up:
                waiting = [leg.id for leg in street.legs() if isinstance(leg, Call) and leg.at == At.HOLDING]
                if waiting:
                    street.bridge(waiting[0], event.leg, street.now)
    lines += [msgspec.json.encode(event) for event in street.advance(street.end + 1)]
    return b"\n".join([*lines, street.books.as_json()])


def test_O07_the_same_seed_gives_the_same_day_byte_for_byte_and_another_seed_another() -> None:
    first = day(7)
    assert first == day(7)
    assert first != day(8)
    assert first.count(b"Bridged") > 20


def test_O07_what_a_number_does_depends_on_how_often_it_was_called_and_not_on_the_order_of_dialing() -> None:
    def fates(numbers: list[str], gap_s: float) -> dict[str, tuple[str, float]]:
        street = Street(read_scenario("demo"), 5, 0.0)
        for i, number in enumerate(numbers):
            street.originate_customer(f"c{i}", number, 30, 0, i * gap_s)
        found: dict[str, tuple[str, float]] = {}
        for event in street.advance(10_000):
            if isinstance(event, Answered | Ended):
                place = int(event.call[1:])
                found.setdefault(numbers[place], (type(event).__name__, round(event.at - place * gap_s, 6)))
        return found

    numbers = [str(84900000000 + i) for i in range(100)]
    assert fates(numbers, 5.0) == fates(numbers[::-1], 7.0)
    assert len(set(fates(numbers, 5.0).values())) > 50


def test_O07_the_next_call_to_a_number_is_another_draw() -> None:
    street = Street(read_scenario("demo"), 5, 0.0)
    for i in range(60):
        street.originate_customer(f"c{i}", "84900000000", 30, 0, i * 60.0)
    kinds = Counter(type(e).__name__ for e in street.advance(10_000) if isinstance(e, Answered | Ended))
    assert 10 < kinds["Answered"] < 50
    assert street.books.invites == {"84900000000": 60}
