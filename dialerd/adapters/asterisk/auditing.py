"""Legs whose end was never told: known to us, and missing from Asterisk's list twice running.

It must never take a leg for gone that came up, or was moved, while the list was being made.
"""

from __future__ import annotations

from collections.abc import Iterable

EVERY_S = 30.0
"""Seconds between two looks at a server's channels."""


class Audit:
    """Compares what is known with what is listed, look by look."""

    def __init__(self) -> None:
        self._missing: set[str] = set()

    def looked(self, known_before: Iterable[str], listed: Iterable[str], known_after: Iterable[str]) -> list[str]:
        """The legs that are gone: known before the list was asked and still after it, and absent now and the time before."""
        absent = (set(known_before) & set(known_after)) - set(listed)
        gone = sorted(absent & self._missing)
        self._missing = absent - set(gone)
        return gone

    def forget(self) -> None:
        """The link was lost: what comes after it is reconciled anew."""
        self._missing.clear()
