"""The watch over one AMI connection: a Ping every so often, and an end to a connection that gives no sign of life.

It must never take its own side's standing still for the silence of the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

UNANSWERED = 3
"""Deadlines a Ping may stay unanswered as long as events come: Asterisk answers the actions of a session one by one."""


class PingWatch:
    """Runs from `start` to `stop`; all times are seconds."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        every_s: float,
        deadline_s: float,
        ping: Callable[[], None],
        dead: Callable[[str], None],
    ) -> None:
        """`ping` sends a Ping whose answer is told by `answered`; `dead` is called once, with the reason in words."""
        self._loop = loop
        self._every_s, self._deadline_s = every_s, deadline_s
        self._ping, self._dead = ping, dead
        self.heard_at = 0.0
        """When bytes last came (loop time); set by whoever reads them."""
        self._pinged_at = self._watch_from = 0.0
        self._waiting = self._grace_given = False
        self._lag_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def lag_s(self) -> float:
        """From the last Ping to the handling of its answer and of all that came before it; or how long it is missing."""
        return max(self._lag_s, self._loop.time() - self._pinged_at) if self._waiting else self._lag_s

    def start(self) -> None:
        """Send a Ping and wait for its answer."""
        self._pinged_at = self._watch_from = self._loop.time()
        self._waiting, self._grace_given = True, False
        self._ping()
        self._wake_at(self._pinged_at + self._deadline_s)

    def answered(self) -> None:
        """The answer to the Ping was read."""
        now = self._loop.time()
        self._waiting = False
        self._lag_s = now - self._pinged_at
        self._wake_at(max(self._pinged_at + self._every_s, now))

    def stop(self) -> None:
        """Wake no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake_at(self, at: float) -> None:
        self.stop()
        self._timer = self._loop.call_at(at, self._wake, at)

    def _wake(self, due: float) -> None:
        if not self._waiting:
            self.start()
            return
        now, deadline_s = self._loop.time(), self._deadline_s
        if now - due > deadline_s / 10 and not self._grace_given:
            # this loop stood still, and the answer may lie unread in the socket: wait once more
            self._grace_given, self._watch_from = True, now
        quiet_until = max(self.heard_at, self._watch_from) + deadline_s
        patience_ends = self._watch_from + UNANSWERED * deadline_s
        if now >= quiet_until:
            self._dead(f"no sign of life for {deadline_s:g} s")
        elif now >= patience_ends:
            self._dead(f"events come, but no action is answered for {UNANSWERED * deadline_s:g} s")
        else:
            self._wake_at(min(quiet_until, patience_ends))
