"""The promise of ports.telephony, kept by AsteriskTelephony on a real Asterisk with SIPp as customers and agents.

Never skips: a missing Asterisk or SIPp is an error that says what makes it.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from dialerd.adapters.asterisk.link_settings import LinkSettings
from dialerd.adapters.asterisk.telephony import AsteriskTelephony
from dialerd.model.facts import AnyFact, CallEnded, CallLeft, CallWaiting, LinkLost, PhoneIdle, Reconciled
from dialerd.model.intents import Drop
from tests.asterisk.rig.asterisk import Rig
from tests.contract.telephony_suite import SERVER, TOKEN, Play, TelephonySuite

pytestmark = pytest.mark.asterisk

_CUSTOMERS = {
    "answers": "71002000{n}@trunk",
    "leaves": "71002010{n}@trunk",
    "busy": "72002486{n}@trunk",
    "rejects": "72002603{n}@trunk",
    "unallocated": "72002404{n}@trunk",
    "congested": "72002503{n}@trunk",
    "rings": "74000000{n}@trunk",
    "silent": "75000000{n}@trunk",
    "dead": "71002000{n}@trunk-deadq",
    "unknown": "71002000{n}@no-such-trunk",
    "heard": "70002000{n}@trunk",
}
_SOFTPHONES = {"answers": [1001, 1002, 1003, 1004, 1005, 1006, 1007], "leaves": [1201], "busy": [1008], "rings": [1009]}
_NUMBERS = itertools.count(1000)  # each number is dialed once, so that the carrier can count


class Gate:
    """A TCP gate between the adapter and Asterisk that can be shut."""

    def __init__(self, host: str, port: int) -> None:
        self._beyond = (host, port)
        self._pairs: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._through, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._pairs):
            writer.transport.abort()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _through(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._beyond)
        except OSError:
            writer.transport.abort()
            return
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            self._pairs.add(sink)
            task = asyncio.ensure_future(self._pump(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(1 << 16):
                sink.write(data)
                await sink.drain()
        except OSError:
            pass
        finally:
            self._pairs.discard(sink)
            sink.transport.abort()


class AsteriskStreet:
    """AsteriskTelephony through a gate to the rig's Asterisk, and the rig's phones."""

    def __init__(self, rig: Rig, gate: Gate) -> None:
        self.rig, self.gate = rig, gate
        self.facts: list[AnyFact] = []
        self._told = asyncio.Event()
        self._phones = {habit: itertools.cycle(numbers) for habit, numbers in _SOFTPHONES.items()}
        settings = LinkSettings(
            "127.0.0.1", gate.port, rig.ami_user, rig.ami_secret, reconnect_min_s=0.1, reconnect_max_s=0.5
        )
        self.telephony = AsteriskTelephony(SERVER, settings, TOKEN, self._on_fact)
        self.last_number = ""

    def _on_fact(self, fact: AnyFact) -> None:
        self.facts.append(fact)
        self._told.set()

    def customer(self, habit: str) -> str:
        resource = _CUSTOMERS[habit].format(n=next(_NUMBERS))
        self.last_number = resource.partition("@")[0]
        return f"PJSIP/{resource}"

    def softphone(self, habit: str) -> str:
        return f"PJSIP/{next(self._phones[habit])}"

    async def until(self, seen: Callable[[], bool], within_s: float) -> bool:
        try:
            async with asyncio.timeout(within_s):
                while not seen():
                    self._told.clear()
                    await self._told.wait()
        except TimeoutError:
            return seen()
        return True

    async def cut(self) -> None:
        await self.gate.shut()

    async def mend(self) -> None:
        await self.gate.open()

    async def channels(self) -> int:
        """Channels on Asterisk, ours or not."""
        said = await asyncio.to_thread(self.rig.cli, "core show channels count")
        return int(said.split()[0])


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with Rig() as made:
        made.start_phones()
        yield made


@pytest.fixture
async def street(rig: Rig) -> AsyncIterator[AsteriskStreet]:
    gate = Gate(rig.ami_host, rig.ami_port)
    await gate.open()
    made = AsteriskStreet(rig, gate)
    running = asyncio.ensure_future(made.telephony.run())
    assert await made.until(lambda: made.telephony.connected, 10)
    [first] = made.facts
    assert first == Reconciled(SERVER, (), ())
    made.facts.clear()
    yield made
    await made.telephony.aclose()
    await running
    await gate.shut()
    await asyncio.to_thread(rig.cli, "channel request hangup all")
    async with asyncio.timeout(10):
        while await made.channels():
            await asyncio.sleep(0.05)


class TestAsterisk(TelephonySuite):
    """The suite."""


async def test_V14_a_dropped_customer_hears_the_information_message(street: AsteriskStreet) -> None:
    play = Play(street)
    call = play.dial("heard", prompt="rig/prompt")
    await play.see(CallWaiting(call))
    street.telephony.submit(Drop(call, SERVER, "nobody is free"))
    await play.see_kind(CallEnded, call)
    assert CallLeft(call) in street.facts
    heard = await asyncio.to_thread(street.rig.customer_heard, street.last_number)
    assert heard.get("prompt", 0.0) > 1.0
    play.check()


async def test_O08_every_dial_reaches_the_carrier_once_through_cuts_of_the_link(street: AsteriskStreet) -> None:
    play = Play(street)
    dialed: list[str] = []
    for heard in (0, 1, 2, 6, 10):
        since = len(street.facts)
        for _ in range(6):
            play.dial("leaves")
            dialed.append(street.last_number)
        # cut with the Originates on their way, some of them ringing, all ringing, or some answered
        await play.until(lambda since=since, heard=heard: len(street.facts) - since >= heard, "so much")  # type: ignore[misc]
        await street.cut()
        await play.see_kind(LinkLost, since=since)
        play.dial("leaves")
        never = street.last_number
        await street.mend()
        await play.see_kind(Reconciled, since=since)
        assert (await asyncio.to_thread(street.rig.invites)).get(never, 0) == 0
    invites = await asyncio.to_thread(street.rig.invites)
    twice = {number: invites[number] for number in dialed if invites.get(number, 0) > 1}
    assert not twice
    assert all(number in invites for number in dialed[-12:])
    play.check()


async def test_O08_an_asterisk_that_was_started_anew_is_told_and_has_no_calls(street: AsteriskStreet) -> None:
    play = Play(street)
    leg = await play.idle()
    call = await play.waiting()
    await asyncio.sleep(1.1)  # CoreStartupTime has whole seconds
    await asyncio.to_thread(street.rig.restart)
    await play.until(lambda: isinstance(street.facts[-1], Reconciled), "Reconciled", 20)
    assert street.facts[-1] == Reconciled(SERVER, (), (), restarted=True)
    ends = [fact for fact in street.facts if isinstance(fact, LinkLost)]
    assert len(ends) == 1
    # an orderly stop tells the hang-ups before the link goes
    assert [type(fact).__name__ for fact in play.of(call)][-1] == "CallEnded"
    assert [type(fact).__name__ for fact in play.of(leg)][-1] == "PhoneEnded"
    assert PhoneIdle(leg) in street.facts
    play.check()
