"""Caller-id health (V08): what a hotline's calls say of its reputation, against its fellows in the same campaigns and hours.

Never compares across campaigns or hours: a stale list or a bad hour must not look like a flagged number.

The test is the two-proportion test, stratified (Mantel-Haenszel): in each campaign and hour the answers that the hotline
should have had are the share that all had there. A hotline is looked at again and again, and a test that is read often
cries wolf often: so p is multiplied by LOOKS before it is held against the limits (docs/decisions/0015 has the figures).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

Health: TypeAlias = Literal["well", "warned", "quarantined"]

MIN_ATTEMPTS = 200
"""Attempts of the hotline below which nothing is said of its answers; those of its fellows must be as many."""
LONG_ATTEMPTS = 800
"""Attempts of the second, longer look: for a hotline that is only somewhat worse."""
LOOKS = 200
"""What p is multiplied by, for the many looks of a day."""
WARN_RATIO, WARN_P = 0.7, 0.01
QUARANTINE_RATIO, QUARANTINE_P = 0.5, 0.001
RECOVERED_RATIO = 0.85
"""A hotline that was warned of is well again from this ratio on."""
UNWANTED_SHARE = 0.01
UNWANTED_LEAST = 3
"""Calls with 607 or 608 below which their share says nothing."""
SHORT_SHARE = 0.15
SHORT_TIMES = 1.5
"""Calls over within 6 s: above this share of its answered calls, and so many times that of its fellows."""
REJECTED_TIMES = 2.0
REJECTED_LEAST = 10
MIN_ANSWERED = 50


class Counts(NamedTuple):
    """Calls in one campaign and hour. `attempts`: those that the network carried."""

    attempts: int = 0
    answered: int = 0
    short: int = 0
    rejected: int = 0
    unwanted: int = 0


class Stratum(NamedTuple):
    """One campaign and hour: the hotline's calls, and those of all its fellows there."""

    mine: Counts
    others: Counts


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be thought of a hotline."""

    health: Health
    because: str
    attempts: int
    """Attempts of the newest stretch that was looked at."""
    ratio: float | None
    """Its answers to those it should have had, in that stretch; None: there is nothing to compare it with."""


class _Compared(NamedTuple):
    ratio: float
    low: float
    """Chance that a hotline like its fellows has so few."""
    high: float
    """Chance that it has so many."""


def judge(strata: Iterable[Stratum]) -> Verdict:
    """The verdict on a hotline's calls, the newest hour first; only as many hours are read as it takes."""
    read: list[Stratum] = []
    attempts = fellows = 0
    shortly: Verdict | None = None
    for stratum in strata:
        read.append(stratum)
        attempts += stratum.mine.attempts
        fellows += stratum.others.attempts
        if shortly is None and min(attempts, fellows) >= MIN_ATTEMPTS:
            shortly = _verdict(read)
            if shortly.health == "quarantined":
                return shortly
        if attempts >= LONG_ATTEMPTS:
            break
    longer = _verdict(read)
    if shortly is None or _WORSE[longer.health] > _WORSE[shortly.health]:
        return longer
    return shortly


_WORSE: dict[Health, int] = {"well": 0, "warned": 1, "quarantined": 2}


def _verdict(strata: list[Stratum]) -> Verdict:
    mine = Counts(*map(sum, zip(*(stratum.mine for stratum in strata), strict=True))) if strata else Counts()
    others = Counts(*map(sum, zip(*(stratum.others for stratum in strata), strict=True))) if strata else Counts()
    enough = min(mine.attempts, others.attempts) >= MIN_ATTEMPTS
    answers = _compare((s.mine.attempts, s.mine.answered, s.others.attempts, s.others.answered) for s in strata)
    ratio = answers.ratio if enough and answers is not None else None

    def verdict(health: Health, because: str) -> Verdict:
        return Verdict(health, because, mine.attempts, ratio)

    if mine.unwanted >= UNWANTED_LEAST and mine.unwanted > UNWANTED_SHARE * mine.attempts:
        return verdict(
            "quarantined", f"{mine.unwanted} of {mine.attempts} calls were called unwanted or blocked (607/608)"
        )
    few = ""
    if enough and answers is not None:
        should = (
            f"{mine.answered} of {mine.attempts} calls were answered, {answers.ratio:.2f} times what its fellows get"
        )
        if answers.ratio <= QUARANTINE_RATIO and answers.low * LOOKS < QUARANTINE_P:
            return verdict("quarantined", should)
        if answers.ratio <= WARN_RATIO and answers.low * LOOKS < WARN_P:
            few = should
        refused = _compare((s.mine.attempts, s.mine.rejected, s.others.attempts, s.others.rejected) for s in strata)
        if (
            refused is not None
            and mine.rejected >= REJECTED_LEAST
            and refused.ratio >= REJECTED_TIMES
            and refused.high * LOOKS < QUARANTINE_P
        ):
            times = f"{refused.ratio:.1f} times what its fellows get"
            return verdict("quarantined", f"{mine.rejected} of {mine.attempts} calls were rejected, {times}")
    if few:
        return verdict("warned", few)
    short = _compare((s.mine.answered, s.mine.short, s.others.answered, s.others.short) for s in strata)
    if (
        short is not None
        and min(mine.answered, others.answered) >= MIN_ANSWERED
        and mine.short > SHORT_SHARE * mine.answered
        and short.ratio >= SHORT_TIMES
        and short.high * LOOKS < WARN_P
    ):
        return verdict("warned", f"{mine.short} of {mine.answered} answered calls were over within 6 s")
    return verdict("well", "")


def _compare(strata: Iterable[tuple[int, int, int, int]]) -> _Compared | None:
    """(own trials, own hits, fellows' trials, fellows' hits) in each stratum compared; None where nothing can be said."""
    distance = variance = own = fellow = 0.0
    for n, x, m, y in strata:
        total, hits = n + m, x + y
        if n == 0 or m == 0 or hits == 0:
            continue
        distance += x - n * hits / total
        variance += n * m * hits * (total - hits) / (total * total * (total - 1))
        own += x * m / total
        fellow += y * n / total
    if variance <= 0 or fellow <= 0:
        return None
    z = distance / math.sqrt(variance)
    return _Compared(own / fellow, 0.5 * math.erfc(-z / math.sqrt(2)), 0.5 * math.erfc(z / math.sqrt(2)))
