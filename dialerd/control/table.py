"""What an entry of the command table is, and how a command is judged.

Never carries out anything itself: a judged command is intents for the turn, or a question to be answered.
"""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from dialerd.campaigns.live import Live
from dialerd.control.faults import faults_of, refusal
from dialerd.control.long_commands import Jobs, Planned
from dialerd.model.errors import Refusal
from dialerd.model.facts import Found
from dialerd.model.instants import Instant
from dialerd.model.intents import AnyIntent
from dialerd.model.policies import Role
from dialerd.ports.exports import Exports
from dialerd.ports.import_files import Lists
from dialerd.ports.store import Store

EVERYBODY: frozenset[Role] = frozenset({"owner", "admin", "supervisor", "agent", "ops"})
OFFICE: frozenset[Role] = frozenset({"owner", "admin", "supervisor", "ops"})
MAKERS: frozenset[Role] = frozenset({"owner", "admin", "supervisor"})
LAUNCHERS: frozenset[Role] = frozenset({"owner", "admin"})
FLOOR_STAFF: frozenset[Role] = frozenset({"owner", "admin", "supervisor", "agent"})


class Args(BaseModel):
    """The ground of all argument models: unknown arguments are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Result(BaseModel):
    """The ground of all result models."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class Nothing(Args):
    """No arguments."""


@dataclass(frozen=True)
class Who:
    """Who gives a command, as the broker or the socket has proven it."""

    principal: str
    roles: frozenset[str]

    def agents(self, live: Live) -> list[str]:
        """The agents that are this principal."""
        return [name for name, agent in live.floor.agents.items() if (agent.principal or name) == self.principal]


class House(Protocol):
    """What only the running process knows or can do."""

    def status(self) -> dict[str, Any]:
        """How the process stands: version, links, broker, store, turns."""

    async def reload(self) -> dict[str, Any]:
        """Read the configuration again. Raises Refusal with every trouble when it is wrong; the old one then holds."""


@dataclass(frozen=True)
class Desk:
    """What handlers may look at. Live state is read only: handlers change nothing."""

    live: Live
    store: Store
    house: House
    now: Instant
    exports: Exports
    jobs: Jobs
    lists: Lists


@dataclass(frozen=True)
class Decided:
    """A command judged in the turn: the intents that carry it out, and its result, or what makes it once they are applied."""

    result: BaseModel | Callable[[], BaseModel]
    intents: Iterable[AnyIntent] = ()
    """Each is applied before the next one is asked for."""


A = TypeVar("A", bound=Args)


@dataclass(frozen=True)
class Command(Generic[A]):
    """One entry of the table.

    `how`: `turn`: judged in the turn by `judge`; `read`: answered by `read` from live state and the store; `job`: checked by
    `plan`, then carried out beside the turns.
    """

    name: str
    summary: str
    roles: frozenset[Role]
    args: type[A]
    result: type[BaseModel]
    how: Literal["turn", "read", "job"]
    judge: Callable[[Live, Who, A], Decided] | None = None
    find: Callable[[Desk, Who, A], Awaitable[Found]] | None = None
    """What the store is asked before the command is judged in its turn, where live state does not tell it.

    See `campaigns.finding`.
    """
    read: Callable[[Desk, Who, A], Awaitable[BaseModel]] | None = None
    plan: Callable[[Desk, Who, A], Planned] | None = None

    @property
    def resource(self) -> str:
        """The part before the dot."""
        return self.name.split(".")[0]

    @property
    def verb(self) -> str:
        """The part after the dot."""
        return self.name.split(".")[1]


Table = Mapping[str, Command[Any]]


def find(table: Table, name: str) -> Command[Any]:
    """The entry of `name`. Raises Refusal with what may have been meant."""
    entry = table.get(name)
    if entry is None:
        near = difflib.get_close_matches(name, table, n=3)
        raise Refusal("unknown_command", f"there is no command {name[:100]!r}", "command", near or sorted(table))
    return entry


def permit(entry: Command[Any], who: Who) -> None:
    """Raises Refusal unless one of the principal's roles may give the command."""
    if not entry.roles & who.roles:
        have = ", ".join(sorted(who.roles)) or "none"
        raise Refusal(
            "forbidden", f"{who.principal} may not {entry.name}: its roles are {have}", "role", sorted(entry.roles)
        )


def parse(entry: Command[A], args: Mapping[str, Any]) -> A:
    """The checked arguments. Raises Refusal with every fault: the first one's field, and a line for each in the message."""
    try:
        return entry.args.model_validate(args)
    except ValidationError as wrong:
        raise refusal(faults_of(wrong, entry.args, args)) from None
