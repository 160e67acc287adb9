"""HangUps: hang-ups that were asked for and not carried out yet, so that none is lost.

It must never send anything itself, or wish for an end that nobody asked for.

Two ways lose one (both measured on 22): an Originate is answered before its channel is made, and a Hangup in between is
answered "No such channel"; and a channel that is moved to another bridge at that moment forgets that it was hung up,
though the answer was Success. In both the next event of the leg shows that it lives, and the Hangup is sent again.
"""

from __future__ import annotations

from dataclasses import dataclass

from dialerd.model.instants import Instant

KEEP_S = 30.0
"""Seconds after which a leg of which nothing is heard any more is forgotten."""


@dataclass(slots=True)
class _Asked:
    at: Instant
    answered: bool = False
    alive: bool = False  # an event of the leg came since the Hangup was sent


class HangUps:
    """The hang-ups under way on one link. `now`: seconds of any clock that does not go back."""

    def __init__(self) -> None:
        self._asked: dict[str, _Asked] = {}

    def __bool__(self) -> bool:
        return bool(self._asked)

    def __len__(self) -> int:
        return len(self._asked)

    def sent(self, leg: str, now: Instant) -> None:
        """A Hangup for `leg` was sent."""
        self._asked.pop(leg, None)
        for old in [each for each, asked in self._asked.items() if asked.at + KEEP_S <= now]:
            del self._asked[old]
        self._asked[leg] = _Asked(now)

    def answered(self, leg: str, success: bool) -> bool:
        """Its response came; whether the Hangup has to be sent again now."""
        asked = self._asked.get(leg)
        if asked is None:
            return False
        asked.answered = True
        return asked.alive and not success

    def came_alive(self, leg: str) -> bool:
        """An event of a channel of `leg` came; whether the Hangup has to be sent again now."""
        asked = self._asked.get(leg)
        if asked is None:
            return False
        asked.alive = True
        return asked.answered

    def ended(self, leg: str) -> None:
        """The leg is gone."""
        self._asked.pop(leg, None)
