"""EndedLegs: legs whose end was told some seconds ago, so that what Asterisk says late of them is known for what it is.

It must never remember for ever, or give out a channel to be hung up twice.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from dialerd.model.instants import Instant

KEEP_S = 10.0
"""Seconds that an ended leg is remembered, so that late and doubled events of it are known for what they are."""


@dataclass(slots=True)
class _Ended:
    sure: bool  # its Hangup was seen, or it was given out
    until: Instant


class EndedLegs:
    """The legs that ended. `now` is any clock of seconds that does not go back, the same for all calls."""

    def __init__(self) -> None:
        self._ended: dict[str, _Ended] = {}
        self._order: deque[str] = deque()
        self._leftovers: list[str] = []

    def __len__(self) -> int:
        return len(self._ended)

    def __contains__(self, leg: str) -> bool:
        return leg in self._ended

    def add(self, leg: str, now: Instant, *, hung_up: bool, channel: bool) -> None:
        """Its end was told. `hung_up`: its Hangup was seen; `channel`: so was its channel."""
        left = channel and not hung_up
        self._ended[leg] = _Ended(hung_up or left, now + KEEP_S)
        self._order.append(leg)
        if left:
            self._leftovers.append(leg)

    def heard(self, leg: str, event: str) -> None:
        """An event of an ended leg came: a Hangup is what was missing, any other may show that its channel lives."""
        ended = self._ended[leg]
        if event == "Hangup":
            ended.sure = True
        elif not ended.sure and event != "OriginateResponse":
            ended.sure = True
            self._leftovers.append(leg)

    def take_leftovers(self) -> list[str]:
        """Legs told as ended whose channel may still live, because its Hangup was never seen; each is given out once."""
        taken, self._leftovers = self._leftovers, []
        return taken

    def forget(self, now: Instant) -> None:
        """Forget those that ended KEEP_S ago."""
        order = self._order
        while order and self._ended[order[0]].until <= now:
            del self._ended[order.popleft()]
