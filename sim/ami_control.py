"""The control port beside AMI: one JSON object a line asks for books, faults, the time, or the agents' wants.

Never part of what a daemon may see: it is for tests and the demo.

    {"do": "books"}                                 -> {"ok": true, "result": {...}}
    {"do": "fault", "fault": "stall", "for_s": 3}   -> {"ok": true, "result": null}
    {"do": "time"}                                  -> {"ok": true, "result": {"now": ..., "next": ..., "speed": ...}}
    {"do": "sessions"}                              -> {"ok": true, "result": 2}, the AMI clients that are logged in
    {"do": "wants"}                                 -> {"ok": true, ...}, and then {"want": {...}} for each, as it comes
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from typing import Any, Protocol

import msgspec

from sim.faults import FaultError, Faults
from sim.street import Street
from sim.street_events import AgentWants

UNTOLD_LIMIT = 10_000
"""Wants kept while nobody watches."""
_DO = ("books", "fault", "sessions", "time", "wants")


class _Clock(Protocol):
    speed: float

    def now(self) -> float:
        """The instant on the street."""


class Controlled(Protocol):
    """What the control port needs of the server."""

    street: Street
    faults: Faults

    @property
    def logged_in_sessions(self) -> int:
        """How many AMI clients are logged in."""

    @property
    def clock(self) -> _Clock:
        """The street's time."""

    def catch_up(self) -> None:
        """Let the street's time come up to now."""


class Control:
    """The control port of one server."""

    def __init__(self, server: Controlled) -> None:
        self._server = server
        self._listener: asyncio.Server | None = None
        self._served: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}
        self._watching: set[asyncio.StreamWriter] = set()
        self._untold: deque[bytes] = deque(maxlen=UNTOLD_LIMIT)

    async def listen(self, host: str, port: int) -> int:
        """Open the port; 0 takes any. Returns which it is."""
        self._listener = await asyncio.start_server(self._serve, host, port)
        found: int = self._listener.sockets[0].getsockname()[1]
        return found

    async def close(self) -> None:
        """Close the port and all that use it."""
        if self._listener is None:
            return
        self._listener.close()
        tasks = list(self._served.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._listener.wait_closed()

    def tell_want(self, want: AgentWants) -> None:
        """Tell all who watch what an agent wants; kept for the first one if nobody watches yet."""
        line = msgspec.json.encode({"want": want}) + b"\n"
        if not self._watching:
            self._untold.append(line)
        for writer in self._watching:
            writer.write(line)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._served[writer] = task
        try:
            while line := await reader.readline():
                writer.write(json.dumps(self._answer(line, writer)).encode() + b"\n")
                await writer.drain()
                if writer in self._watching and self._untold:
                    writer.writelines(self._untold)
                    self._untold.clear()
        except (ConnectionError, ValueError, asyncio.CancelledError):  # gone, a line without end, or the server ends
            pass
        finally:
            del self._served[writer]
            self._watching.discard(writer)
            writer.close()

    def _answer(self, line: bytes, writer: asyncio.StreamWriter) -> dict[str, Any]:
        try:
            asked = json.loads(line)
        except ValueError as trouble:
            return {"ok": False, "error": f"not JSON: {trouble}"}
        do = asked.pop("do", None) if isinstance(asked, dict) else None
        if do not in _DO:
            return {"ok": False, "error": f"do: found {do!r}, allowed: {', '.join(_DO)}"}
        server = self._server
        server.catch_up()
        if do == "books":
            return {"ok": True, "result": server.street.books.figures()}
        if do == "time":
            clock = server.clock
            return {"ok": True, "result": {"now": clock.now(), "next": server.street.next_time(), "speed": clock.speed}}
        if do == "sessions":
            return {"ok": True, "result": server.logged_in_sessions}
        if do == "wants":
            self._watching.add(writer)
            return {"ok": True, "result": None}
        try:
            server.faults.ask(asked)
        except FaultError as trouble:
            return {"ok": False, "error": str(trouble)}
        return {"ok": True, "result": None}
