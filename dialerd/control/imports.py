"""Commands around lists: what is in a file, an empty one to fill in, and what became of imports (C06).

Never tells of an import to somebody who may not see its campaign.
"""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic import Field

from dialerd.campaigns.jobs import ROW
from dialerd.control import import_work
from dialerd.control.import_staged import COUNTS
from dialerd.control.job_files import Fetch, Piece, WhichJob, may_cancel, not_running, piece
from dialerd.control.lead_import import Import, Imported, OfCampaign, Preview, fields_of
from dialerd.control.list_looking import Previewed, Template, TemplateFormat, made_template, previewed
from dialerd.control.list_work import KIND
from dialerd.control.permissions import SEES, sees
from dialerd.control.table import MAKERS, OFFICE, Args, Command, Desk, Result, Who
from dialerd.model.errors import Refusal
from dialerd.model.instants import iso
from dialerd.model.policies import Name
from dialerd.model.rows import JobRow


class TemplateArgs(TemplateFormat, OfCampaign):
    """Which empty list, and for which campaign."""


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
    """running, done, failed, cancelled, or interrupted: the daemon ended before its list did."""
    by: str
    at: str
    ended_at: str | None
    row: int
    """Up to this row of its list all is in the counts, and whom it added is there for good; give it as `after_row` with the same
    list to go on after it. 0: no row, as in a dry run, or an import of another kind, which is begun anew."""
    rows: int
    added: int
    updated: int
    """Of contacts."""
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
    fields = fields_of(desk.live.policies[args.campaign])
    return await previewed(desk, who, args, lambda headings: desk.lists.sheets.suggest(headings, fields))


async def _template(desk: Desk, who: Who, args: TemplateArgs) -> Template:
    fields = fields_of(desk.live.policies[args.campaign])
    make = desk.lists.sheets.template
    return await made_template(f"leads-{args.campaign}", args.format, lambda kind: make(fields, kind))


# --- what became of them


def _visible(desk: Desk, who: Who, row: JobRow) -> bool:
    if row.by == who.principal or any(scope == "any" and role in who.roles for role, scope in SEES.items()):
        return True
    campaign = desk.live.campaigns.get(row.campaign)
    return campaign is not None and sees(desk.live, who, campaign)


async def _job(desk: Desk, who: Who, job: str) -> JobRow:
    row = desk.live.jobs.get(job) or await desk.store.job(job)
    if row is None or row.kind != KIND or not _visible(desk, who, row):
        raise Refusal("unknown_job", f"there is no import {job!r}", "job")
    return row


async def _list(desk: Desk, who: Who, args: ImportListing) -> ImportList:
    rows = await desk.store.jobs(KIND, args.campaign, args.limit)
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
        **{name: row.counts.get(name, 0) for name in (*COUNTS, "updated", ROW)},
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
