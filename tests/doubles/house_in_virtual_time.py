"""A whole house in virtual time: the street, the exchange and the daemon's own way of commands, imports and exports.

Never lets time pass while a command, an import or an export is under way: to the house they take no time at all.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, cast

from dialerd.adapters.exports.csv_text import harmless
from dialerd.adapters.exports.writing import FileExports
from dialerd.adapters.sheets.import_folder import ImportFolder
from dialerd.adapters.sheets.reading import SheetFiles
from dialerd.adapters.storage.ledger import SyncLedger
from dialerd.campaigns import packs
from dialerd.control.table import Who
from dialerd.model.facts import AnyFact, Configured
from dialerd.model.instants import Instant
from dialerd.model.intents import Answer
from dialerd.model.policies import Floor
from dialerd.model.turn import Committed
from dialerd.ports.clock import Clock
from dialerd.ports.import_files import Lists
from dialerd.ports.store import Store
from dialerd.runtime.requests import Requests
from dialerd.runtime.turn_loop import TurnLoop
from dialerd.settings.packs import shipped
from sim.driver import Shift
from sim.scenario import Scenario
from tests.doubles.desk_with_store import Told

Act: TypeAlias = Callable[[], Awaitable[Any]]


class _Process:
    """Keeps dialerd.control.table.House."""

    def status(self) -> dict[str, Any]:
        return {"store_failing": ""}

    async def reload(self) -> dict[str, Any]:
        return {"reloaded": "nothing"}


class _Heard(Shift):
    """A shift of which every turn is told, and that can be asked what is due next."""

    def __init__(self, scenario: Scenario, ledger: SyncLedger, floor: Floor) -> None:
        super().__init__(scenario, ledger)
        self._next = [Configured(floor.model_dump(mode="json"), packs.told(shipped()))]
        self.told: list[Callable[[Committed], None]] = []

    def due(self) -> Instant | None:
        """When the next turn is due; None: never."""
        if self._next:
            return self.now
        found = [at for at in (self.exchange.next_wakeup(), self.telephony.next_time()) if at is not None]
        return max(self.now, min(found)) if found else None

    def turn(self) -> Committed:
        committed = super().turn()
        for hear in self.told:
            hear(committed)
        return committed


class _Turns:
    """What commands and jobs need of a turn loop; a fact is taken as soon as nothing else runs."""

    failing = ""

    def __init__(self, shift: _Heard) -> None:
        self._shift = shift
        self._called = False

    @property
    def committed(self) -> int:
        return self._shift.exchange.seq

    def put(self, fact: AnyFact) -> None:
        self._shift.tell(fact)
        if not self._called:
            self._called = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._called = False
        self._shift.turn()

    async def settle(self, fact: AnyFact) -> None:
        self._shift.tell(fact)
        self._shift.turn()


class _Clock:
    """What commands need of a clock."""

    def __init__(self, shift: _Heard) -> None:
        self._shift = shift

    def now(self) -> Instant:
        return self._shift.now


class House:
    """Commands in, replies out, and a day to be lived."""

    def __init__(self, shift: _Heard, ledger: SyncLedger, exports: FileExports, lists: Lists) -> None:
        self.shift = shift
        self.ledger = ledger
        self.live = shift.live
        turns, store, clock = cast(TurnLoop, _Turns(shift)), cast(Store, Told(ledger)), cast(Clock, _Clock(shift))
        self.requests = Requests(shift.exchange.engine, turns, store, clock, _Process(), exports, lists)
        self._serial = itertools.count(1)
        self._planned: list[tuple[Instant, int, Act]] = []
        shift.told.append(self._answers)

    @property
    def now(self) -> Instant:
        """The instant that the house got to."""
        return self.shift.now

    def _answers(self, committed: Committed) -> None:
        for intent in committed.turn.intents:
            if isinstance(intent, Answer):
                self.requests.answered(intent)

    async def ask(self, who: str, command: str, /, **args: Any) -> dict[str, Any]:
        """The reply; `who` has the roles that the floor gives him."""
        reply = await self.requests.ask(Who(who, self.requests.roles_of(who)), command, f"n{next(self._serial)}", args)
        found: dict[str, Any] = json.loads(reply)
        return found

    async def done(self, who: str, command: str, /, **args: Any) -> dict[str, Any]:
        """The result of a command that has to succeed."""
        reply = await self.ask(who, command, **args)
        assert reply["ok"], (who, command, args, reply)
        result: dict[str, Any] = reply["result"]
        return result

    async def refused(self, who: str, command: str, /, **args: Any) -> str:
        """The code of the error of a command that has to be refused."""
        reply = await self.ask(who, command, **args)
        assert not reply["ok"], (who, command, args, reply)
        return str(reply["error"]["code"])

    def plan(self, at: Instant, act: Act) -> None:
        """Somebody does something at an instant."""
        heapq.heappush(self._planned, (max(at, self.now), next(self._serial), act))

    def plan_command(self, at: Instant, who: str, command: str, /, **args: Any) -> None:
        """Somebody gives a command at an instant, and it has to succeed."""
        self.plan(at, partial(self.done, who, command, **args))

    async def live_until(self, until: Instant) -> None:
        """All that is due or planned before `until`, in order; then it is `until`."""
        while True:
            due = self.shift.due()
            planned = self._planned[0][0] if self._planned else None
            if planned is not None and planned < until and (due is None or planned <= due):
                _, _, act = heapq.heappop(self._planned)
                self.shift.now = max(self.now, planned)
                await act()
            elif due is not None and due < until:
                self.shift.now = due
                self.shift.turn()
            else:
                break
        self.shift.now = until


@asynccontextmanager
async def open_house(folder: Path, scenario: Scenario, floor: Floor) -> AsyncIterator[House]:
    """A house whose imports read from `folder`/lists, with a store in memory."""
    ledger = SyncLedger(":memory:", "normal")
    ledger.open()
    exports = FileExports(folder / "exports", at_once=2)
    await exports.open()
    files = ImportFolder(folder / "imports", upload_at_most=1_000_000, harmless=lambda text: harmless(text, "phone"))
    lists = Lists(SheetFiles([folder / "lists"]), files)
    files.open(())
    house = House(_Heard(scenario, ledger, floor), ledger, exports, lists)
    house.shift.turn()
    try:
        yield house
    finally:
        await house.requests.aclose()
