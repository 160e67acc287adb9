"""A table as an Excel workbook: pages of rows, then a page that tells what the table is.

Never writes a formula or a link: every text is written as a text, whatever it looks like.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import xlsxwriter

from dialerd.adapters.exports.captions import captions
from dialerd.adapters.exports.cell_text import CellText, clean
from dialerd.adapters.exports.frames import ROWS_IN_XLSX_SHEET, Done
from dialerd.adapters.exports.names import count_units, cut_units, sheet_name
from dialerd.ports.exports import Batch, Cell, Table

CELL_LONGEST = 32_767
"""Units of UTF-16."""
_MEASURED_ROWS = 200
"""Widths of columns come from the first rows."""
_NARROWEST, _WIDEST = 8, 60
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,9})?")
"""A number's text without a leading zero."""
_DIGITS = 15
"""As many a spreadsheet keeps; a longer number stays a text, or its last digits would become zeros."""
_FIRST_DAY = datetime(1900, 3, 1)  # noqa: DTZ001 - spreadsheets know no zones; before it Excel has a day too many
_FORMATS = {"moment": "yyyy-mm-dd hh:mm:ss", "duration": "[h]:mm:ss", "phone": "@"}
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "use_zip64": True,
}


def write_xlsx(path: Path, table: Table, batches: Iterable[Batch], rows_in_sheet: int = ROWS_IN_XLSX_SHEET) -> Done:
    """Write the workbook; temporary files go beside it. Raises OSError, and ValueError for a row without a cell a column."""
    workbook = xlsxwriter.Workbook(str(path), {**_OPTIONS, "tmpdir": str(path.parent)})
    workbook.set_properties(
        {"title": clean(table.title), "created": datetime.fromtimestamp(table.generated_at, UTC).replace(tzinfo=None)}
    )
    pages = _Pages(workbook, table, rows_in_sheet)
    for batch in batches:
        for row in batch:
            pages.add(row)
    done = pages.end()
    try:
        workbook.close()  # not after a failure: it would put half a workbook together
    except xlsxwriter.exceptions.FileCreateError as error:
        raise OSError(str(error)) from error
    return done


class _Pages:
    def __init__(self, workbook: Any, table: Table, rows_in_sheet: int) -> None:
        self._workbook = workbook
        self._table = table
        self._captions = captions(table.language)
        self._texts = CellText(table.zone)
        self._most = rows_in_sheet
        self._taken: set[str] = set()
        self._formats = {kind: workbook.add_format({"num_format": form}) for kind, form in _FORMATS.items()}
        self._bold = workbook.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
        self._columns = [(number, column.kind) for number, column in enumerate(table.columns)]
        self._rows = 0
        self._sheets = 0
        self._cut = 0
        self._begin()

    def _begin(self) -> None:
        self._sheets += 1
        self._page = self._workbook.add_worksheet(sheet_name(clean(self._table.title), self._taken, "Sheet"))
        self._at = 0
        self._widths = [0] * len(self._columns)
        for number, column in enumerate(self._table.columns):
            self._put(self._page, 0, number, clean(column.heading), self._bold)
            self._widths[number] = len(column.heading) + 3  # room for the filter's arrow
        self._page.freeze_panes(1, 0)

    def _finish(self) -> None:
        """Width, filter and marks need the last row, and are written behind the rows."""
        page, last = self._page, len(self._columns) - 1
        page.autofilter(0, 0, self._at, last)
        for number, width in enumerate(self._widths):
            page.set_column(number, number, min(max(width + 1, _NARROWEST), _WIDEST))
        page.set_landscape()
        page.set_paper(9)  # A4
        page.repeat_rows(0)
        page.fit_to_pages(1, 0)
        page.set_footer("&R&P / &N")
        if self._at:
            page.ignore_errors({"number_stored_as_text": f"A2:{xlsxwriter.utility.xl_rowcol_to_cell(self._at, last)}"})

    def add(self, row: Iterable[Cell]) -> None:
        if self._at == self._most:
            self._finish()
            self._begin()
        self._at += 1
        self._rows += 1
        measured = self._at <= _MEASURED_ROWS
        for cell, (number, kind) in zip(row, self._columns, strict=True):
            if cell is None or cell == "":
                continue
            length = self._write(number, cell, kind)
            if measured and length > self._widths[number]:
                self._widths[number] = length

    def _write(self, number: int, cell: str | float, kind: str) -> int:
        """One cell; how many letters it shows."""
        if isinstance(cell, str):
            if kind == "number" and _NUMBER.fullmatch(cell) and _kept(cell):
                self._page.write_number(self._at, number, float(cell))
                return len(cell)
            return self._put(
                self._page, self._at, number, clean(cell), self._formats["phone"] if kind == "phone" else None
            )
        if kind == "moment":
            local = self._texts.local(cell)
            if local is not None and (naive := local.replace(tzinfo=None, microsecond=0)) >= _FIRST_DAY:
                self._page.write_datetime(self._at, number, naive, self._formats["moment"])
                return 19
        elif kind == "duration" and 0 <= cell < 1e10:
            self._page.write_number(self._at, number, round(cell) / 86400, self._formats["duration"])
            return 9
        elif kind == "number" and _kept(text := self._texts.text(cell, "number")):
            self._page.write_number(self._at, number, cell)
            return len(text)
        form = self._formats["phone"] if kind == "phone" else None
        return self._put(self._page, self._at, number, self._texts.text(cell, "text"), form)

    def _put(self, page: Any, row: int, column: int, text: str, form: Any = None) -> int:
        if len(text) * 2 > CELL_LONGEST and count_units(text) > CELL_LONGEST:
            mark = self._captions.cut.format(len(text))
            text = cut_units(text, CELL_LONGEST - count_units(mark)) + mark
            self._cut += 1
        if text.startswith("<r>") and text.endswith("</r>"):
            # xlsxwriter takes it for markup of its own and would write it unescaped: a formula could stand in it.
            text += " "
        page.write_string(row, column, text, form)
        return min(len(text), _WIDEST)

    def end(self) -> Done:
        self._finish()
        words, table = self._captions, self._table
        page = self._workbook.add_worksheet(sheet_name(words.about, self._taken, "About"))
        page.set_column(0, 0, 20)
        page.set_column(1, 1, _WIDEST)
        lines = [
            ("", clean(table.title)),
            (words.generated, f"{self._texts.moment(table.generated_at)} {table.zone}"),
            *((words.filters if number == 0 else "", clean(told)) for number, told in enumerate(table.filters)),
            (words.rows, f"{self._rows}"),
        ]
        if self._cut:
            lines.append((words.cut_cells, f"{self._cut}"))
        for number, (label, told) in enumerate(lines):
            if label:
                self._put(page, number, 0, label, self._bold)
            self._put(page, number, 1, told)
        return Done(rows=self._rows, sheets=self._sheets, cut=self._cut)


def _kept(text: str) -> bool:
    """Whether a spreadsheet keeps all digits of a number's text; not so for inf and nan either."""
    return text[-1].isdigit() and sum(map(str.isdigit, text)) <= _DIGITS
