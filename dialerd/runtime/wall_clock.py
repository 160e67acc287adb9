"""The clock of the running process, and one that runs faster for demonstrations.

Never goes back within one process, even if the system's time is set back.
"""

from __future__ import annotations

import asyncio
import time

from dialerd.model.instants import Instant


class WallClock:
    """The system's UTC time."""

    speed = 1.0

    def __init__(self) -> None:
        self._last = 0.0

    def now(self) -> Instant:
        """Seconds since the epoch."""
        self._last = max(self._last, time.time())
        return self._last

    async def wait(self, until: Instant, woken: asyncio.Event) -> None:
        """Return at `until` or when `woken` is set."""
        left = (until - self.now()) / self.speed
        if left <= 0 or woken.is_set():
            return
        timer = asyncio.get_running_loop().call_later(left, woken.set)
        try:
            await woken.wait()
        finally:
            timer.cancel()


class FastClock(WallClock):
    """Time that runs `speed` times as fast as the system's, from `since` on (from now, if not given)."""

    def __init__(self, speed: float, since: Instant | None = None) -> None:
        super().__init__()
        self.speed = speed
        wall = time.time()
        self._start = wall if since is None else since
        self._from = time.monotonic() - (wall - self._start)

    def now(self) -> Instant:
        """Seconds since the epoch in fast time."""
        return self._start + (time.monotonic() - self._from) * self.speed
