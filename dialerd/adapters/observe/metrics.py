"""The daemon's figures for Prometheus: one registry per daemon and a method with plain arguments for each thing counted.

It must never take a phone number or the id of a call, lead or agent as a label, and never decide anything.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

COMMIT_BUCKETS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
BRIDGED_BUCKETS_S = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 10.0, 20.0, 30.0)
"""2 s is where a call begins to count as abandoned under the US and UK rules, 3 s under the Italian one."""

MOST_CHILDREN = 2_000
"""Label combinations one instrument may have; later ones are counted together as `other`."""

OTHER = "other"
WITHHELD = "withheld"
"""Stands for a label value that looks like a phone number or a channel's unique id."""

_LOOKS_PERSONAL = re.compile(r"\+?\d{7,15}|.*\d{9,}\.\d+|\+\d[\d ().-]{6,}")

Instrument = TypeVar("Instrument", Counter, Gauge)


class _Children(Generic[Instrument]):
    """The labelled children of one instrument, looked up once: a cached child costs a third of `.labels()`."""

    def __init__(self, instrument: Instrument, labels: int) -> None:
        self._instrument: Instrument = instrument
        self._overflow = (OTHER,) * labels
        self._cached: dict[tuple[str, ...], Instrument] = {}

    def of(self, *values: str) -> Instrument:
        child = self._cached.get(values)
        return self._make(values) if child is None else child

    def _make(self, values: tuple[str, ...]) -> Instrument:
        child: Instrument
        if len(self._cached) >= MOST_CHILDREN:
            child = self._instrument.labels(*self._overflow)
        elif any(_LOOKS_PERSONAL.fullmatch(value) for value in values):
            child = self._instrument.labels(
                *(WITHHELD if _LOOKS_PERSONAL.fullmatch(value) else value for value in values)
            )
        else:
            child = self._cached[values] = self._instrument.labels(*values)
        return child

    def forget(self, first: str) -> None:
        """Drop every child whose first label is `first`."""
        for values in [values for values in self._cached if values[0] == first]:
            del self._cached[values]
            self._instrument.remove(*values)


class _Table:
    """A labelled gauge that is set as a whole: what the new counts leave out becomes 0."""

    def __init__(self, gauge: Gauge, labels: int) -> None:
        self._children = _Children(gauge, labels)
        self._shown: set[tuple[str, ...]] = set()

    def show(self, counts: Iterable[tuple[tuple[str, ...], int]]) -> None:
        # Summed by child first: those counted together as `other` share one.
        totals = dict.fromkeys((self._children.of(*values) for values in self._shown), 0)
        self._shown.clear()
        for values, count in counts:
            child = self._children.of(*values)
            totals[child] = totals.get(child, 0) + count
            self._shown.add(values)
        for child, total in totals.items():
            child.set(total)

    def forget(self, first: str) -> None:
        self._shown = {values for values in self._shown if values[0] != first}
        self._children.forget(first)


class Metrics:
    """All instruments of one daemon, in a registry of their own."""

    def __init__(self, version: str) -> None:
        """`version` is the daemon's own, shown by `dialerd_build_info`."""
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)

        build = Gauge("dialerd_build_info", "What runs; always 1.", ["version", "python"], registry=registry)
        build.labels(version, platform.python_version()).set(1)

        self._turns = Counter("dialerd_turns", "Turns committed.", registry=registry)
        self._commit_seconds = Histogram(
            "dialerd_turn_commit_seconds",
            "Time one turn's commit took.",
            buckets=COMMIT_BUCKETS_S,
            registry=registry,
        )
        self._facts = _Children(Counter("dialerd_facts", "Facts taken, by kind.", ["kind"], registry=registry), 1)
        self._inbox = Gauge("dialerd_inbox_depth", "Facts that wait for the next turn.", registry=registry)

        self._originates = _Children(
            Counter("dialerd_originates", "Originates ended.", ["trunk", "outcome"], registry=registry), 2
        )
        self._calls = _Table(
            Gauge("dialerd_calls", "Live calls, by campaign and state.", ["campaign", "state"], registry=registry), 2
        )
        self._agents = _Table(Gauge("dialerd_agents", "Agents logged in, by state.", ["state"], registry=registry), 1)
        self._connected = _Children(
            Counter("dialerd_calls_connected", "Live answers bridged to an agent.", ["campaign"], registry=registry), 1
        )
        self._abandoned = _Children(
            Counter("dialerd_calls_abandoned", "Live answers no agent took.", ["campaign"], registry=registry), 1
        )
        self._bridged_seconds = Histogram(
            "dialerd_answer_to_bridged_seconds",
            "From the customer's answer to the bridge with an agent.",
            buckets=BRIDGED_BUCKETS_S,
            registry=registry,
        )

        self._ami_up = _Children(
            Gauge("dialerd_ami_up", "1 while logged in to this Asterisk.", ["server"], registry=registry), 1
        )
        self._ami_events = _Children(
            Counter("dialerd_ami_events", "AMI events received.", ["server"], registry=registry), 1
        )
        self._mqtt_up = Gauge("dialerd_mqtt_up", "1 while connected to the broker.", registry=registry)
        self._mqtt_dropped = Counter(
            "dialerd_mqtt_dropped", "Messages not published because the broker was away too long.", registry=registry
        )
        self._loop_stall = Gauge(
            "dialerd_loop_stall_seconds", "How late the event loop was at worst in the last minute.", registry=registry
        )
        self._turn_longest = Gauge(
            "dialerd_turn_longest_seconds", "The longest turn of the last minute, with its commit.", registry=registry
        )
        self._store_failing = Gauge("dialerd_store_failing", "1 while turns cannot be committed.", registry=registry)

    def turn_committed(self, seconds: float, facts: Mapping[str, int]) -> None:
        """One turn is on disk: how long its commit took, and how many facts of each kind it held."""
        self._turns.inc()
        self._commit_seconds.observe(seconds)
        for kind, count in facts.items():
            self._facts.of(kind).inc(count)

    def inbox_depth(self, facts: int) -> None:
        """Facts waiting now."""
        self._inbox.set(facts)

    def originate_ended(self, trunk: str, outcome: str) -> None:
        """An Originate's outcome is known (answered, busy, no_answer, failed, lost, ...)."""
        self._originates.of(trunk, outcome).inc()

    def calls_live(self, counts: Mapping[tuple[str, str], int]) -> None:
        """All live calls now, by (campaign, state); a pair left out counts 0."""
        self._calls.show(counts.items())

    def agents(self, counts: Mapping[str, int]) -> None:
        """All agents now, by state; a state left out counts 0."""
        self._agents.show(((state,), count) for state, count in counts.items())

    def call_connected(self, campaign: str, answer_to_bridged_s: float) -> None:
        """A live answer got an agent, this many seconds after it."""
        self._connected.of(campaign).inc()
        self._bridged_seconds.observe(answer_to_bridged_s)

    def call_abandoned(self, campaign: str) -> None:
        """A live answer got no agent."""
        self._abandoned.of(campaign).inc()

    def campaign_opened(self, campaign: str) -> None:
        """Show the campaign's counters from 0, so that rate() sees its first call."""
        self._connected.of(campaign)
        self._abandoned.of(campaign)

    def campaign_gone(self, campaign: str) -> None:
        """A deleted campaign's series end."""
        self._calls.forget(campaign)
        self._connected.forget(campaign)
        self._abandoned.forget(campaign)

    def ami_link(self, server: str, up: bool) -> None:
        """The link to one Asterisk server is up (logged in), or not."""
        self._ami_up.of(server).set(1 if up else 0)

    def ami_events(self, server: str, events: int = 1) -> None:
        """So many AMI events came in from one server."""
        self._ami_events.of(server).inc(events)

    def mqtt_link(self, up: bool) -> None:
        """The broker is reachable, or not."""
        self._mqtt_up.set(1 if up else 0)

    def mqtt_dropped(self, messages: int = 1) -> None:
        """So many messages will never be published."""
        self._mqtt_dropped.inc(messages)

    def stalled(self, loop_s: float, turn_s: float) -> None:
        """The worst of the last minute: by how much the loop was late, and how long a turn took."""
        self._loop_stall.set(loop_s)
        self._turn_longest.set(turn_s)

    def store_failing(self, failing: bool) -> None:
        """Commits fail now (a full disk, a locked file), or work again."""
        self._store_failing.set(1 if failing else 0)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """All series in the format an Accept header asks for (OpenMetrics, else Prometheus text), and its content type.

        Takes milliseconds for some hundred series: call it off the event loop. Safe in another thread.
        """
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type
