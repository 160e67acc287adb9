"""Rows of a list as leads: picked by their columns, checked, and told where they cannot be taken (C06-C08).

Never stops at a bad row, and never takes a phone twice from one list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from dialerd.adapters.sheets.columns import PlacedColumns, placed
from dialerd.adapters.sheets.headings import suggest
from dialerd.model.errors import Refusal
from dialerd.model.facts import NewLead
from dialerd.model.lead_check import PHONE_TOLD, GivenLead, LeadCheck
from dialerd.ports.sheets import Checking, Heading, LeadRows, Mapping, Picked, Row, RowRefused, RowTaken

CELLS_TOLD = 100
CELL_TOLD = 500
"""Cells of a row, and characters of a cell, that a report shows."""
MAX_FIELDS = 100
_ZERO_LOST = "leading_zero_lost"
_ZERO_LOST_IN = "VN"
"""Only there does the warning tell of the trunk 0; elsewhere nine digits may be the whole number."""


def mapping_of(checking: Checking, heading: Heading) -> Mapping:
    """The mapping that holds. Raises Refusal if no column is the phone, or if columns are no field where only fields may be."""
    mapping = checking.mapping
    if mapping is None:
        mapping = suggest(heading.headings, checking.fields)
        given = {key: value for key, value in (("phone", checking.phone), ("name", checking.name)) if value}
        mapping = _without(mapping, given)
        others = checking.rules.others
        mapping = msgspec.structs.replace(mapping, **given, others="ignore" if others == "drop" else "keep")
    return mapping


def _without(mapping: Mapping, given: dict[str, str]) -> Mapping:
    """The suggestion without what is told otherwise: a column is one thing only."""
    told = {value.casefold() for value in given.values()}
    if not told:
        return mapping
    changed = {
        key: ""
        for key, value in msgspec.structs.asdict(mapping).items()
        if isinstance(value, str) and key != "others" and value.casefold() in told
    }
    return msgspec.structs.replace(
        mapping,
        **changed,
        phones=tuple(phone for phone in mapping.phones if phone.casefold() not in told),
        fields={field: column for field, column in mapping.fields.items() if column.casefold() not in told},
    )


def columns_of(checking: Checking, mapping: Mapping, heading: Heading) -> PlacedColumns:
    """The mapping as columns. Raises Refusal."""
    columns = placed(mapping, heading, checking.fields)
    known = {field.name for field in checking.fields}
    if checking.rules.others == "refuse":
        unknown = [name for name in columns.fields if name not in known]
        if unknown:
            because = f"{unknown[0][:100]!r} is no field of the campaign: map it or ignore it"
            raise Refusal("bad_argument", because, "mapping", sorted(known) or None)
    if len(columns.fields) > MAX_FIELDS:
        because = f"{len(columns.fields)} fields, at most {MAX_FIELDS} are allowed: map the others or ignore them"
        raise Refusal("bad_argument", because, "mapping")
    return columns


class Checker:
    """Checks the rows of one list."""

    def __init__(self, checking: Checking, columns: PlacedColumns) -> None:
        self._columns = columns
        self._check = LeadCheck(checking.rules)
        self._region = checking.rules.region
        self._seen: set[int] = set()
        """Every phone until now, as a number: a million of them are less than 100 MB, and not the daemon's."""

    def leads(self, batches: Iterable[list[Row]]) -> Iterator[LeadRows]:
        """The rows, batch by batch."""
        for batch in batches:
            yield self.portion(batch)

    def portion(self, batch: list[Row]) -> LeadRows:
        """One batch."""
        taken: list[RowTaken] = []
        refused: list[RowRefused] = []
        twice: list[RowRefused] = []
        warnings: Counter[str] = Counter()
        for row in batch:
            picked = self._columns.pick(row)
            try:
                lead = self._lead(picked)
            except Refusal as refusal:
                refused.append(_refused(row, picked, refusal.message))
                continue
            if self._is_twice(lead):
                twice.append(_refused(row, picked, "a row before it has the same phone"))
                continue
            taken.append(RowTaken(row.number, lead, row.cells))
            warnings.update({warning.rpartition(" ")[2] for warning in picked.warnings})
        if self._region != _ZERO_LOST_IN:
            del warnings[_ZERO_LOST]
        return LeadRows(taken, refused, twice, dict(warnings))

    def _lead(self, picked: Picked) -> NewLead:
        if picked.trouble:
            raise Refusal("bad_row", picked.trouble)
        return self._check.lead(
            GivenLead(picked.phone, picked.name, picked.phones, fields=picked.fields, **picked.more)
        )

    def _is_twice(self, lead: NewLead) -> bool:
        numbers = [int(f"1{phone.lstrip('+')}") for phone in (lead.phone, *lead.phones)]
        if any(number in self._seen for number in numbers):
            return True
        self._seen.update(numbers)
        return False


def _refused(row: Row, picked: Picked, because: str) -> RowRefused:
    cells = [cell[:CELL_TOLD] for cell in row.cells[:CELLS_TOLD]]
    return RowRefused(row.number, picked.phone[:PHONE_TOLD], because[:2000], cells)
