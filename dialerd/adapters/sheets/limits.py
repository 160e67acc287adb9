"""How much of a stranger's file is read before it is too much.

Never guesses: what is over a limit is refused with the limit named.
"""

from __future__ import annotations

import msgspec

from dialerd.model.errors import Refusal

MB = 1_000_000
CELL = 32_767
"""Characters in a cell, as in Excel."""


class Limits(msgspec.Struct, frozen=True):
    """Bounds of one reading. The worker's memory is beside the daemon's."""

    upload: int = 32 * MB
    """Bytes of a file that came over the control channel: it stands in memory."""
    file: int = 512 * MB
    """Bytes of a file in an import folder."""
    unpacked: int = 1024 * MB
    """Bytes of a workbook's parts when unpacked."""
    rows: int = 1_100_000
    """Rows of a sheet, or lines of a CSV file."""
    columns: int = 500
    sheets: int = 100
    memory: int = 1536 * MB
    """Address space of the worker, bytes."""
    processor: int = 300
    """Processor seconds of the worker."""
    silence: float = 300.0
    """Seconds that the worker may say nothing."""


def too_large(what: str, found: int, allowed: int) -> Refusal:
    """The refusal of what is over a limit."""
    return Refusal("too_large", f"{found} {what}, at most {allowed} are allowed", "file", allowed)
