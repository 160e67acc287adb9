"""AMI packets: cutting them out of the byte stream, reading their headers, and checking the headers of an action.

It must never guess: it knows nothing of sockets, calls or leads, never splits a character or a packet where the network
happened to, and lets no value end its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

PACKET_LIMIT = 1 << 20
"""Bytes one packet may have; a longer one is not AMI and ends the connection."""

LINE_LIMIT = 1022
"""Bytes of one line of an action, without its end: Asterisk answers "line too long" from 1023 on (measured on 22.10)."""

HEADER_LIMIT = 128
"""Headers of one action: Asterisk refuses the 129th (measured on 22.10)."""

_BLANK_LINE = b"\r\n\r\n"
_EVENT = b"Event: "
_EVENT_MARK = b"\r\nevent:"
_HEADER_NAME = re.compile(r"[!-9;-~]+")  # printable ASCII, no blank, no colon
_FORBIDDEN = {"\r": "a carriage return", "\n": "a line feed", "\0": "a NUL"}


class Packet:
    """One event or one response. Header names are found in any case; values are text, never numbers."""

    __slots__ = ("_first", "_folded", "_raw", "_repeated", "name", "seq")
    _raw: bytes
    _folded: bytes

    def __init__(self, first: dict[str, str], repeated: dict[str, list[str]], seq: int) -> None:
        self._first: dict[str, str] | None = first
        self._repeated = repeated
        self.name = first.get("event", "")
        """The event's name, empty for a response."""
        self.seq = seq
        """Place in the order of arrival, counted over all connections of one link: the greater is the newer."""

    @classmethod
    def of(cls, headers: Iterable[tuple[str, str]], seq: int = 0) -> Packet:
        """A packet from pairs of name and value, for doubles and for replaying traces."""
        first: dict[str, str] = {}
        repeated: dict[str, list[str]] = {}
        for header, value in headers:
            name = header.lower()
            if name in first:
                repeated.setdefault(name, [first[name]]).append(value)
            else:
                first[name] = value
        return cls(first, repeated, seq)

    @classmethod
    def unread(cls, raw: bytes, seq: int) -> Packet:
        """An event whose headers are looked for when they are asked for: of some thirty a few matter. `raw` begins with
        the line of its name."""
        packet = cls.__new__(cls)
        packet._first = None
        packet._raw = raw
        packet._folded = raw.lower()
        packet.name = _text(raw[len(_EVENT) : _end_of_line(raw, len(_EVENT))])
        packet.seq = seq
        return packet

    def get(self, header: str, default: str = "") -> str:
        """The header's value, the first one if it is repeated."""
        if self._first is not None:
            return self._first.get(header.lower(), default)
        mark = _mark(header)
        if mark == _EVENT_MARK:
            return self.name
        at = self._folded.find(mark)
        if at < 0:
            return default
        raw, at = self._raw, at + len(mark)
        if raw[at : at + 1] == b" ":
            at += 1
        return _text(raw[at : _end_of_line(raw, at)])

    def _headers(self) -> dict[str, str]:
        if self._first is None:
            self._first, self._repeated = _read_headers(self._raw)
        return self._first

    def all(self, header: str) -> list[str]:
        """Every value of a header that may be repeated (ChanVariable, Variable, Output), in order."""
        name, first = header.lower(), self._headers()
        if name in self._repeated:
            return list(self._repeated[name])
        return [first[name]] if name in first else []

    def items(self) -> Iterator[tuple[str, str]]:
        """Every header as (name in small letters, value); repeated ones side by side."""
        for name, value in self._headers().items():
            for each in self._repeated.get(name, (value,)):
                yield name, each

    @property
    def action_id(self) -> str:
        """The ActionID of the action it answers, or empty."""
        return self.get("ActionID")

    @property
    def is_response(self) -> bool:
        """Whether it answers an action; otherwise it is an event (which may still carry an ActionID)."""
        return not self.name

    @property
    def success(self) -> bool:
        """Whether it is a response that does not refuse."""
        return self.get("Response").lower() in ("success", "follows", "goodbye", "pong")

    @property
    def message(self) -> str:
        """Asterisk's own words, e.g. "Extension does not exist."."""
        return self.get("Message")

    def __contains__(self, header: str) -> bool:
        return header.lower() in self._headers()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Packet):
            return False
        return (self._headers(), self._repeated) == (other._headers(), other._repeated)

    __hash__ = None  # type: ignore[assignment]  # equal by content, and the content is not for keys

    def __repr__(self) -> str:
        # no values but these: packets carry phone numbers, and a repr ends in logs
        kind = f"event {self.name}" if self.name else f"response {self._headers().get('response', '')}"
        return f"<Packet {self.seq} {kind}, {len(self._headers())} headers, ActionID {self.action_id!r}>"


def read_packet(raw: bytes, seq: int) -> Packet:
    """Read one packet without its blank line. Whatever is not UTF-8 becomes U+FFFD; lines without a colon are left out.

    Raises ValueError if it is neither an event nor a response.
    """
    if raw.startswith(_EVENT):
        return Packet.unread(raw, seq)
    first, repeated = _read_headers(raw)
    if "event" not in first and "response" not in first:
        raise ValueError(f"an AMI packet of {len(raw)} bytes has neither Event nor Response")
    return Packet(first, repeated, seq)


def _read_headers(raw: bytes) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Every header's first value by its name in small letters, and all values of those that are repeated."""
    first: dict[str, str] = {}
    repeated: dict[str, list[str]] = {}
    for line in _text(raw).split("\r\n"):
        name, colon, value = line.partition(": ")
        if not colon or ":" in name:  # "Name:" and "Name:value" are rare but legal
            name, colon, value = line.partition(":")
            if not colon:
                continue
        name = name.lower()
        if name not in first:
            first[name] = value
        elif name in repeated:
            repeated[name].append(value)
        else:
            repeated[name] = [first[name], value]
    return first, repeated


@cache
def _mark(header: str) -> bytes:
    """How a line of the header begins in a packet in small letters. Our own code names a few dozen headers."""
    return f"\r\n{header.lower()}:".encode()


def _end_of_line(raw: bytes, start: int) -> int:
    stop = raw.find(b"\r\n", start)
    return stop if stop >= 0 else len(raw)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def fit_for_a_line(text: str) -> str:
    """A stranger's text made fit for a status line and a log: 200 characters at most, none that cannot be printed."""
    return "".join(sign if sign.isprintable() else "?" for sign in text[:200])


class PacketCutter:
    """Cuts the byte stream at blank lines; the same packets come out however the network split the bytes."""

    __slots__ = ("_limit", "_rest", "overlong")

    def __init__(self, limit: int = PACKET_LIMIT) -> None:
        self._limit = limit
        self._rest = bytearray()
        self.overlong = False
        """Set for good by a packet over the limit; that one and what follows is not given out."""

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes as they came; return the packets they complete, without blank lines."""
        if self.overlong:
            return []
        rest = self._rest
        if rest:
            seen = max(0, len(rest) - 3)  # the blank line may lie across two segments
            rest += data
            if rest.find(_BLANK_LINE, seen) < 0:
                self._check_rest()
                return []
            data = bytes(rest)
            rest.clear()
        packets = data.split(_BLANK_LINE)
        rest += packets.pop()
        if len(data) > self._limit:
            for place, packet in enumerate(packets):
                if len(packet) > self._limit:
                    self.overlong = True
                    rest.clear()
                    return packets[:place]
            self._check_rest()
        return packets

    def _check_rest(self) -> None:
        if len(self._rest) > self._limit + 3:  # three bytes of its blank line may be there already
            self.overlong = True
            self._rest.clear()


def checked_headers(action: Sequence[tuple[str, str]], action_id: str) -> dict[str, str | list[str]]:
    """The headers of an action as one mapping, repeated ones as lists, ActionID added.

    Raises ValueError naming the header when a value holds CR, LF, NUL or what is not Unicode, when a name is no header
    name, when a line or the number of headers is over Asterisk's limits, or when Action is missing or said twice.
    """
    grouped: dict[str, tuple[str, list[str]]] = {}
    for name, value in (*action, ("ActionID", action_id)):
        _check_header(name, value)
        fold = name.lower()
        if fold in grouped and fold in ("action", "actionid"):
            raise ValueError(f"AMI header {name}: given twice; allowed once")
        grouped.setdefault(fold, (name, []))[1].append(value)
    if "action" not in grouped or not grouped["action"][1][0]:
        raise ValueError("AMI header Action: missing or empty")
    if not action_id:
        raise ValueError("AMI header ActionID: empty")
    if len(action) + 1 > HEADER_LIMIT:
        raise ValueError(f"AMI action {grouped['action'][1][0]}: {len(action) + 1} headers; at most {HEADER_LIMIT}")
    return {name: values[0] if len(values) == 1 else values for name, values in grouped.values()}


def in_lines(headers: Mapping[str, str | list[str]]) -> bytes:
    """An action as it goes over the wire, from checked headers."""
    lines: list[str] = []
    for name, value in headers.items():
        if isinstance(value, str):
            lines.append(f"{name}: {value}\r\n")
        else:
            lines += [f"{name}: {each}\r\n" for each in value]
    lines.append("\r\n")
    return "".join(lines).encode()


def _check_header(name: str, value: str) -> None:
    if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
        raise ValueError(f"AMI header {name!r}: not a header name; allowed are visible ASCII characters without colon")
    if not isinstance(value, str):
        raise ValueError(f"AMI header {name}: found {type(value).__name__}; allowed is text")
    if value.isascii() and value.isprintable() and len(name) + len(value) + 2 <= LINE_LIMIT:
        return  # one byte a character, and none that could end the line: so is nearly every value
    for sign, words in _FORBIDDEN.items():
        if sign in value:  # the value itself is not repeated: it may be a secret, and it is meant to break lines
            raise ValueError(
                f"AMI header {name}: found {words} at character {value.index(sign) + 1}; allowed is one line"
            )
    try:
        size = len(f"{name}: {value}".encode())
    except UnicodeEncodeError as exc:
        raise ValueError(f"AMI header {name}: character {exc.start - len(name) - 1} is not Unicode text") from None
    if size > LINE_LIMIT:
        raise ValueError(f"AMI header {name}: the line has {size} bytes; Asterisk takes at most {LINE_LIMIT}")
