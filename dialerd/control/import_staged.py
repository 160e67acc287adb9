"""Leads of an all-or-nothing import, added from the file in which they were staged, through restarts.

Never adds a portion without keeping, in the same turn, that it was added.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TypeVar

import msgspec

from dialerd.control.import_pace import Pace
from dialerd.control.lead_import import Imported
from dialerd.control.leads import batch_subject
from dialerd.control.long_commands import Finished, Progress
from dialerd.control.table import Desk
from dialerd.model.errors import Refusal
from dialerd.model.facts import LeadsAdded, NewLead
from dialerd.ports.import_files import StagedHead
from dialerd.ports.store import StoreFailingError

FRAME = 50
"""Leads staged together: in a turn they are added together, or not."""
COUNTS = ("rows", "added", "duplicates", "suppressed", "refused")
FRAMES = "frames"
"""Counts what was added of a staged import, so that it goes on there after a restart."""
RETRY_S = 1.0
"""Real seconds until a store that fails is asked again."""
T = TypeVar("T")


class StagedWork:
    """What was staged is added, from where it stands: after the decision, and again after a restart."""

    def __init__(self, desk: Desk, job: str, name: str) -> None:
        self._desk = desk
        self._job = job
        self._name = name
        self._pace = Pace()

    async def run(self, progress: Progress) -> Finished:
        """Add what is left. Raises Refusal (`staged_gone`, or the campaign takes no leads any more)."""
        files = self._desk.lists.files
        try:
            head, frames = await asyncio.to_thread(files.staged, self._name)
            for _ in range(self._counts().get(FRAMES, 0)):
                await asyncio.to_thread(next, frames, None)
            while taken := await asyncio.to_thread(_some, frames, self._frames()):
                batch_subject(self._desk.live, head.campaign)
                began = asyncio.get_running_loop().time()
                await self._add(progress, head, taken)
                self._pace.took(asyncio.get_running_loop().time() - began)
        except Refusal:
            await asyncio.to_thread(files.drop_staged, self._name)
            raise
        await asyncio.to_thread(files.drop_staged, self._name)
        counts = self._counts()
        result = msgspec.json.decode(head.reply)
        result |= {name: counts.get(name, 0) for name in COUNTS}
        return Finished(Imported.model_validate(result), counts, str(result["report"]))

    def _frames(self) -> int:
        return max(1, self._pace.size(busy=bool(self._desk.live.calls)) // FRAME)

    async def _add(self, progress: Progress, head: StagedHead, taken: Sequence[Sequence[NewLead]]) -> None:
        leads = [lead for frame in taken for lead in frame]
        known = await self._known(head.campaign, [phone for lead in leads for phone in (lead.phone, *lead.phones)])
        new = tuple(lead for lead in leads if known.isdisjoint((lead.phone, *lead.phones)))
        counts = {FRAMES: len(taken), "duplicates": len(leads) - len(new)}
        await asyncio.shield(
            progress.settle(LeadsAdded(head.campaign, new, head.source, head.principal, self._job, counts))
        )
        progress.tell(**self._counts())

    async def _known(self, campaign: str, phones: Sequence[str]) -> set[str]:
        """As the store tells; it is asked until it answers, as what was decided has to be done."""
        while True:
            try:
                return await self._desk.store.known_phones(campaign, phones)
            except StoreFailingError:
                with suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.Event().wait(), RETRY_S)

    def _counts(self) -> dict[str, int]:
        row = self._desk.live.jobs.get(self._job)
        return {} if row is None else dict(row.counts)


def _some(frames: Iterator[T], most: int) -> list[T]:
    found: list[T] = []
    for frame in frames:
        found.append(frame)
        if len(found) == most:
            break
    return found
