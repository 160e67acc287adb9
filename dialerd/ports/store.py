"""The store as a promise: one transaction a turn, rows that are the truth, leads by index.

Never decides: it writes what a turn says and reads what is asked.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol, TypeAlias

from dialerd.campaigns.rebuilding import Kept
from dialerd.model.instants import Instant
from dialerd.model.lead_order import DEFAULT_ORDER, Due, LeadOrder
from dialerd.model.notices import NoticeRow
from dialerd.model.rows import (
    AttemptRow,
    AuditRow,
    JobRow,
    LeadRow,
    ReplyRow,
    SuppressionRow,
)
from dialerd.model.turn import Committed, Turn
from dialerd.ports.contact_store import ContactStore
from dialerd.ports.legal_store import LegalStore

__all__ = ["Kept", "LiveAttemptError", "Mark", "Store", "StoreFailingError"]


Mark: TypeAlias = tuple[Instant, int | str]
"""Where a portion ends: the time and the id of the last row that was looked at."""


class StoreFailingError(Exception):
    """The commit could not be written now (disk full, I/O error, locked): nothing of it was kept; try again later."""


class LiveAttemptError(Exception):
    """The database refused a second live attempt on one number: our own mistake, or another daemon's call."""


class Store(ContactStore, LegalStore, Protocol):
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

    async def due(self, campaign: str, now: Instant, limit: int, order: LeadOrder = DEFAULT_ORDER) -> Due:
        """Up to `limit` leads that may be dialed, in the order of dialing; its cost does not depend on how many there are."""

    async def known_phones(self, campaign: str, phones: Sequence[str]) -> set[str]:
        """Those of `phones` that the campaign has already, as a lead's first phone or as a further one."""

    async def lead(self, campaign: str, phone: str) -> LeadRow | None:
        """The lead with that phone, the first or a further one."""

    async def attempt(self, call: str) -> AttemptRow | None: ...

    async def suppressions_of(self, numbers: Sequence[str]) -> list[SuppressionRow]:
        """The entries of all lists for these numbers, also those that hold no more."""

    async def lead_by_id(self, lead: int) -> LeadRow | None: ...

    async def leads(self, campaign: str, state: str | None, after: int, limit: int) -> list[LeadRow]:
        """Leads by id, beginning after id `after`."""

    async def leads_joined(
        self, campaign: str, after: Mark, before: Instant, limit: int, states: Collection[str], list_name: str | None
    ) -> tuple[list[LeadRow], Mark | None]:
        """A portion of a campaign's leads that joined before `before`, by (joining time, id), and the next one's `after`.

        `limit` leads are looked at, and those in `states` (empty: all) and of `list_name` (None: all) are given: a portion
        may be empty and not the last. None: it was the last.
        """

    async def field_names(
        self, campaign: str, after: Mark, before: Instant, limit: int
    ) -> tuple[set[str], Mark | None]:
        """The names of the record fields in a portion of leads as `leads_joined` has it, and the next one's `after`."""

    async def attempts_placed(
        self, campaign: str, after: Mark, before: Instant, limit: int, outcomes: Collection[str]
    ) -> tuple[list[AttemptRow], Mark | None]:
        """A portion of a campaign's attempts placed before `before`, by (time, id); as `leads_joined`."""

    async def job(self, job: str) -> JobRow | None: ...

    async def jobs(self, kind: str, campaign: str | None, limit: int) -> list[JobRow]:
        """The newest jobs of a kind (`export`, `import`), newest first; `campaign` None: of all and of none."""

    async def attempts_of(self, lead: int) -> list[AttemptRow]:
        """All attempts on a lead, oldest first."""

    async def attempts(self, campaign: str | None, after: str, limit: int) -> list[AttemptRow]:
        """Attempts by id, beginning after id `after`."""

    async def audit(self, subject: str | None, limit: int, before: str = "") -> list[AuditRow]:
        """The newest entries about a subject (None: about all), newest first; `before`: older than the entry with that id."""

    async def due_notices(self, now: Instant, limit: int) -> tuple[list[NoticeRow], Instant | None]:
        """Up to `limit` rows whose state is `waiting` and whose next_at has come, by (next_at, letter, id), and when the
        next beyond `now` is due (None: none is)."""

    async def waiting_notices(self) -> int:
        """How many notices wait."""

    async def save_notices(self, rows: Sequence[NoticeRow]) -> None:
        """Write rows that are there, in one transaction of its own; durable when it returns. Raises StoreFailingError."""

    async def prune_notices(self, before: Instant) -> int:
        """Delete notices older than `before` that were sent or given up; how many."""

    async def purge_deleted(self, before: Instant) -> int:
        """Delete the leads of campaigns that were deleted before `before`; how many leads.

        Of a lead that was called, or that the gate refused, the record stays with nothing of the person but his number.
        """

    async def replies(self, since: Instant) -> list[ReplyRow]: ...

    async def turns(self, after: int, limit: int) -> list[Turn]: ...

    async def prune(self, turns_before: Instant, replies_before: Instant) -> int:
        """Delete old turns and replies; the number of turns deleted."""
