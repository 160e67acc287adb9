"""What the store is asked for the law: pasts of numbers, entries of do-not-call lists, refusals.

Never a whole list: every question names the numbers or the lead that it is about.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from dialerd.model.instants import Instant
from dialerd.model.pasts import Past
from dialerd.model.rows import RefusalRow, SuppressionRow


class LegalStore(Protocol):
    """A part of the store. All raise StoreFailingError."""

    async def pasts(self, numbers: Sequence[str], since: Instant | None, lists: bool) -> list[Past]:
        """Of `numbers`, those that have a past: the calls placed from `since` on, over all campaigns (None: no calls), and,
        with `lists`, their entries that were not taken back and the last refusal. Each number once, in the order asked for.
        """

    async def entries(self, list_name: str, channel: str, numbers: Sequence[str]) -> list[SuppressionRow]:
        """The entries of these numbers in one list, also those taken back, in no order."""

    async def refusal(self, lead: int) -> RefusalRow | None:
        """The gate's last refusal of a lead."""
