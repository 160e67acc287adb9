"""Workbooks made byte by byte, of the kinds that no installed library writes: xls, xlsb, ods, and a protected one.

Never more than a test needs: a cell is a text, a number or the code of an error.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from struct import pack
from typing import NamedTuple


class Error(NamedTuple):
    """An error cell, by its code; 0x2A is #N/A and 7 is #DIV/0!."""

    code: int
    formula: bool = False


Cell = str | float | Error | None
_WORDS = {0x2A: "#N/A", 7: "#DIV/0!"}


def compound(streams: dict[str, bytes]) -> bytes:
    """An OLE compound file; small streams are padded to 4096 bytes, so that they need no mini stream."""
    padded = {name: data.ljust(max(4096, -(-len(data) // 512) * 512), b"\0") for name, data in streams.items()}
    sectors: list[bytes] = []
    fat: list[int] = []
    starts: dict[str, int] = {}
    for name, data in padded.items():
        starts[name] = len(sectors)
        count = len(data) // 512
        fat += [*range(len(sectors) + 1, len(sectors) + count), 0xFFFFFFFE]
        sectors += [data[at : at + 512] for at in range(0, len(data), 512)]

    def entry(name: str, kind: int, start: int, size: int, child: int, right: int) -> bytes:
        words = name.encode("utf-16-le")
        head = words.ljust(64, b"\0") + pack("<HBB", len(words) + 2 if name else 0, kind, 1)
        return head + pack("<III", 0xFFFFFFFF, right, child) + bytes(36) + pack("<IQ", start, size)

    names = list(padded)
    directory = entry("Root Entry", 5, 0xFFFFFFFE, 0, 1, 0xFFFFFFFF)
    for n, name in enumerate(names, 1):
        right = n + 1 if n < len(names) else 0xFFFFFFFF
        directory += entry(name, 2, starts[name], len(padded[name]), 0xFFFFFFFF, right)
    directory = directory.ljust(-(-len(directory) // 512) * 512, b"\0")
    directory_at, count = len(sectors), len(directory) // 512
    fat += [*range(directory_at + 1, directory_at + count), 0xFFFFFFFE]
    sectors += [directory[at : at + 512] for at in range(0, len(directory), 512)]
    fat_at = len(sectors)
    fats = -(-(len(fat) + 1) // 127)
    fat += [0xFFFFFFFD] * fats
    table = pack(f"<{len(fat)}I", *fat).ljust(fats * 512, b"\xff")
    sectors += [table[at : at + 512] for at in range(0, len(table), 512)]
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += pack("<IIIIIIIII", 0, fats, directory_at, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    header += pack("<109I", *[*range(fat_at, fat_at + fats), *[0xFFFFFFFF] * (109 - fats)])
    return header + b"".join(sectors)


def protected() -> bytes:
    """What Excel saves with a password: the whole workbook enciphered in a compound file."""
    return compound({"EncryptionInfo": b"\4\0\4\0" * 50, "EncryptedPackage": bytes(range(256)) * 20})


def _record(kind: int, body: bytes) -> bytes:
    return pack("<HH", kind, len(body)) + body


def _xls_text(text: str, width: int) -> bytes:
    return pack("<HB" if width == 2 else "<BB", len(text), 1) + text.encode("utf-16-le")


def xls(sheets: dict[str, Sequence[Sequence[Cell]]]) -> bytes:
    """A workbook of Excel 97 to 2003 (BIFF8)."""
    bodies: list[bytes] = []
    for rows in sheets.values():
        body = _record(0x0809, pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0))
        body += _record(0x0200, pack("<IIHHH", 0, len(rows), 0, max(map(len, rows), default=0), 0))
        for r, row in enumerate(rows):
            for c, cell in enumerate(row):
                place = pack("<HHH", r, c, 0)
                if isinstance(cell, str):
                    body += _record(0x0204, place + _xls_text(cell, 2))
                elif isinstance(cell, Error) and cell.formula:
                    result = bytes([2, 0, cell.code, 0, 0, 0, 0xFF, 0xFF])
                    body += _record(0x0006, place + result + pack("<HIH", 0, 0, 0))
                elif isinstance(cell, Error):
                    body += _record(0x0205, place + bytes([cell.code, 1]))
                elif cell is not None:
                    body += _record(0x0203, place + pack("<d", cell))
        bodies.append(body + _record(0x000A, b""))
    begin = _record(0x0809, pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0)) + _record(0x0042, pack("<H", 1200))
    sizes = [len(_record(0x0085, bytes(6) + _xls_text(name, 1))) for name in sheets]
    at = len(begin) + sum(sizes) + 4
    bounds = b""
    for name, body in zip(sheets, bodies, strict=True):
        bounds += _record(0x0085, pack("<IBB", at, 0, 0) + _xls_text(name, 1))
        at += len(body)
    return compound({"Workbook": begin + bounds + _record(0x000A, b"") + b"".join(bodies)})


def _b(kind: int, body: bytes = b"") -> bytes:
    """A record of xlsb."""
    head = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    size, length = len(body), b""
    while True:
        length += bytes([size & 0x7F | (0x80 if size > 0x7F else 0)])
        size >>= 7
        if not size:
            return head + length + body


def _wide(text: str) -> bytes:
    return pack("<I", len(text)) + text.encode("utf-16-le")


def xlsb(sheets: dict[str, Sequence[Sequence[Cell]]]) -> bytes:
    """A binary workbook."""
    parts: dict[str, bytes] = {}
    relations = ""
    book = _b(131) + _b(143)
    for n, (name, rows) in enumerate(sheets.items(), 1):
        book += _b(156, pack("<II", 0, n) + _wide(f"rId{n}") + _wide(name))
        relations += (
            f'<Relationship Id="rId{n}" Target="worksheets/sheet{n}.bin" '
            'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"/>'
        )
        width = max(map(len, rows), default=1)
        sheet = _b(129) + _b(148, pack("<IIII", 0, max(len(rows) - 1, 0), 0, width - 1)) + _b(145)
        for r, row in enumerate(rows):
            sheet += _b(0, pack("<I", r) + bytes(13))
            for c, cell in enumerate(row):
                place = pack("<II", c, 0)
                if isinstance(cell, str):
                    sheet += _b(6, place + _wide(cell))
                elif isinstance(cell, Error):
                    more = bytes(6) + bytes(4) if cell.formula else b""
                    sheet += _b(11 if cell.formula else 3, place + bytes([cell.code]) + more)
                elif cell is not None:
                    sheet += _b(5, place + pack("<d", cell))
        parts[f"xl/worksheets/sheet{n}.bin"] = sheet + _b(146) + _b(130)
    parts["xl/workbook.bin"] = book + _b(144) + _b(132)
    parts["xl/_rels/workbook.bin.rels"] = (
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{relations}</Relationships>'
    ).encode()
    parts["[Content_Types].xml"] = (
        b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        b'<Default Extension="bin" ContentType="application/vnd.ms-excel.sheet.binary.macroEnabled.main"/></Types>'
    )
    return zipped(parts)


def ods(sheets: dict[str, Sequence[Sequence[Cell]]]) -> bytes:
    """A workbook of LibreOffice."""
    tables = ""
    for name, rows in sheets.items():
        body = ""
        for row in rows:
            cells = ""
            for cell in row:
                if isinstance(cell, str):
                    cells += f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>'
                elif isinstance(cell, Error):
                    cells += (
                        '<table:table-cell table:formula="of:=NA()" office:value-type="string" office:string-value="" '
                        f'calcext:value-type="error"><text:p>{_WORDS[cell.code]}</text:p></table:table-cell>'
                    )
                elif cell is None:
                    cells += "<table:table-cell/>"
                else:
                    cells += f'<table:table-cell office:value-type="float" office:value="{cell}"/>'
            body += f"<table:table-row>{cells}</table:table-row>"
        tables += f'<table:table table:name="{name}">{body}</table:table>'
    spaces = " ".join(
        f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{long}:1.0"'
        for short, long in (("office", "office"), ("table", "table"), ("text", "text"))
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {spaces} '
        'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0">'
        f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>"
    )
    mime = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{mime}"/></manifest:manifest>'
    )
    return zipped(
        {"mimetype": mime.encode(), "META-INF/manifest.xml": manifest.encode(), "content.xml": content.encode()}
    )


def zipped(parts: dict[str, bytes]) -> bytes:
    """A zip archive; its first part stands as it is, as a `mimetype` must."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for n, (name, data) in enumerate(parts.items()):
            archive.writestr(name, data, zipfile.ZIP_STORED if n == 0 else zipfile.ZIP_DEFLATED)
    return file.getvalue()
