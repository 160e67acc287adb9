"""A disk for the store that a test can fill: a small tmpfs, or a largest size of file set on the daemon's process.

Never touches another disk, and never leaves a mount behind.
"""

from __future__ import annotations

import os
import resource
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Protocol

SIZE_MB = 12
_LARGEST = 300_000
"""Bytes of a file beyond which nothing is written; more than the daemon's log has in a test, less than its store."""


class Disk(Protocol):
    """Where the store lies; a context."""

    words: str
    """What the daemon says of it when it is full."""
    folder: Path

    def __enter__(self) -> Disk: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def fill(self, pid: int) -> None:
        """From now on nothing more can be written by that process."""

    def make_room(self, pid: int) -> None:
        """There is room again."""


class SmallDisk:
    """A tmpfs of a few MB; only root may mount it."""

    words = "the disk is full"

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "disk"
        self.folder.mkdir()
        self._ballast = self.folder / "ballast"

    def __enter__(self) -> SmallDisk:
        mounted = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m,mode=0700", "tmpfs", str(self.folder)]
        subprocess.run(mounted, check=True, capture_output=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        subprocess.run(["umount", "-l", str(self.folder)], check=True, capture_output=True)

    def fill(self, pid: int) -> None:
        """Write until nothing more goes in; what the store has freed meanwhile is taken too."""
        with self._ballast.open("ab", buffering=0) as ballast:
            end = time.monotonic() + 5
            while time.monotonic() < end:
                try:
                    ballast.write(bytes(4096))
                except OSError:
                    return
        raise AssertionError("the disk does not get full")

    def make_room(self, pid: int) -> None:
        """Take the ballast away."""
        self._ballast.unlink(missing_ok=True)


class SmallFiles:
    """Any disk, and a daemon whose files may not grow: needs no right but to be the daemon's user."""

    words = "I/O error"

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "disk"
        self.folder.mkdir()

    def __enter__(self) -> SmallFiles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def fill(self, pid: int) -> None:
        """No file grows any more."""
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (_LARGEST, hard))

    def make_room(self, pid: int) -> None:
        """They may grow again."""
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))


def may_mount() -> bool:
    """Whether a tmpfs can be mounted here."""
    if os.geteuid() != 0:
        return False
    probe = Path("/tmp") / f"dialerd-mount-{os.getpid()}"
    probe.mkdir()
    try:
        done = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(probe)], capture_output=True)
        if done.returncode == 0:
            subprocess.run(["umount", str(probe)], check=True, capture_output=True)
        return done.returncode == 0
    except FileNotFoundError:  # no such program
        return False
    finally:
        probe.rmdir()


DISKS: tuple[type[SmallDisk] | type[SmallFiles], ...] = (SmallDisk, SmallFiles) if may_mount() else (SmallFiles,)
"""What can be had here: at least one."""
