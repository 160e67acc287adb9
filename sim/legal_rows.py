"""What the rules ask of past calls and do-not-call lists, kept in memory for a simulated daemon.

Never a substitute for the store's contract.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dialerd.model.instants import Instant
from dialerd.model.pasts import ListEntry, Past, PastCall
from dialerd.model.rows import AbandonRow, AttemptRow, DncListRow, RefusalRow, SuppressionRow


class LegalRows:
    """The newest of every row of that kind."""

    def __init__(self) -> None:
        self.suppressions: dict[str, dict[tuple[str, str], SuppressionRow]] = {}
        self.refusals: dict[int, RefusalRow] = {}
        self._calls: dict[str, dict[str, PastCall]] = {}
        self._lists: dict[tuple[str, str], DncListRow] = {}
        self._abandons: dict[tuple[str, str], AbandonRow] = {}

    def put(self, row: SuppressionRow | RefusalRow | DncListRow | AbandonRow | AttemptRow) -> None:
        """Keep a copy of a row."""
        kept = msgspec.structs.replace(row)
        match kept:
            case AttemptRow():
                told = PastCall(
                    kept.id,
                    kept.placed_at,
                    kept.campaign,
                    kept.purpose,
                    kept.outcome,
                    kept.answered_by,
                    kept.connected_at is not None,
                )
                self._calls.setdefault(kept.number, {})[kept.id] = told
            case SuppressionRow():
                self.suppressions.setdefault(kept.number, {})[kept.list_name, kept.channel] = kept
            case RefusalRow():
                self.refusals[kept.lead] = kept
            case DncListRow():
                self._lists[kept.list_name, kept.channel] = kept
            case AbandonRow():
                self._abandons[kept.campaign, kept.rule] = kept

    def lists(self) -> list[DncListRow]:
        """Copies of the do-not-call lists."""
        return [msgspec.structs.replace(row) for row in self._lists.values()]

    def abandons(self) -> list[AbandonRow]:
        """Copies of the newest counts of each campaign and abandon rule."""
        return [msgspec.structs.replace(row) for row in self._abandons.values()]

    def pasts(self, numbers: Sequence[str], since: Instant | None, lists: bool) -> list[Past]:
        """Of `numbers`, those that have a past."""
        found = []
        for number in dict.fromkeys(numbers):
            every = self._calls.get(number, {}).values() if since is not None else ()
            calls = tuple(call for call in every if since is not None and call.at >= since)
            rows = self.suppressions.get(number, {}).values() if lists else ()
            entries = tuple(
                ListEntry(row.list_name, row.channel, row.at, row.until, row.version) for row in rows if row.active
            )
            if calls or entries:
                found.append(Past(number, calls, entries))
        return found
