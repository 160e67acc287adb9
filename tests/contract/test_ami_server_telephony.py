"""The promise of ports.telephony, kept on the street: in process in virtual time, and by the real adapter over AMI.

Never another suite than the one a real Asterisk passes.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable

import pytest

from dialerd.adapters.asterisk.telephony import AsteriskTelephony, LinkSettings
from dialerd.model.facts import AnyFact, Reconciled
from dialerd.ports.telephony import Telephony
from sim.ami_server import AmiServer
from sim.in_process import StreetTelephony
from sim.street import Street
from tests.contract.telephony_suite import SERVER, TOKEN, TelephonySuite
from tests.unit.street_cases import FIXED, scenario

_CUSTOMERS = {
    "answers": "71002000{n}@street",
    "leaves": "71002010{n}@street",
    "busy": "72002486{n}@street",
    "rejects": "72002603{n}@street",
    "unallocated": "72002404{n}@street",
    "congested": "72002503{n}@street",
    "rings": "74000000{n}@street",
    "silent": "75000000{n}@street",
    "dead": "71002000{n}@street-dead",
    "unknown": "71002000{n}@no-such-trunk",
}
_SOFTPHONES = {"answers": [1001, 1002, 1003, 1004, 1005, 1006, 1007], "leaves": [1201], "busy": [1008], "rings": [1009]}
_LONG = {"agents": {"count": 201}, "customers": {"talk": {**FIXED, "mean_s": 3000}}}


class Numbers:
    """Numbers and phones of the street, each number once."""

    def __init__(self) -> None:
        self._number = itertools.count(100)
        self._phones = {habit: itertools.cycle(numbers) for habit, numbers in _SOFTPHONES.items()}

    def customer(self, habit: str) -> str:
        return f"PJSIP/{_CUSTOMERS[habit].format(n=next(self._number))}"

    def softphone(self, habit: str) -> str:
        return f"PJSIP/{next(self._phones[habit])}"


class VirtualStreet(Numbers):
    """StreetTelephony, and a driver that goes from one thing due to the next."""

    def __init__(self) -> None:
        super().__init__()
        self._face = StreetTelephony(Street(scenario(**_LONG)), SERVER)
        self._now = self._face.street.now
        self._facts: list[AnyFact] = []

    @property
    def telephony(self) -> Telephony:
        return self._face

    @property
    def facts(self) -> list[AnyFact]:
        self._facts += self._face.facts_until(self._now)
        return self._facts

    async def until(self, seen: Callable[[], bool], within_s: float) -> bool:
        deadline = self._now + within_s
        while not seen():
            due = self._face.next_time()
            if due is None or due > deadline:
                self._now = deadline
                return seen()
            self._now = max(self._now, due)
            self._facts += self._face.facts_until(self._now)
        return True

    async def cut(self) -> None:
        self._face.lose_link("cut")

    async def mend(self) -> None:
        self._face.restore_link()


class AmiStreet(Numbers):
    """AsteriskTelephony on the street's AMI server."""

    def __init__(self, server: AmiServer) -> None:
        super().__init__()
        self._server = server
        self.facts: list[AnyFact] = []
        self._told = asyncio.Event()
        settings = LinkSettings(
            "127.0.0.1", server.port, "dialerd", "dialerd", reconnect_min_s=0.05, reconnect_max_s=0.2
        )
        self.adapter = AsteriskTelephony(SERVER, settings, TOKEN, self._on_fact)

    @property
    def telephony(self) -> Telephony:
        return self.adapter

    def _on_fact(self, fact: AnyFact) -> None:
        self.facts.append(fact)
        self._told.set()

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
        self._server.faults.ask({"fault": "cut", "how": "abort", "down_s": 60})

    async def mend(self) -> None:
        self._server.faults.ask({"fault": "cut", "down_s": 0})


class TestInProcess(TelephonySuite):
    """The suite, in virtual time."""

    @pytest.fixture
    def street(self) -> VirtualStreet:
        made = VirtualStreet()
        assert made.facts == [Reconciled(SERVER, (), ())]
        made.facts.clear()
        return made


class TestOverAmi(TelephonySuite):
    """The suite, with the real adapter; with and without an order of events."""

    @pytest.fixture(params=["in order", "shuffled"])
    async def street(self, request: pytest.FixtureRequest) -> AsyncIterator[AmiStreet]:
        async with AmiServer(scenario(**_LONG), shuffle=request.param == "shuffled") as server:
            made = AmiStreet(server)
            running = asyncio.ensure_future(made.adapter.run())
            assert await made.until(lambda: made.adapter.connected, 10)
            assert made.facts == [Reconciled(SERVER, (), ())]
            made.facts.clear()
            yield made
            await made.adapter.aclose()
            await running
            # the suite's phone that rings for ever takes several calls at once, as the rig's do
            assert set(server.street.books.misuses) <= {"softphone called while it was in use"}
            assert set(server.street.books.invites.values()) <= {1}
