"""Lists of leads and contacts in files as a promise: what sheets a file has, its rows batch by batch, which column is what (C06).

Never says what a phone is or whether a row becomes a lead: cells are text, and whoever asked judges them.

Everything here may block on a disk or a pipe: call it in a thread, never on the event loop.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, Literal, Protocol, TypeAlias, TypeVar

import msgspec

from dialerd.model.contact_check import ContactGiven
from dialerd.model.facts import NewLead
from dialerd.model.lead_check import LeadRules

T = TypeVar("T")

Warned: TypeAlias = Literal["leading_zero_lost", "digits_lost"]
"""leading_zero_lost: a number cell that looks like a number of Vietnam without its trunk 0. digits_lost: more digits than
a spreadsheet keeps in a number (15), so the last ones are not what was typed."""
FieldKind: TypeAlias = Literal["text", "number", "date", "choice", "pesel", "nip", "regon"]
Format: TypeAlias = Literal["xlsx", "csv"]


class InFolder(msgspec.Struct, frozen=True, tag="folder"):
    """A file in a folder that lists may be read from: a path inside it, or an absolute one."""

    path: str


class Uploaded(msgspec.Struct, frozen=True, tag="upload"):
    """The bytes of a file that came over the control channel; its name is told in errors, never opened."""

    name: str
    data: bytes


class Spooled(msgspec.Struct, frozen=True, tag="spooled"):
    """A file that came over the control channel in pieces; `path` is the daemon's own, its name a stranger's."""

    name: str
    path: str


class Typed(msgspec.Struct, frozen=True, tag="typed"):
    """A CSV text that came as an argument."""

    text: str


Source: TypeAlias = InFolder | Uploaded | Spooled | Typed


class Row(msgspec.Struct, frozen=True, array_like=True):
    """A row as text. With `trouble` it cannot be taken; its cells are then only there to be told."""

    number: int
    """The line in a CSV file where it begins, or the row in a sheet; the first is 1."""
    cells: list[str]
    trouble: str = ""
    warnings: list[tuple[int, Warned]] = []
    """Position of the cell (0 is the first) and what may be wrong with it."""


class Heading(msgspec.Struct, frozen=True):
    """What is known of a sheet before its rows."""

    sheet: str
    """Empty for CSV, which has one sheet without a name."""
    headings: list[str]
    """Cells of the heading row, trimmed; empty if it was said that there is none."""
    header_row: int
    """The number of the heading row; 0 if there is none."""
    columns: int
    """How many columns there are to choose from."""
    rows: int
    """At most so many rows follow (lines of a CSV file); for a progress bar."""
    kind: str
    """csv, xlsx, xls, xlsb or ods."""
    encoding: str = ""
    """Of a CSV file, found or given."""
    separator: str = ""
    hidden: bool = False


class SheetSeen(msgspec.Struct, frozen=True):
    """A sheet to choose: its heading, supposing it is the first row that has anything, and the rows after it."""

    heading: Heading
    first_rows: list[Row]
    trouble: str = ""
    """Why its rows cannot be read, such as that it has no rows."""


class HowToRead(msgspec.Struct, frozen=True):
    """What the one who asks knows better than the file."""

    sheet: str | int | None = None
    """A sheet's name, or its position (1 is the first); None: the first that has rows. Not for CSV."""
    header_row: int | None = None
    """The heading row's number; None: the first row that has anything; 0: there is none."""
    encoding: str | None = None
    """Of a CSV file; None: found by byte order mark or by trial."""
    separator: str | None = None
    """Of a CSV file: comma, semicolon, tab or pipe; None: found by the heading."""
    after_row: int = 0
    """Rows up to this number are left out: they were read before."""


class Reading(Iterator[list[Row]], Protocol):
    """Batches of rows, without the heading and without rows that have nothing in them.

    `next` raises Refusal if the reading ends before the rows do. Leaving it half read needs a `close`.
    """

    @property
    def heading(self) -> Heading: ...

    def close(self) -> None:
        """End the reading at once, from any thread; a `next` that waits in another thread stops as at the end."""


class RecordField(msgspec.Struct, frozen=True):
    """A record field of a campaign (C08), as the columns of a list know it."""

    name: str
    label: str = ""
    """What people call it; the heading in a template. Empty: its name."""
    kind: FieldKind = "text"
    choices: tuple[str, ...] = ()
    required: bool = False
    explained: str = ""


OWN = ("email", "address", "zone", "owner", "action", "list_name", "priority")
"""What a lead has beside phones, name and fields, and a list may tell."""


class Mapping(msgspec.Struct, frozen=True, tag="leads"):
    """Which column is what of a lead. A column is told by its heading, its letter (`B`) or its number (`2`), in this order."""

    phone: str = ""
    """Required when it is used; empty in a suggestion that found none."""
    name: str = ""
    """Empty: there is none."""
    phones: tuple[str, ...] = ()
    """Further phones of the same lead, in the order they are tried (C07)."""
    email: str = ""
    address: str = ""
    zone: str = ""
    owner: str = ""
    action: str = ""
    list_name: str = ""
    priority: str = ""
    fields: dict[str, str] = {}
    """Record field to column."""
    ignore: tuple[str, ...] = ()
    others: Literal["keep", "ignore"] = "keep"
    """What becomes of the columns not named here: kept as fields under their headings, or left out."""


OF_CONTACT = ("code", "kind", "email", "address", "status", "industry", "channel", "owner", "tags")
"""What a contact has beside phone, name and fields."""


class ContactMapping(msgspec.Struct, frozen=True, tag="contacts"):
    """Which column is what of a contact; columns are told as in `Mapping`, and an empty one is not there."""

    code: str = ""
    kind: str = ""
    name: str = ""
    phone: str = ""
    email: str = ""
    address: str = ""
    status: str = ""
    industry: str = ""
    channel: str = ""
    owner: str = ""
    tags: str = ""
    fields: dict[str, str] = {}
    """Further field to column."""
    ignore: tuple[str, ...] = ()
    others: Literal["keep", "ignore"] = "keep"


AnyMapping: TypeAlias = Mapping | ContactMapping


class Picked(msgspec.Struct, frozen=True):
    """A row's cells by what they are, trimmed; empty ones are left out of `phones` and `fields`."""

    number: int
    phone: str
    name: str
    phones: list[str]
    fields: dict[str, str]
    trouble: str = ""
    warnings: list[str] = []
    """`target: code`, such as `phone: leading_zero_lost`."""
    more: dict[str, str] = {}
    """What else is known, by the names in OWN or OF_CONTACT."""


class Columns(Protocol):
    """A mapping placed on a heading."""

    def pick(self, row: Row) -> Picked: ...


class Checking(msgspec.Struct, frozen=True, tag="leads"):
    """How rows become leads."""

    rules: LeadRules
    fields: tuple[RecordField, ...] = ()
    """The campaign's record fields, as columns know them."""
    mapping: Mapping | None = None
    """None: as the headings suggest."""
    phone: str = ""
    """The column of the phone, instead of the one that the headings suggest; so with `name`."""
    name: str = ""


class ContactChecking(msgspec.Struct, frozen=True, tag="contacts"):
    """How rows become contacts."""

    region: str
    mapping: ContactMapping | None = None
    """None: as the headings suggest."""


AnyChecking: TypeAlias = Checking | ContactChecking


class RowTaken(msgspec.Struct, Generic[T], frozen=True, array_like=True):
    """A row that is a lead, or a contact."""

    number: int
    item: T
    cells: list[str]


class RowRefused(msgspec.Struct, frozen=True, array_like=True):
    """A row that is none, and why; `cells` are cut to what a report can show."""

    number: int
    phone: str
    because: str
    cells: list[str]


class Rows(msgspec.Struct, Generic[T], frozen=True):
    """A portion of a list, checked."""

    taken: list[RowTaken[T]]
    refused: list[RowRefused]
    twice: list[RowRefused]
    """Rows with a phone (or a code) that a row before them has."""
    warnings: dict[str, int]
    """Warned code to rows of `taken` that have it."""

    @property
    def rows(self) -> int:
        """How many rows it is."""
        return len(self.taken) + len(self.refused) + len(self.twice)

    @property
    def last(self) -> int:
        """The number of its last row; 0 if it has none."""
        return max((part[-1].number for part in (self.taken, self.refused, self.twice) if part), default=0)


LeadRows: TypeAlias = Rows[NewLead]
ContactRows: TypeAlias = Rows[ContactGiven]


class ListReading(Iterator[Rows[T]], Protocol[T]):
    """A list, checked row by row. As `Reading` in all else."""

    @property
    def heading(self) -> Heading: ...

    @property
    def mapping(self) -> AnyMapping:
        """The mapping that holds."""

    def close(self) -> None:
        """End the reading at once, from any thread."""


LeadReading: TypeAlias = ListReading[NewLead]
ContactReading: TypeAlias = ListReading[ContactGiven]


class Sheets(Protocol):
    """Reads lists. Every method raises Refusal for what a stranger's file or words can do wrong."""

    def sheets(self, source: Source, how: HowToRead = ...) -> list[SheetSeen]:
        """The sheets with headings and first rows. Of `how` only encoding and separator count."""

    def rows(self, source: Source, how: HowToRead = ...) -> Reading:
        """Begin to read. The heading is known when it returns."""

    def leads(self, source: Source, how: HowToRead, checking: Checking) -> LeadReading:
        """Begin to read a list as leads: phones normalised, fields checked, no phone twice.

        The heading is known when it returns.
        """

    def contacts(self, source: Source, how: HowToRead, checking: ContactChecking) -> ContactReading:
        """Begin to read a list as contacts: values checked, no code twice, and of those without one no phone."""

    def suggest(self, headings: Sequence[str], fields: Sequence[RecordField]) -> Mapping:
        """The mapping that headings in English, Vietnamese or Polish suggest."""

    def suggest_contacts(self, headings: Sequence[str]) -> ContactMapping:
        """The same for a list of contacts."""

    def placed(self, mapping: Mapping, heading: Heading, fields: Sequence[RecordField]) -> Columns:
        """A mapping as columns. Raises Refusal naming the target, what was found and the headings there are."""

    def template(self, fields: Sequence[RecordField], kind: Format) -> bytes:
        """An empty list of leads to fill in, as a file: every column that an import knows, under headings that it knows."""

    def contact_template(self, kind: Format) -> bytes:
        """The same for contacts."""
