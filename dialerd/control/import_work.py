"""lead.import under way: rows become leads of a campaign, or nobody does if a single row is bad and that was asked for (C06, C07).

Never adds anybody of an all-or-nothing import before every row was found good and stands on the disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from dialerd.control.import_sifting import sift
from dialerd.control.import_staged import COUNTS, FRAME, StagedWork
from dialerd.control.lead_import import Import, Imported, checking_of
from dialerd.control.leads import batch_subject
from dialerd.control.list_args import begun, how_of, source_of
from dialerd.control.list_work import KIND, ListWork, Sifted
from dialerd.control.long_commands import Finished, Planned, Progress
from dialerd.control.table import Desk, Who
from dialerd.model.errors import Refusal
from dialerd.model.facts import ImportDecided, LeadsAdded, NewLead
from dialerd.model.rows import JobRow
from dialerd.ports.import_files import StagedHead, Staging
from dialerd.ports.sheets import Checking, HowToRead, LeadReading, LeadRows, Source

COMMAND = "lead.import"


class ImportWork(ListWork[NewLead, NewLead]):
    """One lead.import."""

    counted = COUNTS
    _args: Import

    def __init__(self, desk: Desk, who: Who, args: Import, source: Source, how: HowToRead, check: Checking) -> None:
        super().__init__(desk, who, args)
        self._source = source
        self._how = how
        self._checking = check
        self._staging: Staging | None = None
        self._decided = False
        """Whether staged leads are to be kept whatever happens here."""

    def _open(self) -> LeadReading:
        return self._desk.lists.sheets.leads(self._source, self._how, self._checking)

    def _check(self) -> None:
        batch_subject(self._desk.live, self._args.campaign)

    async def _sift(self, progress: Progress, rows: LeadRows) -> Sifted[NewLead]:
        return await sift(self._desk, self._args.campaign, rows)

    def _fact(self, job: str, items: Sequence[NewLead], counts: dict[str, int], row: int) -> LeadsAdded:
        report = self._report_name
        return LeadsAdded(self._args.campaign, tuple(items), COMMAND, self._who.principal, job, counts, report, row)

    def _answer(self, told: dict[str, Any]) -> Imported:
        return Imported(campaign=self._args.campaign, **told)

    def _tells_duplicates(self) -> bool:
        return self._args.dry_run or self._args.duplicates == "keep"

    # --- all or nothing

    async def _read(self, progress: Progress, reading: LeadReading) -> None:
        if self._args.all_or_nothing and not self._args.dry_run:
            self._staging = await asyncio.to_thread(self._desk.lists.files.stage, progress.job)
        await super()._read(progress, reading)

    async def _settle(self, progress: Progress, sifted: Sifted[NewLead], last: int) -> None:
        if self._staging is None:
            await super()._settle(progress, sifted, last)
            return
        for frame in _slices([one.item for one in sifted.new], FRAME):
            await asyncio.to_thread(self._staging.add, frame)
        await self._keep(progress, sifted)

    def _told_of(self) -> dict[str, int]:
        told = super()._told_of()
        if self._staging is not None:
            told["added"] = 0
        return told

    async def _end(self, progress: Progress, reading: LeadReading) -> Finished:
        if self._staging is None:
            return await super()._end(progress, reading)
        if not self._counts["refused"]:
            return await self._add_staged(progress, reading, self._staging)
        self._counts["added"] = 0
        return self._finished(progress, reading, "nothing")

    def _close(self, reading: LeadReading) -> None:
        super()._close(reading)
        if self._staging is not None and not self._decided:
            self._staging.drop()

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
    return Imported(campaign="", suppressed=0, **begun(job))


def _slices(leads: Sequence[NewLead], size: int) -> Iterator[Sequence[NewLead]]:
    for start in range(0, len(leads), size):
        yield leads[start : start + size]
