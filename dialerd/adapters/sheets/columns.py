"""A mapping placed on a heading: which column is the phone, the name, a further phone, a field.

Never takes a column that was not meant: a heading that is there twice must be told by its letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from dialerd.adapters.sheets.headings import folded
from dialerd.adapters.sheets.letters import letters, position
from dialerd.model.errors import Refusal
from dialerd.ports.sheets import OF_CONTACT, OWN, AnyMapping, ContactMapping, Heading, Mapping, Picked, RecordField, Row

_LETTERS = re.compile(r"[A-Za-z]{1,3}")
_NUMBER = re.compile(r"[0-9]{1,5}")


class PlacedColumns:
    """Positions in a row, from 0."""

    def __init__(
        self,
        width: int,
        phone: int | None,
        name: int | None,
        phones: Sequence[int],
        fields: dict[str, int],
        more: dict[str, int] | None = None,
    ) -> None:
        self.width = width
        self.phone = phone
        self.name = name
        self.phones = tuple(phones)
        self.fields = fields
        self.more = more or {}
        self._targets = {at: f"phones[{n}]" for n, at in enumerate(phones)}
        if phone is not None:
            self._targets[phone] = "phone"
        self._targets |= {at: field for field, at in (*fields.items(), *self.more.items())}
        if name is not None:
            self._targets[name] = "name"

    def pick(self, row: Row) -> Picked:
        """A row's cells by what they are. A row with cells beyond the last column has trouble: something is shifted."""
        cells, trouble = row.cells, row.trouble
        if len(cells) > self.width and not trouble:
            beyond = next((at for at in range(self.width, len(cells)) if cells[at].strip()), None)
            if beyond is not None:
                trouble = f"{len(cells)} cells under {self.width} headings"
        missing = self.width - len(cells)
        if missing > 0:
            cells = [*cells, *[""] * missing]
        return Picked(
            row.number,
            cells[self.phone].strip() if self.phone is not None else "",
            cells[self.name].strip() if self.name is not None else "",
            [found for at in self.phones if (found := cells[at].strip())],
            {field: found for field, at in self.fields.items() if (found := cells[at].strip())},
            trouble,
            list(self._warned(row)) if row.warnings else [],
            {own: found for own, at in self.more.items() if (found := cells[at].strip())} if self.more else {},
        )

    def _warned(self, row: Row) -> Iterator[str]:
        """A lost zero matters in phones only; lost digits in whatever is taken."""
        for at, code in row.warnings:
            target = self._targets.get(at)
            if target is not None and (code == "digits_lost" or at == self.phone or at in self.phones):
                yield f"{target}: {code}"


def placed(mapping: Mapping, heading: Heading, fields: Sequence[RecordField]) -> PlacedColumns:
    """A mapping as columns. `fields` empty: any field name is taken. Raises Refusal naming the target and the headings."""
    if not mapping.phone.strip():
        raise Refusal("bad_argument", "no column is named for the phone", "phone", _choices(heading))
    found = _placed(mapping, heading, fields, OWN, mapping.phones)
    missing = [field.name for field in fields if field.required and field.name not in found.fields]
    if missing:
        required = f"the required record field {missing[0]!r} has no column"
        raise Refusal("bad_argument", required, f"fields.{missing[0]}", _choices(heading))
    return found


KNOWN_BY = ("code", "name", "phone", "email")
"""A contact without any of these is nobody."""


def placed_contacts(mapping: ContactMapping, heading: Heading) -> PlacedColumns:
    """The same for a list of contacts. Raises Refusal."""
    if not any(getattr(mapping, each).strip() for each in KNOWN_BY):
        because = "no column is named for a code, a name, a phone or an e-mail address"
        raise Refusal("bad_argument", because, "mapping", _choices(heading))
    return _placed(mapping, heading, (), OF_CONTACT, ())


def _placed(
    mapping: AnyMapping, heading: Heading, fields: Sequence[RecordField], others: Sequence[str], further: Sequence[str]
) -> PlacedColumns:
    """`others`: what the mapping has beside phone and name; `further`: columns of further phones."""
    taken: dict[int, str] = {}
    phone = _take(mapping.phone, "phone", heading, taken) if mapping.phone.strip() else None
    name = _take(mapping.name, "name", heading, taken) if mapping.name.strip() else None
    phones = [_take(column, f"phones[{n}]", heading, taken) for n, column in enumerate(further)]
    own = {each: getattr(mapping, each) for each in others}
    more = {each: _take(column, each, heading, taken) for each, column in own.items() if column.strip()}
    known = {field.name for field in fields}
    at: dict[str, int] = {}
    for field, column in mapping.fields.items():
        if known and field not in known:
            raise Refusal(
                "bad_argument", f"{field[:100]!r} is not a record field", f"fields.{field[:100]}", sorted(known)
            )
        at[field] = _take(column, f"fields.{field[:100]}", heading, taken)
    for n, column in enumerate(mapping.ignore):
        _take(column, f"ignore[{n}]", heading, taken)
    if mapping.others == "keep":
        for place, word in enumerate(heading.headings):
            if place not in taken and word:
                at[_unused(word, place, at)] = place
    return PlacedColumns(heading.columns, phone, name, phones, at, more)


def _unused(word: str, place: int, fields: dict[str, int]) -> str:
    """Of two columns with one heading both are kept, the second with its letter."""
    return word if word not in fields else f"{word} ({letters(place)})"


def _take(column: str, target: str, heading: Heading, taken: dict[int, str]) -> int:
    at = _position(column, target, heading)
    if at in taken:
        raise Refusal("bad_argument", f"column {_named(heading, at)} is {taken[at]} already", target, _choices(heading))
    taken[at] = target
    return at


def _position(column: str, target: str, heading: Heading) -> int:
    wanted = " ".join(column.split())
    for key in (str, str.casefold, folded):
        found = [at for at, word in enumerate(heading.headings) if word and key(word) == key(wanted)]
        if len(found) == 1:
            return found[0]
        if found:
            where = ", ".join(letters(at) for at in found)
            raise Refusal("bad_argument", f"{wanted[:100]!r} is the heading of {where}: name it by its letter", target)
    at = -1
    if _NUMBER.fullmatch(wanted):
        at = int(wanted) - 1
    elif _LETTERS.fullmatch(wanted):
        at = position(wanted.upper())
    if 0 <= at < heading.columns:
        return at
    raise Refusal("bad_argument", f"there is no column {wanted[:100]!r}", target, _choices(heading))


def _choices(heading: Heading) -> list[str]:
    """The headings there are, or letters where there are none."""
    return [word for word in heading.headings if word] or [letters(at) for at in range(heading.columns)]


def _named(heading: Heading, at: int) -> str:
    word = heading.headings[at] if at < len(heading.headings) else ""
    return f"{letters(at)} ({word})" if word else letters(at)
