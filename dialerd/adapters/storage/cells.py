"""Rows as the cells of a table, and back.

Never reads or writes a database: it only says what stands in which column.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec
from sqlalchemy import Table

from dialerd.adapters.storage import tables
from dialerd.model.errors import OurMistakeError
from dialerd.model.folded_text import folded_contact, folded_lead
from dialerd.model.lead_order import class_of
from dialerd.model.notices import NoticeRow
from dialerd.model.rows import (
    AbandonRow,
    AgentRow,
    AttemptRow,
    AuditRow,
    CampaignRow,
    ContactRow,
    CounterRow,
    DncListRow,
    HotlineHourRow,
    HotlineRow,
    JobRow,
    LeadPhoneRow,
    LeadRow,
    MemberRow,
    NamedRow,
    QuotaRow,
    ReferralRow,
    RefusalRow,
    ReplyRow,
    Row,
    SuppressionRow,
    TallyRow,
    TicketRow,
)
from dialerd.model.turn import Committed, encode

R = TypeVar("R", bound=msgspec.Struct)
Cells: TypeAlias = tuple[Any, ...]

_to_json = msgspec.json.Encoder(order="deterministic").encode
_from_json = msgspec.json.decode
_astuple = msgspec.structs.astuple


class Shape(Generic[R]):
    """How rows of one kind stand in their table."""

    def __init__(
        self,
        kind: type[R],
        table: Table,
        key: Callable[[R], Hashable],
        *marks: tuple[str, Callable[[R], int | str]],
        fixed: Collection[str] = (),
    ) -> None:
        self.kind = kind
        self.table = table
        self.key = key
        """The row's key within its table."""
        self.fields: tuple[str, ...] = kind.__struct_fields__
        self.columns: tuple[str, ...] = (*self.fields, *(name for name, _ in marks))
        """The table's columns in order: the fields, then the marks that indexes and searches need."""
        if self.columns != tuple(column.name for column in table.columns):
            raise OurMistakeError(f"table {table.name} does not fit {kind.__name__}: columns must be {self.columns}")
        self.fixed = frozenset(fixed)
        """Columns that never change once the row is written: an update leaves them, and the indexes on them, alone."""
        self._marks = tuple(made for _, made in marks)
        hints = {field.name: str(field.type) for field in msgspec.structs.fields(kind)}
        self._json = tuple(i for i, name in enumerate(self.fields) if hints[name].startswith(("dict", "list")))
        self._bool = tuple(i for i, name in enumerate(self.fields) if hints[name] == str(bool))
        self._plain = not self._json and not self._marks

    def cells(self, row: R) -> Cells:
        """The row's cells in the order of `columns`."""
        if self._plain:
            return _astuple(row)
        cells = list(_astuple(row))
        for i in self._json:
            cells[i] = _to_json(cells[i]).decode()
        cells += [made(row) for made in self._marks]
        return tuple(cells)

    def row(self, cells: Sequence[Any]) -> R:
        """The row of cells in the order of `fields`. Raises msgspec.DecodeError for a damaged dict."""
        if not self._json and not self._bool:
            return self.kind(*cells)
        values = list(cells)
        for i in self._json:
            values[i] = _from_json(values[i])
        for i in self._bool:
            values[i] = bool(values[i])
        return self.kind(*values)


def _live(row: AttemptRow) -> int:
    return 1 if row.live else 0


CAMPAIGN: Shape[CampaignRow] = Shape(CampaignRow, tables.CAMPAIGNS, lambda row: row.id)
TALLY: Shape[TallyRow] = Shape(TallyRow, tables.TALLIES, lambda row: row.campaign)
LEAD: Shape[LeadRow] = Shape(
    LeadRow,
    tables.LEADS,
    lambda row: row.id,
    ("dialable", class_of),
    ("folded", folded_lead),
    fixed=("campaign", "phone", "created_at", "source"),
)
LEAD_PHONE: Shape[LeadPhoneRow] = Shape(LeadPhoneRow, tables.LEAD_PHONES, lambda row: (row.campaign, row.phone))
ATTEMPT: Shape[AttemptRow] = Shape(
    AttemptRow,
    tables.ATTEMPTS,
    lambda row: row.id,
    ("live", _live),
    fixed=("campaign", "lead", "number", "server", "trunk", "hotline", "placed_at"),
)
AGENT: Shape[AgentRow] = Shape(AgentRow, tables.AGENTS, lambda row: row.id)
AUDIT: Shape[AuditRow] = Shape(AuditRow, tables.AUDIT, lambda row: row.id)
REPLY: Shape[ReplyRow] = Shape(ReplyRow, tables.REPLIES, lambda row: (row.principal, row.id))
COUNTER: Shape[CounterRow] = Shape(CounterRow, tables.COUNTERS, lambda row: row.name)

NAMED: Shape[NamedRow] = Shape(NamedRow, tables.NAMED, lambda row: (row.kind, row.id))
CONTACT: Shape[ContactRow] = Shape(ContactRow, tables.CONTACTS, lambda row: row.id, ("folded", folded_contact))
MEMBER: Shape[MemberRow] = Shape(MemberRow, tables.MEMBERS, lambda row: (row.kind, row.group, row.member))
SUPPRESSION: Shape[SuppressionRow] = Shape(
    SuppressionRow, tables.SUPPRESSIONS, lambda row: (row.list_name, row.number, row.channel)
)
DNC_LIST: Shape[DncListRow] = Shape(DncListRow, tables.DNC_LISTS, lambda row: (row.list_name, row.channel))
ABANDON: Shape[AbandonRow] = Shape(AbandonRow, tables.ABANDONS, lambda row: (row.campaign, row.rule, row.start))
REFUSAL: Shape[RefusalRow] = Shape(RefusalRow, tables.REFUSALS, lambda row: row.lead)
TICKET: Shape[TicketRow] = Shape(TicketRow, tables.TICKETS, lambda row: row.id)
REFERRAL: Shape[ReferralRow] = Shape(ReferralRow, tables.REFERRALS, lambda row: row.id)
QUOTA: Shape[QuotaRow] = Shape(QuotaRow, tables.QUOTAS, lambda row: (row.campaign, row.agent, row.day))
HOTLINE: Shape[HotlineRow] = Shape(HotlineRow, tables.HOTLINES, lambda row: row.id)
HOTLINE_HOUR: Shape[HotlineHourRow] = Shape(
    HotlineHourRow, tables.HOTLINE_HOURS, lambda row: (row.hotline, row.campaign, row.hour)
)
JOB: Shape[JobRow] = Shape(JobRow, tables.JOBS, lambda row: row.id)
NOTICE: Shape[NoticeRow] = Shape(NoticeRow, tables.NOTICES, lambda row: row.id)

# In this order they are written: a row that others point to comes before them.
SHAPES: tuple[Shape[Any], ...] = (
    CAMPAIGN, TALLY, LEAD, LEAD_PHONE, ATTEMPT, AGENT, AUDIT, REPLY, COUNTER, NAMED, CONTACT, MEMBER, SUPPRESSION, DNC_LIST,
    ABANDON, REFUSAL, TICKET,
    REFERRAL, QUOTA, HOTLINE, HOTLINE_HOUR, JOB, NOTICE,
)  # fmt: skip
_BY_KIND: dict[type, Shape[Any]] = {shape.kind: shape for shape in SHAPES}


class Sheet(msgspec.Struct, frozen=True):
    """A batch as it goes over to the database: a snapshot, so rows may change while it is written."""

    first: int
    """Number of the first turn."""
    turns: list[Cells]
    rows: list[tuple[Shape[Any], list[Cells]]]
    """By table, in the order of writing."""

    @property
    def size(self) -> int:
        """Rows to write, the turns among them."""
        return len(self.turns) + sum(len(rows) for _, rows in self.rows)


def sheet(batch: Sequence[Committed]) -> Sheet:
    """The cells of a batch with at least one turn. Raises OurMistakeError if its turns do not follow each other."""
    first = batch[0].turn.seq
    latest: dict[type, dict[Hashable, Row]] = {}
    attempts: list[AttemptRow] = []
    turns: list[Cells] = []
    for place, committed in enumerate(batch):
        turn = committed.turn
        if turn.seq != first + place:
            raise OurMistakeError(f"turn {turn.seq} in a batch where turn {first + place} must follow")
        turns.append((turn.seq, turn.at, encode(turn).decode()))
        called: dict[str, AttemptRow] = {}
        for row in committed.rows:
            if isinstance(row, AttemptRow):
                called[row.id] = row
                continue
            kind = type(row)
            of_kind = latest.get(kind)
            if of_kind is None:
                if kind not in _BY_KIND:
                    raise OurMistakeError(f"turn {turn.seq}: {kind.__name__} is not a row of the store")
                of_kind = latest[kind] = {}
            of_kind[_BY_KIND[kind].key(row)] = row
        if called:
            # Attempts are written turn by turn, in each the ended before the live: so the database sees every second
            # live attempt on a number, also one that came and went within this batch, and none where there was none.
            attempts += sorted(called.values(), key=_live)
    rows: list[tuple[Shape[Any], list[Cells]]] = []
    for shape in SHAPES:
        found: Sequence[Any] = attempts if shape is ATTEMPT else list(latest.get(shape.kind, {}).values())
        if found:
            rows.append((shape, [shape.cells(row) for row in found]))
    return Sheet(first, turns, rows)
