"""The abandon rate as a pack's rule counts it, and the stretch of time that it is counted in (V14).

Never a percentage alone: rates are two numbers, so that they add up and nothing is divided by nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from dialerd.compliance.calling_hours import wall
from dialerd.compliance.pack import AbandonRule, Term
from dialerd.model.instants import FAR, Instant


class Tally(msgspec.Struct, frozen=True):
    """Answered calls of one campaign in one period, by what became of them."""

    abandoned: int = 0
    """A person answered and got no agent in time."""
    connected: int = 0
    """Given to an agent in time, machines among them."""
    hung_up: int = 0
    """A person answered and hung up himself before the time was over."""
    machine_mistakes: float = 0
    """A reasoned estimate of persons who were taken for machines and dropped."""
    abandoned_machines: float = 0
    """A reasoned estimate of machines among `abandoned`; 0 where machines are detected."""
    connected_machines: int = 0
    """Machines among `connected`."""


class Rate(msgspec.Struct, frozen=True):
    """How many were abandoned, of how many that count."""

    abandoned: float
    answered: float

    @property
    def percent(self) -> float | None:
        """For people; None if nothing was answered."""
        return None if self.answered <= 0 else 100 * self.abandoned / self.answered


class Period(msgspec.Struct, frozen=True):
    """From `start` on, before `end`; FAR: as long as the campaign lasts."""

    start: Instant
    end: Instant


def rate(rule: AbandonRule, tally: Tally) -> Rate:
    """The rate by the rule's own formula, never below nought."""
    return Rate(max(0.0, _sum(rule.counted, tally)), max(0.0, _sum(rule.out_of, tally)))


def is_within(rule: AbandonRule, tally: Tally) -> bool:
    """Whether the rate is at most the rule's; it is if nothing was abandoned."""
    found = rate(rule, tally)
    return 100 * found.abandoned <= rule.max_percent * found.answered


def period(rule: AbandonRule, zone: str | None, started_at: Instant, now: Instant) -> Period:
    """The period that counts at `now`: a calendar day of `zone` (None: UTC), or a block from the campaign's start on.

    Blocks follow one another without a gap, and are no sliding window. A campaign that has not started is in its first block.
    """
    if rule.measured == "campaign":
        return Period(started_at, FAR)
    if rule.measured == "calendar_day":
        day = datetime.fromtimestamp(now, ZoneInfo(zone or "UTC")).date()
        return Period(wall(zone or "UTC", day, 0), wall(zone or "UTC", day + timedelta(days=1), 0))
    length = (rule.block_days or 1) * 86400.0
    block = max(0, int((now - started_at) // length))
    return Period(started_at + block * length, started_at + (block + 1) * length)


def _sum(terms: list[Term], tally: Tally) -> float:
    every: dict[str, float] = msgspec.structs.asdict(tally)
    return sum(-every[term[1:]] if term.startswith("-") else every[term] for term in terms)
