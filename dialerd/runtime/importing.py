"""Leads from a text into a campaign, batch by batch, while calls go on.

Never stalls the turn loop: text is read in a thread, and each batch is one small turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from dialerd.campaigns.engine import Engine
from dialerd.control.lead_rows import Bad, Good, rows_of
from dialerd.control.leads import Add, Imported, RowRefused, batch_subject
from dialerd.control.table import Who
from dialerd.model.errors import Refusal
from dialerd.model.facts import LeadsAdded, NewLead, Reported
from dialerd.model.intents import Answer
from dialerd.ports.store import Store, StoreFailingError
from dialerd.runtime.judging import accepted, refused
from dialerd.runtime.turn_loop import TurnLoop

BATCH = 500
"""Leads added in one turn."""
TOLD = 100
"""Refused rows told one by one."""


class Importing:
    """Imports, one at a time: so no two see the same phone as new."""

    def __init__(self, engine: Engine, turns: TurnLoop, store: Store) -> None:
        self._engine = engine
        self._turns = turns
        self._store = store
        self._one = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, command: str, who: Who, id_: str, args: Any, fail: Callable[[Answer], None]) -> None:
        """Start an import; its answer comes with a committed turn, or by `fail` if nothing was begun."""
        task = asyncio.get_running_loop().create_task(self._run(command, who, id_, args, fail))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, command: str, who: Who, id_: str, args: Any, fail: Callable[[Answer], None]) -> None:
        async with self._one:
            try:
                report = await self._import(who, args, command)
            except Refusal as refusal:
                fail(Answer(who.principal, id_, command, refused(id_, refusal)))
                return
            except StoreFailingError as trouble:
                failing = Refusal("store_failing", f"the store cannot be used now: {trouble}")
                fail(Answer(who.principal, id_, command, refused(id_, failing)))
                return
            reply = accepted(id_, report)
            if report.dry_run:
                fail(Answer(who.principal, id_, command, reply))
                return
            await self._turns.settle(Reported(id_, who.principal, command, args.campaign, reply))

    async def _import(self, who: Who, args: Any, command: str) -> Imported:
        region = batch_subject(self._engine.live, args.campaign)
        dry_run = bool(getattr(args, "dry_run", False))
        report = Imported(
            campaign=args.campaign, rows=0, added=0, duplicates=0, refused=0, refusals=[], dry_run=dry_run
        )
        rows = rows_of(args, region)
        seen: set[str] = set()
        while batch := await asyncio.to_thread(_some, rows):
            report.rows += len(batch)
            fresh = self._sort(batch, seen, report, alone=isinstance(args, Add))
            known = await self._store.known_phones(args.campaign, [lead.phone for lead in fresh])
            new = tuple(lead for lead in fresh if lead.phone not in known)
            report.duplicates += len(fresh) - len(new)
            report.added += len(new)
            if new and not dry_run:
                await self._turns.settle(LeadsAdded(args.campaign, new, command, who.principal))
        return report

    @staticmethod
    def _sort(batch: list[Good | Bad], seen: set[str], report: Imported, *, alone: bool) -> list[NewLead]:
        fresh: list[NewLead] = []
        for row in batch:
            if isinstance(row, Bad):
                if alone:  # nobody reads a report of one row: it is a command that was refused
                    raise Refusal("bad_argument", row.because, row.field)
                report.refused += 1
                if len(report.refusals) < TOLD:
                    report.refusals.append(RowRefused(row=row.row, phone=row.phone, because=row.because))
            elif row.lead.phone in seen:
                report.duplicates += 1
            else:
                seen.add(row.lead.phone)
                fresh.append(row.lead)
        return fresh

    async def aclose(self) -> None:
        """Stop the imports under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _some(rows: Iterator[Good | Bad]) -> list[Good | Bad]:
    return list(islice(rows, BATCH))
