"""Tells an agent's softphone of the lead he is offered or talks with: `event/agent/<id>/lead` (V11, C08, C12, C13).

Never holds up the turn that offers the call: what the store has to tell is read beside it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress

import msgspec

from dialerd.campaigns.engine import Engine
from dialerd.control.lead_screens import screen, screen_of_shown
from dialerd.model.instants import Instant, iso
from dialerd.model.rows import AgentRow, AttemptRow, LeadRow
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
        self._shown: dict[str, int] = {}
        """The lead before each agent that was told last."""
        self._reading: set[asyncio.Task[None]] = set()

    def committed(self, committed: Committed) -> None:
        """Tell of the calls that a committed turn brought to agents."""
        if not self._heard:
            return
        for row in committed.rows:
            if isinstance(row, AttemptRow):
                self._look(row, committed.turn.at)
            elif isinstance(row, AgentRow):
                self._look_at_shown(row, committed.turn.at)

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
        self._begin(self._tell(msgspec.structs.replace(row), msgspec.structs.replace(lead), at))

    def _look_at_shown(self, row: AgentRow, at: Instant) -> None:
        """A lead that is put before an agent is told once."""
        lead = self._live.leads.get(row.lead)
        if lead is None or row.state != "previewing":
            self._shown.pop(row.id, None)
            return
        if self._shown.get(row.id) == row.lead:
            return
        self._shown[row.id] = row.lead
        self._begin(self._tell_shown(msgspec.structs.replace(row), msgspec.structs.replace(lead), at))

    def _begin(self, telling: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(telling)
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def _tell_shown(self, agent: AgentRow, lead: LeadRow, at: Instant) -> None:
        shown = {"at": iso(at), **screen_of_shown(self._live, agent, lead, await self._attempts(lead))}
        self._bus.publish_event(f"agent/{agent.id}/lead", msgspec.json.encode(shown))

    async def _attempts(self, lead: LeadRow) -> list[AttemptRow] | None:
        with suppress(StoreFailingError):  # the agent needs to know whom he talks with all the same
            return await self._store.attempts_of(lead.id)
        return None

    async def _tell(self, call: AttemptRow, lead: LeadRow, at: Instant) -> None:
        shown = {"at": iso(at), **screen(self._live, call, lead, await self._attempts(lead))}
        self._bus.publish_event(f"agent/{call.agent}/lead", msgspec.json.encode(shown))

    async def aclose(self) -> None:
        """Stop reading."""
        for task in list(self._reading):
            task.cancel()
        await asyncio.gather(*self._reading, return_exceptions=True)
