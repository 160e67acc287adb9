"""Commands around lists: what is in a file, an empty one to fill in, and what became of imports (C06).

Never tells of an import to somebody who may not see its campaign.
"""

from __future__ import annotations

import asyncio
import base64
from typing import Any, Literal

from pydantic import Field

from dialerd.control import import_work
from dialerd.control.import_staged import COUNTS
from dialerd.control.job_files import Fetch, Piece, WhichJob, may_cancel, not_running, piece
from dialerd.control.lead_import import (
    FromFile,
    Import,
    Imported,
    fields_of,
    how_of,
    mapping_shown,
    source_of,
)
from dialerd.control.permissions import SEES, sees
from dialerd.control.table import MAKERS, OFFICE, Args, Command, Desk, Result, Who
from dialerd.model.errors import Refusal
from dialerd.model.instants import iso
from dialerd.model.policies import Name
from dialerd.model.rows import JobRow
from dialerd.ports.sheets import SheetSeen


class Preview(FromFile):
    """Which list to look into."""


class SheetShown(Result):
    """A sheet: its headings, first rows, and what they suggest."""

    sheet: str
    """Empty for CSV."""
    position: int
    """1 is the first."""
    hidden: bool
    header_row: int
    """0: there is no heading."""
    headings: list[str]
    rows: int
    """At most so many rows follow the heading."""
    first_rows: list[list[str]]
    mapping: dict[str, Any]
    """As lead.import takes it; without `phone` if no heading tells of one."""
    because: str
    """Why its rows cannot be read; empty if they can."""


class Previewed(Result):
    """What is in a file."""

    kind: str
    """csv, xlsx, xls, xlsb or ods."""
    encoding: str
    separator: str
    sheets: list[SheetShown]


class TemplateArgs(Args):
    """Which empty list."""

    campaign: Name
    format: Literal["xlsx", "csv"] = "xlsx"
    """xlsx: with the kinds of columns, choices to pick from, and explained; csv: the headings."""


class Template(Result):
    """An empty list with the campaign's fields."""

    file: str
    """A name for it."""
    size: int
    content: str
    """Base64."""


class ImportListing(Args):
    """Which imports to list."""

    campaign: Name | None = None
    """Only imports into this campaign."""
    limit: int = Field(100, ge=1, le=1000)
    """So many of the newest are looked at."""


class ImportView(Result):
    """An import."""

    job: str
    command: str
    campaign: str
    state: str
    """running, done, failed or cancelled."""
    by: str
    at: str
    ended_at: str | None
    rows: int
    added: int
    duplicates: int
    suppressed: int
    refused: int
    warnings: dict[str, int]
    report: str
    """The file of rows that were not taken, to be had by `import.fetch`."""
    because: str
    decided: bool
    """Of all or nothing: all rows were found good, they are being added and it cannot be cancelled any more."""


class ImportList(Result):
    """Imports, the newest first."""

    imports: list[ImportView]


async def _preview(desk: Desk, who: Who, args: Preview) -> Previewed:
    policy = desk.live.policies[args.campaign]
    source = source_of(desk, who, args)
    async with desk.lists.looking:
        seen = await asyncio.to_thread(desk.lists.sheets.sheets, source, how_of(args))
    heading = seen[0].heading
    fields = fields_of(policy)

    def shown(position: int, one: SheetSeen) -> SheetShown:
        found = one.heading
        return SheetShown(
            sheet=found.sheet,
            position=position,
            hidden=found.hidden,
            header_row=found.header_row,
            headings=found.headings,
            rows=found.rows,
            first_rows=[[cell[:200] for cell in row.cells[:200]] for row in one.first_rows],
            mapping={} if one.trouble else mapping_shown(desk.lists.sheets.suggest(found.headings, fields)),
            because=one.trouble,
        )

    sheets = [shown(position, one) for position, one in enumerate(seen, 1)]
    return Previewed(kind=heading.kind, encoding=heading.encoding, separator=heading.separator, sheets=sheets)


async def _template(desk: Desk, who: Who, args: TemplateArgs) -> Template:
    fields = fields_of(desk.live.policies[args.campaign])
    content = await asyncio.to_thread(desk.lists.sheets.template, fields, args.format)
    name = f"leads-{args.campaign}.{args.format}"
    return Template(file=name, size=len(content), content=base64.b64encode(content).decode())


# --- what became of them


def _visible(desk: Desk, who: Who, row: JobRow) -> bool:
    if row.by == who.principal or any(scope == "any" and role in who.roles for role, scope in SEES.items()):
        return True
    campaign = desk.live.campaigns.get(row.campaign)
    return campaign is not None and sees(desk.live, who, campaign)


async def _job(desk: Desk, who: Who, job: str) -> JobRow:
    row = desk.live.jobs.get(job) or await desk.store.job(job)
    if row is None or row.kind != import_work.KIND or not _visible(desk, who, row):
        raise Refusal("unknown_job", f"there is no import {job!r}", "job")
    return row


async def _list(desk: Desk, who: Who, args: ImportListing) -> ImportList:
    rows = await desk.store.jobs(import_work.KIND, args.campaign, args.limit)
    return ImportList(imports=[_view(desk.live.jobs.get(row.id, row)) for row in rows if _visible(desk, who, row)])


def _view(row: JobRow) -> ImportView:
    warned = {name.removeprefix("warned_"): n for name, n in row.counts.items() if name.startswith("warned_")}
    return ImportView(
        job=row.id,
        command=row.command,
        campaign=row.campaign,
        state=row.state,
        by=row.by,
        at=iso(row.at),
        ended_at=None if row.ended_at is None else iso(row.ended_at),
        warnings=warned,
        report=row.file,
        because=row.because,
        decided=row.state == "running" and row.staged != "",
        **{name: row.counts.get(name, 0) for name in COUNTS},
    )


async def _cancel(desk: Desk, who: Who, args: WhichJob) -> ImportView:
    row = await _job(desk, who, args.job)
    may_cancel(row, who)
    if row.state == "running" and row.staged:
        because = "all its rows were found good and are being added: it cannot be cancelled any more"
        raise Refusal("illegal_state", f"{row.id}: {because}", "job")
    if not await desk.jobs.cancelled(row.id, who.principal):
        raise not_running(row)
    return _view(await desk.store.job(row.id) or row)


async def _fetch(desk: Desk, who: Who, args: Fetch) -> Piece:
    row = await _job(desk, who, args.job)
    if not row.file:
        raise Refusal("illegal_state", f"{row.id} has no report: every row was taken until now", "job")
    found = await asyncio.to_thread(desk.lists.files.read_report, row.file, args.offset, args.limit)
    return piece(row, args.offset, found.content, found.size)


COMMANDS: tuple[Command[Any], ...] = (
    Command(
        "lead.import", "Leads from a list: CSV or a workbook", MAKERS, Import, Imported, "job", plan=import_work.plan
    ),
    Command(
        "lead.import-preview",
        "Sheets, headings and first rows of a list",
        MAKERS,
        Preview,
        Previewed,
        "read",
        read=_preview,
    ),
    Command("lead.import-template", "An empty list to fill in", MAKERS, TemplateArgs, Template, "read", read=_template),
    Command("import.list", "Imports, and how far they are", OFFICE, ImportListing, ImportList, "read", read=_list),
    Command(
        "import.cancel",
        "End an import before it is done",
        MAKERS | {"ops"},
        WhichJob,
        ImportView,
        "read",
        read=_cancel,
    ),
    Command("import.fetch", "A piece of the report on rows not taken", OFFICE, Fetch, Piece, "read", read=_fetch),
)
