"""Cells as text: letters in one form, moments on the wall clock of a zone, durations as h:mm:ss.

Never lets through a character that XML forbids, and never drops one silently: U+FFFD stands in its place.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from zoneinfo import ZoneInfo

from dialerd.model.instants import Instant
from dialerd.ports.exports import Cell, Kind

# XML 1.0 forbids C0 but for tab and line ends, halves of surrogate pairs and two non-characters. DEL and C1 are allowed
# there, but no program shows them.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_LINE_END = re.compile("\r\n?")


def clean(text: str) -> str:
    """`text` in NFC with line feeds as line ends; what XML forbids becomes U+FFFD."""
    if text.isascii() and text.isprintable():
        return text
    if "\r" in text:
        text = _LINE_END.sub("\n", text)
    return _ILLEGAL.sub("\ufffd", unicodedata.normalize("NFC", text))


def duration(seconds: float) -> str:
    """`seconds` as h:mm:ss, rounded to whole seconds."""
    whole = round(abs(seconds))
    sign = "-" if seconds < 0 and whole else ""
    return f"{sign}{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def number(value: float) -> str:
    """A number with a point, without an exponent where it can be."""
    return str(value) if isinstance(value, int) else f"{value:.15g}"


class CellText:
    """Cells as text on the wall clock of one zone."""

    def __init__(self, zone: str, *, offset: bool = False) -> None:
        """`offset`: moments are ISO 8601 with their offset. Raises zoneinfo.ZoneInfoNotFoundError or ValueError."""
        self._zone = ZoneInfo(zone)
        self._offset = offset

    def local(self, at: Instant) -> datetime | None:
        """`at` on the wall clock, or None if it is in no year that a calendar has."""
        try:
            return datetime.fromtimestamp(at, self._zone)
        except (ValueError, OverflowError, OSError):
            return None

    def moment(self, at: Instant) -> str:
        """`at` to the second, e.g. `2026-11-21 15:00:00` or, with offset, `2026-11-21T15:00:00+07:00`."""
        local = self.local(at)
        if local is None:
            return number(at)
        if self._offset:
            return local.isoformat(timespec="seconds")
        return local.replace(tzinfo=None).isoformat(" ", "seconds")

    def text(self, cell: Cell, kind: Kind) -> str:
        """A cell of a column of that kind; nothing for None."""
        if isinstance(cell, str):
            return clean(cell)
        if cell is None:
            return ""
        if kind == "moment":
            return self.moment(cell)
        if kind == "duration" and abs(cell) < 1e12:  # not so for nan either
            return duration(cell)
        return number(cell)
