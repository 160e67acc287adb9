"""Days as people and spreadsheets write them, to ISO: `21/11/2026`, `21.11.2026` and Excel's 46347 are `2026-11-21` (C08).

Never guesses: month before day, years of two digits and times of day are refused.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from dialerd.model.errors import Refusal

DAY = "a day such as 2026-01-31, 31/01/2026 or 31.01.2026"
FIRST_YEAR, LAST_YEAR = 1800, 2299
_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_DAY_FIRST = re.compile(r"([0-9]{1,2})([/.])([0-9]{1,2})\2([0-9]{4})")
_TIME = re.compile(
    r"(.*?)[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?)(?:Z|[+-][0-9]{2}:?[0-9]{2})?", re.DOTALL
)
_SERIAL = re.compile(r"([0-9]+)(?:[.,]([0-9]+))?")
_EXCEL = date(1899, 12, 30)
"""Day 0 of Excel's 1900 system for all serial numbers of five digits: its 1900 was a leap year."""


def read_day(text: str) -> str:
    """`text` as YYYY-MM-DD.

    Read are YYYY-MM-DD, DD/MM/YYYY, DD.MM.YYYY, each with midnight behind it or without, and Excel's serial numbers of five
    digits (1927-05-18 to 2173-10-13; fewer digits are rather a year or a day's number).

    Raises Refusal (no field; `allowed` in words).
    """
    raw = text.strip()
    timed = _TIME.fullmatch(raw)
    if timed:
        if timed[2].strip("0:.,"):
            raise Refusal("bad_argument", f"it has a time of day, {timed[2]}", None, DAY)
        raw = timed[1]
    serial = _SERIAL.fullmatch(raw)
    if serial and not timed and not _DAY_FIRST.fullmatch(raw):
        return _of_serial(serial)
    if found := _ISO.fullmatch(raw):
        year, month, day = found[1], found[2], found[3]
    elif found := _DAY_FIRST.fullmatch(raw):
        day, month, year = found[1], found[3], found[4]
    else:
        raise Refusal("bad_argument", "it is not written as a day", None, DAY)
    try:
        return _within(date(int(year), int(month), int(day)))
    except ValueError:
        hint = "; days come before months" if 12 < int(month) <= 31 and int(day) <= 12 and raw[4:5] != "-" else ""
        raise Refusal("bad_argument", f"there is no such day{hint}", None, DAY) from None


def _of_serial(serial: re.Match[str]) -> str:
    if len(serial[1]) != 5 or serial[1].startswith("0"):
        because = "it is not written as a day, and a spreadsheet's serial number of a day has five digits"
        raise Refusal("bad_argument", because, None, DAY)
    if (serial[2] or "").strip("0"):
        raise Refusal("bad_argument", "it has a time of day, as a fraction", None, DAY)
    return _within(_EXCEL + timedelta(days=int(serial[1])))


def _within(day: date) -> str:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise Refusal("bad_argument", f"its year is not within {FIRST_YEAR} to {LAST_YEAR}", None, DAY)
    return day.isoformat()
