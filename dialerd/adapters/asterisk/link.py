"""The guarded AMI link: one session with one Asterisk, kept alive, on panoramisk's protocol and actions.

It must never send anything twice, keep an action for later, let a stranger's text end a header line, or be ended by a
fault of its listeners or of the network.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol

from dialerd.adapters.asterisk import tcp
from dialerd.adapters.asterisk.answers import AmiLost, Answer, Awaited, ListAnswer, Told
from dialerd.adapters.asterisk.listeners import Listeners
from dialerd.adapters.asterisk.packets import Packet, checked_headers, fit_for_a_line, in_lines
from dialerd.adapters.asterisk.pauses import Pauses
from dialerd.adapters.asterisk.ping_watch import PingWatch
from dialerd.adapters.asterisk.reaching import SLOW_S, why_refused, why_unreachable
from dialerd.adapters.asterisk.session import Headers, Session

_log = logging.getLogger("dialerd.ami")
_LEAVE_S = 1.0  # for the last bytes of a connection that is closed


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
        login_source: str = "its configuration",
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
        slow_s: float = SLOW_S,
    ) -> None:
        """All times are seconds. `login_source`: where the secret was read, for the message about a refused login.

        `on_event` gets each event that is named in `wanted` (all, if None) and is no part of a list answer, in order of
        arrival and only between `on_up` and `on_down`; `on_response` each response nobody waits for, in the same order.
        `on_up` follows login and FullyBooted, `on_down` each loss of a link that was up (also `close`), with the reason.
        Raises ValueError if username or secret cannot be sent, or the port cannot be one.
        """
        if not 0 < port < 65536:
            raise ValueError(f"AMI port: found {port}; allowed are 1 to 65535")
        self.name = name
        self._host, self._port = host, port
        self.place = f"{fit_for_a_line(host)}:{port}"
        self._whom = {"server": name, "place": self.place, "username": username, "login_source": login_source}
        self.login: Headers = (("Action", "Login"), ("Username", username), ("Secret", secret), ("Events", "on"))
        checked_headers(self.login, "login")
        self.listeners = Listeners(
            name, on_event=on_event, on_up=on_up, on_down=on_down, on_response=on_response, wanted=wanted
        )
        self.ping_every_s, self.deadline_s, self._slow_s = ping_every_s, deadline_s, slow_s
        self._pauses = Pauses(lost_s=(reconnect_min_s, reconnect_max_s), refused_s=(auth_retry_min_s, auth_retry_max_s))
        self.counters = self.listeners.counters
        self.status = "not started"
        """In words: what the link does now, or why it is not connected."""
        self._wire: _Wire | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._closed = False
        self._ended = asyncio.Event()

    def __repr__(self) -> str:
        return f"<AmiLink {self.name}: {self.status}>"

    @property
    def connected(self) -> bool:
        """Whether it is logged in, Asterisk is fully booted, and actions can be sent."""
        return self._wire is not None and self._wire.session.up

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
        wire = self._wire
        if wire is None or not wire.writable:
            why = "Asterisk does not read" if self.connected else self.status
            raise AmiLost(f"{packed['Action']} was not sent: {why}")
        answer = kind(packed.future)
        wire.ask(packed, answer)
        try:
            return await answer.within(self.deadline_s if deadline_s is None else deadline_s, packed["Action"])
        finally:
            wire.awaited.forget(packed.id, answer)

    async def _keep_connected(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self.status = f"connecting to {self.place}"
            wire = self._wire = _Wire(self, loop)
            reason = await self._one_session(wire)
            await wire.gone()
            if wire.session.refused:
                pause = self._pauses.after_refusal()
            else:
                pause = self._pauses.after_loss(None if wire.up_at is None else loop.time() - wire.up_at)
            self.status = f"{reason}; trying again in {pause:g} s"
            _log.warning("AMI link %s: %s", self.name, self.status)
            await asyncio.sleep(pause)

    async def _one_session(self, wire: _Wire) -> str:
        """One connection from its start to its end; returns why it ended."""
        slow = wire.loop.call_later(self._slow_s, self._say_slow, wire)
        try:
            await self._log_in(wire)
            reason = await wire.ended
        finally:
            slow.cancel()
        return why_refused(reason, **self._whom) if wire.session.refused else reason

    async def _log_in(self, wire: _Wire) -> None:
        try:
            async with asyncio.timeout(self.deadline_s):
                await wire.loop.create_connection(lambda: wire, self._host, self._port)
                wire.established = True
                await wire.login_over
        except TimeoutError:
            wire.end(f"no login at {self.place} within {self.deadline_s:g} s: still {self.status}")
        except (OSError, ValueError) as exc:  # ValueError: a host name that cannot be one
            wire.end(why_unreachable(self._host, self._port, exc))

    def _say_slow(self, wire: _Wire) -> None:
        if not (wire.over or wire.session.up):
            _log.warning("AMI link %s: still %s after %g s", self.name, self.status, self._slow_s)

    def came_up(self, version: str) -> None:
        """Told by the wire after login and FullyBooted."""
        self.status = f"connected to {version}"
        _log.info("AMI link %s: %s", self.name, self.status)
        self.listeners.up()

    def went_down(self, reason: str) -> None:
        """Told by the wire when it ends after it was up."""
        self.status = reason
        self.listeners.down(reason)


class _Wire(AMIProtocol):  # type: ignore[misc]  # panoramisk has no types
    """One TCP connection: panoramisk's protocol with its reading, its pending actions and its end replaced."""

    def __init__(self, link: AmiLink, loop: asyncio.AbstractEventLoop) -> None:
        self.link, self.loop = link, loop
        self.transport: asyncio.Transport | None = None
        self.awaited = Awaited()
        self.session = Session(self, link.login, link.listeners, self.awaited)
        self.login_over: asyncio.Future[None] = loop.create_future()  # answered, or the connection has ended
        self.ended: asyncio.Future[str] = loop.create_future()  # the reason
        self.established = self._congested = False
        self.up_at: float | None = None
        self.watch = PingWatch(
            loop, every_s=link.ping_every_s, deadline_s=link.deadline_s, ping=self._ping, dead=self.end
        )
        self._lost: asyncio.Future[None] = loop.create_future()

    @property
    def over(self) -> bool:
        return self.ended.done()

    @property
    def writable(self) -> bool:
        return self.session.up and not self._congested

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        tcp.prepare(transport)
        if not self.over:
            self.say(f"connected to {self.link.place}, waiting for the greeting of an Asterisk manager")

    def data_received(self, data: bytes) -> None:
        if not self.ended.done():
            self.watch.heard_at = self.loop.time()
            self.session.feed(data)

    def pause_writing(self) -> None:
        self._congested = True
        _log.warning("AMI link %s: Asterisk does not read; nothing more is sent until it does", self.link.name)

    def resume_writing(self) -> None:
        self._congested = False

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._lost.done():
            self._lost.set_result(None)
        how = f"connection lost: {fit_for_a_line(str(exc))}" if exc else "Asterisk closed the connection"
        self.end(how if self.session.logged_in else f"{how} before the login was answered")

    # --- what its session wants

    def say(self, status: str) -> None:
        self.link.status = status

    def tell(self, action: Headers, tell: Callable[[Packet], None]) -> None:
        packed = _packed(action)
        self.ask(packed, Told(packed.future, tell))

    def logged_in(self) -> None:
        self.login_over.set_result(None)
        self.watch.start()

    def came_up(self, version: str) -> None:
        self.up_at = self.loop.time()
        self.link.came_up(version)

    def end(self, reason: str, *, goodbye: bool = False) -> None:
        """End the connection: what waits fails, nothing more is read, sent or kept. A second call does nothing."""
        if self.ended.done():
            return
        self.ended.set_result(reason)
        was_up, self.session.up = self.session.up, False
        if not self.login_over.done():
            self.login_over.set_result(None)
        self.watch.stop()
        if self.transport is not None:
            if goodbye and self.session.logged_in:
                self.write(_packed((("Action", "Logoff"),)))
                super().close()
            else:
                self._reset()
        self.awaited.fail(reason)
        if was_up:
            self.link.went_down(reason)

    def _reset(self) -> None:
        assert self.transport is not None
        self.closed = True
        if not self._lost.done():
            tcp.reset(self.transport)

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
        self.awaited.add(packed.id, answer)
        self.write(packed)

    def _ping(self) -> None:
        self.tell((("Action", "Ping"),), lambda _: self.watch.answered())


def _packed(action: Headers, action_id: str | None = None) -> Action:
    """panoramisk's Action: the ActionID, the text to send and the future of its answer."""
    return Action(_checked(action, action_id))


def _checked(action: Headers, action_id: str | None) -> dict[str, str | list[str]]:
    return checked_headers(action, Action.action_id_generator() if action_id is None else action_id)
