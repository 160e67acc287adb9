"""What a store promises of contacts, groups, tickets and the search of leads: by index, in bounded portions (C06, C17).

Never names SQLite but for its query plans.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dialerd.adapters.storage.contact_statements import contact_statements
from dialerd.adapters.storage.ledger import SyncLedger
from dialerd.adapters.storage.sqlite import SqliteStore
from dialerd.adapters.storage.statements import Statement
from dialerd.model.lead_search import LeadSearch, is_sought
from dialerd.model.rows import ContactRow, LeadRow, MemberRow, NamedRow, ReferralRow, TicketRow
from dialerd.ports import contact_store
from dialerd.ports.store import Store
from tests.contract.store_suite import T0, campaign, lead, turn


@pytest.fixture(params=["file", "memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made = SqliteStore(":memory:" if request.param == "memory" else str(tmp_path / "dialerd.db"), "normal")
    await made.open()
    yield made
    await made.close()


def contact(n: int, **more: Any) -> ContactRow:
    made = ContactRow(f"kh-{n:04d}", "person", "", f"+8491{n:07d}", "", "", "", "", "", "", T0, T0)
    return msgspec.structs.replace(made, **more)


async def test_C06_a_contact_is_read_back_as_it_was_written(store: Store) -> None:
    full = ContactRow(
        "PID/7", "company", "Công ty Ân ☎", "+84901", "an@x.vn", 'a"; --', "s", "i", "c", "ada", T0, T0 + 1, ["vip", "đỏ"],
        {"plan": "gold"}, True,
    )  # fmt: skip
    await store.commit([turn(1, full, contact(2, active=False))])
    assert await store.contact("PID/7") == full
    assert await store.contact("kh-0002") == contact(2, active=False)
    assert await store.contacts("", 10) == [full], "a deleted one is in no list"
    assert await store.contacts_by_id(["kh-0002", "PID/7", "PID/7", "\ud83d"]) == [full]


async def test_C06_contacts_are_streamed_by_code_in_portions(store: Store) -> None:
    rows = [contact(n, phone=f"+8491{n % 300:07d}", email=f"a{n % 2}@x.vn") for n in range(1, 701)]
    await store.commit([turn(1, *rows)])
    seen: list[ContactRow] = []
    while portion := await store.contacts(seen[-1].id if seen else "", 250):
        assert len(portion) <= 250
        seen += portion
    assert seen == rows
    assert sorted(row.id for row in await store.contacts_by_phone([rows[4].phone])) == ["kh-0005", "kh-0305", "kh-0605"]
    wanted = [row.id for row in rows]
    assert sorted(row.id for row in await store.contacts_by_id(wanted)) == wanted
    assert [row.id for row in await store.contacts_by_email("a0@x.vn", "kh-0002", 2)] == ["kh-0004", "kh-0006"]


async def test_C06_a_part_of_a_name_is_found_without_accents(store: Store) -> None:
    rows = [
        contact(1, name="Nguyễn Văn Ân"), contact(2, name="NGUYEN  van Binh"), contact(3, name="Đặng 100%"),
        contact(4, name="Dang 100_"), contact(5, name="Nguyễn", active=False),
    ]  # fmt: skip
    await store.commit([turn(1, *rows)])

    async def found(part: str) -> list[str]:
        return [row.id for row in (await store.contacts_named(part, "", 10)).contacts]

    assert await found("nguyễn văn") == ["kh-0001", "kh-0002"]
    assert await found("VAN a") == ["kh-0001"]
    assert await found("dang") == ["kh-0003", "kh-0004"]
    assert await found("100%") == ["kh-0003"], "a sign of a pattern is only text"
    assert await found("100_") == ["kh-0004"]
    assert await found("\\") == []
    assert len(await found("")) == 4


async def test_C06_members_join_and_leave_a_group(store: Store) -> None:
    rows = [MemberRow("contact", "vip", f"kh-{n}", T0, "ada") for n in range(5)]
    await store.commit([turn(1, *rows, MemberRow("agent", "vip", "1001", T0, "ada"))])
    assert await store.members("contact", "vip", "kh-1", 2) == ["kh-2", "kh-3"]
    assert await store.members("contact", "other", "", 9) == []
    await store.commit([turn(2, msgspec.structs.replace(rows[2], active=False))])
    assert await store.members("contact", "vip", "", 9) == ["kh-0", "kh-1", "kh-3", "kh-4"]
    assert [row.member for row in await store.are_members("contact", "vip", ["kh-2", "kh-3", "x"])] == ["kh-3"]


async def test_C16_tickets_and_what_triggers_made_of_them(store: Store) -> None:
    tickets = [
        TicketRow(
            n, "spring" if n % 2 else "autumn", n, f"c{n}", "1001", "voice", "s", "new" if n < 4 else "closed", T0
        )
        for n in range(1, 7)
    ]
    sent = [
        ReferralRow(n, "t", "spring", "+84", "An", 1 + n % 2, T0, "waiting" if n == 3 else "added") for n in (1, 2, 3)
    ]
    await store.commit([turn(1, *tickets, *sent, NamedRow("group", "vip", {"title": ""}, "a", T0, "a", T0))])
    assert await store.ticket(3) == tickets[2]
    assert await store.ticket(99) is None
    assert await store.tickets(None, None, 4, 1) == [tickets[4]]
    assert await store.tickets("spring", None, 0, 9) == tickets[::2]
    assert await store.tickets("spring", "closed", 0, 9) == [tickets[4]]
    assert await store.referrals_of(2) == [sent[0], sent[2]]
    kept = await store.load()
    assert kept.referrals == [sent[2]]
    assert [row.id for row in kept.named] == ["vip"]


# --- the search of leads


def some_leads() -> list[LeadRow]:
    names = ("Nguyễn Văn Ân", "Đặng Thị Bình", "Łukasz Żak", "", "an ONIMOUS")
    return [
        lead(
            n, ("new", "retry", "succeeded")[n % 3], name=names[n % 5], email=f"An{n}@x.vn", address=f"Phố Huế {n}",
            owner=("", "ada")[n % 2], list_name=("a", "b")[n % 2], created_at=T0 + n,
            participation=("", "registered", "joined")[n % 3],
        )
        for n in range(1, 61)
    ]  # fmt: skip


SEARCHES: list[dict[str, Any]] = [
    {},
    {"name": "van an"},
    {"name": "lukasz"},
    {"name": "%"},
    {"phone": "+849000000"},
    {"phone": "+8490000001", "states": ("new", "retry")},
    {"email": "AN1@X"},
    {"address": "pho hue 4"},
    {"states": ("new",)},
    {"states": ("new", "succeeded"), "owner": "ada"},
    {"states": ("no state",)},
    {"owner": "ada", "list_name": "b"},
    {"participation": "joined"},
    {"participation": "joined", "name": "binh"},
    {"joined_from": T0 + 10, "joined_before": T0 + 12},
    {"name": "binh", "states": ("retry",), "joined_from": T0 + 20},
]


@pytest.mark.parametrize("asked", SEARCHES, ids=str)
@pytest.mark.parametrize("limit", [1, 7, 1000])
async def test_C17_a_search_finds_what_fits_and_nothing_else_page_by_page(
    store: Store, asked: dict[str, Any], limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dialerd.adapters.storage.contact_reading.SCAN", 9)
    leads = some_leads()
    other = lead(100, campaign="autumn", name="Văn Ân")
    await store.commit([turn(1, campaign(), campaign("autumn"), *reversed(leads), other)])
    search = LeadSearch("spring", **asked)
    found: list[LeadRow] = []
    after, more, calls = 0, True, 0
    while more:
        page = await store.leads_sought(search, after, limit)
        assert len(page.leads) <= limit
        assert page.after != after or not page.more, "it goes on"
        found += page.leads
        after, more, calls = page.after, page.more, calls + 1
        assert calls < 200
    expected = [row for row in leads if is_sought(search, row)]
    assert found == (sorted(expected, key=lambda row: row.phone) if search.phone else expected)


async def test_C17_a_search_looks_through_a_bounded_portion(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dialerd.adapters.storage.contact_reading.SCAN", 20)
    await store.commit([turn(1, campaign(), *some_leads())])
    page = await store.leads_sought(LeadSearch("spring", name="nobody"), 0, 10)
    assert (page.leads, page.after, page.more) == ([], 20, True)
    assert contact_store.SCAN == 50_000


@pytest.mark.parametrize("text", ["'; DROP TABLE leads; --", "%", "_", "\x00", "\ud83d", "☎", "\\"])
async def test_C17_what_a_stranger_searches_for_is_only_text(store: Store, text: str) -> None:
    await store.commit([turn(1, campaign(), *some_leads(), contact(1))])
    for field in ("campaign", "name", "phone", "email", "address", "owner", "list_name", "participation"):
        asked: dict[str, Any] = {"campaign": "spring", field: text}
        search = LeadSearch(**asked)
        assert (await store.leads_sought(search, 0, 10)).leads == []
    assert (await store.leads_sought(LeadSearch("spring"), 2**70, 10)).leads == []
    assert (await store.contacts_named(text, "", 10)).contacts == []
    assert await store.contact(text) is None
    assert await store.members("contact", text, text, 10) == []
    assert await store.leads_by_phone("spring", [text]) == []
    assert await store.ticket(2**70) is None


async def test_C17_leads_that_were_written_before_names_were_folded_are_found_too(tmp_path: Path) -> None:
    ledger = SyncLedger(str(tmp_path / "old.db"), "normal")
    ledger.open()
    ledger.commit([turn(1, campaign(), *some_leads())])
    ledger.connection.execute("UPDATE leads SET folded = ''")
    found = ledger.leads_sought(LeadSearch("spring", name="van an"), 0, 100)
    assert len(found.leads) == 12
    ledger.close()


PARTS = [
    pytest.param(part, id=name if isinstance(made, Statement) else f"{name}-{i}")
    for name, made in contact_statements("sqlite")._asdict().items()
    for i, part in enumerate([made] if isinstance(made, Statement) else made)
]


@pytest.mark.parametrize("statement", PARTS)
def test_O09_no_question_walks_through_a_whole_table(statement: Statement) -> None:
    ledger = SyncLedger(":memory:", "normal")
    ledger.open()
    plan = [
        row[3] for row in ledger.connection.execute(f"EXPLAIN QUERY PLAN {statement.sql}", [1] * len(statement.names))
    ]
    assert all(step.startswith("SEARCH") for step in plan), plan
    ledger.close()


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("leads_sought", "leads_by_campaign"),
        ("leads_sought_in_state", "leads_by_state"),
        ("leads_sought_taking_part", "leads_by_participation"),
        ("leads_sought_by_phone", "sqlite_autoindex_leads_1"),
    ],
)
def test_C17_a_search_goes_along_its_index(name: str, index: str) -> None:
    walk = getattr(contact_statements("sqlite"), name)
    ledger = SyncLedger(":memory:", "normal")
    ledger.open()
    for statement in walk:
        explained = ledger.connection.execute(f"EXPLAIN QUERY PLAN {statement.sql}", [1] * len(statement.names))
        assert index in explained.fetchall()[0][3]
    ledger.close()


def test_O09_the_same_questions_are_made_for_postgresql() -> None:
    ours, theirs = contact_statements("sqlite")._asdict(), contact_statements("postgresql")._asdict()
    for name, made in theirs.items():
        for mine, yours in zip(
            *([part] if isinstance(part, Statement) else part for part in (ours[name], made)), strict=True
        ):
            assert set(mine.names) == set(yours.names)
            assert "?" not in yours.sql
