"""The file of a long work, asked for piece by piece, and who may end the work: the same for exports and imports.

Never opens a file: what is in a piece comes from the port that keeps the files.
"""

from __future__ import annotations

import base64

from pydantic import Field

from dialerd.control import permissions
from dialerd.control.table import Args, Result, Who
from dialerd.model.errors import Refusal
from dialerd.model.rows import JobRow

PIECE = 1_048_576
"""Bytes of a file in one answer."""
ALL_SEEING = frozenset(role for role, scope in permissions.SEES.items() if scope == "any")
"""Whoever sees all campaigns sees all works, and may end them."""


class WhichJob(Args):
    """One long work."""

    job: str = Field(max_length=64)
    """Its id, such as job-12."""


class Fetch(WhichJob):
    """A piece of its file."""

    offset: int = Field(0, ge=0, le=2**53)
    """Bytes to leave out at its beginning."""
    limit: int = Field(PIECE, ge=1, le=PIECE)
    """Bytes at most."""


class Piece(Result):
    """A piece of a file."""

    job: str
    file: str
    size: int
    """Bytes of the whole file until now."""
    offset: int
    content: str
    """Base64."""
    more: bool
    """Whether there is more behind it: ask again with offset + the bytes of this one."""


def piece(row: JobRow, offset: int, content: bytes, size: int) -> Piece:
    """The answer with `content`, which stands at `offset` in the file of `size` bytes."""
    return Piece(
        job=row.id,
        file=row.file,
        size=size,
        offset=offset,
        content=base64.b64encode(content).decode(),
        more=offset + len(content) < size,
    )


def may_cancel(row: JobRow, who: Who) -> None:
    """Raises Refusal unless the work is his, or he may end anybody's."""
    if row.by != who.principal and ALL_SEEING.isdisjoint(who.roles):
        raise Refusal("forbidden", f"{row.id} is {row.by}'s: he, an owner or ops may cancel it", "job")


def not_running(row: JobRow) -> Refusal:
    """Why it cannot be cancelled any more."""
    return Refusal("illegal_state", f"{row.id} is {row.state}: only a running one can be cancelled", "job")
