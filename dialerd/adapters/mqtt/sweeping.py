"""Retained states of subjects that are no more: heard from the broker for a moment, and then cleared there.

Must never clear what the daemon knows, nor listen longer than the broker has something to tell.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection

from dialerd.adapters.mqtt.link import Link
from dialerd.adapters.mqtt.topics import Topics

QUIET_S = 1.0
"""Seconds without a state after which all retained ones have come: MQTT has no word for the end of them."""
LONGEST_S = 60.0


class Sweeping:
    """Hears the retained states of one daemon. `clear(topics)` returns when the broker has cleared them."""

    def __init__(self, topics: Topics, clear: Callable[[Collection[str]], Awaitable[None]]) -> None:
        self._prefix = topics.state_prefix
        self._own = topics.state("daemon")
        self._clear = clear
        self._known: Callable[[str], bool] | None = None
        self._wanted = asyncio.Event()
        self._heard: set[str] = set()
        self._heard_one = asyncio.Event()

    def keep(self, known: Callable[[str], bool]) -> None:
        """Sweep now, or as soon as there is a connection: what `known` says no to is cleared."""
        self._known = known
        self._wanted.set()

    def connected(self) -> None:
        """A new connection: sweep again, if it is known already what to keep."""
        if self._known is not None:
            self._wanted.set()

    def hear(self, topic: str, empty: bool) -> bool:
        """Whether a message is a state, and so nothing for anybody else; it is remembered until the sweep is over."""
        if not topic.startswith(self._prefix):
            return False
        if not empty:
            self._heard.add(topic)
        self._heard_one.set()
        return True

    async def run(self, link: Link) -> None:
        """Sweeps whenever that is wanted, for as long as the connection lasts. Raises LinkError."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            cleared: set[str] = set()
            # a broker drops what is beyond its queue (mosquitto: 1000), so there may be more behind what came
            while found := await self._unknown(link) - cleared:
                await self._clear(found)
                cleared |= found

    async def _unknown(self, link: Link) -> set[str]:
        """The topics of retained states that nobody knows."""
        self._heard.clear()
        await link.listen(f"{self._prefix}#")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_S):
                await self._quiet()
        await link.stop_listening(f"{self._prefix}#")
        known = self._known or (lambda tail: True)
        # asked now, not when it was heard: a subject may have come meanwhile
        return {topic for topic in self._heard - {self._own} if not known(topic.removeprefix(self._prefix))}

    async def _quiet(self) -> None:
        """Waits until QUIET_S have passed without a state. Raises TimeoutError then."""
        while True:
            self._heard_one.clear()
            async with asyncio.timeout(QUIET_S):
                await self._heard_one.wait()
