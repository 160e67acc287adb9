"""What changed in the last turns, so that what the store was asked before is not taken for what is so now.

Never the truth about a row: it only says that an older answer does not know of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable

from dialerd.model.rows import ContactRow, LeadRow, MemberRow, TicketRow

FOUND = frozenset({LeadRow, ContactRow, MemberRow, TicketRow})
"""Kinds of rows that are not in live state as a whole: they are asked of the store and come back with a fact."""
TURNS = 128
"""So many turns are remembered; an answer that is older than that is asked for anew."""


class Lately:
    """The turn in which each row of the kinds in FOUND was last changed, and each new phone of a campaign."""

    def __init__(self) -> None:
        self._last: dict[Hashable, int] = {}
        self._order: deque[tuple[int, Hashable]] = deque()

    def note(self, key: Hashable, seq: int) -> None:
        """`key` changed in turn `seq`."""
        if self._last.get(key) == seq:
            return
        self._last[key] = seq
        self._order.append((seq, key))
        oldest = seq - TURNS
        while self._order[0][0] < oldest:
            was, gone = self._order.popleft()
            if self._last.get(gone) == was:
                del self._last[gone]

    def forget(self, key: Hashable) -> None:
        """`key` is no more what it became: whoever asks from now on is told so by the store."""
        self._last.pop(key, None)

    def knows(self, key: Hashable) -> bool:
        """Whether `key` changed in the turns that are remembered."""
        return key in self._last

    def still_so(self, key: Hashable, as_of: int, seq: int) -> bool:
        """Whether an answer that knows all turns until `as_of` tells of `key` as it is in turn `seq`."""
        return seq - as_of <= TURNS and self._last.get(key, 0) <= as_of
