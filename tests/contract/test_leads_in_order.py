"""Leads in the order of dialing: SQLite and the simulator's rows against the order made the slow way, and what a fill costs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from alembic import command
from hypothesis import HealthCheck, given, settings

from dialerd.adapters.storage import upgrading
from dialerd.adapters.storage.connecting import connect
from dialerd.adapters.storage.lead_order_statements import LeadOrderStatements, lead_order_statements
from dialerd.adapters.storage.ledger import SyncLedger
from dialerd.campaigns.mixing import TURN, Mixing
from dialerd.model.lead_order import Due, LeadOrder
from dialerd.model.rows import LeadRow
from dialerd.model.states import LEAD
from dialerd.model.turn import Committed, Turn
from sim.rows_kept import RowsKept
from tests.contract.store_suite import T0, campaign, lead, turn
from tests.doubles.order_of_dialing import dialed_in_order, rank

LISTS = ("", "gold", "silver", "lead; --")


@contextmanager
def opened() -> Iterator[SyncLedger]:
    ledger = SyncLedger(":memory:", "normal")
    ledger.open()
    try:
        yield ledger
    finally:
        ledger.close()


@cache
def a_ledger() -> SyncLedger:
    """One for all examples: its schema costs more than an example."""
    ledger = SyncLedger(":memory:", "normal")
    ledger.open()
    return ledger


@st.composite
def some_leads(draw: st.DrawFn) -> list[LeadRow]:
    """Leads of two campaigns; few values, so that many are alike."""
    return [
        lead(
            number,
            draw(st.sampled_from(["new", "new", "retry", "retry", "callback", *sorted(LEAD)])),
            campaign=draw(st.sampled_from(["spring", "spring", "spring", "autumn"])),
            created_at=T0,
            next_at=T0 + draw(st.integers(-2, 4)),
            attempts=draw(st.integers(0, 3)),
            list_name=draw(st.sampled_from(LISTS)),
            priority=draw(st.sampled_from([-100, 0, 0, 0, 7, 100])),
            private_to=draw(st.sampled_from(["", "", "", "an"])),
        )
        for number in range(1, draw(st.integers(0, 40)) + 1)
    ]


ORDERS = st.builds(
    LeadOrder,
    recalls_first=st.booleans(),
    mix=st.sampled_from([(1, 0), (0, 1), (1, 1), (3, 1), (2, 5)]),
    newest=st.booleans(),
    fewest_attempts=st.booleans(),
    shares=st.dictionaries(st.sampled_from(LISTS), st.integers(0, 4)).map(lambda shares: tuple(sorted(shares.items()))),
    ahead=st.dictionaries(
        st.tuples(st.sampled_from(["fresh", "retries"]), st.sampled_from(LISTS)),
        st.sampled_from([TURN // 4, TURN // 2, TURN]),
    ).map(lambda paid: tuple((which, name, more) for (which, name), more in sorted(paid.items()))),
    outranking=st.sampled_from([None, None, -1, 0, 7, 1000]),
    private_to=st.sampled_from(["", "", "an", "binh"]),
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(some_leads(), some_leads(), ORDERS, st.integers(-2, 5), st.sampled_from([0, 1, 3, 10, 100]))
def test_C09_the_store_and_the_simulator_hand_leads_out_in_the_order_of_the_policy(
    before: list[LeadRow], leads: list[LeadRow], order: LeadOrder, later: int, limit: int
) -> None:
    now = T0 + later
    before = [row for row in before if row.id > len(leads) or row.campaign == leads[row.id - 1].campaign]
    batch = [turn(1, campaign(), campaign("autumn"), *before), turn(2, *leads)]
    kept = RowsKept()
    kept.commit(batch)
    rows = list(kept.leads.values())
    ledger = a_ledger()
    ledger.connection.execute("DELETE FROM leads")
    ledger.commit([turn(ledger.seq + place, *committed.rows) for place, committed in enumerate(batch, 1)])
    told = ledger.due("spring", now, limit, order)
    assert told == kept.due("spring", now, limit, order)
    assert kept.due("spring", now, limit, order) == told, "asking changes nothing"

    wanted = dialed_in_order(rows, "spring", now, order)
    assert told.leads == wanted[:limit]
    check_instants(rows, order, now, limit, told, wanted)


def check_instants(
    rows: list[LeadRow], order: LeadOrder, now: float, limit: int, told: Due, wanted: list[LeadRow]
) -> None:
    """What the answer says of leads that it does not hand over."""
    shares = dict(order.shares)
    still_to_come = [
        row
        for row in rows
        if (row.campaign, row.private_to) == ("spring", order.private_to)
        and row.state in ("new", "retry", "callback")
        and row.next_at > now
        and shares.get(row.list_name, 1)
    ]

    def first(above: int | None) -> float | None:
        return min((row.next_at for row in still_to_come if above is None or rank(row, order) > above), default=None)

    more = len(wanted) > limit
    assert told.next_due == (now if more else first(order.outranking))
    floor = order.outranking
    if told.leads and (more or floor is None):
        floor = rank(told.leads[-1], order)
    assert told.next_urgent == (None if floor is None else first(floor))


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 9), min_size=1).filter(lambda shares: len(shares) > 1),
    st.lists(st.integers(1, 40), min_size=1, max_size=20),
)
def test_C09_lists_keep_their_shares_over_any_number_of_fills(shares: dict[str, int], portions: list[int]) -> None:
    """Whatever the portions are: the leads go as if they were handed out at once, and nobody is more than a lead behind."""
    rows = [
        lead(place * 1000 + n, created_at=T0, next_at=T0, list_name=name)
        for place, name in enumerate(sorted(shares))
        for n in range(1, 400)
    ]
    kept = RowsKept()
    kept.commit([turn(1, campaign(), *rows)])
    order = LeadOrder(shares=tuple(sorted(shares.items())))
    at_once = kept.due("spring", T0, sum(portions), order).leads
    mixing, dialed = Mixing(), list[LeadRow]()
    for seq, portion in enumerate(portions, 2):
        asked = LeadOrder(shares=order.shares, ahead=mixing.ahead())
        for row in kept.due("spring", T0, portion, asked).leads:
            mixing.took(row, order, shares)
            dialed.append(row)
            kept.commit([turn(seq, lead(row.id, "in_progress", created_at=T0, list_name=row.list_name))])
    assert dialed == at_once
    whole = sum(shares.values())
    for count in range(1, len(dialed) + 1):
        for name, share in shares.items():
            got = sum(row.list_name == name for row in dialed[:count])
            assert abs(got - count * share / whole) <= len(shares), (name, count)


# --- what it costs


def a_big_list(ledger: sqlite3.Connection, count: int) -> None:
    """`count` leads of four lists, two priorities and all states, without going through the ledger one by one."""
    ledger.execute(
        """
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
        INSERT INTO leads (id, campaign, phone, state, created_at, next_at, attempts, faults, same, last_outcome, name, fields,
            source, phones, email, address, zone, list_name, priority, contact, owner, private_to, participation, disposition,
            action, clicks, current, tries, bad_phones, refused_by, refusals, dialable, folded)
        SELECT i, 'spring', '+8490' || i,
            CASE i % 5 WHEN 0 THEN 'succeeded' WHEN 1 THEN 'retry' WHEN 2 THEN 'callback' ELSE 'new' END, 0,
            CASE WHEN i % 5 IN (1, 2) AND i % 3 = 0 THEN 9e9 ELSE 0 END, i % 3, 0, 0, '', '', '{}',
            '', '[]', '', '', '', 'list' || (i % 4), i % 2, '', '', '', '', '', '', 0, '', 0, '[]', '', 0,
            CASE i % 5 WHEN 0 THEN 0 WHEN 1 THEN 2 WHEN 2 THEN 3 ELSE 1 END, ''
        FROM n
        """,
        (count,),
    )


COSTS = {
    "fresh first": LeadOrder(recalls_first=False),
    "recalls first": LeadOrder(),
    "newest": LeadOrder(recalls_first=False, newest=True),
    "mixed": LeadOrder(recalls_first=False, mix=(3, 1), shares=(("list1", 5), ("list2", 2))),
    "fewest attempts": LeadOrder(recalls_first=False, mix=(0, 1), fewest_attempts=True),
    "a list that is paused": LeadOrder(shares=(("list0", 0), ("list3", 0))),
    "urgent": LeadOrder(outranking=0),
    "nothing outranks": LeadOrder(outranking=2000),
    "private": LeadOrder(private_to="an"),
}


@pytest.fixture(scope="module")
def lists() -> Iterator[dict[int, SyncLedger]]:
    made: dict[int, SyncLedger] = {}
    for count in (1_000, 200_000):
        ledger = made[count] = SyncLedger(":memory:", "normal")
        ledger.open()
        ledger.commit([Committed(Turn(1, T0, (), ()), (campaign(),))])
        a_big_list(ledger.connection, count)
        ledger.connection.execute("ANALYZE")
    yield made
    for ledger in made.values():
        ledger.close()


@pytest.mark.parametrize("name", COSTS)
def test_O09_a_fill_costs_the_same_whatever_the_size_of_the_list(lists: dict[int, SyncLedger], name: str) -> None:
    steps: dict[int, int] = {}
    for count, ledger in lists.items():
        steps[count] = 0

        def step(count: int = count) -> int:
            steps[count] += 1
            return 0

        ledger.connection.set_progress_handler(step, 1)  # called for every instruction of SQLite's machine
        try:
            told = ledger.due("spring", T0, 100, COSTS[name])
        finally:
            ledger.connection.set_progress_handler(None, 0)
        assert len(told.leads) == (0 if name in ("private", "nothing outranks") else 100)
    few, many = steps.values()
    assert many <= few * 1.01 + 20, f"{few} steps for {min(steps)} leads, {many} for {max(steps)}"
    assert many < 20_000


def test_C10_leads_that_were_put_off_are_not_looked_at_again(lists: dict[int, SyncLedger]) -> None:
    """The gate refused a whole list until tomorrow: they rest by their instant."""
    with opened() as ledger:
        ledger.commit([turn(1, campaign(), *(lead(n, created_at=T0, next_at=T0 + 86400) for n in range(1, 20_001)))])
        ledger.commit([turn(2, lead(20_001, created_at=T0, next_at=T0))])
        steps = 0

        def step() -> int:
            nonlocal steps
            steps += 1
            return 0

        ledger.connection.set_progress_handler(step, 1)
        told = ledger.due("spring", T0 + 1, 300)
        ledger.connection.set_progress_handler(None, 0)
        assert [row.id for row in told.leads] == [20_001]
        assert told.next_due == T0 + 86400
        assert steps < 1000


# --- the SQL

SQL = lead_order_statements("sqlite")
_CLASS = "leads_in_order (campaign=? AND private_to=? AND dialable=?"
_GROUP = f"{_CLASS} AND list_name=? AND priority=? AND attempts=?"
PLANS = {
    "next_group": f"SEARCH leads USING COVERING INDEX {_CLASS} AND (list_name,priority,attempts,next_at)>(?,?,?,?))",
    "oldest": f"SEARCH leads USING INDEX {_GROUP} AND next_at<?)",
    "newest": f"SEARCH leads USING INDEX {_GROUP} AND next_at<?)",
    "later": f"SEARCH leads USING COVERING INDEX {_GROUP} AND next_at>?)",
    "open_lists": "SCAN leads USING COVERING INDEX leads_in_order",
}
ANALYZED = {
    "open_lists": "SEARCH leads USING COVERING INDEX leads_in_order (ANY(campaign) AND ANY(private_to) AND dialable>?)"
}


@pytest.mark.parametrize("name", LeadOrderStatements._fields)
def test_O09_leads_in_order_are_found_by_their_index_alone(name: str) -> None:
    statement = getattr(SQL, name)
    with opened() as ledger:
        ledger.commit([turn(1, campaign(), *(lead(n) for n in range(1, 50)))])
        for _ in range(2):
            asked: list[Any] = [1] * len(statement.names)
            found = ledger.connection.execute(f"EXPLAIN QUERY PLAN {statement.sql}", asked).fetchall()
            assert [row[3] for row in found] in ([PLANS[name]], [ANALYZED.get(name)])
            ledger.connection.execute("ANALYZE")  # and with what SQLite knows then


def test_O09_the_same_statements_are_made_for_postgresql() -> None:
    for name, theirs in lead_order_statements("postgresql")._asdict().items():
        assert sorted(set(theirs.names)) == sorted(set(getattr(SQL, name).names))
        assert "?" not in theirs.sql


# --- a store that was made before there was an order


def test_C09_leads_of_an_older_store_get_their_class(tmp_path: Path) -> None:
    path = str(tmp_path / "old.db")
    with closing(connect(path)) as connection:
        with upgrading.engine_on(connection).begin() as connected:
            configured = upgrading.config()
            configured.attributes["connection"] = connected
            command.upgrade(configured, "0001")
        connection.execute(
            "INSERT INTO campaigns (id, policy, state, source, created_by, created_at, state_at, state_by, note) "
            "VALUES ('spring', '{}', 'running', 'file', '', 0, 0, '', '')"
        )
        for number, (state, next_at) in enumerate(
            [("new", 5.0), ("new", 9.0), ("retry", 5.0), ("callback", 5.0), ("succeeded", 5.0)], 1
        ):
            connection.execute(
                "INSERT INTO leads (id, campaign, phone, state, created_at, next_at, attempts, faults, same, last_outcome, "
                "name, fields, source, dialable) VALUES (?, 'spring', ?, ?, 5.0, ?, 0, 0, 0, '', '', '{}', '', 1)",
                (number, f"+8490{number}", state, next_at),
            )
    ledger = SyncLedger(path, "normal")
    ledger.open()
    try:
        classes = dict(ledger.connection.execute("SELECT id, dialable FROM leads").fetchall())
        assert classes == {1: 1, 2: 2, 3: 2, 4: 3, 5: 0}
        assert [row.id for row in ledger.due("spring", 9.0, 10).leads] == [4, 1, 3, 2]
    finally:
        ledger.close()
