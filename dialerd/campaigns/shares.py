"""Fair shares: which campaign's turn it is, by its calls to its weight, among those that can place one now (V09).

Never lets a campaign save up turns while it could not dial, and never knows why it could not.

It is start-time fair queueing: each call moves its campaign's own place on by 1 / weight; whoever stands furthest back and can
dial goes next; who comes back after a time without leads, agents or lines begins where the last one served stood. Like
hoppers it begins anew with the process.
"""

from __future__ import annotations

from typing import TypeAlias

Place: TypeAlias = float
"""How far a campaign has come: its calls by its weight."""


class Shares:
    """Where each campaign stands."""

    __slots__ = ("_next", "_now")

    def __init__(self) -> None:
        self._next: dict[str, Place] = {}
        """Where each campaign stands after its last call."""
        self._now: Place = 0.0
        """Where the last one served stood."""

    def place(self, campaign: str) -> Place:
        """Where the campaign stands; the least goes next."""
        return max(self._now, self._next.get(campaign, 0.0))

    def served(self, campaign: str, weight: float) -> None:
        """The campaign placed a call."""
        self._now = self.place(campaign)
        self._next[campaign] = self._now + 1.0 / weight

    def forget(self, campaign: str) -> None:
        """The campaign does not run any more."""
        self._next.pop(campaign, None)
