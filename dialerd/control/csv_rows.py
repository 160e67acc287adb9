"""Rows of a CSV text that somebody sends with a command (C06).

Never stops at a row that cannot be read, and never lets a stray quote swallow the rest of the list.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import NamedTuple

from dialerd.model.errors import Refusal

MOST_COLUMNS = 100
LINES_OF_A_CELL = 8
"""Lines that a quoted cell may go over."""


class CsvRow(NamedTuple):
    """A row by its headings, without empty cells, or why it cannot be read."""

    number: int
    """The line where it begins; the heading is 1."""
    cells: dict[str, str]
    trouble: str = ""


def csv_rows(text: str, field: str) -> Iterator[CsvRow]:
    """The rows after the heading line, in order. Raises Refusal (`field`) if the text as a whole cannot be read."""
    text = text.removeprefix("\ufeff")
    if "\x00" in text:
        raise Refusal("bad_argument", "the text has NUL characters: it is not a CSV text", field)
    heading = text[: text.find("\n")] if "\n" in text else text
    lines = _lines(text, max(",;\t", key=heading.count))
    _, names, trouble = next(lines, (1, [], ""))
    names = [name.strip() for name in names]
    if trouble or not any(names):
        raise Refusal("bad_argument", f"the heading cannot be read: {trouble or 'it is empty'}", field)
    if len(names) > MOST_COLUMNS:
        raise Refusal("bad_argument", f"{len(names)} columns, at most {MOST_COLUMNS} are allowed", field)
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise Refusal("bad_argument", f"the heading {twice[0]!r} is there twice", field)
    return _by_heading(lines, names)


def _by_heading(lines: Iterator[tuple[int, list[str], str]], names: list[str]) -> Iterator[CsvRow]:
    for number, cells, trouble in lines:
        if trouble:
            yield CsvRow(number, {}, trouble)
        elif len(cells) > len(names):
            yield CsvRow(number, {}, f"{len(cells)} cells under {len(names)} headings")
        elif any(cell.strip() for cell in cells):
            told = zip(names, cells, strict=False)
            yield CsvRow(number, {name: cell.strip() for name, cell in told if name and cell.strip()})


def _lines(text: str, separator: str) -> Iterator[tuple[int, list[str], str]]:
    lines = io.StringIO(text, newline=None).readlines()
    at = 0
    while at < len(lines):
        most = min(LINES_OF_A_CELL, len(lines) - at)
        taken = next((n for n in range(1, most + 1) if _closed(lines[at : at + n])), 0)
        if not taken:
            yield at + 1, [], "a quote is opened and not closed"
            at += 1
            continue
        try:
            yield at + 1, next(csv.reader(lines[at : at + taken], delimiter=separator), []), ""
        except csv.Error as trouble:
            yield at + 1, [], f"cannot be read: {trouble}"
        at += taken


def _closed(lines: list[str]) -> bool:
    return sum(line.count('"') for line in lines) % 2 == 0
