"""The null client: the daemon's calls placed by a bare panoramisk loop, with no store, rules, commands or figures.

Never decides more than it must to place the same calls: a free agent for each, the bridge when the customer waits.

A process of its own (`python -m bench.null_client`, told by JSON lines): what it costs is what panoramisk and uvloop cost.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import deque
from typing import Any

import uvloop
from panoramisk import Manager

HOLDING = "holding_bridge"


class NullClient:
    """Places `rate` calls a second from `numbers`, one for each free agent at most."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.free: deque[str] = deque()
        self.legs: set[str] = set()
        self.live: dict[str, str] = {}
        """Call to the agent's leg that is kept for it."""
        self.numbers = iter(plan["numbers"])
        self.placed = 0
        self.running = False
        self.changed = asyncio.Event()
        self._next_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.loop = asyncio.get_running_loop()
        self.manager = Manager(
            loop=self.loop,
            host=plan["host"],
            port=plan["port"],
            username=plan["user"],
            secret=plan["secret"],
            forgetable_actions=("ping", "login", "originate", "setvar", "bridge", "hangup"),
        )
        self.manager.register_event("BridgeEnter", self._entered)
        self.manager.register_event("Hangup", self._hung_up)

    async def log_in(self) -> None:
        """Connect, and call every agent's phone until all wait in their holding bridges."""
        await self.manager.connect()
        await self._until(lambda: self.manager.authenticated, "the login")
        for place, agent in enumerate(self.plan["agents"]):
            leg = f"m{place:023d}"
            self.legs.add(leg)
            self._originate(leg, f"PJSIP/{agent}", "dialer-agent", [f"DLR_AGENT={agent}"])
        await self._until(lambda: len(self.free) == len(self.legs), "the agents' phones")

    async def log_out(self) -> None:
        """Let the calls under way end, then hang up every agent's leg."""
        self.running = False
        await self._until(lambda: not self.live, "the end of the calls")
        for leg in self.legs:
            self._send({"Action": "Hangup", "Channel": leg, "Cause": "16"})
        await self._until(lambda: not self.legs, "the end of the agents' legs")
        self.manager.close()

    def go(self) -> None:
        """Place calls from now on."""
        self.running = True
        self._next_at = self.loop.time()
        self._place()

    def _place(self) -> None:
        """Place what is due; slots that nobody was free for are not made up for."""
        now = self.loop.time()
        self._timer = None
        step = 1.0 / self.plan["rate"]
        while self.running and self.free and self._next_at <= now + 0.0005:  # the loop's clock ticks in milliseconds
            number = next(self.numbers, None)
            if number is None:
                self.running = False
                return
            self.placed += 1
            call = f"n{self.placed:023d}"
            self.live[call] = self.free.popleft()
            variables = [f"DLR_CALL={call}", "DLR_WAIT=20", "DLR_ENT=m", "DLR_DROP="]
            self._originate(call, f"PJSIP/{number}@trunk", "dialer-cust", variables)
            self._next_at = max(self._next_at + step, now - step)
        if self.running and self.free:
            self._timer = self.loop.call_at(self._next_at, self._place)

    def _entered(self, _: Manager, event: Any) -> None:
        leg = event.get("Uniqueid")
        if event.get("BridgeTechnology") != HOLDING:
            return
        if leg in self.live:
            agent = self.live[leg]
            self._send({"Action": "Setvar", "Channel": leg, "Variable": "DLR_TALK", "Value": "1"})
            self._send({"Action": "Bridge", "Channel1": agent, "Channel2": leg, "Tone": "no"})
        elif leg in self.legs:
            self.free.append(leg)
            self.changed.set()
            if self.running and self._timer is None:
                self._place()

    def _hung_up(self, _: Manager, event: Any) -> None:
        leg = event.get("Uniqueid")
        self.live.pop(leg, None)
        self.legs.discard(leg)
        self.changed.set()

    def _originate(self, leg: str, channel: str, context: str, variables: list[str]) -> None:
        self._send(
            {
                "Action": "Originate",
                "Channel": channel,
                "Context": context,
                "Exten": "s",
                "Priority": "1",
                "Async": "true",
                "Timeout": "30000",
                "ChannelId": leg,
                "Variable": variables,
                "ActionID": leg,
            }
        )

    def _send(self, action: dict[str, Any]) -> None:
        self.manager.send_action(action, as_list=False)

    async def _until(self, holds: Any, what: str, within_s: float = 30.0) -> None:
        try:
            async with asyncio.timeout(within_s):
                while not holds():
                    self.changed.clear()
                    try:
                        await asyncio.wait_for(self.changed.wait(), 0.05)
                    except TimeoutError:
                        continue
        except TimeoutError:
            raise SystemExit(f"null client: waited {within_s:g} s for {what}") from None


async def _main() -> None:
    loop = asyncio.get_running_loop()
    orders = asyncio.StreamReader(limit=1 << 24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    client = NullClient(json.loads(await orders.readline()))
    await client.log_in()
    print(json.dumps({"agents": len(client.free)}), flush=True)
    await orders.readline()
    client.go()
    await orders.readline()
    await client.log_out()
    print(json.dumps({"placed": client.placed}), flush=True)


if __name__ == "__main__":
    uvloop.run(_main())
