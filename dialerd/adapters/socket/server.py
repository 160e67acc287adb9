"""The local socket's server: one JSON object a line in, one reply a line out; the kernel tells who asks.

Never takes a principal from what is sent: it is the Unix user of the peer (SO_PEERCRED), as `unix.<user>`.
"""

from __future__ import annotations

import asyncio
import contextlib
import grp
import json
import os
import pwd
import secrets
import socket
import stat
import struct
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from dialerd.adapters.observe.logs import get_logger
from dialerd.control.envelopes import BadPayload, read_arguments, take_id

log = get_logger("dialerd.socket")

LONGEST = 16 * 1024 * 1024
"""Bytes of one request."""
IN_THREAD_FROM = 256 * 1024
"""Bytes from which on a request is read in a thread."""
LONGEST_PATH = 107
"""Bytes of a Unix socket's path that the kernel takes."""

Roles = Callable[[str, Iterable[str], bool], frozenset[Any]]
Ask = Callable[[str, frozenset[str], str, str, Mapping[str, Any]], Awaitable[str]]


class SocketTrouble(Exception):
    """The socket cannot be listened on; the message says why and where."""


class LocalSocket:
    """Listens on a path. `roles` gives the roles of (user, his groups, whether he is root or our own user)."""

    def __init__(self, path: str, mode: int, roles: Roles, ask: Ask) -> None:
        self.path = path
        self._mode = mode
        self._roles = roles
        self._ask = ask
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self._inode: tuple[int, int] | None = None

    async def start(self) -> None:
        """Listen. Raises SocketTrouble: another daemon listens there, the path is too long or cannot be made."""
        if len(os.fsencode(self.path)) > LONGEST_PATH:
            raise SocketTrouble(
                f"socket {self.path}: the path is longer than {LONGEST_PATH} bytes, a shorter one is allowed"
            )
        await self._clear_stale()
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._connected, self.path, limit=LONGEST)
            os.chmod(self.path, self._mode)
            found = os.stat(self.path)
            self._inode = (found.st_dev, found.st_ino)
        except OSError as trouble:
            raise SocketTrouble(f"socket {self.path}: {trouble.strerror or trouble}") from None
        finally:
            os.umask(before)

    async def _clear_stale(self) -> None:
        """Remove the socket of a daemon that was killed; leave a living one's, and anything that is no socket."""
        try:
            found = os.lstat(self.path)
        except FileNotFoundError:
            return
        except OSError as trouble:
            raise SocketTrouble(f"socket {self.path}: {trouble.strerror}") from None
        if not stat.S_ISSOCK(found.st_mode):
            raise SocketTrouble(f"socket {self.path}: something that is no socket is there already")
        try:
            _, writer = await asyncio.open_unix_connection(self.path)
        except OSError:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)
            return
        writer.close()
        raise SocketTrouble(f"socket {self.path}: another daemon listens there")

    async def stop(self) -> None:
        """Listen no more; connections end."""
        if self._server is not None:
            self._server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        with contextlib.suppress(OSError):
            found = os.stat(self.path)
            if (found.st_dev, found.st_ino) == self._inode:
                os.unlink(self.path)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            user, roles = self._peer(writer.get_extra_info("socket"))
            await self._talk(reader, writer, f"unix.{user}", roles)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(task)
            writer.close()

    def _peer(self, connection: socket.socket) -> tuple[str, frozenset[str]]:
        packed = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        _, uid, gid = struct.unpack("3i", packed)
        own = uid in (0, os.geteuid())
        try:
            user = pwd.getpwuid(uid).pw_name
        except KeyError:
            return f"uid{uid}", frozenset(self._roles(f"uid{uid}", (), own))
        names = []
        for group in os.getgrouplist(user, gid):
            with contextlib.suppress(KeyError):
                names.append(grp.getgrgid(group).gr_name)
        return user, frozenset(self._roles(user, names, own))

    async def _talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, principal: str, roles: frozenset[str]
    ) -> None:
        while True:
            try:
                line = await reader.readuntil(b"\n")
            except asyncio.IncompleteReadError:
                return
            except asyncio.LimitOverrunError:
                writer.write(_error("", "bad_request", f"a request is longer than {LONGEST} bytes") + b"\n")
                await writer.drain()
                return
            writer.write(await self._answer(line, principal, roles) + b"\n")
            await writer.drain()

    async def _answer(self, line: bytes, principal: str, roles: frozenset[str]) -> bytes:
        try:
            # half a surrogate pair, once among the facts of a turn, could not be written to the store any more
            asked = await _read(line)
            id_ = take_id(asked) or ""
        except BadPayload as bad:
            return _error("", "bad_request", bad.message, bad.field.removeprefix("args."), bad.allowed)
        command, args = asked.get("command"), asked.get("args", {})
        if not isinstance(command, str):
            return _error(id_, "bad_request", "command: a text such as campaign.list is needed", "command")
        if not isinstance(args, dict):
            return _error(id_, "bad_request", "args: an object is allowed", "args")
        reply = await self._ask(principal, roles, command, id_ or f"s-{secrets.token_hex(8)}", args)
        return reply.encode()


async def _read(line: bytes) -> dict[str, object]:
    longest = LONGEST + 1  # with its newline
    if len(line) < IN_THREAD_FROM:
        return read_arguments(line, longest)
    return await asyncio.to_thread(read_arguments, line, longest)  # an import of megabytes: the loop goes on


def _error(id_: str, code: str, message: str, field: str | None = None, allowed: str | None = None) -> bytes:
    error = {"code": code, "message": message}
    error |= {key: value for key, value in (("field", field), ("allowed", allowed)) if value}
    return json.dumps({"id": id_, "ok": False, "error": error}).encode()
