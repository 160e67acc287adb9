"""lead.import: what it is asked with, what it answers, and how a list is to be read for a campaign (C06-C08).

Never opens a file: it says which one is meant, and the sheets' keeper looks whether it may be read.
"""

from __future__ import annotations

import builtins
from typing import Annotated, Any, Literal

from pydantic import Field

from dialerd.campaigns.days import today
from dialerd.control.leads import batch_subject, room_for_list
from dialerd.control.table import Args, Desk, Result, Who
from dialerd.model.errors import Refusal
from dialerd.model.lead_check import LeadRules
from dialerd.model.lead_order import ListName, Priority
from dialerd.model.policies import Campaign, Name
from dialerd.ports import sheets as port
from dialerd.ports.sheets import Checking, HowToRead, InFolder, RecordField, Source, Typed

MAX_CSV = 12_000_000
Column = Annotated[str, Field(max_length=200)]
Columns = Annotated[list[Column], Field(max_length=1000)]
FieldColumns = Annotated[dict[Annotated[str, Field(max_length=200)], Column], Field(max_length=200)]


class Mapping(Args):
    """Which column is what: each is told by its heading, its letter (B) or its number (2)."""

    phone: Column
    name: Column = ""
    phones: Columns = Field(default_factory=builtins.list)
    """Further phones, in the order they are tried; a cell may hold several, parted by semicolons."""
    email: Column = ""
    address: Column = ""
    zone: Column = ""
    """His time zone, as an IANA name."""
    owner: Column = ""
    """His account manager, a principal."""
    action: Column = ""
    """What brought him here."""
    list: Column = ""
    """The list he comes with; an empty cell: that of the whole import."""
    priority: Column = ""
    """An empty cell: that of the whole import."""
    fields: FieldColumns = Field(default_factory=dict)
    """The campaign's record field to its column."""
    ignore: Columns = Field(default_factory=builtins.list)
    others: Literal["keep", "ignore"] | None = None
    """Columns not named here: kept as fields under their headings, or left out; empty: as the campaign's other_fields says."""


class FromFile(Args):
    """Which list, and how it is read."""

    campaign: Name
    csv: str | None = Field(None, max_length=MAX_CSV)
    """The text of a short list: a heading line, then one lead a line; comma, semicolon, tab or pipe."""
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


class Import(FromFile):
    """Leads from a list."""

    mapping: Mapping | None = None
    """Which column is what; empty: as the headings suggest (lead.import-preview shows it)."""
    phone: str = Field("", max_length=200)
    """Without a mapping: the column of the phone, if the headings do not tell it."""
    name: str = Field("", max_length=200)
    """Without a mapping: the column of the name, if the headings do not tell it."""
    list: ListName | None = None
    """The list they come with: lists are mixed by the campaign's shares."""
    priority: Priority = 0
    """-100 to 100; the greater is dialed earlier."""
    duplicates: Literal["filter", "keep"] = "filter"
    """Rows whose phone the campaign has already, or a row before them. filter: they are counted. keep: they are in the report too,
    row by row. A campaign has each phone once, so neither adds a second lead."""
    all_or_nothing: bool = False
    """Add nobody if a single row is refused; nothing is added before all rows were checked."""
    dry_run: bool = False
    """Only report what would be added, duplicate, refused and suppressed."""
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
    """What became of an import's rows: rows = added + duplicates + suppressed + refused."""

    job: str
    """Its id in `import.list`."""
    state: str
    """done; running where it was not waited for; nothing: of all or nothing, as a row was refused."""
    campaign: str
    rows: int
    """Rows read; rows with nothing in them do not count."""
    added: int
    """Or, in a dry run, to be added."""
    duplicates: int
    """Phones that the campaign has already, or a row before them."""
    suppressed: int
    """Phones on a do-not-call list that holds for the campaign for good."""
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


def source_of(desk: Desk, who: Who, args: FromFile) -> Source:
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


def how_of(args: FromFile) -> HowToRead:
    """How the list is read. Raises Refusal for the encoding of what is a text already."""
    if args.csv is not None and args.encoding is not None:
        raise Refusal("bad_argument", "csv is a text already: it has no encoding", "encoding", "none with csv")
    sheet: str | int | None = args.sheet
    if args.sheet is not None and args.sheet.isascii() and args.sheet.isdigit():
        sheet = int(args.sheet)
    separator = None if args.separator is None else _SEPARATORS.get(args.separator, args.separator)
    return HowToRead(sheet=sheet, header_row=args.header_row, encoding=args.encoding, separator=separator)


def fields_of(policy: Campaign) -> tuple[RecordField, ...]:
    """The campaign's record fields, as columns know them."""
    return tuple(
        RecordField(field.name, field.label, field.kind, tuple(field.choices), field.required)
        for field in policy.fields
    )


def checking_of(desk: Desk, args: Import) -> Checking:
    """How rows become leads of the campaign. Raises Refusal if it takes none."""
    batch_subject(desk.live, args.campaign)
    room_for_list(desk.live, args.campaign, args.list or "")
    policy = desk.live.policies[args.campaign]
    rules = LeadRules(
        region=policy.region,
        today=today(desk.live, policy, desk.now).isoformat(),
        migrate_2018=policy.migrate_2018,
        fields=[field.model_dump(mode="json") for field in policy.fields],
        others=policy.other_fields,
        list_name=args.list or "",
        priority=args.priority,
    )
    mapping = None if args.mapping is None else _mapping(args.mapping, policy)
    return Checking(rules, fields_of(policy), mapping, args.phone.strip(), args.name.strip())


def _mapping(given: Mapping, policy: Campaign) -> port.Mapping:
    others: Literal["keep", "ignore"] = "ignore" if policy.other_fields == "drop" else "keep"
    return port.Mapping(
        phone=given.phone,
        name=given.name,
        phones=tuple(given.phones),
        email=given.email,
        address=given.address,
        zone=given.zone,
        owner=given.owner,
        action=given.action,
        list_name=given.list,
        priority=given.priority,
        fields=dict(given.fields),
        ignore=tuple(given.ignore),
        others=given.others or others,
    )


def mapping_shown(mapping: port.Mapping) -> dict[str, Any]:
    """A mapping as lead.import takes it, without what is empty."""
    shown: dict[str, Any] = {
        "phone": mapping.phone,
        "name": mapping.name,
        "phones": list(mapping.phones),
        "email": mapping.email,
        "address": mapping.address,
        "zone": mapping.zone,
        "owner": mapping.owner,
        "action": mapping.action,
        "list": mapping.list_name,
        "priority": mapping.priority,
        "fields": dict(mapping.fields),
        "ignore": list(mapping.ignore),
        "others": mapping.others,
    }
    return {name: value for name, value in shown.items() if value}
