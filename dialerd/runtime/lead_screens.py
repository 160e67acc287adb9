"""Tells an agent's softphone of the lead he is offered or talks with: `event/agent/<id>/lead` (V11, C08, C12, C13).

Never holds up the turn that offers the call: what the store has to tell is read beside it.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import msgspec

from dialerd.campaigns.engine import Engine
from dialerd.control.lead_screens import screen
from dialerd.model.instants import Instant, iso
from dialerd.model.rows import AttemptRow, LeadRow
from dialerd.model.turn import Committed
from dialerd.ports.message_bus import MessageBus, NoBus
from dialerd.ports.store import Store, StoreFailingError

SHOWN = frozenset({"offered", "connecting", "talking"})


class LeadScreens:
    """Looks at committed turns; each agent is told of a call when it is offered and when they talk."""

    def __init__(self, engine: Engine, store: Store, bus: MessageBus) -> None:
        self._live = engine.live
        self._store = store
        self._bus = bus
        self._heard = not isinstance(bus, NoBus)
        self._told: dict[str, tuple[str, str]] = {}
        """Of each live call: the agent and the state told last."""
        self._reading: set[asyncio.Task[None]] = set()

    def committed(self, committed: Committed) -> None:
        """Tell of the calls that a committed turn brought to agents."""
        if not self._heard:
            return
        for row in committed.rows:
            if isinstance(row, AttemptRow):
                self._look(row, committed.turn.at)

    def _look(self, row: AttemptRow, at: Instant) -> None:
        if not row.live:
            self._told.pop(row.id, None)
            return
        if row.state not in SHOWN or not row.agent:
            return
        state = "talking" if row.state == "talking" else "offered"
        if self._told.get(row.id) == (row.agent, state):
            return
        self._told[row.id] = (row.agent, state)
        lead = self._live.leads.get(row.lead)
        if lead is None:
            return  # the call is over already
        # as they are now: the task runs later
        task = asyncio.get_running_loop().create_task(
            self._tell(msgspec.structs.replace(row), msgspec.structs.replace(lead), at)
        )
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def _tell(self, call: AttemptRow, lead: LeadRow, at: Instant) -> None:
        attempts: list[AttemptRow] | None = None
        with suppress(StoreFailingError):  # the agent needs to know whom he talks with all the same
            attempts = await self._store.attempts_of(lead.id)
        shown = {"at": iso(at), **screen(self._live, call, lead, attempts)}
        self._bus.publish_event(f"agent/{call.agent}/lead", msgspec.json.encode(shown))

    async def aclose(self) -> None:
        """Stop reading."""
        for task in list(self._reading):
            task.cancel()
        await asyncio.gather(*self._reading, return_exceptions=True)
