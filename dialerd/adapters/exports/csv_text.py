"""A table as CSV: UTF-8 with a mark, lines ended by CRLF and cells quoted by RFC 4180; a heading line, then the rows.

Never lets a spreadsheet program read a stranger's cell as a formula, also if it takes another separator for the file's.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from pathlib import Path

from dialerd.adapters.exports.cell_text import CellText, clean
from dialerd.adapters.exports.frames import Done
from dialerd.ports.exports import Batch, Cell, Kind, Separator, Table

_SIGNS = "=+\\-@＝＋－＠"
_BLANK = "\\s\"'\u200b\ufeff"
_FORMULA = re.compile(f"[{_BLANK}]*[{_SIGNS}]|[\\t\\n]")
"""Tabs and line feeds at the beginning too: programs drop them, and read what follows as the cell."""
_FORMULA_INSIDE = re.compile(f"(?<=[,;|\\t\\n])(?=[{_BLANK}]*(?:[=@＝＠]|[+\\-＋－](?![\\d\\s.]*(?:[,;|\\t\\n]|$))))")
"""A program that takes another separator for the file's (Excel does, by its country) begins a cell there. A plain number is
dead and stays as it is."""
_PLAIN = re.compile("[0-9A-Za-z][0-9A-Za-z .:_/()-]*")
_PHONE = re.compile(r"\+?[0-9]{3,20}")
_NEGATIVE = re.compile(r"-[0-9]+(?:\.[0-9]+)?")


def harmless(text: str, kind: Kind = "text") -> str:
    """A clean text that no spreadsheet program reads as a formula: an apostrophe stands before it if one could.

    Left as they are: 3 to 20 digits, with or without +, in a phone column; a plain negative number in a number column.
    """
    if _PLAIN.fullmatch(text):
        return text
    if kind == "phone" and _PHONE.fullmatch(text):
        return text
    if kind == "number" and _NEGATIVE.fullmatch(text):
        return text
    text = _FORMULA_INSIDE.sub("'", text)
    return "'" + text if _FORMULA.match(text) else text


def write_csv(path: Path, table: Table, batches: Iterable[Batch], separator: Separator) -> Done:
    """Write the file. Raises OSError, and ValueError for a row that does not have a cell a column."""
    texts = CellText(table.zone, offset=True)
    kinds = [column.kind for column in table.columns]

    def cell(value: Cell, kind: Kind) -> str:
        return harmless(texts.text(value, kind), kind)

    rows = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=separator, lineterminator="\r\n")
        writer.writerow([harmless(clean(column.heading)) for column in table.columns])
        for batch in batches:
            writer.writerows([cell(*pair) for pair in zip(row, kinds, strict=True)] for row in batch)
            rows += len(batch)
    return Done(rows=rows)
