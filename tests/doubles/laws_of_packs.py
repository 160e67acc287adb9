"""What a rule pack says against a call, read from its data and judged anew: windows, limits, silences, ringing.

Never asks `dialerd.compliance` for a judgement, and knows no holidays: numbers where these count are not for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dialerd.compliance.pack import AttemptLimit, Lockout, Pack, Rule
from dialerd.model.instants import Instant
from dialerd.model.policies import Campaign, Schedule, Span
from dialerd.model.rows import AttemptRow
from tests.doubles.any_campaigns import DAYS, NUMBERS
from tests.doubles.books_of_rows import Books


def against(pack: Pack, policy: Campaign, books: Books, number: str, *, zone: str, agreed: bool) -> Iterator[str]:
    """All that the pack says against a call now. `zone`: what is known of the lead's own; `agreed`: he asked for this time."""
    where = NUMBERS.get(number)
    if pack.countries and (where is None or where.country not in pack.countries):
        yield f"the pack {pack.name} does not speak of {number}"
        return
    zones = () if where is None else where.zones
    if zone:
        zones = (zone,) if pack.lead_zone == "instead" else (*zones, zone)
    area = _area(pack, number)
    for name, rule in [*pack.windows.items(), *pack.limits.items(), *pack.lockouts.items()]:
        if not _holds(rule, policy.purpose, area, bool(pack.areas)) or (agreed and rule.unless_agreed):
            continue
        because = _broken(rule, pack, books, number, zones)
        if because:
            yield f"{pack.name}/{name}: {because}"
    for name, ringing in pack.ringing.items():
        if ringing.holds_for("voice", policy.purpose) and policy.ring_s < ringing.at_least_s:
            yield f"{pack.name}/{name}: it rings too short"


def _broken(rule: Rule, pack: Pack, books: Books, number: str, zones: tuple[str, ...]) -> str:
    """How a call now would break the rule; empty: it would not."""
    now = books.now
    if isinstance(rule, AttemptLimit):
        assert not rule.counts or "voice" in rule.counts
        past = [call for call in _calls(books, number) if call.outcome not in pack.not_counted]
        counted = [call for call in past if not (rule.purposes and call.purpose) or call.purpose in rule.purposes]
        within = [call for call in counted if _within(rule, call.placed_at, zones, now)]
        return f"{len(within)} calls, {rule.at_most} are allowed" if len(within) >= rule.at_most else ""
    if isinstance(rule, Lockout):
        return "" if rule.unless_agent else _silence(rule, books, number, zones)
    holidays = getattr(rule, "holidays", ())
    assert not holidays, "this book-keeping knows no holidays: give it no numbers where they count"
    week: Mapping[str, list[Span]] = getattr(rule, "week", {})
    closed = [zone for zone in zones if not _spans_open(week, datetime.fromtimestamp(now, ZoneInfo(zone)))]
    return f"closed in {', '.join(closed)}" if closed else ""


def _silence(lock: Lockout, books: Books, number: str, zones: tuple[str, ...]) -> str:
    now = books.now
    calls = _calls(books, number)
    if lock.after == "refusal":
        entries = books.entries.get(number, {}).values()
        happened = [entry.at for entry in entries if entry.list_name == "refusals" and entry.active]
    elif lock.after == "conversation":
        happened = [call.placed_at for call in calls if call.connected_at is not None]
    else:
        happened = [call.placed_at for call in calls if call.outcome == lock.after]
    if not happened:
        return ""
    if lock.for_good:
        return f"no more calls after a {lock.after}"
    if lock.hours is not None:
        silent = max(happened) + lock.hours * 3600 > now
    else:
        days = (lock.days or 0) + (1 if lock.first_day == "next" else 0)
        silent = any(
            datetime.fromtimestamp(now, ZoneInfo(zone)).date()
            < datetime.fromtimestamp(max(happened), ZoneInfo(zone)).date() + timedelta(days=days)
            for zone in zones
        )
    return f"silence after a {lock.after}" if silent else ""


def _calls(books: Books, number: str) -> list[AttemptRow]:
    """All calls that the number got before, over all campaigns; the one that is judged is not among them."""
    return [row for row in books.attempts.values() if row.number == number and not row.live]


def is_open(schedule: Schedule, now: Instant) -> bool:
    """Whether working hours are open."""
    local = datetime.fromtimestamp(now, ZoneInfo(schedule.time_zone))
    return local.date() not in schedule.holidays and _spans_open(
        {str(day): spans for day, spans in schedule.week.items()}, local
    )


def _spans_open(week: Mapping[str, list[Span]], local: datetime) -> bool:
    at = local.strftime("%H:%M")
    return any(start <= at < end for start, end in (span.split("-") for span in week.get(DAYS[local.weekday()], ())))


def _area(pack: Pack, number: str) -> str | None:
    prefixes = {prefix: code for code, area in pack.areas.items() for prefix in area.prefixes}
    fitting = [prefix for prefix in prefixes if number.startswith(prefix)]
    return prefixes[max(fitting, key=len)] if fitting else None


def _holds(rule: Rule, purpose: str, area: str | None, has_areas: bool) -> bool:
    here = not rule.areas or area in rule.areas or (has_areas and area is None)
    fits = not rule.purposes or purpose in rule.purposes
    return rule.in_force and "voice" in rule.channels and fits and here


def _within(limit: AttemptLimit, at: Instant, zones: tuple[str, ...], now: Instant) -> bool:
    """Whether a call of `at` is in the time that the limit counts, in one of the zones."""
    if limit.hours is not None:
        return at + limit.hours * 3600 > now
    for zone in zones:
        then, today = (datetime.fromtimestamp(one, ZoneInfo(zone)).date() for one in (at, now))
        if limit.days is not None and (today - then).days < limit.days:
            return True
        if limit.months is not None and (today.year - then.year) * 12 + today.month - then.month < limit.months:
            return True
    return False
