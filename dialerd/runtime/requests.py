"""Commands from wherever they come: checked, judged or answered, and each reply exactly once to the one who asked.

Never trusts a principal it was not given by the broker's topic or the socket's peer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from dialerd.campaigns.engine import Engine
from dialerd.control.commands import COMMANDS
from dialerd.control.table import Command, Desk, House, Who, find, parse, permit
from dialerd.model.errors import Refusal
from dialerd.model.facts import Asked
from dialerd.model.intents import Answer
from dialerd.ports.clock import Clock
from dialerd.ports.store import Store, StoreFailingError
from dialerd.runtime.importing import Importing
from dialerd.runtime.judging import accepted, refused, same_command
from dialerd.runtime.turn_loop import TurnLoop

PATIENCE_S = 30.0
"""Seconds a command may wait for its commit before the asker is told that the store is failing (it may still happen)."""


class Requests:
    """The way of a command; the same for MQTT and the socket."""

    def __init__(self, engine: Engine, turns: TurnLoop, store: Store, clock: Clock, house: House) -> None:
        self._engine = engine
        self._turns = turns
        self._store = store
        self._clock = clock
        self._house = house
        self._importing = Importing(engine, turns, store)
        self._asked: dict[tuple[str, str], tuple[str, asyncio.Future[str]]] = {}
        """(command, its answer to come) by (principal, id)."""

    def roles_of(self, principal: str) -> frozenset[str]:
        """The roles the configuration gives a principal; an agent's principal is an agent without being listed."""
        floor = self._engine.live.floor
        person = floor.people.get(principal)
        if person is not None:
            return frozenset(person.roles)
        if any((agent.principal or name) == principal for name, agent in floor.agents.items()):
            return frozenset({"agent"})
        return frozenset()

    def answered(self, answer: Answer) -> None:
        """An answer was committed: it goes to the one who waits for it."""
        asked = self._asked.pop((answer.principal, answer.id), None)
        if asked is not None and not asked[1].done():
            asked[1].set_result(answer.reply)

    async def ask(self, who: Who, command: str, id_: str, args: Mapping[str, Any]) -> str:
        """Carry out or answer one command; always a reply, never an exception for what a stranger sent."""
        try:
            entry = find(COMMANDS, command)
            permit(entry, who)
            known = self._engine.live.replies.get((who.principal, id_))
            if known is not None and (who.principal, id_) not in self._asked:  # else it is not committed yet
                return same_command(known, command)
            checked = parse(entry, args)
            if entry.how == "read":
                return await self._read(entry, who, id_, checked)
            return await self._once(entry, who, id_, checked)
        except Refusal as refusal:
            return refused(id_, refusal)
        except StoreFailingError as trouble:
            return refused(id_, Refusal("store_failing", f"the store cannot be used now: {trouble}"))

    async def _read(self, entry: Command[Any], who: Who, id_: str, args: Any) -> str:
        assert entry.read is not None
        desk = Desk(self._engine.live, self._store, self._house, self._clock.now())
        return accepted(id_, await entry.read(desk, who, args))

    async def _once(self, entry: Command[Any], who: Who, id_: str, args: Any) -> str:
        key = (who.principal, id_)
        asked = self._asked.get(key)
        if asked is not None:
            same_command((asked[0], ""), entry.name)
            waiting = asked[1]
        else:
            waiting = asyncio.get_running_loop().create_future()
            self._asked[key] = (entry.name, waiting)
            if entry.how == "turn":
                plain = args.model_dump(mode="json", exclude_unset=True)
                self._turns.put(Asked(id_, who.principal, tuple(sorted(who.roles)), entry.name, plain))
            else:
                self._importing.begin(entry.name, who, id_, args, self.answered)
        while True:
            try:
                return await asyncio.wait_for(asyncio.shield(waiting), PATIENCE_S)
            except TimeoutError:
                if entry.how == "import" and not self._turns.failing:
                    continue  # a long list takes its time
                because = self._turns.failing or "it is busy"
                message = f"not committed yet ({because}): ask again with the same id to learn whether it was"
                raise Refusal("not_committed_yet", message) from None

    async def aclose(self) -> None:
        """Stop imports that are under way; what they have added stays."""
        await self._importing.aclose()
