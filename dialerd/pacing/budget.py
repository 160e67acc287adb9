"""The abandon budget: how much risk a call may run for the cap to hold over campaign, legal windows and any 500 answers (V04).

Never spends what is not earned: credit is the answers times the cap, minus the abandoned; a debt is kept until it is paid back.
"""

from __future__ import annotations

from collections import deque
from math import exp, sqrt

import msgspec

from dialerd.model.instants import FAR, Instant
from dialerd.pacing.contract import Reading
from dialerd.pacing.policy import PacingPolicy


class _Law(msgspec.Struct, frozen=True):
    """The share of answers to abandon, in caps, by the calls of credit: integral control with a wall before nought.

    The credit strays by about sqrt(1 / (2 gain)) calls around the reserve at any size of floor; within the last `wall` calls the
    share falls to `floor` long before the credit is spent. Measured on chains of 2,000 answers and many seeds: without the wall
    1.3 % of campaigns end above the cap, with it 0.1 %, at the same use of the budget.
    """

    gain: float
    reserve: float
    wall: float
    at_nought: float
    floor: float

    def share(self, credit: float, reserve: float) -> float:
        steep = self.at_nought + (1.0 - self.at_nought) * credit / self.wall
        return max(
            self.floor, min(MOST, exp(min(5.0, self.gain * (credit - reserve))) * min(1.0, max(self.floor, steep)))
        )


MOST = 3.0
"""No more is abandoned on purpose than so many caps, whatever the credit."""
WHOLE = _Law(gain=0.2, reserve=3.5, wall=3.0, at_nought=0.15, floor=0.05)
"""For counts that only grow: the campaign's own, and those of legal windows."""
_SPANS = 0.03
"""The floor and the share at nought of the law for any 500 answers in a row."""
_AT_ONCE_S = 15.0
"""Calls that are abandoned within so many seconds of one another are lost at once: no decision could come between."""
_CLUSTERS = 12.0
_AGENTS_TO_A_CLUSTER = 40.0
"""On a floor with so many agents one more is lost at once than on a small one, as long as it is not known better."""
_TRUE_OVER_SAID = 1.1
_BELIEF = 8.0
"""Abandoned calls that the first belief in `_TRUE_OVER_SAID` is worth."""
_MEMORY = 80.0


def _rolling_law(whole: float, cluster: float) -> _Law:
    """For a span that slides, in which `whole` may be abandoned: what leaves it is not known to leave before the next one comes.

    `cluster` is how many are abandoned at once: a large floor that has dialed too much loses several before it can react.
    """
    return _Law(0.3 * (15.0 / whole) ** 0.35, 3.0 + 1.15 * (whole * cluster) ** 0.5, 5.0 * cluster**0.5, _SPANS, _SPANS)


class AbandonBudget:
    """Counts what it hears, and is shown what the rows say."""

    __slots__ = ("_abandoned_at", "_answers", "_at_once", "_cluster", "_foretold", "_happened", "_last_at", "_policy")

    def __init__(self, policy: PacingPolicy) -> None:
        self._policy = policy
        self._answers = 0
        self._abandoned_at: deque[int] = deque()
        self._happened = _BELIEF
        self._foretold = _BELIEF / _TRUE_OVER_SAID
        self._cluster = 1.0
        self._at_once = 0
        self._last_at = -FAR

    def offered(self, threshold: float) -> None:
        """A person wants an agent, while calls were placed up to this marginal overflow."""
        self._foretold += threshold

    def connected(self) -> None:
        """A person got an agent."""
        self._answers += 1
        self._forget()

    def abandoned(self, now: Instant) -> None:
        """A person was lost."""
        if now - self._last_at > _AT_ONCE_S and self._at_once:
            self._cluster += (self._at_once - self._cluster) / _CLUSTERS
            self._at_once = 0
        self._at_once += 1
        self._last_at = now
        self._answers += 1
        self._abandoned_at.append(self._answers)
        self._forget()
        kept = 1.0 - 1.0 / _MEMORY
        self._happened = kept * self._happened + 1.0
        self._foretold *= kept

    def _forget(self) -> None:
        while self._abandoned_at and self._abandoned_at[0] <= self._answers - self._policy.rolling:
            self._abandoned_at.popleft()

    @property
    def true_over_said(self) -> float:
        """Abandoned calls for each one that the thresholds foretold: the marginal overflow is not the rate itself."""
        return min(3.0, max(0.6, self._happened / self._foretold))

    def cap(self, reading: Reading) -> float:
        """The cap on abandoned calls after AMD's mistakes have taken their part of it; 0 or less if nothing is left."""
        lost = min(max(reading.persons_as_machines, 0.0), 0.999)
        return (self._policy.cap - lost) / (1.0 - lost)

    def threshold(self, reading: Reading) -> float:
        """The most marginal overflow that the next call may have; 0: none at all, only calls with an agent of their own."""
        cap = self.cap(reading)
        if cap <= 0.0 or (self._policy.rolling and cap * self._policy.rolling < 1.0):
            return 0.0
        if not all(window.known and window.cap > 0.0 for window in reading.windows):
            return 0.0
        cluster = max(self._cluster, 1.0 + reading.agents / _AGENTS_TO_A_CLUSTER)
        share = _by_count(cap, reading.total.live, reading.total.abandoned)
        for window in reading.windows:
            share = min(share, _by_count(window.cap, window.answered, window.abandoned))
        if self._policy.rolling:
            whole = cap * self._policy.rolling
            law = _rolling_law(whole, cluster)
            share = min(share, cap * law.share(whole - len(self._abandoned_at), law.reserve))
        return min(share / self.true_over_said, MOST * cap / sqrt(cluster))

    def numbers(self) -> list[float]:
        """What it believes of thresholds and clusters, then how many answers ago each abandoned call of the rolling span was."""
        return [
            self._happened,
            self._foretold,
            self._cluster,
            *(float(self._answers - at) for at in self._abandoned_at),
        ]

    def take(self, numbers: list[float]) -> None:
        """Know what `numbers()` told."""
        self._happened, self._foretold = max(1e-6, numbers[0]), max(1e-6, numbers[1])
        self._cluster = max(1.0, numbers[2])
        self._abandoned_at = deque(sorted(self._answers - int(ago) for ago in numbers[3:]))


def _by_count(cap: float, answered: float, abandoned: float) -> float:
    """The share that a count lets be abandoned; the reserve is set aside from half of what is earned first."""
    return cap * WHOLE.share(cap * answered - abandoned, min(WHOLE.reserve, 0.5 * cap * answered))
