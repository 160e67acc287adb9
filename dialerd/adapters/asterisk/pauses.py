"""Pauses: how long a link waits before it tries again, after a loss and after a refused login.

It must never wait itself, or let a link that comes and goes hammer at Asterisk.
"""

from __future__ import annotations


class Pauses:
    """Two rows of pauses, each doubling up to its most: one for what the network does, one for refusals. All in seconds."""

    def __init__(self, *, lost_s: tuple[float, float], refused_s: tuple[float, float]) -> None:
        """Each pair: the first pause and the longest one."""
        self._lost_first, self._lost_most = lost_s
        self._refused_first, self._refused_most = refused_s
        self._lost, self._refused = self._lost_first, self._refused_first

    def after_refusal(self) -> float:
        """The login was refused."""
        pause, self._refused = self._refused, min(2 * self._refused, self._refused_most)
        return pause

    def after_loss(self, up_for_s: float | None) -> float:
        """The connection ended or never came to be; `up_for_s`: how long it was up, None if it was not."""
        if up_for_s is not None:
            self._refused = self._refused_first
            if up_for_s >= self._lost_most:  # a link that flaps keeps its longer pauses
                self._lost = self._lost_first
        pause, self._lost = self._lost, min(2 * self._lost, self._lost_most)
        return pause
