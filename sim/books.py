"""The street's own books: what reached every number and how every leg ended, to hold the daemon's figures against.

Never takes anything from the daemon but its wishes: these figures are what customers and the carrier lived through.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec


class Books:
    """Counts since the street was made; they survive a restart of the exchange."""

    __slots__ = (
        "abandoned",
        "agents",
        "answered",
        "calls",
        "connected",
        "dropped_after_s",
        "ends",
        "hung_up",
        "invites",
        "live_calls",
        "live_phones",
        "machines",
        "misuses",
        "offers",
        "pairs",
        "talk_s",
        "vanished",
        "wait_s",
    )

    def __init__(self) -> None:
        self.calls = 0
        """Wishes for a customer's leg."""
        self.invites: dict[str, int] = {}
        """INVITEs that the carrier got, by number."""
        self.answered = 0
        self.machines = 0
        """Of `answered`: by a machine."""
        self.connected = 0
        """Customers who were bridged with an agent, each counted once."""
        self.abandoned = 0
        """Customers who answered, were never bridged, and were not the ones who ended it."""
        self.hung_up = 0
        """Customers who hung up before they were bridged."""
        self.wait_s = 0.0
        """Seconds from answer to bridge, summed over `connected`."""
        self.dropped_after_s = 0.0
        """Seconds from answer to the information message, summed over `abandoned` that came to it."""
        self.talk_s = 0.0
        self.pairs: list[tuple[str, str]] = []
        """(call, agent), in the order of bridging."""
        self.ends: Counter[str] = Counter()
        """Customers' legs that ended, by cause (`none`: never had a channel)."""
        self.vanished = 0
        """Legs, of customers and agents, that a restart of the exchange took without a word."""
        self.offers: Counter[str] = Counter()
        """Calls to agents' phones: picked_up, busy, unanswered, not_made."""
        self.agents: dict[str, float] = {}
        """Seconds of talk by agent."""
        self.misuses: Counter[str] = Counter()
        """What a dialer must never do, by what it was."""
        self.live_calls: dict[str, str] = {}
        """Customers' legs that are alive, and the number of each."""
        self.live_phones: dict[str, str] = {}
        """Agents' legs that are alive, and the agent of each."""

    def figures(self) -> dict[str, Any]:
        """All of it as JSON types."""
        return {
            "calls": self.calls,
            "invites": dict(self.invites),
            "answered": self.answered,
            "machines": self.machines,
            "connected": self.connected,
            "abandoned": self.abandoned,
            "hung_up": self.hung_up,
            "abandon_rate": self.abandoned / (self.abandoned + self.connected) if self.abandoned else 0.0,
            "wait_s": round(self.wait_s, 6),
            "dropped_after_s": round(self.dropped_after_s, 6),
            "talk_s": round(self.talk_s, 6),
            "pairs": [list(pair) for pair in self.pairs],
            "ends": dict(sorted(self.ends.items())),
            "vanished": self.vanished,
            "offers": dict(sorted(self.offers.items())),
            "agents": {agent: round(talk, 6) for agent, talk in sorted(self.agents.items())},
            "misuses": dict(sorted(self.misuses.items())),
            "live_calls": dict(self.live_calls),
            "live_phones": dict(self.live_phones),
        }

    def as_json(self) -> bytes:
        """`figures` on one line."""
        return msgspec.json.encode(self.figures())
