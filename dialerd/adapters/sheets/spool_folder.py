"""The folder of imports: its subfolders, made for the daemon's own user alone, and what a disk that fails is told as.

Never holds a name that a stranger gave.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from dialerd.model.errors import Refusal

UPLOADS, STAGED, REPORTS = "uploads", "staged", "reports"


def no_space(trouble: OSError) -> Refusal:
    """The refusal of what could not be written."""
    return Refusal("no_space", f"the daemon cannot write to its imports folder: {trouble.strerror or trouble}")


def made(folder: Path) -> None:
    """Make the folder and its subfolders, mode 0700. Raises OSError, also if it is somebody else's or lets others in."""
    for path in (folder, *(folder / name for name in (UPLOADS, STAGED, REPORTS))):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise PermissionError(0, "not a folder of the user that the daemon runs as", str(path))
        if found.st_mode & 0o077:
            raise PermissionError(
                0, f"mode {stat.S_IMODE(found.st_mode):04o} lets others in; 0700 is needed", str(path)
            )


def sync_folder(folder: Path) -> None:
    """Let a new name in the folder survive a power cut. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
