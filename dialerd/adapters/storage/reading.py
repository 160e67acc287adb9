"""What is asked of a store on SQLite, on one connection, synchronously.

Never writes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from dialerd.adapters.storage.cells import AGENT, ATTEMPT, AUDIT, CAMPAIGN, COUNTER, LEAD, REPLY, TALLY, R, Shape
from dialerd.adapters.storage.statements import PHONES_AT_ONCE, Statement, statements
from dialerd.adapters.storage.troubles import trouble
from dialerd.model.errors import OurMistakeError
from dialerd.model.instants import Instant
from dialerd.model.rows import AttemptRow, AuditRow, LeadRow, ReplyRow
from dialerd.model.turn import Turn, decode
from dialerd.ports.store import Kept, StoreFailingError

SQL = statements("sqlite")
REPLIES_AT_MOST = 10_000
_ROWS_AT_MOST = 1_000_000


def _most(limit: int) -> int:
    # A limit below 0 would mean "all" to SQLite.
    return min(max(limit, 0), _ROWS_AT_MOST)


def _can_be(value: object) -> bool:
    """Whether a value can stand in a row at all: a stranger may ask for half a surrogate or a number past 64 bits."""
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return False
    return True


class Reading:
    """The questions of `dialerd.ports.store.Store`. All raise StoreFailingError if the database cannot be read."""

    def __init__(self, place: str, connection: sqlite3.Connection | None = None) -> None:
        self.place = place
        self._connection = connection

    @property
    def connection(self) -> sqlite3.Connection:
        """The open connection. Raises OurMistakeError if there is none."""
        if self._connection is None:
            raise OurMistakeError(f"store {self.place}: not open")
        return self._connection

    def load(self) -> Kept:
        """All rows that live state is rebuilt from, as of one instant."""
        with self._asking("load"):
            self.connection.execute("BEGIN")  # one snapshot for all that follows
            try:
                return Kept(
                    token=self._cells(SQL.token)[0][0],
                    seq=self._cells(SQL.last_seq)[0][0],
                    campaigns=self._rows(CAMPAIGN, SQL.campaigns),
                    tallies=self._rows(TALLY, SQL.tallies),
                    agents=self._rows(AGENT, SQL.agents),
                    live=sorted(self._rows(ATTEMPT, SQL.live), key=lambda row: row.id),
                    leads=self._rows(LEAD, SQL.live_leads),
                    counters=self._rows(COUNTER, SQL.counters),
                    lead_states=self._cells(SQL.lead_states),
                    trunk_last=self._cells(SQL.trunk_last),
                )
            finally:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")

    def due(self, campaign: str, now: Instant, limit: int) -> tuple[list[LeadRow], Instant | None]:
        """Leads that may be dialed, earliest next_at first, and when the next beyond them is due."""
        at = LEAD.fields.index("next_at")
        found: list[LeadRow] = []
        if not _can_be(campaign):
            return found, None
        with self._asking("read leads that are due"):
            values = SQL.due.values(campaign=campaign, limit=_most(limit) + 1)
            # One cell row at a time: the index is left at the first lead that is not due.
            for cells in self.connection.execute(SQL.due.sql, values):
                if len(found) >= limit or cells[at] > now:
                    return found, cells[at]
                found.append(LEAD.row(cells))
        return found, None

    def known_phones(self, campaign: str, phones: Sequence[str]) -> set[str]:
        """Those of `phones` that the campaign has already."""
        known: set[str] = set()
        phones = [phone for phone in phones if _can_be(phone)]
        if not _can_be(campaign):
            return known
        with self._asking("look phones up"):
            for start in range(0, len(phones), PHONES_AT_ONCE):
                asked = phones[start : start + PHONES_AT_ONCE]
                asked += asked[-1:] * (PHONES_AT_ONCE - len(asked))
                known.update(cells[0] for cells in self.connection.execute(SQL.known_phones.sql, (campaign, *asked)))
        return known

    def lead(self, campaign: str, phone: str) -> LeadRow | None:
        """The lead with that phone in the campaign."""
        return next(iter(self._ask(LEAD, SQL.lead, campaign=campaign, phone=phone)), None)

    def lead_by_id(self, lead: int) -> LeadRow | None:
        """The lead with that id."""
        return next(iter(self._ask(LEAD, SQL.lead_by_id, lead=lead)), None)

    def leads(self, campaign: str, state: str | None, after: int, limit: int) -> list[LeadRow]:
        """Leads by id, beginning after id `after`."""
        if state is None:
            return self._ask(LEAD, SQL.leads, campaign=campaign, after=after, limit=_most(limit))
        return self._ask(LEAD, SQL.leads_in_state, campaign=campaign, state=state, after=after, limit=_most(limit))

    def attempts_of(self, lead: int) -> list[AttemptRow]:
        """All attempts on a lead, oldest first."""
        return self._ask(ATTEMPT, SQL.attempts_of, lead=lead)

    def attempts(self, campaign: str | None, after: str, limit: int) -> list[AttemptRow]:
        """Attempts by id, beginning after id `after`."""
        if campaign is None:
            return self._ask(ATTEMPT, SQL.attempts, after=after, limit=_most(limit))
        return self._ask(ATTEMPT, SQL.attempts_of_campaign, campaign=campaign, after=after, limit=_most(limit))

    def audit(self, subject: str, limit: int) -> list[AuditRow]:
        """The newest entries about a subject, newest first."""
        return self._ask(AUDIT, SQL.audit, subject=subject, limit=_most(limit))

    def replies(self, since: Instant) -> list[ReplyRow]:
        """Replies given at `since` or later, newest first, 10 000 at most."""
        return self._ask(REPLY, SQL.replies, since=since, limit=REPLIES_AT_MOST)

    def turns(self, after: int, limit: int) -> list[Turn]:
        """Turns in order, beginning after turn `after`."""
        if not _can_be(after):
            return []
        with self._asking("read turns"):
            values = SQL.turns.values(after=after, limit=_most(limit))
            return [decode(cells[0].encode()) for cells in self.connection.execute(SQL.turns.sql, values)]

    # --- the one way to the database

    def _ask(self, shape: Shape[R], statement: Statement, **values: Any) -> list[R]:
        with self._asking(f"read {shape.table.name}"):
            return self._rows(shape, statement, **values) if all(map(_can_be, values.values())) else []

    def _rows(self, shape: Shape[R], statement: Statement, **values: Any) -> list[R]:
        return [shape.row(cells) for cells in self._cells(statement, **values)]

    def _cells(self, statement: Statement, **values: Any) -> list[Any]:
        return self.connection.execute(statement.sql, statement.values(**values)).fetchall()

    @contextmanager
    def _asking(self, doing: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise trouble(self.place, doing, error) from error
        except msgspec.DecodeError as error:
            raise StoreFailingError(f"store {self.place}: cannot {doing}: a row is damaged: {error}") from error
