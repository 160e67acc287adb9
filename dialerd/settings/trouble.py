"""Troubles of a configuration: where it is, what was found there and what is allowed (O01).

Never tells a trouble twice, and never more of them than anybody reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dialerd.model.wording import clean

LIMIT = 200
"""Errors told of one configuration, and warnings as many; there may be a hundred thousand."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One fault of the configuration, printed as `file:line: key: found ..., allowed: ...`.

    `line` is 0 if the whole file is meant, `key` is empty if no key is, `allowed` is empty if `found` says it all.
    A `warning` does not keep the daemon from starting.
    """

    file: str
    line: int
    key: str
    found: str
    allowed: str
    warning: bool = False

    def __str__(self) -> str:
        where = clean(self.file, 4096) + (f":{self.line}" if self.line else "")
        words = f"found {self.found}" + (f", allowed: {self.allowed}" if self.allowed else "")
        return ": ".join(part for part in (where, "warning" if self.warning else "", self.key, words) if part)


class Wrong(Exception):
    """The configuration cannot be used; `troubles` are all that was found, in the order of files and lines."""

    def __init__(self, troubles: Sequence[Trouble]) -> None:
        super().__init__(troubles)
        self.troubles = list(troubles)

    def __str__(self) -> str:
        return "\n".join(str(trouble) for trouble in self.troubles)


def in_order(troubles: Iterable[Trouble], main: str) -> list[Trouble]:
    """`troubles` by file and line, those of the file `main` first."""
    return sorted(troubles, key=lambda trouble: (trouble.file != main, trouble.file, trouble.line))


def cut(troubles: Iterable[Trouble]) -> list[Trouble]:
    """`troubles` without repetitions: at most LIMIT errors and LIMIT warnings, and a last one if there were more."""
    every = list(dict.fromkeys(troubles))
    errors = [trouble for trouble in every if not trouble.warning]
    warnings = [trouble for trouble in every if trouble.warning]
    kept = {*errors[:LIMIT], *warnings[:LIMIT]}
    if len(kept) == len(every):
        return every
    more = Trouble(every[0].file, 0, "", f"more troubles than these {len(kept)}", "none", warning=not errors)
    return [*(trouble for trouble in every if trouble in kept), more]
