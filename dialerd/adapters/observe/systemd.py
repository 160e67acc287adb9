"""What the service manager is told about the daemon: ready, status, alive, reloading, stopping.

It must never say "alive" for a turn loop that stands still, never block the event loop, and never take the daemon
down because the service manager does not listen.
"""

from __future__ import annotations

import asyncio
import math
import os
import socket
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from dialerd.adapters.observe.logs import get_logger

log = get_logger("dialerd.observe.systemd")

MICROSECONDS = 1_000_000
SEND_TIMEOUT_S = 0.25
"""The longest a full socket may hold the event loop; a lost READY=1 would cost the whole start."""

LONGEST_IDLE_STEP_S = 2.0
"""The turn loop advances its counter at least once a second even when idle; twice that is given for a busy machine."""

BEAT_WITHOUT_WATCHDOG_S = 10.0
"""How often the stop deadline is moved when the unit has no WatchdogSec, seconds."""


class Notify(Protocol):
    """`notify` below, or a double of it: sends one message of several lines, says whether it went out."""

    def __call__(self, *lines: str) -> bool: ...


def notify(*lines: str, address: str | None = None) -> bool:
    """Send one message to the service manager; True if it was handed over.

    `lines` are `NAME=value` pairs; control characters in a value become spaces, so a text of a stranger cannot add a
    line such as STOPPING=1. `address` is the socket's path, `@name` for an abstract one; None means $NOTIFY_SOCKET, and
    an empty one that nobody listens. Returns False if there is nobody to tell or the message could not be sent (which
    is logged). Raises nothing for a socket that fails. Raises ValueError for a line that is not `NAME=value`.
    """
    message = "\n".join(_one_line(line) for line in lines)
    if address is None:
        address = os.environ.get("NOTIFY_SOCKET", "")
    if not address or not message:
        return False
    if address[0] not in "/@":
        log.error("systemd.notify_socket", found=address, allowed="an absolute path, or @name for an abstract socket")
        return False
    target = "\0" + address[1:] if address[0] == "@" else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.settimeout(SEND_TIMEOUT_S)
            sender.sendto(message.encode("utf-8", "replace"), target)
    except OSError as failure:
        log.warning("systemd.notify_failed", message=message, because=str(failure))
        return False
    return True


def _one_line(line: str) -> str:
    name, equals, _ = line.partition("=")
    if not equals or not name.isidentifier():
        raise ValueError(f"notify: found {line!r}, allowed: NAME=value")
    return "".join(" " if character < " " or character == "\x7f" else character for character in line)


class Watchdog:
    """One service's side of the talk with systemd: life cycle messages, and the beat that proves the turn loop moves."""

    def __init__(
        self,
        env: Mapping[str, str],
        notify: Notify | None = None,
        *,
        pid: int | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Read NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID from `env` (the daemon passes os.environ).

        A watchdog meant for another process (WATCHDOG_PID is not ours) is left alone, as sd_watchdog_enabled(3) does.
        Raises ValueError for a WATCHDOG_USEC or WATCHDOG_PID that is not a whole number above 0.
        """
        address = env.get("NOTIFY_SOCKET", "")
        self._notify: Notify = notify if notify is not None else _bound_to(address)
        self._sleep = sleep
        self._monotonic_ns = monotonic_ns
        self._stop_grace_s: float | None = None
        budget_us = _whole_number(env, "WATCHDOG_USEC")
        meant_for = _whole_number(env, "WATCHDOG_PID")
        own_pid = os.getpid() if pid is None else pid
        if budget_us is not None and meant_for not in (None, own_pid):
            budget_us = None
        self._enabled = budget_us is not None
        self._interval_s = BEAT_WITHOUT_WATCHDOG_S if budget_us is None else budget_us / MICROSECONDS / 2

    @property
    def enabled(self) -> bool:
        """True if the unit has WatchdogSec and means this process."""
        return self._enabled

    @property
    def interval_s(self) -> float:
        """Seconds between two beats: half of what the service manager allows."""
        return self._interval_s

    def ready(self, status: str) -> bool:
        """Start is over: the database is migrated and a first try at Asterisk was made. Also ends a reload."""
        return self._notify("READY=1", f"STATUS={status}")

    def status(self, status: str) -> bool:
        """The one line `systemctl status dialerd` shows. Counts and states, no names or numbers of customers."""
        return self._notify(f"STATUS={status}")

    def extend_timeout(self, seconds: float) -> bool:
        """Ask for `seconds` more before the start, or the stop, counts as hung (a long migration, for example)."""
        return self._notify(_extension(seconds))

    @contextmanager
    def reloading(self, done: Callable[[], str]) -> Iterator[None]:
        """Frame a reload: RELOADING=1 before, READY=1 with the status `done()` gives after it, failed or not.

        systemd kills a service that announced a reload and never said READY=1 again; a refused configuration leaves
        the old one running, so the daemon is ready either way.
        """
        self._notify("RELOADING=1", f"MONOTONIC_USEC={self._monotonic_ns() // 1000}")
        try:
            yield
        finally:
            self.ready(done())

    def stopping(self, status: str) -> bool:
        """The daemon drains: no new calls. From now on every beat with progress also moves the stop deadline.

        How long a drain may take is the daemon's rule; systemd ends it only when the beats stop.
        """
        # Three beats: one lost message, or one late beat, must not end calls in progress.
        self._stop_grace_s = max(3 * self._interval_s, 3 * LONGEST_IDLE_STEP_S)
        return self._notify("STOPPING=1", f"STATUS={status}", _extension(self._stop_grace_s))

    async def run(self, progress: Callable[[], int | None]) -> None:
        """Beat until cancelled: at once, then every `interval_s` seconds, and only while `progress()` allows it.

        `progress()` returns a counter the turn loop advances at least once a second even when idle, or None while
        there is no turn loop to judge (the database migrates, the last part of a stop). A beat goes out if the answer
        is None or another number than at the beat before; an unchanged number withholds it, and systemd restarts
        the daemon. The wait is on the event loop, so a blocked loop withholds it too. What `progress` raises, passes.
        """
        # With a WatchdogSec under 4 s a beat comes sooner than the counter must move; then several beats are one look.
        patience = max(1, math.ceil(LONGEST_IDLE_STEP_S / self._interval_s))
        seen: int | None = None
        unchanged = 0
        while True:
            counter = progress()
            unchanged = unchanged + 1 if counter is not None and counter == seen else 0
            if unchanged == patience:
                log.error("watchdog.withheld", counter=counter, because="the turn loop did not advance")
            elif unchanged < patience:
                self._beat()
            seen = counter
            await self._sleep(self._interval_s)

    def _beat(self) -> None:
        lines = []
        if self._enabled:
            lines.append("WATCHDOG=1")
        if self._stop_grace_s is not None:
            lines.append(_extension(self._stop_grace_s))
        if lines:
            self._notify(*lines)


def _bound_to(address: str) -> Notify:
    def send(*lines: str) -> bool:
        return notify(*lines, address=address)

    return send


def _extension(seconds: float) -> str:
    return f"EXTEND_TIMEOUT_USEC={math.ceil(seconds * MICROSECONDS)}"


def _whole_number(env: Mapping[str, str], name: str) -> int | None:
    text = env.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        raise ValueError(f"{name}: found {text!r}, allowed: a whole number above 0")
    return int(text)
