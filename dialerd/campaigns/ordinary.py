"""Calls that are not ours: how many lines of each trunk they hold, as the servers tell and as the floor reserves (V09).

Never a live truth: a count is as old as the last look at the server's channels.
"""

from __future__ import annotations

from collections.abc import Mapping

from dialerd.model.limits import channel_prefix
from dialerd.model.policies import Floor, Trunk


class OrdinaryCalls:
    """Calls that are not ours, as the servers tell of them."""

    def __init__(self) -> None:
        self.counted: dict[str, int] = {}
        """By trunk, where they are counted."""
        self.total = 0
        """Lines that ordinary calls hold or that are kept for them, each endpoint once."""

    def told(self, floor: Floor, counted: Mapping[str, int]) -> None:
        """New counts of some trunks."""
        self.counted.update(counted)
        self.configured(floor)

    def configured(self, floor: Floor) -> None:
        """The floor is this one now, or the counts are others."""
        self.counted = {
            name: n for name, n in self.counted.items() if name in floor.trunks and floor.trunks[name].count_ordinary
        }
        held: dict[tuple[str, str], int] = {}
        for name, trunk in floor.trunks.items():
            where = (trunk.server, channel_prefix(trunk.dial) or name)
            held[where] = max(held.get(where, 0), self.held(name, trunk))
        self.total = sum(held.values())

    def held(self, name: str, trunk: Trunk) -> int:
        """Lines of a trunk that are not for campaigns now."""
        return max(trunk.ordinary_lines, self.counted.get(name, 0))
