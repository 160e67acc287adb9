"""dnc.import: a list of numbers, put on a do-not-call list batch by batch while calls go on (C20).

Never takes a number off before the new list is whole: until then both hold, so that nobody is called in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Literal, TypeAlias

from pydantic import Field

from dialerd.control.dnc_text import Line, numbers_of_text
from dialerd.control.long_commands import Finished, Planned, Progress
from dialerd.control.table import Args, Desk, Result, Who
from dialerd.model.errors import Refusal
from dialerd.model.facts import ListComes, ListReplaced, NumbersListed
from dialerd.model.instants import iso
from dialerd.model.pasts import OF_CAMPAIGN
from dialerd.model.policies import Moment, Name, Region
from dialerd.model.rows import DncListRow, SuppressionRow

BATCH = 500
"""Numbers put on the list in one turn."""
TOLD = 100
"""Refused lines told one by one."""
LONGEST = 12_000_000


class Import(Args):
    """Numbers from a text."""

    csv: str = Field(max_length=LONGEST)
    """One number a line, or a CSV text whose first line is headings."""
    list: Literal["own", "register", "campaign"] = "own"
    """own: of the house; register: the operator's; campaign: of one campaign."""
    campaign: Name | None = None
    """That campaign."""
    channel: Literal["voice", "sms", "email", "all"] = "all"
    """What may not reach them. A register that tells calls and messages apart is imported once for each."""
    column: str = Field("phone", max_length=100)
    """The heading over the numbers."""
    region: Region = "VN"
    """Where numbers without a country code belong; none: they are taken as dialed."""
    replace: bool | None = None
    """Whether it takes the place of the list for this channel; empty: yes for the register, no for the others."""
    part: Literal["whole", "first", "more", "last"] = "whole"
    """Of a list that is too long for one text: first, more ... last. The old one holds until the last."""
    until: Moment | None = None
    """Until when they hold (ISO 8601 with offset); empty: for good."""
    because: str = Field("", max_length=500)
    as_of: str = Field("", max_length=100)
    """What list it is, such as its date."""
    dry_run: bool = False
    """Only report."""


class LineRefused(Result):
    """A line that was not taken, and why."""

    row: int
    text: str
    because: str


Refusals: TypeAlias = list[LineRefused]


class Imported(Result):
    """What became of the lines."""

    list: str
    channel: str
    rows: int
    added: int
    already: int
    """Numbers that were there, or twice in the text."""
    refused: int
    refusals: Refusals
    """The first hundred."""
    replaced: bool
    """Whether the list was replaced by this one."""
    version: int
    dry_run: bool


def plan(desk: Desk, who: Who, args: Import) -> Planned:
    """Raises Refusal for what does not fit together."""
    if (args.list == "campaign") != (args.campaign is not None):
        told = "is needed with the list campaign" if args.campaign is None else f"is given, and the list is {args.list}"
        raise Refusal("bad_argument", f"campaign {told}", "campaign")
    replaces = args.list == "register" if args.replace is None else args.replace
    if not replaces and args.part != "whole":
        raise Refusal("bad_argument", f"part={args.part} of a list that is added", "part", ["whole"])
    if args.until is not None and args.until <= desk.now:
        raise Refusal("bad_argument", f"{iso(args.until)} is over", "until", f"later than {iso(desk.now)}")
    importing = _Importing(desk, who, args, replaces)
    importing.check()
    return Planned("import", args.campaign or "", importing.run)


class _Importing:
    """One import on its way."""

    def __init__(self, desk: Desk, who: Who, args: Import, replaces: bool) -> None:
        self._desk, self._who, self._args, self._replaces = desk, who, args, replaces
        self._name = f"{OF_CAMPAIGN}{args.campaign}" if args.list == "campaign" else args.list
        self.report = Imported(
            list=self._name, channel=args.channel, rows=0, added=0, already=0, refused=0, refusals=[], replaced=False,
            version=0, dry_run=args.dry_run,
        )  # fmt: skip

    def check(self) -> None:
        """Raises Refusal for a further part of what was not begun."""
        if self._args.part in ("more", "last") and not self._its.coming:
            told = f"nothing of a new {self._name} for {self._args.channel} was imported yet"
            raise Refusal("illegal_state", told, "part", ["whole", "first"])

    @property
    def _its(self) -> DncListRow:
        row = self._desk.live.dnc.get((self._name, self._args.channel))
        return row or DncListRow(self._name, self._args.channel)

    async def run(self, progress: Progress) -> Finished:
        """Read, check, put, and at the end of a whole list replace the old one."""
        args, report = self._args, self.report
        where = (self._name, args.channel)
        lines = numbers_of_text(args.csv, args.column, args.region)
        batch = await asyncio.to_thread(_some, lines)  # a text that cannot be read is refused before anything is begun
        version = await self._version(progress)
        while batch:
            numbers = await self._fresh(batch, version)
            if numbers and not args.dry_run:
                because = args.because or f"import {args.as_of}".strip()
                listed = NumbersListed(*where, tuple(numbers), self._who.principal, because, args.until, version)
                await progress.settle(listed)
            self._still_ours(version)
            progress.tell(rows=report.rows, added=report.added, already=report.already, refused=report.refused)
            batch = await asyncio.to_thread(_some, lines)
        if version and args.part in ("whole", "last") and not args.dry_run:
            await progress.settle(ListReplaced(*where, version, args.as_of, self._who.principal))
            report.replaced = True
        report.version = self._its.version
        counts = {name: getattr(report, name) for name in ("rows", "added", "already", "refused")}
        return Finished(report, counts)

    async def _version(self, progress: Progress) -> int:
        """The version that the numbers are of; 0: the one that holds."""
        if not self._replaces:
            return 0
        its = self._its
        if self._args.part in ("more", "last"):
            return its.coming
        version = max(its.version, its.coming) + 1
        if not self._args.dry_run:
            await progress.settle(ListComes(self._name, self._args.channel, version, self._who.principal))
        return version

    def _still_ours(self, version: int) -> None:
        if version and not self._args.dry_run and self._its.coming != version:
            told = f"another import of {self._name} for {self._args.channel} was begun: this one is given up"
            raise Refusal("illegal_state", told, "list")

    async def _fresh(self, batch: Sequence[Line], version: int) -> list[str]:
        """The numbers of a batch that are not on the list yet; the others are counted."""
        report = self.report
        report.rows += len(batch)
        for line in batch:
            if not line.number:
                report.refused += 1
                if len(report.refusals) < TOLD:
                    report.refusals.append(LineRefused(row=line.row, text=line.text, because=line.because))
        good = [line.number for line in batch if line.number]
        asked = list(dict.fromkeys(good))
        rows = await self._desk.store.entries(self._name, self._args.channel, asked)
        there = {row.number for row in rows if self._holds(row, version)}
        fresh = [number for number in asked if number not in there]
        report.added += len(fresh)
        report.already += len(good) - len(fresh)
        return fresh

    def _holds(self, row: SuppressionRow, version: int) -> bool:
        """Whether an entry is in this version already, for as long as is asked."""
        until = self._args.until
        if not row.active or row.version < (version or self._its.version):
            return False
        return row.until is None or (until is not None and row.until >= until)


def _some(lines: Iterator[Line]) -> list[Line]:
    return list(islice(lines, BATCH))
