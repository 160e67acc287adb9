"""Brings the write-ahead log to the disk and moves it into the file, apart from the transactions that wrote it.

Never takes a second success for the truth after a failed one: what the disk has once refused is written anew.
"""

from __future__ import annotations

import os
import sqlite3

_ROUNDS = 3


class LogSync:
    """The log's own descriptor. Any descriptor of a file syncs all that was written to it; SQLite keeps no locks on the log."""

    def __init__(self, place: str) -> None:
        """`place`: the store's file."""
        self._place = place
        self._log: int | None = None
        self.doubtful = False
        """A sync has failed: the kernel may have dropped the pages and still say well the next time."""

    def sync(self) -> None:
        """Return when what was committed until now is on the disk. Uses no connection, so it may be beside commits.

        Raises OSError; then only `renew` helps.
        """
        if self._log is None:
            self._open()
        assert self._log is not None
        try:
            os.fdatasync(self._log)
        except OSError:
            self.doubtful = True
            raise

    def renew(self, connection: sqlite3.Connection) -> None:
        """After a failed sync: copy the pages out of the log into the file and sync that. Raises sqlite3.Error."""
        busy, pages, moved = connection.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
        if busy or moved < pages:
            raise sqlite3.OperationalError("a reader keeps the write-ahead log from being moved into the file")
        self.doubtful = False

    def _open(self) -> None:
        self._log = os.open(self._place + "-wal", os.O_RDWR | os.O_CLOEXEC)
        directory = os.open(os.path.dirname(self._place), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)  # the log's name is to survive too
        finally:
            os.close(directory)

    def close(self) -> None:
        """Let go of the log. May be called twice."""
        log, self._log = self._log, None
        if log is not None:
            os.close(log)


def checkpoint(connection: sqlite3.Connection) -> int:
    """Move the log into the file, waiting for nobody; the pages that had to stay. Raises sqlite3.Error.

    The log starts from its beginning again once nothing is left in it. What is written meanwhile stays, so a second,
    much shorter, round is made.
    """
    left = 0
    for _ in range(_ROUNDS):
        _, pages, moved = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        left = max(int(pages) - int(moved), 0)
        if not left:
            break
    return left
