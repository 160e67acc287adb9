"""A broker of the test's own that refuses, hangs up or keeps silent on command: what mosquitto does not do on demand.

Never more MQTT 5 than one publisher at QoS 1 needs: CONNECT, SUBSCRIBE, PUBLISH, PINGREQ, DISCONNECT.
"""

from __future__ import annotations

import asyncio
import contextlib

_CONNECT, _PUBLISH, _SUBSCRIBE, _PINGREQ, _DISCONNECT = 1, 3, 8, 12, 14

HANG_UP = -1
SILENT = -2


class ScriptedBroker:
    """Listens on a free loopback port; a context manager.

    `suback` is the reason code of every SUBACK, `puback` has those of publishes by topic: also HANG_UP (close without
    a word) and SILENT (never acknowledge). `published` has the topics taken, in order; `connections` and `farewells`
    (DISCONNECTs) are counted.
    """

    def __init__(self) -> None:
        self.suback = 1
        self.puback: dict[str, int] = {}
        self.published: list[str] = []
        self.connections = 0
        self.farewells = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> ScriptedBroker:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                while await self._packet(reader, writer):
                    await writer.drain()
        finally:
            writer.close()
            self._serving.discard(task)

    async def _packet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Handles one packet; False ends the connection."""
        first = (await reader.readexactly(1))[0]
        length = shift = 0
        while True:
            byte = (await reader.readexactly(1))[0]
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        body = await reader.readexactly(length)
        kind = first >> 4
        if kind == _CONNECT:
            self.connections += 1
            writer.write(b"\x20\x03\x00\x00\x00")
        elif kind == _SUBSCRIBE:
            writer.write(b"\x90\x04" + body[:2] + b"\x00" + bytes([self.suback]))
        elif kind == _PINGREQ:
            writer.write(b"\xd0\x00")
        elif kind == _PUBLISH:
            size = int.from_bytes(body[:2], "big")
            topic = body[2 : 2 + size].decode()
            code = self.puback.get(topic, 0)
            if code == HANG_UP:
                return False
            self.published.append(topic)
            if code != SILENT:
                writer.write(b"\x40\x03" + body[2 + size : 4 + size] + bytes([code]))
        self.farewells += kind == _DISCONNECT
        return kind != _DISCONNECT
