"""Campaigns as people ask for them: found, paged, seen by whom, cloned with leads; their history (C03, C04, C15, C17, C19)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from dialerd.model.facts import LeadsAdded, NewLead
from dialerd.model.rows import AttemptRow, AuditRow
from tests.doubles.desk_of_facts import floor
from tests.doubles.office import Office, open_office

POLICY: dict[str, Any] = {"name": "Mùa hè Đà Nẵng", "trunks": ["main"], "region": "none"}
PEOPLE = {"ann": {"roles": ["admin"]}, "oskar": {"roles": ["ops"]}, "sue": {"roles": ["supervisor"]}}


@pytest_asyncio.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """olga owns, ada and ann are admins, sam and sue supervisors, oskar is ops, 1001 an agent; `spring` is in a file."""
    async with open_office(tmp_path, floor(people=PEOPLE)) as made:
        yield made


async def names(office: Office, who: str, **args: Any) -> list[str]:
    listed = await office.done(who, "campaign.list", **args)
    assert listed["total"] >= len(listed["campaigns"])
    return [campaign["campaign"] for campaign in listed["campaigns"]]


async def leads(office: Office, campaign: str, count: int) -> None:
    new = tuple(NewLead(str(5000 + n), f"Lead {n}", {"city": "Huế"}, phones=(f"9{5000 + n}",)) for n in range(count))
    await office.turns.settle(LeadsAdded(campaign, new, "test", "ada"))


async def test_C04_everybody_lists_what_he_sees_and_counts_no_more(office: Office) -> None:
    await office.done("ada", "campaign.create", campaign="a", policy=POLICY)
    await office.done("ann", "campaign.create", campaign="b", policy={**POLICY, "supervisors": ["sue"]})
    assert await names(office, "olga") == await names(office, "oskar") == ["a", "b", "spring"]
    assert await names(office, "ada") == ["a", "spring"]
    assert await names(office, "ann") == ["b", "spring"]
    assert await names(office, "sam") == ["a", "spring"]
    assert await names(office, "sue") == ["a", "b", "spring"]
    assert await names(office, "1001") == ["spring"], "the others are not approved yet"
    assert (await office.done("ada", "campaign.list", name="mua he"))["total"] == 1


@pytest.mark.parametrize(
    ("command", "more"),
    [
        ("campaign.get", {}),
        ("campaign.stats", {}),
        ("campaign.why", {}),
        ("campaign.start", {}),
        ("campaign.delete", {}),
        ("campaign.clone", {"to": "copy"}),
        ("campaign.update", {"policy": {"lines": 1}}),
        ("lead.list", {}),
        ("lead.get", {"phone": "5000"}),
        ("lead.explain", {"phone": "5000"}),
        ("lead.add", {"phone": "5000"}),
        ("lead.import", {"csv": "phone\n5000\n"}),
        ("call.list", {}),
    ],
)
async def test_C04_by_each_way_in_an_unseen_campaign_answers_as_an_unknown_one(
    office: Office, command: str, more: dict[str, Any]
) -> None:
    await office.done("ann", "campaign.create", campaign="hers", policy={**POLICY, "supervisors": ["sue"]})
    for who in ("ada", "sam"):
        unseen = await office.refused(who, command, campaign="hers", **more)
        unknown = await office.refused(who, command, campaign="none", **more)
        assert msgspec.json.encode(unseen).replace(b"hers", b"none") == msgspec.json.encode(unknown)
        if unseen["code"] != "forbidden":  # by his role alone, before anything is looked at
            assert unseen["code"] == "unknown_campaign"


async def test_C04_calls_of_an_unseen_campaign_are_not_told_and_not_ended(office: Office) -> None:
    await office.done("ann", "campaign.create", campaign="hers", policy={**POLICY, "supervisors": ["sue"]})
    call = AttemptRow("c00", "hers", 1, "5000", "pbx", "main", "", "talking", 1.0)
    office.live.calls[call.id] = call
    for who, seen in (("ann", 1), ("sue", 1), ("olga", 1), ("oskar", 1), ("ada", 0), ("sam", 0)):
        assert len((await office.done(who, "call.list"))["calls"]) == seen, who
        if who != "oskar":
            error = await office.refused("ada" if not seen else who, "call.hangup", call="c00" if not seen else "c99")
            assert error["code"] == "unknown_call"
    del office.live.calls[call.id]


async def test_C17_campaigns_are_found_by_a_part_of_their_name_without_accents(office: Office) -> None:
    await office.done("olga", "campaign.create", campaign="dn", policy=POLICY)
    await office.done("olga", "campaign.create", campaign="lodz", policy={**POLICY, "name": "Łódź — ZIMA"})
    for part in ("da nang", "ĐÀ NẴNG", "mua", "Nẵng"):
        assert await names(office, "olga", name=part) == ["dn"], part
    assert await names(office, "olga", name="lodz") == ["lodz"]
    assert await names(office, "olga", name="zima") == ["lodz"]
    assert await names(office, "olga", name="SPR") == ["spring"]
    assert await names(office, "olga", name="%") == []


async def test_C17_campaigns_are_found_by_state_owner_channel_and_dates(office: Office) -> None:
    await office.done("ada", "campaign.create", campaign="a", policy=POLICY)
    await office.done("ann", "campaign.create", campaign="b", policy=POLICY, draft=True)
    await office.done(
        "olga", "campaign.create", campaign="c", policy={**POLICY, "business": {"person_in_charge": "ada"}}
    )
    assert await names(office, "olga", state="draft") == ["b"]
    assert await names(office, "olga", state="draft, pending") == ["a", "b", "c"]
    assert (await office.refused("olga", "campaign.list", state="draft,gone"))["field"] == "state"
    assert (await office.refused("olga", "campaign.list", state="deleted"))["field"] == "state"
    assert await names(office, "olga", owner="ada") == ["a", "c"]
    assert await names(office, "olga", channel="voice") == ["a", "b", "c", "spring"]
    assert await names(office, "olga", channel="sms") == []
    for verb in ("start", "stop"):
        await office.done("olga", f"campaign.{verb}", campaign="spring")
    began = (await office.done("olga", "campaign.get", campaign="spring"))["began_at"]
    assert await names(office, "olga", began_from="2020-01-01T00:00:00Z") == ["spring"]
    assert await names(office, "olga", ended_from="2020-01-01T00:00:00Z", ended_to="2100-01-01T00:00:00Z") == ["spring"]
    assert await names(office, "olga", began_to=began) == []
    assert await names(office, "olga", created_to="2020-01-01T00:00:00Z") == []
    assert (await office.refused("olga", "campaign.list", began_from="yesterday"))["field"] == "began_from"


async def test_C17_campaigns_are_sorted_and_paged(office: Office) -> None:
    for n, name in enumerate(("Ế", "a", "Đ", "b")):
        await office.done("olga", "campaign.create", campaign=f"c{n}", policy={**POLICY, "name": name})
    assert await names(office, "olga", sort="name") == ["c1", "c3", "c2", "c0", "spring"]
    assert await names(office, "olga", sort="name", descending=True) == ["spring", "c0", "c2", "c3", "c1"]
    assert await names(office, "olga", sort="created", name="c") == ["c0", "c1", "c2", "c3"]
    assert await names(office, "olga", sort="created", name="c", descending=True) == ["c3", "c2", "c1", "c0"]
    await office.done("olga", "campaign.start", campaign="spring")
    assert (await names(office, "olga", sort="began", descending=True))[0] == "spring", "those that never ran come last"
    assert (await names(office, "olga", sort="began"))[0] == "spring"
    pages = [await names(office, "olga", sort="name", skip=skip, limit=2) for skip in (0, 2, 4, 6)]
    assert pages == [["c1", "c3"], ["c2", "c0"], ["spring"], []]
    assert (await office.done("olga", "campaign.list", skip=4, limit=2))["total"] == 5


async def test_C15_money_is_shown_to_the_office_and_not_to_agents(office: Office) -> None:
    business = {"budget": 100.0, "cost": 30.0, "expected_revenue": 200.0, "revenue": 50.0, "person_in_charge": "ada"}
    await office.done("olga", "campaign.create", campaign="m", policy={**POLICY, "business": business})
    await office.done("olga", "campaign.approve", campaign="m")
    for command in ("campaign.get", "campaign.stats"):
        seen = (await office.done("ada", command, campaign="m"))["business"]
        assert {key: seen[key] for key in business} == business
        assert (seen["currency"], seen["budget_left"], seen["revenue_share"]) == ("VND", 70.0, 0.25)
        assert (await office.done("1001", command, campaign="m"))["business"] is None
    assert "business" not in (await office.done("1001", "campaign.get", campaign="m"))["policy"]
    assert [row["business"] for row in (await office.done("1001", "campaign.list"))["campaigns"]] == [None, None]
    assert (await office.done("ada", "campaign.list", name="mua"))["campaigns"][0]["business"]["revenue"] == 50.0


async def test_C19_a_clone_gets_its_leads_in_portions_while_commands_are_answered(
    office: Office, tmp_path: Path
) -> None:
    await office.done("ada", "campaign.create", campaign="from", policy=POLICY)
    await leads(office, "from", 1700)
    cloned = await office.done("ada", "campaign.clone", campaign="from", to="copy", leads="all")
    assert cloned == {"campaign": "copy", "state": "pending", "copying": 1700}
    await office.done("ada", "lead.add", campaign="copy", phone="7777")  # goes in between
    while len(rows := await office.store.leads("copy", None, 0, 5000)) < 1701:
        await asyncio.sleep(0.01)
    assert len({row.phone for row in rows}) == len(rows) == 1701
    assert {row.state for row in rows} == {"new"}
    copied = next(row for row in rows if row.phone == "5007")
    assert (copied.name, copied.fields, copied.source, copied.phones) == (
        "Lead 7",
        {"city": "Huế"},
        "copy:from",
        ["95007"],
    )

    async def told() -> list[str]:
        return [row.note for row in await office.store.audit("copy", 10) if row.command == "lead.copied"]

    while not (notes := await told()):
        await asyncio.sleep(0.01)
    assert notes == ["1700 from from; 0 left out, 0 there already"]
    again = await office.done("ada", "lead.copy", campaign="copy", from_campaign="from")
    assert again["copying"] == 1700
    while len(notes := await told()) < 2:
        await asyncio.sleep(0.01)
    assert notes[0] == "0 from from; 0 left out, 1700 there already"


async def test_O08_a_clone_cut_short_goes_on_when_the_daemon_is_started_again(tmp_path: Path) -> None:
    async with open_office(tmp_path, floor(people=PEOPLE)) as office:
        await office.done("ada", "campaign.create", campaign="from", policy=POLICY)
        await leads(office, "from", 3000)
        await office.done("ada", "campaign.clone", campaign="from", to="copy", leads="new")
    async with open_office(tmp_path, floor(people=PEOPLE)) as office:
        while len(rows := await office.store.leads("copy", None, 0, 5000)) < 3000:
            await asyncio.sleep(0.01)
        assert len({row.phone for row in rows}) == len(rows) == 3000


async def test_C03_the_history_is_told_page_by_page_newest_first(office: Office) -> None:
    await office.done("ada", "campaign.create", campaign="h", policy=POLICY)
    for n in range(5):
        await office.done("ada", "campaign.update", campaign="h", policy={"lines": n + 1})
    await office.done("olga", "campaign.approve", campaign="h", note="đẹp lắm")
    listed = await office.done("ada", "audit.list", subject="h")
    assert [entry["command"] for entry in listed["entries"]] == [
        "campaign.approve", *["campaign.update"] * 5, "campaign.create"
    ]  # fmt: skip
    assert listed["next"] is None
    assert (listed["entries"][0]["principal"], listed["entries"][0]["note"]) == ("olga", "đẹp lắm")
    found: list[str] = []
    before = ""
    while True:
        page = await office.done("ada", "audit.list", subject="h", limit=3, before=before)
        found += [entry["entry"] for entry in page["entries"]]
        if page["next"] is None:
            break
        before = page["next"]
    assert found == [entry["entry"] for entry in listed["entries"]]
    approved = await office.done("olga", "audit.list", command="campaign.approve")
    assert [entry["subject"] for entry in approved["entries"]] == ["h"]
    assert len((await office.done("olga", "audit.list", command="campaign", principal="ada"))["entries"]) == 6
    assert (await office.done("olga", "audit.list", until="2020-01-01T00:00:00Z"))["entries"] == []
    assert len((await office.done("olga", "audit.list", since="2020-01-01T00:00:00Z", subject="h"))["entries"]) == 7


async def test_C03_the_history_of_what_one_does_not_see_is_not_told(office: Office) -> None:
    await office.done("ann", "campaign.create", campaign="hers", policy={**POLICY, "supervisors": ["sue"]})
    await office.done("ada", "campaign.create", campaign="mine", policy=POLICY)
    await office.done("ada", "campaign.delete", campaign="mine")

    async def subjects(who: str, **args: Any) -> set[str]:
        return {entry["subject"] for entry in (await office.done(who, "audit.list", **args))["entries"]}

    assert await subjects("olga") == await subjects("oskar") == {"hers", "mine"}
    assert await subjects("ada") == {"mine"}, "also after it was deleted"
    assert await subjects("ada", subject="hers") == set()
    assert await subjects("sam") == {"mine"}
    assert (await office.refused("1001", "audit.list"))["code"] == "forbidden"


async def test_C03_a_long_history_is_looked_through_in_portions(office: Office) -> None:
    class Long:
        """A trail of 30 000 entries of others."""

        asked = 0

        async def audit(self, subject: str | None, limit: int, before: str = "") -> list[AuditRow]:
            self.asked += 1
            last = int(before) if before else 30_000
            return [
                AuditRow(f"{n:06d}", 1.0, "x", "campaign.pause", "y")
                for n in range(last - 1, max(last - limit, 0) - 1, -1)
            ]

    long = Long()
    office.requests._store = long  # type: ignore[assignment]
    page = await office.done("ada", "audit.list")
    assert (page["entries"], long.asked) == ([], 20)
    page = await office.done("ada", "audit.list", before=page["next"])
    assert (page["entries"], page["next"], long.asked) == ([], None, 31)
