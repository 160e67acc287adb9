"""AMI as Asterisk 22 speaks it: actions cut out of the byte stream, and the text of responses and events.

Never judges what an action asks for.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

BANNER = "Asterisk Call Manager/11.0.0\r\n"
VERSION = "22.10.1"
AMI_VERSION = "11.0.0"
SYSTEM = "street"
HEADER_LIMIT = 128
"""Headers that one action may have."""
UNREAD_LIMIT = 1 << 20
"""Bytes that a client may send without ending an action."""

CAUSE_TEXT = {
    0: "Unknown",
    1: "Unallocated (unassigned) number",
    2: "No route to specified transit network",
    3: "No route to destination",
    16: "Normal Clearing",
    17: "User busy",
    18: "No user responding",
    19: "User alerting, no answer",
    20: "Subscriber absent",
    21: "Call Rejected",
    22: "Number changed",
    26: "Answered elsewhere",
    27: "Destination out of order",
    28: "Invalid number format",
    29: "Facility rejected",
    31: "Normal, unspecified",
    34: "Circuit/channel congestion",
    38: "Network out of order",
    41: "Temporary failure",
    42: "Switching equipment congestion",
    44: "Requested channel not available",
    58: "Bearer capability not available",
    79: "Service or option not implemented, unspecified",
    102: "Recovery on timer expiry",
    127: "Interworking, unspecified",
}

FILTERED = frozenset(
    {
        "FullyBooted",
        "Shutdown",
        "OriginateResponse",
        "Newstate",
        "DialBegin",
        "Hangup",
        "BridgeEnter",
        "UserEvent",
        "DTMFEnd",
        "AsyncAGIStart",
        "AsyncAGIExec",
        "AsyncAGIEnd",
    }
)
"""The events that pass the event filter recommended for the daemon's user."""


class Action:
    """One action of a client. Names of headers in any case."""

    __slots__ = ("_headers",)

    def __init__(self, headers: Iterable[tuple[str, str]]) -> None:
        self._headers: dict[str, list[str]] = {}
        for name, value in headers:
            self._headers.setdefault(name.lower(), []).append(value)

    def get(self, header: str, default: str = "") -> str:
        """The first value of a header."""
        values = self._headers.get(header.lower())
        return values[0] if values else default

    def all(self, header: str) -> list[str]:
        """Every value of a header."""
        return self._headers.get(header.lower(), [])

    @property
    def name(self) -> str:
        """The action's name in small letters."""
        return self.get("action").lower()

    @property
    def id(self) -> str:
        """Its ActionID, or empty."""
        return self.get("actionid")


class ActionCutter:
    """Cuts bytes into actions, however the network split them."""

    __slots__ = ("_lines", "_rest", "overlong")

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[tuple[str, str]] = []
        self.overlong = False
        """Set for good by a client that sends without end."""

    def feed(self, data: bytes) -> list[Action]:
        """The actions that these bytes complete."""
        done: list[Action] = []
        *lines, self._rest = (self._rest + data).split(b"\n")
        for raw in lines:
            line = raw.rstrip(b"\r").decode("utf-8", "replace")
            if line:
                name, colon, value = line.partition(":")
                if colon and len(self._lines) < HEADER_LIMIT:
                    self._lines.append((name.strip(), value.lstrip(" ")))
            elif self._lines:
                done.append(Action(self._lines))
                self._lines = []
        if len(self._rest) > UNREAD_LIMIT:
            self.overlong = True
            self._rest = b""
        return done


class AmiEvent(msgspec.Struct, frozen=True):
    """One event, ready to be sent."""

    name: str
    thread: str
    """Events of one thread keep their order; between threads Asterisk promises none."""
    text: str
    privilege: str = "call"


def lines(headers: Iterable[tuple[str, object]]) -> str:
    """Headers as lines. A value that would end its line loses its line breaks, as in Asterisk's own escape of events."""
    return "".join(f"{name}: {one_line(str(value))}\r\n" for name, value in headers)


def one_line(value: str) -> str:
    """`value` without line breaks."""
    if "\n" in value or "\r" in value:
        return value.replace("\r", " ").replace("\n", " ")
    return value


def response(result: str, action: Action, *headers: tuple[str, object]) -> str:
    """A response to an action: `Success`, `Error` or `Goodbye`, the ActionID and more headers."""
    given = (("ActionID", action.id),) if action.id else ()
    return lines((("Response", result), *given, *headers)) + "\r\n"


def success(action: Action, message: str) -> str:
    """The plain good answer."""
    return response("Success", action, ("Message", message))


def error(action: Action, message: str) -> str:
    """The plain bad answer."""
    return response("Error", action, ("Message", message))


def listing(action: Action, message: str, items: list[str], complete: str, last: str = "") -> str:
    """A list: response, one event for each item (given as lines from `Event:` on), and the complete event."""
    given = (("ActionID", action.id),) if action.id else ()
    start = lines((("Response", "Success"), *given, ("EventList", "start"), ("Message", message)))
    end = lines((("Event", complete), *given, ("EventList", "Complete"), ("ListItems", len(items))))
    return "\r\n".join([start, *items, end + last, ""])


def seconds_as_clock(seconds: float) -> str:
    """HH:MM:SS."""
    whole = int(seconds)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
