"""Contacts, groups, filters, and leads made from them, by the daemon's own way of commands and its store (C06, C15, C17)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dialerd.control.commands import COMMANDS
from tests.contract.test_command_table import Office
from tests.contract.test_command_table import office as office
from tests.contract.test_command_table import store as store

CSV = (
    "Name;Phone;E-mail;Tags;Status;Type;Plan\n"
    "Nguyễn Văn Ân;0912 345 671;An@X.vn;vip; Hà Nội;Prospect;person;gold\n"  # a cell too many: the tags are not quoted
    'Nguyễn Văn Ân;0912 345 671;An@X.vn;"vip; Hà Nội";Prospect;person;gold\n'
    "Đặng Thị Bình;+84912345672;;vip;lead;person;\n"
    "Công ty Cổ phần;0912345673;info@x.vn;;lead;company;\n"
    "Ai đó;113;;;;;\n"
    ";;;;;;\n"
    "Không số;;khong@x.vn;;;;\n"
    "Lần hai;84912345672;;;;;\n"
)


async def ask(office: Office, command: str, **args: Any) -> dict[str, Any]:
    reply = await office.ask(COMMANDS[command], args, "admin")
    assert reply["ok"], reply
    result: dict[str, Any] = reply["result"]
    return result


async def error(office: Office, command: str, **args: Any) -> dict[str, Any]:
    return await office.refused(COMMANDS[command], args, "admin")


async def codes(office: Office, **args: Any) -> list[str]:
    return [row["code"] for row in (await ask(office, "contact.find", **args))["contacts"]]


async def leads(office: Office, **args: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await ask(office, "lead.list", campaign="spring", **args))["leads"]
    return found


# --- contacts


async def test_C06_a_contact_is_added_found_and_changed(office: Office) -> None:
    code = (await ask(office, "contact.add", name="Nguyễn Văn Ân", phone="0912 345 678", email="An@X.vn"))["code"]
    assert code == "pid-000001"
    for by in ({"code": code}, {"phone": "+84912345678"}, {"email": "an@x.VN"}, {"name": "van an"}):
        assert await codes(office, **by) == [code]
    await ask(office, "contact.update", code=code, tags="VIP; vip; Hà Nội", status="Prospect", fields={"plan": "gold"})
    await ask(office, "contact.update", code=code, fields={"plan": "", "city": "Huế"}, email="")
    shown = (await ask(office, "contact.find", code=code))["contacts"][0]
    assert shown["tags"] == ["vip", "hà nội"]
    assert (shown["status"], shown["email"], shown["fields"]) == ("prospect", "", {"city": "Huế"})
    assert (shown["name"], shown["phone"]) == ("Nguyễn Văn Ân", "+84912345678")


async def test_C06_a_code_is_there_once_and_a_phone_too_unless_it_is_wished(office: Office) -> None:
    await ask(office, "contact.add", name="An", phone="0912345678", code="PID/7")
    assert (await error(office, "contact.add", name="Bo", code="PID/7"))["code"] == "exists"
    told = await error(office, "contact.add", name="Bo", phone="+84 912 345 678")
    assert (told["code"], told["field"]) == ("exists", "phone")
    await ask(office, "contact.add", name="Bo", phone="0912345678", duplicate="keep")
    assert await codes(office, phone="0912345678") == ["PID/7", "pid-000001"]
    assert (await error(office, "contact.add", name="Ci", code="pid-000009"))["field"] == "code"


@pytest.mark.parametrize(
    ("args", "field"),
    [
        ({"name": ""}, "phone"),
        ({"name": "An", "phone": "113"}, "phone"),
        ({"name": "An", "email": "an at x"}, "email"),
        ({"name": "An", "code": "a b"}, "code"),
        ({"name": "An\x07"}, "name"),
        ({"name": "An", "owner": "x y"}, "owner"),
        ({"name": "An", "tags": "x" * 65}, "tags"),
        ({"name": "An", "status": "a\x00"}, "status"),
    ],
)
async def test_C06_a_bad_value_of_a_contact_is_named(office: Office, args: dict[str, Any], field: str) -> None:
    assert (await error(office, "contact.add", **args))["field"] == field
    assert (await ask(office, "contact.list"))["contacts"] == []


async def test_C06_two_contacts_added_at_once_get_two_codes(office: Office) -> None:
    made = await asyncio.gather(*(ask(office, "contact.add", name=f"N{n}") for n in range(40)))
    assert len({one["code"] for one in made}) == 40
    page = await ask(office, "contact.list", limit=15)
    assert page["more"]
    rest = await ask(office, "contact.list", after=page["after"])
    assert len(page["contacts"]) + len(rest["contacts"]) == 40


async def test_C06_a_list_of_contacts_is_imported_row_by_row(office: Office) -> None:
    dry = await ask(office, "contact.import", csv=CSV, dry_run=True)
    assert (await ask(office, "contact.list"))["contacts"] == []
    report = await ask(office, "contact.import", csv=CSV)
    for one in (dry, report):
        assert (one["rows"], one["added"], one["duplicates"], one["refused"]) == (7, 4, 1, 2)
        told = {bad["row"]: bad["because"] for bad in one["refusals"] if bad["result"] == "refused"}
        assert list(told) == [2, 6]
        assert "8 cells under 7 headings" in told[2]
        assert "'113' is an emergency number" in told[6]
    shown = (await ask(office, "contact.find", name="van an"))["contacts"][0]
    assert (shown["tags"], shown["email"], shown["fields"]) == (["vip", "hà nội"], "an@x.vn", {"Plan": "gold"})
    again = await ask(office, "contact.import", csv=CSV)
    assert again["added"] == 1, "who has neither code nor phone is not known again"
    changed = "code,name\n" + shown["code"] + ",Nguyễn Ân\npid-999999,x\nA/1,Chi\n"
    report = await ask(office, "contact.import", csv=changed, existing="update")
    assert (report["added"], report["updated"], report["refused"]) == (1, 1, 1)
    shown = (await ask(office, "contact.find", code=shown["code"]))["contacts"][0]
    assert (shown["name"], shown["phone"]) == ("Nguyễn Ân", "+84912345671")
    report = await ask(
        office, "contact.import", csv=f"code,status,city\n{shown['code']},lost,Huế\nk9,lost,\n", existing="update"
    )
    assert (report["updated"], report["refused"]) == (1, 1), "of whom is there a row may tell less"
    shown = (await ask(office, "contact.find", code=shown["code"]))["contacts"][0]
    assert (shown["name"], shown["status"], shown["fields"]) == ("Nguyễn Ân", "lost", {"Plan": "gold", "city": "Huế"})


async def test_C06_contacts_are_counted_where_their_rows_are_and_the_rest_goes_on_after_a_row(office: Office) -> None:
    text = "phone,name\n" + "".join(f"{'x' if n % 7 == 6 else f'0912{n:06d}'},N {n}\n" for n in range(900))
    first = await ask(office, "contact.import", csv=text)
    seen = (await ask(office, "import.list"))["imports"][0]
    assert (seen["job"], seen["state"], seen["row"], seen["rows"]) == (first["job"], "done", 901, 900)
    assert (seen["added"], seen["refused"], seen["updated"]) == (first["added"], first["refused"], 0)
    rest = await ask(office, "contact.import", csv=text, after_row=801)
    assert (rest["rows"], rest["added"]) == (100, 0)
    assert rest["duplicates"] + rest["refused"] == 100
    assert rest["report"].startswith(rest["job"])


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("k1,An,\nk1,Bo,\n", "a row before it has the same code"),
        (",An,0912345678\n,Bo,+84 912 345 678\n", "a row before it has the same phone"),
        ("k1,An,0912345678\n,Bo,0912345678\n", "a row before it has the same phone"),
    ],
)
async def test_C06_who_is_in_a_list_twice_is_one_contact(office: Office, rows: str, told: str) -> None:
    report = await ask(office, "contact.import", csv=f"code,name,phone\n{rows}", dry_run=True)
    assert (report["added"], report["duplicates"]) == (1, 1)
    assert [(bad["result"], bad["because"]) for bad in report["refusals"]] == [("duplicate", told)]


async def test_C06_a_contact_known_by_code_and_by_phone_in_one_list_is_changed_once(office: Office) -> None:
    await ask(office, "contact.add", name="An", phone="0912345678", code="k1")
    report = await ask(office, "contact.import", csv="code,name,phone\n,Bo,0912345678\nk1,Ci,\n", existing="update")
    assert (report["updated"], report["duplicates"]) == (1, 1)
    assert (await ask(office, "contact.find", code="k1"))["contacts"][0]["name"] == "Bo"


async def test_C06_columns_of_contacts_are_told_as_those_of_leads(office: Office) -> None:
    text = "A1;Ai;Số;Ghi chú\nkh/1;Ân;0912345678;x\n"
    told = await error(office, "contact.import", csv=text)
    assert (told["field"], told["allowed"]) == ("mapping", ["A1", "Ai", "Số", "Ghi chú"])
    mapping = {"code": "A1", "name": "B", "phone": "3", "others": "ignore"}
    assert (await ask(office, "contact.import", csv=text, mapping=mapping))["added"] == 1
    shown = (await ask(office, "contact.find", code="kh/1"))["contacts"][0]
    assert (shown["name"], shown["phone"], shown["fields"]) == ("Ân", "+84912345678", {})
    seen = await ask(office, "contact.import-preview", csv="Mã KH,Họ tên,SĐT,Nhãn,Khác\n1,2,3,4,5\n")
    assert seen["sheets"][0]["mapping"] == {
        "code": "Mã KH", "name": "Họ tên", "phone": "SĐT", "tags": "Nhãn", "others": "keep",
    }  # fmt: skip
    begun = await ask(office, "contact.import", csv=text, mapping=mapping, wait=False)
    assert (begun["state"], begun["rows"]) == ("running", 0)


@pytest.mark.parametrize("text", ["", "\x00", "a,a\n1,2\n", '"open\n'])
async def test_C06_a_text_that_is_no_list_is_refused_whole(office: Office, text: str) -> None:
    assert (await error(office, "contact.import", csv=text))["field"] in ("file", "mapping")


# --- groups and filters


async def test_C06_contacts_join_and_leave_a_group(office: Office) -> None:
    await ask(office, "contact.import", csv="code,name\nk1,An\nk2,Bo\nk3,Ci\n")
    await ask(office, "group.create", group="vip", title="Khách VIP")
    assert (await error(office, "group.create", group="vip"))["code"] == "exists"
    assert (await error(office, "group.add", group="gone", codes="k1"))["code"] == "unknown_group"
    joined = await ask(office, "group.add", group="vip", codes="k1, k2;k9\nk1")
    assert (joined["members"], joined["unchanged"], joined["unknown"]) == (2, 0, ["k9"])
    assert (await ask(office, "group.add", group="vip", codes="k2 k3"))["unchanged"] == 1
    left = await ask(office, "group.remove", group="vip", codes="k1 k9")
    assert (left["members"], left["unknown"]) == (1, ["k9"])
    assert [row["code"] for row in (await ask(office, "group.members", group="vip"))["contacts"]] == ["k2", "k3"]
    await ask(office, "group.delete", group="vip")
    assert (await ask(office, "group.list"))["groups"] == []
    assert await codes(office, name="bo") == ["k2"], "its contacts stay"


async def test_C06_a_saved_filter_is_changed_counted_and_deleted(office: Office) -> None:
    await ask(office, "contact.import", csv=CSV)
    await ask(office, "filter.create", filter="vips", conditions={"tags_any": ["VIP"], "kind": "person"})
    assert (await ask(office, "filter.count", filter="vips"))["contacts"] == 2
    await ask(office, "filter.update", filter="vips", conditions={"status": ["prospect"], "kind": None})
    assert (await ask(office, "filter.count", filter="vips")) == {
        "filter": "vips", "contacts": 1, "with_phone": 1, "looked_at": 4,
    }  # fmt: skip
    shown = (await ask(office, "filter.list"))["filters"][0]
    assert shown["conditions"] == {"tags_any": ["vip"], "status": ["prospect"]}
    bad = await error(office, "filter.create", filter="x", conditions={"created_from": "yesterday"})
    assert bad["field"] == "conditions.created_from"
    await ask(office, "filter.delete", filter="vips")
    assert (await error(office, "filter.count", filter="vips"))["code"] == "unknown_filter"


# --- leads from contacts


@pytest.mark.parametrize(
    ("choice", "phones"),
    [
        ({"choose": "all"}, ["1", "2", "3"]),
        ({"choose": "filter", "filter": "people"}, ["1", "2"]),
        ({"choose": "group", "group": "firms"}, ["3"]),
        ({"choose": "codes", "codes": "pid-000002 pid-000003"}, ["2", "3"]),
    ],
)
async def test_C06_contacts_join_a_campaign(office: Office, choice: dict[str, Any], phones: list[str]) -> None:
    await ask(office, "contact.import", csv=CSV)
    await ask(office, "filter.create", filter="people", conditions={"kind": "person"})
    await ask(office, "group.create", group="firms")
    await ask(office, "group.add", group="firms", codes=(await codes(office, name="cong ty"))[0])
    await ask(office, "contact.update", code="pid-000002", owner="ada", address="Huế")
    dry = await ask(office, "lead.from-contacts", campaign="spring", dry_run=True, **choice)
    assert await leads(office) == []
    report = await ask(office, "lead.from-contacts", campaign="spring", action="mùa xuân", **choice)
    assert report == {**dry, "dry_run": False}
    shown = await leads(office)
    assert [lead["phone"] for lead in shown] == [f"+8491234567{phone}" for phone in phones]
    for lead in shown:
        assert lead["source"].startswith(f"contacts:{choice['choose']}")
        assert (lead["action"], lead["state"]) == ("mùa xuân", "new")
        assert lead["joined_at"].endswith("Z")
    second = next((lead for lead in shown if lead["contact"] == "pid-000002"), None)
    if second is not None:
        assert (second["owner"], second["address"]) == ("ada", "Huế")
    again = await ask(office, "lead.from-contacts", campaign="spring", **choice)
    assert (again["added"], again["duplicates"]) == (0, len(phones))


async def test_C06_a_contact_without_a_phone_or_with_an_unknown_code_is_told(office: Office) -> None:
    await ask(office, "contact.import", csv="code,name,phone\nk1,An,\nk2,Bo,0912345678\nk3,Ci,0912345678\n")
    assert await codes(office, phone="0912345678") == ["k2", "k3"], "two codes, one phone"
    report = await ask(office, "lead.from-contacts", campaign="spring", choose="codes", codes="k1,k2,k3,k9")
    assert (report["contacts"], report["added"], report["duplicates"], report["refused"]) == (4, 1, 1, 2)
    assert {(bad["code"], bad["because"]) for bad in report["refusals"]} == {
        ("k1", "it has no phone"), ("k9", "there is no such contact"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("args", "field"),
    [
        ({"choose": "filter"}, "filter"),
        ({"choose": "all", "group": "vip"}, "group"),
        ({"choose": "filter", "filter": "gone"}, "filter"),
        ({"choose": "codes", "codes": "a b; -c"}, "codes"),
        ({"choose": "all", "campaign": "gone"}, "campaign"),
    ],
)
async def test_C06_a_choice_that_does_not_fit_is_refused_before_anything_begins(
    office: Office, args: dict[str, Any], field: str
) -> None:
    assert (await error(office, "lead.from-contacts", **{"campaign": "spring", **args}))["field"] == field


async def test_C06_a_leads_changes_are_not_the_contacts(office: Office) -> None:
    await ask(office, "contact.add", name="An", phone="0912345678", code="k1", fields={"plan": "gold"})
    await ask(office, "lead.from-contacts", campaign="spring", choose="all")
    await ask(office, "lead.update", campaign="spring", phone="0912345678", name="Bình", fields={"plan": "iron"})
    shown = (await ask(office, "contact.find", code="k1"))["contacts"][0]
    assert (shown["name"], shown["fields"]) == ("An", {"plan": "gold"})
    await ask(office, "contact.update", code="k1", name="Chi")
    assert (await leads(office))[0]["name"] == "Bình"


async def test_C07_contacts_a_list_and_single_leads_that_join_at_once_leave_each_phone_once(office: Office) -> None:
    """Three ways in at the same time: the database would refuse a second lead with the phone, and the daemon stop."""
    phones = [f"+8491200{n:04d}" for n in range(1500)]
    rows = "".join(f"{phone},N{n}\n" for n, phone in enumerate(phones))
    await ask(office, "contact.import", csv=f"phone,name\n{rows}")
    reports = await asyncio.gather(
        ask(office, "lead.from-contacts", campaign="spring", choose="all"),
        ask(office, "lead.from-contacts", campaign="spring", choose="all"),
        *(ask(office, "lead.add", campaign="spring", phone=phone) for phone in phones[::50]),
    )
    total, after = 0, 0
    while True:
        page = await ask(office, "lead.list", campaign="spring", after=after, limit=1000)
        total += len(page["leads"])
        after = page["after"]
        if not page["more"]:
            break
    assert total == 1500
    assert sum(one["added"] for one in reports) == 1500
    stats = await ask(office, "campaign.stats", campaign="spring")
    assert stats["leads"] == {"new": 1500}


# --- search


async def test_C17_leads_are_searched_by_what_people_know_of_them(office: Office) -> None:
    await ask(office, "contact.import", csv=CSV)
    await ask(office, "contact.update", code="pid-000002", owner="ada", address="12 Phố Huế, Hà Nội")
    await ask(office, "lead.from-contacts", campaign="spring", choose="all", list="warm")
    second = ["+84912345672"]
    for search in (
        {"name": "dang thi"}, {"address": "pho hue"}, {"owner": "ada"}, {"phone": "0912345672"}, {"phone": "+84 912 345 672"},
        {"state": "new,retry", "name": "BÌNH"}, {"list": "warm", "owner": "ada"},
    ):  # fmt: skip
        assert [lead["phone"] for lead in await leads(office, **search)] == second, search
    assert [lead["phone"] for lead in await leads(office, email="info@")] == ["+84912345673"]
    for beginning in ("0912", "84912", "+84912", "0084912", "912"):
        assert len(await leads(office, phone=beginning)) == 3, beginning
    assert await leads(office, joined_before="2020-01-01T00:00:00Z") == []
    assert len(await leads(office, joined_from="2020-01-01T00:00:00Z")) == 3
    await ask(office, "lead.set-participation", campaign="spring", phones=second, to="registered")
    assert [lead["phone"] for lead in await leads(office, participation="registered")] == second
    assert (await ask(office, "campaign.stats", campaign="spring"))["participation"]["registered"] == 1


@pytest.mark.parametrize(
    ("search", "field"),
    [
        ({"state": ["lost"]}, "state"),
        ({"phone": "call me"}, "phone"),
        ({"participation": "perhaps"}, "participation"),
        ({"joined_from": "monday"}, "joined_from"),
    ],
)
async def test_C17_a_search_that_is_none_is_refused(office: Office, search: dict[str, Any], field: str) -> None:
    assert (await error(office, "lead.list", campaign="spring", **search))["field"].split(".")[0] == field
