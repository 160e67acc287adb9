"""How fast rows are settled: as many in a turn as it can take without calls noticing (C06).

Never reads a clock: it is told how long a turn took.
"""

from __future__ import annotations

CALM, BUSY, LEAST = 400, 100, 20
"""Rows settled in one turn at most: with no call alive, and beside calls; and at least, on however slow a machine."""
SLOW_S, QUICK_S = 0.050, 0.030
"""Seconds of a turn with its way to the disk (it may wait 10 ms for company): above, the next are smaller; below, larger again."""


class Pace:
    """How many rows are settled in one turn."""

    def __init__(self) -> None:
        self._share = 1.0

    def size(self, *, busy: bool) -> int:
        """`busy`: calls are alive, and their facts wait for that turn."""
        return max(LEAST, int((BUSY if busy else CALM) * self._share))

    def took(self, seconds: float) -> None:
        """A turn was taken, written and on the disk after so many seconds."""
        if seconds > SLOW_S:
            self._share = max(self._share / 2, 0.05)
        elif seconds < QUICK_S:
            self._share = min(self._share * 1.25, 1.0)
