"""A scriptable Asterisk manager interface on loopback TCP, for every fault a network and an Asterisk can have.

Never shares code with the link it is there to try, and never answers anything nobody scripted or Asterisk would not say.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType

from tests.doubles.loopback_ports import single_tcp_port

Headers = Sequence[tuple[str, str]]
GREETING = b"Asterisk Call Manager/11.0.0\r\n"
BOOTED: Headers = [("Event", "FullyBooted"), ("Privilege", "system,all"), ("Uptime", "7"), ("Status", "Fully Booted")]


@dataclass(frozen=True)
class Received:
    """One action, as it came over the wire."""

    order: int
    session: int
    headers: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str:
        return next((value for header, value in self.headers if header.lower() == name.lower()), "")

    def all(self, name: str) -> list[str]:
        return [value for header, value in self.headers if header.lower() == name.lower()]

    @property
    def name(self) -> str:
        return self.get("Action")


Reply = Callable[[Received], Iterable[Headers]]
"""The packets that answer an action; ActionID is put in where it is missing."""


def success(message: str = "", *more: tuple[str, str]) -> Reply:
    """An answer of one response."""
    said = [("Message", message)] if message else []
    return lambda _: [[("Response", "Success"), *more, *said]]


def error(message: str) -> Reply:
    """A refusal."""
    return lambda _: [[("Response", "Error"), ("Message", message)]]


def listing(items: Iterable[Headers], complete: str, *, broken_off: bool = False) -> Reply:
    """A list answer: start, the items (each beginning with Event), and `complete`, unless it is broken off."""
    rows = [list(item) for item in items]
    start: Headers = [("Response", "Success"), ("EventList", "start"), ("Message", "The list will follow")]
    end: Headers = [("Event", complete), ("EventList", "Complete"), ("ListItems", str(len(rows)))]
    return lambda _: [start, *rows] if broken_off else [start, *rows, end]


def _echo_user_event(action: Received) -> Iterable[Headers]:
    sent = [pair for pair in action.headers if pair[0].lower() not in ("action", "actionid", "userevent")]
    yield [("Response", "Success"), ("Message", "Event Sent")]
    yield [("Event", "UserEvent"), ("Privilege", "user,all"), ("UserEvent", action.get("UserEvent")), *sent]


def _originate(action: Received) -> Iterable[Headers]:
    if action.get("Context") == "no-such-context":
        return error("Extension does not exist.")(action)
    return success("Originate successfully queued")(action)


class FakeAmi:
    """The server. Set its attributes and call its methods at any time; everything happens in the running loop."""

    def __init__(self, users: dict[str, str]) -> None:
        self.host = "127.0.0.1"
        self.port = single_tcp_port()
        self.users = users
        self.greeting: bytes | None = GREETING
        """None: the connection is accepted and nothing is said."""
        self.hang_up_on_accept = False
        self.booted = True
        """Whether FullyBooted follows the login at once; else send it by `event`."""
        self.withheld: set[str] = set()
        """Names of actions that are recorded but not answered."""
        self.delay_s: dict[str, float] = {}
        """Seconds an action blocks its session, as a slow one does in Asterisk."""
        self.chop: int | None = None
        """Bytes of one TCP segment."""
        self.receive_buffer: int | None = None
        """Bytes the kernel takes for a session that does not read; for connections after the next `listen`."""
        self.received: list[Received] = []
        self.sessions: list[Session] = []
        """All there ever were, in order; see `Session.open`."""
        self._server: asyncio.Server | None = None
        self._replies: dict[str, Reply] = {
            "Ping": success("", ("Ping", "Pong"), ("Timestamp", "1795299785.041727")),
            "Logoff": lambda _: [[("Response", "Goodbye"), ("Message", "Thanks for all the fish.")]],
            "Originate": _originate,
            "UserEvent": _echo_user_event,
            "CoreShowChannels": listing([], "CoreShowChannelsComplete"),
            "BridgeList": listing([], "BridgeListComplete"),
            "DeviceStateList": listing([], "DeviceStateListComplete"),
        }

    async def __aenter__(self) -> FakeAmi:
        await self.listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stop_listening()
        for session in self.sessions:
            session.stop()
        await asyncio.gather(*(session.task for session in self.sessions), return_exceptions=True)

    async def listen(self) -> None:
        """Accept connections (again), on the same port."""
        if self._server is None:
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if self.receive_buffer is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer)
            sock.bind((self.host, self.port))
            self._server = await asyncio.start_server(self._accepted, sock=sock)

    def stop_listening(self) -> None:
        """Refuse new connections; those that are open stay open."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def answer(self, action: str, reply: Reply) -> None:
        """Answer every later action of that name so."""
        self._replies[action] = reply

    def actions(self, name: str) -> list[Received]:
        """Every action of that name ever received, in order."""
        return [action for action in self.received if action.name == name]

    def event(self, *packets: Headers) -> None:
        """Send events to every session that is logged in."""
        self.raw(b"".join(map(encoded, packets)))

    def raw(self, data: bytes) -> None:
        """Send bytes to every session that is logged in."""
        for session in self.sessions:
            if session.open and session.logged_in:
                session.write(data)

    def cut(self, last_words: bytes = b"") -> None:
        """Close every connection in an orderly way, after some last bytes."""
        for session in self.sessions:
            session.write(last_words)
            session.finish()

    def reset(self) -> None:
        """Reset every connection (RST)."""
        for session in self.sessions:
            session.reset()

    def freeze(self) -> None:
        """Every open connection becomes half-open: nothing is read, nothing answered, nothing closed."""
        for session in self.sessions:
            session.freeze()

    def thaw(self) -> None:
        """Half-open connections are read and answered again."""
        for session in self.sessions:
            session.thaw()

    def replies(self, action: Received) -> bytes:
        reply = self._replies.get(action.name, error(f"Invalid/unknown command: {action.name}."))
        return b"".join(encoded(_with_id(packet, action)) for packet in reply(action))

    def record(self, session: int, headers: tuple[tuple[str, str], ...]) -> Received:
        action = Received(len(self.received), session, headers)
        self.received.append(action)
        return action

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(self, len(self.sessions), reader, writer)
        self.sessions.append(session)
        with contextlib.suppress(asyncio.CancelledError):
            await session.task


class Session:
    """One connection of a client."""

    def __init__(self, ami: FakeAmi, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ami, self.number = ami, number
        self._reader, self._writer = reader, writer
        self._out: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.logged_in = False
        self.frozen = False
        self.open = True
        self.task = asyncio.ensure_future(self._serve())

    def write(self, data: bytes) -> None:
        """Queue bytes; they go in order."""
        if self.open and data and not self.frozen:
            self._out.put_nowait(data)

    def write_now(self, data: bytes) -> None:
        """Write in this very turn of the loop, past the queue."""
        self._writer.write(data)

    def finish(self) -> None:
        """Close after what is queued."""
        self._out.put_nowait(None)

    def reset(self) -> None:
        """RST now."""
        sock = self._writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.stop()

    def stop(self) -> None:
        """Abort."""
        self._writer.transport.abort()
        self.task.cancel()

    def freeze(self) -> None:
        """Half-open."""
        if self.open:
            self.frozen = True
            self._writer.transport.pause_reading()  # type: ignore[attr-defined]  # typeshed knows WriteTransport only

    def thaw(self) -> None:
        """The end of `freeze`."""
        if self.open and self.frozen:
            self.frozen = False
            self._writer.transport.resume_reading()  # type: ignore[attr-defined]

    async def _serve(self) -> None:
        writing = asyncio.ensure_future(self._write())
        reading = asyncio.ensure_future(self._read())
        try:
            await asyncio.wait({writing, reading}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.open = False
            for task in (writing, reading):
                task.cancel()
            await asyncio.gather(writing, reading, return_exceptions=True)
            self._writer.close()

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionError):
            while (data := await self._out.get()) is not None:
                step = self._ami.chop or len(data)
                for start in range(0, len(data), step):
                    self._writer.write(data[start : start + step])
                    await self._writer.drain()
                    if self._ami.chop:
                        for _ in range(3):  # let the client read this segment alone
                            await asyncio.sleep(0)

    async def _read(self) -> None:
        if self._ami.hang_up_on_accept:
            return
        if self._ami.greeting is not None:
            self.write(self._ami.greeting)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                raw = await self._reader.readuntil(b"\r\n\r\n")
                await self._act(self._ami.record(self.number, decoded(raw)))

    async def _act(self, action: Received) -> None:
        await asyncio.sleep(self._ami.delay_s.get(action.name, 0))
        if self.frozen or action.name in self._ami.withheld:
            return
        if action.name == "Login":
            self._login(action)
        elif not self.logged_in:
            self._answer(action, error("Permission denied"))
        else:
            self.write(self._ami.replies(action))
            if action.name == "Logoff":
                self.finish()

    def _login(self, action: Received) -> None:
        known = self._ami.users.get(action.get("Username"))
        if known is None or known != action.get("Secret"):
            self._answer(action, error("Authentication failed"))
            self.finish()
            return
        self._answer(action, success("Authentication accepted"))
        self.logged_in = True
        if self._ami.booted:
            self.write(encoded(BOOTED))

    def _answer(self, action: Received, reply: Reply) -> None:
        self.write(b"".join(encoded(_with_id(packet, action)) for packet in reply(action)))


def encoded(packet: Headers) -> bytes:
    """One packet as Asterisk writes it."""
    return "".join(f"{name}: {value}\r\n" for name, value in packet).encode() + b"\r\n"


def decoded(raw: bytes) -> tuple[tuple[str, str], ...]:
    """The headers of one action, read as Asterisk reads it: a bare line feed ends a line too."""
    pairs = []
    for line in raw.replace(b"\r\n", b"\n").split(b"\n"):
        if line:
            name, _, value = line.partition(b":")
            pairs.append((name.decode(), value.lstrip(b" ").decode()))
    return tuple(pairs)


def _with_id(packet: Headers, action: Received) -> Headers:
    if not action.get("ActionID") or any(name == "ActionID" for name, _ in packet):
        return packet
    first, *rest = packet
    return [first, ("ActionID", action.get("ActionID")), *rest]


async def eventually(condition: Callable[[], object], what: str, deadline_s: float = 20.0) -> None:
    """Wait until a condition holds. Raises AssertionError saying `what` did not happen within `deadline_s` seconds."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + deadline_s
    while not condition():
        if loop.time() > ends:
            raise AssertionError(f"did not happen within {deadline_s:g} s: {what}")
        await asyncio.sleep(0.002)
