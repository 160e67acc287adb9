"""What every import from a list is asked with and answers: which list, how it is read, and what became of its rows (C06).

Never opens a file: it says which one is meant, and the sheets' keeper looks whether it may be read.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from pydantic import Field

from dialerd.control.table import Args, Desk, Result, Who
from dialerd.model.errors import Refusal
from dialerd.ports.sheets import AnyMapping, HowToRead, InFolder, Source, Typed

MAX_CSV = 12_000_000
MAX_ROWS = 5_000_000
Column = Annotated[str, Field(max_length=200)]
Columns = Annotated[list[Column], Field(max_length=1000)]
FieldColumns = Annotated[dict[Annotated[str, Field(max_length=200)], Column], Field(max_length=200)]


class FromList(Args):
    """Which list, and how it is read."""

    csv: str | None = Field(None, max_length=MAX_CSV)
    """The text of a short list: a heading line, then one row a line; comma, semicolon, tab or pipe."""
    file: str | None = Field(None, max_length=4096)
    """Instead: a file in one of the configured import folders (CSV, xlsx, xls, xlsb, ods), by its path there."""
    upload: str | None = Field(None, max_length=64)
    """Instead: the id of a whole upload (upload.begin)."""
    sheet: str | None = Field(None, max_length=200)
    """Of a workbook: a sheet's name, or its position (1 is the first); empty: the first that has rows."""
    header_row: int | None = Field(None, ge=0, le=2_000_000)
    """The heading's row; empty: the first that has anything; 0: there is none, columns are told by letter."""
    encoding: str | None = Field(None, max_length=40)
    """Of a CSV file: utf-8, utf-16, windows-1258, windows-1250 or windows-1252; empty: found."""
    separator: str | None = Field(None, max_length=10)
    """Of a CSV file: comma, semicolon, tab or pipe; empty: found."""


class Importing(FromList):
    """How a list is gone through."""

    after_row: int = Field(0, ge=0, le=MAX_ROWS)
    """Rows up to this one are left out. To go on with an import that was interrupted: the same list, and the `row` that
    `import.list` tells of it."""
    dry_run: bool = False
    """Only report what would become of the rows."""
    wait: bool = True
    """false: answer at once with the job's id; `import.list` and event/job/ID/progress tell how far it is."""


class RowNotTaken(Result):
    """A row that was not taken, and why."""

    row: int
    """The row's number in the sheet, or the line in a text; the first is 1."""
    phone: str
    result: str
    """refused, suppressed or duplicate."""
    because: str


class Imported(Result):
    """What became of an import's rows."""

    job: str
    """Its id in `import.list`."""
    state: str
    """done; running where it was not waited for; nothing: of all or nothing, as a row was refused."""
    rows: int
    """Rows read; rows with nothing in them do not count."""
    added: int
    """Or, in a dry run, to be added."""
    duplicates: int
    """Rows of whom is there already, or a row before them."""
    refused: int
    refusals: list[RowNotTaken]
    """The first hundred of the report."""
    report: str
    """The report's file, to be had by `import.fetch`; empty: every row was taken."""
    warnings: dict[str, int]
    """leading_zero_lost: rows with a number that a spreadsheet took the first 0 from (read all the same); digits_lost: rows with a
    number too long for a spreadsheet, whose last digits are not what was typed."""
    mapping: dict[str, Any]
    """Which column was taken for what."""
    sheet: str
    encoding: str
    separator: str
    dry_run: bool


def begun(job: str) -> dict[str, Any]:
    """What is told of an import that nobody waits for: it began."""
    nothing: dict[str, Any] = dict.fromkeys(("report", "sheet", "encoding", "separator"), "")
    nothing |= dict.fromkeys(("rows", "added", "duplicates", "refused"), 0)
    return nothing | {"job": job, "state": "running", "refusals": [], "warnings": {}, "mapping": {}, "dry_run": False}


def source_of(desk: Desk, who: Who, args: FromList) -> Source:
    """The list that is meant. Raises Refusal unless exactly one is named, or for an upload that is none of his."""
    given = [name for name in ("csv", "file", "upload") if getattr(args, name) is not None]
    if len(given) != 1:
        because = "a list is needed" if not given else f"{' and '.join(given)} are given; one list at a time"
        raise Refusal("bad_argument", because, given[-1] if given else "csv", "csv, file or upload")
    if args.csv is not None:
        return Typed(args.csv)
    if args.file is not None:
        return InFolder(args.file)
    return desk.lists.files.uploaded(args.upload or "", who.principal)


_SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}


def how_of(args: FromList) -> HowToRead:
    """How the list is read. Raises Refusal for the encoding of what is a text already."""
    if args.csv is not None and args.encoding is not None:
        raise Refusal("bad_argument", "csv is a text already: it has no encoding", "encoding", "none with csv")
    sheet: str | int | None = args.sheet
    if args.sheet is not None and args.sheet.isascii() and args.sheet.isdigit():
        sheet = int(args.sheet)
    separator = None if args.separator is None else _SEPARATORS.get(args.separator, args.separator)
    after_row = args.after_row if isinstance(args, Importing) else 0
    return HowToRead(sheet, args.header_row, args.encoding, separator, after_row)


_SHOWN = {"list_name": "list"}


def mapping_shown(mapping: AnyMapping) -> dict[str, Any]:
    """A mapping as the import takes it, without what is empty."""
    told = {_SHOWN.get(name, name): value for name, value in msgspec.structs.asdict(mapping).items() if value}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in told.items()}
