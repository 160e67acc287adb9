"""The files of imports as a promise: lists that come in pieces, checked leads that wait to be added, reports of what was not.

Never opens a file by a name that a stranger gave: names are the daemon's own, a stranger's is only told.

Everything here may block on a disk: call it in a thread, never on the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from dialerd.model.facts import NewLead
from dialerd.model.instants import Instant
from dialerd.ports.sheets import Sheets, Spooled

AT_ONCE = 2
"""Lists that are read at a time; others wait for their turn."""


class Portion(msgspec.Struct, frozen=True):
    """A piece of a file."""

    content: bytes
    size: int
    """Bytes of the whole file."""


class StagedHead(msgspec.Struct, frozen=True):
    """What an all-or-nothing import needs to know to go on after a restart."""

    campaign: str
    source: str
    """The command, as each lead's source tells."""
    principal: str
    id: str
    """The command's own id, under which it is answered."""
    reply: bytes
    """What it answers, as JSON; how many were added is not known yet."""
    leads: int


class Staging(Protocol):
    """Checked leads on their way to the disk."""

    @property
    def name(self) -> str:
        """Of the file."""

    def add(self, leads: Sequence[NewLead]) -> None:
        """Write a few more. Raises Refusal (`no_space`)."""

    def finish(self, head: StagedHead) -> None:
        """All are there, and survive a power cut. Raises Refusal (`no_space`)."""

    def drop(self) -> None:
        """Forget them. May be called twice, and after `finish`."""


class Report(Protocol):
    """Rows that were not taken, one a line of a CSV file that no spreadsheet program calculates."""

    @property
    def name(self) -> str:
        """Of the file."""

    def add(self, rows: Sequence[Sequence[str | int]]) -> None:
        """Write them; they survive our own death. Raises Refusal (`no_space`)."""

    def close(self) -> None: ...


class ImportFiles(Protocol):
    """The folder in which all that is kept. Every method raises Refusal for what a stranger or a full disk can do wrong."""

    def open(self, needed: Collection[str]) -> None:
        """Make the folder, and delete staged leads but those `needed`, and all uploads. Raises OSError."""

    def begin_upload(self, by: str, name: str, size: int, now: Instant) -> str:
        """An empty upload of `size` bytes to come; its id."""

    def append_upload(self, upload: str, by: str, at: int, data: bytes, now: Instant) -> int:
        """More of it, from byte `at` on; how many bytes it has now. What is there already may be sent again."""

    def end_upload(self, upload: str, by: str, sha256: str, now: Instant) -> int:
        """It is whole (and what the digest says, if one is given); its bytes."""

    def uploaded(self, upload: str, by: str) -> Spooled:
        """A whole upload, to be read."""

    def drop_upload(self, upload: str, by: str) -> None:
        """Delete it."""

    def expire(self, uploads_before: Instant, reports_before: Instant) -> int:
        """Delete uploads not touched, and reports not written, since; how many."""

    def stage(self, job: str) -> Staging:
        """A place for the checked leads of a job."""

    def staged(self, name: str) -> tuple[StagedHead, Iterator[list[NewLead]]]:
        """What was staged, in the portions in which it was added."""

    def drop_staged(self, name: str) -> None:
        """Delete it. May be called twice."""

    def report(self, job: str, headings: Sequence[str]) -> Report:
        """The report of a job, with the headings of the list beside its own."""

    def read_report(self, name: str, offset: int, limit: int) -> Portion:
        """A piece of it."""


@dataclass(frozen=True)
class Lists:
    """All that reads lists and keeps what belongs to them."""

    sheets: Sheets
    files: ImportFiles
    reading: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    """Held while a list is read: each reading has a process with memory of its own."""
    looking: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    """The same for previews, which do not wait for long lists."""
