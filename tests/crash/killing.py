"""Kills at random points of a running campaign, and what has to be seen after each: people and talks where they were.

Never gives the daemon a command but to import more leads: what it knows after a kill it knows from its rows.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from tests.crash.daemon_that_returns import DaemonThatReturns

AT_WORK = frozenset({"ready", "ringing", "on_call", "wrap_up"})
AGAIN = 0.15
"""Share of starts that are killed too, before they answer."""


class Killing:
    """Kills of one daemon. `bridged`: the calls that are bridged on the exchange now, each with its agent."""

    def __init__(self, daemon: DaemonThatReturns, bridged: Callable[[], dict[str, str]], seed: int) -> None:
        self.daemon = daemon
        self.kills = 0
        self.at_kills: dict[str, str] = {}
        """Calls that were bridged at a kill, and their agents."""
        self.adopted: set[str] = set()
        """Those of them that were seen talking, with the same agent, after the restart."""
        self.away_s: list[float] = []
        self._bridged = bridged
        self._chance = random.Random(seed)

    def kill(self, within_s: float) -> None:
        """Kill at a random point of the next `within_s` seconds, start again, and look around."""
        daemon, chance = self.daemon, self._chance
        daemon.stand_by()
        time.sleep(chance.random() * within_s)
        daemon.kill()
        self.kills += 1
        began = time.monotonic()
        bridged = self._bridged()
        self.at_kills |= bridged
        while chance.random() < AGAIN:
            daemon.launch()
            time.sleep(chance.random() * 0.5)
            daemon.kill()
            self.kills += 1
        daemon.start()
        self.away_s.append(time.monotonic() - began)
        self._see_adopted(bridged)
        try:
            daemon.until(self._all_at_work, "all agents are at work without a new command", 15)
        except AssertionError as late:
            raise AssertionError(f"kill {self.kills}: {daemon.ask('agent.list')['agents']}\n{late}") from None

    def _see_adopted(self, bridged: dict[str, str]) -> None:
        def adopted() -> bool:
            calls = self.daemon.ask("call.list", limit=1000)["calls"]
            talking = {call["call"]: call["agent"] for call in calls if call["state"] == "talking"}
            alive = self._bridged()
            self.adopted.update(call for call, agent in bridged.items() if talking.get(call) == agent)
            return all(call in self.adopted or call not in alive for call in bridged)

        self.daemon.until(adopted, "calls that were bridged at the kill are adopted")

    def _all_at_work(self) -> bool:
        agents = self.daemon.ask("agent.list")["agents"]
        idle = [agent for agent in agents if agent["state"] == "ready" and agent["softphone"] == "nailed_up"]
        return all(agent["state"] in AT_WORK for agent in agents) and all(a["phone_state"] == "idle" for a in idle)

    def check_adopted(self, attempts: list[dict[str, str]]) -> None:
        """Every adopted call ended as a talk with the agent it was bridged with."""
        by_call = {attempt["call"]: attempt for attempt in attempts}
        for call in self.adopted:
            assert by_call[call]["outcome"] == "connected", by_call[call]
            assert by_call[call]["agent"] == self.at_kills[call], by_call[call]

    def __str__(self) -> str:
        away = sorted(self.away_s)
        return (
            f"{self.kills} kills, {len(self.at_kills)} calls bridged at a kill, {len(self.adopted)} adopted, "
            f"away {away[len(away) // 2]:.2f} s (median) to {away[-1]:.2f} s"
        )
