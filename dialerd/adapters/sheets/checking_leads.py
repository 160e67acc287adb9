"""Rows of a list as leads (C06-C08).

Never takes a phone twice from one list.
"""

from __future__ import annotations

import msgspec

from dialerd.adapters.sheets.checking import Checker, as_number
from dialerd.adapters.sheets.columns import PlacedColumns, placed
from dialerd.adapters.sheets.headings import suggest
from dialerd.model.errors import Refusal
from dialerd.model.facts import NewLead
from dialerd.model.lead_check import GivenLead, LeadCheck
from dialerd.ports.sheets import Checking, Heading, Mapping, Picked

MAX_FIELDS = 100


class LeadChecker(Checker[NewLead]):
    """Checks the rows of one list of leads."""

    def __init__(self, checking: Checking, heading: Heading) -> None:
        """Raises Refusal for a mapping that does not fit the heading."""
        mapping = _mapping_of(checking, heading)
        super().__init__(mapping, _columns_of(checking, mapping, heading), checking.rules.region)
        self._check = LeadCheck(checking.rules)
        self._seen: set[int] = set()

    def _item(self, picked: Picked) -> NewLead:
        return self._check.lead(
            GivenLead(picked.phone, picked.name, picked.phones, fields=picked.fields, **picked.more)
        )

    def _twice(self, item: NewLead) -> str:
        numbers = [as_number(phone) for phone in (item.phone, *item.phones)]
        if any(number in self._seen for number in numbers):
            return "a row before it has the same phone"
        self._seen.update(numbers)
        return ""


def _mapping_of(checking: Checking, heading: Heading) -> Mapping:
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


def _columns_of(checking: Checking, mapping: Mapping, heading: Heading) -> PlacedColumns:
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
