"""Any commands over any campaigns, with calls, cut links, restarts and reloads in between: no illegal state, no lost lead, no
lead dialed against a rule, no row that memory does not know (C01-C20, V08-V10, O02, O08).

Always the same episodes; `DIALERD_TEST_SEED` plays others, `DIALERD_TEST_EPISODES` so many of them in each part.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from dialerd.campaigns.engine import Engine
from dialerd.campaigns.packs import told
from dialerd.control.commands import COMMANDS
from dialerd.model import facts as f
from dialerd.model.rows import AuditRow, CounterRow, JobRow, ReplyRow
from dialerd.model.turn import Committed
from dialerd.settings.packs import shipped
from tests.doubles.any_campaigns import (
    DISPOSITIONS,
    NUMBERS,
    PEOPLE,
    START,
    any_house,
    any_moment,
    changed_house,
    good_policy,
    written,
)
from tests.doubles.any_commands import Asker
from tests.doubles.books_of_rows import Books
from tests.doubles.episodes import play_all
from tests.doubles.house_by_hand import HouseByHand
from tests.doubles.laws_of_dialing import LawsOfDialing
from tests.doubles.leads_left_waiting import in_vain

SEED = int(os.environ.get("DIALERD_TEST_SEED") or 1)
EPISODES = int(os.environ.get("DIALERD_TEST_EPISODES") or 40)
PARTS = 4
STEPS = 60
SHORTEN_S = float(os.environ.get("DIALERD_TEST_SHORTEN_S") or 60)
"""Seconds to make an episode shorter that failed."""
PACKS = shipped()
SPANS = ((0.0, 2), (1.0, 2), (5.0, 3), (61.0, 3), (600.0, 3), (3600.0, 2), (4 * 3600.0, 1), (86400.0, 1))
MOMENTS_AT_MOST = 60
"""Turns by which time passes in one step."""


class AnyHouse:
    """A house, what happens to it, and the books that are held against it."""

    house: HouseByHand

    def __init__(self) -> None:
        self.books = Books()
        self.laws = LawsOfDialing(self.books, PACKS)
        self.asker = Asker(self.books)
        self.story: list[str] = []
        self._steps: list[Callable[[Random], None]] = [
            *[self.a_command] * 8,
            *[self.commands_at_once] * 2,
            *[self.calls_go_on] * 8,
            *[self.time_passes] * 5,
            *[self.agents_come_back] * 2,
            *[self.agents_say_something] * 2,
            self.campaigns_go_on,
            self.a_link_comes_or_goes,
            self.the_daemon_is_started_anew,
            self.the_configuration_is_read_anew,
            self.others_call_too,
        ]

    def note(self, text: str) -> None:
        """Tell what happens."""
        self.story.append(text)

    def begin(self, chance: Random) -> None:
        configuration = any_house(chance)
        told_ = {key: configuration[key] for key in ("servers", "trunks", "limits", "agents", "campaigns")}
        self.note(f"house: {_given(told_)}")
        self.house = HouseByHand(configuration, told(dict(PACKS)), START, self.saw)
        for server in self.house.telephony.values():
            self.house.tell(*server.come())
        made = good_policy(chance, START, list(configuration["trunks"]))
        self.ask("ada", "campaign.create", {"campaign": "winter", "policy": made})
        self.ask("olga", "campaign.approve", {"campaign": "winter"})
        for name, row in list(self.books.campaigns.items()):
            near = {"VN": "+84", "US": "+1"}.get(self.books.policies[row.id].region, "+")
            numbers = [number for number in NUMBERS if number.startswith(near)]
            numbers = [written(chance, number) for number in chance.sample(numbers, min(4, len(numbers)))]
            self.ask("olga", "lead.import", {"campaign": name, "csv": "\n".join(["phone", *numbers]), "list": "a"})
            self.ask("olga", "campaign.start", {"campaign": name})
        self.agents_come_back(chance)

    def step(self, chance: Random) -> None:
        chance.choice(self._steps)(chance)
        self.holds()

    def end(self) -> None:
        self.memory_is_what_the_rows_say()

    def close(self) -> None:
        if hasattr(self, "house"):
            self.house.close()

    def saw(self, committed: Committed) -> None:
        """Every turn comes here as soon as it is written."""
        self.books.saw(committed)
        self.laws.saw(committed)

    # --- commands

    def ask(self, who: str, command: str, args: dict[str, Any]) -> dict[str, Any]:
        """One command, with nothing else under way: a refusal leaves no trace."""
        house = self.house
        house.tell(f.Woke())
        turns, before = len(house.turns), house.engine.snapshot()
        (reply,) = house.ask((who, command, args))
        self.note(f"{who}: {command} {args} -> {reply.get('result') or reply['error']}")
        self.replied(who, command, args, reply)
        if not reply["ok"]:
            spared = {ReplyRow} | ({JobRow, CounterRow, AuditRow} if COMMANDS[command].how == "job" else set())
            written_ = {type(row) for turn in house.turns[turns:] for row in turn.rows} - spared
            assert not written_, f"{command} was refused and wrote {written_}"
            after = house.engine.snapshot()
            changed = [key for key in after if after[key] != before[key]]
            assert COMMANDS[command].how == "job" or not changed, f"{command} was refused and changed {changed}"
        return reply

    def replied(self, who: str, command: str, args: dict[str, Any], reply: dict[str, Any]) -> None:
        """What holds for every reply."""
        roles = set(PEOPLE[who])
        if reply["ok"]:
            assert COMMANDS[command].roles & roles, f"{who} has the roles {roles} and was let do {command}"
            self.may(who, command, args, reply)
            COMMANDS[command].result.model_validate(reply["result"])
            return
        error = reply["error"]
        assert re.fullmatch("[a-z_]+", error["code"]), error
        assert error["code"] != "internal", error
        assert len(error["message"]) > 5, error
        assert error.get("field"), error

    def may(self, who: str, command: str, args: dict[str, Any], reply: dict[str, Any]) -> None:
        """Who may do what, in plain words."""
        roles = set(PEOPLE[who])
        if command in ("campaign.approve", "campaign.reject"):
            assert roles >= {"owner"}, f"{who} {command}"
        elif command in ("campaign.start", "campaign.stop", "campaign.delete", "dnc.remove", "dnc.import"):
            assert roles & {"owner", "admin"}, f"{who} {command}"
        elif command == "daemon.drain":
            assert roles & {"owner", "ops"}, f"{who} {command}"
        if (
            roles == {"admin"}
            and "campaign" in args
            and command.startswith("campaign.")
            and command != "campaign.create"
        ):
            row = self.books.campaigns[args["campaign"]]
            charge = self.books.policies[row.id].business.person_in_charge
            assert who in (row.created_by, charge) or row.source == "file", f"{who} {command} {row.id}: not his"
        if roles == {"agent"} and command.startswith("agent.") and command != "agent.list":
            assert reply["result"]["agent"] == who, f"{who} moved {reply['result']['agent']}"
        if command == "lead.import" and reply["result"]["state"] == "done":
            told_ = reply["result"]
            parts = ("added", "duplicates", "suppressed", "refused")
            assert told_["rows"] == sum(told_[part] for part in parts), told_
        if command == "lead.add" and reply["result"]["added"]:
            assert reply["result"]["lead"] in self.books.leads

    def a_command(self, chance: Random) -> None:
        who, command, args = self.asker.any(chance, self.house.now())
        reply = self.ask(who, command, args)
        if reply["ok"] and command == "upload.begin":
            self.asker.uploads.append(reply["result"]["upload"])

    def commands_at_once(self, chance: Random) -> None:
        """The store's answer to one of them is on its way while the other is judged; the last may come with the next step."""
        given = [self.asker.any(chance, self.house.now()) for _ in range(2)]
        given = [one for one in given if COMMANDS[one[1]].how == "turn"]
        replies = self.house.ask(*given, quiet=chance.choice([True, False]))
        for (who, command, args), reply in zip(given, replies, strict=True):
            self.note(f"at once, {who}: {command} {args} -> {reply.get('result') or reply['error']}")
            self.replied(who, command, args, reply)

    # --- calls

    def calls_go_on(self, chance: Random) -> None:
        for _ in range(chance.randint(1, 6)):
            self.house.pass_to(self.house.now() + chance.choice([0.0, 0.2, 3.0]))
            self.something_happens(chance)

    def agents_come_back(self, chance: Random) -> None:
        """Who is logged out or not ready is ready again, and picks up where his softphone rings for the shift."""
        for agent, row in list(self.books.agents.items()):
            if agent in self.books.floor.agents and row.state in ("logged_out", "not_ready"):
                command = "agent.login" if row.state == "logged_out" else "agent.ready"
                self.ask(
                    "olga", command, {"agent": agent, "ready": True} if command == "agent.login" else {"agent": agent}
                )
        for server in self.house.telephony.values():
            for event in server.shifts():
                self.house.tell(*server.tell(event))

    def agents_say_something(self, chance: Random) -> None:
        """Who talks, or has just talked, gives his call a disposition."""
        for agent, row in list(self.books.agents.items()):
            policy = self.books.floor.agents.get(agent)
            call = row.call or row.last_call
            if policy is not None and call and row.state in ("on_call", "wrap_up"):
                disposition = chance.choice(list(DISPOSITIONS))
                args: dict[str, Any] = {"call": call, "disposition": disposition, "stay": chance.choice([True, False])}
                if disposition == "later":
                    args["call_at"] = any_moment(chance, self.house.now())
                self.ask(policy.principal or agent, "lead.dispose", args)

    def campaigns_go_on(self, chance: Random) -> None:
        """What is made, approved, paused or over is brought on its way."""
        moves = {"draft": "submit", "rejected": "submit", "pending": "approve", "approved": "start", "paused": "resume"}
        for name, row in list(self.books.campaigns.items()):
            if row.state in moves or (row.state == "finished" and chance.randrange(3)):
                self.ask("olga", f"campaign.{moves.get(row.state, 'start')}", {"campaign": name})

    def something_happens(self, chance: Random) -> None:
        """To one leg, what was asked for first."""
        for server in self.house.telephony.values():
            events = server.wanted() if chance.randrange(5) else []
            events = events or (server.of_customers() if chance.randrange(3) else []) or server.events()
            if events:
                facts = server.tell(chance.choice(events))
                self.note(f"{self.house.now() - START:.1f} s: {facts}")
                self.house.tell(*facts, quiet=chance.randrange(4) > 0)

    def time_passes(self, chance: Random) -> None:
        span = chance.choice([span for span, weight in SPANS for _ in range(weight)])
        until = self.house.now() + span
        self.note(f"{span:g} s pass")
        for _ in range(MOMENTS_AT_MOST):
            due = self.house.exchange.next_wakeup()
            alive = any(server.legs for server in self.house.telephony.values())
            now = min(until, max(self.house.now(), due if due is not None else until))
            if alive and span > 2:
                now = min(now, self.house.now() + chance.choice([0.5, 4.0, 20.0]))
            self.house.pass_to(now)
            self.house.tell(f.Woke())
            if alive and span > 2:
                self.something_happens(chance)
            if self.house.now() >= until:
                break

    # --- the house

    def a_link_comes_or_goes(self, chance: Random) -> None:
        server = chance.choice(list(self.house.telephony.values()))
        facts = server.lose() if server.up and chance.randrange(3) else server.come(restarted=not chance.randrange(4))
        self.note(f"{facts}")
        self.house.tell(*facts)

    def the_daemon_is_started_anew(self, chance: Random) -> None:
        self.memory_is_what_the_rows_say()
        unsent = chance.choice([True, False])
        self.note(f"restart, unsent={unsent}")
        self.laws.restarted()
        self.books.up.clear()
        self.asker.uploads.clear()
        self.house.restart(unsent=unsent)
        self.house.pass_to(self.house.now() + chance.choice([1.0, 60.0]))
        for server in self.house.telephony.values():
            if chance.randrange(4):
                facts = server.come()
                self.note(f"{facts}")
                self.house.tell(*facts)

    def the_configuration_is_read_anew(self, chance: Random) -> None:
        configuration = changed_house(chance, self.house.configuration, self.house.now())
        old = self.house.configuration
        self.note(f"reload: { {key: value for key, value in configuration.items() if value != old[key]} }")
        self.house.configure(configuration)

    def others_call_too(self, chance: Random) -> None:
        trunk = self.books.floor.trunks["side"]
        if trunk.count_ordinary and trunk.server in self.books.up:
            calls = {"side": chance.choice([0, 0, 1, 2])}
            self.note(f"ordinary calls: {calls}")
            self.house.tell(f.OrdinaryCalls(trunk.server, calls))

    # --- what must hold

    def holds(self) -> None:
        """After each step."""
        self.house.tell(f.Woke())
        self.books.check()
        vain = in_vain(self.laws)
        assert not vain, vain
        live = self.house.engine.live
        for name, row in self.books.campaigns.items():
            states = [lead.state for lead in self.books.leads_of(name).values()] if row.state != "deleted" else []
            counted = {state: n for state, n in live.lead_states[name].items() if n}
            assert counted == {state: states.count(state) for state in states}, name

    def memory_is_what_the_rows_say(self) -> None:
        """The rows alone make the state that is in memory; and the store has every lead, as the books have him."""
        self.house.tell(f.Woke())
        engine = Engine(self.house.ledger.load())
        engine.begin(self.house.exchange.seq, self.house.now())
        engine.apply(f.Configured(self.house.configuration, self.house.packs))
        rebuilt, memory = engine.snapshot(), self.house.engine.snapshot()
        since = datetime.fromtimestamp(self.house.now() - 86400, UTC).date().isoformat()
        for told_ in (rebuilt, memory):
            # quotas of days that are over count no more, and are not read
            told_["quotas"] = {key: row for key, row in told_["quotas"].items() if row["day"] >= since}
            # who is not configured any more and wraps up is logged out by a start at once
            told_["agents"] = {name: row for name, row in told_["agents"].items() if name in self.books.floor.agents}
            told_["wrapping"] &= told_["agents"].keys()
        other = {key: (rebuilt[key], memory[key]) for key in memory if rebuilt[key] != memory[key]}
        assert not other, f"the rows say, and memory says: {other}"
        kept = {row.id: row for name in self.books.campaigns for row in self.house.ledger.leads(name, None, 0, 10_000)}
        assert kept == self.books.leads


def _given(values: Any) -> Any:
    """What is worth telling of a configuration: what is not empty."""
    if not isinstance(values, dict):
        return values
    return {key: _given(value) for key, value in values.items() if value not in (None, "", [], {})}


def test_every_argument_of_every_command_is_given_now_and_then() -> None:
    assert Asker(Books()).unknown() == []


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(PARTS))
def test_no_commands_break_the_house_its_rows_or_its_rules(part: int) -> None:
    play_all(AnyHouse, (SEED * PARTS + part) * 1_000_000, EPISODES, STEPS, SHORTEN_S)
