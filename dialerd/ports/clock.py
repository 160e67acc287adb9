"""The clock as a promise: now, and a wait until an instant or an earlier call.

Never used by pure rooms: they take `now` as an argument.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from dialerd.model.instants import Instant


class Clock(Protocol):
    """Real time, or real time run faster (the demo)."""

    def now(self) -> Instant:
        """Seconds since the epoch, UTC; never goes back within one process."""

    async def wait(self, until: Instant, woken: asyncio.Event) -> None:
        """Return at `until`, or as soon as `woken` is set."""
