"""The campaign engine: apply(record), next_intent(), next_wakeup(), and the rows that changed.

Never reads a clock or waits: `now` is given with the turn, the next wakeup is handed out.
"""

from __future__ import annotations

from typing import Any

from dialerd.campaigns import deciding
from dialerd.campaigns.applying import APPLY
from dialerd.campaigns.dossiers import dossier_of
from dialerd.campaigns.live import Live
from dialerd.campaigns.rebuilding import Kept, rebuild
from dialerd.compliance.gate import Dossier
from dialerd.model.facts import AnyFact
from dialerd.model.instants import Instant
from dialerd.model.intents import AnyIntent, Dial, Show
from dialerd.model.rows import Row


class Engine:
    """All campaigns on their shared floor, as one synchronous state."""

    def __init__(self, kept: Kept) -> None:
        self.live: Live = rebuild(kept)

    def begin(self, seq: int, now: Instant) -> None:
        """A turn begins at `now`."""
        self.live.begin(seq, now)

    def apply(self, record: AnyFact | AnyIntent) -> None:
        """Let a fact or an intent change the state. Raises OurMistakeError for an intent that is illegal in its state."""
        APPLY[type(record)](self.live, record)

    def next_intent(self) -> AnyIntent | None:
        """What should be done next; it changes nothing until it is applied."""
        return deciding.next_intent(self.live)

    def next_wakeup(self) -> Instant | None:
        """When something becomes due by time alone."""
        return deciding.next_wakeup(self.live)

    def dossier(self, dial: Dial | Show) -> Dossier:
        """What the gate may know of a call about to be placed, or of a lead about to be shown."""
        lead = self.live.hoppers[dial.campaign].row(dial.lead) or self.live.leads.get(dial.lead)
        assert lead is not None
        known = self.live.pasts.known.get(dial.number)
        return dossier_of(self.live, lead, dial.number, known, self.live.now)

    def take_changes(self) -> tuple[Row, ...]:
        """The rows changed since the last call, for the commit."""
        return self.live.take_changes()

    def snapshot(self) -> dict[str, Any]:
        """Everything that must be the same after a restart, for comparing."""
        return self.live.snapshot()
