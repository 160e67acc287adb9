"""The predictive pacer on floors of its own world, through the contract alone: the cap holds and agents are busy (V04, V12).

The floors are some of the public scenarios, shortened; the shares of busy time are what a pacer with this rule reaches in
them, less what single seeds stray by.
"""

from __future__ import annotations

import numpy as np
import pytest

from dialerd.pacing import contract as c
from dialerd.pacing.policy import PacingPolicy
from dialerd.pacing.predictive import Predictive
from dialerd.pacing.progressive import Progressive
from tests.doubles.pacing_floor import Floor, Result, shift


def paced(floor: Floor, cap: float = 0.03, seed: int = 11) -> Result:
    return shift(floor, Predictive(PacingPolicy(cap=cap, max_wait_s=floor.max_wait_s)), seed)


@pytest.mark.parametrize(
    ("floor", "cap", "busy"),
    [
        (Floor(2, hours=1.5), 0.03, 0.57),
        (Floor(10, hours=1.0, live=0.45, talk_s=60.0, wrap_s=12.0), 0.03, 0.75),
        (Floor(20, hours=1.2), 0.03, 0.80),
        (Floor(50, hours=1.0), 0.01, 0.82),
    ],
    ids=["2 agents", "10 agents", "20 agents", "50 agents at one percent"],
)
def test_V04_the_cap_holds_and_agents_are_busy(floor: Floor, cap: float, busy: float) -> None:
    found = paced(floor, cap)
    assert found.abandon_rate <= cap
    assert found.worst_in(500) <= 500 * cap
    assert found.occupancy >= busy


def test_V04_it_keeps_agents_far_busier_than_one_call_for_each_ready_agent() -> None:
    floor = Floor(20, hours=1.0)
    assert paced(floor).occupancy > 1.4 * shift(floor, Progressive(), 11).occupancy


def test_V04_the_cap_holds_when_the_answer_rate_doubles() -> None:
    found = paced(Floor(20, hours=1.1, live=lambda now: 0.12 if now < 2000 else 0.24), seed=5)
    assert found.abandon_rate <= 0.03
    assert found.occupancy > 0.75


def test_V04_the_cap_holds_when_talks_become_twice_as_long() -> None:
    found = paced(Floor(20, hours=1.0, live=0.3, talk_s=lambda now: 60.0 if now < 1800 else 120.0), seed=6)
    assert found.abandon_rate <= 0.03
    assert found.occupancy > 0.78


def test_V12_the_detection_and_its_mistakes_are_within_the_cap() -> None:
    found = paced(
        Floor(20, hours=0.8, live=0.25, machines=0.35, detection=True, false_positives=0.01, break_share=0.02), seed=7
    )
    assert found.mistaken > 0
    assert found.abandoned / (found.abandoned + found.connected) <= 0.02 / 0.99
    assert found.occupancy > 0.68


def test_V04_all_sign_in_at_once_and_nothing_is_known() -> None:
    found = paced(Floor(80, hours=0.25, sign_in_s=0.0), seed=8)
    assert found.abandon_rate <= 0.03
    assert found.occupancy > 0.65


def test_V04_half_of_the_agents_leave_at_once() -> None:
    found = paced(Floor(30, hours=0.7, leave_at_s=1300.0, leaving=15), seed=9)
    assert found.abandon_rate <= 0.03
    assert found.occupancy > 0.75


def test_V09_lines_are_the_limit() -> None:
    found = paced(Floor(20, hours=0.3, lines=40), seed=10)
    assert found.abandon_rate <= 0.03
    assert found.placed > 300


def test_V04_the_list_ends() -> None:
    found = paced(Floor(10, hours=0.7, leads=400), seed=12)
    assert found.placed == 400


def test_V03_the_floor_itself_loses_nobody_who_has_an_agent() -> None:
    found = shift(Floor(10, hours=1.0, live=0.3), Progressive(), 3)
    assert found.abandoned == 0
    assert found.connected == len(found.outcomes)
    # each agent: ring until somebody answers, talk, wrap up
    per_call_s = 0.3 * 11.0 + 0.62 * 30.0 + 0.05 * 2.5 + 0.03 * 0.7
    assert found.occupancy == pytest.approx(125.0 / (125.0 + per_call_s / 0.3), abs=0.05)


class _Watching:
    """Counts what a pacer is told, and answers as a progressive one."""

    def __init__(self) -> None:
        self.heard: dict[str, int] = {}
        self.readings: list[c.Reading] = []

    def observe(self, event: c.Event, now: float) -> None:
        self.heard[type(event).__name__] = self.heard.get(type(event).__name__, 0) + 1

    def calls_to_place(self, reading: c.Reading, now: float) -> int:
        self.readings.append(reading)
        return Progressive().calls_to_place(reading, now)


def test_V04_the_floor_ends_every_call_exactly_once_and_keeps_littles_law() -> None:
    watching = _Watching()
    found = shift(Floor(10, hours=2.0, live=0.3, machines=0.1, detection=True, false_positives=0.05), watching, 3)
    ends = sum(
        watching.heard.get(name, 0) for name in ("Machine", "NoAnswer", "Busy", "Failed", "Connected", "Abandoned")
    )
    last = watching.readings[-1]
    assert watching.heard["Placed"] == found.placed
    assert 0 <= found.placed - ends - last.in_flight <= 2
    talking = float(np.mean([len(reading.talking) for reading in watching.readings]))
    assert talking == pytest.approx(found.talked_s / 7200.0, rel=0.05)
