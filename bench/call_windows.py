"""One window of calls: a client places them for some seconds, and what the watcher and /proc saw of it.

Never lets one window's calls reach into the next: agents log in before and out after each.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from bench.call_clients import CallClient, DaemonCalls, NullCalls, Talker
from bench.machine import Others, cpu_seconds
from tests.asterisk.rig.asterisk import Rig

WARM_UP_S = 2.0
"""Seconds of calls, beyond the length of one, before the window opens."""
SPARE_AGENTS = 1.5
"""Agents for each call that is alive at the full rate, so that both clients could place more than they are to."""


@dataclass(frozen=True)
class Window:
    """What was seen in one window."""

    client: str
    rate: float
    """Calls a second that were offered."""
    placed: float
    """Calls a second that reached the carrier."""
    unbridged: int
    """Customers who waited and got no agent."""
    waits_s: list[float]
    """From the customer's entry into his holding bridge to that into the bridge with an agent, sorted."""
    from_answer_s: list[float]
    """From the customer's answer to the bridge with an agent, sorted."""
    client_cores: float
    """Processors that the client kept busy."""
    asterisk_cores: float
    """Processors that Asterisk kept busy."""
    others: float
    """Processors that others kept busy."""


class Calls:
    """A rig with a crowd of agents, customers who answer at once and hang up after a while, and the watcher."""

    def __init__(self, most: float, talk_s: float = 1.0, sound: bool = False) -> None:
        """`most`: the highest rate that will be asked for, calls a second; `talk_s`: seconds from the answer to the customer's
        hanging up; `sound`: all phones speak all the time.
        """
        self._talk_s = talk_s
        self._agents = agents_for(most, talk_s)
        self._sound = sound
        self._places = 0

    def __enter__(self) -> Calls:
        self.rig = Rig(agents=0, crowd=self._agents, ports=3000, sound=self._sound)
        self.rig.start()
        try:
            self.rig.start_phones()
            self._watcher = Talker("bench.watcher")
            rig = self.rig
            self._watcher.tell(
                {"host": rig.ami_host, "port": rig.ami_port, "user": rig.ami_user, "secret": rig.ami_secret}
            )
            self._watcher.hear()
        except BaseException:
            self.rig.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._watcher.end()
        self.rig.close()

    def window(self, kind: type[NullCalls] | type[DaemonCalls], rate: float, seconds: float) -> Window:
        """Let one client place calls at `rate` a second, and look at `seconds` of it."""
        agents = self.rig.agents[-agents_for(rate, self._talk_s) :]
        numbers = self._numbers(int((seconds + WARM_UP_S + self._talk_s + 2) * rate * 1.1))
        with kind(self.rig, agents, numbers, rate) as client:
            self._watcher.tell({"begin": client.letter})
            self._watcher.hear()
            client.go()
            time.sleep(WARM_UP_S + self._talk_s)
            opened, before, beside = time.monotonic(), self._cpu(client), Others()
            time.sleep(seconds)
            closed, after = time.monotonic(), self._cpu(client)
            others = beside.so_far()
            client.log_out()
            self._watcher.tell({})
            seen = self._watcher.hear()
        lasted = closed - opened
        waited = {leg: at for leg, at in seen["waited"].items() if opened <= at < closed}
        waits = sorted(seen["bridged"][leg] - at for leg, at in waited.items() if leg in seen["bridged"])
        return Window(
            client=kind.name,
            rate=rate,
            placed=sum(opened <= at < closed for at in seen["called"].values()) / lasted,
            unbridged=len(waited) - len(waits),
            waits_s=waits,
            from_answer_s=sorted(
                seen["bridged"][leg] - seen["answered"][leg]
                for leg in waited
                if leg in seen["bridged"] and leg in seen["answered"]
            ),
            client_cores=(after[0] - before[0]) / lasted,
            asterisk_cores=(after[1] - before[1]) / lasted,
            others=others,
        )

    def _cpu(self, client: CallClient) -> tuple[float, float]:
        return cpu_seconds(client.pid), cpu_seconds(self.rig.pid)

    def _numbers(self, count: int) -> list[str]:
        """Numbers that were not called yet: `7 1 RRR HHH x`, see tests/asterisk/rig/scenarios.py."""
        first, self._places = self._places, self._places + count
        return [f"71000{10 * self._talk_s:03.0f}{place:06d}" for place in range(first, first + count)]


def agents_for(rate: float, talk_s: float) -> int:
    """Agents with whom `rate` calls a second of `talk_s` seconds can be placed with room to spare."""
    return int(rate * talk_s * SPARE_AGENTS) + 10
