"""The watch over an AMI connection, in a loop whose time the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from dialerd.adapters.asterisk.ping_watch import UNANSWERED, PingWatch

EVERY_S, DEADLINE_S = 5.0, 10.0


class Handle:
    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Rig:
    """A loop of timers alone, and what the watch did."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.timers: list[tuple[float, Handle, Callable[..., None], tuple[Any, ...]]] = []
        self.pings: list[float] = []
        self.ends: list[str] = []
        self.watch = PingWatch(
            cast(asyncio.AbstractEventLoop, self),
            every_s=EVERY_S,
            deadline_s=DEADLINE_S,
            ping=lambda: self.pings.append(self.now),
            dead=self._dead,
        )
        self.watch.start()

    def time(self) -> float:
        return self.now

    def call_at(self, at: float, call: Callable[..., None], *args: object) -> Handle:
        handle = Handle()
        self.timers.append((at, handle, call, args))
        return handle

    def _dead(self, reason: str) -> None:
        self.ends.append(reason)
        self.watch.stop()

    def answer(self) -> None:
        self.watch.heard_at = self.now
        self.watch.answered()

    def go(self, seconds: float) -> None:
        """Let time pass; each timer fires when it is due."""
        until = self.now + seconds
        while self._fire(until):
            pass
        self.now = until

    def stand_still(self, seconds: float) -> None:
        """Time passes and nothing runs; what was due fires late, before anything is read (as under uvloop)."""
        self.now += seconds
        self._fire(self.now, late=True)

    def _fire(self, until: float, *, late: bool = False) -> bool:
        self.timers = [timer for timer in self.timers if not timer[1].cancelled]
        due = [timer for timer in self.timers if timer[0] <= until]
        if not due:
            return False
        timer = min(due, key=lambda each: each[0])
        self.timers.remove(timer)
        if not late:
            self.now = timer[0]
        timer[2](*timer[3])
        return True


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_ami_watch_a_ping_goes_out_every_so_often(rig: Rig) -> None:
    for _ in range(3):
        rig.answer()
        rig.go(EVERY_S)
    assert rig.pings == [1000.0, 1005.0, 1010.0, 1015.0]
    assert rig.ends == []


def test_ami_watch_silence_ends_it_once(rig: Rig) -> None:
    rig.go(DEADLINE_S - 0.001)
    assert rig.ends == []
    rig.go(0.001)
    assert rig.ends == ["no sign of life for 10 s"]
    rig.go(1000)
    assert len(rig.ends) == 1
    assert len(rig.pings) == 1


def test_ami_watch_events_are_a_sign_of_life_for_three_deadlines(rig: Rig) -> None:
    for _ in range(UNANSWERED * int(DEADLINE_S) - 1):
        rig.watch.heard_at = rig.now
        rig.go(1)
    assert rig.ends == []
    rig.go(1)
    assert rig.ends == ["events come, but no action is answered for 30 s"]


def test_ami_watch_events_that_stop_are_silence_from_then_on(rig: Rig) -> None:
    rig.go(7)
    rig.watch.heard_at = rig.now
    rig.go(DEADLINE_S - 0.001)
    assert rig.ends == []
    rig.go(0.001)
    assert rig.ends == ["no sign of life for 10 s"]


def test_ami_watch_its_own_standing_still_is_not_the_others_silence(rig: Rig) -> None:
    rig.stand_still(DEADLINE_S * 10)
    assert rig.ends == []
    rig.answer()  # it lay in the socket
    rig.go(EVERY_S)
    assert rig.ends == []
    assert len(rig.pings) == 2


def test_ami_watch_standing_still_is_forgiven_once_a_ping(rig: Rig) -> None:
    rig.stand_still(DEADLINE_S * 2)
    rig.stand_still(DEADLINE_S * 2)
    assert rig.ends == ["no sign of life for 10 s"]


def test_ami_watch_lag_is_the_time_of_the_last_ping_or_of_the_missing_answer(rig: Rig) -> None:
    rig.now += 0.25
    assert rig.watch.lag_s == 0.25
    rig.answer()
    rig.now += 1
    assert rig.watch.lag_s == 0.25
    rig.go(EVERY_S - 1.25)
    assert len(rig.pings) == 2
    assert rig.watch.lag_s == 0.25
    rig.go(3)
    assert rig.watch.lag_s == 3


def test_ami_watch_an_answer_after_a_long_time_is_followed_by_a_ping_at_once(rig: Rig) -> None:
    rig.go(EVERY_S + 1)
    rig.answer()
    rig.go(0)
    assert rig.pings == [1000.0, 1006.0]
