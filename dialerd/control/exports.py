"""Commands that make files: exports of leads, calls and campaigns, print sheets, and what became of them (C15, C18).

Never gives a file of a campaign to somebody who may not see it, and never reads a list of leads as a whole.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import BeforeValidator, Field

from dialerd.campaigns.live import Live
from dialerd.control import permissions
from dialerd.control.campaign_list import When
from dialerd.control.campaigns import known
from dialerd.control.export_sheets import campaign_sheet, lead_sheet
from dialerd.control.export_tables import call_layout, campaign_layout, lead_layout
from dialerd.control.export_words import Language, Words
from dialerd.control.job_files import ALL_SEEING, Fetch, Piece, WhichJob, may_cancel, not_running, piece
from dialerd.control.long_commands import Finished, Planned, Progress, Work
from dialerd.control.table import OFFICE, Args, Command, Desk, Result, Who
from dialerd.model import states
from dialerd.model.causes import OUTCOMES
from dialerd.model.errors import Refusal
from dialerd.model.instants import FAR, Instant, iso
from dialerd.model.phones import normalise
from dialerd.model.policies import Name, Zone
from dialerd.model.rows import JobRow
from dialerd.ports.exports import (
    COLUMNS_AT_MOST,
    Batch,
    Exported,
    ExportFailingError,
    Format,
    PrintFormat,
    Separator,
    Table,
)
from dialerd.ports.store import Mark

KIND = "export"
PORTION = 500
"""Rows asked of the store at once: the loop is kept for a few milliseconds by them."""
_OTHERS_AT_MOST = COLUMNS_AT_MOST - 200
_SEPARATORS: dict[str, Separator] = {"comma": ",", "semicolon": ";", "tab": "\t"}
T = TypeVar("T")


def _apart(given: Any) -> Any:
    """`new,retry`, as one writes it on a shell, is a list too."""
    return [part.strip() for part in given.split(",") if part.strip()] if isinstance(given, str) else given


Several: TypeAlias = Annotated[
    list[Annotated[str, Field(max_length=64)]], BeforeValidator(_apart), Field(max_length=50)
]


class _File(Args):
    """What all exports and sheets are asked with."""

    language: Language = "en"
    """Of headings, states and outcomes: en, vi or pl."""
    zone: Zone | None = None
    """The IANA time zone in which moments are shown; empty: the campaign's, else UTC."""
    wait: bool = True
    """false: answer at once with the job's id; `export.list` tells what became of it."""


class _Table(_File):
    """What all tables are asked with."""

    format: Format = "xlsx"
    """xlsx, csv, html or pdf."""
    separator: Literal["comma", "semicolon", "tab"] = "comma"
    """Of a CSV file."""


class LeadExport(_Table):
    """Which leads, and in which form."""

    campaign: Name
    states: Several = Field(default_factory=list)
    """Only leads in these states; empty: all. On a shell with commas between them."""
    joined_from: When | None = None
    """Only leads that joined at this moment or later."""
    joined_to: When | None = None
    """Only leads that joined before this moment."""
    list_name: str | None = Field(None, max_length=200)
    """Only leads that came with this list."""


class CallExport(_Table):
    """Which calls, and in which form."""

    campaign: Name | None = None
    """Only calls of this campaign; empty: of all that one sees."""
    outcomes: Several = Field(default_factory=list)
    """Only calls with these outcomes; empty: all, also those that live."""
    placed_from: When | None = None
    """Only calls placed at this moment or later."""
    placed_to: When | None = None
    """Only calls placed before this moment."""


class CampaignExport(_Table):
    """Which campaigns, and in which form."""

    states: Several = Field(default_factory=list)
    """Only campaigns in these states; empty: all that one sees."""


class _Print(_File):
    """What all print sheets are asked with."""

    campaign: Name
    format: PrintFormat = "html"
    """html or pdf."""
    template: str = Field("sheet", pattern="^[a-z0-9][a-z0-9_-]{0,63}$")
    """`sheet`, or the name of a template of the operator's own (exports.templates)."""


class LeadPrint(_Print):
    """Which lead to print."""

    phone: str = Field(max_length=64)


class CampaignPrint(_Print):
    """Which campaign to print."""


class Made(Result):
    """A file, or the job that makes it."""

    job: str
    """Its id in `export.list`."""
    state: str
    """done, or running where it was not waited for."""
    file: str
    """Its name in the exports folder."""
    path: str
    """Where it is on the daemon's host."""
    rows: int
    size: int
    """Bytes."""
    sheets: int
    """Pages of rows in a spreadsheet."""
    cut: int
    """Cells that were longer than the format can hold and end with a mark."""


class ExportListing(Args):
    """Which exports to list."""

    campaign: Name | None = None
    """Only exports of this campaign."""
    limit: int = Field(100, ge=1, le=1000)
    """So many of the newest are looked at."""


class ExportView(Result):
    """An export."""

    job: str
    command: str
    campaign: str
    """Empty: of all that its maker sees."""
    state: str
    """running, done, failed or cancelled."""
    by: str
    at: str
    ended_at: str | None
    rows: int
    """Written, or handed to the writer until now."""
    file: str
    because: str


class ExportList(Result):
    """Exports, the newest first."""

    exports: list[ExportView]


class Cancelled(Result):
    """An export that is being cancelled."""

    job: str


def _export_leads(desk: Desk, who: Who, args: LeadExport) -> Planned:
    known(desk.live, args.campaign)
    _all_known(args.states, states.LEAD, "states", "a state of a lead")
    start, before = _span(desk, args.joined_from, args.joined_to, "joined_to")
    words, chosen = Words(args.language), frozenset(args.states)
    told = [f"{words.heading('campaign')}: {args.campaign}"]
    if args.states:
        told.append(f"{words.heading('state')}: {', '.join(map(words.value, args.states))}")
    if args.list_name is not None:
        told.append(f"{words.heading('list')}: {args.list_name}")
    told += _span_told(words.heading("joined_at"), args.joined_from, args.joined_to)

    async def work(progress: Progress) -> Finished:
        live, store = desk.live, desk.store
        others: set[str] = set()
        mark: Mark | None = (start, 0)
        while mark is not None:
            names, mark = await store.field_names(args.campaign, mark, before, PORTION)
            others |= names
            if len(others) > _OTHERS_AT_MOST:
                raise Refusal("too_many_columns", f"these leads have more than {_OTHERS_AT_MOST} fields", "campaign")
        layout = lead_layout(words, live, live.policies[args.campaign].fields, others)

        async def portions() -> AsyncIterator[Batch]:
            rows = 0
            mark: Mark | None = (start, 0)
            while mark is not None:
                leads, mark = await store.leads_joined(args.campaign, mark, before, PORTION, chosen, args.list_name)
                yield layout.rows(leads)
                rows += len(leads)
                progress.tell(rows=rows)

        zone = _zone(live, args, args.campaign)
        title = f"{words.heading('leads')}: {live.policies[args.campaign].name}"
        table = Table(
            name=f"leads-{args.campaign}",
            title=title,
            generated_at=desk.now,
            zone=zone,
            language=args.language,
            columns=layout.columns,
            filters=tuple(told),
        )
        return await _written(
            desk.exports.write_table(table, portions(), args.format, _SEPARATORS[args.separator]), progress
        )

    return _planned(args, args.campaign, work)


def _export_calls(desk: Desk, who: Who, args: CallExport) -> Planned:
    _all_known(args.outcomes, OUTCOMES, "outcomes", "an outcome of a call")
    start, before = _span(desk, args.placed_from, args.placed_to, "placed_to")
    campaigns = [row.id for row in permissions.seen(desk.live, who)] if args.campaign is None else [args.campaign]
    words, chosen = Words(args.language), frozenset(args.outcomes)
    told = [f"{words.heading('campaign')}: {args.campaign}"] if args.campaign is not None else []
    if args.outcomes:
        told.append(f"{words.heading('outcome')}: {', '.join(map(words.outcome, args.outcomes))}")
    told += _span_told(words.heading("placed_at"), args.placed_from, args.placed_to)

    async def work(progress: Progress) -> Finished:
        layout = call_layout(words, desk.live)

        async def portions() -> AsyncIterator[Batch]:
            rows = 0
            for campaign in campaigns:
                mark: Mark | None = (start, "")
                while mark is not None:
                    calls, mark = await desk.store.attempts_placed(campaign, mark, before, PORTION, chosen)
                    yield layout.rows(calls)
                    rows += len(calls)
                    progress.tell(rows=rows)

        table = Table(
            name="calls" if args.campaign is None else f"calls-{args.campaign}",
            title=words.heading("calls"),
            generated_at=desk.now,
            zone=_zone(desk.live, args, args.campaign),
            language=args.language,
            columns=layout.columns,
            filters=tuple(told),
        )
        return await _written(
            desk.exports.write_table(table, portions(), args.format, _SEPARATORS[args.separator]), progress
        )

    return _planned(args, args.campaign or "", work)


def _export_campaigns(desk: Desk, who: Who, args: CampaignExport) -> Planned:
    _all_known(args.states, permissions.STATES, "states", "a state of a campaign")
    words = Words(args.language)
    told = [f"{words.heading('state')}: {', '.join(map(words.value, args.states))}"] if args.states else []

    async def work(progress: Progress) -> Finished:
        layout = campaign_layout(words, desk.live)
        campaigns = [row for row in permissions.seen(desk.live, who) if not args.states or row.state in args.states]
        batches = [layout.rows(campaigns[at : at + PORTION]) for at in range(0, len(campaigns), PORTION)]
        table = Table(
            name="campaigns",
            title=words.heading("campaigns"),
            generated_at=desk.now,
            zone=args.zone or "UTC",
            language=args.language,
            columns=layout.columns,
            filters=tuple(told),
        )
        return await _written(
            desk.exports.write_table(table, batches, args.format, _SEPARATORS[args.separator]), progress
        )

    return _planned(args, "", work)


def _print_lead(desk: Desk, who: Who, args: LeadPrint) -> Planned:
    known(desk.live, args.campaign)
    phone = normalise(args.phone, desk.live.policies[args.campaign].region)

    async def work(progress: Progress) -> Finished:
        row = await desk.store.lead(args.campaign, phone)
        if row is None:
            raise Refusal("unknown_lead", f"campaign {args.campaign} has no lead {phone}", "phone")
        attempts = await desk.store.attempts_of(row.id)
        zone = _zone(desk.live, args, args.campaign)
        sheet = lead_sheet(Words(args.language), desk.live, row, attempts, desk.now, zone, args.template)
        return await _written(desk.exports.write_sheet(sheet, args.format), progress)

    return _planned(args, args.campaign, work)


def _print_campaign(desk: Desk, who: Who, args: CampaignPrint) -> Planned:
    row = known(desk.live, args.campaign)

    async def work(progress: Progress) -> Finished:
        history = await desk.store.audit(row.id, 100)
        zone = _zone(desk.live, args, args.campaign)
        sheet = campaign_sheet(Words(args.language), desk.live, row, history, desk.now, zone, args.template)
        return await _written(desk.exports.write_sheet(sheet, args.format), progress)

    return _planned(args, args.campaign, work)


async def _written(writing: Awaitable[Exported], progress: Progress) -> Finished:
    exported = await _kept(writing)
    made = Made(
        job=progress.job,
        state="done",
        file=exported.name,
        path=exported.path,
        rows=exported.rows,
        size=exported.size,
        sheets=exported.sheets,
        cut=exported.cut,
    )
    return Finished(made, {"rows": exported.rows, "bytes": exported.size}, exported.name)


async def _kept(work: Awaitable[T]) -> T:
    try:
        return await work
    except ExportFailingError as trouble:
        raise Refusal("export_failing", str(trouble)) from None


def _planned(args: _File, campaign: str, work: Work) -> Planned:
    return Planned(KIND, campaign, work, None if args.wait else _begun)


def _begun(job: str) -> Made:
    return Made(job=job, state="running", file="", path="", rows=0, size=0, sheets=0, cut=0)


def _all_known(given: Sequence[str], among: Sequence[str] | Any, field: str, what: str) -> None:
    for one in given:
        if one not in among:
            raise Refusal("bad_argument", f"{one!r} is not {what}", field, sorted(among))


def _span(desk: Desk, start: Instant | None, end: Instant | None, field: str) -> tuple[Instant, Instant]:
    """What is looked at: from an instant, and before another; what joins while the file is made is not in it."""
    if start is not None and end is not None and end <= start:
        raise Refusal("bad_argument", f"{iso(end)} is not after {iso(start)}: a later moment is allowed", field)
    now = math.nextafter(max(desk.now, desk.live.now), FAR)
    return start or 0.0, now if end is None else min(end, now)


def _span_told(heading: str, start: Instant | None, end: Instant | None) -> list[str]:
    if start is None and end is None:
        return []
    return [f"{heading}: {'' if start is None else iso(start)} – {'' if end is None else iso(end)}"]


def _zone(live: Live, args: _File, campaign: str | None) -> str:
    if args.zone is not None:
        return args.zone
    if campaign is None:
        return "UTC"
    policy = live.policies[campaign]
    schedule = live.floor.schedules.get(policy.schedule or "")
    return policy.time_zone or (schedule.time_zone if schedule is not None else "UTC")


# --- what became of them


def _visible(live: Live, who: Who, row: JobRow) -> bool:
    """One's own, and those of campaigns one sees; those of all campaigns only for those who see all."""
    if row.by == who.principal or not ALL_SEEING.isdisjoint(who.roles):
        return True
    campaign = live.campaigns.get(row.campaign)
    return campaign is not None and permissions.sees(live, who, campaign)


async def _job(desk: Desk, who: Who, job: str) -> JobRow:
    row = desk.live.jobs.get(job) or await desk.store.job(job)
    if row is None or row.kind != KIND or not _visible(desk.live, who, row):
        raise Refusal("unknown_job", f"there is no export {job!r}", "job")
    return row


async def _list(desk: Desk, who: Who, args: ExportListing) -> ExportList:
    rows = await desk.store.jobs(KIND, args.campaign, args.limit)
    return ExportList(exports=[_view(desk.live.jobs.get(row.id, row)) for row in rows if _visible(desk.live, who, row)])


def _view(row: JobRow) -> ExportView:
    return ExportView(
        job=row.id,
        command=row.command,
        campaign=row.campaign,
        state=row.state,
        by=row.by,
        at=iso(row.at),
        ended_at=None if row.ended_at is None else iso(row.ended_at),
        rows=row.counts.get("rows", 0),
        file=row.file,
        because=row.because,
    )


async def _fetch(desk: Desk, who: Who, args: Fetch) -> Piece:
    row = await _job(desk, who, args.job)
    if row.state != "done":
        raise Refusal("illegal_state", f"{row.id} is {row.state}: it has no file", "job")
    content, size = await _kept(desk.exports.read_file(row.file, args.offset, args.limit))
    return piece(row, args.offset, content, size)


async def _cancel(desk: Desk, who: Who, args: WhichJob) -> Cancelled:
    row = await _job(desk, who, args.job)
    may_cancel(row, who)
    if not desk.jobs.cancel(row.id, who.principal):
        raise not_running(row)
    return Cancelled(job=row.id)


def _long(name: str, summary: str, args: Any, plan: Callable[[Desk, Who, Any], Planned]) -> Command[Any]:
    return Command(name, summary, OFFICE, args, Made, "job", plan=plan)


COMMANDS: tuple[Command[Any], ...] = (
    _long("lead.export", "A campaign's leads as a file", LeadExport, _export_leads),
    _long("lead.print", "A lead as a sheet for print", LeadPrint, _print_lead),
    _long("call.export", "Calls as a file", CallExport, _export_calls),
    _long("campaign.export", "Campaigns with their figures as a file", CampaignExport, _export_campaigns),
    _long("campaign.print", "A campaign as a sheet for print", CampaignPrint, _print_campaign),
    Command("export.list", "Exports and sheets that were made", OFFICE, ExportListing, ExportList, "read", read=_list),
    Command("export.fetch", "A piece of a file that was made", OFFICE, Fetch, Piece, "read", read=_fetch),
    Command("export.cancel", "End an export before it is done", OFFICE, WhichJob, Cancelled, "read", read=_cancel),
)
