"""What is said on one AMI connection: greeting, login, FullyBooted, then answers and events until it ends.

It must never open or close a connection itself, give the secret to what is no Asterisk, or tell an event before FullyBooted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from dialerd.adapters.asterisk.answers import Awaited
from dialerd.adapters.asterisk.listeners import Listeners
from dialerd.adapters.asterisk.packets import PACKET_LIMIT, Packet, PacketCutter, fit_for_a_line, read_packet

Headers = Sequence[tuple[str, str]]

_log = logging.getLogger("dialerd.ami")
_GREETING = b"Asterisk Call Manager/"
_GREETING_LIMIT = 256  # bytes
_LINK_NEEDS = frozenset({"FullyBooted", "Shutdown"})


class Line(Protocol):
    """The connection under a session."""

    @property
    def over(self) -> bool:
        """Whether it has ended, or is being ended."""
        ...

    def say(self, status: str) -> None:
        """What the session does now, in words."""
        ...

    def tell(self, action: Headers, tell: Callable[[Packet], None]) -> None:
        """Send an action whose response is handed to a function at once."""
        ...

    def logged_in(self) -> None:
        """The login was accepted."""
        ...

    def came_up(self, version: str) -> None:
        """Asterisk is fully booted too: actions may be sent."""
        ...

    def end(self, reason: str) -> None:
        """End the connection."""
        ...


class Session:
    """Reads what comes on one connection, from its first byte on."""

    def __init__(self, line: Line, login: Headers, listeners: Listeners, awaited: Awaited) -> None:
        self.up = self.logged_in = self.refused = False
        self.version = ""
        """Asterisk's greeting, empty until it came."""
        self._line, self._login = line, login
        self._listeners, self._awaited = listeners, awaited
        wanted = listeners.wanted
        self._read = None if wanted is None else frozenset(name.encode() for name in wanted | _LINK_NEEDS)
        self._head = b""
        self._cutter = PacketCutter()

    def feed(self, data: bytes) -> None:
        """Take bytes as they came."""
        if not self.version:
            data = self._greet(data)
        line, read, counters = self._line, self._read, self._listeners.counters
        for raw in self._cutter.feed(data):
            if read is not None and raw.startswith(b"Event: "):  # Asterisk writes the name first
                stop = raw.find(b"\r\n")
                name = raw[7:stop] if stop > 0 else raw[7:]
                if name not in read and not (self._awaited.lists and b"\r\nActionID: " in raw):
                    counters.skipped += 1
                    continue
            counters.packets += 1
            try:
                packet = read_packet(raw, counters.packets)
            except ValueError as exc:
                counters.parse_errors += 1
                _log.warning("AMI link %s: %s", self._listeners.name, exc)
                continue
            if packet.name:
                self._event(packet)
            else:
                self._response(packet)
            if line.over:
                return
        if self._cutter.overlong:
            line.end(f"a packet of more than {PACKET_LIMIT} bytes came")

    def _greet(self, data: bytes) -> bytes:
        """Read the first line and log in if it is Asterisk's; returns what came after it."""
        self._head += data
        line, found, rest = self._head.partition(b"\r\n")
        known = line.startswith(_GREETING) or (not found and _GREETING.startswith(line))
        if not known or len(line) > _GREETING_LIMIT:  # the secret is not for a stranger
            said = fit_for_a_line(line[:60].decode("utf-8", "replace"))
            self._line.end(f"what answers there is not an Asterisk manager: it said {said!r}")
            return b""
        if not found:
            return b""
        self.version = fit_for_a_line(line.decode("utf-8", "replace"))
        self._line.say(f"logging in to {self.version}")
        self._line.tell(self._login, self._login_answered)
        return rest

    def _login_answered(self, packet: Packet) -> None:
        if not packet.success:
            self.refused = True
            self._line.end(f"login refused: {fit_for_a_line(packet.message)}")
            return
        self.logged_in = True
        self._line.say("logged in; waiting for FullyBooted (Asterisk is starting, or this user lacks read = system)")
        self._line.logged_in()

    def _response(self, packet: Packet) -> None:
        self._listeners.counters.responses += 1
        if not self._awaited.response(packet) and self.up:
            self._listeners.response(packet)

    def _event(self, packet: Packet) -> None:
        if self._awaited.lists and self._awaited.listed(packet):
            return
        if packet.name == "FullyBooted" and self.logged_in and not self.up:
            self.up = True
            self._line.came_up(self.version)
        if self.up:
            self._listeners.event(packet)
        else:
            self._listeners.counters.skipped += 1
        if packet.name == "Shutdown":
            again = packet.get("Restart").lower() == "true"
            self._line.end("Asterisk is restarting" if again else "Asterisk is shutting down")
