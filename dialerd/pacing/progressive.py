"""The progressive pacer: one call for each ready agent who has none on its way (V03).

Never places more calls than there are ready agents, whatever the answer rate.
"""

from __future__ import annotations

from dialerd.model.instants import Instant
from dialerd.pacing.contract import Event, Reading, most, one_to_one


class Progressive:
    """Needs no memory: what is ready and what is on its way decides."""

    __slots__ = ()

    def observe(self, event: Event, now: Instant) -> None:
        """Nothing is learned."""

    def calls_to_place(self, reading: Reading, now: Instant) -> int:
        """Ready agents minus calls in flight, within lines and leads."""
        return min(one_to_one(reading), most(reading))
