"""Commands from wherever they come: checked, judged or answered, and each reply exactly once to the one who asked.

Never trusts a principal it was not given by the broker's topic or the socket's peer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from dialerd.campaigns.engine import Engine
from dialerd.control import import_work
from dialerd.control.commands import COMMANDS
from dialerd.control.permissions import allow
from dialerd.control.table import Command, Desk, House, Who, find, parse, permit
from dialerd.model.errors import Refusal
from dialerd.model.facts import Asked, Found
from dialerd.model.intents import Answer
from dialerd.ports.clock import Clock
from dialerd.ports.exports import Exports
from dialerd.ports.import_files import Lists
from dialerd.ports.store import Store, StoreFailingError
from dialerd.runtime.judging import CHANGED_MEANWHILE, accepted, refused, same_command
from dialerd.runtime.long_work import Asking, LongWork, Say, quiet
from dialerd.runtime.turn_loop import TurnLoop

FIND_AT_MOST = 50
"""Times that a command's rows are read because they changed before it was judged."""
PATIENCE_S = 30.0
"""Seconds a command may wait for its commit before the asker is told that the store is failing (it may still happen)."""


class Requests:
    """The way of a command; the same for MQTT and the socket."""

    def __init__(
        self,
        engine: Engine,
        turns: TurnLoop,
        store: Store,
        clock: Clock,
        house: House,
        exports: Exports,
        lists: Lists,
        say: Say = quiet,
    ) -> None:
        self._engine = engine
        self._turns = turns
        self._store = store
        self._clock = clock
        self._house = house
        self._exports = exports
        self._lists = lists
        self.long_work = LongWork(engine.live, turns, say)
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
            if entry.how != "turn" or entry.find is not None:
                # The others are looked at in their turn: by then the campaign may have been made by the command before.
                allow(self._engine.live, who, entry, checked)
            if entry.how == "read":
                return await self._read(entry, who, id_, checked)
            if entry.find is not None:
                return await self._found(entry, who, id_, checked)
            return await self._once(entry, who, id_, checked)
        except Refusal as refusal:
            return refused(id_, refusal)
        except StoreFailingError as trouble:
            return refused(id_, Refusal("store_failing", f"the store cannot be used now: {trouble}"))

    def open(self) -> None:
        """Mark what an earlier process left under way; to be called once, before anything is asked."""
        desk, resumed = self._desk(), {}
        for row in [row for row in self._engine.live.jobs.values() if row.staged]:
            planned, id_ = import_work.resumed(desk, row)
            resumed[row.id] = (planned, Asking(row.by, id_, row.command))
        self.long_work.open(resumed)

    def _desk(self) -> Desk:
        now = self._clock.now()
        return Desk(self._engine.live, self._store, self._house, now, self._exports, self.long_work, self._lists)

    async def _read(self, entry: Command[Any], who: Who, id_: str, args: Any) -> str:
        assert entry.read is not None
        return accepted(id_, await entry.read(self._desk(), who, args))

    def _begin(self, entry: Command[Any], who: Who, id_: str, args: Any) -> None:
        assert entry.plan is not None
        try:
            self.long_work.begin(entry.plan(self._desk(), who, args), Asking(who.principal, id_, entry.name))
        except Refusal as refusal:
            self.answered(Answer(who.principal, id_, entry.name, refused(id_, refusal)))

    async def _found(self, entry: Command[Any], who: Who, id_: str, args: Any) -> str:
        """A command that needs rows of the store: they are read, and read again if they changed before it was judged."""
        assert entry.find is not None
        for _ in range(FIND_AT_MOST):
            as_of = self._turns.committed
            found = await entry.find(self._desk(), who, args)
            reply = await self._once(entry, who, id_, args, msgspec.structs.replace(found, as_of=as_of))
            if reply != CHANGED_MEANWHILE:
                return reply
        raise Refusal("busy", "what it is about changes all the time: ask again")

    async def _once(self, entry: Command[Any], who: Who, id_: str, args: Any, found: Found | None = None) -> str:
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
                self._turns.put(Asked(id_, who.principal, tuple(sorted(who.roles)), entry.name, plain, found))
            else:
                self._begin(entry, who, id_, args)
        while True:
            try:
                return await asyncio.wait_for(asyncio.shield(waiting), PATIENCE_S)
            except TimeoutError:
                if entry.how == "job" and not self._turns.failing:
                    continue  # a long list or file takes its time
                because = self._turns.failing or "it is busy"
                message = f"not committed yet ({because}): ask again with the same id to learn whether it was"
                raise Refusal("not_committed_yet", message) from None

    async def aclose(self) -> None:
        """Stop jobs that are under way; what imports have added stays."""
        await self.long_work.aclose()
