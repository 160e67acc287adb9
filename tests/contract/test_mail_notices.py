"""Notices from a campaign's command to a letter box, over a real SMTP server that comes and goes (C05)."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from dialerd.adapters.mail.smtp import Account, SmtpMailer
from dialerd.campaigns.notices import Noticing
from dialerd.runtime.notifying import Notifying, Reach
from dialerd.runtime.wall_clock import FastClock
from tests.doubles.desk_of_facts import START, Centre, floor
from tests.doubles.notices_kept import NoticesKept
from tests.doubles.smtp_server import CLOSE, SmtpServer

PATIENCE_S = 20.0
SPEED = 600.0
"""A minute's pause is over in a tenth of a second."""
PEOPLE = {"olga": Reach("olga@example.vn", "en"), "ada": Reach("ada@example.vn", "vi")}
POLICY = {"name": "Mùa hè", "trunks": ["main"], "region": "none"}


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """asyncio does not complain of lost exceptions or tasks."""
    yield
    gc.collect()
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


async def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.01)


class LateClock(FastClock):
    """Fast time that begins after the instants of the desk of facts."""

    def now(self) -> float:
        return super().now() + 10 * START


class Office:
    """Campaigns, a keeper that outlives the daemon's tasks, and those tasks."""

    def __init__(self, server: SmtpServer) -> None:
        self.clock = LateClock(SPEED)
        self.centre = Centre(floor(), start=False)
        self.noticing = Noticing(self.centre.live, PEOPLE.__contains__)
        self.keeper = NoticesKept()
        self._server = server
        self.notifying = self._made()

    def _made(self) -> Notifying:
        mailer = SmtpMailer(Account(self._server.host, self._server.port, "dialerd@example.vn", timeout_s=10.0))
        return Notifying(
            self.keeper,
            self.clock,
            lambda topic, payload: None,
            mailer,
            PEOPLE.get,
            token="00c0ffee",
            zone="Asia/Ho_Chi_Minh",
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """A daemon's life."""
        task = asyncio.create_task(self.notifying.run())
        try:
            yield
            assert not task.done(), task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self.notifying.aclose()
            self.notifying = self._made()

    def ask(self, verb: str, who: str, **args: Any) -> None:
        """A command, its turn and its commit."""
        before = len(self.centre.turns)
        self.centre.now = self.clock.now()
        reply = self.centre.ask(f"campaign.{verb}", who, campaign="summer", **args)
        assert reply["ok"], reply
        for turn in self.centre.turns[before:]:
            rows = self.noticing.rows(turn.turn, turn.rows)
            self.keeper.commit(rows)
            self.notifying.told(rows)


def post(server: SmtpServer) -> list[tuple[str, str]]:
    return [(taken.recipients[0], str(taken.message["Subject"])) for taken in server.letters]


async def test_C05_from_the_command_to_the_letter_box(server: SmtpServer) -> None:
    office = Office(server)
    async with office.running():
        office.ask("create", "ada", policy=POLICY)
        await until(lambda: len(server.letters) == 1)
        office.ask("approve", "olga", note="đẹp lắm")
        await until(lambda: len(server.letters) == 2)
        office.ask("start", "ada")
        await until(lambda: len(server.letters) == 4)
    assert post(server) == [
        ("olga@example.vn", "[main] Campaign “Mùa hè” was created"),
        ("ada@example.vn", "[main] Chiến dịch “Mùa hè” đã được duyệt"),
        ("ada@example.vn", "[main] Chiến dịch “Mùa hè” đã bắt đầu chạy"),
        ("olga@example.vn", "[main] Campaign “Mùa hè” began to run"),
    ]
    assert "Ghi chú: đẹp lắm" in server.letters[1].text
    assert {row.state for row in office.keeper.rows.values()} == {"sent"}


async def test_C05_letters_wait_for_a_server_that_is_away_and_come_once_when_it_is_back(server: SmtpServer) -> None:
    office = Office(server)
    server.stop()
    async with office.running():
        office.ask("create", "ada", policy=POLICY)
        office.ask("approve", "olga")
        await until(lambda: office.notifying.status()["server_away_until"])
        status = office.notifying.status()
        assert status["queued"] == 2
        assert "cannot connect" in status["last_error"]
        server.start()
        await until(lambda: office.notifying.status()["sent"] == 2)
    assert sorted(to for to, _ in post(server)) == ["ada@example.vn", "olga@example.vn"]


async def test_C05_what_a_stopped_daemon_left_is_sent_by_the_next_one_and_nothing_twice(server: SmtpServer) -> None:
    office = Office(server)
    async with office.running():
        office.ask("create", "ada", policy=POLICY)
        await until(lambda: len(server.letters) == 1)
        server.stop()
        office.ask("approve", "olga")
        await until(lambda: office.notifying.status()["last_error"])
    server.start()
    async with office.running():
        await until(lambda: office.notifying.status()["sent"] == 1)
    async with office.running():
        await until(lambda: office.notifying.status()["queued"] == 0)
    assert [to for to, _ in post(server)] == ["olga@example.vn", "ada@example.vn"]


async def test_C05_greylisting_a_cut_line_and_a_dead_letter_box_end_as_they_should(server: SmtpServer) -> None:
    server.order("rcpt", "451 4.7.1 come again")
    server.order("data", CLOSE)
    office = Office(server)
    async with office.running():
        office.ask("create", "ada", policy=POLICY)
        await until(lambda: len(server.letters) == 1)
        (row,) = office.keeper.rows.values()
        assert (row.tries, row.state) == (2, "sent")
        server.order("rcpt", "550 5.1.1 no such user")
        office.ask("approve", "olga")
        await until(lambda: office.notifying.status()["given_up"] == 1)
    assert office.notifying.status()["queued"] == 0
    assert [row.last_error for row in office.keeper.rows.values()] == ["", "550 5.1.1 no such user"]
    assert len(server.letters) == 1
