"""The shape of `exports:` in dialerd.yaml: where files for people go, and how many at once (C18).

Never makes the folder: the daemon does, when it starts.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dialerd.model.policies import Policy
from dialerd.settings.places import FilePath


class Exports(Policy):
    """Exports and print sheets (C18)."""

    folder: FilePath = "exports"
    """From $STATE_DIRECTORY if systemd gives it, else from the folder of the store. Mode 0700, the daemon's user alone."""
    templates: FilePath | None = None
    """A folder of print templates of your own, NAME.html.j2, which go before ours of the same name."""
    keep_days: Annotated[int, Field(ge=1, le=3650)] = 30
    """Days that finished files are kept."""
    pdf_rows: Annotated[int, Field(ge=1, le=20_000)] = 5_000
    """Rows of a PDF at most; it is made in memory, about 1.2 GB for 5000 rows."""
    at_once: Annotated[int, Field(ge=1, le=8)] = 1
    """Files written at a time; others wait for their turn."""
