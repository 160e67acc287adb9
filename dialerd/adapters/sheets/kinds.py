"""What kind of file it is, by its bytes: CSV text or one of the workbooks, and whether a workbook may be unpacked.

Never goes by the name of a file, and never unpacks a part that is over its limit.
"""

from __future__ import annotations

import zipfile
from typing import BinaryIO

from dialerd.adapters.sheets.limits import Limits, too_large
from dialerd.model.errors import Refusal

_ZIP = b"PK\x03\x04"
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_WORKBOOKS = {"xl/workbook.xml": "xlsx", "xl/workbook.bin": "xlsb", "content.xml": "ods"}
_OTHERS = {
    b"%PDF": "a PDF document",
    b"\x1f\x8b": "a gzip archive",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"PK\x05\x06": "an empty zip archive",
    b"{\\rtf": "an RTF document",
}
_PARTS = 20_000
"""Parts of a workbook that are too many to be one."""


def kind_of(file: BinaryIO, limits: Limits) -> str:
    """csv, xlsx, xls, xlsb or ods. Raises Refusal for other files and zip bombs."""
    start = file.read(512)
    file.seek(0)
    for sign, what in _OTHERS.items():
        if start.startswith(sign):
            raise _neither(what)
    if start.startswith(_ZIP):
        return _unpackable(file, limits)
    if start.startswith(_COMPOUND):
        return "xls"
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<table", b"<head", b"<meta")):
        raise _neither("a web page (some programs name it .xls)")
    if text.startswith(b"<?xml"):
        raise _neither("an XML text")
    return "csv"


def _unpackable(file: BinaryIO, limits: Limits) -> str:
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as trouble:
        raise Refusal("bad_file", f"the workbook is damaged: {trouble}", "file") from None
    finally:
        file.seek(0)
    kind = next((kind for part, kind in _WORKBOOKS.items() if any(each.filename == part for each in parts)), "")
    if not kind:
        raise _neither("a zip archive without a workbook in it")
    if len(parts) > _PARTS:
        raise too_large("parts of a workbook", len(parts), _PARTS)
    unpacked = sum(part.file_size for part in parts)
    if unpacked > limits.unpacked:
        raise too_large("bytes when unpacked", unpacked, limits.unpacked)
    return kind


def _neither(what: str) -> Refusal:
    allowed = ["csv", "xlsx", "xls", "xlsb", "ods"]
    return Refusal("bad_file", f"the file is {what}, not CSV or a workbook", "file", allowed)
