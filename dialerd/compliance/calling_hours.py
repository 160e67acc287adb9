"""Hours of a week (C02): whether they are open at an instant in a zone, and when that next changes.

Never reads a clock; wall-clock arithmetic is done in the zone itself, so hours of a DST change are right.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

from dialerd.compliance.holiday_tables import is_holiday
from dialerd.model.instants import FAR, Instant
from dialerd.model.policies import Schedule, minutes

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAYS_AHEAD = 400
"""A week that does not open within this many days is closed for good."""
_MOST_ASKED = 2000
"""Questions (a few microseconds each) on the way to an instant at which several weeks are open at once."""


class Hours(msgspec.Struct, frozen=True):
    """Open or closed, and the instant until which that holds (FAR: for good)."""

    open: bool
    until: Instant


class WeekHours(msgspec.Struct, frozen=True, eq=False):
    """Spans of each weekday and the days that are closed. Two are never equal, so that one is a fast key of a cache."""

    days: tuple[tuple[tuple[int, int], ...], ...]
    """Monday first: start and end of each span in minutes since midnight, in order."""
    calendars: tuple[str, ...] = ()
    """Calendars of public holidays, such as DE or US-AL, on whose days it is closed."""
    added: frozenset[date] = frozenset()
    """Further days on which it is closed."""
    removed: frozenset[date] = frozenset()
    """Holidays of the calendars that are days like any other."""

    def closed_on(self, day: date) -> bool:
        """Whether nothing is open on `day`, whatever its weekday."""
        if day in self.added:
            return True
        return day not in self.removed and any(is_holiday(calendar, day) for calendar in self.calendars)


def week_hours(
    week: dict[str, list[str]],
    calendars: Iterable[str] = (),
    added: Iterable[date] = (),
    removed: Iterable[date] = (),
) -> WeekHours:
    """Hours of checked spans (HH:MM-HH:MM) by weekday; a day that is not named is closed."""
    days = tuple(tuple(sorted(minutes(span) for span in week.get(day, ()))) for day in WEEKDAYS)
    return WeekHours(days, tuple(calendars), frozenset(added), frozenset(removed))


def hours_at(schedule: Schedule, at: Instant) -> Hours:
    """Whether `schedule` is open at `at`, and until when that stays so."""
    return hours_of(hours_of_schedule(schedule), schedule.time_zone, at)


def hours_of_schedule(schedule: Schedule) -> WeekHours:
    """The hours of a working-hours schedule: the same object for an equal schedule."""
    week = tuple((day, tuple(spans)) for day, spans in schedule.week.items())
    return _compiled(week, tuple(schedule.holidays))


@lru_cache(maxsize=256)
def _compiled(week: tuple[tuple[str, tuple[str, ...]], ...], closed: tuple[date, ...]) -> WeekHours:
    return week_hours({day: list(spans) for day, spans in week}, added=closed)


def hours_of(hours: WeekHours, zone: str, at: Instant) -> Hours:
    """Whether `hours` on the wall clock of `zone` are open at `at`, and until when that stays so.

    A span that opens or closes at a wall-clock time that comes twice (autumn) does so at the first of the two; one that is
    skipped (spring) stands for the first minute after the leap. Raises ZoneInfoNotFoundError or ValueError for no zone.
    """
    if not any(hours.days):
        return Hours(False, FAR)
    today = datetime.fromtimestamp(at, ZoneInfo(zone)).toordinal()
    open_until: Instant | None = None
    for ordinal in range(today - 1, today + _DAYS_AHEAD):
        for opens, closes in _spans_on(hours, zone, ordinal):
            if closes <= at:
                continue
            if open_until is not None:
                if opens > open_until:
                    return Hours(True, open_until)
                open_until = closes  # spans that touch, over midnight too
            elif opens <= at:
                open_until = closes
            else:
                return Hours(False, opens)
        if open_until is not None and ordinal > today + 7:
            return Hours(True, open_until)
    return Hours(False, FAR) if open_until is None else Hours(True, open_until)


def all_open(weeks: Iterable[tuple[WeekHours, str]], at: Instant) -> Hours:
    """Whether all of `weeks`, each on the wall clock of its zone, are open at `at`, and until when that stays so.

    For weeks that are hardly ever open together `until` may come before they are: ask again then.
    """
    every = tuple(weeks)
    when, asked = at, 0
    while when < FAR and asked <= _MOST_ASKED:
        closes = FAR
        for hours, zone in every:
            asked += 1
            told = hours_of(hours, zone, when)
            if not told.open:
                when = told.until
                break
            closes = min(closes, told.until)
        else:
            return Hours(True, closes) if when == at else Hours(False, when)
    return Hours(False, when)


@lru_cache(maxsize=16384)
def _spans_on(hours: WeekHours, zone: str, ordinal: int) -> tuple[tuple[Instant, Instant], ...]:
    """When the spans of one day open and close; those that a DST gap swallows whole are left out."""
    day = date.fromordinal(ordinal)
    spans = hours.days[day.weekday()]
    if not spans or hours.closed_on(day):
        return ()
    edges = ((wall(zone, day, start), wall(zone, day, end)) for start, end in spans)
    return tuple((opens, closes) for opens, closes in edges if opens < closes)


@lru_cache(maxsize=65536)
def wall(zone: str, day: date, minute: int) -> Instant:
    """The instant of `minute` on the wall clock of `zone` on `day`; 1440 is the next midnight.

    A minute that the clock leaps over in spring stands for the first one after the leap, one that comes twice for the first.
    """
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    if minute == 1440:
        midnight += timedelta(days=1)
    local = midnight.replace(hour=minute % 1440 // 60, minute=minute % 60)
    while True:
        at = local.timestamp()
        if datetime.fromtimestamp(at, local.tzinfo).replace(tzinfo=None) == local.replace(tzinfo=None, fold=0):
            return at
        local += timedelta(minutes=1)
