"""The predictive and the progressive pacer: what they never do, and what makes them place more or fewer calls (V03, V04, V09)."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialerd.pacing import contract as c
from dialerd.pacing.policy import PacingPolicy
from dialerd.pacing.predictive import Predictive
from dialerd.pacing.progressive import Progressive
from tests.doubles.pacing_floor import Floor, shift

START = 1.7e9
AGES = st.lists(st.floats(0.0, 400.0), max_size=25)
RINGS = st.lists(st.floats(0.0, 40.0), max_size=40)
READINGS = st.builds(
    c.Reading,
    ready=AGES,
    connecting=st.lists(st.floats(0.0, 5.0), max_size=2),
    talking=AGES,
    wrap_up=st.lists(st.floats(0.0, 60.0), max_size=5),
    ringing=RINGS,
    in_detection=st.lists(st.floats(0.0, 5.0), max_size=4),
    waiting=st.lists(st.floats(0.0, 2.0), max_size=2),
    free_lines=st.integers(0, 60),
    total=st.builds(c.Counts, connected=st.integers(0, 5000), abandoned=st.integers(0, 160)),
    leads_left=st.none() | st.integers(0, 60),
)


def learned(cap: float = 0.03) -> Predictive:
    """A pacer that has seen an hour of ten agents."""
    pacer = Predictive(PacingPolicy(cap=cap))
    shift(Floor(10, hours=0.25, sign_in_s=5.0), pacer, seed=1)
    return pacer


SNAPSHOT = learned().snapshot(START)


def fresh(cap: float = 0.03) -> Predictive:
    return Predictive.restored(PacingPolicy(cap=cap), SNAPSHOT, START)


def changed(reading: c.Reading, **what: object) -> c.Reading:
    fields = {name: getattr(reading, name) for name in reading.__struct_fields__}
    return c.Reading(**{**fields, **what})


@given(READINGS)
@settings(max_examples=150, deadline=None)
def test_V09_never_more_calls_than_free_lines_and_leads_and_none_without_agents(reading: c.Reading) -> None:
    for pacer in (fresh(), Predictive(PacingPolicy()), Progressive()):
        found = pacer.calls_to_place(reading, START)
        assert 0 <= found <= reading.free_lines
        assert reading.leads_left is None or found <= reading.leads_left
        if reading.agents == 0:
            assert found == 0


@given(READINGS)
@settings(max_examples=100, deadline=None)
def test_V03_progressive_never_more_than_ready_agents_and_predictive_never_less(reading: c.Reading) -> None:
    alone = Progressive().calls_to_place(reading, START)
    assert alone <= max(0, len(reading.ready) - reading.in_flight)
    assert fresh().calls_to_place(reading, START) >= alone


@given(READINGS, st.floats(0.0, 100.0))
@settings(max_examples=100, deadline=None)
def test_V04_one_more_ready_agent_never_means_fewer_calls(reading: c.Reading, idle_s: float) -> None:
    more = changed(reading, ready=[*reading.ready, idle_s])
    assert fresh().calls_to_place(more, START) >= fresh().calls_to_place(reading, START)


@given(READINGS, st.floats(0.005, 0.06))
@settings(max_examples=100, deadline=None)
def test_V04_a_higher_cap_never_means_fewer_calls(reading: c.Reading, cap: float) -> None:
    assert fresh(cap + 0.03).calls_to_place(reading, START) >= fresh(cap).calls_to_place(reading, START)


@given(READINGS, st.integers(1, 60))
@settings(max_examples=100, deadline=None)
def test_V04_abandoned_calls_never_mean_more_calls(reading: c.Reading, more: int) -> None:
    worse = changed(
        reading, total=c.Counts(connected=reading.total.connected, abandoned=reading.total.abandoned + more * 100)
    )
    assert fresh().calls_to_place(worse, START) <= fresh().calls_to_place(reading, START)


@given(READINGS)
@settings(max_examples=60, deadline=None)
def test_V04_the_same_facts_give_the_same_answer(reading: c.Reading) -> None:
    assert fresh().calls_to_place(reading, START) == fresh().calls_to_place(reading, START)


def floor(ready: int, talking: int = 0, ringing: int = 0, **other: object) -> c.Reading:
    given_fields: dict[str, object] = {
        "ready": [3.0] * ready,
        "talking": [60.0] * talking,
        "ringing": [5.0] * ringing,
        "free_lines": 500,
        "total": c.Counts(connected=2000, abandoned=50),
    }
    return c.Reading(**{**given_fields, **other})  # type: ignore[arg-type]


def test_V04_it_dials_ahead_by_the_answer_rate() -> None:
    assert fresh().calls_to_place(floor(10), START) > 15  # one in five answers
    pacer = Predictive(PacingPolicy())
    shift(Floor(10, hours=0.15, sign_in_s=5.0, live=0.8, machines=0.0), pacer, seed=1)
    assert 10 <= pacer.calls_to_place(floor(10), START + 600) < 15


def test_V04_agents_about_to_be_free_count_and_agents_who_just_began_do_not() -> None:
    ending = fresh().calls_to_place(floor(0, wrap_up=[20.0] * 12), START)
    beginning = fresh().calls_to_place(changed(floor(0), talking=[0.5] * 12), START)
    assert ending > beginning + 5


def test_V04_agents_leaving_at_once_stop_the_dialing() -> None:
    pacer = fresh()
    assert pacer.calls_to_place(floor(12, 8, 20), START) > 0
    left = floor(1, 1, 30)
    assert pacer.calls_to_place(left, START + 1) == 0
    assert pacer.hang_up(left) == 0
    nobody = floor(0, 0, 30)
    assert pacer.calls_to_place(nobody, START + 2) == 0
    assert pacer.hang_up(nobody) == 30


def test_V04_a_cold_start_is_careful() -> None:
    cold = Predictive(PacingPolicy())
    first = cold.calls_to_place(floor(10, total=c.Counts()), START)
    assert 10 <= first <= 14


def test_V04_what_the_campaign_did_lately_replaces_the_prior() -> None:
    lately = c.Counts(placed=500, answered=50, connected=50)
    told = Predictive(PacingPolicy()).calls_to_place(floor(10, total=c.Counts(), recent=lately), START)
    assert told > Predictive(PacingPolicy()).calls_to_place(floor(10, total=c.Counts()), START) + 5


@pytest.mark.parametrize("odd", [math.nan, math.inf, -5.0])
def test_V04_an_odd_figure_from_outside_spoils_nothing(odd: float) -> None:
    pacer = fresh()
    for event in (c.Answered(odd), c.TalkEnded(odd), c.Ready(odd), c.Connected(odd), c.Abandoned(odd, "too_late")):
        pacer.observe(event, START)
    before = pacer.calls_to_place(floor(5, 5, 5), START)
    assert pacer.calls_to_place(floor(5, 5, 5), START - 3600) == before  # the clock was set back
    assert all(math.isfinite(n) for numbers in pacer.snapshot(START).values() for n in numbers)


def test_V04_what_is_believed_is_told_with_its_doubt() -> None:
    beliefs = fresh().beliefs
    assert beliefs.live_share == pytest.approx(0.2, rel=0.35)
    assert beliefs.talk_s == pytest.approx(110.0, rel=0.4)
    assert beliefs.wrap_s == pytest.approx(15.0, rel=0.3)
    assert 0.0 < beliefs.live_doubt < 0.5
    assert list(beliefs.pick_up_s) == sorted(beliefs.pick_up_s)
    assert beliefs.live_doubt < Predictive(PacingPolicy()).beliefs.live_doubt


def test_V04_a_pacer_that_is_started_anew_goes_on_as_it_was() -> None:
    pacer = learned()
    again = Predictive.restored(PacingPolicy(), pacer.snapshot(START), START)
    answers = [
        (one.calls_to_place(floor(ready, 20 - ready, ringing), START))
        for one in (pacer, again)
        for ready, ringing in ((3, 5), (8, 12), (1, 0))
    ]
    assert answers[:3] == pytest.approx(answers[3:], abs=1)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("version", [2.0], "version: found 2, allowed 1"),
        ("saved_at", [START - 15 * 86400], "saved_at: found 1296000 s ago"),
        ("saved_at", [START + 3600], "saved_at: found -3600 s ago"),
        ("talk_ends", [1.0, -1.0], "talk_ends: found -1, allowed 0 or more"),
        ("talk_ends", [0.0] * 5000, "talk_ends: found 5000 numbers, allowed 1800"),
        ("wrap_level", [1.0], "wrap_level: found 1 numbers, allowed 11"),
        ("calls", [1.0, math.nan, 1.0, 1.0], "calls: found 'nan', allowed finite numbers"),
        ("calls", "many", "calls: found str, allowed a list of numbers"),
        ("agents", [True, 1.0], "agents: found 'True', allowed finite numbers"),
        ("picked_up_lived_s", [1e11], "picked_up_lived_s: found 1e\\+11, allowed up to 1e\\+09"),
        ("budget", [1.0], "budget: found 1 numbers, allowed 3 or more"),
    ],
)
def test_V04_a_snapshot_that_cannot_be_believed_is_refused(field: str, value: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Predictive.restored(PacingPolicy(), {**SNAPSHOT, field: value}, START)


def test_V04_a_snapshot_with_something_missing_is_refused() -> None:
    with pytest.raises(ValueError, match="agents: found nothing, allowed a list of numbers"):
        Predictive.restored(PacingPolicy(), {key: SNAPSHOT[key] for key in SNAPSHOT if key != "agents"}, START)


def test_V04_an_older_snapshot_weighs_less() -> None:
    old = Predictive.restored(PacingPolicy(), SNAPSHOT, START + 6 * 86400).snapshot(START)
    assert sum(old["talk_lived_s"]) == pytest.approx(sum(SNAPSHOT["talk_lived_s"]) / 8, rel=0.01)


def test_V04_nothing_in_a_pacer_grows_with_the_calls() -> None:
    pacer = Predictive(PacingPolicy())
    shift(Floor(10, hours=0.4, live=0.5, talk_s=20.0), pacer, seed=2)
    before = {
        key: len(numbers) for key, numbers in pacer.snapshot(START).items() if not key.endswith(("ends", "lived_s"))
    }
    shift(Floor(10, hours=0.8, live=0.5, talk_s=20.0, start=START + 86400), pacer, seed=3)
    after = {
        key: len(numbers) for key, numbers in pacer.snapshot(START).items() if not key.endswith(("ends", "lived_s"))
    }
    assert after.pop("budget") <= 3 + 15 + 5
    before.pop("budget")
    assert after == before


def test_V04_a_decision_for_a_thousand_agents_does_not_take_longer_than_for_a_hundred_by_much() -> None:
    sizes = []
    for agents in (100, 1000):
        chance = np.random.default_rng(agents)
        pacer = fresh()
        reading = c.Reading(
            ready=[1.0] * (agents // 20),
            talking=chance.uniform(0, 300, agents),
            ringing=chance.uniform(0, 25, agents),
            free_lines=5000,
            total=c.Counts(connected=20_000, abandoned=500),
        )
        sizes.append(statistics.mean(pacer.calls_to_place(reading, START + n) for n in range(20)))
    assert sizes[1] > sizes[0]
