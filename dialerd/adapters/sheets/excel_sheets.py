"""Sheets of a workbook (xlsx, xls, xlsb, ods) by calamine, which holds a whole sheet in memory.

Never runs in the daemon's own process.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    SheetMetadata,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from dialerd.adapters.sheets.cells import cell_text, warned_of
from dialerd.adapters.sheets.error_cells import ErrorCells, error_cells
from dialerd.adapters.sheets.limits import Limits, too_large
from dialerd.adapters.sheets.protection import refuse_protected
from dialerd.adapters.sheets.tables import Table, row_told
from dialerd.model.errors import Refusal
from dialerd.ports.sheets import HowToRead, Row, Warned


class Workbook:
    """One workbook; its sheets are read one at a time."""

    def __init__(self, file: BinaryIO, kind: str, limits: Limits) -> None:
        self._file = file
        self._kind = kind
        self._limits = limits
        refuse_protected(file, kind)
        try:
            # Not by the file object: calamine would read all of it into memory first.
            self._book = CalamineWorkbook.from_path(f"/proc/self/fd/{file.fileno()}")
        except CalamineError as trouble:
            raise _damaged(trouble) from None
        every = self._book.sheets_metadata
        self._positions = {each.name: at for at, each in enumerate(every)}
        self.sheets: list[SheetMetadata] = [each for each in every if each.typ is SheetTypeEnum.WorkSheet]
        if not self.sheets:
            raise Refusal("bad_file", "the workbook has no sheets with cells", "file")
        if len(self.sheets) > limits.sheets:
            raise too_large("sheets", len(self.sheets), limits.sheets)

    def tables(self, how: HowToRead) -> Table:
        """The sheet that was asked for, or the first that has rows. Raises Refusal (field `sheet`)."""
        if how.encoding is not None or how.separator is not None:
            field = "encoding" if how.encoding is not None else "separator"
            raise Refusal("bad_argument", "a workbook has none: this is for CSV files", field)
        if how.sheet is not None:
            return self.table(self._chosen(how.sheet))
        for each in self.sheets:
            sheet = self._sheet(each)
            if sheet.start is not None:
                return self._table(each, sheet)
        raise Refusal("bad_file", "there are no rows in any sheet", "file")

    def table(self, sheet: SheetMetadata) -> Table:
        """The rows of a sheet."""
        return self._table(sheet, self._sheet(sheet))

    def _chosen(self, wanted: str | int) -> SheetMetadata:
        names = [each.name for each in self.sheets]
        if isinstance(wanted, int):
            if 1 <= wanted <= len(names):
                return self.sheets[wanted - 1]
            raise Refusal("bad_argument", f"there is no sheet {wanted}: there are {len(names)}", "sheet", names)
        folded = [name.strip().casefold() for name in names]
        if wanted in names:
            return self.sheets[names.index(wanted)]
        if folded.count(wanted.strip().casefold()) == 1:
            return self.sheets[folded.index(wanted.strip().casefold())]
        raise Refusal("bad_argument", f"there is no sheet {wanted[:100]!r}", "sheet", names)

    def _sheet(self, sheet: SheetMetadata) -> CalamineSheet:
        try:
            return self._book.get_sheet_by_name(sheet.name)
        except CalamineError as trouble:
            raise _damaged(trouble) from None

    def _table(self, about: SheetMetadata, sheet: CalamineSheet) -> Table:
        start, end = sheet.start, sheet.end
        if start is None or end is None:
            return Table(about.name, self._kind, iter(()), 0, hidden=about.visible is not SheetVisibleEnum.Visible)
        if end[0] + 1 > self._limits.rows:
            raise too_large("rows", end[0] + 1, self._limits.rows)
        if end[1] + 1 > self._limits.columns:
            raise too_large("columns", end[1] + 1, self._limits.columns)
        wrong = error_cells(self._file, self._kind, self._positions[about.name])
        bands = _bands(sheet, start[1], end[1])
        rows = _rows(sheet, start[1], bands, wrong)
        hidden = about.visible is not SheetVisibleEnum.Visible
        return Table(about.name, self._kind, rows, end[0] + 1, width=end[1] + 1, hidden=hidden)


def _bands(sheet: CalamineSheet, first: int, last: int) -> set[int]:
    """Rows (from 0) that are one merged cell from side to side: titles, no leads."""
    if first == last:
        return set()
    merged = sheet.merged_cell_ranges or ()
    return {top for (top, left), (_, right) in merged if left <= first and right >= last}


def _rows(sheet: CalamineSheet, first: int, bands: set[int], wrong: ErrorCells) -> Iterator[Row]:
    before = [""] * first
    for at, found in enumerate(sheet.iter_rows()):
        if at in bands:
            continue
        cells: list[str] = before.copy()
        warnings: list[tuple[int, Warned]] = []
        for cell in found:
            if type(cell) is str:
                cells.append(cell if cell.isascii() else cell_text(cell))
                continue
            warned = warned_of(cell)
            if warned:
                warnings.append((len(cells), warned))
            cells.append(cell_text(cell))
        row = row_told(at + 1, cells, wrong.get(at, ""))
        yield Row(row.number, row.cells, row.trouble, warnings) if warnings else row


def _damaged(trouble: Exception) -> Refusal:
    return Refusal("bad_file", f"the workbook is damaged or of a kind that is not read: {str(trouble)[:200]}", "file")
