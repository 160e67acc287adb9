"""What a store promises for the law: pasts of numbers, do-not-call lists, refusals, counts of abandon rules (C10, C20, V14).

Never names SQLite but for its query plans.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dialerd.adapters.storage.ledger import SyncLedger
from dialerd.adapters.storage.legal_statements import NUMBERS_AT_ONCE, legal_statements
from dialerd.adapters.storage.sqlite import SqliteStore
from dialerd.model.pasts import ListEntry, Past, PastCall
from dialerd.model.rows import AbandonRow, DncListRow, RefusalRow, Row, SuppressionRow
from dialerd.ports.store import Store
from sim.rows_kept import RowsKept
from tests.contract.store_suite import T0, attempt, campaign, lead, turn

ONE, TWO, THREE = "+84901", "+84902", "+84903"


@pytest.fixture(params=["file", "memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made = SqliteStore(":memory:" if request.param == "memory" else str(tmp_path / "dialerd.db"), "normal")
    await made.open()
    yield made
    await made.close()


def entry(number: str, list_name: str = "own", channel: str = "all", **more: object) -> SuppressionRow:
    row = SuppressionRow(list_name, number, channel, T0, "olga", "asked")
    for key, value in more.items():
        setattr(row, key, value)
    return row


async def test_C10_the_calls_of_a_number_are_told_over_all_campaigns_since_an_instant(store: Store) -> None:
    rows = (
        attempt(1, 1, "ended", ONE, placed_at=5.0, outcome="busy"),
        attempt(2, 1, "ended", ONE, placed_at=T0, outcome="connected", connected_at=T0 + 9, purpose="debt"),
        attempt(3, 2, "ringing", ONE, placed_at=T0 + 1, campaign="autumn"),
        attempt(4, 2, "ended", TWO, placed_at=T0, outcome="no_answer", answered_by="machine"),
    )
    await store.commit([turn(1, campaign(), lead(1), lead(2), *rows)])
    told = await store.pasts([TWO, ONE, THREE, ONE], T0, False)
    assert told == [
        Past(TWO, (PastCall(rows[3].id, T0, "spring", "", "no_answer", "machine"),)),
        Past(
            ONE,
            (
                PastCall(rows[1].id, T0, "spring", "debt", "connected", "", True),
                PastCall(rows[2].id, T0 + 1, "autumn"),
            ),
        ),
    ]
    assert await store.pasts([ONE], None, False) == []
    assert [len(past.calls) for past in await store.pasts([ONE], 0.0, True)] == [3]
    assert await store.pasts([], 0.0, True) == []


async def test_C20_the_entries_of_a_number_are_told_without_those_taken_back(store: Store) -> None:
    rows = (
        entry(ONE),
        entry(ONE, "register", "voice", version=3, until=T0 + 9),
        entry(ONE, "campaign:spring", active=False),
        entry(TWO, "register", "sms"),
    )
    await store.commit([turn(1, *rows)])
    told = {past.number: set(past.entries) for past in await store.pasts([ONE, TWO, THREE], None, True)}
    assert told == {
        ONE: {ListEntry("own", "all", T0), ListEntry("register", "voice", T0, T0 + 9, 3)},
        TWO: {ListEntry("register", "sms", T0)},
    }
    assert await store.entries("register", "voice", [ONE, TWO]) == [rows[1]]
    assert await store.entries("campaign:spring", "all", [ONE]) == [rows[2]], "those taken back too"
    assert await store.entries("own", "all", []) == []


async def test_C20_many_numbers_are_asked_for_at_once(store: Store) -> None:
    numbers = [f"+8490{n:07d}" for n in range(3 * NUMBERS_AT_ONCE + 7)]
    await store.commit([turn(1, *map(entry, numbers))])
    random.Random(1).shuffle(numbers)
    told = await store.pasts([*numbers, "+1"], None, True)
    assert [past.number for past in told] == numbers
    assert {row.number for row in await store.entries("own", "all", numbers)} == set(numbers)


async def test_C10_the_last_refusal_of_a_lead_is_kept(store: Store) -> None:
    first = RefusalRow(1, "spring", T0, "attempt_limit", "vn/ad-calls: at most 1", T0 + 5)
    last = RefusalRow(1, "spring", T0 + 9, "do_not_call", "on the do-not-call list own", None, 2)
    await store.commit([turn(1, campaign(), lead(1), first)])
    assert await store.refusal(1) == first
    await store.commit([turn(2, last)])
    assert await store.refusal(1) == last
    assert await store.refusal(2) is None


async def test_O08_what_live_state_needs_of_it_is_loaded(store: Store) -> None:
    lists = [DncListRow("own", "all", numbers=2, at=T0, by="olga"), DncListRow("register", "voice", 3, 4, 9, 5, "x")]
    counts = [
        AbandonRow("spring", "gb/three-percent 2s", T0, T0 + 86400, 1, 2, 3),
        AbandonRow("spring", "gb/three-percent 2s", T0 + 86400, T0 + 2 * 86400, 0, 1, 0, False),
        AbandonRow("autumn", "us/three-percent 2s", T0, T0 + 30 * 86400),
    ]
    leads = [
        lead(1, refused_by="attempt_limit", refusals=3, agreed_at=T0),
        lead(2, refused_by="attempt_limit"),
        lead(3, refused_by="rest"),
        lead(4),
    ]
    rows: tuple[Row, ...] = (campaign(), campaign("autumn"), *leads, *lists, *counts)
    await store.commit([turn(1, *rows)])
    kept = await store.load()
    assert (kept.dnc, kept.abandons) == (lists, [counts[2], counts[1]])
    assert sorted(kept.refused) == [("spring", "attempt_limit", 2), ("spring", "rest", 1)]
    assert (await store.lead_by_id(1)) == leads[0]
    simulated = RowsKept()
    simulated.commit([turn(1, *rows)])
    other = simulated.load(kept.token)
    assert (other.dnc, sorted(other.refused)) == (kept.dnc, sorted(kept.refused))
    assert sorted(other.abandons, key=lambda row: row.campaign) == kept.abandons


@pytest.mark.parametrize("name", legal_statements("sqlite")._fields)
def test_O09_every_question_is_answered_by_an_index(name: str) -> None:
    statement = getattr(legal_statements("sqlite"), name)
    ledger = SyncLedger(":memory:", "normal")
    ledger.open()
    try:
        places = [1] * len(statement.names)
        plan = [row[3] for row in ledger.connection.execute(f"EXPLAIN QUERY PLAN {statement.sql}", places)]
    finally:
        ledger.close()
    read_at_start = {"dnc_lists": "dnc_lists", "newest_abandons": "abandons", "leads_refused": "leads"}
    walks = [step for step in plan if step.startswith("SCAN")]
    if name in read_at_start:  # small tables; of the leads only those that were refused, from an index of theirs
        assert all(step.startswith(f"SCAN {read_at_start[name]} USING ") for step in walks)
        assert name != "leads_refused" or walks == ["SCAN leads USING COVERING INDEX leads_refused"]
    else:
        assert not walks, plan


def test_O09_the_same_statements_are_made_for_postgresql() -> None:
    ours, theirs = legal_statements("sqlite"), legal_statements("postgresql")
    for name in theirs._fields:
        made = getattr(theirs, name)
        assert sorted(made.names) == sorted(getattr(ours, name).names)
        assert "?" not in made.sql
        assert all(f"${place}" in made.sql for place in range(1, len(made.names) + 1))
