"""How the process stands, for daemon.status, the bus, /healthz and systemd's status line.

Never changes anything, and never says more than it knows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Protocol

from dialerd import __version__
from dialerd.campaigns.live import Live
from dialerd.model.instants import iso
from dialerd.ports.clock import Clock
from dialerd.runtime.turn_loop import TurnLoop


class Server(Protocol):
    """A server's link as it is told."""

    @property
    def connected(self) -> bool: ...
    @property
    def status(self) -> str: ...


class Standing:
    """Looks at live state, the turn loop and the links."""

    def __init__(
        self, instance: str, store: str, live: Live, turns: TurnLoop, servers: Mapping[str, Server], clock: Clock
    ) -> None:
        self.mqtt: tuple[bool, str] = (False, "no broker is configured")
        """Whether the broker is connected, and what its link does."""
        self._instance = instance
        self._store = store
        self._live = live
        self._turns = turns
        self._servers = servers
        self._clock = clock
        self._started = clock.now()

    def status(self) -> dict[str, Any]:
        """All of it."""
        live, turns = self._live, self._turns
        return {
            "version": __version__,
            "instance": self._instance,
            "started_at": iso(self._started),
            "now": iso(self._clock.now()),
            "draining": live.draining,
            "servers": {name: server.status for name, server in self._servers.items()},
            "mqtt": {"connected": self.mqtt[0], "status": self.mqtt[1]},
            "store": self._store,
            "store_failing": turns.failing,
            "turns": turns.turns,
            "turn": turns.exchange.seq,
            "facts_waiting": turns.depth,
            "live_calls": len(live.calls),
            "agents": dict(Counter(agent.state for agent in live.agents.values())),
            "campaigns_running": len(live.running),
            "oddities": dict(live.oddities),
        }

    def health(self) -> tuple[bool, dict[str, Any]]:
        """Whether all is well (every server linked, the store written), and all of it."""
        links = {name: server.connected for name, server in self._servers.items()}
        return not self._turns.failing and all(links.values()), {**self.status(), "links": links}

    def line(self) -> str:
        """One line without names or numbers of customers."""
        up = sum(server.connected for server in self._servers.values())
        trouble = f", STORE FAILING: {self._turns.failing}" if self._turns.failing else ""
        return (
            f"{len(self._live.calls)} calls, {len(self._live.running)} campaigns running, "
            f"{up}/{len(self._servers)} servers linked{trouble}"
        )
