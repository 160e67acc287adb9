"""Public holidays of countries and their parts, by the `holidays` library.

Never reads a clock, and never a file but on the first question about a calendar: ask `known_calendar` when rules are read.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import holidays


@lru_cache(maxsize=256)
def _calendar(code: str) -> holidays.HolidayBase:
    """The calendar of a country (DE) or of a part of it (US-AL). Raises NotImplementedError if there is none.

    It makes the table of a year when it is first asked about one: the same for everybody who asks.
    """
    country, _, part = code.partition("-")
    return holidays.country_holidays(country, subdiv=part or None)


@lru_cache(maxsize=65536)
def is_holiday(code: str, day: date) -> bool:
    """Whether `day` is a public holiday, or a day off given for one, in the calendar `code`."""
    return day in _calendar(code)


def known_calendar(code: str) -> bool:
    """Whether there is a calendar of that code; its country's data is loaded by this."""
    try:
        _calendar(code)
    except NotImplementedError:
        return False
    return True
