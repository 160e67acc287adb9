"""Connections to SQLite as the store needs them: explicit transactions, write-ahead log, bounded waits.

Never starts a transaction and never touches the schema.
"""

from __future__ import annotations

import os
import sqlite3

from dialerd.ports.store import StoreFailingError

MEMORY = ":memory:"
SYNCHRONOUS = ("full", "normal")
"""`full`: a committed turn survives a power cut; `normal`: it survives the daemon's death, not always a power cut."""

BUSY_MS = 5000
"""How long a statement waits for another process's lock."""
_CACHE_KIB = 16384
_CHECKPOINT_PAGES = 16000
"""At so many pages in the write-ahead log a commit moves them itself; SqliteStore does it long before, beside the commits."""


def place_of(path: str) -> str:
    """The one name of a store's file, links resolved, so that two names of one file meet in one lock.

    Raises StoreFailingError if it cannot be a file.
    """
    if path == MEMORY:
        return MEMORY
    if not path or "\0" in path:
        raise StoreFailingError(f"store {path!r}: not a file name")
    place = os.path.realpath(path)
    directory = os.path.dirname(place)
    if not os.path.isdir(directory):
        raise StoreFailingError(f"store {place}: there is no directory {directory}")
    if os.path.exists(place) and not os.path.isfile(place):
        raise StoreFailingError(f"store {place}: not a regular file")
    return place


def create(place: str) -> None:
    """Make an empty file that only this user may read, if there is none: it will hold phone numbers."""
    try:
        os.close(os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        directory = os.open(os.path.dirname(place), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise StoreFailingError(f"store {place}: cannot open it: {error.strerror}") from error


def connect(place: str) -> sqlite3.Connection:
    """A connection that writes and never waits for the disk: `log_sync` does. Raises sqlite3.Error, StoreFailingError."""
    connection = _connect(place)
    try:
        mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        if mode != "wal" and place != MEMORY:
            raise StoreFailingError(
                f"store {place}: no write-ahead log here (journal mode {mode}): is it a network disk?"
            )
        # With `normal` SQLite still syncs the log before, and the file after, each checkpoint: that keeps the file whole.
        connection.execute("PRAGMA synchronous=normal")
        connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        connection.execute("PRAGMA foreign_keys=ON")
    except BaseException:
        connection.close()
        raise
    return connection


def connect_reader(place: str) -> sqlite3.Connection:
    """A connection to a file that only reads; in WAL it waits for no commit and no commit waits for it."""
    connection = _connect(place)
    connection.execute("PRAGMA query_only=ON")
    return connection


def _connect(place: str) -> sqlite3.Connection:
    # isolation_level=None: BEGIN and COMMIT are said by us, never guessed by the driver.
    connection = sqlite3.connect(
        place, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    try:
        connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
    except BaseException:
        connection.close()
        raise
    return connection
