"""Working hours (C02): whether a schedule is open at an instant, and when that next changes.

Never reads a clock; wall-clock arithmetic is done in the schedule's own zone, so hours of a DST change are right.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from dialerd.model.instants import FAR, Instant
from dialerd.model.policies import Schedule, minutes

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAYS_AHEAD = 400
"""A schedule that does not open within this many days is closed for good."""


class Hours(msgspec.Struct, frozen=True):
    """Open or closed, and the instant until which that holds (FAR: for good)."""

    open: bool
    until: Instant


def hours_at(schedule: Schedule, at: Instant) -> Hours:
    """Whether `schedule` is open at `at`, and until when that stays so."""
    zone = ZoneInfo(schedule.time_zone)
    day = datetime.fromtimestamp(at, zone).date()
    holidays = set(schedule.holidays)
    open_until: Instant | None = None
    for ahead in range(-1, _DAYS_AHEAD):
        date = day + timedelta(days=ahead)
        if date in holidays:
            continue
        for start, end in sorted(minutes(span) for span in schedule.week.get(_WEEKDAYS[date.weekday()], ())):  # type: ignore[call-overload]
            midnight = datetime(date.year, date.month, date.day, tzinfo=zone)
            opens = _wall(midnight, start)
            closes = _wall(midnight, end)
            if closes <= at or opens >= closes:  # over, or swallowed whole by a DST gap
                continue
            if open_until is not None:
                if opens > open_until:
                    return Hours(True, open_until)
                open_until = closes  # spans that touch, over midnight too
                continue
            if opens <= at:
                open_until = closes
            else:
                return Hours(False, opens)
        if open_until is not None and ahead > 7:
            return Hours(True, open_until)
    if open_until is not None:
        return Hours(True, open_until)
    return Hours(False, FAR)


def _wall(midnight: datetime, minute: int) -> Instant:
    """The instant of `minute` on the wall clock of the day that begins at `midnight`; 1440 is the next midnight.

    A minute that the clock leaps over in spring stands for the first one after the leap.
    """
    day = midnight + timedelta(days=1) if minute == 1440 else midnight
    wall = day.replace(hour=minute % 1440 // 60, minute=minute % 60)
    while True:
        at = wall.timestamp()
        if datetime.fromtimestamp(at, wall.tzinfo).replace(tzinfo=None) == wall.replace(tzinfo=None, fold=0):
            return at
        wall += timedelta(minutes=1)
