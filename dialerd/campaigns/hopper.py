"""A campaign's hopper: a few hundred leads that are due, so that dialing never depends on the size of the list.

Never the truth: it is empty after a restart and filled again from the rows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import msgspec

from dialerd.model.instants import FAR, Instant
from dialerd.model.rows import LeadRow

FILL = 300
"""Leads asked for at once."""
LOW = 100
"""Below this many it is filled again."""


class Hopper:
    """Leads due, earliest first."""

    def __init__(self) -> None:
        self.queue: deque[LeadRow] = deque()
        self.asked = False
        """Whether leads are on their way."""
        self.next_due: Instant = 0.0
        """When the store has more for us: 0 if it may have some now, FAR if none."""
        self._ids: set[int] = set()
        self._left: set[int] = set()
        """Leads taken out since leads were last asked for: an answer on its way may still tell of them as they were."""

    def ask(self) -> None:
        """Leads are asked for from now on."""
        self.asked = True
        self._left.clear()

    def fill(self, leads: Iterable[LeadRow], next_due: Instant | None) -> None:
        """Leads from the store, and when the next beyond them is due (None: none)."""
        self.asked = False
        stale = False
        for lead in leads:
            if lead.id in self._left:
                stale = True
            elif lead.id not in self._ids:
                self._ids.add(lead.id)
                self.queue.append(msgspec.structs.replace(lead))
        # what was passed by may be due again by now, and the answer does not tell: ask once more
        self.next_due = 0.0 if stale else FAR if next_due is None else next_due

    def take(self, lead: int) -> LeadRow | None:
        """Take a lead out, wherever it stands."""
        if lead not in self._ids:
            return None
        self._ids.discard(lead)
        self._left.add(lead)
        if self.queue[0].id == lead:
            return self.queue.popleft()
        for place, row in enumerate(self.queue):
            if row.id == lead:
                del self.queue[place]
                return row
        return None

    def head(self) -> LeadRow | None:
        """The lead to dial next."""
        return self.queue[0] if self.queue else None

    def comes_due(self, at: Instant) -> None:
        """A lead outside the hopper may be dialed from `at` on."""
        self.next_due = min(self.next_due, at)

    def wants(self, now: Instant) -> bool:
        """Whether leads should be asked for now."""
        return not self.asked and len(self.queue) < LOW and self.next_due <= now

    def forget(self) -> None:
        """Drop all leads and ask anew: the policy has changed. An answer on its way is passed by."""
        self.queue.clear()
        self._left |= self._ids
        self._ids.clear()
        self.next_due = 0.0
