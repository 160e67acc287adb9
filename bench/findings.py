"""What was measured, as rows: ours, theirs, the ratio of pairs taken side by side, the goal, and whether it was met.

Never one lucky number: every figure is the median of its rounds, with the least and the most beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

BUSY = 0.2
"""When others keep more than this many processors busy, a measurement is doubtful."""


@dataclass(frozen=True)
class Goal:
    """A ratio to reach: at least or at most so much."""

    sense: Literal["at least", "at most"]
    ratio: float

    def met(self, ratio: float) -> bool:
        """Whether `ratio` reaches it."""
        return ratio >= self.ratio if self.sense == "at least" else ratio <= self.ratio


@dataclass(frozen=True)
class Finding:
    """One row: `ours` and `theirs` have a figure for each round, taken side by side; `theirs` may be empty."""

    what: str
    unit: str
    ours: Sequence[float]
    theirs: Sequence[float] = ()
    against: str = ""
    goal: Goal | None = None
    others: Sequence[float] = field(default=())
    """Processors that others kept busy in each round."""

    @property
    def ratio(self) -> float | None:
        """The median of ours over theirs, pair by pair; None without theirs."""
        if not self.theirs:
            return None
        return median(our / their for our, their in zip(self.ours, self.theirs, strict=True))

    @property
    def missed(self) -> bool:
        """Whether there is a goal and it was not met."""
        return self.goal is not None and self.ratio is not None and not self.goal.met(self.ratio)

    @property
    def busy(self) -> bool:
        """Whether others were at work, more than a measurement can bear."""
        return any(share > BUSY for share in self.others)


def figure(values: Sequence[float], unit: str) -> str:
    """Median (least - most) with its unit."""
    if not values:
        return ""
    digits = 0 if median(values) >= 1000 else 1 if median(values) >= 10 else 2
    middle, least, most = (f"{value:,.{digits}f}" for value in (median(values), min(values), max(values)))
    told = middle if least == most else f"{middle} ({least}-{most})"
    return f"{told} {unit}".strip()


HEADINGS = ("what", "dialerd", "against", "", "ratio", "goal", "")


def rows(findings: Sequence[Finding]) -> list[tuple[str, ...]]:
    """The table's cells, row by row, below `HEADINGS`."""
    made: list[tuple[str, ...]] = []
    for each in findings:
        goal = f"{each.goal.sense} {each.goal.ratio:g}" if each.goal else ""
        verdict = "" if each.goal is None else "**missed**" if each.missed else "met"
        if each.busy:
            verdict = f"{verdict} (busy machine)".strip()
        ratio = "" if each.ratio is None else f"{each.ratio:.2f}"
        made.append(
            (
                each.what,
                figure(each.ours, each.unit),
                each.against,
                figure(each.theirs, each.unit),
                ratio,
                goal,
                verdict,
            )
        )
    return made
