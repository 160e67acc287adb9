"""Commands that take their time: what is planned before one begins, and what it hands over when it is done.

Never begins anything itself: a plan that is refused leaves no trace, and `runtime.long_work` carries out the others.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from pydantic import BaseModel

from dialerd.model.facts import AnyFact


class Progress(Protocol):
    """What a work under way may say of itself."""

    @property
    def job(self) -> str:
        """The job's id, such as `job-12`."""

    @property
    def asked_as(self) -> str:
        """The id of the command that it is the answer to."""

    def tell(self, **counts: int) -> None:
        """How far it is, such as rows=500; written and published once a second at most. Costs next to nothing."""

    @property
    def as_of(self) -> int:
        """The last turn that is written: what the store is asked from now on, it answers knowing that turn."""

    async def settle(self, fact: AnyFact) -> None:
        """Put a fact of the work's own, and return when its turn is committed."""


@dataclass(frozen=True)
class Finished:
    """A work that was done."""

    result: BaseModel
    """What the command answers."""
    counts: Mapping[str, int] = field(default_factory=dict)
    file: str = ""
    """The file it made, in the exports folder; empty if it made none."""


Work: TypeAlias = Callable[[Progress], Awaitable[Finished]]
"""Raises Refusal for what cannot be done. When it is cancelled it undoes what is half done."""


@dataclass(frozen=True)
class Planned:
    """A long command whose arguments were found good: it begins now."""

    kind: str
    """`export` or `import`."""
    campaign: str
    """Empty: of none, or of all."""
    work: Work
    begun: Callable[[str], BaseModel] | None = None
    """Makes the answer that is given at once, from the job's id; None: the asker waits for the end."""


class Jobs(Protocol):
    """The works under way, as commands may steer them."""

    def cancel(self, job: str, principal: str) -> bool:
        """Have a job end before it is done; whether it was under way."""

    async def cancelled(self, job: str, principal: str) -> bool:
        """The same, and wait until its end is written."""
