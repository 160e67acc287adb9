"""Letters on their way: none lost, none doubled without need, none in a flood (C05)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from dialerd.model.notices import NoticeKind, NoticeRow
from dialerd.ports.mailer import Delivery, Letter
from dialerd.runtime.notifying import AT_ONCE, FAREWELL_S, IN_ONE_LETTER, PATIENCE_S, Notifying, Rate, Reach
from tests.doubles.desk_of_facts import START
from tests.doubles.notices_kept import NoticesKept

ACCEPTED = Delivery("accepted", 250, "OK")
LATER = Delivery("later", 451, "451 greylisted")
AWAY = Delivery("later", None, "cannot connect: refused", away=True)
REFUSED = Delivery("refused", 550, "550 no such user")
HOUR, DAY = 3600.0, 86400.0


class HandClock:
    """Time that the test moves. `asleep` is set while somebody waits for it."""

    def __init__(self) -> None:
        self.time = START
        self.until = 0.0
        self.asleep = asyncio.Event()
        self._woken: asyncio.Event | None = None

    def now(self) -> float:
        return self.time

    async def wait(self, until: float, woken: asyncio.Event) -> None:
        self.until, self._woken = until, woken
        if until > self.time and not woken.is_set():
            self.asleep.set()
            await woken.wait()
        self.asleep.clear()

    def move(self, seconds: float) -> None:
        self.time += seconds
        if self._woken is not None and self.until <= self.time:
            self.asleep.clear()
            self._woken.set()


class Postman:
    """A mailer that answers as it is told: the next of `answers`, then `always`."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.answers: list[Delivery] = []
        self.always = ACCEPTED
        self.held: asyncio.Event | None = None

    async def send(self, letter: Letter) -> Delivery:
        self.letters.append(letter)
        if self.held is not None:
            await self.held.wait()
        return self.answers.pop(0) if self.answers else self.always

    async def aclose(self) -> None:
        return


class Bus:
    """Keeps what is published."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def publish_event(self, topic_tail: str, payload: bytes) -> None:
        self.events.append((topic_tail, json.loads(payload)))


class House:
    """A notifying daemon on a keeper that outlives it."""

    def __init__(self, *, per_minute: int = 1000, per_person_per_hour: int = 1000) -> None:
        self.keeper, self.clock, self.bus, self.postman = NoticesKept(), HandClock(), Bus(), Postman()
        self.reach = {"ada": Reach("ada@example.vn", "vi"), "olga": Reach("olga@example.vn")}
        self.said: list[tuple[str, str, Mapping[str, object]]] = []
        self._limits = (per_minute, per_person_per_hour)
        self._made = 0
        self.notifying = self.made()

    def made(self) -> Notifying:
        return Notifying(
            self.keeper,
            self.clock,
            self.bus.publish_event,
            self.postman,
            self.reach.get,
            token="00c0ffee",
            say=lambda *said: self.said.append(said),
            per_minute=self._limits[0],
            per_person_per_hour=self._limits[1],
        )

    def notice(self, *to: str, kind: NoticeKind = "paused") -> list[NoticeRow]:
        """A notice in a committed turn."""
        self._made += 1
        first = f"{self._made:011d}-0001"
        at = self.clock.now()
        rows = [
            NoticeRow(
                f"{first}-{number:03d}", first, at, kind, "spring", "Spring", "sam", "", one, "mail", "waiting", at
            )
            for number, one in enumerate(to or ("ada",), 1)
        ]
        self.keeper.commit(rows)
        self.notifying.told(rows)
        return rows

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The daemon's task until the end of the block; it has looked once."""
        task = asyncio.create_task(self.notifying.run())
        try:
            await self.settled()
            yield
            assert not task.done(), task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def settled(self) -> None:
        """All that can be done at this instant is done."""
        async with asyncio.timeout(10):
            await asyncio.sleep(0)
            await self.clock.asleep.wait()

    async def later(self, seconds: float) -> None:
        """Move time and let happen what becomes due."""
        self.clock.move(seconds)
        await self.settled()

    async def next(self) -> float:
        """Move to when the daemon wants to be woken; how many seconds later that is."""
        seconds = self.clock.until - self.clock.now()
        await self.later(seconds)
        return seconds

    def states(self) -> list[str]:
        return [row.state for row in self.keeper.rows.values()]


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0)


async def test_C05_a_notice_goes_by_letter_in_the_persons_language_and_is_marked_as_sent() -> None:
    house = House()
    async with house.running():
        house.notice("ada", "olga", kind="approved")
        await house.settled()
    ada, olga = house.postman.letters
    assert (ada.to, olga.to) == ("ada@example.vn", "olga@example.vn")
    assert ada.subject == "[main] Chiến dịch “Spring” đã được duyệt"
    assert olga.subject == "[main] Campaign “Spring” was approved"
    assert house.states() == ["sent", "sent"]
    assert ada.id == "00c0ffee-00000000001-0001-001"
    status = house.notifying.status()
    assert (status["queued"], status["sent"], status["given_up"], status["last_error"]) == (0, 2, 0, "")


async def test_C05_a_notice_is_on_the_bus_at_once_for_its_campaign_and_for_each_person() -> None:
    house = House()
    house.notice("ada", "olga")
    about = {
        "at": "2026-11-23T01:00:00.000Z",
        "notice": "00000000001-0001",
        "kind": "paused",
        "campaign": "spring",
        "name": "Spring",
        "by": "sam",
        "note": "",
    }
    assert house.bus.events == [
        ("campaign/spring/notice/paused", {**about, "to": ["ada", "olga"]}),
        ("notice/ada", about),
        ("notice/olga", about),
    ]
    assert house.notifying.status()["queued"] == 2


async def test_C05_a_letter_put_off_is_tried_after_1_2_4_minutes_up_to_an_hour_and_given_up_after_a_day() -> None:
    house = House()
    house.postman.always = LATER
    async with house.running():
        house.notice()
        await house.settled()
        pauses, began = [], house.clock.now()
        while house.states() == ["waiting"]:
            (row,) = house.keeper.rows.values()
            pauses.append(row.next_at - house.clock.now())
            await house.later(pauses[-1])
    assert pauses[:8] == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert max(pauses) == 3600
    assert house.clock.now() == began + PATIENCE_S
    assert house.states() == ["given_up"]
    assert len({letter.id for letter in house.postman.letters}) == 1, "always the same letter"
    level, event, facts = house.said[-1]
    assert (level, event, facts["to"]) == ("error", "notice.given_up", "ada")
    assert "451 greylisted" in str(facts["because"])
    assert house.notifying.status()["given_up"] == 1


async def test_C05_a_letter_refused_for_good_is_given_up_at_once_and_says_why() -> None:
    house = House()
    house.postman.always = REFUSED
    async with house.running():
        house.notice()
        await house.settled()
        assert house.states() == ["given_up"]
        await house.later(HOUR)
    assert len(house.postman.letters) == 1
    assert house.said[-1][2]["because"] == "550 no such user"
    assert house.notifying.status()["last_error"] == "550 no such user"


async def test_C05_while_the_server_is_away_one_letter_asks_for_all_and_then_all_go() -> None:
    house = House()
    house.postman.always = AWAY
    async with house.running():
        house.notice("ada")
        house.notice("olga")
        await house.settled()
        assert len(house.postman.letters) == 1
        assert house.notifying.status()["server_away_until"] == "2026-11-23T01:01:00.000Z"
        assert await house.next() == 60
        assert len(house.postman.letters) == 2
        assert await house.next() == 120
        assert house.notifying.status()["last_error"] == "cannot connect: refused"
        house.postman.always = ACCEPTED
        while "waiting" in house.states():
            await house.next()
        assert house.clock.now() <= START + 8 * 60
        assert house.notifying.status()["server_away_until"] is None
    assert house.notifying.status()["queued"] == 0


async def test_C05_a_new_notice_does_not_wake_a_server_that_is_away() -> None:
    house = House()
    house.postman.always = AWAY
    async with house.running():
        house.notice("ada")
        await house.settled()
        house.notice("olga")
        await house.settled()
        assert len(house.postman.letters) == 1
        assert house.clock.until == START + 60


async def test_C05_a_restart_sends_what_waited_and_nothing_that_was_sent() -> None:
    house = House()
    house.postman.answers = [ACCEPTED, LATER]
    async with house.running():
        house.notice("ada")
        await house.settled()
        house.notice("olga")
        await house.settled()
    assert house.states() == ["sent", "waiting"]
    put_off = house.postman.letters[1]
    house.clock.time += 60
    house.notifying = house.made()
    async with house.running():
        pass
    assert house.postman.letters[2:] == [put_off], "the same letter again, with the same id and date"
    assert house.states() == ["sent", "sent"]


async def test_C05_killed_under_a_letter_it_sends_the_very_same_letter_again_though_more_notices_came() -> None:
    house = House()
    house.postman.held = asyncio.Event()
    task = asyncio.create_task(house.notifying.run())
    house.notice("ada")
    await until(lambda: house.postman.letters)
    house.notice("ada", kind="resumed")
    saved = dict(house.keeper.rows)
    house.postman.held.set()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    house.keeper.rows = saved  # a kill leaves what was written before
    house.postman.held = None
    house.notifying = house.made()
    async with house.running():
        pass
    first, *after = house.postman.letters
    assert first in after
    assert sorted(letter.id for letter in after) == ["00c0ffee-00000000001-0001-001", "00c0ffee-00000000002-0001-001"]
    assert house.states() == ["sent", "sent"]


async def test_C05_stopped_in_order_a_letter_under_way_gets_its_answer_and_does_not_go_twice() -> None:
    house = House()
    house.postman.held = asyncio.Event()
    task = asyncio.create_task(house.notifying.run())
    house.notice()
    await until(lambda: house.postman.letters)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    house.postman.held.set()
    async with asyncio.timeout(FAREWELL_S * 10):
        await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert house.states() == ["sent"]


async def test_C05_a_store_that_fails_holds_all_letters_and_none_goes_twice() -> None:
    house = House()
    house.postman.held = asyncio.Event()
    async with house.running():
        house.notice()
        await until(lambda: house.postman.letters)
        house.keeper.full = True
        house.postman.held.set()
        house.notice("olga")
        await until(lambda: house.keeper.failed)
        await house.settled()
        for _ in range(3):
            await house.later(1.0)
        assert len(house.postman.letters) == 1
        assert "full" in house.notifying.status()["last_error"]
        house.keeper.full = False
        await house.later(1.0)
        assert len(house.postman.letters) == 2
    assert house.states() == ["sent", "sent"]


async def test_C05_after_a_letter_the_store_could_not_note_the_next_one_of_the_same_look_waits() -> None:
    house = House()
    house.postman.answers = [LATER, LATER]
    async with house.running():
        house.notice("ada", "olga")
        await house.settled()
        house.postman.held = asyncio.Event()
        house.clock.move(60.0)
        await until(lambda: len(house.postman.letters) == 3)
        house.keeper.full = True
        house.postman.held.set()
        await house.settled()
        assert len(house.postman.letters) == 3
        house.keeper.full = False
        await house.later(1.0)
    assert [letter.to for letter in house.postman.letters[2:]] == ["ada@example.vn", "olga@example.vn"]


async def test_C05_a_store_that_fails_before_the_letter_keeps_it_back() -> None:
    house = House()
    async with house.running():
        house.keeper.full = True
        house.notice()
        await house.settled()
        assert house.postman.letters == []
        house.keeper.full = False
        await house.later(1.0)
        assert len(house.postman.letters) == 1


async def test_C05_no_more_letters_a_minute_than_allowed() -> None:
    house = House(per_minute=5)
    house.reach |= {f"p{n}": Reach(f"p{n}@example.vn") for n in range(12)}
    async with house.running():
        house.notice(*(f"p{n}" for n in range(12)))
        await house.settled()
        counts = [len(house.postman.letters)]
        while "waiting" in house.states():
            assert await house.next() == 60
            counts.append(len(house.postman.letters))
    assert counts == [5, 10, 12]


async def test_C05_a_campaign_that_flaps_for_a_day_fills_no_letter_box_and_loses_no_notice() -> None:
    house = House(per_person_per_hour=4)
    async with house.running():
        for minute in range(24 * 60):
            house.notice("ada", kind="paused" if minute % 2 else "resumed")
            await house.later(60.0)
        await house.later(HOUR)
    assert set(house.states()) == {"sent"}
    assert len(house.postman.letters) <= 4 * 25 + 4
    assert len(house.postman.letters) >= 90
    assert any("notices about campaign" in one.subject or "thông báo" in one.subject for one in house.postman.letters)
    assert house.notifying.status()["sent"] == 24 * 60


async def test_C05_a_letter_that_was_put_off_does_not_wait_for_the_persons_limit_again() -> None:
    house = House(per_person_per_hour=1)
    house.postman.answers = [LATER]
    async with house.running():
        house.notice("ada")
        await house.settled()
        house.notice("ada")
        await house.settled()
        assert house.states() == ["waiting", "sent"]
        await house.later(60.0)
        assert house.states() == ["sent", "sent"]


async def test_C05_a_letter_put_off_keeps_its_notices_however_many_are_due() -> None:
    house = House()
    house.postman.always = LATER
    async with house.running():
        for count in (AT_ONCE - 50, IN_ONE_LETTER):
            for _ in range(count):
                house.notice("ada")
            await house.settled()
            house.clock.time += 10.0
        house.clock.move(100.0)
        await house.settled()
    first = {letter.id: letter for letter in house.postman.letters[:4]}
    assert len(first) == 4
    assert {letter.id: letter for letter in house.postman.letters[4:]} == first


async def test_C05_one_persons_flood_does_not_hold_up_another() -> None:
    house = House(per_person_per_hour=1)
    async with house.running():
        for _ in range(1300):
            house.notice("ada")
        house.notice("olga")
        await house.settled()
        assert "olga@example.vn" in [letter.to for letter in house.postman.letters]
        await house.later(40 * HOUR)
        for _ in range(10):
            await house.later(HOUR)
    assert set(house.states()) == {"sent"}
    assert len(house.postman.letters) <= 2 + 1300 // IN_ONE_LETTER + 1


async def test_C05_a_notice_that_waited_longer_than_a_day_while_the_daemon_was_down_is_still_tried_once() -> None:
    house = House()
    house.notice()
    house.clock.time += 3 * DAY
    async with house.running():
        pass
    assert house.states() == ["sent"]


async def test_C05_whoever_lost_his_address_meanwhile_is_given_up_with_the_reason() -> None:
    house = House()
    house.notice("ada")
    del house.reach["ada"]
    async with house.running():
        pass
    assert house.postman.letters == []
    assert house.states() == ["given_up"]
    assert "no e-mail address" in str(house.said[-1][2]["because"])


async def test_C05_a_changed_address_takes_the_letters_that_wait() -> None:
    house = House()
    house.postman.answers = [LATER]
    async with house.running():
        house.notice("ada")
        await house.settled()
        house.reach["ada"] = Reach("ada@new.example.vn")
        await house.next()
    assert [letter.to for letter in house.postman.letters] == ["ada@example.vn", "ada@new.example.vn"]


@pytest.mark.parametrize("most", [1, 3])
def test_a_rate_opens_when_the_oldest_of_the_last_has_left_its_span(most: int) -> None:
    rate = Rate(most, 60.0)
    for n in range(most):
        assert rate.opens(100.0 + n) == 100.0 + n
        rate.take(100.0 + n)
    assert rate.opens(100.0 + most) == 160.0
    assert rate.opens(160.0) == 160.0
    rate.take(160.0)
    assert not rate.idle
    rate.opens(1000.0)
    assert rate.idle
