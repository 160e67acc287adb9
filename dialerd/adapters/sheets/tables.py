"""A table on its way: its heading row found, its empty rows left out, its rows in batches.

Never reads ahead of who asks for more than a batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, dropwhile, islice

from dialerd.adapters.sheets.limits import CELL, Limits, too_large
from dialerd.model.errors import Refusal
from dialerd.ports.sheets import Heading, Row

BATCH = 500
"""Rows in a batch, at most."""
BATCH_CHARACTERS = 500_000
"""A batch with so many is full."""
FIRST_ROWS = 10
"""Rows shown of each sheet."""


class Table:
    """Rows of one sheet, empty ones too, and what is known of them."""

    def __init__(
        self,
        sheet: str,
        kind: str,
        rows: Iterator[Row],
        rows_at_most: int,
        *,
        width: int = 0,
        encoding: str = "",
        separator: str = "",
        hidden: bool = False,
    ) -> None:
        self._rows = rows
        self._about = (sheet, kind, rows_at_most, width, encoding, separator, hidden)

    def begin(self, header_row: int | None, limits: Limits, after_row: int = 0) -> Heading:
        """Read up to the heading; rows up to `after_row` are left out. Raises Refusal if there is none or it cannot be read."""
        sheet, kind, rows_at_most, width, encoding, separator, hidden = self._about
        row = self._row(header_row)
        if header_row == 0:
            self._rows = chain([row], self._rows)
            headings: list[str] = []
            columns = max(len(row.cells), width)
        else:
            if row.trouble:
                raise Refusal("bad_file", f"the heading (row {row.number}) cannot be read: {row.trouble}", "file")
            headings = [" ".join(cell.split()) for cell in row.cells]
            while headings and not headings[-1]:
                headings.pop()
            columns = len(headings)
        if columns > limits.columns:
            raise too_large("columns", columns, limits.columns)
        number = 0 if header_row == 0 else row.number
        if after_row:
            self._rows = dropwhile(lambda row: row.number <= after_row, self._rows)
        return Heading(
            sheet, headings, number, columns, max(rows_at_most - number, 0), kind, encoding, separator, hidden
        )

    def _row(self, header_row: int | None) -> Row:
        if header_row is not None and header_row < 0:
            raise Refusal("bad_argument", f"{header_row} is not a row: 1 is the first, 0 for no heading", "header_row")
        for row in filter(_filled, self._rows):
            if not header_row or row.number == header_row:
                return row
            if row.number > header_row:
                raise Refusal("bad_argument", f"row {header_row} has nothing in it", "header_row")
        if header_row:
            raise Refusal("bad_argument", f"there is no row {header_row} with anything in it", "header_row")
        raise Refusal("bad_file", "there are no rows", "file")

    def batches(self) -> Iterator[list[Row]]:
        """The rows after the heading."""
        batch: list[Row] = []
        characters = 0
        for row in self._rows:
            whole = "".join(row.cells)
            if not row.trouble and (not whole or whole.isspace()):
                continue
            batch.append(row)
            characters += len(whole)
            if len(batch) == BATCH or characters >= BATCH_CHARACTERS:
                yield batch
                batch, characters = [], 0
        if batch:
            yield batch

    def first_rows(self) -> list[Row]:
        """The first rows after the heading."""
        return list(islice(filter(_filled, self._rows), FIRST_ROWS))


def _filled(row: Row) -> bool:
    return row.trouble != "" or any(cell.strip() for cell in row.cells)


def row_told(number: int, cells: list[str], trouble: str = "") -> Row:
    """A row, with a cell that is too long as its trouble."""
    if not trouble and cells and max(map(len, cells)) > CELL:
        trouble = f"a cell of more than {CELL} characters"
    if trouble:
        cells = [cell[:CELL] for cell in cells]
    return Row(number, cells, trouble)
