"""An import under way: a list read portion by portion, checked, told of, and settled in small turns beside the calls (C06, C07).

Never holds more of a list than a portion, and never settles a row that was not counted in the same turn.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import BaseModel

from dialerd.control.import_pace import Pace
from dialerd.control.list_args import Importing, RowNotTaken, mapping_shown
from dialerd.control.long_commands import Finished, Progress
from dialerd.control.table import Desk, Who
from dialerd.model.errors import Refusal
from dialerd.model.facts import AnyFact
from dialerd.ports.import_files import Report
from dialerd.ports.sheets import ListReading, Rows, RowTaken

KIND = "import"
TOLD = 100
"""Rows that the answer tells of; the report has them all."""
_RESULTS = {"duplicate": "duplicates", "suppressed": "suppressed", "refused": "refused"}
T = TypeVar("T")
"""What a row is when it was read."""
U = TypeVar("U")
"""What it is when it is settled."""


class NotTaken(NamedTuple):
    """A row that was not taken: `result` is refused, suppressed or duplicate."""

    row: int
    phone: str
    result: str
    because: str
    cells: list[str]


class Sifted(NamedTuple, Generic[U]):
    """What becomes of a portion's rows, both in the order of the rows."""

    new: list[RowTaken[U]]
    not_taken: list[NotTaken]


class ListWork(ABC, Generic[T, U]):
    """One import; what is read, and what becomes of it, is for the kind of list to say."""

    counted: Sequence[str] = ()
    """The counts that are told, in this order."""

    def __init__(self, desk: Desk, who: Who, args: Importing) -> None:
        self._desk = desk
        self._who = who
        self._args = args
        self._counts: Counter[str] = Counter()
        self._warnings: Counter[str] = Counter()
        self._told: list[RowNotTaken] = []
        self._report: Report | None = None
        self._report_name = ""
        self._pace = Pace()

    # --- what the kind of list says

    @abstractmethod
    def _open(self) -> ListReading[T]:
        """Begin to read; in a thread. Raises Refusal."""

    def _check(self) -> None:
        """Raises Refusal if what it is for has gone meanwhile."""

    @abstractmethod
    async def _sift(self, progress: Progress, rows: Rows[T]) -> Sifted[U]:
        """Sort a portion. Raises StoreFailingError."""

    @abstractmethod
    def _fact(self, job: str, items: Sequence[U], counts: dict[str, int], row: int) -> AnyFact:
        """What settles them, and counts the rows up to `row`."""

    def _become(self, items: Sequence[U]) -> Mapping[str, int]:
        """The counts of items that are not settled, in a dry run."""
        return {"added": len(items)}

    @abstractmethod
    def _answer(self, told: dict[str, Any]) -> BaseModel:
        """The result, from what all imports tell."""

    def _tells_duplicates(self) -> bool:
        """Whether the report has duplicates too."""
        return self._args.dry_run

    # --- the list

    async def run(self, progress: Progress) -> Finished:
        """Read the list to its end. Raises Refusal, StoreFailingError."""
        reading: ListReading[T] | None = None
        try:
            async with self._desk.lists.reading:
                reading = await asyncio.to_thread(self._open)
                await self._read(progress, reading)
            return await self._end(progress, reading)
        finally:
            if reading is not None:
                asyncio.get_running_loop().run_in_executor(None, self._close, reading)

    async def _read(self, progress: Progress, reading: ListReading[T]) -> None:
        while (rows := await asyncio.to_thread(next, reading, None)) is not None:
            await self._portion(progress, reading, rows)

    async def _end(self, progress: Progress, reading: ListReading[T]) -> Finished:
        return self._finished(progress, reading, "done")

    def _close(self, reading: ListReading[T]) -> None:
        """In a thread: a process is ended, and what nobody needs is deleted."""
        reading.close()
        if self._report is not None:
            self._report.close()

    # --- a portion

    async def _portion(self, progress: Progress, reading: ListReading[T], rows: Rows[T]) -> None:
        self._check()
        self._warnings.update(rows.warnings)
        sifted = await self._sift(progress, rows)
        await self._tell_of(progress, reading, sifted.not_taken)
        if self._args.dry_run:
            await self._keep(progress, sifted)
        else:
            await self._settle(progress, sifted, rows.last)

    async def _keep(self, progress: Progress, sifted: Sifted[U]) -> None:
        """Count a portion of which nothing is settled."""
        self._counts["rows"] += len(sifted.new) + len(sifted.not_taken)
        self._counts.update(_RESULTS[one.result] for one in sifted.not_taken)
        self._counts.update(self._become([one.item for one in sifted.new]))
        progress.tell(**self._told_of())

    def _told_of(self) -> dict[str, int]:
        """The counts as they are told now."""
        return {name: self._counts[name] for name in self.counted}

    async def _settle(self, progress: Progress, sifted: Sifted[U], last: int) -> None:
        """Settle items in turns as small as the calls want them; each turn counts the rows up to its own last one."""
        left = deque(sifted.not_taken)
        start = 0
        while True:
            items = sifted.new[start : start + self._pace.size(busy=bool(self._desk.live.calls))]
            start += len(items)
            row = last if start >= len(sifted.new) else items[-1].number
            counts = Counter({"rows": len(items)})
            while left and left[0].row <= row:
                counts["rows"] += 1
                counts[_RESULTS[left.popleft().result]] += 1
            fact = self._fact(progress.job, [one.item for one in items], dict(counts), row)
            began = asyncio.get_running_loop().time()
            await self._settled(progress, fact)
            self._pace.took(asyncio.get_running_loop().time() - began)
            if start >= len(sifted.new):
                return

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

    async def _tell_of(self, progress: Progress, reading: ListReading[T], not_taken: Sequence[NotTaken]) -> None:
        every = self._tells_duplicates()
        told = [one for one in not_taken if every or one.result != "duplicate"]
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

    def _result(self, progress: Progress, reading: ListReading[T], state: str) -> BaseModel:
        heading = reading.heading
        told: dict[str, Any] = {
            "job": progress.job,
            "state": state,
            "refusals": self._told,
            "report": self._report_name,
            "warnings": dict(self._warnings),
            "mapping": mapping_shown(reading.mapping),
            "sheet": heading.sheet,
            "encoding": heading.encoding,
            "separator": heading.separator,
            "dry_run": self._args.dry_run,
        }
        return self._answer(told | {name: self._counts[name] for name in self.counted})

    def _finished(self, progress: Progress, reading: ListReading[T], state: str) -> Finished:
        counts = {name: self._counts[name] for name in self.counted}
        counts |= {f"warned_{warned}": n for warned, n in self._warnings.items()}
        if not self._args.dry_run and state == "done":
            self._drop_upload()
        return Finished(self._result(progress, reading, state), counts, self._report_name)

    def _drop_upload(self) -> None:
        """What was imported is not needed any more."""
        if self._args.upload:
            drop = self._desk.lists.files.drop_upload
            asyncio.get_running_loop().run_in_executor(None, _quietly, drop, self._args.upload, self._who.principal)


def _line(one: NotTaken) -> list[str | int]:
    return [one.row, one.phone, one.result, one.because, *one.cells]


def _quietly(work: Callable[[str, str], None], upload: str, by: str) -> None:
    try:
        work(upload, by)
    except Refusal:
        return  # it is gone already


def told_by_reading(rows: Rows[Any]) -> list[NotTaken]:
    """Rows that the reading refused already, or found twice in the list."""
    told = [NotTaken(one.number, one.phone, "refused", one.because, one.cells) for one in rows.refused]
    return told + [NotTaken(one.number, one.phone, "duplicate", one.because, one.cells) for one in rows.twice]
