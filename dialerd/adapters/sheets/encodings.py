"""Which encoding a CSV file has: by its byte order mark, by trial, or as it was told.

Never takes a wrong byte in one row for another encoding of the whole file.
"""

from __future__ import annotations

import codecs
from typing import BinaryIO

import msgspec

from dialerd.adapters.sheets.limits import Limits, too_large
from dialerd.model.errors import Refusal

ENCODINGS = {
    "utf-8": "utf-8",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "windows-1258": "cp1258",
    "windows-1250": "cp1250",
    "windows-1252": "cp1252",
}
"""Name to codec. Windows-1250 (Polish) and 1252 must be told: their bytes are good Windows-1258 (Vietnamese) too."""
ALLOWED = sorted([*ENCODINGS, "utf-16"])
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_BLOCK = 1 << 20
_SAMPLE = 4096


class Encoding(msgspec.Struct, frozen=True):
    """An encoding of `ENCODINGS`, how many bytes a mark takes before the text, and how many lines the file has."""

    name: str
    mark: int
    lines: int

    @property
    def codec(self) -> str:
        """Python's name."""
        return ENCODINGS[self.name]

    @property
    def wide(self) -> bool:
        """Whether a character takes two bytes or four."""
        return self.name.startswith("utf-16")


def encoding_of(file: BinaryIO, told: str | None, limits: Limits) -> Encoding:
    """The encoding of `file`, which is read once to its end and left at its beginning.

    Raises Refusal for a file that is no text (NUL characters), an encoding that is not known, and too many lines.
    """
    start = file.read(_SAMPLE)
    mark, marked = next(((sign, name) for sign, name in _MARKS if start.startswith(sign)), (b"", ""))
    name = _told(told, marked) if told is not None else marked or _wide(start)
    if name == "utf-32":
        raise Refusal("bad_file", "the text is UTF-32: save it as UTF-8", "encoding", ALLOWED)
    skip = len(mark) if name == marked else 0
    file.seek(skip)
    good, bad, lines = _survey(file, name)
    if not name:
        # A line of Windows-1258 is good UTF-8 only by a rare chance; a list in UTF-8 may have some bad rows.
        name = "utf-8" if good * 4 >= bad else "windows-1258"
    if lines > limits.rows:
        raise too_large("lines", lines, limits.rows)
    file.seek(0)
    return Encoding(name, skip, lines)


def _told(told: str, marked: str) -> str:
    try:
        codec = codecs.lookup(told.strip()).name
    except (LookupError, ValueError):
        codec = ""
    if codec == "utf-16":
        return marked if marked.startswith("utf-16") else "utf-16-le"
    if codec == "utf-8-sig":
        return "utf-8"
    for name, known in ENCODINGS.items():
        if codec == known:
            return name
    raise Refusal("bad_argument", f"{told[:40]!r} is not an encoding that is read", "encoding", ALLOWED)


def _wide(sample: bytes) -> str:
    """UTF-16 without a mark: every second byte of digits, separators and Latin letters is 0."""
    pairs = len(sample) // 2
    if pairs == 0:
        return ""
    high_first, high_last = sample[: pairs * 2 : 2].count(0), sample[1 : pairs * 2 : 2].count(0)
    if high_last * 3 >= pairs and high_first * 20 <= pairs:
        return "utf-16-le"
    if high_first * 3 >= pairs and high_last * 20 <= pairs:
        return "utf-16-be"
    return ""


def _survey(file: BinaryIO, name: str) -> tuple[int, int, int]:
    """Lines of blocks beyond ASCII that are good UTF-8, lines that are not, and how many lines there are at most."""
    good = bad = feeds = returns = 0
    wide = codecs.getincrementaldecoder(ENCODINGS[name])("replace") if name.startswith("utf-16") else None
    carry = b""
    while block := file.read(_BLOCK):
        if wide is not None:
            text = wide.decode(block)
            if "\0" in text:
                raise _no_text()
            feeds += text.count("\n")
            returns += text.count("\r")
            continue
        if b"\0" in block:
            raise _no_text()
        feeds += block.count(b"\n")
        returns += block.count(b"\r")
        if not name:
            carry += block
            cut = carry.rfind(b"\n") + 1 or carry.rfind(b"\r") + 1 or len(carry)
            some = _trial(carry[:cut])
            good, bad, carry = good + some[0], bad + some[1], carry[cut:]
    some = _trial(carry)
    return good + some[0], bad + some[1], max(feeds, returns) + 1


def _trial(block: bytes) -> tuple[int, int]:
    if block.isascii():
        return 0, 0
    try:
        block.decode("utf-8")
    except UnicodeDecodeError:
        good = bad = 0
        for line in block.split(b"\n"):
            if not line.isascii():
                try:
                    line.decode("utf-8")
                    good += 1
                except UnicodeDecodeError:
                    bad += 1
        return good, bad
    return block.count(b"\n") + 1, 0


def _no_text() -> Refusal:
    return Refusal("bad_file", "the text has NUL characters: it is not a CSV text", "file")
