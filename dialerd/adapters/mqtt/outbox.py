"""What waits to be published: replies, events and states, each in its own bounded lane, served in turn.

Must never grow without limit, reorder a lane, or lose a message that was under way when the connection broke.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum

from dialerd.adapters.mqtt.state_board import MAX_TRIES, StateBoard

QUEUE_BYTES = 64 * 1024 * 1024
WINDOW = 20
"""Messages under way at once: what an MQTT broker grants without being asked (mosquitto's default)."""


class Lane(Enum):
    """The three kinds of messages that leave."""

    REPLY = "reply"
    EVENT = "event"
    STATE = "state"


@dataclass(slots=True)
class Outgoing:
    """One message for the broker; `tries` counts the connections that broke while it was under way."""

    lane: Lane
    topic: str
    payload: bytes
    correlation: bytes | None = None
    tries: int = 0
    version: int = 0

    @property
    def retain(self) -> bool:
        """Only states are retained."""
        return self.lane is Lane.STATE


class _Fifo:
    """First in, first out, within a number of messages and of bytes; the oldest goes when there is no room."""

    def __init__(self, limit: int, limit_bytes: int) -> None:
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._bytes = 0
        self._items: deque[Outgoing] = deque()

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: Outgoing) -> int:
        self._items.append(item)
        self._bytes += len(item.payload)
        return self._make_room()

    def put_back(self, items: list[Outgoing]) -> int:
        self._items.extendleft(reversed(items))
        self._bytes += sum(len(item.payload) for item in items)
        return self._make_room()

    def take(self) -> Outgoing | None:
        if not self._items:
            return None
        item = self._items.popleft()
        self._bytes -= len(item.payload)
        return item

    @property
    def suspects(self) -> bool:
        return bool(self._items) and self._items[0].tries > 0

    def _make_room(self) -> int:
        dropped = 0
        while len(self._items) > self._limit or (self._bytes > self._limit_bytes and len(self._items) > 1):
            self.take()
            dropped += 1
        return dropped


class Outbox:
    """The lanes and what is under way. Times are seconds of one monotonic clock, given by the caller.

    After a broken connection the messages that were under way are suspects: a broker may have closed because of one
    of them. They go one at a time, so that the guilty one is known; it is given up after three broken connections.
    """

    def __init__(self, queue_limit: int, queue_bytes: int = QUEUE_BYTES, window: int = WINDOW) -> None:
        if queue_limit < 1:
            raise ValueError(f"queue_limit: found {queue_limit}, allowed is 1 or more")
        self._fifo = {lane: _Fifo(queue_limit, queue_bytes) for lane in (Lane.REPLY, Lane.EVENT)}
        self._board = StateBoard()
        self._turn = deque(Lane)
        self._under_way: dict[int, Outgoing] = {}
        self._window = window
        self.dropped = 0

    @property
    def idle(self) -> bool:
        """Whether the broker has all that was given."""
        return not self._under_way and not any(self._fifo.values()) and not self._board.unsettled

    def reply(self, topic: str, payload: bytes, correlation: bytes | None) -> None:
        """An answer to a request; when the lane is full the oldest answer is dropped and counted."""
        self.dropped += self._fifo[Lane.REPLY].put(Outgoing(Lane.REPLY, topic, payload, correlation))

    def event(self, topic: str, payload: bytes) -> None:
        """Something that happened; when the lane is full the oldest event is dropped and counted."""
        self.dropped += self._fifo[Lane.EVENT].put(Outgoing(Lane.EVENT, topic, payload))

    def state(self, topic: str, payload: bytes | None, now: float) -> None:
        """The present state of a subject; None clears it."""
        self._board.put(topic, payload, now)

    def has_state(self, topic: str) -> bool:
        """Whether a subject has a present state."""
        return self._board.has(topic)

    @property
    def states_wait(self) -> bool:
        """Whether the broker lacks the latest value of some state."""
        return self._board.unsettled

    def take(self, now: float) -> Outgoing | None:
        """The next message to publish, or None while there is none or no room under way."""
        if not self._room():
            return None
        for _ in range(len(self._turn)):
            lane = self._turn[0]
            self._turn.rotate(-1)
            item = self._from(lane, now)
            if item is not None:
                self._under_way[id(item)] = item
                return item
        return None

    def next_due(self) -> float | None:
        """When a state that waits for its interval becomes due; None when none waits, or none could leave then."""
        return self._board.next_due() if self._room() else None

    def settle(self, item: Outgoing, now: float) -> None:
        """The broker has answered for this message: it is not repeated."""
        self._under_way.pop(id(item), None)
        if item.lane is Lane.STATE:
            self._board.settle(item.topic, item.version, now)

    def connection_lost(self, now: float) -> list[str]:
        """Takes back what was under way. Returns the topics given up because each broke three connections."""
        given_up: list[str] = []
        back: dict[Lane, list[Outgoing]] = {lane: [] for lane in self._fifo}
        under_way, self._under_way = self._under_way, {}
        for item in under_way.values():
            if item.lane is Lane.STATE:
                if self._board.unanswered(item.topic, now):
                    given_up.append(item.topic)
                continue
            item.tries += 1
            if item.tries < MAX_TRIES:
                back[item.lane].append(item)
            else:
                given_up.append(item.topic)
                self.dropped += 1
        for lane, items in back.items():
            self.dropped += self._fifo[lane].put_back(items)
        return given_up

    def connected(self, now: float) -> None:
        """A new connection: all present states are sent again."""
        self._board.send_all(now)

    def hurry(self, now: float) -> None:
        """The end is near: states no longer wait for their interval."""
        self._board.hurry(now)

    def _room(self) -> bool:
        return len(self._under_way) < (1 if self._suspects() else self._window)

    def _suspects(self) -> bool:
        waiting = any(fifo.suspects for fifo in self._fifo.values())
        return waiting or self._board.suspects or any(item.tries for item in self._under_way.values())

    def _from(self, lane: Lane, now: float) -> Outgoing | None:
        if lane is not Lane.STATE:
            return self._fifo[lane].take()
        due = self._board.take(now)
        if due is None:
            return None
        topic, value, version = due
        return Outgoing(Lane.STATE, topic, value or b"", version=version)
