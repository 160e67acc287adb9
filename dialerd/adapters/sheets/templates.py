"""Empty lists to download and fill in: a workbook that keeps phones as text and explains itself, or a CSV text.

Never lets a word of the configuration become a formula.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import msgspec
import xlsxwriter  # type: ignore[import-untyped]

from dialerd.adapters.sheets.headings import folded
from dialerd.adapters.sheets.letters import letters
from dialerd.model.errors import Refusal
from dialerd.ports.sheets import Format, RecordField

LEADS, EXPLAINED, CHOICES = "Leads", "Columns", "Choices"
_LAST_ROW = 1_048_575
_INLINE = 255
"""Characters that Excel allows in a list of choices beside the cell."""
_KINDS = {
    "text": "text",
    "number": "a number",
    "date": "a date, such as 2026-11-21",
    "choice": "one of the choices",
    "pesel": "a PESEL: 11 digits",
    "nip": "a NIP: 10 digits",
    "regon": "a REGON: 9 or 14 digits",
}
_AS_TEXT = ("text", "choice", "pesel", "nip", "regon")
"""Kinds whose digits must stay as typed, leading zeros too."""


class _Column(msgspec.Struct, frozen=True):
    heading: str
    what: str
    required: bool
    allowed: str
    kind: str
    choices: tuple[str, ...] = ()


def _columns(fields: Sequence[RecordField]) -> list[_Column]:
    columns = [
        _Column("Phone", "The number to call", True, "digits, with or without the country code", "text"),
        _Column("Name", "Who is called", False, "text", "text"),
        _Column("Other phone", "A further number of the same person", False, "digits, or empty", "text"),
    ]
    for field in fields:
        allowed = ", ".join(field.choices) if field.choices else _KINDS[field.kind]
        heading = field.label or field.name
        columns.append(_Column(heading, field.explained, field.required, allowed, field.kind, field.choices))
    words = [folded(column.heading) for column in columns]
    for at, word in enumerate(words):
        if word in words[:at]:
            double = f"two columns would have the heading {columns[at].heading!r}"
            raise Refusal("bad_argument", double, "fields")
    return columns


def template(fields: Sequence[RecordField], kind: Format) -> bytes:
    """A list with the columns phone, name, other phone and the record fields. Raises Refusal for two alike."""
    columns = _columns(fields)
    if kind == "csv":
        text = io.StringIO()
        csv.writer(text, lineterminator="\r\n").writerow([_no_formula(column.heading) for column in columns])
        return text.getvalue().encode("utf-8-sig")
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        plain = book.add_format({"num_format": "@"})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        bold = book.add_format({"bold": True, "num_format": "@", "bottom": 1})
        wrapped = book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"})
        leads = book.add_worksheet(LEADS)
        explained = book.add_worksheet(EXPLAINED)
        choices = book.add_worksheet(CHOICES)
        choices.hide()
        leads.freeze_panes(1, 0)
        for at, column in enumerate(columns):
            formats: dict[str, Any] = {"date": day, "number": None}
            leads.set_column(at, at, 20, formats.get(column.kind, plain))
            leads.write_string(0, at, column.heading, bold)
            _validate(leads, choices, at, column)
        _explain(explained, columns, bold, wrapped)
    return file.getvalue()


def _validate(leads: Any, choices: Any, at: int, column: _Column) -> None:
    if column.choices:
        for row, choice in enumerate(column.choices):
            choices.write_string(row, at, choice)
        source: list[str] | str = list(column.choices)
        if len(",".join(column.choices)) > _INLINE or any("," in choice for choice in column.choices):
            source = f"={CHOICES}!${letters(at)}$1:${letters(at)}${len(column.choices)}"
        rule = {
            "validate": "list",
            "source": source,
            "error_title": "Not a choice",
            "error_message": "Choose from the list",
        }
        leads.data_validation(1, at, _LAST_ROW, at, rule)
    elif column.kind == "number":
        number = {"validate": "decimal", "criteria": "between", "minimum": -1e15, "maximum": 1e15}
        leads.data_validation(1, at, _LAST_ROW, at, number)


def _explain(sheet: Any, columns: Sequence[_Column], bold: Any, wrapped: Any) -> None:
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 40)
    sheet.set_column(2, 2, 10)
    sheet.set_column(3, 3, 60)
    for at, word in enumerate(("Column", "What it is", "Required", "Allowed")):
        sheet.write_string(0, at, word, bold)
    for row, column in enumerate(columns, 1):
        told = (column.heading, column.what, "yes" if column.required else "no", column.allowed)
        for at, word in enumerate(told):
            sheet.write_string(row, at, word[:32_000], wrapped)


def _no_formula(heading: str) -> str:
    """A spreadsheet that opens the CSV would calculate it; a heading with the apostrophe is found all the same."""
    return f"'{heading}" if heading[:1] in ("=", "+", "-", "@", "\t", "\r") else heading
