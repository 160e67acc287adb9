"""A CSV text of a few lines that came as an argument, read where it is asked for: a process would take longer to start.

Never reads a long one: that is the worker's.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import msgspec

from dialerd.adapters.sheets.checking import Checker
from dialerd.adapters.sheets.csv_sheets import csv_table
from dialerd.adapters.sheets.limits import Limits
from dialerd.model.errors import Refusal
from dialerd.ports.sheets import AnyMapping, Heading, HowToRead, Rows

FEW_CHARACTERS = 100_000
T = TypeVar("T")


class TypedReading(Generic[T]):
    """Keeps dialerd.ports.sheets.ListReading; to be asked in a thread."""

    def __init__(self, text: str, how: HowToRead, checker: Callable[[Heading], Checker[T]], limits: Limits) -> None:
        """Raises Refusal if it cannot be read."""
        if not text.strip():
            raise Refusal("bad_file", "there are no rows", "file")
        file = io.BytesIO(text.encode("utf-8", "replace"))
        table = csv_table(file, msgspec.structs.replace(how, encoding="utf-8"), limits)
        self._heading = table.begin(how.header_row, limits, how.after_row)
        checks = checker(self._heading)
        self._mapping = checks.mapping
        self._portions: Iterator[Rows[T]] = checks.all(table.batches())

    @property
    def heading(self) -> Heading:
        """What was known before the rows."""
        return self._heading

    @property
    def mapping(self) -> AnyMapping:
        """The mapping that holds."""
        return self._mapping

    def __iter__(self) -> TypedReading[T]:
        return self

    def __next__(self) -> Rows[T]:
        return next(self._portions)

    def close(self) -> None:
        """Nothing is held."""
        self._portions = iter(())
