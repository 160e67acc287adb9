"""What a message under `cmd/` means: a request for the daemon, or an error reply to the one who sent it.

Must never raise on what a stranger sent, carry out a retained command, or answer outside the asker's own topics.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from dialerd.adapters.mqtt.link import Incoming
from dialerd.adapters.mqtt.topics import Topics
from dialerd.control.envelopes import BadPayload, error_reply, read_arguments, take_id

_IN_THREAD_FROM = 256 * 1024
_BUSY_READ_LIMIT = 64 * 1024


@dataclass(frozen=True)
class Request:
    """One command as it came: who (proven by the broker), what (`campaign.start`), its id and its arguments.

    `reply` takes the whole answer; it is called from the loop, a second call does nothing. An answer longer than the
    channel carries becomes an error reply (`too_long`).
    """

    principal: str
    command: str
    id: str
    args: dict[str, object]
    reply: Callable[[bytes], None]


@dataclass(slots=True)
class Counters:
    """Since the start. Outgoing: published, denied (by the broker), dropped, swept (states cleared that nobody knows).

    Incoming: requests, refused, retained.
    """

    requests: int = 0
    refused: int = 0
    retained: int = 0
    published: int = 0
    denied: int = 0
    dropped: int = 0
    reconnects: int = 0
    swept: int = 0


@dataclass(frozen=True, slots=True)
class _Answer:
    """Where the answer to one message goes."""

    topic: str
    id: str
    correlation: bytes | None


class Intake:
    """Reads messages; `send_reply(topic, payload, correlation)` takes the answers, `max_payload` is in bytes."""

    def __init__(
        self,
        topics: Topics,
        counters: Counters,
        send_reply: Callable[[str, bytes, bytes | None], None],
        max_payload: int,
    ) -> None:
        self._topics = topics
        self._counters = counters
        self._send_reply = send_reply
        self._max_payload = max_payload

    async def read(self, message: Incoming) -> Request | None:
        """The request in this message; None when it was refused (counted, and answered where somebody can be)."""
        if message.retain and not message.payload:
            self._counters.retained += 1  # only clears a retained command
            return None
        arguments: dict[str, object] = {}
        given_id: str | None = None
        fault: BadPayload | None = None
        try:
            arguments = await self._arguments(message.payload)
            given_id = take_id(arguments)
        except BadPayload as bad:
            fault = bad
        where = self._topics.read_command(message.topic)
        if where.principal is None:
            self._counters.refused += 1
            self._counters.retained += message.retain
            return None
        answer, misplaced = self._answer(where.principal, given_id, message)
        if message.retain:
            self._counters.retained += 1
            fault = BadPayload("a retained message is never carried out", "retain", "false")
        elif fault is None and where.fault is not None:
            fault = BadPayload(where.fault, "topic", "cmd/<principal>/<resource>/<verb>, words of a-z 0-9 -")
        fault = fault or misplaced
        if fault is not None or where.command is None:
            self._refuse(answer, "bad_request", fault or BadPayload("no command", "topic", "a command"))
            return None
        self._counters.requests += 1
        return Request(where.principal, where.command, answer.id, arguments, self._reply_once(answer))

    def turn_away(self, message: Incoming, code: str, text: str) -> None:
        """Answers a message that is not looked at: too many wait (`busy`), or the daemon stops (`unavailable`)."""
        principal = self._topics.read_command(message.topic).principal
        if principal is None or message.retain:
            self._counters.refused += 1
            return
        given_id: str | None = None
        try:
            given_id = take_id(read_arguments(message.payload, _BUSY_READ_LIMIT))
        except BadPayload:
            given_id = None
        answer, _ = self._answer(principal, given_id, message)
        self._counters.refused += 1
        self._send_reply(answer.topic, error_reply(answer.id, code, text), answer.correlation)

    async def _arguments(self, payload: bytes) -> dict[str, object]:
        if len(payload) < _IN_THREAD_FROM or len(payload) > self._max_payload:
            return read_arguments(payload, self._max_payload)
        # An import of megabytes: in a thread, so that the loop goes on; the next message waits, so order is kept.
        return await asyncio.to_thread(read_arguments, payload, self._max_payload)

    def _answer(self, principal: str, given_id: str | None, message: Incoming) -> tuple[_Answer, BadPayload | None]:
        # correlation data may be a client's counter: they say where the answer goes, and never make two commands one
        request_id = given_id or secrets.token_hex(16)
        place = given_id or _place_of_correlation(message.correlation) or request_id
        wanted = message.response_topic
        if wanted is not None and self._topics.may_respond(principal, wanted):
            return _Answer(wanted, request_id, message.correlation), None
        answer = _Answer(self._topics.reply(principal, place), request_id, message.correlation)
        if wanted is None:
            return answer, None
        shown = wanted if wanted.isprintable() else ascii(wanted)
        allowed = self._topics.response_allowed(principal)
        return answer, BadPayload(f"cannot answer to {shown[:120]}", "response_topic", allowed)

    def _refuse(self, answer: _Answer, code: str, fault: BadPayload) -> None:
        self._counters.refused += 1
        payload = error_reply(answer.id, code, fault.message, fault.field, fault.allowed)
        self._send_reply(answer.topic, payload, answer.correlation)

    def _too_long(self, answer: _Answer, size: int) -> bytes:
        allowed = f"at most {self._max_payload} bytes: ask for less at a time"
        return error_reply(answer.id, "too_long", f"the answer has {size} bytes", None, allowed)

    def _reply_once(self, answer: _Answer) -> Callable[[bytes], None]:
        replied = False

        def reply(payload: bytes) -> None:
            nonlocal replied
            if not replied:
                replied = True
                if len(payload) > self._max_payload:
                    payload = self._too_long(answer, len(payload))
                self._send_reply(answer.topic, payload, answer.correlation)

        return reply


def _place_of_correlation(correlation: bytes | None) -> str | None:
    """The last level of the reply topic where no id was given; at most 64 characters."""
    if not correlation:
        return None
    return correlation.hex() if len(correlation) <= 32 else sha256(correlation).hexdigest()
