"""The guarded AMI link: one session with one Asterisk, kept alive, on panoramisk's protocol and actions.

It must never send anything twice, keep an action for later, let a stranger's text end a header line, or be ended by a
fault of its listeners or of the network.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol

from dialerd.adapters.asterisk.answers import AmiLost, AmiTimeout, Answer, ListAnswer, Told
from dialerd.adapters.asterisk.packets import PACKET_LIMIT, Packet, PacketCutter, checked_headers, in_lines, read_packet
from dialerd.adapters.asterisk.ping_watch import PingWatch

Headers = Sequence[tuple[str, str]]

_log = logging.getLogger("dialerd.ami")
_GREETING = b"Asterisk Call Manager/"
_GREETING_LIMIT = 256  # bytes
_WRITE_LIMIT = 1 << 20  # bytes Asterisk may leave unread before nothing more is sent
_FAULT_LOG_EVERY_S = 1.0
_NO_LINGER = struct.pack("ii", 1, 0)  # on, 0 s: closing resets the connection
_LEAVE_S = 1.0  # for the last bytes of a connection that is closed
_LINK_NEEDS = frozenset({"FullyBooted", "Shutdown"})


@dataclass(slots=True)
class AmiCounters:
    """What one link has counted since it was made."""

    events: int = 0  # given to on_event
    skipped: int = 0  # not wanted, or before the link was up
    responses: int = 0
    reconnects: int = 0  # times it was up again
    parse_errors: int = 0  # packets that were neither event nor response
    handler_errors: int = 0  # exceptions of on_event, on_response, on_up, on_down


class AmiLink:
    """Keeps one authenticated AMI session. All of it is used in the loop that runs `run`."""

    def __init__(
        self,
        *,
        name: str,
        host: str,
        port: int,
        username: str,
        secret: str,
        on_event: Callable[[Packet], None],
        on_up: Callable[[], None],
        on_down: Callable[[str], None],
        on_response: Callable[[Packet], None] | None = None,
        wanted: frozenset[str] | None = None,
        ping_every_s: float = 5.0,
        deadline_s: float = 10.0,
        reconnect_min_s: float = 0.5,
        reconnect_max_s: float = 15.0,
        auth_retry_min_s: float = 5.0,
        auth_retry_max_s: float = 60.0,
    ) -> None:
        """All times are seconds.

        `on_event` gets each event that is named in `wanted` (all, if None) and is no part of a list answer, in order of
        arrival and only between `on_up` and `on_down`; `on_response` each response nobody waits for, in the same order.
        `on_up` follows login and FullyBooted, `on_down` each loss of a link that was up (also `close`), with the reason.
        Raises ValueError if username or secret cannot be sent, or the port cannot be one.
        """
        if not 0 < port < 65536:
            raise ValueError(f"AMI port: found {port}; allowed are 1 to 65535")
        self.name = name
        self._host, self._port = host, port
        self.login: Headers = (("Action", "Login"), ("Username", username), ("Secret", secret), ("Events", "on"))
        checked_headers(self.login, "login")
        self.on_event, self.on_up, self.on_down, self.on_response = on_event, on_up, on_down, on_response
        self.wanted = wanted
        self.ping_every_s, self.deadline_s = ping_every_s, deadline_s
        self._retry_s = (reconnect_min_s, reconnect_max_s)
        self._refused_retry_s = (auth_retry_min_s, auth_retry_max_s)
        self.counters = AmiCounters()
        self.seq = 0  # packets read so far
        self.status = "not started"
        """In words: what the link does now, or why it is not connected."""
        self._ups = 0
        self._wire: _Wire | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._closed = False
        self._ended = asyncio.Event()
        self._fault_logged_at = float("-inf")

    def __repr__(self) -> str:
        return f"<AmiLink {self.name}: {self.status}>"

    @property
    def connected(self) -> bool:
        """Whether it is logged in, Asterisk is fully booted, and actions can be sent."""
        return self._wire is not None and self._wire.up

    @property
    def lag_s(self) -> float:
        """Seconds from the last Ping to its answer and the handling of all that came before; or how long it is missing."""
        return self._wire.watch.lag_s if self._wire is not None else 0.0

    async def run(self) -> None:
        """Connect, log in and come back after each loss until `close`. Never raises for network trouble or a refusal."""
        if self._closed:
            return
        if self._keeper is not None:
            raise RuntimeError(f"AMI link {self.name} runs already")
        self._keeper = asyncio.ensure_future(self._keep_connected())
        try:
            await asyncio.wait({self._keeper})
        finally:
            try:
                self.close()
                await asyncio.wait({self._keeper})
                if self._wire is not None:
                    await self._wire.gone()
            finally:
                self._ended.set()
        if not self._keeper.cancelled():
            self._keeper.result()

    def close(self) -> None:
        """End for good: what waits fails, `on_down` is called if it was up, nothing is called after that."""
        if not self._closed:
            self._closed = True
            if self._wire is not None:
                self._wire.end("closed by this side", goodbye=True)
            self.status = "closed"
        if self._keeper is not None:
            self._keeper.cancel()

    async def aclose(self) -> None:
        """`close`, and wait until the connection is gone and `run` has ended. Not to be awaited by the task of `run`."""
        self.close()
        if self._keeper is not None:
            await self._ended.wait()

    def send(self, action: Headers, action_id: str | None = None) -> bool:
        """Write an action now and wait for nothing; its response goes to `on_response`.

        False: the link is down or Asterisk does not read; nothing was sent and nothing is kept. True: the bytes are on
        their way, no more than that. Raises ValueError naming the header that cannot be sent.
        """
        return self.send_all([(action, action_id)])

    def send_all(self, actions: Sequence[tuple[Headers, str | None]]) -> bool:
        """Write actions back to back, in one piece: all of them, or none; the rest as `send`."""
        packed = b"".join(in_lines(_checked(action, action_id)) for action, action_id in actions)
        if self._wire is None or not self._wire.writable:
            return False
        assert self._wire.transport is not None
        self._wire.transport.write(packed)
        return True

    async def ask(self, action: Headers, *, deadline_s: float | None = None, action_id: str | None = None) -> Packet:
        """Send an action and wait for its one response, which may be a refusal (see `Packet.success`).

        Raises AmiTimeout, AmiLost, and ValueError as `send` does or if the ActionID is waited for already.
        """
        return (await self._exchange(action, action_id, Answer, deadline_s))[0]

    async def ask_list(
        self, action: Headers, *, deadline_s: float | None = None, action_id: str | None = None
    ) -> list[Packet]:
        """Send a list action; return the response, the list's events, and the event that completes it.

        A refusal, or an answer without a list, comes as the response alone. Raises as `ask` does.
        """
        return await self._exchange(action, action_id, ListAnswer, deadline_s)

    async def _exchange(
        self, action: Headers, action_id: str | None, kind: type[Answer], deadline_s: float | None
    ) -> list[Packet]:
        packed = _packed(action, action_id)
        deadline_s = self.deadline_s if deadline_s is None else deadline_s
        wire = self._wire
        if wire is None or not wire.writable:
            why = "Asterisk does not read" if self.connected else self.status
            raise AmiLost(f"{packed['Action']} was not sent: {why}")
        answer = kind(packed.future)
        wire.ask(packed, answer)
        try:
            async with asyncio.timeout(deadline_s):
                await answer.future
        except TimeoutError:
            if answer.future.cancelled():
                raise AmiTimeout(f"no complete answer to {packed['Action']} within {deadline_s:g} s") from None
            answer.future.result()  # it came in the same turn of the loop as the deadline
        finally:
            wire.forget(packed.id, answer)
        return answer.packets

    async def _keep_connected(self) -> None:
        loop = asyncio.get_running_loop()
        retry_s, refused_retry_s = self._retry_s[0], self._refused_retry_s[0]
        while True:
            self.status = f"connecting to {self._host}:{self._port}"
            wire = self._wire = _Wire(self, loop)
            reason = await self._one_session(wire)
            await wire.gone()
            if wire.refused:
                pause, refused_retry_s = refused_retry_s, min(2 * refused_retry_s, self._refused_retry_s[1])
            else:
                if wire.up_at is not None:
                    refused_retry_s = self._refused_retry_s[0]
                    if loop.time() - wire.up_at >= self._retry_s[1]:  # a link that flaps keeps its longer pauses
                        retry_s = self._retry_s[0]
                pause, retry_s = retry_s, min(2 * retry_s, self._retry_s[1])
            self.status = f"{reason}; trying again in {pause:g} s"
            _log.warning("AMI link %s: %s", self.name, self.status)
            await asyncio.sleep(pause)

    async def _one_session(self, wire: _Wire) -> str:
        """One connection from its start to its end; returns why it ended."""
        place = f"{self._host}:{self._port}"
        try:
            async with asyncio.timeout(self.deadline_s):
                await wire.loop.create_connection(lambda: wire, self._host, self._port)
                wire.established = True
                await wire.login_over
        except TimeoutError:
            wire.end(f"no login at {place} within {self.deadline_s:g} s")
        except (OSError, ValueError) as exc:  # ValueError: a host name that cannot be one
            wire.end(f"cannot reach {place}: {_words(str(exc))}")
        return await wire.ended

    def came_up(self, version: str) -> None:
        """Told by the wire after login and FullyBooted."""
        self._ups += 1
        self.counters.reconnects = self._ups - 1
        self.status = f"connected to {version}"
        _log.info("AMI link %s: %s", self.name, self.status)
        self.guarded(self.on_up)

    def went_down(self, reason: str) -> None:
        """Told by the wire when it ends after it was up."""
        self.status = reason
        self.guarded(self.on_down, reason)

    def guarded(self, listener: Callable[..., None], *args: object) -> None:
        """Call a listener; its exception is counted, logged (once a second at most) and goes no further."""
        try:
            listener(*args)
        except Exception:  # noqa: BLE001 - a listener's fault, of whatever kind, must not reach the transport
            self.counters.handler_errors += 1
            now = asyncio.get_running_loop().time()
            if now - self._fault_logged_at >= _FAULT_LOG_EVERY_S:
                self._fault_logged_at = now
                _log.exception("AMI link %s: a listener raised; the link goes on", self.name)


class _Wire(AMIProtocol):  # type: ignore[misc]  # panoramisk has no types
    """One TCP connection: panoramisk's protocol with its reading, its pending actions and its end replaced."""

    def __init__(self, link: AmiLink, loop: asyncio.AbstractEventLoop) -> None:
        self.link, self.loop = link, loop
        self.transport: asyncio.Transport | None = None
        self.responses: dict[str, Answer] = {}  # ActionID -> waits for its response (panoramisk's name)
        self.lists: dict[str, Answer] = {}  # ActionID -> had its response, waits for the rest of the list
        self.login_over: asyncio.Future[None] = loop.create_future()  # answered, or the connection has ended
        self.ended: asyncio.Future[str] = loop.create_future()  # the reason
        self.up = self.established = self.refused = self._logged_in = self._congested = False
        self.up_at: float | None = None
        self.watch = PingWatch(
            loop, every_s=link.ping_every_s, deadline_s=link.deadline_s, ping=self._ping, dead=self.end
        )
        self._read = None if link.wanted is None else frozenset(name.encode() for name in link.wanted | _LINK_NEEDS)
        self._lost: asyncio.Future[None] = loop.create_future()
        self._head = b""
        self._cutter = PacketCutter()

    @property
    def writable(self) -> bool:
        return self.up and not self._congested

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport.set_write_buffer_limits(high=_WRITE_LIMIT)

    def pause_writing(self) -> None:
        self._congested = True
        _log.warning("AMI link %s: Asterisk does not read; nothing more is sent until it does", self.link.name)

    def resume_writing(self) -> None:
        self._congested = False

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._lost.done():
            self._lost.set_result(None)
        how = f"connection lost: {_words(str(exc))}" if exc else "Asterisk closed the connection"
        self.end(how if self._logged_in else f"{how} before the login was answered")

    def end(self, reason: str, *, goodbye: bool = False) -> None:
        """End the connection: what waits fails, nothing more is read, sent or kept. A second call does nothing."""
        if self.ended.done():
            return
        self.ended.set_result(reason)
        was_up, self.up = self.up, False
        if not self.login_over.done():
            self.login_over.set_result(None)
        self.watch.stop()
        if self.transport is not None:
            if goodbye and self._logged_in:
                self.write(_packed((("Action", "Logoff"),)))
                super().close()
            else:
                self._reset()
        waiting = [*self.responses.values(), *self.lists.values()]
        self.responses.clear()
        self.lists.clear()
        for answer in waiting:
            answer.fail(reason)
        if was_up:
            self.link.went_down(reason)

    def _reset(self) -> None:
        """Throw away what Asterisk has not got yet, also in the kernel, which would go on delivering for minutes:
        an Originate must not reach it when the network heals and nobody waits for that call any more.
        """
        assert self.transport is not None
        self.closed = True
        if not self._lost.done():
            sock = self.transport.get_extra_info("socket")
            with contextlib.suppress(OSError, ValueError):  # it is closed already; uvloop says ValueError
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.transport.abort()

    async def gone(self) -> None:
        """Wait until the socket is closed; what cannot be written in a second is thrown away."""
        if self.transport is None:
            return
        if self.established:  # else uvloop never tells connection_lost (when connecting was cancelled at its very end)
            await asyncio.wait({self._lost}, timeout=_LEAVE_S)
        if not self._lost.done():
            self._reset()
            await asyncio.wait({self._lost}, timeout=_LEAVE_S if self.established else 0)

    def write(self, packed: Action) -> None:
        assert self.transport is not None
        self.transport.write(str(packed).encode())

    def ask(self, packed: Action, answer: Answer) -> None:
        if packed.id in self.responses or packed.id in self.lists:
            raise ValueError(f"AMI header ActionID: {packed.id!r} is waited for already; allowed is one not in use")
        self.responses[packed.id] = answer
        self.write(packed)

    def forget(self, action_id: str, answer: Answer) -> None:
        if self.responses.get(action_id) is answer and not answer.outlives_its_waiter:
            del self.responses[action_id]

    def _tell(self, action: Headers, tell: Callable[[Packet], None]) -> None:
        packed = _packed(action)
        self.ask(packed, Told(packed.future, tell))

    def _ping(self) -> None:
        self._tell((("Action", "Ping"),), lambda _: self.watch.answered())

    def data_received(self, data: bytes) -> None:
        if self.ended.done():
            return
        self.watch.heard_at = self.loop.time()
        if self.version is None:
            data = self._greet(data)
        link, read = self.link, self._read
        for raw in self._cutter.feed(data):
            if read is not None and raw.startswith(b"Event: "):  # Asterisk writes the name first
                stop = raw.find(b"\r\n")
                name = raw[7:stop] if stop > 0 else raw[7:]
                if name not in read and not (self.lists and b"\r\nActionID: " in raw):
                    link.counters.skipped += 1
                    continue
            link.seq += 1
            try:
                packet = read_packet(raw, link.seq)
            except ValueError as exc:
                link.counters.parse_errors += 1
                _log.warning("AMI link %s: %s", link.name, exc)
                continue
            if packet.name:
                self._event(packet)
            else:
                self._response(packet)
            if self.ended.done():
                return
        if self._cutter.overlong:
            self.end(f"a packet of more than {PACKET_LIMIT} bytes came")

    def _greet(self, data: bytes) -> bytes:
        """Read the first line and log in if it is Asterisk's; returns what came after it."""
        self._head += data
        line, found, rest = self._head.partition(b"\r\n")
        known = line.startswith(_GREETING) or (not found and _GREETING.startswith(line))
        if not known or len(line) > _GREETING_LIMIT:  # the secret is not for a stranger
            said = _words(line[:60].decode("utf-8", "replace"))
            self.end(f"what answers there is not an Asterisk manager: it said {said!r}")
            return b""
        if not found:
            return b""
        self.version = _words(line.decode("utf-8", "replace"))
        self.link.status = f"logging in to {self.version}"
        self._tell(self.link.login, self._login_answered)
        return rest

    def _login_answered(self, packet: Packet) -> None:
        if not packet.success:
            self.refused = True
            self.end(f"login refused: {_words(packet.message)}")
            return
        self._logged_in = True
        self.link.status = "logged in; waiting for FullyBooted (Asterisk is starting, or this user lacks read = system)"
        self.login_over.set_result(None)
        self.watch.start()

    def _response(self, packet: Packet) -> None:
        link = self.link
        link.counters.responses += 1
        answer = self.responses.pop(packet.action_id, None)
        if answer is not None:
            if not answer.take(packet):
                self.lists[packet.action_id] = answer
        elif self.up and link.on_response is not None:
            link.guarded(link.on_response, packet)

    def _event(self, packet: Packet) -> None:
        link, name = self.link, packet.name
        if self.lists and packet.action_id in self.lists:
            if self.lists[packet.action_id].take(packet):
                del self.lists[packet.action_id]
            return
        if name == "FullyBooted" and self._logged_in and not self.up:
            self.up, self.up_at = True, self.loop.time()
            link.came_up(str(self.version))
        if self.up and (link.wanted is None or name in link.wanted):
            link.counters.events += 1
            link.guarded(link.on_event, packet)
        else:
            link.counters.skipped += 1
        if name == "Shutdown":
            again = packet.get("Restart").lower() == "true"
            self.end("Asterisk is restarting" if again else "Asterisk is shutting down")


def _packed(action: Headers, action_id: str | None = None) -> Action:
    """panoramisk's Action: the ActionID, the text to send and the future of its answer."""
    return Action(_checked(action, action_id))


def _checked(action: Headers, action_id: str | None) -> dict[str, str | list[str]]:
    return checked_headers(action, Action.action_id_generator() if action_id is None else action_id)


def _words(text: str) -> str:
    """A stranger's text made fit for a status line and a log."""
    return "".join(sign if sign.isprintable() else "?" for sign in text[:200])
