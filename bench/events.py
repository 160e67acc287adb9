"""AMI events a second that the guarded link reads, against stock panoramisk reading the same stream.

Never measures the sender: it has its own process, and waits for the reader whenever the socket is full.
"""

from __future__ import annotations

import json
import subprocess
import sys

from bench.call_clients import Talker

EVENTS = 100_000


class Feed:
    """The sender of the stream; a context."""

    def __enter__(self) -> Feed:
        self._talker = Talker("bench.event_feed")
        self._talker.tell({"events": EVENTS})
        about = self._talker.hear()
        self._port, self._events = about["port"], about["events"]
        return self

    def __exit__(self, *_: object) -> None:
        self._talker.end()

    def read_by(self, who: str) -> float:
        """Events a second that `who` (guarded or stock) reads."""
        self._talker.tell("again")
        command = [sys.executable, "-m", "bench.event_reader", who, str(self._port)]
        done = subprocess.run(command, check=True, capture_output=True, timeout=300)
        return float(self._events / json.loads(done.stdout)["seconds"])
