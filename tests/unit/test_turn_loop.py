"""The one writer: nothing leaves before the commit, and nothing is lost while the store cannot be written (O08)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from dialerd.campaigns.engine import Engine
from dialerd.campaigns.rebuilding import nothing_kept
from dialerd.model import facts as f
from dialerd.model import intents as i
from dialerd.model.turn import Committed
from dialerd.ports.store import StoreFailingError
from dialerd.runtime.carry_out import CarryOut
from dialerd.runtime.exchange import Exchange
from dialerd.runtime.turn_loop import TurnLoop
from tests.doubles.desk_of_facts import START, floor


class HandClock:
    """Time that the test moves; waits are over as soon as something wakes them, or at the moved time."""

    def __init__(self) -> None:
        self.time = START
        self._moved = asyncio.Event()

    def now(self) -> float:
        return self.time

    def move(self, seconds: float) -> None:
        self.time += seconds
        self._moved.set()

    async def wait(self, until: float, woken: asyncio.Event) -> None:
        while self.time < until and not woken.is_set():
            self._moved.clear()
            waits = [asyncio.ensure_future(self._moved.wait()), asyncio.ensure_future(woken.wait())]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for one in waits:
                one.cancel()


class Store:
    """Commits, unless it is full."""

    def __init__(self) -> None:
        self.full = False
        self.turns: list[Committed] = []
        self.tried = asyncio.Event()

    async def commit(self, batch: Sequence[Committed]) -> None:
        self.tried.set()
        if self.full:
            raise StoreFailingError("database or disk is full")
        self.turns += batch

    async def harden(self) -> None:
        if self.full:
            raise StoreFailingError("database or disk is full")


async def until(holds: Any) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0)


@pytest.fixture
def parts() -> tuple[HandClock, Store, TurnLoop, list[Committed]]:
    clock, store, left = HandClock(), Store(), []
    loop = TurnLoop(Exchange(Engine(nothing_kept("00c0ffee"))), store, clock, lambda turn, _: left.append(turn))  # type: ignore[arg-type]
    return clock, store, loop, left


async def test_O08_nothing_leaves_while_the_store_is_full_and_all_goes_on_when_there_is_room(
    parts: tuple[HandClock, Store, TurnLoop, list[Committed]],
) -> None:
    clock, store, loop, left = parts
    task = asyncio.create_task(loop.run())
    await loop.settle(f.Configured(floor()))
    assert len(left) == 1
    store.full = True
    store.tried.clear()
    loop.put(f.LinkLost("pbx", "gone"))
    await store.tried.wait()
    await until(lambda: loop.failing)
    assert "full" in loop.failing
    loop.put(f.Reconciled("pbx", (), ()))
    beats = loop.beats
    for _ in range(3):
        store.tried.clear()
        clock.move(2.5)
        await store.tried.wait()
    assert loop.beats > beats, "it lives, and says so to the watchdog"
    assert len(left) == 1
    store.full = False
    clock.move(2.5)
    await until(lambda: len(left) == 3)
    assert loop.failing == ""
    assert [type(fact) for turn in store.turns for fact in turn.turn.facts] == [f.Configured, f.LinkLost, f.Reconciled]
    assert [turn.turn.seq for turn in store.turns] == [1, 2, 3]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_facts_that_come_during_a_commit_are_taken_together(
    parts: tuple[HandClock, Store, TurnLoop, list[Committed]],
) -> None:
    _, store, loop, left = parts
    loop.put(f.Configured(floor()))
    for _ in range(50):
        loop.put(f.LinkLost("pbx", "gone"))
    task = asyncio.create_task(loop.run())
    await until(lambda: left)
    assert len(store.turns) == 1
    assert len(store.turns[0].turn.facts) == 51
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_O08_our_own_mistake_stops_the_loop(parts: tuple[HandClock, Store, TurnLoop, list[Committed]]) -> None:
    from dialerd.model.errors import OurMistakeError

    _, _, loop, _ = parts
    loop.exchange.engine.live.waiting["c-unknown"] = None
    loop.put(f.LinkLost("pbx", "gone"))
    with pytest.raises((OurMistakeError, KeyError)):
        async with asyncio.timeout(10):
            await loop.run()


class Recorded:
    """Telephony that keeps what it was asked."""

    def __init__(self) -> None:
        self.submitted: list[i.ToTelephony] = []

    def submit(self, intent: i.ToTelephony) -> None:
        self.submitted.append(intent)


def dial() -> i.Dial:
    return i.Dial("c1", "spring", 1, "5000", "pbx", "main", "PJSIP/5000@main", "", "", "", 30, 20, "music", "", "1001")


@pytest.mark.parametrize(("late_s", "sent"), [(0.0, True), (4.9, True), (5.1, False)])
async def test_O08_a_call_decided_too_long_ago_is_told_as_not_placed_instead_of_sent(late_s: float, sent: bool) -> None:
    from dialerd.model.turn import Turn

    clock, telephony, told = HandClock(), Recorded(), []
    carry = CarryOut({"pbx": telephony}, Store(), clock, told.append, lambda answer: None)  # type: ignore[arg-type]
    hang_up = i.HangUp("c0", "pbx", "stray")
    turn = Turn(1, clock.now(), (), (dial(), hang_up))
    clock.time += late_s
    carry(Committed(turn, ()), turn.intents)
    assert telephony.submitted == ([dial(), hang_up] if sent else [hang_up])
    assert [type(fact) for fact in told] == ([] if sent else [f.CallNotPlaced])


async def test_a_hang_up_of_a_leg_on_nobody_knows_which_server_goes_to_all() -> None:
    from dialerd.model.turn import Turn

    one, two = Recorded(), Recorded()
    carry = CarryOut({"a": one, "b": two}, Store(), HandClock(), lambda fact: None, lambda answer: None)  # type: ignore[arg-type]
    turn = Turn(1, START, (), (i.HangUp("c0", "", "stray"),))
    carry(Committed(turn, ()), turn.intents)
    assert one.submitted == two.submitted == [i.HangUp("c0", "", "stray")]
