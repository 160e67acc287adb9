"""The rows of a simulated daemon, kept in memory: what a shift needs of a store, without SQL.

Never a substitute for the store's contract: whoever wants that gives the driver a real ledger.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from dialerd.campaigns.rebuilding import Kept
from dialerd.model.instants import Instant
from dialerd.model.rows import AgentRow, AttemptRow, CampaignRow, CounterRow, LeadRow, TallyRow
from dialerd.model.states import DIALABLE
from dialerd.model.turn import Committed

R = TypeVar("R", CampaignRow, TallyRow, AgentRow, CounterRow)


class RowsKept:
    """The newest of every row, and the leads of each campaign in the order in which they are due."""

    def __init__(self) -> None:
        self.leads: dict[int, LeadRow] = {}
        self.attempts: dict[str, AttemptRow] = {}
        self._others: dict[type, dict[str, Any]] = {}
        self._seq = 0
        self._due: dict[str, list[tuple[Instant, int]]] = {}

    def commit(self, batch: Sequence[Committed]) -> None:
        """Keep what the turns changed."""
        for committed in batch:
            self._seq = committed.turn.seq
            for row in committed.rows:
                match row:
                    case LeadRow():
                        kept = msgspec.structs.replace(row)
                        self.leads[row.id] = kept
                        if kept.state in DIALABLE:
                            heapq.heappush(self._due.setdefault(kept.campaign, []), (kept.next_at, kept.id))
                    case AttemptRow():
                        self.attempts[row.id] = msgspec.structs.replace(row)
                    case CampaignRow() | AgentRow():
                        self._others.setdefault(type(row), {})[row.id] = msgspec.structs.replace(row)
                    case TallyRow():
                        self._others.setdefault(TallyRow, {})[row.campaign] = msgspec.structs.replace(row)
                    case CounterRow():
                        self._others.setdefault(CounterRow, {})[row.name] = msgspec.structs.replace(row)

    def load(self, token: str) -> Kept:
        """Copies of all rows that live state is rebuilt from, as a store tells them."""

        def copies(kind: type[R]) -> list[R]:
            return [msgspec.structs.replace(row) for row in self._others.get(kind, {}).values()]

        live = [msgspec.structs.replace(row) for row in self.attempts.values() if row.live]
        states = Counter((lead.campaign, lead.state) for lead in self.leads.values())
        last: dict[str, Instant] = {}
        for row in self.attempts.values():
            last[row.trunk] = max(row.placed_at, last.get(row.trunk, 0.0))
        return Kept(
            token,
            self._seq,
            copies(CampaignRow),
            copies(TallyRow),
            copies(AgentRow),
            live,
            [msgspec.structs.replace(self.leads[row.lead]) for row in live],
            copies(CounterRow),
            [(campaign, state, count) for (campaign, state), count in states.items()],
            list(last.items()),
        )

    def due(self, campaign: str, now: Instant, limit: int) -> tuple[list[LeadRow], Instant | None]:
        """Up to `limit` leads that may be dialed, earliest first, and when the next beyond them is due."""
        heap = self._due.get(campaign, [])
        found: list[LeadRow] = []
        entries: list[tuple[Instant, int]] = []
        next_due: Instant | None = None
        while heap:
            next_at, lead = heap[0]
            row = self.leads[lead]
            if row.state not in DIALABLE or row.next_at != next_at or (entries and entries[-1] == heap[0]):
                heapq.heappop(heap)  # what it says is not so any more
                continue
            if next_at > now or len(found) >= limit:
                next_due = next_at
                break
            entries.append(heapq.heappop(heap))
            found.append(row)
        for entry in entries:
            heapq.heappush(heap, entry)
        return found, next_due
