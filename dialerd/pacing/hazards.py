"""How likely a state ends at each age, learned by counting the seconds lived at that age (exposure) and the ends there.

Never counts only what is over: unfinished calls and talks count as long as they have lasted, or quick ones would weigh too much.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dialerd.pacing.level import Level

Floats = NDArray[np.float64]

Bins = NDArray[np.intp]
Seconds = tuple[Bins, Bins, Floats, Floats]
"""The lower and the upper bin that each one lived in, and the seconds in each."""

_LEAN = 0.5
"""Ends of its own that outweigh in a bin what its neighbours say."""
_SLACK_S = 1e-3
"""A state that always lasts 15 s may be told as 14.9999: it still ends in the second that begins at 15."""


class Hazard:
    """The hazard of one end of one state, in bins of one second of age, and a level factor that follows changes fast.

    `prior_ends` and `prior_s` are ends and seconds lived by age that are believed at the start: their sums say how strongly.
    `edges` are the ages (whole seconds, from 0) at which a new bin of the shape begins; `memory` is how many ends the shape
    remembers. A `steady` one has no level.
    """

    __slots__ = (
        "_blank",
        "_edges",
        "_fresh",
        "_memory",
        "_prior_ends",
        "_prior_s",
        "_steady",
        "_usual",
        "_width",
        "ends",
        "level",
        "lived_s",
        "shape",
        "size",
    )

    def __init__(
        self, prior_ends: Floats, prior_s: Floats, edges: Sequence[int], memory: float, *, steady: bool = False
    ) -> None:
        self.size = len(prior_s)
        self._prior_ends = prior_ends
        self._prior_s = prior_s
        self._edges = np.asarray(edges, dtype=np.intp)
        self._width = np.diff(np.append(self._edges, self.size))
        self._memory = memory
        self._fresh = 0.0
        self._steady = steady
        self.ends = np.zeros(self.size)
        self.lived_s = np.zeros(self.size)
        self.level = Level()
        self._usual = np.maximum(np.add.reduceat(prior_ends, self._edges) / np.add.reduceat(prior_s, self._edges), 1e-7)
        self.shape = np.zeros(0)
        self.reshape()

    def lived(self, ages: Floats, step_s: float) -> None:
        """Each of `ages` (seconds, now) has lived the last `step_s` seconds, or since its beginning if that is later."""
        for seconds in lived(ages, step_s, self.size):
            self.add(seconds)

    def add(self, seconds: Seconds) -> None:
        """Count what `lived` made of ages and a step, for this size."""
        lower, upper, below, above = seconds
        np.add.at(self.lived_s, lower, below)
        np.add.at(self.lived_s, upper, above)
        if not self._steady:
            self.level.expect(float(below @ self.shape[lower] + above @ self.shape[upper]))

    def ended(self, age: float, uncounted_s: float) -> None:
        """One ended at `age` seconds; the last `uncounted_s` of them were not told to `lived`."""
        if not 0.0 <= age < math.inf:
            return
        if uncounted_s > 0.0:
            self.lived(np.array([age]), min(uncounted_s, age) if age > 0 else 0.0)
        self.ends[min(int(age + _SLACK_S), self.size - 1)] += 1.0
        self._fresh += 1.0
        if not self._steady:
            self.level.happened(1.0)

    def ended_about(self, ages: Floats, weights: Floats) -> None:
        """Some ended at about `ages`, each with its weight."""
        np.add.at(self.ends, np.clip(ages, 0, self.size - 1).astype(np.intp), weights)
        count = float(weights.sum())
        self._fresh += count
        if not self._steady:
            self.level.happened(count)

    def begin_at(self, factor: float) -> None:
        """Before anything was learned: believe `factor` times as many ends as the prior says."""
        self._prior_ends = self._prior_ends * factor
        self._usual = self._usual * factor
        self.reshape()

    def reshape(self) -> None:
        """Make the shape anew from the counts, after forgetting a little of them."""
        if self._fresh:
            kept = math.exp(-self._fresh / self._memory)
            self.ends *= kept
            self.lived_s *= kept
            self._fresh = 0.0
        before = self.shape
        every_end, every_s = self.ends + self._prior_ends, self.lived_s + self._prior_s
        ends, lived_s = np.add.reduceat(every_end, self._edges), np.add.reduceat(every_s, self._edges)
        # a bin that has seen little leans on its neighbours, and these on the prior's shape at the height of what was seen
        usual = self._usual * (ends.sum() / (self._usual @ lived_s))
        about = (_around(ends) + _LEAN) / (_around(lived_s) + _LEAN / usual)
        self.shape = np.repeat((ends + _LEAN) / (lived_s + _LEAN / about), self._width)
        if not self._steady and before.size:
            self.level.rebase(float(self.shape @ every_s) / max(float(before @ every_s), 1e-12))

    def cumulative(self) -> Floats:
        """The hazard added up from age 0, at each whole second from 0 to the size; with the level as it is now."""
        found = np.empty(self.size + 1)
        found[0] = 0.0
        np.cumsum(self.shape, out=found[1:])
        found *= self.level.factor
        return found


def lived(ages: Floats, step_s: float, size: int) -> list[Seconds]:
    """The last `step_s` seconds of `ages` by bins of a second, of which there are `size`: a second at a time."""
    found: list[Seconds] = []
    while ages.size:
        part = min(step_s, 1.0)
        top = np.minimum(ages, size - 0.001)
        low = np.maximum(np.minimum(ages - part, top), 0.0)
        upper, lower = top.astype(np.intp), low.astype(np.intp)
        above = np.where(upper > lower, top - upper, 0.0)
        found.append((lower, upper, top - low - above, above))
        step_s -= part
        if step_s <= 1e-9:
            break
        ages = ages[ages > part] - part
    return found


def _around(values: Floats) -> Floats:
    """Each value with a quarter of its neighbours."""
    found = 0.5 * values
    found[1:] += 0.25 * values[:-1]
    found[:-1] += 0.25 * values[1:]
    found[0] += 0.25 * values[0]
    found[-1] += 0.25 * values[-1]
    return found
