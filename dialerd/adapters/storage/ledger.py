"""The store on SQLite, synchronous: the one place where turns are written.

Never starts a thread and never waits for anything but the disk: simulations use it as it is, the daemon in a thread.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from dialerd.adapters.storage.cells import ATTEMPT, Cells, Sheet, sheet
from dialerd.adapters.storage.connecting import BUSY_MS, MEMORY, SYNCHRONOUS, connect, create, place_of
from dialerd.adapters.storage.file_lock import FileLock
from dialerd.adapters.storage.legal_reading import LegalReading
from dialerd.adapters.storage.log_sync import LogSync
from dialerd.adapters.storage.reading import SQL
from dialerd.adapters.storage.troubles import is_busy, trouble
from dialerd.adapters.storage.upgrading import upgrade
from dialerd.model.errors import OurMistakeError
from dialerd.model.instants import Instant
from dialerd.model.turn import Committed
from dialerd.ports.store import LiveAttemptError

DROPPED_AT_ONCE = 500
"""Turns or replies deleted in one transaction, so that no commit waits long for a pruning."""
_TRUNCATE_WAIT_MS = 100


class SyncLedger(LegalReading):
    """`dialerd.ports.store.Store` without await, on one connection; methods must not be called from two threads at once."""

    def __init__(self, path: str, synchronous: str) -> None:
        """`path`: a file, or `:memory:`; `synchronous`: `full` or `normal` (see connecting.SYNCHRONOUS)."""
        super().__init__(path)
        if synchronous not in SYNCHRONOUS:
            raise OurMistakeError(f"synchronous {synchronous!r}: must be one of {', '.join(SYNCHRONOUS)}")
        self._path = path
        self._synchronous = synchronous
        self._lock: FileLock | None = None
        self.log: LogSync | None = None
        """Brings what was written to the disk; None where nothing is synced (`normal`, `:memory:`, not open)."""
        self._seq = 0
        self._patience = BUSY_MS

    def open(self) -> None:
        """Connect and bring the schema up to date; a new store is made where there is none.

        Raises StoreFailingError (in use by another daemon, not a database, no space, ...) and OurMistakeError for a newer
        schema; then nothing is held and it may be tried again.
        """
        if self._connection is not None:
            raise OurMistakeError(f"store {self.place}: open already")
        self.place = place_of(self._path)
        try:
            if self.place != MEMORY:
                self._lock = FileLock(self.place)
                self._lock.take()
                create(self.place)
            self._connection = connect(self.place)
            self._patience = BUSY_MS
            upgrade(self.place, self._connection)
            self._name()
            self._seq = self._connection.execute(SQL.last_seq.sql).fetchone()[0]
            if self._synchronous == "full" and self.place != MEMORY:
                self.log = LogSync(self.place)
                self.log.sync()
        except BaseException as error:
            self.close()
            if isinstance(error, sqlite3.Error | OSError):
                raise trouble(self.place, "open it", error) from error
            raise

    def _name(self) -> None:
        self.connection.execute("BEGIN IMMEDIATE")
        if self.connection.execute(SQL.token.sql).fetchone() is None:
            self.connection.execute(SQL.put_token.sql, SQL.put_token.values(token=secrets.token_hex(4)))
        self.connection.execute("COMMIT")

    def close(self) -> None:
        """Let go of the database and its lock; a transaction that is open is undone. May be called twice."""
        connection, self._connection = self._connection, None
        try:
            if self.log is not None:
                self.log.close()
            if connection is not None:
                connection.close()
        finally:
            if self._lock is not None:
                self._lock.release()
                self._lock = None

    @property
    def seq(self) -> int:
        """Number of the last turn written; 0 in a new store."""
        return self._seq

    # --- writing

    def commit(self, batch: Sequence[Committed]) -> None:
        """Write turns and their rows in one transaction: it survives our own death, and a power cut after `harden`.

        Raises StoreFailingError, LiveAttemptError, and OurMistakeError if the turns do not follow the last one or a row
        breaks the schema; then nothing is written.
        """
        if batch:
            self.write(sheet(batch))

    def harden(self) -> None:
        """Return when all that was committed would survive a power cut (with `full`). Raises StoreFailingError."""
        if self.log is None:
            return
        try:
            if self.log.doubtful:
                self._patient(BUSY_MS)
                self.log.renew(self.connection)
            else:
                self.log.sync()
        except (OSError, sqlite3.Error) as error:
            raise trouble(self.place, "bring the write-ahead log to the disk", error) from error

    def write(self, batch: Sheet) -> None:
        """Write a batch that `cells.sheet` made; raises as `commit`."""
        self._patient(BUSY_MS)
        self._put(batch)

    def write_at_once(self, batch: Sheet) -> bool:
        """As `write`, but it waits for no other process: False if one has the database now; nothing is written then."""
        self._patient(0)
        return self._put(batch)

    def _patient(self, milliseconds: int) -> None:
        if self._patience != milliseconds:
            self.connection.execute(f"PRAGMA busy_timeout={milliseconds}")
            self._patience = milliseconds

    def _put(self, batch: Sheet) -> bool:
        if batch.first != self._seq + 1:
            raise OurMistakeError(f"store {self.place}: turn {batch.first} after turn {self._seq}")
        connection = self.connection
        execute, executemany = connection.execute, connection.executemany
        at_table = "turns"
        try:
            execute("BEGIN IMMEDIATE")
            executemany(SQL.put_turn.sql, batch.turns)
            for shape, rows in batch.rows:
                at_table = shape.table.name
                executemany(SQL.upserts[at_table].sql, rows)
            execute("COMMIT")
        except Exception as error:
            if not self._patience and not connection.in_transaction and is_busy(error):
                return False
            self._undo()
            raise self._why(error, batch, at_table) from error
        except BaseException:
            self._undo()
            raise
        self._seq += len(batch.turns)
        return True

    def _undo(self) -> None:
        connection = self.connection
        if connection.in_transaction:  # after some errors SQLite has rolled back by itself
            try:
                connection.execute("ROLLBACK")
            except sqlite3.Error as error:
                # Without this the next commit would continue a transaction that must not exist.
                raise trouble(self.place, "undo a transaction", error) from error

    def _why(self, error: Exception, batch: Sheet, at_table: str) -> Exception:
        last = batch.first + len(batch.turns) - 1
        doing = f"commit turns {batch.first} to {last} ({at_table})"
        if isinstance(error, sqlite3.IntegrityError) and at_table == ATTEMPT.table.name:
            clash = self._clash(rows for shape, rows in batch.rows if shape is ATTEMPT)
            if clash is not None:
                return LiveAttemptError(f"store {self.place}: cannot {doing}: {clash}")
        if isinstance(error, (UnicodeEncodeError, OverflowError)):
            return OurMistakeError(f"store {self.place}: cannot {doing}: a value fits no column: {error}")
        return trouble(self.place, doing, error)

    def _clash(self, sheets: Iterable[list[Cells]]) -> str | None:
        """The first attempt of the batch that would be a second live one on its number, in words."""
        number_at, live_at = ATTEMPT.columns.index("number"), ATTEMPT.columns.index("live")
        lives: dict[str, set[str]] = {}
        for cells in (cells for rows in sheets for cells in rows):
            call, number = cells[0], cells[number_at]
            if number not in lives:
                kept = self.connection.execute(SQL.live_on.sql, SQL.live_on.values(number=number))
                lives[number] = {found[0] for found in kept}
            if not cells[live_at]:
                lives[number].discard(call)
            elif others := lives[number] - {call}:
                return f"{call} would be a second live attempt on {number}, beside {min(others)}"
            else:
                lives[number].add(call)
        return None

    # --- upkeep

    @contextmanager
    def writing(self, doing: str) -> Iterator[sqlite3.Connection]:
        """A transaction of its own, for what no turn writes. Raises StoreFailingError: nothing was written."""
        self._patient(BUSY_MS)
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            yield self.connection
            self.connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._undo()
            raise trouble(self.place, doing, error) from error
        except BaseException:
            self._undo()
            raise

    def prune(self, turns_before: Instant, replies_before: Instant) -> int:
        """Delete turns (never the last one) and replies older than the instants; the number of turns deleted.

        Raises StoreFailingError; what was deleted until then stays deleted.
        """
        dropped, after = 0, 0
        while (step := self.prune_turns(turns_before, after)) is not None:
            dropped += step[0]
            after = step[1]
        while self.prune_replies(replies_before):
            pass
        return dropped

    def prune_turns(self, before: Instant, after: int) -> tuple[int, int] | None:
        """One portion of pruning, from the turn after `after`: (turns deleted, `after` of the next portion), None at the end.

        The end is the first portion without an old turn, so one turn with a wrong clock does not hold up the rest.
        """
        self._patient(BUSY_MS)
        try:
            oldest = self.connection.execute(SQL.oldest_turn.sql, (after,)).fetchone()[0]
            if oldest is None or oldest >= self._seq:
                return None
            through = min(oldest + DROPPED_AT_ONCE, self._seq) - 1
            values = SQL.drop_turns.values(after=after, through=through, before=before)
            dropped = self.connection.execute(SQL.drop_turns.sql, values).rowcount
        except sqlite3.Error as error:
            self._undo()
            raise trouble(self.place, "prune turns", error) from error
        return (dropped, through) if dropped else None

    def prune_replies(self, before: Instant) -> int:
        """Delete one portion of old replies; how many there were, 0 at the end."""
        self._patient(BUSY_MS)
        try:
            values = SQL.drop_replies.values(before=before, limit=DROPPED_AT_ONCE)
            dropped: int = self.connection.execute(SQL.drop_replies.sql, values).rowcount
        except sqlite3.Error as error:
            self._undo()
            raise trouble(self.place, "prune replies", error) from error
        return dropped

    def maintain(self) -> int:
        """Move the write-ahead log into the file and cut it to nothing; the number of its pages that had to stay.

        A reader at work keeps pages there: that is no error, the next call gets them. Raises StoreFailingError.
        """
        try:
            self._patient(_TRUNCATE_WAIT_MS)
            _, pages, moved = self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error as error:
            raise trouble(self.place, "move the write-ahead log", error) from error
        return max(int(pages) - int(moved), 0)
