"""Rows of a list checked: picked by their columns, taken, or told where they cannot be (C06-C08).

Never stops at a bad row.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from dialerd.adapters.sheets.columns import PlacedColumns
from dialerd.model.errors import Refusal
from dialerd.model.lead_check import PHONE_TOLD
from dialerd.ports.sheets import AnyMapping, Picked, Row, RowRefused, Rows, RowTaken

CELLS_TOLD = 100
CELL_TOLD = 500
"""Cells of a row, and characters of a cell, that a report shows."""
_ZERO_LOST = "leading_zero_lost"
_ZERO_LOST_IN = "VN"
"""Only there does the warning tell of the trunk 0; elsewhere nine digits may be the whole number."""
T = TypeVar("T")


class Checker(ABC, Generic[T]):
    """Checks the rows of one list; what a row becomes is for the kind of list to say."""

    def __init__(self, mapping: AnyMapping, columns: PlacedColumns, region: str) -> None:
        self.mapping = mapping
        self._columns = columns
        self._region = region

    def all(self, batches: Iterable[list[Row]]) -> Iterator[Rows[T]]:
        """The rows, batch by batch."""
        for batch in batches:
            yield self.portion(batch)

    def portion(self, batch: list[Row]) -> Rows[T]:
        """One batch."""
        taken: list[RowTaken[T]] = []
        refused: list[RowRefused] = []
        twice: list[RowRefused] = []
        warnings: Counter[str] = Counter()
        for row in batch:
            picked = self._columns.pick(row)
            try:
                if picked.trouble:
                    raise Refusal("bad_row", picked.trouble)
                item = self._item(picked)
            except Refusal as refusal:
                refused.append(_refused(row, picked, refusal.message))
                continue
            because = self._twice(item)
            if because:
                twice.append(_refused(row, picked, because))
                continue
            taken.append(RowTaken(row.number, item, row.cells))
            warnings.update({warning.rpartition(" ")[2] for warning in picked.warnings})
        if self._region != _ZERO_LOST_IN:
            del warnings[_ZERO_LOST]
        return Rows(taken, refused, twice, dict(warnings))

    @abstractmethod
    def _item(self, picked: Picked) -> T:
        """What the row is. Raises Refusal."""

    @abstractmethod
    def _twice(self, item: T) -> str:
        """Why it is there already in this list; empty if it is not, and from then on it is."""


def _refused(row: Row, picked: Picked, because: str) -> RowRefused:
    cells = [cell[:CELL_TOLD] for cell in row.cells[:CELLS_TOLD]]
    return RowRefused(row.number, picked.phone[:PHONE_TOLD], because[:2000], cells)


def as_number(phone: str) -> int:
    """A phone as it is remembered: a million of them are less than 100 MB, and not the daemon's."""
    return int(f"1{phone.lstrip('+')}")
