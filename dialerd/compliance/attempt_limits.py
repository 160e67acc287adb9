"""Attempt limits over all campaigns (C10): when the next contact with a number is one too many, and until when.

Never counts by lead: the campaign's own max_attempts does that, this counts what the called party has had.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from dialerd.compliance.calling_hours import wall
from dialerd.compliance.history import Contact
from dialerd.compliance.pack import AttemptLimit
from dialerd.model.instants import Instant


def full_until(
    limit: AttemptLimit, contacts: Iterable[Contact], not_counted: frozenset[str], zones: tuple[str, ...], now: Instant
) -> Instant | None:
    """When the next contact is within `limit` again; None: it is now. Of several zones the one that frees last counts."""
    channels = limit.counts or limit.channels
    leaves = sorted(
        leaves_at
        for contact in contacts
        if contact.channel in channels
        and not contact.inbound
        and contact.outcome not in not_counted
        and (contact.purpose is None or not limit.purposes or contact.purpose in limit.purposes)
        and (leaves_at := _leaves(limit, contact.at, zones)) > now
    )
    return None if len(leaves) < limit.at_most else leaves[len(leaves) - limit.at_most]


def _leaves(limit: AttemptLimit, at: Instant, zones: tuple[str, ...]) -> Instant:
    """When a contact of `at` is out of the time that is counted."""
    if limit.hours is not None:
        return at + limit.hours * 3600
    return max(
        wall(zone, _day_it_leaves(limit, datetime.fromtimestamp(at, ZoneInfo(zone)).date()), 0) for zone in zones
    )


def _day_it_leaves(limit: AttemptLimit, day: date) -> date:
    if limit.days is not None:
        return day + timedelta(days=limit.days)
    month = day.year * 12 + day.month - 1 + (limit.months or 0)
    return date(month // 12, month % 12 + 1, 1)
