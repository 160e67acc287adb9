"""All that is wrong with a record or with answers, told at once.

Never holds more of a stranger's text than a line can show.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dialerd.model.errors import Refusal

SHOWN = 64
"""Characters of a value that are shown."""


class Fault(msgspec.Struct, frozen=True):
    """One value that is refused: the field, what was found in it, why it is wrong, and what is allowed."""

    field: str
    found: str
    because: str
    allowed: str

    def __str__(self) -> str:
        found = f"{self.found!r}: " if self.found else ""
        return f"{self.field}: {found}{self.because}; allowed: {self.allowed}"


class BadValues(Refusal):
    """Values that are refused together: `faults` has every one of them, the message names them all."""

    def __init__(self, argument: str, faults: Sequence[Fault]) -> None:
        first = faults[0]
        message = " | ".join(str(fault) for fault in faults)[:2000]
        super().__init__("bad_argument", message, f"{argument}.{first.field}"[:200], first.allowed)
        self.faults = tuple(faults)


def fault(field: str, found: str, because: str, allowed: str) -> Fault:
    """A fault with the stranger's words cut to what a line can show."""
    return Fault(_short(field), _short(found), because, allowed)


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
