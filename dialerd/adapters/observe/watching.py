"""What the metrics are fed with: committed turns as they come, and the state of the floor once a second.

Never counts the same call twice, and never holds up a turn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Protocol

from dialerd.adapters.observe.metrics import Metrics
from dialerd.campaigns.live import Live
from dialerd.model.facts import CallBridged
from dialerd.model.rows import AttemptRow
from dialerd.model.turn import Committed


class Linked(Protocol):
    """A server as it is watched."""

    @property
    def connected(self) -> bool: ...
    @property
    def events(self) -> int: ...


class Watching:
    """Reads turns and live state into the metrics."""

    def __init__(self, metrics: Metrics, live: Live) -> None:
        self._metrics = metrics
        self._live = live
        self._seen: Counter[str] = Counter()
        """What the links' counters stood at when they were last looked at."""

    def committed(self, committed: Committed, seconds: float) -> None:
        """A turn is on disk; its commit took so many seconds."""
        metrics = self._metrics
        metrics.turn_committed(seconds, Counter(type(fact).__name__ for fact in committed.turn.facts))
        for row in committed.rows:
            if isinstance(row, AttemptRow) and not row.live:
                metrics.originate_ended(row.trunk, row.outcome)
                if row.outcome == "abandoned":
                    metrics.call_abandoned(row.campaign)
        for fact in committed.turn.facts:
            if isinstance(fact, CallBridged):
                call = self._live.calls.get(fact.call)
                if call is not None and call.connected_at is not None and call.answered_at is not None:
                    metrics.call_connected(call.campaign, call.connected_at - call.answered_at)

    def second(self, inbox: int, failing: bool, servers: Mapping[str, Linked], mqtt_dropped: int) -> None:
        """How the floor and the links stand now."""
        metrics, live = self._metrics, self._live
        metrics.store_failing(failing)
        metrics.inbox_depth(inbox)
        metrics.calls_live(Counter((call.campaign, call.state) for call in live.calls.values()))
        metrics.agents(Counter(agent.state for agent in live.agents.values()))
        for name, server in servers.items():
            metrics.ami_link(name, server.connected)
            metrics.ami_events(name, self._more(f"events {name}", server.events))
        metrics.mqtt_dropped(self._more("mqtt dropped", mqtt_dropped))
        for campaign in live.running:
            metrics.campaign_opened(campaign)

    def _more(self, what: str, count: int) -> int:
        more = count - self._seen[what]
        self._seen[what] = count
        return more
