"""Error cells in the binary records of xls (BIFF) and xlsb sheets.

Never reads a value: only where an error stands and which.
"""

from __future__ import annotations

from struct import unpack_from
from typing import IO

from dialerd.adapters.sheets.compound import stream_of

WORDS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}
_BOF, _EOF, _BOUNDSHEET, _FORMULA, _BOOLERR = 0x0809, 0x000A, 0x0085, 0x0006, 0x0205
_ROW_HEADER, _CELL_ERROR, _FORMULA_ERROR, _BUNDLE_SHEET = 0, 3, 11, 156
_BLOCK = 1 << 18

Found = list[tuple[int, int, str]]
"""Row and column (from 0), and the error's word."""


def _word(code: int) -> str:
    return WORDS.get(code, f"number {code}")


def errors_in_xls(data: bytes, position: int) -> Found:
    """Of the sheet at `position` (0 is the first). Raises ValueError, IndexError for a damaged file."""
    book = stream_of(data, ("Workbook", "Book"))
    at, starts = 0, []
    while at + 4 <= len(book):
        kind, size = unpack_from("<HH", book, at)
        if kind == _BOUNDSHEET and size >= 4:
            starts.append(unpack_from("<I", book, at + 4)[0])
        elif kind == _EOF:
            break
        at += 4 + size
    found: Found = []
    at, depth = starts[position], 0
    while at + 4 <= len(book):
        kind, size = unpack_from("<HH", book, at)
        body = at + 4
        at = body + size
        if at > len(book):
            break
        if kind == _BOF:
            depth += 1
        elif kind == _EOF:
            depth -= 1
            if depth <= 0:
                break
        elif kind == _BOOLERR and size >= 8 and depth == 1:
            row, column, _, code, is_error = unpack_from("<HHHBB", book, body)
            if is_error:
                found.append((row, column, _word(code)))
        elif kind == _FORMULA and size >= 14 and depth == 1 and book[body + 12 : body + 14] == b"\xff\xff":
            row, column = unpack_from("<HH", book, body)
            if book[body + 6] == 2:
                found.append((row, column, _word(book[body + 8])))
    return found


def parts_in_xlsb(book: bytes, targets: dict[str, str]) -> list[str]:
    """The parts of the sheets in order, from workbook.bin."""
    parts: list[str] = []
    at = 0
    while at < len(book):
        kind, size, at = _header(book, at)
        if kind == _BUNDLE_SHEET:
            length = unpack_from("<I", book, at + 8)[0]
            name = book[at + 12 : at + 12 + 2 * length].decode("utf-16-le", "replace")
            parts.append(targets.get(name, ""))
        at += size
    return parts


def errors_in_xlsb(stream: IO[bytes]) -> Found:
    """Of a sheet's part, read as a stream."""
    found: Found = []
    row, at, ended = -1, 0, False
    data = b""
    while True:
        if not ended and len(data) - at < 64:
            got = stream.read(_BLOCK)
            ended = not got
            data, at = data[at:] + got, 0
            continue
        if at >= len(data):
            return found
        kind, size, at = _header(data, at)
        while at + size > len(data) and not ended:
            got = stream.read(_BLOCK)
            ended = not got
            data, at = data[at:] + got, 0
        if kind == _ROW_HEADER and size >= 4:
            row = unpack_from("<I", data, at)[0]
        elif kind in (_CELL_ERROR, _FORMULA_ERROR) and size >= 9:
            found.append((row, unpack_from("<I", data, at)[0], _word(data[at + 8])))
        at += size


def _header(data: bytes, at: int) -> tuple[int, int, int]:
    """Kind and size of a record, and where its body begins."""
    kind = data[at]
    at += 1
    if kind & 0x80:
        kind = kind & 0x7F | (data[at] & 0x7F) << 7
        at += 1
    size = 0
    for shift in (0, 7, 14, 21):
        byte = data[at]
        at += 1
        size |= (byte & 0x7F) << shift
        if not byte & 0x80:
            break
    return kind, size, at
