"""What committed turns say in figures: calls that ended, and how long answered customers waited for their bridge.

Never counts the same call twice.
"""

from __future__ import annotations

from collections.abc import Iterator

from dialerd.campaigns.engine import Engine
from dialerd.model.facts import CallBridged
from dialerd.model.rows import AttemptRow
from dialerd.model.turn import Committed


class Measuring:
    """Reads turns as they are committed."""

    def __init__(self, engine: Engine) -> None:
        self._live = engine.live

    def ended(self, committed: Committed) -> Iterator[AttemptRow]:
        """Attempts that ended in this turn."""
        for row in committed.rows:
            if isinstance(row, AttemptRow) and not row.live:
                yield row

    def connected(self, committed: Committed) -> Iterator[tuple[str, float]]:
        """(campaign, seconds from the answer to the bridge) of calls bridged in this turn."""
        for fact in committed.turn.facts:
            if isinstance(fact, CallBridged):
                call = self._live.calls.get(fact.call)
                if call is not None and call.connected_at is not None and call.answered_at is not None:
                    yield call.campaign, call.connected_at - call.answered_at
