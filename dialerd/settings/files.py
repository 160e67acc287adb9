"""Files read as the configuration needs it: small, regular, and with an error in plain words.

Never waits for a pipe or a device, and never reads more than it was told.
"""

from __future__ import annotations

import os
import stat


class Unreadable(Exception):
    """A file that cannot be read; the message says what was found in its place."""


def read_bytes(path: str | os.PathLike[str], most: int) -> bytes:
    """What is in a regular file: all of it, or its first `most` + 1 bytes if it is longer.

    Raises Unreadable.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise Unreadable("no such file") from None
    except PermissionError:
        raise Unreadable("a file that this user may not read") from None
    except (OSError, ValueError) as trouble:
        raise Unreadable(_words(trouble)) from None
    try:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            raise Unreadable("a folder" if stat.S_ISDIR(mode) else "a pipe, socket or device")
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(most + 1)
    except OSError as trouble:
        raise Unreadable(_words(trouble)) from None
    finally:
        os.close(handle)


def world_readable(path: str | os.PathLike[str]) -> bool:
    """Whether every user of this host may read the file; False if it cannot be told."""
    try:
        return bool(os.stat(path).st_mode & stat.S_IROTH)
    except (OSError, ValueError):
        return False


def _words(trouble: OSError | ValueError) -> str:
    if isinstance(trouble, OSError) and trouble.strerror:
        return f"a file that cannot be read ({trouble.strerror})"
    return "a path that no file can have"
