"""The store on SQLite for the daemon: the ledger in aiosqlite's thread, one hop a call.

Never runs SQL in the event loop and never leaves a transaction open, whoever is cancelled.
"""

from __future__ import annotations

import asyncio
import sqlite3
from asyncio import Future
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar

import aiosqlite

from dialerd.adapters.storage import notice_rows, purging
from dialerd.adapters.storage.asking import Asking
from dialerd.adapters.storage.cells import Sheet, sheet
from dialerd.adapters.storage.connecting import MEMORY, connect_reader
from dialerd.adapters.storage.ledger import SyncLedger
from dialerd.adapters.storage.legal_asking import LegalAsking
from dialerd.adapters.storage.legal_reading import LegalReading
from dialerd.adapters.storage.log_sync import checkpoint
from dialerd.adapters.storage.sync_thread import SyncThread
from dialerd.adapters.storage.troubles import trouble
from dialerd.model.errors import OurMistakeError
from dialerd.model.instants import Instant
from dialerd.model.lead_order import DEFAULT_ORDER, Due, LeadOrder
from dialerd.model.notices import NoticeRow
from dialerd.model.rows import AttemptRow, AuditRow, JobRow, LeadRow, ReplyRow, SuppressionRow
from dialerd.model.turn import Committed, Turn
from dialerd.ports.store import Kept, Mark

P = ParamSpec("P")
T = TypeVar("T")

SMALL = 64
"""Rows of a commit that is written where it is asked for: to hand it to the thread and back takes longer than to write it."""
SLOW_S = 0.020
"""A commit that took longer there shows a slow disk: the next ones go to the thread."""
SLOW_FOR_S = 10.0
COMMITS_A_CHECKPOINT = 200
"""After so many commits the write-ahead log is moved into the file, by the connection that reads."""


class Hop(aiosqlite.Connection):
    """A connection of aiosqlite on whose thread whole functions are run, instead of statement by statement."""

    def __init__(self, connector: Callable[[], sqlite3.Connection], farewell: Callable[[], None]) -> None:
        """`connector` and, as the very last, `farewell` are run in the thread too."""
        super().__init__(connector, iter_chunk_size=64)
        self._farewell = farewell
        self._ending: Future[None] | None = None
        # aiosqlite's thread would hold the interpreter at exit if a crash leaves the store open; a commit that has not
        # returned is not promised to anyone, so the thread may die with the process.
        self._thread.daemon = True

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`function` in the thread, after all that was asked before. Cancelled or not, it is run as a whole."""
        result: T = await self._execute(function, *args, **kwargs)  # type: ignore[no-untyped-call]
        return result

    def stop(self) -> Future[None] | None:
        """End the thread after what was asked. aiosqlite calls it itself when connecting fails or is cancelled."""
        self._tx.put_nowait((None, self._farewell))
        self._ending = super().stop()
        return self._ending

    async def end(self) -> None:
        """Close, and wait until the thread has said its farewell. May be called twice."""
        await self.close()
        if self._ending is not None:
            await self._ending


class SqliteStore(Asking, LegalAsking):
    """`dialerd.ports.store.Store` in one SQLite file, or in memory.

    A file has two connections, each with its thread: commits go to one, questions to the other, so neither waits for the
    other; a third thread syncs. `:memory:` has one for both: a database in memory is seen by its own connection only.
    A task cancelled during `commit` leaves the batch wholly written or not at all; which of them `load` tells.
    """

    def __init__(self, path: str, synchronous: str) -> None:
        """`path`: a file or `:memory:`; `synchronous`: `full` or `normal`. Raises OurMistakeError for another word."""
        self._ledger = SyncLedger(path, synchronous)
        self._writer: Hop | None = None
        self._reader: Hop | None = None
        self._reading: LegalReading = self._ledger
        self._syncer: SyncThread | None = None
        self._hops = 0
        """What the writer's thread has been asked and has not done."""
        self._slow_until = 0.0
        self._commits = 0
        self._moving: asyncio.Task[None] | None = None

    @property
    def seq(self) -> int:
        """Number of the last turn written."""
        return self._ledger.seq

    async def open(self) -> None:
        """See `SyncLedger.open`."""
        if self._writer is not None:
            raise OurMistakeError(f"store {self._ledger.place}: open already")
        writer = self._writer = Hop(self._connect_ledger, self._ledger.close)
        try:
            await writer
            if self._ledger.place != MEMORY:
                self._reader = Hop(self._connect_reader, self._close_reader)
                await self._reader
                self._syncer = SyncThread()
        except BaseException:
            await self.close()
            raise

    def _connect_ledger(self) -> sqlite3.Connection:
        self._ledger.open()
        return self._ledger.connection

    def _connect_reader(self) -> sqlite3.Connection:
        try:
            connection = connect_reader(self._ledger.place)
        except sqlite3.Error as error:
            raise trouble(self._ledger.place, "open it", error) from error
        self._reading = LegalReading(self._ledger.place, connection)
        return connection

    def _close_reader(self) -> None:
        reading, self._reading = self._reading, self._ledger
        if reading is not self._ledger:
            reading.connection.close()

    async def close(self) -> None:
        """Finish what was asked and let go of the file. May be called twice."""
        writer, self._writer = self._writer, None
        reader, self._reader = self._reader, None
        moving, self._moving = self._moving, None
        try:
            syncer, self._syncer = self._syncer, None
            if syncer is not None:
                await syncer.end()
            if moving is not None:
                await asyncio.gather(moving, return_exceptions=True)
            if reader is not None:
                await reader.end()
        finally:
            if writer is not None:
                # The writer last: the one that closes last moves the write-ahead log into the file.
                await writer.end()

    async def _write(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._writer is None:
            raise OurMistakeError(f"store {self._ledger.place}: not open")
        self._hops += 1
        running = asyncio.ensure_future(self._writer.run(function, *args, **kwargs))
        running.add_done_callback(self._hopped)
        return await asyncio.shield(running)

    def _hopped(self, running: Future[Any]) -> None:
        self._hops -= 1
        if not running.cancelled():
            running.exception()  # whoever asked may have been cancelled: then nobody else looks at it

    async def _read(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._reader is None:
            return await self._write(function, *args, **kwargs)
        return await self._reader.run(function, *args, **kwargs)

    # --- writing

    async def commit(self, batch: Sequence[Committed]) -> None:
        """See `SyncLedger.commit`. The batch is copied before the first await: its rows may change afterwards."""
        if not batch:
            return
        written = sheet(batch)
        if not self._at_once(written):
            await self._write(self._ledger.write, written)
        self._commits += 1
        if self._commits >= COMMITS_A_CHECKPOINT and self._reader is not None and self._moving is None:
            self._commits = 0
            self._moving = asyncio.get_running_loop().create_task(self._move_log(self._reader))

    def _at_once(self, batch: Sheet) -> bool:
        """Write a small batch here, in memory that the system has for the disk; False if that could make the loop wait."""
        if self._hops or self._reader is None or batch.size > SMALL:
            return False
        now = asyncio.get_running_loop().time
        began = now()
        if began < self._slow_until:
            return False
        done = self._ledger.write_at_once(batch)
        ended = now()
        if ended - began > SLOW_S:
            self._slow_until = ended + SLOW_FOR_S
        return done

    async def harden(self) -> None:
        """See `SyncLedger.harden`. Beside the commits, in a thread of its own, as long as the disk takes what it is given."""
        log = self._ledger.log
        if log is None:
            return
        if log.doubtful or self._syncer is None:
            await self._write(self._ledger.harden)
        else:
            await self._syncer.sync(self._ledger.harden)

    async def _move_log(self, reader: Hop) -> None:
        # Beside the commits, which would wait for the disk several times in it. A failure is met again by the next commit,
        # or by the checkpoint that SQLite makes in a commit when the log has become long.
        with suppress(sqlite3.Error):
            await reader.run(lambda: checkpoint(self._reading.connection))
        self._moving = None

    async def prune(self, turns_before: Instant, replies_before: Instant) -> int:
        """See `SyncLedger.prune`; commits go between its portions."""
        dropped, after = 0, 0
        while (step := await self._write(self._ledger.prune_turns, turns_before, after)) is not None:
            dropped += step[0]
            after = step[1]
        while await self._write(self._ledger.prune_replies, replies_before):
            pass
        return dropped

    async def save_notices(self, rows: Sequence[NoticeRow]) -> None:
        """See `notice_rows.save_notices`; on the disk when it returns."""
        cells = notice_rows.cells(rows)
        await self._write(notice_rows.save_notices, self._ledger, cells)
        await self.harden()

    async def prune_notices(self, before: Instant) -> int:
        """See `notice_rows.prune_notices`; commits go between its portions."""
        dropped = 0
        while portion := await self._write(notice_rows.prune_notices, self._ledger, before):
            dropped += portion
        return dropped

    async def purge_deleted(self, before: Instant) -> int:
        """See `purging.purge_deleted`; commits go between its portions."""
        purged = 0
        while (portion := await self._write(purging.purge_deleted, self._ledger, before)) is not None:
            purged += portion
        return purged

    async def maintain(self) -> int:
        """See `SyncLedger.maintain`."""
        return await self._write(self._ledger.maintain)

    # --- reading

    async def load(self) -> Kept:
        """See `Reading.load`."""
        return await self._read(self._reading.load)

    async def due(self, campaign: str, now: Instant, limit: int, order: LeadOrder = DEFAULT_ORDER) -> Due:
        """See `Reading.due`."""
        return await self._read(self._reading.due, campaign, now, limit, order)

    async def known_phones(self, campaign: str, phones: Sequence[str]) -> set[str]:
        """See `Reading.known_phones`."""
        return await self._read(self._reading.known_phones, campaign, phones)

    async def lead(self, campaign: str, phone: str) -> LeadRow | None:
        """See `Reading.lead`."""
        return await self._read(self._reading.lead, campaign, phone)

    async def attempt(self, call: str) -> AttemptRow | None:
        """See `Reading.attempt`."""
        return await self._read(self._reading.attempt, call)

    async def suppressions_of(self, numbers: Sequence[str]) -> list[SuppressionRow]:
        """See `Reading.suppressions_of`."""
        return await self._read(self._reading.suppressions_of, numbers)

    async def lead_by_id(self, lead: int) -> LeadRow | None:
        """See `Reading.lead_by_id`."""
        return await self._read(self._reading.lead_by_id, lead)

    async def leads(self, campaign: str, state: str | None, after: int, limit: int) -> list[LeadRow]:
        """See `Reading.leads`."""
        return await self._read(self._reading.leads, campaign, state, after, limit)

    async def leads_joined(
        self, campaign: str, after: Mark, before: Instant, limit: int, states: Collection[str], list_name: str | None
    ) -> tuple[list[LeadRow], Mark | None]:
        """See `Reading.leads_joined`."""
        return await self._read(self._reading.leads_joined, campaign, after, before, limit, states, list_name)

    async def field_names(
        self, campaign: str, after: Mark, before: Instant, limit: int
    ) -> tuple[set[str], Mark | None]:
        """See `Reading.field_names`."""
        return await self._read(self._reading.field_names, campaign, after, before, limit)

    async def attempts_placed(
        self, campaign: str, after: Mark, before: Instant, limit: int, outcomes: Collection[str]
    ) -> tuple[list[AttemptRow], Mark | None]:
        """See `Reading.attempts_placed`."""
        return await self._read(self._reading.attempts_placed, campaign, after, before, limit, outcomes)

    async def job(self, job: str) -> JobRow | None:
        """See `Reading.job`."""
        return await self._read(self._reading.job, job)

    async def jobs(self, kind: str, campaign: str | None, limit: int) -> list[JobRow]:
        """See `Reading.jobs`."""
        return await self._read(self._reading.jobs, kind, campaign, limit)

    async def attempts_of(self, lead: int) -> list[AttemptRow]:
        """See `Reading.attempts_of`."""
        return await self._read(self._reading.attempts_of, lead)

    async def attempts(self, campaign: str | None, after: str, limit: int) -> list[AttemptRow]:
        """See `Reading.attempts`."""
        return await self._read(self._reading.attempts, campaign, after, limit)

    async def audit(self, subject: str | None, limit: int, before: str = "") -> list[AuditRow]:
        """See `Reading.audit`."""
        return await self._read(self._reading.audit, subject, limit, before)

    async def due_notices(self, now: Instant, limit: int) -> tuple[list[NoticeRow], Instant | None]:
        """See `notice_rows.due_notices`."""
        return await self._read(lambda: notice_rows.due_notices(self._reading, now, limit))

    async def waiting_notices(self) -> int:
        """See `notice_rows.waiting_notices`."""
        return await self._read(lambda: notice_rows.waiting_notices(self._reading))

    async def replies(self, since: Instant) -> list[ReplyRow]:
        """See `Reading.replies`."""
        return await self._read(self._reading.replies, since)

    async def turns(self, after: int, limit: int) -> list[Turn]:
        """See `Reading.turns`."""
        return await self._read(self._reading.turns, after, limit)
