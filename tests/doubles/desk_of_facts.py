"""A little floor for tests of the engine: one server, one trunk, agents, a campaign; facts are taken by hand.

Never waits: `now` is moved by the test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from dialerd.campaigns.engine import Engine
from dialerd.campaigns.hopper import offered
from dialerd.campaigns.packs import told
from dialerd.campaigns.pasts import numbers_in
from dialerd.campaigns.rebuilding import nothing_kept
from dialerd.compliance.pack import Pack
from dialerd.model import facts as f
from dialerd.model import intents as i
from dialerd.model.turn import Committed
from dialerd.runtime.exchange import Exchange
from sim.rows_kept import RowsKept

T = TypeVar("T")
START = 1_795_395_600.0  # 2026-11-23 08:00 in Viet Nam, a Monday


def floor(
    agents: int = 2, softphone: str = "nailed_up", campaign: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """A configuration with agents 1001, 1002, ... and the campaign `spring`."""
    policy = {"name": "Spring", "trunks": ["main"], "region": "none", "wrap_up_s": 5, **(campaign or {})}
    base: dict[str, Any] = {
        "servers": {"pbx": {}},
        "trunks": {"main": {"server": "pbx", "dial": "PJSIP/{number}@main", "lines": 10, "calls_per_second": 1000}},
        "agents": {
            str(1001 + n): {"phone": f"PJSIP/{1001 + n}", "server": "pbx", "softphone": softphone}
            for n in range(agents)
        },
        "people": {"olga": {"roles": ["owner"]}, "ada": {"roles": ["admin"]}, "sam": {"roles": ["supervisor"]}},
        "campaigns": {"spring": policy},
    }
    for key, value in more.items():
        base[key] = {**base.get(key, {}), **value}
    return base


class Centre:
    """An exchange, its rows, and what it wanted, for tests to drive."""

    def __init__(
        self,
        configuration: dict[str, Any] | None = None,
        *,
        leads: int = 0,
        start: bool = True,
        packs: Mapping[str, Pack] | None = None,
        now: float = START,
    ) -> None:
        self.exchange = Exchange(Engine(nothing_kept("00c0ffee")))
        self.live = self.exchange.engine.live
        self.rows = RowsKept()
        self.now = now
        self.turns: list[Committed] = []
        self.configuration = configuration or floor()
        self.packs = told(packs or {})
        self._asked = 0
        self.take(f.Configured(self.configuration, self.packs), f.Reconciled("pbx", (), ()))
        if leads:
            self.add_leads(leads)
        if start:
            self.ask("campaign.start", campaign="spring")

    def take(self, *facts: f.AnyFact, after: float = 0.0) -> list[i.AnyIntent]:
        """One turn `after` seconds later; leads that it wants are offered in the next ones. All intents are returned."""
        self.now += after
        wanted: list[i.AnyIntent] = []
        more: Sequence[f.AnyFact] = facts or (f.Woke(),)
        while more:
            committed = self.exchange.take(more, self.now)
            self.turns.append(committed)
            self.rows.commit((committed,))
            wanted += committed.turn.intents
            more = [
                offered(
                    intent,
                    msgspec.structs.replace(due, leads=list(map(msgspec.structs.replace, due.leads))),
                    self.rows.pasts(numbers_in(due.leads), intent.since, intent.lists),
                )
                for intent in committed.turn.intents
                if isinstance(intent, i.WantLeads)
                for due in [self.rows.due(intent.campaign, self.now, intent.limit, intent.order)]
            ] + [
                f.LeadSought(intent.referral, msgspec.structs.replace(lead) if lead else None, committed.turn.seq)
                for intent in committed.turn.intents
                if isinstance(intent, i.SeekLead)
                for lead in [self.rows.lead(intent.campaign, intent.number)]
            ]
        return wanted

    def ask(self, command: str, principal: str = "olga", id_: str = "", **args: Any) -> dict[str, Any]:
        """Give a command by its name; its reply."""
        self._asked += 1
        roles = {"olga": ("owner",), "ada": ("admin",), "sam": ("supervisor",)}.get(principal, ("agent",))
        wanted = self.take(f.Asked(id_ or f"t{self._asked}", principal, roles, command, args))
        answer = only(wanted, i.Answer)
        reply: dict[str, Any] = msgspec.json.decode(answer.reply)
        return reply

    def add_leads(self, count: int, first: int = 5000) -> None:
        """Leads with the numbers `first`, `first`+1, ..."""
        self.take(f.LeadsAdded("spring", tuple(f.NewLead(str(first + n)) for n in range(count)), "test", "olga"))

    def agent_ready(self, agent: str) -> list[i.AnyIntent]:
        """The agent logs in and becomes ready, his nailed-up softphone picking up at once."""
        wanted = self.take(f.Asked(f"in{agent}{self._next()}", agent, ("agent",), "agent.login", {"ready": True}))
        for intent in wanted:
            if isinstance(intent, i.CallPhone):
                wanted += self.take(f.PhoneIdle(intent.leg), after=0.1)
        return wanted

    def _next(self) -> int:
        self._asked += 1
        return self._asked

    def answered(self, call: str) -> list[i.AnyIntent]:
        """The customer picks up and sits in his holding bridge."""
        return self.take(f.CallRinging(call), f.CallAnswered(call), f.CallWaiting(call), after=2.0)

    def lead(self, number: str) -> Any:
        """The lead's row as it is in the rows."""
        return next(row for row in self.rows.leads.values() if row.phone == number)


def every(wanted: Sequence[object], kind: type[T]) -> list[T]:
    """All of one kind."""
    return [intent for intent in wanted if isinstance(intent, kind)]


def only(wanted: Sequence[object], kind: type[T]) -> T:
    """The one of its kind; fails if there is none or more."""
    found = every(wanted, kind)
    assert len(found) == 1, f"{len(found)} {kind.__name__} in {wanted}"
    return found[0]
