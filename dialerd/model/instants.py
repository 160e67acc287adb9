"""Points in time as dialerd keeps them: seconds since 1970-01-01T00:00:00 UTC, as a float.

Never reads a clock: an instant is always an argument.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeAlias
from zoneinfo import ZoneInfo

Instant: TypeAlias = float
"""Seconds since the epoch, UTC. Microseconds survive (2^53 us is the year 2255)."""

FAR: Instant = 32503680000.0
"""The year 3000: later than anything that is waited for."""


def iso(at: Instant) -> str:
    """`at` as ISO 8601 in UTC with milliseconds, e.g. 2026-11-21T08:00:00.000Z."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def local(at: Instant, zone: str) -> datetime:
    """`at` on the wall clock of `zone` (an IANA name). Raises zoneinfo.ZoneInfoNotFoundError for an unknown zone."""
    return datetime.fromtimestamp(at, ZoneInfo(zone))
