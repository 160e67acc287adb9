"""The questions on pasts, do-not-call lists and refusals, each carried to the thread that reads.

Never runs SQL in the event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

from dialerd.adapters.storage.legal_reading import LegalReading
from dialerd.model.instants import Instant
from dialerd.model.pasts import Past
from dialerd.model.rows import RefusalRow, SuppressionRow

P = ParamSpec("P")
T = TypeVar("T")


class LegalAsking:
    """`dialerd.ports.legal_store.LegalStore` for a store that has a reading and a thread for it."""

    _reading: LegalReading

    async def _read(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        raise NotImplementedError("the store carries it to its thread")

    async def pasts(self, numbers: Sequence[str], since: Instant | None, lists: bool) -> list[Past]:
        """See `LegalReading.pasts`."""
        return await self._read(self._reading.pasts, numbers, since, lists)

    async def entries(self, list_name: str, channel: str, numbers: Sequence[str]) -> list[SuppressionRow]:
        """See `LegalReading.entries`."""
        return await self._read(self._reading.entries, list_name, channel, numbers)

    async def refusal(self, lead: int) -> RefusalRow | None:
        """See `LegalReading.refusal`."""
        return await self._read(self._reading.refusal, lead)
