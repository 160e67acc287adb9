"""A daemon that is killed and is back at once: its next process has loaded its modules already and waits for a word.

Never two daemons at a time: the next one begins when the last one is dead.
"""

from __future__ import annotations

import subprocess
import sys
from types import TracebackType
from typing import Self

from tests.doubles.children import is_over, must_not_outlive
from tests.doubles.daemon_process import DaemonProcess

_STANDBY = """
import sys
import uvloop
import dialerd.daemon.process
from dialerd.cli.daemon_commands import dialerd
if sys.stdin.readline():
    dialerd(sys.argv[1:])
"""
"""What `python -m dialerd` does, with its imports made before it is told to begin. Nobody's word: it ends."""


class DaemonThatReturns(DaemonProcess):
    """As DaemonProcess; `stand_by` makes the next `start` quicker than Python's imports, so a kill costs little time."""

    _next: subprocess.Popen[bytes] | None = None

    def stand_by(self) -> None:
        """Have the next process get ready beside the one that runs."""
        if self._next is None:
            command = [sys.executable, "-c", _STANDBY, *self.arguments]
            with self.log_file.open("ab") as log:
                self._next = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=self.env)
            must_not_outlive(self._next)

    def spawn(self) -> subprocess.Popen[bytes]:
        """The one that stands by, if there is one, else one from the beginning."""
        process, self._next = self._next, None
        if process is None:
            return super().spawn()
        assert process.stdin is not None
        process.stdin.write(b"begin\n")
        process.stdin.close()
        return process

    @property
    def linked(self) -> bool:
        """Whether every server is connected and reconciled."""
        servers = self.ask("daemon.status")["status"]["servers"]
        return all(status.startswith("connected") for status in servers.values())

    def launch(self) -> None:
        """Start it and wait for nothing."""
        self.process = self.spawn()

    def until_logged(self, word: str, since: int = 0) -> str:
        """Wait until the log has `word` behind its first `since` characters, or the process has ended; what is there."""
        self.until(lambda: word in self.log[since:] or not self.running, f"the log says {word!r}")
        return self.log[since:]

    def dismiss(self) -> None:
        """Send the one that stands by away."""
        process, self._next = self._next, None
        if process is not None:
            process.kill()
            process.communicate()
            is_over(process)

    def __enter__(self) -> Self:
        try:
            super().__enter__()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.dismiss()
        super().__exit__(kind, error, trace)
