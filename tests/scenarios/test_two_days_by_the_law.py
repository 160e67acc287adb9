"""Two days of a Vietnamese house in virtual time: two campaigns on one list of numbers, by the rule pack vn (C02, C10, C20)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from dialerd.adapters.storage.ledger import SyncLedger
from dialerd.campaigns.engine import Engine
from dialerd.campaigns.rebuilding import nothing_kept
from dialerd.compliance.pack import NEVER_RANG
from dialerd.model.facts import Configured, LeadsAdded, ListComes, ListReplaced, NewLead, NumbersListed
from dialerd.model.rows import AttemptRow
from dialerd.model.turn import decode, encode
from dialerd.runtime.exchange import Exchange
from sim.driver import Shift
from sim.scenario import OVERSEER, Scenario, check_scenario

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NUMBERS = [f"+84912345{n:03d}" for n in range(500)]
SPRING, AUTUMN = NUMBERS[:350], NUMBERS[150:]
"""Two hundred numbers are on both lists."""
DAY = 86400.0
OWN, REGISTER = NUMBERS[340:345], NUMBERS[345:349]
"""Put on lists at 09:30: nobody of them was called yet."""


def scenario() -> Scenario:
    return check_scenario(
        {
            "name": "spring",
            "hours": 33,
            "seed": 7,
            "start": "2026-11-23T08:00:00+07:00",
            "agents": {"count": 1, "softphone": "nailed_up"},
            "customers": {"answer_rate": 0.35, "busy": 0.2, "unallocated": 0.02, "talk": {"mean_s": 160, "cv": 0.5}},
            "leads": {"numbers": SPRING},
            "schedules": {
                "long": {
                    "time_zone": "Asia/Ho_Chi_Minh",
                    "week": {day: ["08:00-11:30", "13:30-20:00"] for day in ("mon", "tue", "wed")},
                }
            },
            "campaign": {
                "region": "VN",
                "pack": "vn",
                "schedule": "long",
                "max_attempts": 9,
                "wrap_up_s": 5,
                "rest": {
                    outcome: {"again_after_min": 30} for outcome in ("busy", "no_answer", "no_response", "hung_up")
                },
            },
        }
    )


@pytest.fixture(scope="module")
def ledger() -> Iterator[SyncLedger]:
    kept = SyncLedger(":memory:", "normal")
    kept.open()
    yield kept
    kept.close()


@pytest.fixture(scope="module")
def shift(ledger: SyncLedger) -> Shift:
    played = Shift(scenario(), ledger)
    played.begin()
    policy = {**played.live.campaigns["spring"].policy, "name": "Autumn"}
    played.ask("campaign.create", {"campaign": "autumn", "policy": policy})
    played.turn()
    for move in ("approve", "start"):
        played.ask(f"campaign.{move}", {"campaign": "autumn"})
        played.turn()
    played.tell(LeadsAdded("autumn", tuple(map(NewLead, AUTUMN)), "list", OVERSEER))
    listed = False
    while played.step():
        if not listed and clock(played.now) >= time(9, 30):
            listed = True
            played.tell(NumbersListed("own", "all", tuple(OWN), OVERSEER, "asked by letter"))
            played.tell(ListComes("register", "voice", 1, OVERSEER))
            played.tell(NumbersListed("register", "voice", tuple(REGISTER), OVERSEER, "November", version=1))
            played.tell(ListReplaced("register", "voice", 1, "2026-11", OVERSEER))
    assert played.refusals == []
    return played


def clock(at: float) -> time:
    return datetime.fromtimestamp(at, ZONE).time()


@pytest.fixture(scope="module")
def attempts(shift: Shift, ledger: SyncLedger) -> list[AttemptRow]:
    return sorted(ledger.attempts(None, "", 100_000), key=lambda row: row.placed_at)


def test_C02_nobody_is_called_in_the_lunch_break_nor_after_the_laws_hours(attempts: list[AttemptRow]) -> None:
    """The schedule goes on until 20:00; the law ends at 17:00."""
    times = [clock(row.placed_at) for row in attempts]
    assert all(time(8) <= at < time(11, 30) or time(13, 30) <= at < time(17) for at in times)
    days = {datetime.fromtimestamp(row.placed_at, ZONE).day for row in attempts}
    assert days == {23, 24}
    assert any(time(16, 55) <= at for at in times)
    second = [row for row in attempts if datetime.fromtimestamp(row.placed_at, ZONE).day == 24]
    assert clock(second[0].placed_at) < time(8, 0, 5), "it goes on as soon as the law lets it"


def test_C10_no_number_is_called_twice_within_24_hours_over_both_campaigns(attempts: list[AttemptRow]) -> None:
    rang: dict[str, list[AttemptRow]] = {}
    for row in attempts:
        if row.outcome not in NEVER_RANG:
            rang.setdefault(row.number, []).append(row)
    assert all(later.placed_at - row.placed_at >= DAY for calls in rang.values() for row, later in pairwise(calls))
    both = [calls for calls in rang.values() if len({row.campaign for row in calls}) == 2]
    assert len(both) > 10, "and the next day some are called by the other campaign"


def test_C10_the_refusals_are_kept_and_counted(shift: Shift, ledger: SyncLedger) -> None:
    leads = ledger.leads("spring", None, 0, 1000) + ledger.leads("autumn", None, 0, 1000)
    assert len(leads) == len(SPRING) + len(AUTUMN), "nobody is lost"
    refused = [lead for lead in leads if lead.refusals]
    assert len(refused) > 50
    for lead in refused:
        kept = ledger.refusal(lead.id)
        assert kept is not None
        assert kept.times == lead.refusals
    waiting = [lead for lead in leads if lead.refused_by]
    assert {lead.refused_by for lead in waiting} <= {"attempt_limit", "calling_window", "lockout"}
    counted = {campaign: +counts for campaign, counts in shift.live.refused.items()}
    for campaign in ("spring", "autumn"):
        assert counted.get(campaign, {}) == {
            rule: sum(lead.campaign == campaign and lead.refused_by == rule for lead in waiting)
            for rule in {lead.refused_by for lead in waiting if lead.campaign == campaign}
        }


def test_C20_numbers_put_on_a_list_meanwhile_are_not_called_any_more(
    attempts: list[AttemptRow], ledger: SyncLedger
) -> None:
    called = {row.number for row in attempts if row.placed_at >= shift_time(9, 31)}
    assert called.isdisjoint(OWN + REGISTER)
    for numbers, state in ((OWN, "blocked"), (REGISTER, "dnc")):
        for number in numbers:
            found = [ledger.lead(campaign, number) for campaign in ("spring", "autumn")]
            assert {lead.state for lead in found if lead is not None} <= {state, "succeeded", "exhausted", "failed"}
            assert any(lead is not None and lead.state == state for lead in found), number


def shift_time(hour: int, minute: int) -> float:
    return datetime(2026, 11, 23, hour, minute, tzinfo=ZONE).timestamp()


def test_O08_the_two_days_are_decided_again_from_the_journal(shift: Shift, ledger: SyncLedger) -> None:
    again = Exchange(Engine(nothing_kept(shift.live.token)))
    for turn in ledger.turns(0, 1_000_000):
        read = decode(encode(turn))
        assert again.take(read.facts, read.at).turn == read


def test_O08_the_rows_tell_all_of_it(shift: Shift, ledger: SyncLedger) -> None:
    engine = Engine(ledger.load())
    engine.live.now = shift.now
    engine.apply(Configured(shift.live.floor.model_dump(mode="json"), shift.live.packs_told))
    assert engine.snapshot() == shift.exchange.engine.snapshot()
    assert engine.snapshot()["dnc"].keys() == {("own", "all"), ("register", "voice")}
