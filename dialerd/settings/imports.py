"""The shape of `imports:` in dialerd.yaml: where lists of leads may be read from, and how much of them (C06).

Never makes a folder and never looks into one: the daemon does, when it starts and when it is asked.
"""

from __future__ import annotations

import os
from typing import Annotated

from pydantic import AfterValidator, Field

from dialerd.model.policies import Policy
from dialerd.settings.places import FilePath


def _absolute(path: str) -> str:
    if not os.path.isabs(path):
        raise ValueError("an absolute path such as /srv/lists is needed")
    if os.path.normpath(path) == "/":
        raise ValueError("the whole file system is no import folder; a folder of lists alone is allowed")
    return os.path.normpath(path)


ImportFolderPath = Annotated[FilePath, AfterValidator(_absolute)]


class Imports(Policy):
    """Lists of leads from files (C06)."""

    folders: Annotated[list[ImportFolderPath], Field(max_length=20)] = Field(default_factory=list)
    """Folders that lead.import and contact.import may read files from, absolute; none: only texts and uploads."""
    work_folder: FilePath = "imports"
    """Uploads, lists under way and reports. From $STATE_DIRECTORY if systemd gives it, else from the folder of the store."""
    max_mb: Annotated[int, Field(ge=1, le=4096)] = 512
    """Megabytes of one file."""
    max_rows: Annotated[int, Field(ge=1000, le=5_000_000)] = 1_100_000
    """Rows of one list."""
    memory_mb: Annotated[int, Field(ge=256, le=16384)] = 1536
    """Megabytes that the process that reads a list may take, beside the daemon's own.

    A workbook needs about 600 for a million rows.
    """
    keep_days: Annotated[int, Field(ge=1, le=3650)] = 30
    """Days that reports of rows not taken are kept."""
