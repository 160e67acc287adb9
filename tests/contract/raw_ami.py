"""A small AMI client straight on TCP, so that the street's AMI server is judged by bytes and not by a library.

Never hides a packet: all that came is kept in order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sim.ami_protocol import FILTERED
from sim.ami_server import USERS
from sim.ami_session import User

DEADLINE_S = 10.0
STORY = ("story", "story")
"""A user to whom more is told than to the daemon: a call's whole story."""
USERS_AND_STORY = {
    **USERS,
    "story": User("story", events=FILTERED | {"DialState", "DialEnd", "BridgeLeave", "DeviceStateChange"}),
}
Packet = list[tuple[str, str]]


def value(packet: Packet, name: str) -> str:
    """The first value of a header; KeyError if there is none."""
    for header, text in packet:
        if header == name:
            return text
    raise KeyError(f"{name} in {packet}")


def values(packet: Packet, name: str) -> list[str]:
    return [text for header, text in packet if header == name]


def names(packet: Packet) -> list[str]:
    return [header for header, _ in packet]


class RawAmi:
    """One session."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._count = 0
        self._came = asyncio.Event()
        self.banner = b""
        self.packets: list[Packet] = []
        self.bytes = b""
        self.ended = False
        self._task = asyncio.create_task(self._read())

    @classmethod
    async def connect(cls, port: int) -> RawAmi:
        reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), DEADLINE_S)
        return cls(reader, writer)

    @classmethod
    async def logged_in(cls, port: int, user: str = "dialerd", secret: str = "dialerd") -> RawAmi:
        ami = await cls.connect(port)
        answer = await ami.ask("Login", Username=user, Secret=secret)
        assert value(answer, "Response") == "Success", answer
        await ami.event("FullyBooted")
        return ami

    async def _read(self) -> None:
        rest = b""
        try:
            while data := await self._reader.read(65536):
                self.bytes += data
                rest += data
                if not self.banner and b"\r\n" in rest:
                    self.banner, rest = rest.split(b"\r\n", 1)
                *packets, rest = rest.split(b"\r\n\r\n")
                for raw in packets:
                    lines = raw.decode().split("\r\n")
                    self.packets.append([(n, v) for n, _, v in (line.partition(": ") for line in lines)])
                self._came.set()
        except ConnectionError:
            pass
        finally:
            self.ended = True
            self._came.set()

    def send(self, action: str, variables: list[str] | None = None, /, **headers: object) -> str:
        """Send an action without waiting; its ActionID."""
        self._count += 1
        action_id = str(headers.pop("ActionID", f"r{self._count}"))
        lines = [f"Action: {action}", f"ActionID: {action_id}"]
        lines += [f"{name}: {text}" for name, text in headers.items()]
        lines += [f"Variable: {pair}" for pair in variables or []]
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        return action_id

    def raw(self, data: bytes) -> None:
        self._writer.write(data)

    async def ask(self, action: str, variables: list[str] | None = None, /, **headers: object) -> Packet:
        """Send an action and wait for its response."""
        action_id = self.send(action, variables, **headers)
        return await self.wait(
            lambda p: names(p)[0] == "Response" and value(p, "ActionID") == action_id, f"response to {action}"
        )

    async def listing(self, action: str, complete: str, **headers: object) -> list[Packet]:
        """The items of a list action."""
        action_id = self.send(action, None, **headers)
        await self.wait(lambda p: p[0] == ("Event", complete) and value(p, "ActionID") == action_id, complete)
        mine = [p for p in self.packets if ("ActionID", action_id) in p]
        assert value(mine[0], "Response") == "Success"
        assert value(mine[0], "EventList") == "start"
        assert value(mine[-1], "ListItems") == str(len(mine) - 2)
        return mine[1:-1]

    def originate(self, call: str, number: str, variables: tuple[str, ...] = (), **more: object) -> str:
        """The daemon's Originate of a customer."""
        headers: dict[str, object] = {
            "Channel": f"PJSIP/{number}@street",
            "Context": "dialer-cust",
            "Exten": "s",
            "Priority": 1,
            "Async": "true",
            "Timeout": 30000,
            "ChannelId": call,
            "CallerID": '"Acme" <431>',
        }
        return self.send("Originate", [f"DLR_CALL={call}", "DLR_WAIT=600", *variables], **{**headers, **more})

    def call_phone(self, leg: str, agent: str, context: str = "dialer-agent", call: str = "", **more: object) -> str:
        """The daemon's Originate of an agent's phone."""
        headers: dict[str, object] = {
            "Channel": f"PJSIP/{agent}",
            "Context": context,
            "Exten": "s",
            "Priority": 1,
            "Async": "true",
            "Timeout": 15000,
            "ChannelId": leg,
        }
        variables = [f"DLR_AGENT={agent}"] + ([f"DLR_CALL={call}"] if call else [])
        return self.send("Originate", variables, **{**headers, **more})

    async def wait(self, fits: Callable[[Packet], bool], what: str) -> Packet:
        """The first packet that fits, of those that came or will come."""

        async def search() -> Packet:
            seen = 0
            while True:
                self._came.clear()
                for packet in self.packets[seen:]:
                    if fits(packet):
                        return packet
                seen = len(self.packets)
                if self.ended:
                    raise ConnectionError(f"the session ended before: {what}")
                await self._came.wait()

        try:
            return await asyncio.wait_for(search(), DEADLINE_S)
        except TimeoutError:
            told = "\n".join(str(p[:3]) for p in self.packets[-15:])
            raise AssertionError(f"did not come: {what}; the last packets:\n{told}") from None

    async def event(self, name: str, uid: str = "", **headers: str) -> Packet:
        """The first event of that name, of that channel, with these headers."""

        def fits(packet: Packet) -> bool:
            if packet[0] != ("Event", name):
                return False
            if uid and uid not in values(packet, "Uniqueid") + values(packet, "DestUniqueid"):
                return False
            return all((n, v) in packet for n, v in headers.items())

        return await self.wait(fits, f"{name} {uid} {headers}")

    def events(self, uid: str = "") -> list[str]:
        """Names of the events (of one channel) that came, in order."""
        return [
            p[0][1]
            for p in self.packets
            if p[0][0] == "Event" and (not uid or uid in values(p, "Uniqueid") + values(p, "DestUniqueid"))
        ]

    async def until_ended(self) -> None:
        """Wait for the end of the connection."""
        await asyncio.wait_for(asyncio.shield(self._task), DEADLINE_S)

    async def close(self) -> None:
        self._writer.close()
        self._task.cancel()
        await asyncio.gather(self._task, self._writer.wait_closed(), return_exceptions=True)
