"""A factor on a learned hazard that follows the day: several memories, each believed by how well it foretold what came.

Never takes a few lucky calls for a new world: each memory begins at 1 and leans on it.
"""

from __future__ import annotations

import math

_MEMORIES = (25.0, 80.0, 400.0)
"""Expected ends that each of the memories goes back."""
_START = (0.2, 0.4, 0.4)
_LEAN = 4.0
"""Ends that the belief in the factor 1 is worth, at all times."""
_STEP = 4.0
"""Expected ends after which the memories are compared anew."""
_FADE = 0.93
"""How much of an older comparison still counts at the next."""


class Level:
    """What happened over what was expected, as one number with its doubt."""

    __slots__ = ("_beliefs", "_expected", "_had", "_happened", "doubt", "factor")

    def __init__(self) -> None:
        self._had = [[0.0, 0.0] for _ in _MEMORIES]
        self._beliefs = [math.log(share) for share in _START]
        self._expected = 0.0
        self._happened = 0.0
        self.factor = 1.0
        """How many times the learned hazard it is at present."""
        self.doubt = 1.0 / _LEAN
        """The variance of the factor, as a share of its square."""

    def expect(self, ends: float) -> None:
        """By the shape alone so many ends were to be expected since the last time."""
        self._expected += ends
        if self._expected >= _STEP:
            self._compare()

    def happened(self, ends: float) -> None:
        """So many ends there were."""
        self._happened += ends

    def rebase(self, ratio: float) -> None:
        """The shape was made anew, and expects `ratio` times as many ends of what was lived: so would it have before."""
        for had in self._had:
            had[1] *= ratio
        self._expected *= ratio
        self.settle()

    def settle(self) -> None:
        """Take in what was heard, however little, so that `factor` is of now."""
        self._mix(self._expected, self._happened)

    def _compare(self) -> None:
        for n, (had, memory) in enumerate(zip(self._had, _MEMORIES, strict=True)):
            seen, expected = had
            self._beliefs[n] = _FADE * self._beliefs[n] + (1 - _FADE) * math.log(_START[n])
            self._beliefs[n] += _foretold(seen + _LEAN, expected + _LEAN, self._happened, self._expected)
            kept = math.exp(-self._expected / memory)
            had[0] = kept * seen + self._happened
            had[1] = kept * expected + self._expected
        top = max(self._beliefs)
        self._beliefs = [belief - top for belief in self._beliefs]
        self._expected = self._happened = 0.0
        self._mix(0.0, 0.0)

    def _mix(self, expected: float, happened: float) -> None:
        weights = [math.exp(belief) for belief in self._beliefs]
        whole = sum(weights)
        means = [(seen + happened + _LEAN) / (base + expected + _LEAN) for seen, base in self._had]
        self.factor = sum(w * m for w, m in zip(weights, means, strict=True)) / whole
        spread = sum(
            w * (m * m / (had[0] + happened + _LEAN) + (m - self.factor) ** 2)
            for w, m, had in zip(weights, means, self._had, strict=True)
        )
        self.doubt = spread / whole / max(self.factor * self.factor, 1e-12)

    def numbers(self) -> list[float]:
        """All that it knows."""
        return [*(x for had in self._had for x in had), *self._beliefs, self._expected, self._happened]

    def take(self, numbers: list[float]) -> None:
        """Know what `numbers()` of another level told."""
        count = len(_MEMORIES)
        self._had = [[max(numbers[2 * n], 0.0), max(numbers[2 * n + 1], 0.0)] for n in range(count)]
        self._beliefs = numbers[2 * count : 3 * count]
        self._expected, self._happened = numbers[3 * count :]
        self.settle()


def _foretold(seen: float, expected: float, ends: float, base: float) -> float:
    """The log of the chance of `ends` in `base` expected ones, by a memory of `seen` in `expected` (negative binomial)."""
    share = expected / (expected + base)
    return (
        math.lgamma(seen + ends)
        - math.lgamma(seen)
        - math.lgamma(ends + 1)
        + seen * math.log(share)
        + ends * math.log1p(-share)
    )
