"""Empty lists to download and fill in: a workbook that keeps phones as text and explains itself, or a CSV text.

Never lets a word of the configuration become a formula.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import msgspec
import xlsxwriter

from dialerd.adapters.sheets.headings import folded
from dialerd.adapters.sheets.letters import letters
from dialerd.model.errors import Refusal
from dialerd.ports.sheets import Format, RecordField

LEADS, CONTACTS, EXPLAINED, CHOICES = "Leads", "Contacts", "Columns", "Choices"
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
    allowed: str
    example: str = ""
    required: bool = False
    kind: str = "text"
    choices: tuple[str, ...] = ()


_DIGITS = "digits, with or without the country code"
_PHONE = _Column("Phone", "The number to call", _DIGITS, "0912345678", True)
_STANDARD = (
    _Column("Name", "Who is called", "text", "Nguyễn Thị An"),
    _Column("Other phone", "Further numbers of the same person", "digits; several parted by semicolons", "0287100000"),
    _Column("Email", "His e-mail address", "an e-mail address", "an.nguyen@example.vn"),
    _Column("Address", "Where he lives", "text, at most 500 characters", "12 Lê Lợi, Huế"),
    _Column("Time zone", "Where his clock is another than his number tells", "an IANA name", "Asia/Ho_Chi_Minh"),
    _Column("Account manager", "Who looks after him", "a person's name in dialerd", "lan"),
    _Column("Brought by", "What brought him here", "text, at most 500 characters", "spring fair"),
    _Column("List name", "The list he comes with", "at most 64 characters; empty: that of the import", "warm"),
    _Column("Dialing priority", "The greater is dialed earlier", "-100 to 100; empty: that of the import", "10"),
)
"""What a list of leads may tell beside the phone, under headings that `headings.suggest` knows."""
_CONTACT = (
    _Column(
        "Code",
        "His code (PID); who has one that is there already is known by it",
        "letters, digits, _ . : / -",
        "KH-17",
    ),
    _Column("Name", "Who it is; a contact needs a name, a phone or an e-mail address", "text", "Nguyễn Thị An"),
    _Column("Phone", "His number", _DIGITS, "0912345678"),
    _Column("Email", "His e-mail address", "an e-mail address", "an.nguyen@example.vn"),
    _Column("Address", "Where he lives", "text, at most 500 characters", "12 Lê Lợi, Huế"),
    _Column("Kind", "Person or company; empty: person", "person, company", "person", choices=("person", "company")),
    _Column("Status", "A word of the house's own", "one word or a few", "prospect"),
    _Column("Industry", "A word of the house's own", "one word or a few", "retail"),
    _Column("Channel", "Where he comes from", "one word or a few", "facebook"),
    _Column("Owner", "Who looks after him", "a person's name in dialerd", "lan"),
    _Column("Tags", "Words parted by semicolons", "words", "vip; huế"),
)


def _columns(fields: Sequence[RecordField]) -> list[_Column]:
    """Phone, all else that a lead may have, and the campaign's fields: one that is called as a column of ours takes its place."""
    own: list[_Column] = []
    for field in fields:
        allowed = ", ".join(field.choices) if field.choices else _KINDS[field.kind]
        example = field.choices[0] if field.choices else ""
        heading = field.label or field.name
        own.append(_Column(heading, field.explained, allowed, example, field.required, field.kind, field.choices))
    called = {folded(name) for field in fields for name in (field.name, field.label)}
    columns = [_PHONE, *(column for column in _STANDARD if folded(column.heading) not in called), *own]
    words = [folded(column.heading) or column.heading for column in columns]
    double = next((column for at, column in enumerate(columns) if words[at] in words[:at]), None)
    if double is None and folded(_PHONE.heading) in called:
        double = _PHONE
    if double is not None:
        raise Refusal("bad_argument", f"two columns would have the heading {double.heading!r}", "fields")
    return columns


def template(fields: Sequence[RecordField], kind: Format) -> bytes:
    """A list with all columns of a lead and the record fields. Raises Refusal for two alike."""
    return _made(_columns(fields), kind, LEADS)


def contact_template(kind: Format) -> bytes:
    """A list with all columns of a contact."""
    return _made(_CONTACT, kind, CONTACTS)


def _made(columns: Sequence[_Column], kind: Format, sheet: str) -> bytes:
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
        leads = book.add_worksheet(sheet)
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
    sheet.set_column(4, 4, 24)
    for at, word in enumerate(("Column", "What it is", "Required", "Allowed", "Example")):
        sheet.write_string(0, at, word, bold)
    for row, column in enumerate(columns, 1):
        told = (column.heading, column.what, "yes" if column.required else "no", column.allowed, column.example)
        for at, word in enumerate(told):
            sheet.write_string(row, at, word[:32_000], wrapped)


def _no_formula(heading: str) -> str:
    """A spreadsheet that opens the CSV would calculate it; a heading with the apostrophe is found all the same."""
    return f"'{heading}" if heading[:1] in ("=", "+", "-", "@", "\t", "\r") else heading
