"""How long the event loop was kept from running, and the longest turn: what people on calls would feel (O05).

Never acts on what it sees, and never costs more than a timer a hundred times a second.
"""

from __future__ import annotations

import asyncio
from collections import deque

BEAT_S = 0.010
"""Seconds between beats: a stall is told up to so much too short."""
WINDOW_S = 60
"""Seconds that `lately` looks back."""


class Stalls:
    """Watches the loop that it was started in, from `start` until `stop`."""

    def __init__(self) -> None:
        self.loop_max = 0.0
        """Seconds by which a beat was late at worst, since the start."""
        self.turn_max = 0.0
        """Seconds of the longest turn with its commit, since the start."""
        self._second = [0.0, 0.0]
        self._seconds: deque[tuple[float, float]] = deque(maxlen=WINDOW_S)
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    def start(self) -> None:
        """Begin to watch."""
        loop = asyncio.get_running_loop()
        self._due = loop.time() + BEAT_S
        self._timer = loop.call_at(self._due, self._beat)

    def stop(self) -> None:
        """Watch no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        late = now - self._due
        if late > self._second[0]:
            self._second[0] = late
            self.loop_max = max(self.loop_max, late)
        self._due = now + BEAT_S
        self._timer = loop.call_at(self._due, self._beat)

    def turn(self, seconds: float) -> None:
        """A turn took so long, from the first fact taken to its commit."""
        if seconds > self._second[1]:
            self._second[1] = seconds
            self.turn_max = max(self.turn_max, seconds)

    def second(self) -> None:
        """A second is over; to be called about once a second."""
        self._seconds.append((self._second[0], self._second[1]))
        self._second = [0.0, 0.0]

    def lately(self) -> tuple[float, float]:
        """The worst stall of the loop, and the longest turn, of the last minute, in seconds."""
        seen = [*self._seconds, (self._second[0], self._second[1])]
        return max(loop for loop, _ in seen), max(turn for _, turn in seen)

    def status(self) -> dict[str, float]:
        """The same in milliseconds, that of the last full second, and the worst since the start, for daemon.status."""
        loop, turn = self.lately()
        loop_1, turn_1 = self._seconds[-1] if self._seconds else (0.0, 0.0)
        seconds = {
            "loop": loop,
            "turn": turn,
            "loop_last_second": loop_1,
            "turn_last_second": turn_1,
            "loop_since_start": self.loop_max,
            "turn_since_start": self.turn_max,
        }
        return {f"{name}_ms": round(value * 1000, 1) for name, value in seconds.items()}
