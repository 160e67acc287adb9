"""One daemon for one store file, by a lock on `<file>.lock` that dies with its process.

Never deletes the lock's file: between deleting and locking, two daemons could both believe they hold it.
"""

from __future__ import annotations

import fcntl
import os

from dialerd.ports.store import StoreFailingError


class FileLock:
    """Holds `<path>.lock` from `take` to `release`."""

    def __init__(self, path: str) -> None:
        self._store = path
        self.path = f"{path}.lock"
        self._file: int | None = None

    def take(self) -> None:
        """Take the lock. Raises StoreFailingError if another process (or another store of this one) holds it."""
        try:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreFailingError(
                f"store {self._store}: cannot open its lock {self.path}: {error.strerror}"
            ) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(file, 32, 0).decode("ascii", "replace").strip()
            os.close(file)
            if isinstance(error, BlockingIOError):
                by = f" (process {holder})" if holder.isdigit() else ""
                raise StoreFailingError(
                    f"store {self._store}: in use by another dialerd{by}, by {self.path}"
                ) from error
            raise StoreFailingError(f"store {self._store}: cannot lock {self.path}: {error.strerror}") from error
        self._file = file
        try:
            # Only a word for people: on a full disk the lock holds without it.
            os.ftruncate(file, 0)
            os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        except OSError:
            return

    def release(self) -> None:
        """Give the lock back; nothing happens if it is not held."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
