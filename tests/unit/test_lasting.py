"""What is on the disk before it leaves: no call that a power cut could make us forget, and no customer kept waiting (O08)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from dialerd.model import facts as f
from dialerd.model import intents as i
from dialerd.model.turn import Committed
from dialerd.ports.store import StoreFailingError
from dialerd.runtime import leaving
from dialerd.runtime.turn_loop import TurnLoop
from dialerd.runtime.wall_clock import WallClock
from tests.doubles.desk_of_facts import Centre, floor, only


class Diary:
    """A store and a port in one that write down in which order they were used."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.disk_refuses = False

    async def commit(self, batch: Sequence[Committed]) -> None:
        self.lines.append("written")

    async def harden(self) -> None:
        if self.disk_refuses:
            raise StoreFailingError("the disk refuses")
        self.lines.append("on disk")

    def carry(self, committed: Committed, intents: Sequence[i.AnyIntent]) -> None:
        self.lines += [type(intent).__name__ for intent in intents if isinstance(intent, i.TELEPHONY)]


class House:
    def __init__(self, centre: Centre) -> None:
        self.diary = Diary()
        self.loop = TurnLoop(centre.exchange, self.diary, WallClock(), self.diary.carry)  # type: ignore[arg-type]

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not holds():
                await asyncio.sleep(0.001)


@asynccontextmanager
async def running(centre: Centre) -> AsyncIterator[House]:
    house = House(centre)
    task = asyncio.create_task(house.loop.run())
    try:
        yield house
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def _written_is_good_enough_for_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaving, "UNSURE_S", 3600.0)


@pytest.mark.usefixtures("_written_is_good_enough_for_an_hour")
async def test_O08_an_answer_to_a_person_and_a_call_are_on_the_disk_before_they_leave() -> None:
    centre = Centre(floor(agents=1), leads=5)
    async with running(centre) as house:
        house.loop.put(f.Asked("r1", "1001", ("agent",), "agent.login", {"ready": True}))
        await house.until(lambda: "CallPhone" in house.diary.lines)
        assert house.diary.lines == ["written", "on disk", "CallPhone"]
        house.loop.put(f.PhoneIdle(centre.live.agents["1001"].leg))
        await house.until(lambda: "Dial" in house.diary.lines)
        assert [line for line in house.diary.lines[3:] if line != "written"] == ["on disk", "Dial"]


@pytest.mark.usefixtures("_written_is_good_enough_for_an_hour")
async def test_V03_a_waiting_customer_is_bridged_without_waiting_for_the_disk() -> None:
    centre = Centre(floor(agents=1), leads=5)
    dial = only(centre.agent_ready("1001"), i.Dial)
    async with running(centre) as house:
        house.loop.put(f.CallWaiting(dial.call))
        await house.until(lambda: "Connect" in house.diary.lines)
        assert house.diary.lines == ["written", "Connect"]


async def test_O08_what_was_only_written_is_on_the_disk_soon_after() -> None:
    centre = Centre(floor(agents=1), leads=5)
    dial = only(centre.agent_ready("1001"), i.Dial)
    async with running(centre) as house:
        house.loop.put(f.CallWaiting(dial.call))
        await house.until(lambda: len(house.diary.lines) >= 3)
        assert house.diary.lines == ["written", "Connect", "on disk"]


@pytest.mark.usefixtures("_written_is_good_enough_for_an_hour")
async def test_O08_a_turn_that_bridges_one_and_calls_another_bridges_first_and_calls_when_it_is_on_the_disk() -> None:
    centre = Centre(floor(agents=2), leads=5)
    one = only(centre.agent_ready("1001"), i.Dial)
    two = only(centre.agent_ready("1002"), i.Dial)
    centre.take(after=1.0)
    async with running(centre) as house:
        house.diary.disk_refuses = True
        house.loop.put(f.CallEnded(two.call, 17, 486, "busy"))
        house.loop.put(f.CallWaiting(one.call))
        await house.until(lambda: house.loop.failing)
        assert house.diary.lines == ["written", "Connect"], "nobody is called while the disk refuses"
        house.diary.disk_refuses = False
        await house.until(lambda: "Dial" in house.diary.lines)
    assert [line for line in house.diary.lines[2:] if line != "written"][:2] == ["on disk", "Dial"]
