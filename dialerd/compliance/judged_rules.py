"""Which rules of a pack hold for one contact: by its channel, its purpose and where the called number is.

Never judges: it picks the rules and the time zones, once for each number, and the judges read them.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from dialerd.compliance.calling_hours import WeekHours, week_hours
from dialerd.compliance.pack import AbandonRule, AttemptLimit, Lockout, Pack, Ringing, Rule, Window
from dialerd.compliance.place import place_of

_DST_S = 7200.0
"""Seconds that a row of calendar days may be longer than its number of 24 hours."""


class JudgedRules(msgspec.Struct, frozen=True, eq=False):
    """The rules in force for one channel, purpose and set of areas, by their names."""

    windows: tuple[tuple[str, Window, WeekHours], ...]
    limits: tuple[tuple[str, AttemptLimit], ...]
    lockouts: tuple[tuple[str, Lockout], ...]
    ringing: tuple[tuple[str, Ringing], ...]
    abandon: tuple[tuple[str, AbandonRule], ...]
    not_counted: frozenset[str]

    @property
    def needs_zone(self) -> bool:
        """Whether a rule asks for the called party's wall clock."""
        by_days = [limit.hours is None for _, limit in self.limits]
        by_days += [lock.days is not None for _, lock in self.lockouts]
        return bool(self.windows) or any(by_days)


class Case(msgspec.Struct, frozen=True, eq=False):
    """The rules for one number and its time zones; or, if they cannot be told, why not."""

    rules: JudgedRules
    zones: tuple[str, ...]
    trouble: str = ""


@lru_cache(maxsize=16384)
def case_of(
    pack: Pack, number: str, channel: str, purpose: str, lead_zone: str | None = None, lead_area: str | None = None
) -> Case:
    """What is to be judged of a contact with `number`; `lead_zone` and `lead_area` are what is known of the lead besides."""
    nothing = _rules(pack, channel, purpose, ())
    place = place_of(number)
    if not pack.countries:
        country_fits = True
    elif place is None:
        return Case(nothing, (), "the country of the number is not known")
    else:
        country_fits = place.country in pack.countries
    if not country_fits and place is not None:
        found = f"the number is in {place.country}, and the pack speaks about {', '.join(pack.countries)} only"
        return Case(nothing, (), found)
    if lead_area is not None and pack.areas and lead_area not in pack.areas:
        return Case(nothing, (), f"the pack does not know the lead's area {lead_area}")
    rules = _rules(pack, channel, purpose, _areas(pack, number, lead_area))
    zones = () if place is None else place.zones
    if lead_zone is not None:
        zones = (lead_zone,) if pack.lead_zone == "instead" else tuple(dict.fromkeys((*zones, lead_zone)))
    if rules.needs_zone and not zones:
        return Case(rules, (), "the time zone of the number is not known")
    return Case(rules, zones)


def area_of(pack: Pack, number: str) -> str | None:
    """The area of `pack` that the number's first digits tell; None if they tell none."""
    prefixes = _prefixes(pack)
    for length in range(min(len(number), 13), 1, -1):
        area = prefixes.get(number[:length])
        if area is not None:
            return area
    return None


def longest_period(pack: Pack, channel: str) -> float:
    """Seconds back to which past contacts must be known to judge a contact on `channel`; 0: no rule asks for them.

    A silence for good after a refusal is not in it: the last refusal is to be known from whenever it was.
    """
    reach = [reach_s(limit) for limit in pack.limits.values() if limit.in_force and channel in limit.channels]
    reach += [reach_s(lock) for lock in pack.lockouts.values() if lock.in_force and channel in lock.channels]
    return max(reach, default=0.0)


def reach_s(rule: AttemptLimit | Lockout) -> float:
    """Seconds back to which one rule looks; 0 for a silence that is for good."""
    if rule.hours is not None:
        return rule.hours * 3600
    days = float(rule.days or 0)
    if isinstance(rule, AttemptLimit):
        days += 31.0 * (rule.months or 0)
    elif rule.days is not None and rule.first_day == "next":
        days += 1
    return days * 86400 + _DST_S if days else 0.0


@lru_cache(maxsize=64)
def _prefixes(pack: Pack) -> dict[str, str]:
    return {prefix: code for code, area in pack.areas.items() for prefix in area.prefixes}


def _areas(pack: Pack, number: str, lead_area: str | None) -> tuple[str, ...] | None:
    """The areas whose rules hold; None: it cannot be told, and those of all do."""
    if not pack.areas:
        return ()
    by_number = area_of(pack, number)
    if by_number is None:
        return None
    return tuple(dict.fromkeys((by_number, lead_area or by_number)))


@lru_cache(maxsize=4096)
def _rules(pack: Pack, channel: str, purpose: str, areas: tuple[str, ...] | None) -> JudgedRules:
    def holds(rule: Rule) -> bool:
        here = not rule.areas or areas is None or any(area in rule.areas for area in areas)
        return here and rule.holds_for(channel, purpose)

    return JudgedRules(
        windows=tuple((name, window, _hours(pack, name)) for name, window in pack.windows.items() if holds(window)),
        limits=tuple((name, limit) for name, limit in pack.limits.items() if holds(limit)),
        lockouts=tuple((name, lock) for name, lock in pack.lockouts.items() if holds(lock)),
        ringing=tuple((name, ringing) for name, ringing in pack.ringing.items() if holds(ringing)),
        abandon=tuple((name, rule) for name, rule in pack.abandon.items() if holds(rule)),
        not_counted=frozenset(pack.not_counted),
    )


@lru_cache(maxsize=1024)
def _hours(pack: Pack, name: str) -> WeekHours:
    """The hours of one window: one object, so that its days are worked out once for all areas and purposes."""
    window = pack.windows[name]
    week = {str(day): list(spans) for day, spans in window.week.items()}
    if not window.holidays:
        return week_hours(week)
    return week_hours(week, window.holidays, pack.holidays.add, pack.holidays.remove)
