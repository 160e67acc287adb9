"""Ten thousand mixed rows in three files: UTF-16 with tabs, Windows-1258 with semicolons, and a workbook.

Never writes a row that was not made: where a row stands in its file is kept with it.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import xlsxwriter

from tests.doubles.mixed_rows import BORN, COLUMNS, LISTS, Made, Maker


@dataclass
class Branch:
    """A file."""

    file: str
    kind: str
    default_list: str
    rows: list[Made]


KINDS = {"old": 250, "landline": 120, "foreign": 40, "two_phones": 150, "recall": 60, "pesel": 30, "double": 420} | {
    "barred": 80, "never": 160, "broken": 330, "typed": 420, "empty": 150
}  # fmt: skip
SPECIAL = {
    "hanoi": {"lines": 20, "shifted": 12},
    "saigon": {"quote": 12, "bytes": 8},
    "danang": {"zero": 300, "error": 12},
}
BRANCHES = (("hanoi", "csv", 5000), ("saigon", "csv", 3000), ("danang", "xlsx", 2000))
TOTAL = 10_000
FIRST = 20
"""Plain rows at the top of each file, for others to be doubles of."""
FILES = {"hanoi": "hà-nội.csv", "saigon": "sai-gon.csv", "danang": "da-nang.xlsx"}


def made_branches(maker: Maker, folder: Path) -> list[Branch]:
    """The three files, written: UTF-16 with tabs, Windows-1258 with semicolons, and a workbook."""
    branches = []
    for (name, kind, count), default in zip(BRANCHES, LISTS, strict=True):
        kinds = [one for one, many in KINDS.items() for _ in range(many * count // TOTAL)]
        kinds += [one for one, many in SPECIAL[name].items() for _ in range(many)]
        kinds += ["mobile"] * (count - FIRST - len(kinds))
        maker.chance.shuffle(kinds)
        rows = [maker.row(one, default) for one in (*["mobile"] * FIRST, *kinds)]
        branches.append(Branch(FILES[name], kind, default, rows))
    folder.mkdir()
    _write_text(folder / FILES["hanoi"], branches[0], "\t", _utf16)
    _write_text(folder / FILES["saigon"], branches[1], ";", windows_1258)
    _write_workbook(folder / FILES["danang"], branches[2])
    return branches


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-le")


TONES = "\u0300\u0301\u0303\u0309\u0323"


def windows_1258(text: str) -> bytes:
    """Vietnamese as Windows wrote it: the letter, and its tone as a mark behind it."""
    return "".join(map(_tone_behind, text)).encode("cp1258")


@cache
def _tone_behind(letter: str) -> str:
    apart = unicodedata.normalize("NFD", letter)
    tones = "".join(c for c in apart if c in TONES)
    return unicodedata.normalize("NFC", "".join(c for c in apart if c not in TONES)) + tones if tones else letter


def _write_text(path: Path, branch: Branch, separator: str, encoded: Callable[[str], bytes]) -> None:
    line = 1
    with path.open("wb") as file:
        if encoded is _utf16:
            file.write(b"\xff\xfe")
        file.write(encoded(separator.join(COLUMNS) + "\r\n"))
        for row in branch.rows:
            line += 1
            row.at = line
            if row.raw:
                file.write(row.raw + b"\r\n")
                continue
            text = io.StringIO()
            csv.writer(text, delimiter=separator, lineterminator="\r\n").writerow(row.cells)
            file.write(encoded(text.getvalue()))
            line += sum("\n" in str(cell) for cell in row.cells)


def _write_workbook(path: Path, branch: Branch) -> None:
    book = xlsxwriter.Workbook(str(path))
    page, day = book.add_worksheet("Khách hàng"), book.add_format({"num_format": "dd/mm/yyyy"})
    page.write_row(0, 0, COLUMNS)
    for at, row in enumerate(branch.rows, 1):
        row.at = at + 1
        for column, cell in enumerate(row.cells):
            if cell == "#N/A":
                page.write_formula(at, column, "=NA()", None, "#N/A")
            elif isinstance(cell, int):
                page.write_number(at, column, cell)
            elif column == BORN and row.fate == "added":
                page.write_datetime(at, column, dt.datetime.fromisoformat(row.fields["ngay_sinh"]), day)
            elif cell != "":
                page.write_string(at, column, str(cell))
    book.close()
