"""Virtual time: the daemon's own exchange against the street, from one thing due to the next.

Never differs from the running daemon in anything but how it waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from dialerd.campaigns import packs
from dialerd.campaigns.engine import Engine
from dialerd.campaigns.hopper import offered
from dialerd.campaigns.pasts import numbers_in
from dialerd.campaigns.rebuilding import Kept, nothing_kept
from dialerd.model.facts import AnyFact, Asked, Configured, LeadsAdded, LeadSought, Woke
from dialerd.model.instants import Instant
from dialerd.model.intents import TELEPHONY, Answer, SeekLead, WantLeads
from dialerd.model.lead_order import Due, LeadOrder
from dialerd.model.pasts import Past
from dialerd.model.policies import Floor
from dialerd.model.purposes import PLAIN
from dialerd.model.rows import LeadRow
from dialerd.model.turn import Committed, encode
from dialerd.runtime.exchange import Exchange
from dialerd.settings.packs import shipped
from sim.in_process import StreetTelephony
from sim.scenario import OVERSEER, Scenario, floor_of, leads_of
from sim.street import Street

STORE = "51000000"
"""The token of a simulated store: leg ids are the same in every run."""
BATCH = 500


class Ledger(Protocol):
    """What a shift needs of a store."""

    def commit(self, batch: Sequence[Committed]) -> None:
        """Write turns and their rows."""

    def due(self, campaign: str, now: Instant, limit: int, order: LeadOrder) -> Due:
        """Leads that are due, in the order of dialing."""

    def pasts(self, numbers: Sequence[str], since: Instant | None, lists: bool) -> list[Past]:
        """Of `numbers`, those that have a past."""

    def lead(self, campaign: str, phone: str) -> LeadRow | None:
        """The lead with that phone in the campaign."""


class Sink(Protocol):
    """What a journal is written to."""

    def write(self, data: bytes, /) -> int:
        """Take a line."""


def configured(floor: Floor) -> Configured:
    """The fact that a floor holds, with the rule packs that its campaigns may name; none, where none names one."""
    wanted = {campaign.pack for campaign in floor.campaigns.values()} - {PLAIN}
    return Configured(floor.model_dump(mode="json"), packs.told(shipped()) if wanted else {})


class Shift:
    """One scenario being played."""

    def __init__(
        self,
        scenario: Scenario,
        ledger: Ledger,
        *,
        seed: int | None = None,
        journal: Sink | None = None,
        kept: Kept | None = None,
    ) -> None:
        self.scenario = scenario
        self.seed = scenario.seed if seed is None else seed
        self.street = Street(scenario, self.seed)
        self.telephony = StreetTelephony(self.street)
        self.exchange = Exchange(Engine(kept or nothing_kept(STORE)))
        self.live = self.exchange.engine.live
        self.now: Instant = scenario.start
        self.end: Instant = scenario.start + scenario.hours * 3600
        self.turns = 0
        self.refusals: list[dict[str, Any]] = []
        """Errors of replies to agents and the overseer."""
        self._ledger = ledger
        self._journal = journal
        self._asked = 0
        self._next: list[AnyFact] = [configured(floor_of(scenario))]

    def begin(self) -> None:
        """Configure, import the leads and start the campaign, as people would."""
        self.turn()
        leads = leads_of(self.scenario)
        for at in range(0, len(leads), BATCH):
            self._next.append(LeadsAdded(self.scenario.name, tuple(leads[at : at + BATCH]), "scenario", OVERSEER))
            self.turn()
        self.ask("campaign.start", {"campaign": self.scenario.name})
        self.turn()

    def ask(self, command: str, args: dict[str, Any], principal: str = OVERSEER) -> None:
        """Give a command; it is judged in the next turn."""
        self._asked += 1
        roles = self.live.floor.people[principal].roles
        self._next.append(Asked(f"s{self._asked}", principal, tuple(sorted(roles)), command, args))

    def tell(self, *facts: AnyFact) -> None:
        """What happened outside of the street, such as an import; taken in the next turn."""
        self._next.extend(facts)

    def step(self) -> bool:
        """Move to the next thing due and turn; False when the shift is over or nothing is due any more."""
        due = [at for at in (self.exchange.next_wakeup(), self.telephony.next_time()) if at is not None]
        if self._next:
            due.append(self.now)
        if not due or min(due) > self.end:
            return False
        self.now = max(self.now, min(due))
        self.turn()
        return True

    def turn(self) -> Committed:
        """One turn at the present instant."""
        facts, self._next = self._next, []
        facts += self.telephony.facts_until(self.now)
        # before the first turn nobody is configured yet, and a want waits
        for want in self.telephony.take_wants() if self.live.floor.people else ():
            if want.what == "hang_up":
                self.ask("agent.hangup", {"agent": want.agent}, want.agent)
                continue
            args = {"agent": want.agent} | ({"reason": want.reason or "break"} if want.what == "not_ready" else {})
            self.ask(f"agent.{want.what.replace('_', '-')}", args, want.agent)
        facts += self._next
        self._next = []
        committed = self.exchange.take(facts or [Woke()], self.now)
        self._ledger.commit((committed,))
        if self._journal is not None:
            self._journal.write(encode(committed.turn) + b"\n")
        self.turns += 1
        self._carry_out(committed)
        return committed

    def _carry_out(self, committed: Committed) -> None:
        for intent in committed.turn.intents:
            if isinstance(intent, TELEPHONY):
                self.telephony.submit(intent)
            elif isinstance(intent, WantLeads):
                due = self._ledger.due(intent.campaign, self.now, intent.limit, intent.order)
                # the fact holds the rows as they are now; the ledger goes on changing its own
                copies = [msgspec.structs.replace(lead) for lead in due.leads]
                asked = intent.lists or intent.since is not None
                numbers = numbers_in(copies) if asked else []
                pasts = self._ledger.pasts(numbers, intent.since, intent.lists) if numbers else []
                self._next.append(offered(intent, msgspec.structs.replace(due, leads=copies), pasts))
            elif isinstance(intent, SeekLead):
                lead = self._ledger.lead(intent.campaign, intent.number)
                told = None if lead is None else msgspec.structs.replace(lead)
                self._next.append(LeadSought(intent.referral, told, committed.turn.seq))
            elif isinstance(intent, Answer):
                reply = msgspec.json.decode(intent.reply)
                if not reply["ok"]:
                    self.refusals.append(reply["error"])

    def run(self) -> None:
        """Play the whole shift."""
        self.begin()
        while self.step():
            pass
