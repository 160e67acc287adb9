"""The store as a promise: one transaction a turn, rows that are the truth, leads by index.

Never decides: it writes what a turn says and reads what is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from dialerd.campaigns.rebuilding import Kept
from dialerd.model.instants import Instant
from dialerd.model.rows import (
    AttemptRow,
    AuditRow,
    LeadRow,
    ReplyRow,
)
from dialerd.model.turn import Committed, Turn

__all__ = ["Kept", "LiveAttemptError", "Store", "StoreFailingError"]


class StoreFailingError(Exception):
    """The commit could not be written now (disk full, I/O error, locked): nothing of it was kept; try again later."""


class LiveAttemptError(Exception):
    """The database refused a second live attempt on one number: our own mistake, or another daemon's call."""


class Store(Protocol):
    """Keeps turns and rows. All methods may be called while a commit runs; commits are made one at a time."""

    async def open(self) -> None:
        """Connect and bring the schema up to date. Raises StoreFailingError, or OurMistakeError for a newer schema."""

    async def close(self) -> None: ...

    async def load(self) -> Kept: ...

    async def commit(self, batch: Sequence[Committed]) -> None:
        """Write turns and their rows in ONE transaction: it survives our own death, and a power cut after `harden`.

        Raises StoreFailingError, LiveAttemptError.
        """

    async def harden(self) -> None:
        """Return when all that was committed before the call would survive a power cut. Raises StoreFailingError.

        May run beside commits.
        """

    async def due(self, campaign: str, now: Instant, limit: int) -> tuple[list[LeadRow], Instant | None]:
        """Up to `limit` leads that may be dialed, earliest next_at first, and when the next beyond them is due (None: none is)."""

    async def known_phones(self, campaign: str, phones: Sequence[str]) -> set[str]:
        """Those of `phones` that the campaign has already."""

    async def lead(self, campaign: str, phone: str) -> LeadRow | None: ...

    async def lead_by_id(self, lead: int) -> LeadRow | None: ...

    async def leads(self, campaign: str, state: str | None, after: int, limit: int) -> list[LeadRow]:
        """Leads by id, beginning after id `after`."""

    async def attempts_of(self, lead: int) -> list[AttemptRow]:
        """All attempts on a lead, oldest first."""

    async def attempts(self, campaign: str | None, after: str, limit: int) -> list[AttemptRow]:
        """Attempts by id, beginning after id `after`."""

    async def audit(self, subject: str, limit: int) -> list[AuditRow]:
        """The newest entries about a subject."""

    async def replies(self, since: Instant) -> list[ReplyRow]: ...

    async def turns(self, after: int, limit: int) -> list[Turn]: ...

    async def prune(self, turns_before: Instant, replies_before: Instant) -> int:
        """Delete old turns and replies; the number of turns deleted."""
