"""Legs of the street: a customer's call and an agent's phone, as the exchange holds them.

Never acts: `street` moves them.
"""

from __future__ import annotations

from enum import IntEnum

from sim.agents import Agent
from sim.callees import Plan


class At(IntEnum):
    """Where a leg is."""

    CALLING = 0
    RINGING = 1
    HOLDING = 2
    TALKING = 3
    DROPPING = 4
    """A customer at the information message."""


class Call:
    """A customer's leg."""

    __slots__ = (
        "answered_at",
        "at",
        "connected",
        "drop_s",
        "epoch",
        "id",
        "line",
        "marked",
        "number",
        "phone",
        "placed_at",
        "plan",
        "ring_s",
        "wait_s",
    )

    def __init__(self, leg: str, number: str, plan: Plan, placed_at: float, ring_s: float, wait_s: float) -> None:
        self.id = leg
        self.number = number
        self.plan = plan
        self.placed_at = placed_at
        self.ring_s = ring_s
        self.wait_s = wait_s
        self.drop_s = 0.0
        """Length of the information message he would hear."""
        self.epoch = 0
        self.at = At.CALLING
        self.line = False
        """Whether it holds a line of the carrier."""
        self.answered_at = 0.0
        self.phone: Phone | None = None
        self.marked = False
        """Whether the dialplan was told that he talks (DLR_TALK)."""
        self.connected = False
        """Whether he was ever bridged."""


class Phone:
    """An agent's leg."""

    __slots__ = ("agent", "at", "call", "epoch", "id", "leaves_at", "nailed_up", "talk_from")

    def __init__(self, leg: str, agent: Agent, nailed_up: bool) -> None:
        self.id = leg
        self.agent = agent
        self.nailed_up = nailed_up
        self.epoch = 0
        self.at = At.CALLING
        self.call: Call | None = None
        self.talk_from = 0.0
        self.leaves_at = float("inf")
        """When he hangs up whatever goes on (scripted phones)."""
