"""A list of numbers from text: one a line, or the column of a CSV text (C20).

Never stops at a line that is no number, and never holds more of the text than a line beside it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import NamedTuple

from dialerd.model.errors import Refusal
from dialerd.model.phones import normalise

_HEADING_AT_MOST = 100


class Line(NamedTuple):
    """A line of the text: its number, or why it has none."""

    row: int
    text: str
    number: str
    because: str


def numbers_of_text(text: str, column: str, region: str) -> Iterator[Line]:
    """Every number, in order; empty lines are passed by. Raises Refusal if the text as a whole cannot be read.

    Without a line of headings the first cell of each line is the number; with one, the cell under `column`.
    """
    if "\x00" in text:
        raise Refusal("bad_argument", "the text has NUL characters: it is not a list of numbers", "csv")
    lines = io.StringIO(text.removeprefix("\ufeff"), newline=None)
    separator, at = ",", 0
    first = True
    for row, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if first:
            first = False
            separator = max(",;\t", key=line.count)
            cells = _cells(line, separator)
            folded = [cell.strip().casefold() for cell in cells]
            if column.strip().casefold() in folded:
                at = folded.index(column.strip().casefold())
                continue
            if not any(character.isdigit() for character in line):
                told = f"there is no column {column!r}, and the first line is no number"
                raise Refusal("bad_argument", told, "column", [cell.strip()[:100] for cell in cells[:_HEADING_AT_MOST]])
        cells = _cells(line, separator)
        yield _line(row, cells[at].strip() if at < len(cells) else "", region)


def _cells(line: str, separator: str) -> list[str]:
    if separator not in line and '"' not in line:
        return [line]
    try:
        return next(csv.reader([line], delimiter=separator), [""])
    except csv.Error:
        return [line]


def _line(row: int, cell: str, region: str) -> Line:
    if not cell:
        return Line(row, "", "", "no number")
    try:
        return Line(row, cell[:64], normalise(cell, region), "")
    except Refusal as refusal:
        return Line(row, cell[:64], "", refusal.message[:300])
