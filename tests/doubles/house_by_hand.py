"""The daemon's whole inside on a real store in memory, its time and its telephony moved by hand: commands take their real way.

Never waits for real time, and never lets anything leave before its turn is in the store.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterable, Awaitable, Callable, Coroutine
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar, cast

from dialerd.adapters.sheets.import_folder import ImportFolder
from dialerd.adapters.sheets.reading import SheetFiles
from dialerd.adapters.storage.connecting import MEMORY, connect
from dialerd.adapters.storage.ledger import SyncLedger
from dialerd.campaigns.engine import Engine
from dialerd.control.table import Who
from dialerd.model.facts import AnyFact, Asked, Configured
from dialerd.model.instants import Instant
from dialerd.model.turn import Committed
from dialerd.ports.exports import Batches, Exported, Format, PrintFormat, PrintSheet, Separator, Table
from dialerd.ports.import_files import Lists
from dialerd.runtime.carry_out import CarryOut
from dialerd.runtime.exchange import Exchange
from dialerd.runtime.requests import Requests
from tests.doubles.asterisk_by_hand import AsteriskByHand

T = TypeVar("T")
TOKEN = "00c0ffee"
ENDLESS = 3000
"""Turns at one instant: more than that are a circle of questions and answers."""
_made: list[SyncLedger] = []


class FreshLedger(SyncLedger):
    """A new store in memory with a token that is always the same: a copy of an empty one costs nothing."""

    def open(self) -> None:
        if not _made:
            first = SyncLedger(MEMORY, "normal")
            first.open()
            with first.writing("name it") as connection:
                connection.execute("UPDATE identity SET token = ?", (TOKEN,))
            _made.append(first)
        self._connection = connect(MEMORY)
        _made[0].connection.backup(self._connection)
        self._seq = 0


class _Asked:
    """The store's questions as they are awaited: the answer is as of when it was asked, and comes a little later."""

    def __init__(self, ledger: SyncLedger) -> None:
        self._ledger = ledger

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        ask = getattr(self._ledger, name)

        async def asked(*args: Any, **kwargs: Any) -> Any:
            answer = ask(*args, **kwargs)
            for _ in range(2):
                await asyncio.sleep(0)
            return answer

        return asked


class FilesInMemory:
    """Keeps `dialerd.ports.exports.Exports`: asks for every row, and writes them nowhere but here."""

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}

    async def write_table(self, table: Table, rows: Batches, form: Format, separator: Separator = ",") -> Exported:
        found = [batch async for batch in rows] if isinstance(rows, AsyncIterable) else list(rows)
        lines = [list(row) for batch in found for row in batch]
        return self._keep(json.dumps([[column.heading for column in table.columns], *lines]), form, len(lines))

    async def write_sheet(self, sheet: PrintSheet, form: PrintFormat) -> Exported:
        return self._keep(json.dumps([block.heading for block in sheet.blocks]), form, 1)

    def _keep(self, text: str, form: str, rows: int) -> Exported:
        name = f"{len(self._files) + 1}.{form}"
        self._files[name] = text.encode()
        return Exported(name, name, rows, len(self._files[name]))

    async def read_file(self, name: str, offset: int, length: int) -> tuple[bytes, int]:
        content = self._files[name]
        return content[offset : offset + length], len(content)

    async def prune(self, before: Instant) -> int:
        return 0


class HouseByHand:
    """All that `runtime` and `control` need of the process around them, in one."""

    def __init__(
        self,
        configuration: dict[str, Any],
        packs: dict[str, dict[str, Any]],
        now: Instant,
        saw: Callable[[Committed], None],
    ) -> None:
        self.loop = asyncio.new_event_loop()
        self.configuration, self.packs = configuration, packs
        self.ledger = FreshLedger(MEMORY, "normal")
        self.ledger.open()
        self.store = cast(Any, _Asked(self.ledger))
        self.telephony = {name: AsteriskByHand(name, lambda: self.exchange.seq) for name in configuration["servers"]}
        self.failing = ""
        self.committed = 0
        self.turns: list[Committed] = []
        self._now = now
        self._saw = saw
        self._at_this_instant = 0
        self._inbox: deque[AnyFact] = deque()
        self._turning = False
        self._folder = TemporaryDirectory()
        self._exports = FilesInMemory()
        self._serial = 0
        self._start()
        self.run(self._configure())

    # --- the process

    def _start(self) -> None:
        self.engine = Engine(self.ledger.load())
        replies = self.ledger.replies(0.0)
        self.engine.live.replies = {(row.principal, row.id): (row.command, row.reply) for row in replies}
        self.exchange = Exchange(self.engine)
        self.committed = self.exchange.seq
        work = Path(self._folder.name)
        self._lists = Lists(SheetFiles(), ImportFolder(work, upload_at_most=1_000_000, harmless=str))
        needed = [row.staged for row in self.engine.live.jobs.values() if row.staged]
        self._lists.files.open(needed)
        me = cast(Any, self)
        self.requests = Requests(self.engine, me, self.store, me, me, cast(Any, self._exports), self._lists)
        self._carry_out = CarryOut(self.telephony, self.store, me, self.put, self.requests.answered)

    async def _configure(self) -> None:
        self.put(Configured(self.configuration, self.packs))
        self.requests.open()

    def configure(self, configuration: dict[str, Any]) -> None:
        """Another configuration holds from now on."""
        self.configuration = configuration
        self.run(self._told(Configured(configuration, self.packs)))

    def restart(self, *, unsent: bool) -> None:
        """The process dies and is started again on its rows. `unsent`: what its last turn wished for never left."""
        self.run(self._die())
        for server in self.telephony.values():
            server.unsent.clear()
            server.up = False
            if unsent:
                server.forget(self.committed)
        self._inbox.clear()
        self._start()
        self.run(self._configure())

    async def _die(self) -> None:
        mine = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not mine]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def close(self) -> None:
        """End it."""
        self.loop.run_until_complete(self._die())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()
        self.ledger.close()
        self._folder.cleanup()

    def run(self, work: Coroutine[Any, Any, T], *, quiet: bool = True) -> T:
        """Do it; with `quiet` go on until nothing is under way any more, else the store's answers come with what is done next."""

        async def whole() -> T:
            result = await work
            if quiet:
                await self._quiet()
            return result

        return self.loop.run_until_complete(whole())

    async def _quiet(self) -> None:
        mine = asyncio.current_task()
        while others := [task for task in asyncio.all_tasks() if task is not mine]:
            await asyncio.wait(others)
            self._hear()

    def _hear(self) -> None:
        for server in self.telephony.values():
            for fact in server.spoken():
                self.put(fact)

    # --- the turn loop, as requests, long work and the carrying out see it

    def put(self, fact: AnyFact) -> None:
        """A fact from the outside; taken in a turn of its own at once, or after the one that is under way."""
        self._inbox.append(fact)
        if self._turning:
            return
        self._turning = True
        try:
            while self._inbox:
                self._at_this_instant += 1
                assert self._at_this_instant <= ENDLESS, f"more than {ENDLESS} turns without time passing"
                committed = self.exchange.take((self._inbox.popleft(),), self._now)
                self.ledger.commit((committed,))
                self.committed = committed.turn.seq
                self.turns.append(committed)
                self._saw(committed)
                self._carry_out(committed, committed.turn.intents)
        finally:
            self._turning = False
        self._hear()

    async def settle(self, fact: AnyFact) -> None:
        """Put a fact; its turn is committed when this returns."""
        self.put(fact)
        await asyncio.sleep(0)

    # --- the clock, and what only the process knows

    def now(self) -> Instant:
        return self._now

    async def wait(self, until: Instant, woken: asyncio.Event) -> None:
        raise AssertionError("nobody waits here: the store never fails")

    def status(self) -> dict[str, Any]:
        return {"store_failing": ""}

    async def reload(self) -> dict[str, Any]:
        self.put(Configured(self.configuration, self.packs))
        return {"reloaded": "the same"}

    # --- what a test does

    def tell(self, *facts: AnyFact, quiet: bool = True) -> None:
        """Facts, each in its own turn."""
        self.run(self._told(*facts), quiet=quiet)

    async def _told(self, *facts: AnyFact) -> None:
        for fact in facts:
            self.put(fact)

    def pass_to(self, now: Instant) -> None:
        """Time goes on, and nothing happens but that."""
        self._at_this_instant = self._at_this_instant if now <= self._now else 0
        self._now = max(self._now, now)

    def ask(self, *commands: tuple[str, str, dict[str, Any]], quiet: bool = True) -> list[dict[str, Any]]:
        """Commands (principal, name, arguments), all at once; their replies."""
        return self.run(self._ask(*commands), quiet=quiet)

    async def _ask(self, *commands: tuple[str, str, dict[str, Any]]) -> list[dict[str, Any]]:
        asking = []
        for principal, command, args in commands:
            self._serial += 1
            who = Who(principal, self.requests.roles_of(principal))
            asking.append(self.requests.ask(who, command, f"n{self._serial}", args))
        return [json.loads(reply) for reply in await asyncio.gather(*asking)]

    def asked(self, turn: Committed) -> Asked | None:
        """The command that a turn was of."""
        return next((fact for fact in turn.turn.facts if isinstance(fact, Asked)), None)
