"""The carrier's lines: how many calls at once and in a second it takes, and when the trunk is dead.

Never knows whose calls they are.
"""

from __future__ import annotations

from collections import deque
from typing import Literal, TypeAlias

from sim.scenario import Lines

Verdict: TypeAlias = Literal["taken", "full", "dead"]


class Trunk:
    """One trunk to one carrier."""

    __slots__ = ("_limit", "_outages", "_per_second", "_recent", "most", "used")

    def __init__(self, lines: Lines, start: float) -> None:
        self._limit = lines.limit
        self._per_second = lines.calls_per_second
        self._outages = [(start + o.from_s, start + o.until_s) for o in lines.outages]
        self._recent: deque[float] = deque()
        self.used = 0
        """Calls at once, now."""
        self.most = 0
        """The most calls at once there ever were."""

    def take(self, now: float) -> Verdict:
        """Ask for one line. `full`: the carrier answers with congestion; `dead`: nothing can be sent at all."""
        for start, end in self._outages:
            if start <= now < end:
                return "dead"
        if self._per_second is not None:
            recent = self._recent
            span = max(1.0, 1 / self._per_second)  # less than one a second is one in so many seconds
            while recent and recent[0] <= now - span:
                recent.popleft()
            if len(recent) >= self._per_second * span:
                return "full"
            recent.append(now)
        if self._limit is not None and self.used >= self._limit:
            return "full"
        self.used += 1
        if self.used > self.most:
            self.most = self.used
        return "taken"

    def give_back(self) -> None:
        """One call is over."""
        self.used -= 1


def dialled(dial: str) -> tuple[str, str]:
    """Number and endpoint of a dial string: PJSIP/849@street -> ("849", "street"), PJSIP/1001 -> ("", "1001")."""
    _, _, rest = dial.partition("/")
    number, at, endpoint = rest.partition("@")
    return (number, endpoint) if at else ("", rest)
