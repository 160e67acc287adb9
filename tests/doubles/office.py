"""The way of a command in the daemon, from Requests to a real store and back; without sockets, brokers and Asterisk.

Never runs on after its test: all is ended with the context.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from dialerd.adapters.exports.writing import FileExports
from dialerd.adapters.sheets.import_folder import ImportFolder
from dialerd.adapters.sheets.reading import SheetFiles
from dialerd.adapters.storage.sqlite import SqliteStore
from dialerd.campaigns.engine import Engine
from dialerd.control.table import Who
from dialerd.model.facts import Configured
from dialerd.model.policies import Floor
from dialerd.ports.import_files import Lists
from dialerd.runtime.carry_out import CarryOut
from dialerd.runtime.exchange import Exchange
from dialerd.runtime.requests import Requests
from dialerd.runtime.turn_loop import TurnLoop
from dialerd.runtime.wall_clock import WallClock


class _House:
    """Keeps dialerd.control.table.House."""

    def status(self) -> dict[str, Any]:
        return {"store_failing": ""}

    async def reload(self) -> dict[str, Any]:
        return {"reloaded": "nothing"}


class Office:
    """Commands in, replies out; roles are those of `people` in the configuration."""

    def __init__(self, requests: Requests, engine: Engine, store: SqliteStore, turns: TurnLoop) -> None:
        self.requests = requests
        self.live = engine.live
        self.store = store
        self.turns = turns
        self._serial = itertools.count(1)

    async def ask(self, who: str, command: str, /, **args: Any) -> dict[str, Any]:
        """The reply."""
        id_ = f"n-{next(self._serial)}-{time.monotonic_ns()}"
        reply = await self.requests.ask(Who(who, self.requests.roles_of(who)), command, id_, args)
        found: dict[str, Any] = json.loads(reply)
        return found

    async def done(self, who: str, command: str, /, **args: Any) -> dict[str, Any]:
        """The result of a command that has to succeed."""
        reply = await self.ask(who, command, **args)
        assert reply["ok"], reply
        result: dict[str, Any] = reply["result"]
        return result

    async def refused(self, who: str, command: str, /, **args: Any) -> dict[str, Any]:
        """The error of a command that has to be refused."""
        reply = await self.ask(who, command, **args)
        assert not reply["ok"], reply
        error: dict[str, Any] = reply["error"]
        return error


@asynccontextmanager
async def open_office(folder: Path, configuration: dict[str, Any]) -> AsyncIterator[Office]:
    """An office on the store in `folder`, which outlives it."""
    store = SqliteStore(str(folder / "store.sqlite3"), "normal")
    await store.open()
    clock = WallClock()
    engine = Engine(await store.load())
    ports: list[CarryOut] = []
    turns = TurnLoop(Exchange(engine), store, clock, lambda committed, intents: ports[0](committed, intents))  # noqa: PLW0108
    exports = FileExports(folder / "exports")
    await exports.open()
    lists = Lists(SheetFiles(), ImportFolder(folder / "imports", upload_at_most=1_000_000, harmless=str))
    lists.files.open(())
    requests = Requests(engine, turns, store, clock, _House(), exports, lists)
    ports.append(CarryOut({}, store, clock, turns.put, requests.answered))
    running = asyncio.create_task(turns.run())
    await turns.settle(Configured(Floor.model_validate(configuration).model_dump(mode="json")))
    try:
        yield Office(requests, engine, store, turns)
    finally:
        await requests.aclose()
        await ports[0].aclose()
        running.cancel()
        await asyncio.wait({running})
        await store.close()
        assert running.cancelled(), running.exception()
