"""A small blocking AMI client for tests: independent of the daemon's own, so that one can check the other.

Never retries, reconnects or drops an event: what came is kept until it is asked for.
"""

from __future__ import annotations

import itertools
import socket
import time
from collections.abc import Callable, Iterable
from types import TracebackType


class Message(dict[str, str]):
    """One AMI message; of repeated headers this holds the last, `all` gives each."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.pairs = [(name, value.lstrip(" ")) for name, _, value in (line.partition(":") for line in lines)]
        super().__init__(self.pairs)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.pairs if key == name]


class AmiError(RuntimeError):
    """The session ended, nothing came in time, or the login was refused."""


class Ami:
    """A logged-in session; a context manager. Raises AmiError when the login is refused."""

    def __init__(self, host: str, port: int, user: str, secret: str, timeout_s: float = 10.0) -> None:
        self.timeout_s = timeout_s
        self.events: list[Message] = []
        self._answers: list[Message] = []
        self._buffer = b""
        self._numbers = itertools.count(1)
        self._socket = socket.create_connection((host, port), timeout_s)
        try:
            self.banner = self._line()
            answer = self.action("Login", Username=user, Secret=secret, Events="on")
            if answer.get("Response") != "Success":
                raise AmiError(f"login of {user} refused: {answer.get('Message')}")
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Ami:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def action(self, name: str, variables: dict[str, str] | None = None, **headers: str) -> Message:
        """Sends one action and returns its response (not the events of a list). `ActionID` may be given."""
        identity = headers.pop("ActionID", f"test-{next(self._numbers)}")
        lines = [("Action", name), ("ActionID", identity), *headers.items()]
        lines += [("Variable", f"{key}={value}") for key, value in (variables or {}).items()]
        self._socket.sendall(("".join(f"{key}: {value}\r\n" for key, value in lines) + "\r\n").encode())
        return self._wait(self._answers, lambda answer: answer.get("ActionID") == identity, f"answer to {name}", None)

    def listing(self, name: str, **headers: str) -> list[Message]:
        """The events of a list action, without the one that ends it."""
        identity = f"list-{next(self._numbers)}"
        answer = self.action(name, None, ActionID=identity, **headers)
        if answer.get("Response") != "Success":
            raise AmiError(f"{name}: {answer.get('Message')}")
        self.wait(lambda e: e.get("ActionID") == identity and e.get("EventList") == "Complete")
        mine = [event for event in self.events if event.get("ActionID") == identity]
        self.events = [event for event in self.events if event.get("ActionID") != identity]
        return [event for event in mine if event.get("EventList") != "Complete"]

    def wait(self, wanted: Callable[[Message], bool], timeout_s: float | None = None) -> Message:
        """The first event, past or to come, that is `wanted`. Raises AmiError when none comes in time."""
        return self._wait(self.events, wanted, "such event", timeout_s)

    def wait_event(self, event: str, timeout_s: float | None = None, **headers: str) -> Message:
        """As `wait`, by the event's name and the exact values of headers."""
        return self.wait(
            lambda e: e.get("Event") == event and all(e.get(k) == v for k, v in headers.items()), timeout_s
        )

    def pump(self, seconds: float) -> None:
        """Reads what comes in the next `seconds`."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._read(left)

    def _wait(
        self, kept: list[Message], wanted: Callable[[Message], bool], what: str, timeout_s: float | None
    ) -> Message:
        deadline = time.monotonic() + (self.timeout_s if timeout_s is None else timeout_s)
        seen = 0
        while True:
            for message in kept[seen:]:
                if wanted(message):
                    return message
            seen = len(kept)
            left = deadline - time.monotonic()
            if left <= 0:
                last = [f"{m.get('Event') or m.get('Response')} {m.get('Uniqueid', '')}" for m in kept[-15:]]
                raise AmiError(f"no {what} came in time; the last ones: {last}")
            self._read(left)

    def _line(self) -> str:
        deadline = time.monotonic() + self.timeout_s
        while b"\r\n" not in self._buffer:
            if time.monotonic() >= deadline:
                raise AmiError("no banner came in time")
            self._fill(self.timeout_s)
        line, self._buffer = self._buffer.split(b"\r\n", 1)
        return line.decode()

    def _fill(self, timeout_s: float) -> None:
        self._socket.settimeout(max(timeout_s, 0.001))
        try:
            data = self._socket.recv(1 << 16)
        except TimeoutError:
            return
        if not data:
            raise AmiError("Asterisk closed the session")
        self._buffer += data

    def _read(self, timeout_s: float) -> None:
        self._fill(timeout_s)
        *whole, self._buffer = self._buffer.split(b"\r\n\r\n")
        for block in whole:
            message = Message(block.decode(errors="replace").split("\r\n"))
            (self.events if "Event" in message else self._answers).append(message)
