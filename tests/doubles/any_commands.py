"""Any command of the whole table, by any person, with arguments that are mostly plausible and sometimes wrong.

Never leaves a command out: an argument that this does not know fails the test that meets it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from dialerd.control.commands import COMMANDS
from dialerd.control.table import Command
from dialerd.model import states
from dialerd.model.instants import Instant
from tests.doubles.any_campaigns import (
    AGENTS,
    CAMPAIGNS,
    DISPOSITIONS,
    NUMBERS,
    PEOPLE,
    any_moment,
    any_phone,
    any_policy,
    written,
)
from tests.doubles.books_of_rows import Books

OFTEN = (
    *("lead.add", "lead.import", "lead.dispose", "lead.callback", "lead.hold", "lead.release", "lead.reopen") * 2,
    *("lead.set-state", "lead.copy", "campaign.update", "dnc.add", "dnc.import", "dnc.remove") * 2,
    *("campaign.start", "campaign.resume", "campaign.approve", "campaign.create", "lead.dispose") * 3,
    *("agent.ready", "agent.not-ready", "campaign.pause", "trigger.create", "lead.set-participation"),
)
"""Commands that lead somewhere: they come more often than the others."""
WRONG: tuple[Any, ...] = ("", "x" * 70, -1, 3.5, None, ["a"], {"a": 1}, "no such", True, "Ünknown", 10**30, "a\x07b")
NAMES = ("vip", "old")
FITTING: Mapping[str, tuple[str, ...]] = {
    "lead.release": ("held",),
    "lead.reopen": ("succeeded", "exhausted", "failed", "do_not_call_back", "blocked", "dnc"),
    "lead.hold": ("new", "retry", "callback"),
}
"""States in which a lead is mostly chosen for a command."""


class Asker:
    """Who asks what, of a house that is as its books say."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self.uploads: list[str] = []

    def any(self, chance: Random, now: Instant) -> tuple[str, str, dict[str, Any]]:
        """A principal, a command and its arguments."""
        command = chance.choice(OFTEN) if chance.randrange(2) else chance.choice(list(COMMANDS))
        entry = COMMANDS[command]
        may = [name for name, roles in PEOPLE.items() if entry.roles.intersection(roles)]
        who = chance.choice(may) if chance.randrange(4) else chance.choice(list(PEOPLE))
        return who, command, self.args(chance, entry, now)

    def unknown(self) -> list[str]:
        """Arguments of the table for which there is no value here."""
        known = {*self._of_all(), *self._of_command()}
        every = [(entry.name, name) for entry in COMMANDS.values() for name in entry.args.model_fields]
        return [f"{command} {name}" for command, name in every if known.isdisjoint((name, f"{command} {name}"))]

    def args(self, chance: Random, entry: Command[Any], now: Instant) -> dict[str, Any]:
        """Arguments: all that are needed, some of the others, and now and then a wrong one."""
        found: dict[str, Any] = {}
        leads = [*self._books.leads.values()]
        fitting = [row for row in leads if row.state in FITTING.get(entry.name, (row.state,))] or leads
        lead = chance.choice(fitting) if fitting and chance.randrange(6) else None
        for name, field in entry.args.model_fields.items():
            if not field.is_required() and chance.randrange(4):
                continue
            if not chance.randrange(40):
                found[name] = chance.choice(WRONG)
            elif lead is not None and entry.resource == "lead" and name in ("campaign", "phone"):
                found[name] = lead.campaign if name == "campaign" else lead.phone
            else:
                found[name] = self._value(chance, entry.name, name, now)
        self._together(chance, entry.name, found, now)
        if not chance.randrange(50):
            found[chance.choice(["surprise", *found])] = chance.choice(WRONG)
        return found

    def _value(self, chance: Random, command: str, name: str, now: Instant) -> Any:
        made = self._of_command().get(f"{command} {name}") or self._of_all().get(name)
        assert made is not None, f"nobody knows what {command} may be asked with as {name}: say it here"
        return made(chance, now)

    def _together(self, chance: Random, command: str, args: dict[str, Any], now: Instant) -> None:
        """Arguments that make sense only beside each other."""
        if command in ("lead.import", "lead.import-preview") and chance.randrange(12):
            for key in ("file", "upload", "mapping", "header_row", "sheet", "encoding", "separator", "phone", "name"):
                args.pop(key, None)
            args.pop("csv", None)
            args["csv"] = self._csv(chance, now)
            args.pop("wait", None) if chance.randrange(2) else None
        if command in ("dnc.add", "dnc.remove", "dnc.import") and chance.randrange(6):
            args.pop("campaign", None)
            if args.get("list") == "campaign":
                args["campaign"] = chance.choice(CAMPAIGNS)
            args.pop("part", None) if chance.randrange(3) else None
            args.pop("until", None) if chance.randrange(2) else None
        if command == "dnc.remove" and self._books.entries and chance.randrange(5):
            number = chance.choice([*self._books.entries])
            name, args["channel"] = chance.choice([*self._books.entries[number]])
            args.update(
                phone=number, list="campaign" if ":" in name else "own", region="VN" if number[0] == "+" else "none"
            )
            args.update({"campaign": name.split(":")[1]} if ":" in name else {})
        if command in ("lead.dispose", "lead.answer-script") and chance.randrange(6):
            if chance.randrange(2) and self._books.attempts:
                args["call"] = self._call(chance, now)
                args.pop("campaign", None)
                args.pop("phone", None)
            elif self._books.leads:
                lead = chance.choice([*self._books.leads.values()])
                args["campaign"], args["phone"] = lead.campaign, lead.phone
                args.pop("call", None)
        if command == "lead.dispose" and chance.randrange(5):
            args.pop("call_at", None)
            args.pop("agent", None)
            if args.get("disposition") == "later":
                args["call_at"] = any_moment(chance, now)
        if command.startswith("campaign.") and command.split(".")[1] in _MOVES and chance.randrange(3):
            kind = command.split(".")[1]
            fits = [name for name, row in self._books.campaigns.items() if kind in states.CAMPAIGN[row.state]]
            args["campaign"] = chance.choice(fits or CAMPAIGNS)
        if command.startswith("ticket.") and self._books.tickets and "ticket" in args and chance.randrange(5):
            args["ticket"] = chance.choice([*self._books.tickets])
        if command == "campaign.delete" and chance.randrange(2):
            args["confirm"] = args.get("campaign")
        if command == "campaign.update" and isinstance(args.get("policy"), dict) and chance.randrange(10):
            policy = args["policy"]
            args["policy"] = {key: policy[key] for key in chance.sample(sorted(policy), min(len(policy), 2))}

    # --- values

    def _of_all(self) -> Mapping[str, Callable[[Random, Instant], Any]]:
        def one_of(*words: Any) -> Callable[[Random, Instant], Any]:
            return lambda chance, now: chance.choice(words)

        def several(*words: str) -> Callable[[Random, Instant], Any]:
            return lambda chance, now: chance.sample(words, chance.randint(1, len(words)))

        def campaign(chance: Random, now: Instant) -> str:
            there = [*self._books.campaigns] if chance.randrange(6) else []
            return chance.choice(there or [*CAMPAIGNS, "nowhere"])

        def phone(chance: Random, now: Instant) -> str:
            return any_phone(chance)

        agent = one_of(*AGENTS, "9999")
        return {
            **dict.fromkeys(("campaign", "to_campaign", "from_campaign"), campaign),
            **dict.fromkeys(
                ("call_at", "until", "since", "joined_from", "joined_before", "joined_to", "placed_from", "placed_to"),
                any_moment,
            ),
            **dict.fromkeys(
                ("created_from", "created_to", "began_from", "began_to", "ended_from", "ended_to"), any_moment
            ),
            **dict.fromkeys(("phone", "number"), phone),
            **dict.fromkeys(
                ("draft", "wait", "descending", "ended", "ready", "open", "on", "dry_run", "all_or_nothing", "stay"),
                one_of(True, False),
            ),
            **dict.fromkeys(("whole", "refused", "replace"), one_of(True, False)),
            **dict.fromkeys(
                ("note", "because", "reason", "title", "subject", "action"), one_of("", "hỏi lại", "lunch")
            ),
            **dict.fromkeys(("skip", "after", "offset", "header_row"), one_of(0, 1, 10**6)),
            **dict.fromkeys(("group", "filter", "trigger"), one_of(*NAMES)),
            "policy": lambda chance, now: any_policy(chance, now, ["main", "side"]),
            "confirm": campaign,
            "to": campaign,
            "name": one_of("", "Nguyễn An", "=1+1"),
            "email": one_of("", "an@example.org", "an@"),
            "address": one_of("", "Hà Nội"),
            "zone": one_of("", "America/Chicago", "Asia/Ho_Chi_Minh", "Nowhere/Land"),
            "owner": one_of("", "ada", "1001"),
            "phones": lambda chance, now: "; ".join(any_phone(chance) for _ in range(chance.randint(1, 2))),
            "fields": one_of({}, {"city": "Huế"}, {"note": "x"}, {"city": ""}),
            "list": one_of("a", "b", "c"),
            "list_name": one_of("a", "b"),
            "priority": one_of(0, 5, -5, 100),
            "leads": one_of("none", "new", "all"),
            "state": one_of(
                "callback", "held", "succeeded", "do_not_call_back", "retry", "exhausted", "failed", "ready"
            ),
            "states": several("new", "retry", "succeeded", "running"),
            "channel": one_of("voice", "all", "sms"),
            "sort": one_of("name", "state", "created"),
            "limit": one_of(1, 100),
            "language": one_of("en", "vi", "pl"),
            "format": one_of("csv", "xlsx", "html"),
            "separator": one_of("comma", "semicolon", "tab"),
            "template": one_of("sheet"),
            "csv": self._csv,
            "file": one_of("leads.csv", "/etc/passwd"),
            "sheet": one_of("1"),
            "encoding": one_of("utf-8"),
            "mapping": one_of({"phone": "phone"}, {"phone": "B"}),
            "duplicates": one_of("filter", "keep"),
            "duplicate": one_of("refuse", "keep"),
            "existing": one_of("skip", "update"),
            "choose": one_of("all", "group", "codes", "filter"),
            "codes": one_of("kh-1", "kh-1; kh-2", "pid-000001", "none-such"),
            "code": one_of("kh-1", "kh-2", "pid-000001", "pid-000009"),
            "participation": one_of("joined", "registered"),
            "job": one_of("job-1", "job-2", "job-3", "job-99"),
            "upload": lambda chance, now: chance.choice([*self.uploads, "upload-0000000000000000"]),
            "after_row": one_of(0, 1, 2),
            "size": one_of(5, len(_LIST)),
            "at": one_of(0, 0, 7),
            "data": one_of(base64.b64encode(_LIST).decode(), "%%"),
            "sha256": one_of("", "0" * 64),
            "agent": agent,
            "hotline": one_of("sales", "care", "no-line"),
            "call": self._call,
            "outcomes": several("busy", "connected"),
            "principal": one_of(*PEOPLE),
            "command": one_of("campaign.start", "lead.add"),
            "before": one_of("", "00000000010-0001"),
            "disposition": one_of(*DISPOSITIONS, "own-word", "unheard"),
            "effect": one_of(
                {"title": "Said"}, {"title": "Again", "recontact": True}, {"move_to": "winter", "title": "On"}, {}
            ),
            "script": one_of("default", "survey"),
            "content": one_of(
                {"name": "Survey"}, {"name": "Two", "questions": [{"name": "q", "ask": "?"}]}, {"name": 1}
            ),
            "answers": one_of({"happy": "yes"}, {"happy": ""}, {"sad": "no"}),
            "column": one_of("phone", "number"),
            "region": one_of("VN", "US", "none", "XX"),
            "part": one_of("whole", "first", "more", "last"),
            "as_of": one_of("", "2026-11"),
            "kind": one_of("person", "company"),
            "status": one_of("", "vip"),
            "industry": one_of("", "shop"),
            "tags": one_of("", "a; b"),
            "conditions": one_of({}, {"kind": "person"}, {"status": "vip"}, {"colour": "red"}),
            "ticket": one_of(1, 2, 3, 99),
            "when": one_of({"ticket": "new"}, {"outcome": "connected"}, {"disposition": "no"}, {}),
            "subject": one_of(None, "lead 1", "spring"),
        }

    def _of_command(self) -> Mapping[str, Callable[[Random, Instant], Any]]:
        return {
            "audit.list after": lambda chance, now: "",
            "campaign.create campaign": lambda chance, now: chance.choice(CAMPAIGNS),
            "campaign.list channel": lambda chance, now: "voice",
            "campaign.list state": lambda chance, now: chance.choice(["running", "paused", "sleeping"]),
            "lead.copy leads": lambda chance, now: chance.choice(["new", "all"]),
            "lead.list state": lambda chance, now: chance.choice(["new", "new,retry", "sleeping"]),
            "lead.set-participation phones": lambda chance, now: [
                any_phone(chance) for _ in range(chance.randint(1, 3))
            ],
            "lead.set-participation to": lambda chance, now: chance.choice(
                ["registered", "confirmed", "joined", "cancelled"]
            ),
            "campaign.print format": lambda chance, now: "html",
            "lead.print format": lambda chance, now: "html",
            "lead.import-template format": lambda chance, now: "csv",
            "dnc.import csv": self._numbers,
            "dnc.import list": lambda chance, now: chance.choice(["own", "register", "campaign"]),
            "dnc.add list": lambda chance, now: chance.choice(["own", "campaign"]),
            "dnc.remove list": lambda chance, now: chance.choice(["own", "campaign"]),
            "contact.import csv": lambda chance, now: (
                "code,name,phone\nkh-1,An,0912345001\nkh-2,Bo,0912345002\n,,113\n"
            ),
            "contact.add channel": lambda chance, now: "shop",
            "contact.update channel": lambda chance, now: "shop",
            "contact.list after": lambda chance, now: "",
            "contact.find after": lambda chance, now: "",
            "group.members after": lambda chance, now: "",
            "call.list after": lambda chance, now: "",
            "trigger.create to_campaign": lambda chance, now: chance.choice(CAMPAIGNS),
            "ticket.create channel": lambda chance, now: chance.choice(["callback", "web"]),
            "ticket.list state": lambda chance, now: chance.choice(["new", "open", "closed"]),
            "upload.begin name": lambda chance, now: "leads.csv",
        }

    def _call(self, chance: Random, now: Instant) -> str:
        calls = [*self._books.attempts.values()]
        found = [row.id for row in calls if row.live] + [row.id for row in calls[-4:]]
        talked = [row.id for row in calls[-20:] if row.connected_at is not None]
        return chance.choice([*found, *talked, *talked, "c00000000000000000010001"])

    def _csv(self, chance: Random, now: Instant) -> str:
        rows = [f"{any_phone(chance).replace(';', ' ')},An {n}" for n in range(chance.randint(1, 6))]
        if not chance.randrange(3):
            rows.append(chance.choice([",", "0912345001", '"broken', "0912345003,a,b,c"]))
        return "\n".join(["phone,name", *rows, ""])

    def _numbers(self, chance: Random, now: Instant) -> str:
        numbers = [written(chance, chance.choice(list(NUMBERS))) for _ in range(chance.randint(0, 3))]
        return "\n".join(["phone", *numbers, *(["113"] if not chance.randrange(4) else []), ""])


_MOVES = frozenset(kind for moves in states.CAMPAIGN.values() for kind in moves)
_LIST = b"phone,name\n0912345004,Chi\n+12125550124,Dung\n"
