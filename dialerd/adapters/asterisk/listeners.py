"""Who is told what one AMI link hears: events, responses nobody waits for, coming up and going down; and the counting of it.

It must never let a listener's fault reach the network, nor flood the log with it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from dialerd.adapters.asterisk.counters import AmiCounters
from dialerd.adapters.asterisk.packets import Packet

_log = logging.getLogger("dialerd.ami")
_FAULT_LOG_EVERY_S = 1.0


class Listeners:
    """The listeners of one link, each guarded. All of it is used in the link's loop."""

    def __init__(
        self,
        name: str,
        *,
        on_event: Callable[[Packet], None],
        on_up: Callable[[], None],
        on_down: Callable[[str], None],
        on_response: Callable[[Packet], None] | None,
        wanted: frozenset[str] | None,
    ) -> None:
        """`name`: the link's, for the log. `wanted`: the events `on_event` is for; None for all."""
        self.name = name
        self.wanted = wanted
        self.counters = AmiCounters()
        self._on_event, self._on_up, self._on_down, self._on_response = on_event, on_up, on_down, on_response
        self._ups = 0
        self._fault_logged_at = float("-inf")

    def event(self, packet: Packet) -> None:
        """An event came while the link was up."""
        if self.wanted is None or packet.name in self.wanted:
            self.counters.events += 1
            self._guarded(self._on_event, packet)
        else:
            self.counters.skipped += 1

    def response(self, packet: Packet) -> None:
        """A response nobody waits for came while the link was up."""
        if self._on_response is not None:
            self._guarded(self._on_response, packet)

    def up(self) -> None:
        """The link is up."""
        self._ups += 1
        self.counters.reconnects = self._ups - 1
        self._guarded(self._on_up)

    def down(self, reason: str) -> None:
        """The link was up and is lost."""
        self._guarded(self._on_down, reason)

    def _guarded(self, listener: Callable[..., None], *args: object) -> None:
        """Call a listener; its exception is counted, logged (once a second at most) and goes no further."""
        try:
            listener(*args)
        except Exception:  # noqa: BLE001 - a listener's fault, of whatever kind, must not reach the transport
            self.counters.handler_errors += 1
            now = asyncio.get_running_loop().time()
            if now - self._fault_logged_at >= _FAULT_LOG_EVERY_S:
                self._fault_logged_at = now
                _log.exception("AMI link %s: a listener raised; the link goes on", self.name)
