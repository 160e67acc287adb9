"""Rows of a lead list, from CSV text to checked leads and refusals (C06, C07).

Never stops at a bad row: it is told with its number and the reason, and the next is read.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import msgspec

from dialerd.control.leads import Add, Import
from dialerd.model.errors import Refusal
from dialerd.model.facts import NewLead
from dialerd.model.phones import normalise

MAX_FIELDS = 100
MAX_FIELD = 2000
LINES_OF_A_CELL = 8
"""Lines that a quoted cell may go over."""


class Good(msgspec.Struct, frozen=True):
    """A lead that may be added, unless the campaign has its phone already."""

    row: int
    lead: NewLead


class Bad(msgspec.Struct, frozen=True):
    """A row that is refused."""

    row: int
    phone: str
    because: str
    field: str = "phone"


def rows_of(args: Import | Add, region: str) -> Iterator[Good | Bad]:
    """Every row of an import, or the one of an add, in order. Raises Refusal if the text as a whole cannot be read."""
    if isinstance(args, Add):
        yield _row(1, args.phone, args.name, dict(args.fields), region)
        return
    text = args.csv.removeprefix("\ufeff")
    if "\x00" in text:
        raise Refusal("bad_argument", "the text has NUL characters: it is not a CSV text", "csv")
    heading = text[: text.find("\n")] if "\n" in text else text
    separator = max(",;\t", key=heading.count)
    lines = _rows(text, separator)
    _, names, trouble = next(lines, (1, [], ""))
    names = [name.strip() for name in names]
    if trouble:
        raise Refusal("bad_argument", f"the heading cannot be read: {trouble}", "csv")
    phone_at = _column(names, args.phone)
    if phone_at is None:
        raise Refusal("bad_argument", f"there is no column {args.phone!r}", "phone", names[:MAX_FIELDS])
    name_at = _column(names, args.name)
    if len(names) > MAX_FIELDS:
        raise Refusal("bad_argument", f"{len(names)} columns, at most {MAX_FIELDS} are allowed", "csv")
    for row, cells, trouble in lines:
        if trouble:
            yield Bad(row, "", trouble)
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(names):
            yield Bad(row, cells[phone_at][:64], f"{len(cells)} cells under {len(names)} headings")
            continue
        cells.extend([""] * (len(names) - len(cells)))
        fields = {
            name: cell.strip()
            for at, (name, cell) in enumerate(zip(names, cells, strict=True))
            if at not in (phone_at, name_at) and name and cell.strip()
        }
        yield _row(row, cells[phone_at], cells[name_at].strip() if name_at is not None else "", fields, region)


def _rows(text: str, separator: str) -> Iterator[tuple[int, list[str], str]]:
    """(line number, cells, or why it cannot be read) of each row. A quote that is opened and not closed spoils its own line only.

    A cell may go over a few lines; more than that is a stray quote, which would swallow the rest of the list.
    """
    lines = io.StringIO(text, newline=None).readlines()
    at = 0
    while at < len(lines):
        taken = next(
            (n for n in range(1, LINES_OF_A_CELL + 1) if _closed(lines[at : at + n]) and at + n <= len(lines)), 0
        )
        if not taken:
            yield at + 1, [], "a quote is opened and not closed"
            at += 1
            continue
        try:
            cells = next(csv.reader(lines[at : at + taken], delimiter=separator), [])
            yield at + 1, cells, ""
        except csv.Error as trouble:
            yield at + 1, [], f"cannot be read: {trouble}"
        at += taken


def _closed(lines: list[str]) -> bool:
    return sum(line.count('"') for line in lines) % 2 == 0


def _column(names: list[str], wanted: str) -> int | None:
    folded = [name.casefold() for name in names]
    return folded.index(wanted.strip().casefold()) if wanted.strip().casefold() in folded else None


def _row(row: int, phone: str, name: str, fields: dict[str, str], region: str) -> Good | Bad:
    if not phone.strip():
        return Bad(row, "", "phone: required")
    too_long = [key for key, value in fields.items() if len(value) > MAX_FIELD]
    if too_long or len(name) > 200:
        which = too_long[0] if too_long else "name"
        because = f"{which}: longer than {200 if not too_long else MAX_FIELD} characters"
        return Bad(row, phone[:64], because, "fields" if too_long else "name")
    try:
        number = normalise(phone, region)
    except Refusal as refusal:
        return Bad(row, phone[:64], refusal.message)
    return Good(row, NewLead(number, name, fields))
