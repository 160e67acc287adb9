"""The turn loop: what may wait for company does, and nobody who waits is kept waiting for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from dialerd.model import facts as f
from dialerd.model import intents as i
from dialerd.model.turn import Committed
from dialerd.runtime import turn_loop
from dialerd.runtime.turn_loop import TurnLoop
from dialerd.runtime.wall_clock import WallClock
from tests.doubles.desk_of_facts import Centre, floor, only


class Paper:
    """A store that only keeps what was committed."""

    def __init__(self) -> None:
        self.turns: list[Committed] = []

    async def commit(self, batch: Sequence[Committed]) -> None:
        self.turns += batch

    async def harden(self) -> None:
        pass

    @property
    def kinds(self) -> list[list[str]]:
        """The facts' kinds, turn by turn."""
        return [[type(fact).__name__ for fact in committed.turn.facts] for committed in self.turns]


class House:
    """A turn loop on a centre's exchange."""

    def __init__(self, centre: Centre) -> None:
        self.paper = Paper()
        self.wanted: list[i.AnyIntent] = []
        self.loop = TurnLoop(
            centre.exchange,
            self.paper,  # type: ignore[arg-type]
            WallClock(),
            lambda committed, intents: self.wanted.extend(intents),
        )

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
def _nothing_waits_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn_loop, "LINGER_S", 3600.0)


def _in_flight(centre: Centre, agent: str = "1001") -> i.Dial:
    return only(centre.agent_ready(agent), i.Dial)


async def test_facts_that_nobody_waits_for_are_committed_together() -> None:
    centre = Centre(floor(agents=2), leads=5)
    one, two = _in_flight(centre), _in_flight(centre, "1002")
    async with running(centre) as house:
        house.loop.put(f.CallRinging(one.call))
        house.loop.put(f.CallRinging(two.call))
        house.loop.put(f.CallAnswered(one.call))
        await house.until(lambda: house.paper.turns)
    assert house.paper.kinds[0] == ["CallRinging", "CallRinging", "CallAnswered"]


@pytest.mark.usefixtures("_nothing_waits_by_the_clock")
async def test_a_customer_who_waits_is_served_at_once_and_what_lingers_goes_with_him() -> None:
    centre = Centre(floor(agents=2), leads=5)
    one, two = _in_flight(centre), _in_flight(centre, "1002")
    async with running(centre) as house:
        house.loop.put(f.CallRinging(two.call))
        await asyncio.sleep(0)
        house.loop.put(f.CallAnswered(one.call))
        house.loop.put(f.CallWaiting(one.call))
        await house.until(lambda: house.wanted)
    assert house.paper.kinds[0] == ["CallRinging", "CallAnswered", "CallWaiting"]
    assert only(house.wanted, i.Connect).call == one.call


@pytest.mark.usefixtures("_nothing_waits_by_the_clock")
async def test_while_a_customer_waits_an_agents_phone_is_not_kept_waiting() -> None:
    centre = Centre(floor(agents=1, softphone="ring"), leads=5)
    dial = _in_flight(centre)
    offer = only(centre.answered(dial.call), i.OfferCall)
    async with running(centre) as house:
        house.loop.put(f.PhoneRinging(offer.leg))
        house.loop.put(f.PhoneIdle(offer.leg))
        await house.until(lambda: house.wanted)
    assert only(house.wanted, i.Connect).leg == offer.leg


@pytest.mark.usefixtures("_nothing_waits_by_the_clock")
async def test_what_came_during_a_commit_is_not_forgotten() -> None:
    centre = Centre(floor(agents=2), leads=5)
    one, two = _in_flight(centre), _in_flight(centre, "1002")
    async with running(centre) as house:
        commit = house.paper.commit

        async def slow(batch: Sequence[Committed]) -> None:
            if not house.paper.turns:
                house.loop.put(f.CallWaiting(two.call))
            await commit(batch)

        house.paper.commit = slow  # type: ignore[method-assign]
        house.loop.put(f.CallWaiting(one.call))
        await house.until(lambda: len(house.wanted) >= 2)
    assert [intent.call for intent in house.wanted if isinstance(intent, i.Connect)] == [one.call, two.call]
