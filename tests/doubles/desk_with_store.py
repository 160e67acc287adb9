"""The little floor for tests of the engine, with a real store in memory: commands that ask it beforehand can be given.

Never waits: the store is asked at once, and what it tells comes with the command as in the daemon.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import msgspec

from dialerd.adapters.storage.ledger import SyncLedger
from dialerd.control.commands import COMMANDS
from dialerd.control.table import Desk, Who, parse
from dialerd.model import facts as f
from dialerd.model import intents as i
from dialerd.model.errors import Refusal
from dialerd.runtime.judging import refused
from tests.doubles.desk_of_facts import Centre, only

ROLES = {"olga": ("owner",), "ada": ("admin",), "sam": ("supervisor",)}


class Told:
    """The ledger's answers as a store gives them: to be awaited, and there at once."""

    def __init__(self, ledger: SyncLedger) -> None:
        self._ledger = ledger

    def __getattr__(self, name: str) -> Callable[..., Any]:
        answer = getattr(self._ledger, name)

        async def told(*args: Any) -> Any:
            return answer(*args)

        return told


class House(Centre):
    """A centre whose rows are in a store of SQLite in memory too."""

    def __init__(self, configuration: dict[str, Any] | None = None, *, leads: int = 0, start: bool = True) -> None:
        self.ledger = SyncLedger(":memory:", "normal")
        self.ledger.open()
        super().__init__(configuration, leads=leads, start=start)

    def take(self, *facts: f.AnyFact, after: float = 0.0) -> list[i.AnyIntent]:
        seen = len(self.turns)
        wanted = super().take(*facts, after=after)
        for committed in self.turns[seen:]:
            self.ledger.commit((committed,))
        return wanted

    def ask(self, command: str, principal: str = "olga", id_: str = "", **args: Any) -> dict[str, Any]:
        """Give a command by its name, with what the store tells for it; its reply."""
        try:
            answer = only(self.take(self.asked(command, principal, id_, **args)), i.Answer).reply
        except Refusal as refusal:
            answer = refused(id_, refusal)
        reply: dict[str, Any] = msgspec.json.decode(answer)
        return reply

    def asked(self, command: str, principal: str = "olga", id_: str = "", **args: Any) -> f.Asked:
        """The fact of a command, as it comes into the turn. Raises Refusal for what the store's answer forbids already."""
        self._asked += 1
        entry = COMMANDS[command]
        roles = ROLES.get(principal, ("agent",))
        found: f.Found | None = None
        if entry.find is not None:
            nothing = cast(Any, None)
            desk = Desk(self.live, cast(Any, Told(self.ledger)), nothing, self.now, nothing, nothing, nothing)
            told = _now(entry.find(desk, Who(principal, frozenset(roles)), parse(entry, args)))
            found = msgspec.structs.replace(told, as_of=self.exchange.seq)
        return f.Asked(id_ or f"t{self._asked}", principal, roles, command, args, found)

    def told(self, command: str, **args: Any) -> Any:
        """The answer of a command that only reads."""
        entry = COMMANDS[command]
        assert entry.read is not None
        nothing = cast(Any, None)
        desk = Desk(self.live, cast(Any, Told(self.ledger)), nothing, self.now, nothing, nothing, nothing)
        return _now(entry.read(desk, Who("olga", frozenset({"owner"})), parse(entry, args)))

    def rows_of(self, kind: type[Any]) -> Sequence[Any]:
        """Every row of a kind that was ever written, in order."""
        return [row for committed in self.turns for row in committed.rows if isinstance(row, kind)]


def _now(answer: Any) -> Any:
    """What an async function returns that never really waits."""
    try:
        answer.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits")
