"""What is asked of a store on SQLite, on one connection, synchronously.

Never writes.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec

from dialerd.adapters.storage.cells import (
    ABANDON,
    AGENT,
    ATTEMPT,
    AUDIT,
    CAMPAIGN,
    COUNTER,
    DNC_LIST,
    HOTLINE,
    HOTLINE_HOUR,
    JOB,
    LEAD,
    NAMED,
    QUOTA,
    REFERRAL,
    REPLY,
    SUPPRESSION,
    TALLY,
    R,
    Shape,
)
from dialerd.adapters.storage.due_leads import SQL as LEADS_SQL
from dialerd.adapters.storage.due_leads import due_leads
from dialerd.adapters.storage.legal_statements import legal_statements
from dialerd.adapters.storage.statements import PHONES_AT_ONCE, Statement, statements
from dialerd.adapters.storage.troubles import trouble
from dialerd.campaigns.hotline_book import HOURS_KEPT
from dialerd.model.errors import OurMistakeError
from dialerd.model.instants import Instant
from dialerd.model.lead_order import DEFAULT_ORDER, Due, LeadOrder
from dialerd.model.rows import AttemptRow, AuditRow, JobRow, LeadRow, ReplyRow, SuppressionRow
from dialerd.model.turn import Turn, decode
from dialerd.ports.store import Kept, Mark, StoreFailingError

SQL = statements("sqlite")
LEGAL = legal_statements("sqlite")
_to_fields = msgspec.json.Decoder(dict[str, Any]).decode
REPLIES_AT_MOST = 10_000
_AFTER_ALL = "~"
"""Greater than every id of an audit entry."""
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
                    hotlines=self._rows(HOTLINE, SQL.hotlines),
                    hotline_hours=self._rows(HOTLINE_HOUR, SQL.hotline_hours, hours=HOURS_KEPT),
                    **self._open_leads(),
                    dnc=self._rows(DNC_LIST, LEGAL.dnc_lists),
                    abandons=self._rows(ABANDON, LEGAL.newest_abandons),
                    refused=self._cells(LEGAL.leads_refused),
                    named=self._rows(NAMED, SQL.named),
                    participations=self._cells(SQL.participations),
                    referrals=self._rows(REFERRAL, SQL.referrals),
                    jobs=self._rows(JOB, SQL.running_jobs, state="running"),
                    quotas=self._rows(QUOTA, SQL.quotas, since=self._yesterday()),
                )
            finally:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")

    def _open_leads(self) -> dict[str, Any]:
        counts: Counter[tuple[str, str]] = Counter()
        private: dict[tuple[str, str], None] = {}
        for campaign, agent, _, list_name, count in self._cells(LEADS_SQL.open_lists):
            counts[campaign, list_name] += count
            if agent:
                private[campaign, agent] = None
        return {"open_lists": [(*key, count) for key, count in counts.items()], "private_to": list(private)}

    def due(self, campaign: str, now: Instant, limit: int, order: LeadOrder = DEFAULT_ORDER) -> Due:
        """Leads that may be dialed, in the order of dialing."""
        if not (_can_be(campaign) and _can_be(order.private_to)):
            return Due([], None)
        with self._asking("read leads that are due"):
            return due_leads(self.connection, campaign, now, limit, order)

    def known_phones(self, campaign: str, phones: Sequence[str]) -> set[str]:
        """Those of `phones` that the campaign has already."""
        known: set[str] = set()
        phones = [phone for phone in phones if _can_be(phone)]
        if not _can_be(campaign):
            return known
        with self._asking("look phones up"):
            further = bool(self._cells(SQL.any_further))
            for start in range(0, len(phones), PHONES_AT_ONCE):
                asked = phones[start : start + PHONES_AT_ONCE]
                asked += asked[-1:] * (PHONES_AT_ONCE - len(asked))
                known.update(cells[0] for cells in self.connection.execute(SQL.known_phones.sql, (campaign, *asked)))
                if further:
                    found = self.connection.execute(SQL.known_further.sql, (campaign, *asked))
                    known.update(cells[0] for cells in found)
        return known

    def lead(self, campaign: str, phone: str) -> LeadRow | None:
        """The lead with that phone, the first or a further one, in the campaign."""
        found = self._ask(LEAD, SQL.lead, campaign=campaign, phone=phone)
        return next(iter(found or self._ask(LEAD, SQL.lead_by_further, campaign=campaign, phone=phone)), None)

    def attempt(self, call: str) -> AttemptRow | None:
        """The attempt with that id."""
        return next(iter(self._ask(ATTEMPT, SQL.attempt, call=call)), None)

    def suppressions_of(self, numbers: Sequence[str]) -> list[SuppressionRow]:
        """The entries of all lists for these numbers, also those that hold no more."""
        return [row for number in numbers for row in self._ask(SUPPRESSION, SQL.suppressions_of, number=number)]

    def _yesterday(self) -> str:
        """The day before the last turn's, UTC: in every zone a day that may still count has begun on it or later."""
        at = self._cells(SQL.last_turn_at)
        return datetime.fromtimestamp(at[0][0] - 86400, UTC).date().isoformat() if at else ""

    def lead_by_id(self, lead: int) -> LeadRow | None:
        """The lead with that id."""
        return next(iter(self._ask(LEAD, SQL.lead_by_id, lead=lead)), None)

    def leads(self, campaign: str, state: str | None, after: int, limit: int) -> list[LeadRow]:
        """Leads by id, beginning after id `after`."""
        if state is None:
            return self._ask(LEAD, SQL.leads, campaign=campaign, after=after, limit=_most(limit))
        return self._ask(LEAD, SQL.leads_in_state, campaign=campaign, state=state, after=after, limit=_most(limit))

    def leads_joined(
        self, campaign: str, after: Mark, before: Instant, limit: int, states: Collection[str], list_name: str | None
    ) -> tuple[list[LeadRow], Mark | None]:
        """A portion of a campaign's leads by (joining time, id), and where the next one begins."""
        at, id_, state, list_ = (LEAD.fields.index(name) for name in ("created_at", "id", "state", "list_name"))
        with self._asking("read leads"):
            cells = self._within(SQL.leads_joined, campaign, after, before, limit)
            # Kept or not is seen in the cells: a statement that looks for a rare state would go through the whole list.
            rows = [
                LEAD.row(one)
                for one in cells
                if (not states or one[state] in states) and (list_name is None or one[list_] == list_name)
            ]
            return rows, (cells[-1][at], cells[-1][id_]) if len(cells) >= limit else None

    def field_names(self, campaign: str, after: Mark, before: Instant, limit: int) -> tuple[set[str], Mark | None]:
        """The names of fields that a portion of a campaign's leads has, and where the next one begins."""
        with self._asking("read leads"):
            cells = self._within(SQL.fields_joined, campaign, after, before, limit)
            names: set[str] = set()
            for text in {one[2] for one in cells}:
                names.update(_to_fields(text))
            return names, (cells[-1][0], cells[-1][1]) if len(cells) >= limit else None

    def attempts_placed(
        self, campaign: str, after: Mark, before: Instant, limit: int, outcomes: Collection[str]
    ) -> tuple[list[AttemptRow], Mark | None]:
        """A portion of a campaign's attempts by (time, id), and where the next one begins."""
        at, id_, outcome = (ATTEMPT.fields.index(name) for name in ("placed_at", "id", "outcome"))
        with self._asking("read attempts"):
            cells = self._within(SQL.attempts_placed, campaign, after, before, limit)
            rows = [ATTEMPT.row(one) for one in cells if not outcomes or one[outcome] in outcomes]
            return rows, (cells[-1][at], cells[-1][id_]) if len(cells) >= limit else None

    def _within(self, statement: Statement, campaign: str, after: Mark, before: Instant, limit: int) -> list[Any]:
        if not (_can_be(campaign) and all(map(_can_be, after))):
            return []
        values = {"campaign": campaign, "after_at": after[0], "after": after[1], "before": before}
        return self._cells(statement, **values, limit=_most(limit))

    def job(self, job: str) -> JobRow | None:
        """The job with that id."""
        return next(iter(self._ask(JOB, SQL.job, job=job)), None)

    def jobs(self, kind: str, campaign: str | None, limit: int) -> list[JobRow]:
        """The newest jobs of a kind, newest first."""
        if campaign is None:
            return self._ask(JOB, SQL.jobs, kind=kind, limit=_most(limit))
        return self._ask(JOB, SQL.jobs_of_campaign, kind=kind, campaign=campaign, limit=_most(limit))

    def attempts_of(self, lead: int) -> list[AttemptRow]:
        """All attempts on a lead, oldest first."""
        return self._ask(ATTEMPT, SQL.attempts_of, lead=lead)

    def attempts(self, campaign: str | None, after: str, limit: int) -> list[AttemptRow]:
        """Attempts by id, beginning after id `after`."""
        if campaign is None:
            return self._ask(ATTEMPT, SQL.attempts, after=after, limit=_most(limit))
        return self._ask(ATTEMPT, SQL.attempts_of_campaign, campaign=campaign, after=after, limit=_most(limit))

    def audit(self, subject: str | None, limit: int, before: str = "") -> list[AuditRow]:
        """The newest entries about a subject (None: about all), newest first; `before`: older than the entry with that id."""
        before = before or _AFTER_ALL
        if subject is None:
            return self._ask(AUDIT, SQL.audit, before=before, limit=_most(limit))
        return self._ask(AUDIT, SQL.audit_of_subject, subject=subject, before=before, limit=_most(limit))

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
