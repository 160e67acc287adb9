"""What stands behind the daemon in a demonstration: customers to call, agents to take the calls, and a count of INVITEs.

Never the daemon itself: a stage is what the world would be.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from dialerd.model.policies import Floor

Ask = Callable[..., dict[str, Any]]


class Stage(Protocol):
    """Set up before the daemon, told when it runs, asked for its books at the end."""

    floor: Floor
    secret: str
    campaign: str
    leads_csv: str
    speed: float
    about: str

    def __enter__(self) -> Stage: ...

    def __exit__(self, *error: object) -> None: ...

    def begin(self, ask: Ask) -> None:
        """The daemon runs: agents may log in by `ask`."""

    def invites(self) -> dict[str, int]:
        """INVITEs that reached customers, by number."""
