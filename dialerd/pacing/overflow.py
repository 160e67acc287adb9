"""The marginal overflow of one more call: the chance that a person answers it and no agent is free for him (V04).

Never looks at more than sums: how many agents come free and how many calls claim one are sums of independent yes-or-no chances.
"""

from __future__ import annotations

from math import exp
from typing import Final

import msgspec
import numpy as np
from scipy.special import ndtr

from dialerd.pacing.hazards import Floats

EXACT_UP_TO: Final = 36
"""Busy agents and calls in flight together up to which the sum is exact; beyond, a normal approximation with skewness."""
_FEW: Final = 16
"""The same for a smaller exact sum, which is faster."""


class _Turn(msgspec.Struct, frozen=True):
    """A circle of values that an exact sum is told apart by: position k is the value k, and behind `highest` k - `size`."""

    size: int
    highest: int

    @property
    def room(self) -> int:
        """New calls that it has room for beside what is there."""
        return self.size - 1 - 2 * self.highest


_SMALL: Final = _Turn(64, _FEW)
_LARGE: Final = _Turn(128, EXACT_UP_TO)
_POINTS: Final = {
    turn.size: np.exp(2j * np.pi * np.arange(turn.size // 2 + 1) / turn.size) - 1.0 for turn in (_SMALL, _LARGE)
}


def moments(chances: Floats) -> Floats:
    """Mean, variance and third cumulant of each chance, side by side: rows of this can be added up."""
    variance = chances * (1.0 - chances)
    return np.concatenate([chances, variance, variance * (1.0 - 2.0 * chances)], axis=1)


class Outlook:
    """The floor at each likely pick-up of a new call: `ready` agents, more that come free, and calls that claim them.

    `free` and `claims` are the rows of all busy agents and of all calls in flight, as `moments` made them; `new` is the row of a
    new call. `doubts` are the variances (as shares of the square) by which all of the first and all of the second may be wrong
    together. Where the sum is exact, claims are taken `careful` times as likely instead. Not `exact`: approximated at any size.
    """

    __slots__ = ("_base", "_claims", "_doubts", "_exact", "_free", "_mean", "_new", "_q", "_skew", "_turn", "_variance")

    def __init__(
        self,
        ready: int,
        free: Floats,
        claims: Floats,
        new: Floats,
        doubts: tuple[float, float],
        *,
        exact: bool = True,
        careful: float = 1.0,
    ) -> None:
        self._base = ready
        self._doubts = doubts
        self._new = new
        looks = new.size // 3
        self._q = new[:looks]
        busy = free.shape[0] + claims.shape[0]
        self._turn = _SMALL if busy <= _FEW else _LARGE
        self._exact: Floats | None = None
        if exact and busy <= EXACT_UP_TO:
            self._q = np.minimum(1.0, careful * self._q)
            self._exact = _distribution(self._turn, free[:, :looks], np.minimum(1.0, careful * claims[:, :looks]))
            return
        freed, claimed = free.sum(axis=0), claims.sum(axis=0)
        self._free, self._claims = freed[:looks], claimed[:looks]
        self._mean = ready + freed[:looks] - claimed[:looks]
        self._variance = freed[looks : 2 * looks] + claimed[looks : 2 * looks]
        self._skew = freed[2 * looks :] - claimed[2 * looks :]

    def risks(self, placed: int) -> Floats:
        """The marginal overflow of the next call, by likely pick-up, if `placed` new ones go before it."""
        if self._exact is not None:
            return _tail(self._turn, _with_new(self._exact, self._q, placed), self._base)
        looks = self._q.size
        claims = self._claims + placed * self._q
        mean = self._mean - placed * self._q
        variance = self._variance + placed * self._new[looks : 2 * looks]
        variance += self._doubts[0] * self._free**2 + self._doubts[1] * claims**2
        skew = self._skew - placed * self._new[2 * looks :]
        spread = np.sqrt(np.maximum(variance, 1e-9))
        z = np.clip((0.5 - mean) / spread, -8.0, 8.0)
        tilt = np.clip(skew / spread**3, -1.0, 1.0)
        tail = ndtr(z) - tilt / 6.0 * (z * z - 1.0) * np.exp(-0.5 * z * z) * 0.3989422804014327
        found: Floats = np.clip(np.where(z < -4.0, ndtr(z), tail), 0.0, 1.0)
        return found

    def risk(self, placed: int) -> float:
        """The same, over all pick-ups."""
        return float(self.risks(placed).mean())

    def largest(self, threshold: float, limit: int) -> int:
        """How many new calls have each a marginal overflow of at most `threshold`; `limit` at most."""
        if self._exact is not None:
            return self._largest_exact(threshold, min(limit, self._turn.room))
        if limit <= 0 or self.risk(0) > threshold:
            return 0
        low, high = 1, 2  # the low-th call may go; is there one that may not?
        while high <= limit and self.risk(high - 1) <= threshold:
            low, high = high, 2 * high
        high = min(high, limit + 1)
        while high - low > 1:
            middle = (low + high) // 2
            if self.risk(middle - 1) <= threshold:
                low = middle
            else:
                high = middle
        return low

    def _largest_exact(self, threshold: float, limit: int) -> int:
        found = 0
        distribution = self._exact
        assert distribution is not None
        while found < limit and float(_tail(self._turn, distribution, self._base).mean()) <= threshold:
            found += 1
            distribution = _with_new(distribution, self._q, 1)
        return found


def _distribution(turn: _Turn, free: Floats, claims: Floats) -> Floats:
    """Of the number that came free minus the number that claimed, by pick-up and position on the circle."""
    points = _POINTS[turn.size]
    transform = np.ones((free.shape[1], points.size), dtype=np.complex128)
    if free.shape[0]:
        transform *= np.prod(1.0 + free[:, :, None] * np.conj(points), axis=0)
    if claims.shape[0]:
        transform *= np.prod(1.0 + claims[:, :, None] * points, axis=0)
    return np.maximum(np.fft.irfft(transform, n=turn.size, axis=1), 0.0)


def _with_new(distribution: Floats, q: Floats, placed: int) -> Floats:
    """The same after `placed` new calls, each of which has claimed an agent with chance `q`."""
    for _ in range(placed):
        distribution = distribution * (1.0 - q[:, None]) + np.roll(distribution, -1, axis=1) * q[:, None]
    return distribution


def _tail(turn: _Turn, distribution: Floats, ready: int) -> Floats:
    """The chance that the sum is at most -`ready`: nobody is free."""
    below = turn.highest + 1
    if ready > 0:
        found: Floats = distribution[:, below : max(below, turn.size - ready + 1)].sum(axis=1)
    else:
        found = distribution[:, below:].sum(axis=1) + distribution[:, : 1 - ready].sum(axis=1)
    return np.clip(found, 0.0, 1.0)


def agents_for_waiting(waiting: Floats, ready: int, freed_a_second: float, max_wait_s: float) -> list[float]:
    """The chance of each waiting person, who came first first, to get an agent before his time is over."""
    found: list[float] = []
    for place, waited in enumerate(sorted(waiting.tolist(), reverse=True)):
        left = max(0.0, max_wait_s - waited)
        found.append(1.0 if place < ready else 1.0 - exp(-freed_a_second * left / (place - ready + 1)))
    return found
