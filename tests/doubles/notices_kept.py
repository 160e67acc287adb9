"""Notices in memory as the store keeps them: copies go in and out, and it can be full.

Never hands out a row that it holds: what is changed and not saved is lost, as in a crash.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from dialerd.model.instants import Instant
from dialerd.model.notices import NoticeRow
from dialerd.ports.store import StoreFailingError


class NoticesKept:
    """`dialerd.runtime.notifying.NoticeKeeper` on a dict."""

    def __init__(self) -> None:
        self.rows: dict[str, NoticeRow] = {}
        self.full = False
        self.failed = 0
        """How often it was full."""

    def commit(self, rows: Iterable[NoticeRow]) -> None:
        """The rows of a turn."""
        for row in rows:
            assert row.id not in self.rows
            self.rows[row.id] = replace(row)

    async def due_notices(self, now: Instant, limit: int) -> tuple[list[NoticeRow], Instant | None]:
        waiting = sorted(self._waiting(), key=lambda row: (row.next_at, row.letter, row.id))
        due = [row for row in waiting if row.next_at <= now]
        beyond = [row.next_at for row in waiting if row.next_at > now]
        return [replace(row) for row in due[:limit]], min(beyond, default=None)

    async def waiting_notices(self) -> int:
        return len(self._waiting())

    async def save_notices(self, rows: Sequence[NoticeRow]) -> None:
        if self.full:
            self.failed += 1
            raise StoreFailingError("database or disk is full")
        for row in rows:
            assert row.id in self.rows
            self.rows[row.id] = replace(row)

    def _waiting(self) -> list[NoticeRow]:
        return [row for row in self.rows.values() if row.state == "waiting"]
