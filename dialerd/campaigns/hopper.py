"""A campaign's hopper: a few hundred leads in the order of dialing, so that a call's cost never depends on the size of the list.

Never the truth: it is empty after a restart and filled again from the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from dialerd.campaigns.mixing import Mixing
from dialerd.model.facts import LeadsOffered
from dialerd.model.instants import FAR, Instant
from dialerd.model.intents import WantLeads
from dialerd.model.lead_order import Due, LeadOrder, class_of, rank
from dialerd.model.pasts import Past
from dialerd.model.rows import LeadRow

FILL = 300
"""Leads asked for at once."""
LOW = 100
"""Below this many it is filled again."""
PRIVATE_FILL, PRIVATE_LOW = 20, 5
"""The same for the leads that are private to one agent."""
URGENT_EVERY_S = 1.0
"""Seconds between two questions for leads that go before those in the hopper: as long may a recall wait beyond its time."""


def offered(asked: WantLeads, due: Due, pasts: Iterable[Past] = ()) -> LeadsOffered:
    """The fact that answers a question for leads; with the pasts of their numbers if it asks for them."""
    return LeadsOffered(
        asked.campaign,
        tuple(due.leads),
        due.next_due,
        due.next_urgent,
        asked.order.private_to,
        asked.question,
        tuple(pasts),
        asked.since,
        asked.lists,
    )


class Pool:
    """Leads due that are for the same agents, in the order of dialing."""

    def __init__(self, fill: int, low: int) -> None:
        self.rows: dict[int, LeadRow] = {}
        self.question = 0
        """The turn in which leads were asked for that are on their way; 0: none are."""
        self.next_due: Instant = 0.0
        """When the store has more for us: 0 if it may have some now, FAR if none."""
        self.urgent_at: Instant = FAR
        """When the store has some that go before the last of ours."""
        self.floor = 0
        """The rank of the last of ours."""
        self._fill, self._low = fill, low
        self._urgent = False
        self._asked_at: Instant = 0.0
        self._left: set[int] = set()
        """Leads taken out since leads were last asked for: an answer on its way may still tell of them as they were."""

    def head(self) -> LeadRow | None:
        """The lead to dial next."""
        return next(iter(self.rows.values()), None)

    def take(self, lead: int) -> LeadRow | None:
        """Take a lead out, wherever it stands; an answer on its way that tells of it is passed by in this."""
        if self.question:
            self._left.add(lead)
        return self.rows.pop(lead, None)

    def asks_at(self) -> Instant:
        """When leads are to be asked for; FAR if they are on their way, or nothing is known to come."""
        if self.question:
            return FAR
        if len(self.rows) < self._low:
            return self.next_due
        if self.urgent_at >= FAR:  # asked twice a turn, and mostly so
            return FAR
        return max(self.urgent_at, self._asked_at + URGENT_EVERY_S)

    def wanted(self) -> tuple[int, int | None]:
        """How many leads to ask for, and the rank that they must outrank (None: any)."""
        if len(self.rows) < self._low:
            return self._fill + len(self.rows), None
        return self._fill, self.floor

    def ask(self, question: int, now: Instant, *, urgent: bool) -> None:
        """Leads are asked for from now on."""
        self.question, self._asked_at, self._urgent = question, now, urgent
        self._left.clear()
        self.urgent_at = FAR
        if not urgent:
            self.next_due = FAR  # until the answer tells; what becomes due meanwhile is told by comes_due

    def fill(self, leads: Iterable[LeadRow], fact: LeadsOffered, now: Instant, *, recalls_first: bool) -> bool:
        """Take the answer in: its leads go before ours, in their order. False if it is not the one that is waited for."""
        if not self.question or fact.question != self.question:
            return False
        self.question = 0
        more = fact.next_due is not None and fact.next_due <= now
        ours, self.rows = self.rows, {}
        stale = False
        for lead in leads:
            if lead.id in self._left:
                stale = True
            else:
                self.rows[lead.id] = ours.get(lead.id) or msgspec.structs.replace(lead)
        if self._urgent:
            if more:  # between the answer's last and ours stand leads that nobody knows here
                self.next_due = 0.0
            else:
                for id_, lead in ours.items():
                    self.rows.setdefault(id_, lead)
        elif fact.next_due is not None:
            self.next_due = min(self.next_due, fact.next_due)
        if fact.next_urgent is not None:
            self.urgent_at = min(self.urgent_at, fact.next_urgent)
        if stale:  # what was passed by may be due again by now, and the answer does not tell: ask once more
            self.next_due = 0.0
        if self.rows:
            last = next(reversed(self.rows.values()))
            self.floor = rank(class_of(last), last.priority, recalls_first)
        return True

    def comes_due(self, at: Instant, rank_: int) -> None:
        """A lead outside the pool may be dialed from `at` on."""
        self.next_due = min(self.next_due, at)
        if rank_ > self.floor:
            self.urgent_at = min(self.urgent_at, at)

    def forget(self) -> None:
        """Drop all leads and ask anew; an answer on its way is passed by."""
        self.rows.clear()
        self.question = 0
        self.next_due, self.urgent_at = 0.0, FAR


class Hopper:
    """Leads due in the order of dialing: those for any agent, and by agent those that only he may work."""

    def __init__(self) -> None:
        self.order = LeadOrder()
        self.shares: Mapping[str, int] = {}
        self.public = Pool(FILL, LOW)
        self.private: dict[str, Pool] = {}
        self._mixing = Mixing()
        self._private_at: Instant = FAR
        """When leads of a private pool are to be asked for."""

    def set_order(self, order: LeadOrder, shares: Mapping[str, int], private_to: Iterable[str]) -> None:
        """The campaign's order, its lists' shares, and the agents to whom leads of it are private."""
        self.order, self.shares = order, shares
        for agent in private_to:
            self._pool(agent)
        self._look()

    # --- dialing

    def head(self, agent: str = "") -> LeadRow | None:
        """The lead to dial next for this agent (for any, without a name): one of his own goes first, but not before a recall."""
        lead = self.public.head()
        pool = self.private.get(agent) if agent else None
        own = None if pool is None else pool.head()
        if own is None or (lead is not None and lead.state == "callback" and own.state != "callback"):
            return lead
        return own

    def row(self, lead: int) -> LeadRow | None:
        """The lead, if it is here."""
        pool = self._where(lead)
        return None if pool is None else pool.rows[lead]

    def all(self) -> list[LeadRow]:
        """Every lead that is here, in no order."""
        return [lead for pool in (self.public, *self.private.values()) for lead in pool.rows.values()]

    def only_for(self) -> list[str]:
        """The agents for whom private leads are due."""
        return [agent for agent, pool in self.private.items() if pool.rows] if self.private else []

    def take(self, lead: int) -> LeadRow | None:
        """Take a lead out, wherever it stands."""
        row = self.public.take(lead)
        if self.private:
            for pool in self.private.values():
                row = pool.take(lead) or row
            self._look()
        return row

    def pass_by(self, lead: int) -> None:
        """The lead was changed, or is gone: it is taken out, and an answer on its way that tells of it is passed by in this."""
        self.take(lead)

    def took(self, lead: LeadRow) -> None:
        """A lead that was taken out is dialed: its list had its turn. Called before the lead changes."""
        if not lead.private_to:
            self._mixing.took(lead, self.order, self.shares)

    def _where(self, lead: int) -> Pool | None:
        if lead in self.public.rows:
            return self.public
        return next((pool for pool in self.private.values() if lead in pool.rows), None)

    # --- filling

    def asks_at(self) -> Instant:
        """When leads are to be asked for; FAR: not that anybody knew."""
        at = self.public.asks_at()
        return at if at <= self._private_at else self._private_at

    def question(self, campaign: str, now: Instant, turn: int) -> WantLeads:
        """The question to ask when `asks_at` has come."""
        agent = ""
        if self.public.asks_at() > now:
            agent = next((agent for agent, pool in self.private.items() if pool.asks_at() <= now), "")
        limit, outranking = self._pool(agent).wanted()
        ahead = () if agent else self._mixing.ahead()
        order = msgspec.structs.replace(self.order, ahead=ahead, outranking=outranking, private_to=agent)
        return WantLeads(campaign, limit, order, turn)

    def ask(self, asked: WantLeads, now: Instant) -> None:
        """Leads are asked for from now on."""
        self._pool(asked.order.private_to).ask(asked.question, now, urgent=asked.order.outranking is not None)
        self._look()

    def fill(self, leads: Iterable[LeadRow], fact: LeadsOffered, now: Instant) -> bool:
        """Take an answer in. False if it is not one that is waited for."""
        pool = self._pool(fact.private_to)
        known = pool.fill(leads, fact, now, recalls_first=self.order.recalls_first)
        self._look()
        return known

    def comes_due(self, lead: LeadRow) -> None:
        """A lead outside the hopper may be dialed from its `next_at` on."""
        if self.shares.get(lead.list_name, 1) == 0:
            return
        own_rank = rank(class_of(lead), lead.priority, self.order.recalls_first)
        self._pool(lead.private_to).comes_due(lead.next_at, own_rank)
        if lead.private_to:
            self._look()

    def forget(self) -> None:
        """Drop all leads and ask anew: the policy has changed."""
        for pool in (self.public, *self.private.values()):
            pool.forget()
        self._look()

    def _pool(self, agent: str) -> Pool:
        if not agent:
            return self.public
        pool = self.private.get(agent)
        if pool is None:
            pool = self.private[agent] = Pool(PRIVATE_FILL, PRIVATE_LOW)
        return pool

    def _look(self) -> None:
        self._private_at = min((pool.asks_at() for pool in self.private.values()), default=FAR)

    # --- how it stands

    @property
    def empty(self) -> bool:
        """Whether no lead is here."""
        return not self.public.rows and not any(pool.rows for pool in self.private.values())

    def private_leads(self) -> dict[str, int]:
        """Leads that are due, by the only agent who may work them."""
        return {agent: len(pool.rows) for agent, pool in sorted(self.private.items()) if pool.rows}

    @property
    def next_due(self) -> Instant:
        """When the store has more: 0 if it may have some now, FAR if none."""
        return min([self.public.next_due, *(pool.next_due for pool in self.private.values())])

    @property
    def leads(self) -> int:
        """How many are here."""
        return len(self.public.rows) + sum(len(pool.rows) for pool in self.private.values())
