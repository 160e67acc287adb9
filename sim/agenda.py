"""What comes next on the street: a heap of acts by time, and by order of planning where times are equal.

Never reads a clock: time moves only as far as it is told to.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any, Protocol, TypeAlias, TypeVar


class Planned(Protocol):
    """Someone with plans; raising `epoch` calls off all that was planned before."""

    epoch: int


Who = TypeVar("Who", bound=Planned)
_Act: TypeAlias = tuple[float, int, Callable[[Any], None], Planned, int]


class Agenda:
    """Acts to come."""

    __slots__ = ("_heap", "_number", "now")

    def __init__(self, start: float) -> None:
        self._heap: list[_Act] = []
        self._number = 0
        self.now = start
        """The instant of the act under way, or the one that `run` got to."""

    def put(self, at: float, act: Callable[[Who], None], who: Who) -> None:
        """Have `act(who)` done at `at`, unless the epoch of `who` has changed by then."""
        self._number += 1
        planned: _Act = (at, self._number, act, who, who.epoch)
        heappush(self._heap, planned)

    def next_time(self) -> float | None:
        """When the next act is due; None if nothing is planned."""
        heap = self._heap
        while heap:
            at, _, _, who, epoch = heap[0]
            if who.epoch == epoch:
                return at
            heappop(heap)
        return None

    def run(self, until: float) -> None:
        """Do all that is due up to and at `until`. Raises ValueError if that lies before `now`: time does not go back."""
        if until < self.now:
            raise ValueError(f"time goes forward only: it is {self.now!r}, asked for {until!r}")
        heap = self._heap
        while heap and heap[0][0] <= until:
            at, _, act, who, epoch = heappop(heap)
            if who.epoch == epoch:
                if at > self.now:
                    self.now = at
                act(who)
        self.now = until
