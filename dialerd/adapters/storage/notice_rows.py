"""Notices in the store: what is due, and what became of it (C05); synchronous, on one connection.

Never touches a row of another kind.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from dialerd.adapters.storage.cells import NOTICE, Cells
from dialerd.adapters.storage.ledger import DROPPED_AT_ONCE, SyncLedger
from dialerd.adapters.storage.notice_statements import notice_statements
from dialerd.adapters.storage.reading import SQL as ROWS
from dialerd.adapters.storage.reading import Reading
from dialerd.adapters.storage.troubles import trouble
from dialerd.model.instants import Instant
from dialerd.model.notices import NoticeRow

SQL = notice_statements("sqlite")


def due_notices(reading: Reading, now: Instant, limit: int) -> tuple[list[NoticeRow], Instant | None]:
    """Waiting rows whose next_at has come, by (next_at, letter, id), and when the next beyond `now` is due."""
    try:
        cells = reading.connection.execute(SQL.due.sql, SQL.due.values(now=now, limit=max(limit, 0))).fetchall()
        beyond = reading.connection.execute(SQL.next_due.sql, SQL.next_due.values(now=now)).fetchone()[0]
    except sqlite3.Error as error:
        raise trouble(reading.place, "read notices", error) from error
    return [NOTICE.row(one) for one in cells], beyond


def waiting_notices(reading: Reading) -> int:
    """How many rows wait."""
    try:
        count: int = reading.connection.execute(SQL.waiting.sql).fetchone()[0]
    except sqlite3.Error as error:
        raise trouble(reading.place, "read notices", error) from error
    return count


def cells(rows: Sequence[NoticeRow]) -> list[Cells]:
    """The rows as they are now."""
    return [NOTICE.cells(row) for row in rows]


def save_notices(ledger: SyncLedger, rows: list[Cells]) -> None:
    """Write rows that are there, in one transaction of its own. Raises StoreFailingError: nothing was written."""
    with ledger.writing("save notices") as connection:
        connection.executemany(ROWS.upserts[NOTICE.table.name].sql, rows)


def prune_notices(ledger: SyncLedger, before: Instant) -> int:
    """Delete one portion of notices older than `before` that do not wait; how many, 0 at the end."""
    with ledger.writing("prune notices") as connection:
        values = SQL.drop.values(before=before, limit=DROPPED_AT_ONCE)
        dropped: int = connection.execute(SQL.drop.sql, values).rowcount
    return dropped
