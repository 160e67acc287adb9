"""The table of commands walked: every entry by every role, with good and bad arguments; and the documents made from it."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import pytest
import pytest_asyncio
from click.testing import CliRunner

from dialerd.adapters.exports.writing import FileExports
from dialerd.adapters.sheets.import_folder import ImportFolder
from dialerd.adapters.sheets.reading import SheetFiles
from dialerd.adapters.storage.sqlite import SqliteStore
from dialerd.campaigns.engine import Engine
from dialerd.cli import dialerctl, dialerd
from dialerd.control.asyncapi import asyncapi
from dialerd.control.commands import COMMANDS
from dialerd.control.reference import reference
from dialerd.control.state_diagrams import state_diagrams
from dialerd.control.table import Command, Who
from dialerd.model.facts import Configured
from dialerd.model.policies import Floor, Role
from dialerd.model.turn import Committed
from dialerd.ports.import_files import Lists
from dialerd.runtime.carry_out import CarryOut
from dialerd.runtime.exchange import Exchange
from dialerd.runtime.requests import Requests
from dialerd.runtime.turn_loop import TurnLoop
from dialerd.runtime.wall_clock import WallClock

DOCS = Path(__file__).parents[2] / "docs"
ROLES: tuple[Role, ...] = ("owner", "admin", "supervisor", "agent", "ops")
SAMPLES: dict[str, Any] = {
    "campaign": "spring",
    "policy": {"name": "Spring offer", "trunks": ["main"]},
    "csv": "phone\n+84901234567\n",
    "phone": "+84901234567",
    "reason": "lunch",
    "call": "c00000000000000000010001",
    "agent": "1001",
    "open": True,
    "hotline": "sales",
    "job": "job-1",
    "name": "Nguyễn An",
    "code": "kh-1",
    "codes": "kh-1; kh-2",
    "group": "vip",
    "filter": "old",
    "conditions": {"kind": "person"},
    "choose": "all",
    "phones": ["+84901234567"],
    "to": "registered",
    "number": "+84901234567",
    "ticket": 1,
    "trigger": "again",
    "when": {"ticket": "new"},
    "to_campaign": "spring",
    "from_campaign": "autumn",
    "upload": "upload-0000000000000000",
    "size": 5,
    "at": 0,
    "data": "aGVsbG8=",
    "disposition": "sale",
    "call_at": "2099-01-01T08:00:00+07:00",
    "effect": {"title": "Sold", "success": True},
    "script": "survey",
    "content": {"name": "Survey"},
    "answers": {"happy": "yes"},
    "state": "succeeded",
}
"""A value for every argument that some command needs, and for the agent who asks."""
ENTRIES = pytest.mark.parametrize("entry", COMMANDS.values(), ids=lambda entry: entry.name)


class Office:
    """The way of a command in the daemon, from Requests to the store; without sockets, brokers and Asterisk."""

    def __init__(self, requests: Requests) -> None:
        self.requests = requests
        self._serial = itertools.count(1)

    async def ask(self, entry: Command[Any], args: dict[str, Any], *roles: str) -> dict[str, Any]:
        """The reply to the agent 1001, who has these roles this time."""
        who = Who("1001", frozenset(roles))
        reply: dict[str, Any] = json.loads(await self.requests.ask(who, entry.name, f"n-{next(self._serial)}", args))
        return reply

    async def refused(self, entry: Command[Any], args: dict[str, Any], *roles: str) -> dict[str, Any]:
        """The error of a command that has to be refused."""
        reply = await self.ask(entry, args, *roles)
        assert reply["ok"] is False, reply
        error: dict[str, Any] = reply["error"]
        return error


class HouseOfNobody:
    """Keeps dialerd.control.table.House."""

    def status(self) -> dict[str, Any]:
        return {"store_failing": ""}

    async def reload(self) -> dict[str, Any]:
        return {"reloaded": "nothing"}


class SlowStore(SqliteStore):
    """A store whose disk can be made to hang."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "normal")
        self.disk = asyncio.Event()
        self.disk.set()

    async def commit(self, batch: Sequence[Committed]) -> None:
        await self.disk.wait()
        await super().commit(batch)


@pytest.fixture
def store(tmp_path: Path) -> SlowStore:
    return SlowStore(str(tmp_path / "store.sqlite3"))


@pytest_asyncio.fixture
async def office(store: SlowStore, tmp_path: Path) -> AsyncIterator[Office]:
    await store.open()
    clock = WallClock()
    engine = Engine(await store.load())
    ports: list[CarryOut] = []
    turns = TurnLoop(Exchange(engine), store, clock, lambda committed, intents: ports[0](committed, intents))  # noqa: PLW0108
    exports = FileExports(tmp_path / "exports")
    await exports.open()
    lists = Lists(SheetFiles(), ImportFolder(tmp_path / "imports", upload_at_most=1_000_000, harmless=str))
    lists.files.open(())
    requests = Requests(engine, turns, store, clock, HouseOfNobody(), exports, lists)
    ports.append(CarryOut({}, store, clock, turns.put, requests.answered))
    running = asyncio.create_task(turns.run())
    floor = {
        "servers": {"pbx": {}},
        "trunks": {"main": {"server": "pbx", "dial": "PJSIP/{number}@main"}},
        "hotlines": {"sales": {"number": "+842871000001"}},
        "agents": {"1001": {"phone": "PJSIP/1001", "server": "pbx"}},
        "campaigns": {"spring": {**SAMPLES["policy"], "supervisors": ["1001"]}},
    }
    await turns.settle(Configured(Floor.model_validate(floor).model_dump(mode="json")))
    try:
        yield Office(requests)
    finally:
        await requests.aclose()
        await ports[0].aclose()
        running.cancel()
        await asyncio.wait({running})
        await store.close()
        assert running.cancelled(), running.exception()


def sample(entry: Command[Any]) -> dict[str, Any]:
    """Good arguments: all that are needed, and the agent where there is one."""
    fields = entry.args.model_fields
    assert not [name for name, field in fields.items() if field.is_required() and name not in SAMPLES], "add a sample"
    return {name: SAMPLES[name] for name, field in fields.items() if field.is_required() or name in ("agent", "csv")}


@ENTRIES
async def test_C04_every_role_that_may_is_heard_and_every_other_refused(office: Office, entry: Command[Any]) -> None:
    """Who may is refused for the command's subject at most: an unknown call, an illegal move."""
    for role in ROLES:
        reply = await office.ask(entry, sample(entry), role)
        if role in entry.roles:
            if reply["ok"]:
                entry.result.model_validate(reply["result"])
                assert set(reply["result"]) == set(entry.result.model_fields)
            else:
                assert re.fullmatch("illegal_.*|unknown_.*|exists|from_file", reply["error"]["code"]), reply
        else:
            assert reply["error"]["code"] == "forbidden"
            assert reply["error"]["allowed"] == sorted(entry.roles)
            assert f"1001 may not {entry.name}: its roles are {role}" in reply["error"]["message"]
    assert (await office.refused(entry, sample(entry)))["message"].endswith("its roles are none")
    everything = await office.ask(entry, sample(entry), *ROLES)  # several roles: the best one counts
    assert everything["ok"] or everything["error"]["code"] != "forbidden"


@ENTRIES
async def test_C04_who_may_not_is_told_so_before_his_arguments_are_looked_at(
    office: Office, entry: Command[Any]
) -> None:
    assert (await office.refused(entry, {"surprise": 1}, "nobody"))["code"] == "forbidden"


@ENTRIES
async def test_O02_an_argument_that_the_command_does_not_know_is_refused(office: Office, entry: Command[Any]) -> None:
    error = await office.refused(entry, {**sample(entry), "surprise": 1}, *entry.roles)
    assert (error["code"], error["field"]) == ("bad_argument", "surprise")
    assert error["allowed"] == (sorted(entry.args.model_fields) or "none")


@ENTRIES
async def test_O02_a_missing_argument_is_named(office: Office, entry: Command[Any]) -> None:
    for name, field in entry.args.model_fields.items():
        if field.is_required():
            args = {key: value for key, value in sample(entry).items() if key != name}
            error = await office.refused(entry, args, *entry.roles)
            words = f"{name}: found nothing, allowed: a value; this key is needed"
            assert (error["code"], error["field"], error["message"]) == ("bad_argument", name, words)


@ENTRIES
async def test_O02_an_argument_of_another_kind_or_length_is_named(office: Office, entry: Command[Any]) -> None:
    """Text that cannot be written (NUL, half characters) is refused before, by each way in."""
    for name in entry.args.model_fields:
        for wrong in (["a", "list"], 1.5, "x" * (13_000_000 if name in ("csv", "data") else 100_000)):
            error = await office.refused(entry, {**sample(entry), name: wrong}, *entry.roles)
            assert error["code"] == "bad_argument"
            assert error["field"].split(".")[0] == name
            assert len(error["message"]) < 200


async def test_C06_one_bad_lead_is_a_command_refused(office: Office) -> None:
    """lead.import reports its rows; lead.add has only the one."""
    entry = COMMANDS["lead.add"]
    for args, field, words in (
        ({"phone": "113"}, "phone", "'113' is an emergency number in VN and is never dialed"),
        ({"phone": "0901234567", "fields": {"note": "x" * 2001}}, "fields.note", "it has 2001 characters"),
        ({"phone": "0901234567", "email": "an@"}, "email", "is not an e-mail address"),
    ):
        error = await office.refused(entry, {"campaign": "spring", **args}, "admin")
        assert error["field"] == field
        assert words in error["message"]
    assert (await office.ask(entry, sample(entry), "admin"))["result"]["added"] == 1
    again = await office.ask(entry, sample(entry), "admin")
    assert (again["result"]["added"], again["result"]["duplicates"]) == (0, 1)


@ENTRIES
async def test_O02_a_good_command_given_twice_by_one_id_is_done_once(office: Office, entry: Command[Any]) -> None:
    who = Who("1001", entry.roles)
    first = await office.requests.ask(who, entry.name, "same", sample(entry))
    again = await office.requests.ask(who, entry.name, "same", sample(entry))
    assert entry.how == "read" or again == first


async def test_O08_a_repeated_id_is_not_answered_before_its_command_is_on_disk(
    office: Office, store: SlowStore
) -> None:
    """Told that it was not committed yet, one asks again with the same id: that answer has to be true."""
    who, args = Who("ada", frozenset({"admin"})), {"campaign": "spring"}
    store.disk.clear()
    asked = [asyncio.create_task(office.requests.ask(who, "campaign.start", "same", args)) for _ in range(2)]
    done, _ = await asyncio.wait(asked, timeout=0.3)
    assert not done
    asked.append(asyncio.create_task(office.requests.ask(who, "campaign.start", "same", args)))
    done, _ = await asyncio.wait(asked, timeout=0.3)
    assert not done, "it was answered while nothing is written"
    store.disk.set()
    replies = await asyncio.gather(*asked)
    assert len(set(replies)) == 1
    assert json.loads(replies[0])["ok"] is True
    assert len([row for row in await store.audit("spring", 10) if row.command == "campaign.start"]) == 1


class TestDocuments:
    def test_O03_every_command_is_on_the_shell(self) -> None:
        found = {
            f"{resource}.{verb}"
            for resource, group in dialerctl.commands.items()
            if isinstance(group, click.Group)
            for verb in group.commands
        }
        assert found == set(COMMANDS)

    def test_O02_every_command_is_in_the_reference_with_all_its_arguments(self) -> None:
        text = (DOCS / "control.md").read_text(encoding="utf-8")
        parts = dict(re.findall(r"^### (\S+)\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL))
        assert list(parts) == list(COMMANDS)
        for name, entry in COMMANDS.items():
            assert f"Roles: {', '.join(sorted(entry.roles))}." in parts[name]
            for field in (*entry.args.model_fields, *entry.result.model_fields):
                assert f"| `{field}` |" in parts[name], (name, field)

    @pytest.mark.parametrize(
        ("file", "made"),
        [
            ("control.md", reference),
            ("states.md", state_diagrams),
            ("asyncapi.json", lambda: CliRunner().invoke(dialerd, ["asyncapi"]).output),
        ],
        ids=["control.md", "states.md", "asyncapi.json"],
    )
    def test_the_documents_are_what_the_tables_make(self, file: str, made: Any) -> None:
        assert (DOCS / file).read_text(encoding="utf-8") == made(), f"docs/{file} is old: `make docs` makes it anew"

    @pytest.mark.parametrize(("word", "made"), [("commands", reference), ("states", state_diagrams)])
    def test_dialerd_prints_the_documents(self, word: str, made: Any) -> None:
        assert CliRunner().invoke(dialerd, [word]).output == made()


class TestAsyncApi:
    def test_O02_every_reference_leads_somewhere(self) -> None:
        document = asyncapi()
        found = list(references(document))
        assert len(found) > 2 * len(COMMANDS)
        for reference_to in found:
            assert reference_to.startswith("#/")
            place: Any = document
            for part in reference_to[2:].split("/"):
                assert part in place, reference_to
                place = place[part]

    def test_O02_every_command_is_a_channel_with_its_arguments_and_reply(self) -> None:
        document = asyncapi()
        addresses = {
            channel["address"]: key for key, channel in document["channels"].items() if "cmd" in channel["address"]
        }
        assert len(addresses) == len(COMMANDS)
        for entry in COMMANDS.values():
            key = addresses[f"dialerd/{{instance}}/cmd/{{principal}}/{entry.resource}/{entry.verb}"]
            payload = document["channels"][key]["messages"]["command"]["payload"]
            assert set(payload["properties"]) == {*entry.args.model_fields, "id"}
            required = {name for name, field in entry.args.model_fields.items() if field.is_required()}
            assert set(payload.get("required", ())) == required
            operation = document["operations"][key]
            assert operation["action"] == "receive"
            assert operation["channel"] == {"$ref": f"#/channels/{key}"}
            reply = document["channels"][operation["reply"]["channel"]["$ref"].rsplit("/", 1)[1]]
            good, bad = reply["messages"]["reply"]["payload"]["oneOf"]
            assert set(good["properties"]["result"]["properties"]) == set(entry.result.model_fields)
            assert bad == {"$ref": "#/components/schemas/error"}

    def test_O02_every_parameter_stands_in_its_address_and_every_operation_has_its_channel(self) -> None:
        document = asyncapi()
        assert document["asyncapi"] == "3.0.0"
        for key, channel in document["channels"].items():
            assert set(channel["parameters"]) == set(re.findall(r"{(\w+)}", channel["address"])), key
            assert channel["messages"], key
        used = {operation["channel"]["$ref"] for operation in document["operations"].values()}
        used |= {op["reply"]["channel"]["$ref"] for op in document["operations"].values() if "reply" in op}
        assert used == {f"#/channels/{key}" for key in document["channels"]}

    def test_O02_it_is_json_and_the_same_each_time(self) -> None:
        assert json.dumps(asyncapi(), sort_keys=True) == json.dumps(asyncapi(), sort_keys=True)


def references(place: Any) -> Iterator[str]:
    """Every $ref in a document."""
    if isinstance(place, dict):
        for key, value in place.items():
            if key == "$ref" and isinstance(value, str):
                yield value
            else:
                yield from references(value)
    elif isinstance(place, list):
        for value in place:
            yield from references(value)
