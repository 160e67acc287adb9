"""Do-not-call commands from the asker to the store: lists in, whole and in parts, asked about, and a lead explained (C10, C20)."""

from __future__ import annotations

import json
from typing import Any

from dialerd.control.commands import COMMANDS
from dialerd.control.table import Who
from tests.contract.test_command_table import Office, SlowStore, office, store

__all__ = ["office", "store"]
NUMBER = "+849012{:05d}"


async def give(office: Office, command: str, *roles: str, **args: Any) -> dict[str, Any]:
    reply = await office.ask(COMMANDS[command], args, *(roles or ("owner",)))
    assert reply["ok"], reply
    result: dict[str, Any] = reply["result"]
    return result


def text(*numbers: int) -> str:
    return "phone;name\n" + "".join(f"{NUMBER.format(n)};An\n" for n in numbers)


async def barred(office: Office, n: int) -> dict[str, bool]:
    found: dict[str, bool] = (await give(office, "dnc.check", phone=NUMBER.format(n)))["barred"]
    return found


class TestImport:
    async def test_C20_a_list_is_added_and_a_register_replaced(self, office: Office) -> None:
        told = await give(office, "dnc.import", csv=text(1, 2, 2, 3) + "12x;An\n;\n", because="complaints")
        assert (told["rows"], told["added"], told["already"], told["refused"]) == (6, 3, 1, 2)
        assert [one["row"] for one in told["refusals"]] == [6, 7]
        assert (told["replaced"], told["list"], told["channel"]) == (False, "own", "all")
        again = await give(office, "dnc.import", csv=text(3, 4))
        assert (again["added"], again["already"]) == (1, 1)
        for month, numbers in (("10", (5, 6)), ("11", (6, 7))):
            told = await give(
                office, "dnc.import", csv=text(*numbers), list="register", channel="voice", as_of=f"2026-{month}"
            )
            assert told["replaced"]
        assert await barred(office, 5) == {"voice": False, "sms": False, "email": False}
        assert await barred(office, 6) == {"voice": True, "sms": False, "email": False}
        assert await barred(office, 3) == {"voice": True, "sms": True, "email": True}
        lists = {(one["list"], one["channel"]): one for one in (await give(office, "dnc.list"))["lists"]}
        assert lists["own", "all"]["numbers"] == 4
        register = lists["register", "voice"]
        assert (register["numbers"], register["as_of"], register["version"]) == (2, "2026-11", 2)
        assert (register["changed_by"], register["coming"]) == ("1001", 0)

    async def test_C20_a_register_in_parts_holds_from_the_first_and_replaces_with_the_last(
        self, office: Office
    ) -> None:
        register = {"list": "register", "channel": "voice"}
        await give(office, "dnc.import", csv=text(1), **register)
        told = await give(office, "dnc.import", csv=text(2), part="first", **register)
        assert told["replaced"] is False
        assert (await barred(office, 1))["voice"] and (await barred(office, 2))["voice"]
        await give(office, "dnc.import", csv=text(3), part="more", **register)
        told = await give(office, "dnc.import", csv=text(4), part="last", **register)
        assert told["replaced"] is True
        assert [n for n in (1, 2, 3, 4) if (await barred(office, n))["voice"]] == [2, 3, 4]
        error = await office.refused(COMMANDS["dnc.import"], {"csv": text(1), "part": "more", **register}, "owner")
        assert (error["code"], error["field"]) == ("illegal_state", "part")

    async def test_C20_a_dry_run_changes_nothing(self, office: Office, store: SlowStore) -> None:
        told = await give(office, "dnc.import", csv=text(1, 2), list="register", dry_run=True)
        assert (told["added"], told["replaced"]) == (2, False)
        assert not any((await barred(office, 1)).values())
        assert (await store.load()).dnc == []

    async def test_C20_what_does_not_fit_together_is_refused(self, office: Office) -> None:
        entry = COMMANDS["dnc.import"]
        for args, field in (
            ({"list": "campaign"}, "campaign"),
            ({"campaign": "spring"}, "campaign"),
            ({"part": "first"}, "part"),
            ({"until": "2020-01-01T00:00:00Z"}, "until"),
            ({"csv": "name\nAn\n"}, "column"),
        ):
            error = await office.refused(entry, {"csv": text(1), **args}, "owner")
            assert error["field"] == field, error

    async def test_C20_a_text_that_cannot_be_read_leaves_the_list_and_another_import_of_it_alone(
        self, office: Office
    ) -> None:
        register = {"list": "register", "channel": "voice"}
        error = await office.refused(COMMANDS["dnc.import"], {"csv": "telefon\n", **register}, "owner")
        assert (error["code"], error["field"], error["allowed"]) == ("bad_argument", "column", ["telefon"])
        assert (await give(office, "dnc.list"))["lists"] == []
        await give(office, "dnc.import", csv=text(1), part="first", **register)
        await office.refused(COMMANDS["dnc.import"], {"csv": "telefon\n", **register}, "owner")
        told = await give(office, "dnc.import", csv=text(2), part="last", **register)
        assert (told["replaced"], told["version"]) == (True, 1)

    async def test_C20_the_same_import_given_twice_by_one_id_is_done_once(self, office: Office) -> None:
        who = Who("1001", frozenset({"owner"}))
        args = {"csv": text(1, 2)}
        first = await office.requests.ask(who, "dnc.import", "same", args)
        assert await office.requests.ask(who, "dnc.import", "same", args) == first
        assert json.loads(first)["result"]["added"] == 2


class TestByHand:
    async def test_C20_a_number_is_put_on_and_taken_off(self, office: Office) -> None:
        number = NUMBER.format(1)
        await give(office, "dnc.add", "supervisor", phone=number, channel="sms", because="asked by letter")
        found = await give(office, "dnc.check", phone=number)
        assert found["barred"] == {"voice": False, "sms": True, "email": False}
        (entry,) = found["entries"]
        assert (entry["list"], entry["channel"], entry["because"], entry["holds"]) == (
            "own", "sms", "asked by letter", True,
        )  # fmt: skip
        wrong = {"phone": number, "channel": "voice"}
        error = await office.refused(COMMANDS["dnc.remove"], wrong, "owner")
        assert (error["code"], error["allowed"]) == ("unknown_number", ["own/sms"])
        await give(office, "dnc.remove", phone=number, channel="sms")
        assert (await give(office, "dnc.check", phone=number))["entries"] == []

    async def test_C20_a_campaigns_list_is_only_told_with_its_entries(self, office: Office) -> None:
        number = NUMBER.format(1)
        await give(office, "dnc.add", phone=number, list="campaign", campaign="spring", refused=True)
        found = await give(office, "dnc.check", phone=number)
        assert not any(found["barred"].values())
        assert [one["list"] for one in found["entries"]] == ["campaign:spring"]
        assert found["refused_at"] == found["entries"][0]["at"]
        error = await office.refused(
            COMMANDS["dnc.add"], {"phone": number, "list": "campaign", "campaign": "autumn"}, "owner"
        )
        assert error["code"] == "unknown_campaign"


class TestExplain:
    async def test_C10_a_lead_is_explained_by_every_rule(self, office: Office) -> None:
        number = NUMBER.format(1)
        policy = {
            "name": "By the law", "trunks": ["main"], "pack": "plain", "starts_at": "2099-01-01T00:00:00Z",
            "max_attempts": 1,
        }  # fmt: skip
        await give(office, "campaign.create", campaign="law", policy=policy)
        await give(office, "lead.add", campaign="law", phone=number)
        told = await give(office, "lead.explain", campaign="law", phone=number)
        rules = {one["rule"]: one for one in told["rules"]}
        assert {name for name, one in rules.items() if not one["allows"]} == {"campaign_runs"}
        assert set(rules) >= {"not_on_a_list", "hours_are_open", "attempts_are_left", "number_may_be_dialed"}
        assert (told["rule"], told["dialable"]) == ("campaign_state", False)
        assert told["may_be_dialed_at"] == "2099-01-01T00:00:00.000Z"
        assert told["last_refusal"] is None
        await give(office, "dnc.add", phone=number, until="2099-06-01T00:00:00Z")
        told = await give(office, "lead.explain", campaign="law", phone=number)
        rules = {one["rule"]: one for one in told["rules"]}
        assert rules["not_on_a_list"]["because"] == "on the do-not-call list own until 2099-06-01T00:00:00.000Z"
        assert told["may_be_dialed_at"] == "2099-06-01T00:00:00.000Z"
        await give(office, "dnc.add", phone=number)
        told = await give(office, "lead.explain", campaign="law", phone=number)
        assert told["may_be_dialed_at"] is None
