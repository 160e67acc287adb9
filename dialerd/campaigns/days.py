"""Which day it is in a campaign, and when that day ends (C08, C11).

Never reads a clock: the instant is that of the turn.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from dialerd.campaigns.live import Live
from dialerd.model.instants import Instant
from dialerd.model.policies import Campaign

NO_ZONE = "UTC"


def zone_of(live: Live, policy: Campaign) -> str:
    """The zone in which the campaign's days begin and end: its own, its schedule's, or UTC."""
    schedule = live.floor.schedules.get(policy.schedule) if policy.schedule else None
    return policy.time_zone or (schedule.time_zone if schedule else NO_ZONE)


def today(live: Live, policy: Campaign, now: Instant) -> date:
    """The campaign's day at `now`."""
    return day_at(zone_of(live, policy), now)[0]


def day_at(zone: str, now: Instant) -> tuple[date, Instant]:
    """The day in `zone` at `now`, and the instant of its end."""
    day = datetime.fromtimestamp(now, ZoneInfo(zone)).date()
    return day, _end_of(zone, day)


@lru_cache(maxsize=1024)
def _end_of(zone: str, day: date) -> Instant:
    # midnight that a change to summer time skips is taken for the moment of the change
    midnight = datetime.combine(day + timedelta(days=1), datetime.min.time(), ZoneInfo(zone))
    return midnight.astimezone(UTC).timestamp()
