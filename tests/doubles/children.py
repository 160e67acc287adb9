"""Child processes of a test run, each stopped by its own pid, even when the test run is killed.

Never stops a process it did not start, and never leaves one behind.
"""

from __future__ import annotations

import atexit
import contextlib
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

_GUARD = """
pids=
while read -r sign pid; do
    rest=
    for p in $pids; do [ "$p" = "$pid" ] || rest="$rest $p"; done
    pids=$rest
    [ "$sign" = - ] || pids="$pids $pid"
done
for p in $pids; do kill -KILL "$p" 2>/dev/null; done
exit 0
"""
"""A shell that knows the children's pids and kills them when its input ends, which it does however we die.

PR_SET_PDEATHSIG would be shorter, but it fires when the *thread* that started the child ends."""


class _Guard:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shell: subprocess.Popen[bytes] | None = None

    def say(self, sign: str, pid: int) -> None:
        with self._lock:
            if self._shell is None:
                self._shell = subprocess.Popen(["/bin/sh", "-c", _GUARD], stdin=subprocess.PIPE, start_new_session=True)
                atexit.register(self._close)
            pipe = self._shell.stdin
            if pipe is not None and not pipe.closed:
                pipe.write(f"{sign} {pid}\n".encode())
                pipe.flush()

    def _close(self) -> None:
        if self._shell is not None and self._shell.stdin is not None:
            self._shell.stdin.close()
            self._shell.wait()


_guard = _Guard()


def must_not_outlive(process: subprocess.Popen[bytes]) -> None:
    """Have `process` killed however this one ends, until `is_over` says that it has ended."""
    _guard.say("+", process.pid)


def is_over(process: subprocess.Popen[bytes]) -> None:
    """`process` has ended: its pid may be another's now."""
    _guard.say("-", process.pid)


class Child:
    """One running program; its output goes to a file.

    Raises FileNotFoundError when there is no such program.
    """

    def __init__(
        self, argv: Sequence[str], output: Path, cwd: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        self.argv = list(argv)
        self.output = output
        with output.open("ab") as log:
            # A session of its own: Ctrl-C in the terminal ends the tests, and they end their children in order.
            self._process = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=environment,
                start_new_session=True,
            )
        self._known = True
        _guard.say("+", self._process.pid)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        if self._process.poll() is None:
            return True
        self._forget()
        return False

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def said(self, last: int = 2000) -> str:
        """The end of what the program wrote, in characters."""
        return self.output.read_text(errors="replace")[-last:]

    def send(self, number: signal.Signals) -> None:
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def stop(self, patience_s: float = 10.0) -> None:
        """SIGTERM, and SIGKILL when it still runs after `patience_s` seconds; returns when it is gone."""
        self.send(signal.SIGTERM)
        try:
            self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._forget()

    def kill(self) -> None:
        """SIGKILL; returns when it is gone."""
        self.send(signal.SIGKILL)
        self._process.wait()
        self._forget()

    def _forget(self) -> None:
        if self._known:
            self._known = False
            _guard.say("-", self._process.pid)
