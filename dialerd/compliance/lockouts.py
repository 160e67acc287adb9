"""Silence after a refusal, a conversation, an abandoned call or an answering machine (V14): until when a number is left alone.

Never decides whether an agent is guaranteed: it is told.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dialerd.compliance.calling_hours import wall
from dialerd.compliance.history import History
from dialerd.compliance.pack import Lockout
from dialerd.model.instants import FAR, Instant


def silent_until(lock: Lockout, history: History, zones: tuple[str, ...], now: Instant) -> Instant | None:
    """Until when the number must be left alone, FAR: for good; None: it need not. Of several zones the latest counts."""
    last = history.last(lock.after)
    if last is None:
        return None
    if lock.for_good:
        return FAR
    ends = last + lock.hours * 3600 if lock.hours is not None else _day_it_ends(lock, last, zones)
    return ends if ends > now else None


def _day_it_ends(lock: Lockout, last: Instant, zones: tuple[str, ...]) -> Instant:
    days = timedelta(days=(lock.days or 0) + (lock.first_day == "next"))
    return max(wall(zone, datetime.fromtimestamp(last, ZoneInfo(zone)).date() + days, 0) for zone in zones)
