"""The hotlines' book: how each stands, its calls by campaign and hour, and what was seen of it lately (V08).

Never decides that a hotline rests or is ill; rows and figures of a day stand here, and what can be made from them.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from dialerd.campaigns.hotline_health import Counts, Stratum
from dialerd.model.instants import Instant
from dialerd.model.rows import HotlineHourRow, HotlineRow

HOURS_KEPT = 24
"""Hours before the newest one whose figures are held in memory and looked at."""


class Streak(msgspec.Struct):
    """A hotline's calls on one trunk that were refused before they rang, one after the other."""

    refused: int = 0
    since: Instant = 0.0
    through_at: Instant = 0.0
    """When it last got through there; 0: never that we know."""


class Blocked(msgspec.Struct):
    """A hotline's newest calls, about a hundred, and those of them that were called unwanted or blocked."""

    calls: int = 0
    unwanted: int = 0


class HotlineBook:
    """All of it. Rows are the truth; streaks begin anew with the process."""

    def __init__(self) -> None:
        self.rows: dict[str, HotlineRow] = {}
        self.resting: dict[str, None] = {}
        """Hotlines that rest; each is woken when its time has come."""
        self.usable: dict[str, tuple[str, ...]] = {}
        """By campaign: those of its hotlines that may be shown now; made when asked for."""
        self.hours: dict[tuple[int, str], dict[str, HotlineHourRow]] = {}
        """By (hour, campaign): each hotline's figures there."""
        self.looked_at: dict[str, Instant] = {}
        self.streaks: dict[str, dict[str, Streak]] = {}
        """By trunk, and there by hotline."""
        self.blocked: dict[str, Blocked] = {}
        self._totals: dict[tuple[int, str], Counts] = {}
        self._newest = 0

    def put(self, row: HotlineRow) -> None:
        """Take in a hotline's row, new or changed."""
        self.rows[row.id] = row
        if row.rested_until is None:
            self.resting.pop(row.id, None)
        else:
            self.resting[row.id] = None
        self.usable.clear()

    def put_hour(self, row: HotlineHourRow) -> None:
        """Take in a row of figures; those that are too old for it are let go."""
        where = (row.hour, row.campaign)
        if row.hour > self._newest:
            self._newest = row.hour
            for old in [key for key in self.hours if key[0] < row.hour - HOURS_KEPT]:
                del self.hours[old]
                self._totals.pop(old, None)
        if row.hour >= self._newest - HOURS_KEPT:
            self.hours.setdefault(where, {})[row.hotline] = row
            self._totals[where] = _plus(self._totals.get(where, Counts()), counts(row))

    def hour(self, hotline: str, campaign: str, hour: int) -> HotlineHourRow:
        """The figures of one hour, to be counted in by `count`."""
        row = self.hours.get((hour, campaign), {}).get(hotline)
        if row is None:
            row = HotlineHourRow(hotline, campaign, hour)
            self.put_hour(row)
        return row

    def add(self, row: HotlineHourRow, more: Counts) -> None:
        """A row's figures grew by `more`."""
        where = (row.hour, row.campaign)
        self._totals[where] = _plus(self._totals.get(where, Counts()), more)

    def strata(self, hotline: str, since: Instant) -> Iterator[Stratum]:
        """A hotline's calls beside its fellows', by campaign and hour, the newest first; hours that began before `since` are left
        out."""
        for where in sorted(self.hours, reverse=True):
            row = self.hours[where].get(hotline)
            if where[0] * 3600 < since:
                return
            if row is not None:
                mine = counts(row)
                yield Stratum(mine, Counts(*(a - b for a, b in zip(self._totals[where], mine, strict=True))))

    def of(self, hotline: str) -> Iterator[HotlineHourRow]:
        """All figures of a hotline that are held."""
        return (rows[hotline] for rows in self.hours.values() if hotline in rows)

    def snapshot(self) -> dict[str, object]:
        """What rows tell of hotlines."""
        return {
            "rows": {name: msgspec.to_builtins(row) for name, row in self.rows.items()},
            "hours": {where: msgspec.to_builtins(rows) for where, rows in self.hours.items()},
            "totals": dict(self._totals),
            "resting": set(self.resting),
        }


def counts(row: HotlineHourRow) -> Counts:
    """What the detector reads of a row: calls that failed before the network took them say nothing of the hotline."""
    return Counts(row.placed - row.failed, row.answered, row.short, row.rejected, row.unwanted)


def _plus(a: Counts, b: Counts) -> Counts:
    return Counts(a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3], a[4] + b[4])
