"""The exports folder: unfinished jobs in folders of their own, finished files beside them, all for the daemon's user alone.

Never overwrites a file, and never shows one under its name before it is whole.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from dialerd.model.errors import Refusal
from dialerd.model.instants import Instant
from dialerd.ports.exports import FORMATS, ExportFailingError

PART = ".part"
_FINISHED = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*\.(?:xlsx|csv|html|pdf)")
_SAME_NAME_AT_MOST = 1000
_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW


class Unfinished:
    """A job's folder, `<name>.part`, locked as long as the job lives: here or in its writer."""

    def __init__(self, folder: Path, stem: str, ending: str, path: Path, lock: int) -> None:
        self._folder = folder
        self._stem = stem
        self._ending = ending
        self.path = path
        self.lock = lock
        """The descriptor that holds the lock; a process that inherits it holds it too."""

    def publish(self, whole: str) -> Path:
        """Give the file `whole` of the job's folder its name, the first that is free. Raises OSError."""
        for name in _names(self._stem, self._ending):
            final = self._folder / name
            with suppress(FileExistsError):
                os.link(self.path / whole, final)  # unlike renaming, it fails if the name is taken
                _sync(self._folder)
                return final
        raise _full(self._folder, self._stem)

    def drop(self) -> None:
        """Delete the job's folder and all in it. May be called twice."""
        shutil.rmtree(self.path, ignore_errors=True)
        lock, self.lock = self.lock, -1
        if lock >= 0:
            os.close(lock)


class ExportsFolder:
    """The folder and its jobs. All methods are synchronous and brief, but for deleting large files."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    def make(self) -> int:
        """Make the folder (mode 0700) if it is not there, and delete what killed writers left; how many jobs that were.

        Raises ExportFailingError if it cannot be made, is somebody else's or lets others in.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = self.path.lstat()
        except OSError as error:
            raise ExportFailingError(f"exports folder {self.path}: {error.strerror or error}") from error
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise ExportFailingError(f"exports folder {self.path}: not a folder of the user that the daemon runs as")
        if found.st_mode & 0o077:
            mode = stat.S_IMODE(found.st_mode)
            raise ExportFailingError(f"exports folder {self.path}: mode {mode:04o} lets others in; 0700 is needed")
        return sum(self._swept(path) for path in sorted(self.path.glob(f"*{PART}")))

    @staticmethod
    def _swept(path: Path) -> bool:
        try:
            lock = os.open(path, _OPEN_FOLDER)
        except OSError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # a job lives there: another daemon's
            return False
        else:
            shutil.rmtree(path, ignore_errors=True)
            return not path.exists()
        finally:
            os.close(lock)

    def begin(self, stem: str, ending: str) -> Unfinished:
        """A folder for a new job whose file will be `stem.ending`, or `stem-2.ending` and so on. Raises ExportFailingError."""
        try:
            for name in _names(stem, ending):
                path = self.path / f"{name}{PART}"
                if os.path.lexists(self.path / name):
                    continue
                with suppress(FileExistsError):
                    path.mkdir(mode=0o700)
                    lock = os.open(path, _OPEN_FOLDER)
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return Unfinished(self.path, stem, ending, path, lock)
        except OSError as error:
            raise ExportFailingError(f"exports folder {self.path}: {error.strerror or error}") from error
        raise _full(self.path, stem)

    def read(self, name: str, offset: int, length: int) -> tuple[bytes, int]:
        """A piece of a finished file, and the size of all of it. Raises Refusal (`unknown_file`), ExportFailingError."""
        gone = Refusal("unknown_file", f"there is no file {name!r} in the exports folder any more", "job")
        if not _FINISHED.fullmatch(name):
            raise gone
        try:
            descriptor = os.open(self.path / name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                return os.pread(descriptor, length, offset), os.fstat(descriptor).st_size
            finally:
                os.close(descriptor)
        except FileNotFoundError:
            raise gone from None
        except OSError as error:
            raise ExportFailingError(f"exports folder {self.path}: {name}: {error.strerror or error}") from error

    def prune(self, before: Instant) -> int:
        """Delete finished files last written before `before`; how many. Raises ExportFailingError."""
        count = 0
        try:
            for path in sorted(self.path.iterdir()):
                found = path.lstat()
                if stat.S_ISREG(found.st_mode) and path.suffix[1:] in FORMATS and found.st_mtime < before:
                    path.unlink(missing_ok=True)
                    count += 1
        except OSError as error:
            raise ExportFailingError(f"exports folder {self.path}: {error.strerror or error}") from error
        return count


def _names(stem: str, ending: str) -> Iterator[str]:
    yield f"{stem}.{ending}"
    for number in range(2, _SAME_NAME_AT_MOST + 1):
        yield f"{stem}-{number}.{ending}"


def _full(folder: Path, stem: str) -> ExportFailingError:
    return ExportFailingError(
        f"exports folder {folder}: {_SAME_NAME_AT_MOST} files are named {stem} already: delete some"
    )


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, _OPEN_FOLDER)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
