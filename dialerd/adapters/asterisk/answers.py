"""What waits for the answer of an AMI action: one response, a whole list, or a function of the link's own.

It must never leave a waiter alone: each one ends by its answer, by the loss of the link, or by its deadline.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from dialerd.adapters.asterisk.packets import Packet

LIST_LIMIT = 200_000
"""Packets kept of one list answer; more are swallowed, so that a list without an end cannot eat the memory."""


class AmiFailure(Exception):
    """An action got no answer; whether Asterisk carried it out is not known."""


class AmiTimeout(AmiFailure):
    """No complete answer within the deadline."""


class AmiLost(AmiFailure):
    """The link was down and nothing was sent, or it was lost before the answer was complete."""


class Answer:
    """Waits for one response."""

    outlives_its_waiter = False
    """Whether packets that still come after the deadline must be swallowed, not told as news."""

    def __init__(self, future: asyncio.Future[None]) -> None:
        self.future = future
        self.packets: list[Packet] = []

    def take(self, packet: Packet) -> bool:
        """Take the next packet of the answer; True when that was the last one."""
        self.packets.append(packet)
        self._complete()
        return True

    def fail(self, reason: str) -> None:
        """The link is lost."""
        if not self.future.done():
            self.future.set_exception(AmiLost(f"the link was lost before the answer: {reason}"))

    def _complete(self) -> None:
        if not self.future.done():
            self.future.set_result(None)


class ListAnswer(Answer):
    """Waits for a response, the events of its list, and the event that completes it."""

    outlives_its_waiter = True

    def take(self, packet: Packet) -> bool:
        if len(self.packets) < LIST_LIMIT and not self.future.done():
            self.packets.append(packet)
        mark = packet.get("EventList").lower()
        if packet.is_response:
            goes_on = packet.success and (mark == "start" or "will follow" in packet.message.lower())
        else:
            goes_on = mark not in ("complete", "cancelled") and not packet.name.endswith("Complete")
        if not goes_on:
            self._complete()
        return not goes_on


class Told(Answer):
    """Hands its response to a function at once, in the order of arrival; for the link's own Login and Ping."""

    def __init__(self, future: asyncio.Future[None], tell: Callable[[Packet], None]) -> None:
        super().__init__(future)
        self._tell = tell

    def take(self, packet: Packet) -> bool:
        self._tell(packet)
        return True

    def fail(self, reason: str) -> None:
        """Nobody waits."""
