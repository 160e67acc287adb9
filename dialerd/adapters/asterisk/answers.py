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

    async def within(self, deadline_s: float, action: str) -> list[Packet]:
        """Wait for the whole answer to `action`. Raises AmiTimeout, and AmiLost if the link is lost before."""
        try:
            async with asyncio.timeout(deadline_s):
                await self.future
        except TimeoutError:
            if self.future.cancelled():
                raise AmiTimeout(f"no complete answer to {action} within {deadline_s:g} s") from None
            self.future.result()  # it came in the same turn of the loop as the deadline
        return self.packets

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


class Awaited:
    """The actions of one connection that wait for their answers, by ActionID."""

    def __init__(self) -> None:
        self._responses: dict[str, Answer] = {}
        self.lists: dict[str, Answer] = {}
        """Those that had their response and wait for the rest of the list."""

    def add(self, action_id: str, answer: Answer) -> None:
        """The action is about to be sent. Raises ValueError if its ActionID is waited for already."""
        if action_id in self._responses or action_id in self.lists:
            raise ValueError(f"AMI header ActionID: {action_id!r} is waited for already; allowed is one not in use")
        self._responses[action_id] = answer

    def forget(self, action_id: str, answer: Answer) -> None:
        """Nobody waits for it any more."""
        if self._responses.get(action_id) is answer and not answer.outlives_its_waiter:
            del self._responses[action_id]

    def response(self, packet: Packet) -> bool:
        """A response came; whether it was waited for."""
        answer = self._responses.pop(packet.action_id, None)
        if answer is None:
            return False
        if not answer.take(packet):
            self.lists[packet.action_id] = answer
        return True

    def listed(self, packet: Packet) -> bool:
        """An event came; whether it is part of a list that was asked for."""
        answer = self.lists.get(packet.action_id)
        if answer is None:
            return False
        if answer.take(packet):
            del self.lists[packet.action_id]
        return True

    def fail(self, reason: str) -> None:
        """The link is lost: so is every answer that is still missing."""
        waiting = [*self._responses.values(), *self.lists.values()]
        self._responses.clear()
        self.lists.clear()
        for answer in waiting:
            answer.fail(reason)
