"""Turns committed a second by the store of the daemon, against plain sqlite3 that executes the same statements.

Never commits to another disk than the one for temporary files, and never counts the leads' import.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import uvloop

from dialerd.adapters.storage.cells import Sheet, sheet
from dialerd.adapters.storage.connecting import connect
from dialerd.adapters.storage.ledger import SyncLedger
from dialerd.adapters.storage.sqlite import SqliteStore
from dialerd.adapters.storage.statements import statements
from dialerd.model.instants import Instant
from dialerd.model.lead_order import Due, LeadOrder
from dialerd.model.pasts import Past
from dialerd.model.rows import LeadRow
from dialerd.model.turn import Committed
from sim.driver import Shift
from sim.rows_kept import RowsKept
from sim.scenario import read_scenario

SQL = statements("sqlite")


class _Recorder:
    """Rows kept as a shift needs them, and every turn as it was at its commit."""

    def __init__(self) -> None:
        self.kept = RowsKept()
        self.turns: list[Committed] = []

    def commit(self, batch: Sequence[Committed]) -> None:
        self.kept.commit(batch)
        for committed in batch:
            rows = tuple(map(msgspec.structs.replace, committed.rows))
            self.turns.append(Committed(committed.turn, rows))

    def due(self, campaign: str, now: Instant, limit: int, order: LeadOrder) -> Due:
        return self.kept.due(campaign, now, limit, order)

    def lead(self, campaign: str, phone: str) -> LeadRow | None:
        return self.kept.lead(campaign, phone)

    def pasts(self, numbers: Sequence[str], since: Instant | None, lists: bool) -> list[Past]:
        return self.kept.pasts(numbers, since, lists)


def turns_of_a_shift(count: int) -> tuple[list[Committed], list[Committed]]:
    """The turns that set a shift of twenty agents up, and the first `count` turns of its calls."""
    recorder = _Recorder()
    shift = Shift(read_scenario("shift8h"), recorder)
    shift.begin()
    set_up = len(recorder.turns)
    while len(recorder.turns) < set_up + count and shift.step():
        pass
    return recorder.turns[:set_up], recorder.turns[set_up:]


def with_store(set_up: Sequence[Committed], turns: Sequence[Committed], synchronous: str) -> float:
    """Turns a second, each committed by itself and, with `full`, on the disk before the next."""

    async def commit() -> float:
        store = SqliteStore(str(Path(folder) / "store.sqlite3"), synchronous)
        await store.open()
        try:
            await store.commit(set_up)
            began = time.perf_counter()
            for committed in turns:
                await store.commit((committed,))
                await store.harden()
            return len(turns) / (time.perf_counter() - began)
        finally:
            await store.close()

    with tempfile.TemporaryDirectory(prefix="dialerd-bench-") as folder:
        return uvloop.run(commit())


def with_plain_sqlite(set_up: Sequence[Committed], turns: Sequence[Committed], synchronous: str) -> float:
    """Turns a second when the statements and their values are ready and sqlite3 only executes them."""
    with tempfile.TemporaryDirectory(prefix="dialerd-bench-") as folder:
        path = str(Path(folder) / "plain.sqlite3")
        ledger = SyncLedger(path, synchronous)
        ledger.open()  # the schema
        ledger.commit(set_up)
        ledger.close()
        connection = connect(path)
        try:
            connection.execute(f"PRAGMA synchronous={synchronous}")
            sheets = [sheet((committed,)) for committed in turns]
            began = time.perf_counter()
            for each in sheets:
                _execute(connection, each)
            return len(turns) / (time.perf_counter() - began)
        finally:
            connection.close()


def _execute(connection: sqlite3.Connection, batch: Sheet) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(SQL.put_turn.sql, batch.turns)
    for shape, rows in batch.rows:
        connection.executemany(SQL.upserts[shape.table.name].sql, rows)
    connection.execute("COMMIT")
