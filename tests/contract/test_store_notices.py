"""Notices, pages of the audit trail and the purge of deleted campaigns, in a real SQLite store (C03, C05, C19)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from msgspec.structs import replace

from dialerd.adapters.storage.ledger import SyncLedger
from dialerd.adapters.storage.notice_statements import NOT_OF_THE_PERSON, PURGED, notice_statements
from dialerd.adapters.storage.sqlite import SqliteStore
from dialerd.adapters.storage.statements import DIALECTS, Statement
from dialerd.model.notices import NoticeRow
from dialerd.model.rows import AuditRow, LeadPhoneRow, LeadRow, RefusalRow
from tests.contract.store_suite import T0, attempt, campaign, lead, turn


def notice(n: int, state: Any = "waiting", next_at: float = T0, letter: str = "", **more: Any) -> NoticeRow:
    made = NoticeRow(
        f"00000000001-0001-{n:03d}", "00000000001-0001", T0, "paused", "spring", "Mùa xuân", "olga", "vì sao", "ada",
        "mail", state, next_at, letter=letter,
    )  # fmt: skip
    return replace(made, **more)


@pytest_asyncio.fixture(params=["file", "memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqliteStore]:
    made = SqliteStore(str(tmp_path / "s.sqlite3") if request.param == "file" else ":memory:", "full")
    await made.open()
    yield made
    await made.close()


class TestNotices:
    async def test_C05_what_waits_is_told_in_order_with_the_next_instant(self, store: SqliteStore) -> None:
        rows = [
            notice(1, next_at=T0 + 5), notice(2, letter="b"), notice(3, letter="a"), notice(4), notice(5, "sent"),
            notice(6, "given_up"), notice(7, next_at=T0 + 9),
        ]  # fmt: skip
        await store.commit([turn(1, *rows)])
        assert await store.due_notices(T0, 10) == ([rows[3], rows[2], rows[1]], T0 + 5)
        assert await store.due_notices(T0, 2) == ([rows[3], rows[2]], T0 + 5)
        assert await store.due_notices(T0 + 5, 10) == ([rows[3], rows[2], rows[1], rows[0]], T0 + 9)
        assert await store.due_notices(T0 + 9, 0) == ([], None)
        assert await store.waiting_notices() == 5

    async def test_C05_what_became_of_them_is_kept(self, store: SqliteStore) -> None:
        rows = [notice(1), notice(2)]
        await store.commit([turn(1, *rows)])
        rows[0].state, rows[0].last_error = "sent", ""
        rows[1].tries, rows[1].next_at, rows[1].letter, rows[1].last_error = 1, T0 + 60, rows[0].id, "451 không"
        await store.save_notices(rows)
        assert await store.due_notices(T0, 10) == ([], T0 + 60)
        assert await store.due_notices(T0 + 60, 10) == ([rows[1]], None)
        await store.commit([turn(2)])  # turns go on being written beside it

    async def test_C05_old_ones_go_and_those_that_wait_stay(self, store: SqliteStore) -> None:
        many = [notice(n, "sent", next_at=T0) for n in range(10, 1300)]
        await store.commit([turn(1, notice(1), notice(2, "given_up"), notice(3, "sent", next_at=T0 + 9), *many)])
        assert await store.prune_notices(T0 + 1) == 1291
        assert await store.prune_notices(T0 + 1) == 0
        assert await store.waiting_notices() == 1
        assert await store.prune_notices(T0 + 99) == 1


class TestPurge:
    async def deleted(self, store: SqliteStore, count: int = 1200) -> None:
        gone = campaign("gone", state="deleted", state_at=T0 + 100)
        leads = [
            lead(n, campaign="gone", name="Nguyễn An", fields={"city": "Huế"}, phones=[f"+8491{n:07d}"], email="a@b.vn",
                 address="1 Lê Lợi", contact="KH1", owner="ada", private_to="1001", action="form")
            for n in range(1, count + 1)
        ]  # fmt: skip
        further = [LeadPhoneRow("gone", row.phones[0], row.id) for row in leads]
        call = replace(attempt(1, 7, "ended", outcome="busy"), campaign="gone")
        refusal = RefusalRow(9, "gone", T0, "hours", "too late", None)
        kept = lead(9001, name="Lan")
        await store.commit([turn(1, gone, campaign(), *leads, *further, kept, call, refusal)])

    async def test_C19_the_leads_go_after_their_time_and_the_records_stay(self, store: SqliteStore) -> None:
        await self.deleted(store)
        assert await store.purge_deleted(T0 + 100) == 0, "not before"
        assert await store.purge_deleted(T0 + 101) == 1200
        left = await store.leads("gone", None, 0, 5000)
        assert [row.id for row in left] == [7, 9], "one was called, one was refused"
        for row in left:
            assert (row.phone, row.state) == (lead(row.id).phone, PURGED)
            texts = (row.name, row.email, row.address, row.contact, row.owner, row.private_to, row.action)
            assert (set(texts), row.fields, row.phones) == ({""}, {}, [])
        assert [one.outcome for one in await store.attempts_of(7)] == ["busy"]
        assert await store.known_phones("gone", ["+84910000003"]) == set()
        assert await store.lead_by_id(9001) == lead(9001, name="Lan")
        assert await store.purge_deleted(T0 + 999) == 0, "once is enough"

    async def test_C19_a_campaign_that_is_not_deleted_keeps_its_leads(self, store: SqliteStore) -> None:
        rows = [campaign(state), *(replace(lead(n), campaign=state) for n in (1,))] if (state := "finished") else []
        await store.commit([turn(1, replace(rows[0], state="finished"), rows[1])])
        assert await store.purge_deleted(T0 + 1e9) == 0
        assert len(await store.leads("finished", None, 0, 10)) == 1

    async def test_C19_nothing_of_a_deleted_campaign_is_due(self, store: SqliteStore) -> None:
        await self.deleted(store, 30)
        await store.purge_deleted(T0 + 101)
        kept = await store.load()
        assert [state for name, state, _ in kept.lead_states if name == "gone"] == [PURGED]


class TestAudit:
    async def test_C03_the_trail_is_paged_by_id_whatever_the_clock_did(self, store: SqliteStore) -> None:
        entries = [AuditRow(f"{n:03d}", T0 - n, "olga", "campaign.pause", f"c{n % 2}") for n in range(20)]
        await store.commit([turn(1, *entries)])
        assert await store.audit(None, 5) == entries[:14:-1]
        assert await store.audit(None, 3, "015") == entries[14:11:-1]
        assert await store.audit("c0", 100) == entries[18::-2]
        assert await store.audit("c0", 2, "004") == [entries[2], entries[0]]
        assert await store.audit("c0", 2, "000") == []


@pytest.mark.parametrize("name", notice_statements("sqlite")._fields)
def test_O09_none_of_it_walks_through_a_big_table(name: str) -> None:
    statement: Statement = getattr(notice_statements("sqlite"), name)
    ledger = SyncLedger(":memory:", "normal")
    ledger.open()
    plan = [
        row[3] for row in ledger.connection.execute(f"EXPLAIN QUERY PLAN {statement.sql}", [1] * len(statement.names))
    ]
    ledger.close()
    assert not [step for step in plan if step.startswith("SCAN") and not step.startswith("SCAN campaigns")], plan
    assert not [step for step in plan if "TEMP B-TREE" in step], plan


def test_O09_the_same_statements_are_made_for_postgresql() -> None:
    assert DIALECTS == ("sqlite", "postgresql")
    for name, made in notice_statements("postgresql")._asdict().items():
        assert sorted(made.names) == sorted(getattr(notice_statements("sqlite"), name).names)
        assert "?" not in made.sql


def test_C19_the_purge_leaves_no_text_of_the_person() -> None:
    """Every text, map and list of a lead is emptied, also one that is added to the row later, but for these."""
    kept = {"campaign", "phone", "state", "last_outcome", "source", "zone", "list_name", "participation", "disposition"}
    assert kept == NOT_OF_THE_PERSON
    sql = notice_statements("sqlite").empty_lead.sql
    texts = {
        name for name, kind in LeadRow.__annotations__.items() if kind == "str" or kind.startswith(("dict", "list"))
    }
    assert {"name", "email", "address", "fields", "phones", "owner", "contact"} <= texts - kept
    for name in texts - kept:
        assert f" {name}=" in sql, name
