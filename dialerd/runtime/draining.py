"""The graceful stop: no new calls, those in progress go on to their end or to the limit (O04).

Never ends a call: what is alive at the limit goes on without us and is adopted by the next start.
"""

from __future__ import annotations

import asyncio

from dialerd.campaigns.live import Live
from dialerd.model.facts import DrainBegan
from dialerd.runtime.turn_loop import TurnLoop

TELL_S = 5.0
"""Seconds that the turn which begins the drain may take; a store that fails does not hold up the stop."""


async def drain(live: Live, turns: TurnLoop, limit_s: float, at_once: asyncio.Event) -> None:
    """Return when no call is alive, after `limit_s` real seconds, or when `at_once` is set; all facts taken are committed."""
    loop = asyncio.get_running_loop()
    end = loop.time() + limit_s
    began = asyncio.ensure_future(turns.settle(DrainBegan("the daemon is being stopped")))
    await asyncio.wait({began}, timeout=min(limit_s, TELL_S))
    began.cancel()
    while live.calls and loop.time() < end and not at_once.is_set():
        await pause(0.1, at_once)
    while turns.depth and not turns.failing and not at_once.is_set():
        await pause(0.01, at_once)


async def pause(seconds: float, woken: asyncio.Event) -> None:
    """Wait for real seconds, or until `woken` is set."""
    try:
        await asyncio.wait_for(woken.wait(), seconds)
    except TimeoutError:
        return
