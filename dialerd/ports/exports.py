"""Exports as a promise: a table or a print sheet becomes one whole file in a folder, or nothing at all (C18, O06).

Never says which leads are exported or who may have them: it is handed rows and gives back the name of a file.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Sequence
from typing import Literal, Protocol, TypeAlias

import msgspec

from dialerd.model.instants import Instant

Format: TypeAlias = Literal["xlsx", "csv", "html", "pdf"]
PrintFormat: TypeAlias = Literal["html", "pdf"]
Separator: TypeAlias = Literal[",", ";", "\t"]
FORMATS: tuple[Format, ...] = ("xlsx", "csv", "html", "pdf")

Kind: TypeAlias = Literal["text", "number", "moment", "phone", "duration"]
"""What a column's numbers mean: `moment` an Instant (seconds since the epoch, UTC), `duration` seconds."""

Cell: TypeAlias = str | int | float | None
"""A text is written as it stands in a column of any kind (but a number's text in a number column becomes a number in xlsx)."""
Batch: TypeAlias = Sequence[Sequence[Cell]]
Batches: TypeAlias = AsyncIterable[Batch] | Iterable[Batch]
"""Rows in portions of any size, asked for one portion after the other; a plain iterable is asked in a thread."""

COLUMNS_AT_MOST = 1000


class ExportFailingError(Exception):
    """The file could not be written now (disk full, a writer that died): nothing of it was kept; try again later."""


class Column(msgspec.Struct, frozen=True):
    """A column of a table."""

    heading: str
    kind: Kind = "text"


class Heading(msgspec.Struct, frozen=True, kw_only=True):
    """What tables and print sheets have in common. Texts may be a stranger's."""

    name: str
    """Begins the file's name, such as `leads spring`; made safe, and the day is added."""
    title: str
    generated_at: Instant
    zone: str
    """The IANA time zone in which moments are shown."""
    language: str = "en"
    """Of headings and cells, as in HTML's `lang`; the few words of the form itself are there in en, vi and pl."""


class Table(Heading, frozen=True, kw_only=True):
    """What is told of a table beside its rows."""

    columns: tuple[Column, ...]
    """1 to COLUMNS_AT_MOST."""
    filters: tuple[str, ...] = ()
    """Which rows it holds, in words, such as `state: fresh`."""


class Fact(msgspec.Struct, frozen=True):
    """A labelled value of a print sheet."""

    label: str
    value: Cell
    kind: Kind = "text"


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a print sheet: labelled values, a paragraph, a small table, or several of them under one heading."""

    heading: str = ""
    facts: tuple[Fact, ...] = ()
    text: str = ""
    columns: tuple[Column, ...] = ()
    rows: Sequence[Sequence[Cell]] = ()


class PrintSheet(Heading, frozen=True, kw_only=True):
    """One lead, one campaign or the like, to be printed."""

    blocks: tuple[Block, ...]
    template: str = "sheet"
    """`sheet`, or the name of one of the operator's own templates."""


class Exported(msgspec.Struct, frozen=True):
    """A file that is whole."""

    name: str
    """Its name in the exports folder: letters a-z A-Z, digits, `_`, `-` and one dot."""
    path: str
    rows: int
    size: int
    """Bytes."""
    sheets: int = 1
    """Sheets of rows; above 1 for a spreadsheet with more rows than one sheet can hold."""
    cut: int = 0
    """Cells that were longer than the format can hold and end with a mark."""


class Exports(Protocol):
    """Writes files beside the daemon's work. A cancelled or failed call leaves no file."""

    async def write_table(self, table: Table, rows: Batches, form: Format, separator: Separator = ",") -> Exported:
        """A table with one row a line. `separator` is CSV's.

        Raises Refusal (`too_many_rows`, `too_much_text`, `too_slow`, `not_installed`, `bad_argument`, `busy`),
        ExportFailingError, and whatever `rows` raises.
        """

    async def write_sheet(self, sheet: PrintSheet, form: PrintFormat) -> Exported:
        """A sheet for print. Raises as `write_table` does."""

    async def read_file(self, name: str, offset: int, length: int) -> tuple[bytes, int]:
        """Up to `length` bytes of a finished file, and the size of all of it.

        Raises Refusal (`unknown_file`) for one that is not there any more, ExportFailingError.
        """

    async def prune(self, before: Instant) -> int:
        """Delete finished files older than `before`; how many there were. Raises ExportFailingError."""
