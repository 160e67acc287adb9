"""One AMI session on TCP: its login, the events it takes, and the bytes that go in and out.

Never acts on a call: actions go to the server that it belongs to.
"""

from __future__ import annotations

import asyncio
from collections import deque
from hashlib import md5
from typing import Literal, Protocol

import msgspec

from sim.ami_protocol import BANNER, FILTERED, Action, ActionCutter, AmiEvent, error, response, success

UNSENT_LIMIT = 3_000_000
"""Bytes kept for a client that does not read; then its session is closed (writetimeout)."""
_ALL = frozenset({"system", "call", "user"})


class User(msgspec.Struct, frozen=True):
    """An AMI user. `events`: the names that his event filter lets through, None: all."""

    secret: str
    events: frozenset[str] | None = FILTERED


class Exchange(Protocol):
    """What a session needs of the server."""

    users: dict[str, User]
    response_delay_s: float
    stalled: bool

    def opened(self, session: Session) -> None:
        """A client connected."""

    def closed(self, session: Session) -> None:
        """The connection is gone."""

    def act(self, session: Session, action: Action) -> None:
        """Take an action."""

    def logged_in(self, session: Session) -> None:
        """The client proved who it is."""

    def refuses_login(self) -> bool:
        """Whether the login under way fails as with a wrong secret."""

    def challenge(self) -> str:
        """A new challenge for a login by MD5."""


class Session(asyncio.Protocol):
    """One client."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._cutter = ActionCutter()
        self._transport: asyncio.Transport | None = None
        self._late: deque[tuple[float, bytes]] = deque()
        self._ended = False
        self._held: list[bytes] | None = None  # what is not sent while the link is half-open
        self._challenge = ""
        self._events: frozenset[str] = _ALL
        self.user: User | None = None
        """Set when the login succeeded."""

    # --- asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._exchange.opened(self)
        if self._exchange.stalled:
            self.freeze()
        self.send(BANNER.encode())

    def data_received(self, data: bytes) -> None:
        for action in self._cutter.feed(data):
            if self._ended:
                return
            self._take(action)
        if self._cutter.overlong:
            self.end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self._late.clear()
        self._exchange.closed(self)

    # --- out

    @property
    def open(self) -> bool:
        """Whether bytes may still go out."""
        return not self._ended

    def wants(self, event: AmiEvent) -> bool:
        """Whether this event goes to this client."""
        if self._ended or self.user is None or event.privilege not in self._events:
            return False
        return self.user.events is None or event.name in self.user.events

    def send(self, data: bytes) -> None:
        """Send at once, or keep it while the link is half-open."""
        if self._ended or self._transport is None:
            return
        if self._held is not None:
            self._held.append(data)
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > UNSENT_LIMIT:
            self.end("abort")

    def respond(self, text: str) -> None:
        """Send a response, later if responses are delayed; they keep their order."""
        delay_s = self._exchange.response_delay_s
        if delay_s <= 0 and not self._late:
            self.send(text.encode())
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + delay_s
        if self._late:
            due = max(due, self._late[-1][0])
        self._late.append((due, text.encode()))
        loop.call_at(due, self._send_late)

    def end(self, how: Literal["close", "abort"] = "close") -> None:
        """End the session."""
        self._ended = True
        if self._transport is None:
            return
        if how == "abort":
            self._transport.abort()
        else:
            self._transport.close()

    def freeze(self) -> None:
        """From now on nothing is read or sent."""
        if self._transport is not None and self._held is None and not self._ended:
            self._held = []
            self._transport.pause_reading()

    def thaw(self) -> None:
        """What was kept goes out, and reading goes on."""
        if self._held is None:
            return
        held, self._held = self._held, None
        for data in held:
            self.send(data)
        if self._transport is not None and not self._ended:
            self._transport.resume_reading()

    def _send_late(self) -> None:
        if self._late:  # one call for each entry, in the same order
            self.send(self._late.popleft()[1])

    # --- actions of the session itself

    def _take(self, action: Action) -> None:
        if action.name == "login":
            self._log_in(action)
        elif action.name == "challenge":
            self._give_challenge(action)
        elif action.name == "logoff":
            self.respond(response("Goodbye", action, ("Message", "Thanks for all the fish.")))
            self.end()
        elif self.user is None:
            self.respond(error(action, "Permission denied"))
        elif action.name == "events":
            self._events = _mask(action.get("EventMask", "on"))
            self.respond(response("Success", action, ("Events", "On" if self._events else "Off")))
        else:
            self._exchange.act(self, action)

    def _give_challenge(self, action: Action) -> None:
        if action.get("AuthType").upper() != "MD5":
            self.respond(error(action, "Must specify AuthType"))
            return
        self._challenge = self._exchange.challenge()
        self.respond(response("Success", action, ("Challenge", self._challenge)))

    def _log_in(self, action: Action) -> None:
        user = self._exchange.users.get(action.get("Username"))
        if user is None or self._exchange.refuses_login() or not self._is_proven(user, action):
            self.respond(error(action, "Authentication failed"))
            self.end()
            return
        self.user = user
        self._events = _mask(action.get("Events", "on"))
        self.respond(success(action, "Authentication accepted"))
        self._exchange.logged_in(self)

    def _is_proven(self, user: User, action: Action) -> bool:
        if action.get("AuthType").upper() == "MD5":
            if not self._challenge:
                return False
            key = md5(f"{self._challenge}{user.secret}".encode(), usedforsecurity=False).hexdigest()
            return key == action.get("Key").lower()
        return action.get("Secret") == user.secret


def _mask(text: str) -> frozenset[str]:
    """`on`, `off` or classes such as `call,user`."""
    words = {word.strip().lower() for word in text.split(",")}
    if words & {"on", "all", "yes", "true", "1"}:
        return _ALL
    return _ALL & words
