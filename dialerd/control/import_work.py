"""An import under way: a list read portion by portion, checked, told of, and added in small turns beside the calls (C06, C07).

Never holds more of a list than a portion, never adds a lead whose row was not counted in the same turn, and of an all-or-nothing
import adds nobody before every row was found good and stands on the disk.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from dialerd.control.import_sifting import NotTaken, Sifted, sift
from dialerd.control.import_staged import COUNTS, FRAME, Pace, StagedWork
from dialerd.control.lead_import import (
    Import,
    Imported,
    RowNotTaken,
    checking_of,
    how_of,
    mapping_shown,
    source_of,
)
from dialerd.control.leads import batch_subject
from dialerd.control.long_commands import Finished, Planned, Progress
from dialerd.control.table import Desk, Who
from dialerd.model.errors import Refusal
from dialerd.model.facts import AnyFact, ImportDecided, LeadsAdded, NewLead
from dialerd.model.rows import JobRow
from dialerd.ports.import_files import Report, StagedHead, Staging
from dialerd.ports.sheets import Checking, HowToRead, LeadReading, LeadRows, Source

KIND = "import"
COMMAND = "lead.import"
TOLD = 100
"""Rows that the answer tells of; the report has them all."""
_RESULTS = {"duplicate": "duplicates", "suppressed": "suppressed", "refused": "refused"}


class ImportWork:
    """One lead.import."""

    def __init__(self, desk: Desk, who: Who, args: Import, source: Source, how: HowToRead, check: Checking) -> None:
        self._desk = desk
        self._who = who
        self._args = args
        self._source = source
        self._how = how
        self._checking = check
        self._counts: Counter[str] = Counter()
        self._warnings: Counter[str] = Counter()
        self._told: list[RowNotTaken] = []
        self._report: Report | None = None
        self._report_name = ""
        self._pace = Pace()
        self._decided = False
        """Whether staged leads are to be kept whatever happens here."""

    async def run(self, progress: Progress) -> Finished:
        """Read the list to its end. Raises Refusal, StoreFailingError."""
        lists = self._desk.lists
        staging: Staging | None = None
        async with lists.reading:
            reading = await asyncio.to_thread(lists.sheets.leads, self._source, self._how, self._checking)
            try:
                if self._args.all_or_nothing and not self._args.dry_run:
                    staging = await asyncio.to_thread(lists.files.stage, progress.job)
                while (rows := await asyncio.to_thread(next, reading, None)) is not None:
                    await self._portion(progress, reading, rows, staging)
            except BaseException:
                self._let_go(reading, staging)
                raise
        try:
            if staging is not None and not self._counts["refused"]:
                return await self._add_staged(progress, reading, staging)
            if staging is not None:
                self._counts["added"] = 0
            state = "nothing" if staging is not None else "done"
            return self._finished(progress, reading, state)
        finally:
            self._let_go(reading, staging)

    def _let_go(self, reading: LeadReading, staging: Staging | None) -> None:
        asyncio.get_running_loop().run_in_executor(None, self._close, reading, staging)

    def _close(self, reading: LeadReading, staging: Staging | None) -> None:
        """In a thread: a process is ended, and what nobody needs is deleted."""
        reading.close()
        if self._report is not None:
            self._report.close()
        if staging is not None and not self._decided:
            staging.drop()

    # --- a portion

    async def _portion(self, progress: Progress, reading: LeadReading, rows: LeadRows, staging: Staging | None) -> None:
        batch_subject(self._desk.live, self._args.campaign)  # it may have gone meanwhile
        self._warnings.update(rows.warnings)
        sifted = await sift(self._desk, self._args.campaign, rows)
        counts = Counter({"rows": len(sifted.not_taken)})
        counts.update(_RESULTS[one.result] for one in sifted.not_taken)
        await self._tell_of(progress, reading, sifted)
        if staging is None and not self._args.dry_run:
            await self._add(progress, sifted.new, counts)
            return
        if staging is not None:
            for frame in _slices(sifted.new, FRAME):
                await asyncio.to_thread(staging.add, frame)
        self._counts.update(counts)
        self._counts["rows"] += len(sifted.new)
        self._counts["added"] += len(sifted.new)
        told = {name: self._counts[name] for name in COUNTS}
        if staging is not None:
            told["added"] = 0
        progress.tell(**told)

    async def _add(self, progress: Progress, new: Sequence[NewLead], counts: Counter[str]) -> None:
        """Add leads in turns as small as the calls want them; `counts` is told with the first."""
        start = 0
        while start < len(new) or counts:
            leads = new[start : start + self._pace.size(busy=bool(self._desk.live.calls))]
            start += len(leads)
            counts["rows"] += len(leads)
            fact = LeadsAdded(
                self._args.campaign,
                tuple(leads),
                COMMAND,
                self._who.principal,
                progress.job,
                dict(counts),
                self._report_name,
            )
            began = asyncio.get_running_loop().time()
            await self._settled(progress, fact)
            self._pace.took(asyncio.get_running_loop().time() - began)
            counts = Counter()

    async def _settled(self, progress: Progress, fact: AnyFact) -> None:
        """Settle a fact of the job, and take over what the turn made of its counts; also when it is being cancelled."""
        settling = asyncio.ensure_future(progress.settle(fact))
        try:
            await asyncio.shield(settling)
        except asyncio.CancelledError:
            await settling  # it is in the turn already: what is told at the end has to have it
            raise
        finally:
            row = self._desk.live.jobs.get(progress.job)
            if row is not None and settling.done():
                self._counts = Counter(row.counts)
                progress.tell(**row.counts)

    async def _tell_of(self, progress: Progress, reading: LeadReading, sifted: Sifted) -> None:
        every = self._args.duplicates == "keep" or self._args.dry_run
        told = [one for one in sifted.not_taken if every or one.result != "duplicate"]
        if not told:
            return
        if self._report is None:
            headings = reading.heading.headings
            self._report = await asyncio.to_thread(self._desk.lists.files.report, progress.job, headings)
            self._report_name = self._report.name
        await asyncio.to_thread(self._report.add, [_line(one) for one in told])
        for one in told[: TOLD - len(self._told)]:
            because = one.because[:500]
            self._told.append(RowNotTaken(row=one.row, phone=one.phone, result=one.result, because=because))

    # --- the end

    def _result(self, progress: Progress, reading: LeadReading, state: str) -> Imported:
        heading = reading.heading
        return Imported(
            job=progress.job,
            state=state,
            campaign=self._args.campaign,
            refusals=self._told,
            report=self._report_name,
            warnings=dict(self._warnings),
            mapping=mapping_shown(reading.mapping),
            sheet=heading.sheet,
            encoding=heading.encoding,
            separator=heading.separator,
            dry_run=self._args.dry_run,
            **{name: self._counts[name] for name in COUNTS},
        )

    def _finished(self, progress: Progress, reading: LeadReading, state: str) -> Finished:
        result = self._result(progress, reading, state)
        counts = {name: self._counts[name] for name in COUNTS} | {f"warned_{k}": n for k, n in self._warnings.items()}
        if not self._args.dry_run and state == "done":
            self._drop_upload()
        return Finished(result, counts, self._report_name)

    def _drop_upload(self) -> None:
        """What was imported is not needed any more."""
        if self._args.upload:
            drop = self._desk.lists.files.drop_upload
            asyncio.get_running_loop().run_in_executor(None, _quietly, drop, self._args.upload, self._who.principal)

    async def _add_staged(self, progress: Progress, reading: LeadReading, staging: Staging) -> Finished:
        """All rows are good: say so for good, then add them."""
        count = self._counts["added"]
        self._counts["added"] = 0
        result = self._result(progress, reading, "done")
        head = StagedHead(
            self._args.campaign,
            COMMAND,
            self._who.principal,
            progress.asked_as if self._args.wait else "",
            result.model_dump_json().encode(),
            count,
        )
        await asyncio.to_thread(staging.finish, head)
        self._decided = True
        await self._settled(
            progress, ImportDecided(progress.job, staging.name, {name: self._counts[name] for name in COUNTS})
        )
        finished = await StagedWork(self._desk, progress.job, staging.name).run(progress)
        self._drop_upload()
        return finished


def resumed(desk: Desk, row: JobRow) -> tuple[Planned, str]:
    """What an earlier process had decided and not added to the end; and the command's id, empty if nobody waits for its end."""
    try:
        id_ = desk.lists.files.staged(row.staged)[0].id
    except Refusal:
        id_ = ""  # the work meets it again and says so
    answered = None if id_ else _begun
    return Planned(KIND, row.campaign, StagedWork(desk, row.id, row.staged).run, answered), id_


def plan(desk: Desk, who: Who, args: Import) -> Planned:
    """An import whose arguments were found good."""
    source, how, checking = source_of(desk, who, args), how_of(args), checking_of(desk, args)
    return Planned(
        KIND, args.campaign, ImportWork(desk, who, args, source, how, checking).run, None if args.wait else _begun
    )


def _begun(job: str) -> Imported:
    return Imported(
        job=job,
        state="running",
        campaign="",
        rows=0,
        added=0,
        duplicates=0,
        suppressed=0,
        refused=0,
        refusals=[],
        report="",
        warnings={},
        mapping={},
        sheet="",
        encoding="",
        separator="",
        dry_run=False,
    )


def _line(one: NotTaken) -> list[str | int]:
    return [one.row, one.phone, one.result, one.because, *one.cells]


def _slices(leads: Sequence[NewLead], size: int) -> Iterator[Sequence[NewLead]]:
    for start in range(0, len(leads), size):
        yield leads[start : start + size]


def _quietly(work: Callable[[str, str], None], upload: str, by: str) -> None:
    try:
        work(upload, by)
    except Refusal:
        return  # it is gone already
