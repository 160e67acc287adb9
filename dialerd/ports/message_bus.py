"""The message bus as a promise: events once, states retained; nobody waits for the broker.

Never a way in for decisions: what comes from the bus are commands, and they pass the command table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class MessageBus(Protocol):
    """Publishes under the instance's own topics; what cannot be sent is kept in bounds and counted when dropped."""

    def publish_event(self, topic_tail: str, payload: bytes) -> None:
        """`event/<topic_tail>`: something happened; not retained."""

    def publish_state(self, topic_tail: str, payload: bytes | None) -> None:
        """`state/<topic_tail>`: how something stands now; retained, at most one a second per subject; None clears it."""

    def keep_states(self, known: Callable[[str], bool]) -> None:
        """From now on only the states whose topic tail `known` says yes to stay retained, whoever published the others."""


class NoBus:
    """A daemon without a broker."""

    def publish_event(self, topic_tail: str, payload: bytes) -> None:
        """Nobody listens."""

    def publish_state(self, topic_tail: str, payload: bytes | None) -> None:
        """Nobody listens."""

    def keep_states(self, known: Callable[[str], bool]) -> None:
        """Nothing is retained."""
