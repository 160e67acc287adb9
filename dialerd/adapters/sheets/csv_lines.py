"""Lines of a CSV file, some hundred at a time, decoded and with their numbers; bad bytes are told by line.

Never holds more of the file than a block and one line, and never lets a bad byte spoil another line.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from dialerd.adapters.sheets.encodings import Encoding

BLOCK = 1 << 17
"""Bytes read at a time; an even number, for UTF-16."""
LINE = 1 << 20
"""Bytes of a line that are too many: it is left out, and told."""


class Chunk(msgspec.Struct, frozen=True):
    """Lines, each ending in a line feed but perhaps the last; `bad` has line numbers and reasons."""

    first: int
    lines: list[str]
    bad: dict[int, str]
    quoted: bool
    """Whether there is a quote anywhere."""


def chunks(file: BinaryIO, encoding: Encoding, block: int = BLOCK) -> Iterator[Chunk]:
    """All lines in order. Positions in reasons are offsets in the file, its first byte being 0."""
    file.seek(encoding.mark)
    at, number, carry = encoding.mark, 1, b""
    while True:
        got = file.read(block)
        data = carry + got
        if not data:
            return
        cut = _cut(data, encoding) if got else len(data)
        if cut == 0 and len(data) <= LINE:
            carry = data
            continue
        if cut == 0:
            taken, carry = _drop(file, data, encoding, block)
            yield Chunk(number, ["\n"], {number: f"a line of more than {LINE} bytes, at byte {at}"}, False)
            at, number = at + taken, number + 1
            continue
        chunk = _chunk(data[:cut], encoding, number, at)
        yield chunk
        at, number, carry = at + cut, number + len(chunk.lines), data[cut:]


def _cut(data: bytes, encoding: Encoding) -> int:
    """Where the last whole line of `data` ends; 0: there is none."""
    feed = _last(data, "\n", encoding)
    if feed:
        return feed
    returned = _last(data, "\r", encoding)
    # A carriage return at the very end may be half of an ending.
    return returned if returned < len(data) else _last(data[: returned - (2 if encoding.wide else 1)], "\r", encoding)


def _last(data: bytes, end: str, encoding: Encoding) -> int:
    """The position after the last `end`, or 0."""
    sign = end.encode(encoding.codec)
    at = data.rfind(sign)
    while at >= 0 and at % len(sign):  # the bytes of two neighbours
        at = data.rfind(sign, 0, at + len(sign) - 1)
    return at + len(sign) if at >= 0 else 0


def _drop(file: BinaryIO, data: bytes, encoding: Encoding, block: int) -> tuple[int, bytes]:
    """Read past a line that is too long: how many bytes it took, and what was read beyond it."""
    sign = "\n".encode(encoding.codec)
    dropped = len(data) - len(data) % 2
    rest = data[dropped:]
    while got := file.read(block):
        rest += got
        at = rest.find(sign)
        while at >= 0 and at % len(sign):
            at = rest.find(sign, at + 1)
        if at >= 0:
            return dropped + at + len(sign), rest[at + len(sign) :]
        even = len(rest) - len(rest) % 2
        dropped, rest = dropped + even, rest[even:]
    return dropped + len(rest), b""


def _chunk(data: bytes, encoding: Encoding, number: int, at: int) -> Chunk:
    try:
        text = data.decode(encoding.codec)
        bad: dict[int, str] = {}
    except UnicodeDecodeError:
        text, bad = _with_bad(data, encoding, number, at)
    if not text.isascii():
        # Windows-1258 writes tones as marks after the letter; headings and names are compared composed.
        text = unicodedata.normalize("NFC", text)
    return Chunk(number, io.StringIO(text, newline=None).readlines(), bad, '"' in text)


def _with_bad(data: bytes, encoding: Encoding, number: int, at: int) -> tuple[str, dict[int, str]]:
    """The text with U+FFFD for what is no character, and the first such byte of each line that has one."""
    bad: dict[int, str] = {}
    whole, tail = (data[:-1], data[-1:]) if encoding.wide and len(data) % 2 else (data, b"")
    handler = "surrogatepass" if encoding.wide else "surrogateescape"
    lines = io.StringIO(whole.decode(encoding.codec, handler), newline="").readlines() or [""]
    for n, line in enumerate(lines):
        size = len(line.encode(encoding.codec, handler))
        found = next((i for i, c in enumerate(line) if "\ud800" <= c <= "\udfff"), None)
        if found is not None:
            position = at + len(line[:found].encode(encoding.codec, handler))
            bad[number + n] = _no_character(data[position - at], position, encoding)
            lines[n] = "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in line)
        at, data = at + size, data[size:]
    if tail:
        if lines[-1].endswith(("\n", "\r")):
            lines.append("")
        lines[-1] += "\ufffd"
        bad.setdefault(number + len(lines) - 1, _no_character(tail[0], at, encoding))
    return "".join(lines), bad


def _no_character(byte: int, position: int, encoding: Encoding) -> str:
    return f"byte {position} of the file (0x{byte:02X}) is not {encoding.name}"
