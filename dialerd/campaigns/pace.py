"""How a predictive campaign is paced now: its pacer, and what is left of the calls that it wanted last.

Never asks the pacer by itself.
"""

from __future__ import annotations

from dialerd.model.instants import Instant
from dialerd.pacing.contract import Event, Pacer
from dialerd.pacing.policy import PacingPolicy


class Pace:
    """Begins anew with the process."""

    __slots__ = ("agents", "asked_at", "left", "pacer", "policy", "stirred")

    def __init__(self, policy: PacingPolicy, pacer: Pacer) -> None:
        self.policy = policy
        self.pacer = pacer
        self.left = 0
        """Calls that may still be placed of those that were wanted."""
        self.asked_at: Instant = 0.0
        self.agents = 0
        """Agents on the floor as it was asked last."""
        self.stirred = True
        """Whether something happened since."""

    def hear(self, event: Event, now: Instant) -> None:
        """Tell the pacer of an event."""
        self.pacer.observe(event, now)
        self.stirred = True

    def asked(self, wanted: int, agents: int, now: Instant) -> None:
        """The pacer was asked."""
        self.left, self.agents, self.asked_at, self.stirred = wanted, agents, now, False

    def placed(self, event: Event, now: Instant) -> None:
        """One of the calls that it wanted is placed."""
        self.pacer.observe(event, now)
        self.left -= 1
