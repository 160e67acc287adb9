"""Ordinary calls: how many channels that are not ours each counted trunk of one Asterisk has, asked every few seconds.

It must never touch a channel, ask while nobody wants the count, or take a softphone's channel for a line of a trunk.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from dialerd.adapters.asterisk.answers import AmiFailure
from dialerd.adapters.asterisk.packets import Packet
from dialerd.model.ids import is_leg

_log = logging.getLogger("dialerd.telephony")

EVERY_S = 5.0
"""Seconds between two counts: so old may one be."""


def ordinary_on(channels: Sequence[Packet], prefixes: Mapping[str, str], token: str) -> dict[str, int]:
    """By trunk, the lines of CoreShowChannels that are channels of it and no legs of the store with `token`.

    `prefixes`: trunk to how the names of its channels begin, such as `PJSIP/carrier-`; Asterisk puts a number of its own
    behind it, which has no hyphen.
    """
    counted = dict.fromkeys(prefixes, 0)
    for line in channels:
        if line.name != "CoreShowChannel" or is_leg(line.get("Uniqueid"), token):
            continue
        begins, hyphen, _ = line.get("Channel").rpartition("-")
        for trunk, prefix in prefixes.items():
            counted[trunk] += begins + hyphen == prefix
    return counted


class OrdinaryCount:
    """Counts again and again, and tells what has changed. Every method is called in the link's loop."""

    def __init__(
        self,
        server: str,
        token: str,
        channels: Callable[[], Awaitable[list[Packet]]],
        on_count: Callable[[Mapping[str, int]], None],
    ) -> None:
        """`channels`: asks for all channels, raises AmiFailure."""
        self.prefixes: Mapping[str, str] = {}
        """Trunk to how its channels' names begin; only these are counted."""
        self._server, self._token, self._channels, self._on_count = server, token, channels, on_count
        self._told: dict[str, int] | None = None
        self._up = asyncio.Event()

    def up(self) -> None:
        """The link is up and reconciled: count now, and tell even what has not changed."""
        self._told = None
        self._up.set()

    def down(self) -> None:
        """The link is lost: what was told holds until it is back."""
        self._up.clear()

    async def run(self) -> None:
        """Count until cancelled."""
        while True:
            await self._up.wait()
            if self.prefixes:
                await self._count(self.prefixes)
            await asyncio.sleep(EVERY_S)

    async def _count(self, prefixes: Mapping[str, str]) -> None:
        try:
            channels = await self._channels()
        except AmiFailure as exc:
            _log.warning("ordinary calls on %s were not counted: %s", self._server, exc)
            return
        counted = ordinary_on(channels, prefixes, self._token)
        if self._up.is_set() and counted != self._told:
            self._told = counted
            self._on_count(counted)
