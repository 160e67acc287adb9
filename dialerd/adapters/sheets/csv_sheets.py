"""Rows of a CSV file: separator, quotes, and what a stray quote may spoil.

Never lets a quote that is opened and not closed swallow the rest of the list: it spoils its own line only.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

from dialerd.adapters.sheets.csv_lines import BLOCK, Chunk, chunks
from dialerd.adapters.sheets.encodings import encoding_of
from dialerd.adapters.sheets.limits import CELL, Limits
from dialerd.adapters.sheets.tables import Table, row_told
from dialerd.model.errors import Refusal
from dialerd.ports.sheets import HowToRead, Row

LINES_OF_A_CELL = 8
"""Lines that a quoted cell may go over; more is a stray quote."""
SEPARATORS = (",", ";", "\t", "|")
_QUOTED = re.compile(r'"[^"]*"')
_SEP_LINE = re.compile(r'"?sep=([,;\t|])"?', re.IGNORECASE)
_UNCLOSED = "a quote is opened and not closed"


def csv_table(file: BinaryIO, how: HowToRead, limits: Limits, block: int = BLOCK) -> Table:
    """The one table of a CSV file. Raises Refusal for what cannot be read as a whole."""
    if how.sheet is not None:
        raise Refusal("bad_argument", "a CSV file has no sheets to choose from", "sheet")
    if how.separator is not None and how.separator not in SEPARATORS:
        raise Refusal("bad_argument", f"{how.separator[:20]!r} is not a separator", "separator", list(SEPARATORS))
    encoding = encoding_of(file, how.encoding, limits)
    parts = chunks(file, encoding, block)
    first = next(parts, Chunk(1, [], {}, False))
    told, skipped = _sep_line(first.lines)
    separator = how.separator or told or _separator(first.lines, how.header_row)
    rows = records(chain([first], parts), separator)
    if skipped:
        rows = (row for row in rows if row.number > skipped)
    return Table("", "csv", rows, encoding.lines, encoding=encoding.name, separator=separator)


def _sep_line(lines: list[str]) -> tuple[str, int]:
    """The separator of a first line such as `sep=;`, which Excel writes, and how many lines it takes."""
    found = _SEP_LINE.fullmatch(lines[0].rstrip("\n")) if lines else None
    return (found[1], 1) if found else ("", 0)


def _separator(lines: list[str], header_row: int | None) -> str:
    """The one that is most often in the heading, outside quotes; of two alike the one that the next rows have too."""
    at = header_row - 1 if header_row and header_row <= len(lines) else 0
    bare = [_QUOTED.sub("", line) for line in lines[at : at + 20] if line.strip()]
    heading, after = "".join(bare[:1]), bare[1:6] or [""]
    return max(SEPARATORS, key=lambda each: (heading.count(each), min(line.count(each) for line in after)))


class _Lines:
    """What csv reads from: a few lines at a time; it tells when csv wanted more than it was allowed."""

    def __init__(self, lines: list[str], at: int) -> None:
        self.lines = lines
        self.at = at
        self.stop = at
        self.wanted_more = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if self.at >= self.stop:
            self.wanted_more = True
            raise StopIteration
        self.at += 1
        return self.lines[self.at - 1]


def records(parts: Iterator[Chunk], separator: str) -> Iterator[Row]:
    """Every row, empty ones too. Rows that cannot be read have their trouble."""
    width = 0
    held = Chunk(1, [], {}, False)
    for part in chain(parts, [None]):
        if part is None:
            chunk, last = held, True
        else:
            joined = Chunk(held.first, held.lines + part.lines, held.bad | part.bad, held.quoted or part.quoted)
            chunk, last = joined if held.lines else part, False
        if not chunk.lines:
            continue
        plain = _plain(chunk, separator)
        rows, taken = (plain, len(chunk.lines)) if plain is not None else _quoted(chunk, separator, width, last=last)
        if not width and rows:
            width = max(len(row.cells) for row in rows[:5])
        yield from rows
        rest = chunk.first + taken
        bad = {number: why for number, why in chunk.bad.items() if number >= rest}
        held = Chunk(rest, chunk.lines[taken:], bad, taken < len(chunk.lines))


def _plain(chunk: Chunk, separator: str) -> list[Row] | None:
    """Rows of lines without quotes, at once; None: they need a closer look."""
    if chunk.quoted or chunk.bad:
        return None
    try:
        cells = list(csv.reader(chunk.lines, delimiter=separator))
    except csv.Error:
        return None
    if len(cells) != len(chunk.lines) or max(map(len, chunk.lines)) > CELL:
        return None
    return [Row(number, row) for number, row in enumerate(cells, chunk.first)]


def _quoted(chunk: Chunk, separator: str, width: int, *, last: bool) -> tuple[list[Row], int]:
    """Rows line by line, and how many lines they took; the rest may go on in the next chunk."""
    lines = _Lines(chunk.lines, 0)
    reader = csv.reader(lines, delimiter=separator)
    rows: list[Row] = []
    short = max(map(len, chunk.lines)) * LINES_OF_A_CELL <= CELL
    while (start := lines.at) < len(chunk.lines):
        number = chunk.first + start
        trouble = chunk.bad.get(number, "") if chunk.bad else ""
        lines.stop = min(start + (1 if trouble else LINES_OF_A_CELL), len(chunk.lines))
        lines.wanted_more = False
        try:
            cells = next(reader)
        except (csv.Error, StopIteration) as error:
            cells, trouble = [], trouble or f"cannot be read: {error}"
            lines.at = start + 1
        if lines.wanted_more:
            if not last and not trouble and lines.stop - start < LINES_OF_A_CELL:
                return rows, start
            trouble = trouble or _UNCLOSED
        elif lines.at - start > 1 and not trouble:
            if _strict(chunk.lines[start : lines.at], separator, width):
                for each in range(number + 1, chunk.first + lines.at):
                    trouble = trouble or chunk.bad.get(each, "")
            else:
                trouble = _UNCLOSED
        if trouble == _UNCLOSED:
            lines.at = start + 1
            cells = [chunk.lines[start].rstrip("\n")[:CELL]]
        rows.append(Row(number, cells) if short and not trouble else row_told(number, cells, trouble))
        width = width or len(cells)
    return rows, lines.at


def _strict(lines: list[str], separator: str, width: int) -> bool:
    """Whether several lines are one row beyond doubt: two stray quotes would else hide the lines between them."""
    try:
        rows = list(csv.reader(lines, delimiter=separator, strict=True))
    except csv.Error:
        return False
    return len(rows) == 1 and len(rows[0]) >= width
