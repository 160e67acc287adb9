"""What SQLite complains of, in words that name the store and what can be done.

Never hides a complaint: each becomes StoreFailingError (try again) or OurMistakeError (stop).
"""

from __future__ import annotations

import sqlite3

from dialerd.model.errors import OurMistakeError
from dialerd.ports.store import StoreFailingError

# By the primary code in the low byte of SQLite's extended result codes.
_REASONS = {
    sqlite3.SQLITE_FULL: "the disk is full, or the store has reached its largest size",
    sqlite3.SQLITE_IOERR: "the disk refuses to read or write (I/O error)",
    sqlite3.SQLITE_READONLY: "the file or its directory may only be read",
    sqlite3.SQLITE_BUSY: "another process holds the database locked",
    sqlite3.SQLITE_LOCKED: "another connection holds a table locked",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened: is the directory there, and may this user write in it?",
    sqlite3.SQLITE_CORRUPT: "the file is damaged: restore it from a backup",
    sqlite3.SQLITE_NOTADB: "the file is not a SQLite database",
    sqlite3.SQLITE_NOMEM: "memory is used up",
    sqlite3.SQLITE_PERM: "this user may not open the file",
    sqlite3.SQLITE_PROTOCOL: "the locks of the file do not work: is it on a network file system?",
}


def reason(error: sqlite3.Error) -> str:
    """Why SQLite refused, with its own name for it."""
    code = getattr(error, "sqlite_errorcode", None)
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    words = None if code is None else _REASONS.get(code & 0xFF)
    return f"{error} ({name})" if words is None else f"{words} ({name}: {error})"


def is_busy(error: Exception) -> bool:
    """Whether another process holds the database."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF == sqlite3.SQLITE_BUSY


def trouble(path: str, doing: str, error: Exception) -> Exception:
    """The exception to raise instead of `error`, met while `doing` something with the store at `path`."""
    where = f"store {path}: cannot {doing}"
    if isinstance(error, sqlite3.IntegrityError):
        return OurMistakeError(f"{where}: the schema forbids it: {error}")
    if isinstance(error, (sqlite3.ProgrammingError, sqlite3.InterfaceError, sqlite3.DataError)):
        return OurMistakeError(f"{where}: {error}")
    if isinstance(error, sqlite3.Error):
        return StoreFailingError(f"{where}: {reason(error)}")
    if isinstance(error, OSError):
        return StoreFailingError(f"{where}: {error.strerror}")
    return OurMistakeError(f"{where}: {type(error).__name__}: {error}")
