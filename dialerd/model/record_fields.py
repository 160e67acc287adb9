"""Custom fields of a campaign's records: what they are, and how a row of a list is read by them (C08).

Never keeps a value that its field refuses, and never stops at the first one that is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from dialerd.model.errors import Refusal
from dialerd.model.faults import BadValues, Fault, fault
from dialerd.model.filled_in import as_text, read_filled_in
from dialerd.model.typed_values import LONGEST, Shown, TypedValue
from dialerd.model.written_text import read_text

MAX_FIELDS = 100
RESERVED = frozenset(
    {
        "attempts",
        "campaign",
        "last_at",
        "last_outcome",
        "lead",
        "name",
        "next_at",
        "phone",
        "phones",
        "source",
        "state",
    }
)
"""What a lead has anyway: no custom field may be called so, in capitals or not."""

Others: TypeAlias = Literal["keep", "refuse", "drop"]
"""What becomes of columns that are no field: kept as text, refused, or left out."""


class RecordField(TypedValue):
    """A custom field of a campaign's records (C08)."""

    label: Shown = ""
    """What people read; empty: the name."""
    kind: Literal["text", "number", "date", "choice", "pesel", "nip", "regon"] = "text"
    editable: bool = False
    """Whether agents may change it."""
    significant: bool = False
    """Whether it identifies the record in lists and in the names of recordings; one field at most."""

    @model_validator(mode="after")
    def _is_not_reserved(self) -> RecordField:
        if self.name.casefold() in RESERVED:
            raise ValueError("name is one that every lead has already; another name is needed")
        return self

    @property
    def shown(self) -> str:
        """Its label, or its name."""
        return self.label or self.name


def _together(fields: list[RecordField]) -> list[RecordField]:
    called: dict[str, str] = {}
    for field in fields:
        for word in {field.name.casefold(), field.shown.casefold()}:
            if word in called:
                raise ValueError(
                    f"{called[word]} and {field.name} are called alike; different names and labels are needed"
                )
            called[word] = field.name
    significant = [field.name for field in fields if field.significant]
    if len(significant) > 1:
        raise ValueError(f"{' and '.join(significant)} are significant; one field at most is")
    return fields


Fields = Annotated[list[RecordField], Field(max_length=MAX_FIELDS), AfterValidator(_together)]
"""The fields of a campaign, in the order in which people see them."""


def read(
    fields: Sequence[RecordField],
    values: Mapping[str, str],
    today: date,
    *,
    partial: bool = False,
    others: Others = "keep",
) -> dict[str, str]:
    """The canonical texts of `values` (field's name to text), in the order of `fields`, then the others that are kept.

    An empty text is no value. `partial`: a change of some fields, so that required ones need not be among them; an empty text
    then clears its field and comes back empty. `today` is where the one who calls is.

    Raises BadValues with every fault at once; its `field` is `fields.<name>` of the first.
    """
    good, faults = read_filled_in(fields, values, today, partial)
    known = {field.name for field in fields}
    if others != "drop" and not values.keys() <= known:
        for name in [name for name in values if name not in known]:
            if others == "refuse":
                allowed = ", ".join(field.name for field in fields)[:500] or "none"
                faults.append(fault(name, "", "there is no such field", allowed))
            else:
                _keep(name, values[name], partial, good, faults)
        if len(good) > MAX_FIELDS:
            faults.append(fault("fields", "", f"there are {len(good)} of them", f"at most {MAX_FIELDS}"))
    if faults:
        raise BadValues("fields", faults)
    return good


def _keep(name: str, given: str, partial: bool, good: dict[str, str], faults: list[Fault]) -> None:
    try:
        column = read_text(name, 64)
        text = read_text(as_text(given), LONGEST)
    except Refusal as refusal:
        faults.append(fault(name, str(given), refusal.message, str(refusal.allowed)))
        return
    if column in good:
        faults.append(fault(name, text, "it is there twice", "each column once"))
    elif column and (text or partial):
        good[column] = text


def columns(fields: Sequence[RecordField], headings: Sequence[str]) -> dict[str, str]:
    """Of the headings of a list, those that are a field's name or label (capitals do not count), to the field's name.

    Raises Refusal (field `columns`) if two headings mean one field.
    """
    called = {word.casefold(): field.name for field in fields for word in (field.name, field.shown)}
    found: dict[str, str] = {}
    for heading in headings:
        name = called.get(heading.strip().casefold())
        if name is None:
            continue
        if name in found.values():
            raise Refusal("bad_argument", f"two columns are the field {name}", "columns", "one column for each field")
        found[heading] = name
    return found


def may_edit(fields: Sequence[RecordField], who_is_agent: bool, name: str) -> bool:
    """Whether a field may be changed by an agent (one that is editable), or by another (any but what is the lead's own)."""
    field = next((field for field in fields if field.name == name), None)
    if field is None:
        return not who_is_agent and name.casefold() not in RESERVED
    return field.editable or not who_is_agent


def significant_value(fields: Sequence[RecordField], values: Mapping[str, str]) -> str:
    """The value that identifies the record, empty if there is none. It is a stranger's text: it is not yet fit for a file name."""
    return next((values.get(field.name, "") for field in fields if field.significant), "")
