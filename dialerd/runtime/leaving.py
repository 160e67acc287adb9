"""The way out of a written turn: what binds us leaves when it is on the disk, in the order of the turns.

Never lets a later turn overtake an earlier one; the turn loop goes on meanwhile, and one sync is for all that waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from dialerd.model.intents import AnyIntent
from dialerd.model.turn import Committed

UNSURE_S = 0.050
"""For so long, at most, is a turn from which nothing binding leaves written without being on the disk."""
BEHIND = 50
"""So many turns may wait for the disk before no further one is taken."""


class Written(msgspec.Struct, frozen=True):
    """A written turn: what of it is still to leave, and who waits for it to be on the disk."""

    committed: Committed
    intents: Sequence[AnyIntent]
    waited_for: Sequence[asyncio.Future[None]]
    lasting: bool
    """Whether it must be on the disk first."""


class Leaving:
    """A queue of written turns, and the task that syncs and empties it."""

    def __init__(
        self, harden: Callable[[], Awaitable[None]], carry_out: Callable[[Committed, Sequence[AnyIntent]], None]
    ) -> None:
        """`harden` returns when all that was written before it was called is on the disk; it tries until it is."""
        self._harden = harden
        self._carry_out = carry_out
        self._queue: list[Written] = []
        self._syncing = False
        self._due = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._sync_at: asyncio.TimerHandle | None = None

    def put(self, written: Written) -> None:
        """A turn was written; if nothing binding is in it or before it, it leaves now."""
        if written.lasting or self._syncing or self._queue:
            self._queue.append(written)
            if len(self._queue) >= BEHIND:
                self._room.clear()
        else:
            self._leave(written)
        if written.lasting:
            self._due.set()
        elif self._sync_at is None:
            self._sync_at = asyncio.get_running_loop().call_later(UNSURE_S, self._due.set)

    async def room(self) -> None:
        """Return when not too many turns wait for the disk."""
        await self._room.wait()

    async def run(self) -> None:
        """Sync and let leave, for ever."""
        while True:
            await self._due.wait()
            self._due.clear()
            if self._sync_at is not None:
                self._sync_at.cancel()
                self._sync_at = None
            queue, self._queue = self._queue, []
            self._syncing = True
            await self._harden()
            self._syncing = False
            for written in queue:
                self._leave(written)
            # what came meanwhile and binds nobody need not wait for another sync
            while self._queue and not self._queue[0].lasting:
                self._leave(self._queue.pop(0))
            self._room.set()

    def _leave(self, written: Written) -> None:
        self._carry_out(written.committed, written.intents)
        for done in written.waited_for:
            if not done.done():
                done.set_result(None)
