"""A second book-keeping of what a house's turns wrote: held against the declared tables of states, and for itself.

Never asks the engine anything: it knows the rows and what the turns say was wished for, and nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from dialerd.model import facts as f
from dialerd.model import intents as i
from dialerd.model import states
from dialerd.model.causes import OUTCOMES
from dialerd.model.instants import Instant
from dialerd.model.policies import Campaign, Floor
from dialerd.model.rows import (
    AgentRow,
    AttemptRow,
    CampaignRow,
    DncListRow,
    HotlineRow,
    LeadPhoneRow,
    LeadRow,
    SuppressionRow,
    TicketRow,
)
from dialerd.model.turn import Committed

REFUSED_KINDS = frozenset({"used_up", "bad_number", "refused", "block", "register"})
BARRED = frozenset({"block", "register"})


class Books:
    """The newest of each row, copied when its turn was written."""

    def __init__(self) -> None:
        self.floor = Floor()
        self.now: Instant = 0.0
        self.campaigns: dict[str, CampaignRow] = {}
        self.policies: dict[str, Campaign] = {}
        self.leads: dict[int, LeadRow] = {}
        self.attempts: dict[str, AttemptRow] = {}
        self.agents: dict[str, AgentRow] = {}
        self.tickets: dict[int, TicketRow] = {}
        self.hotlines: dict[str, HotlineRow] = {}
        self.lists: dict[tuple[str, str], DncListRow] = {}
        self.entries: dict[str, dict[tuple[str, str], SuppressionRow]] = {}
        """Entries of do-not-call lists, by number."""
        self.further: dict[tuple[str, str], int] = {}
        """Leads by campaign and further phone."""
        self.spent: Counter[int] = Counter()
        """Attempts that count of each lead, as the rules of C10 count them."""
        self.rests: dict[int, tuple[Instant, str]] = {}
        """Until when a lead must be left alone after his last attempt, and why."""
        self.before_dial: dict[str, set[str]] = {}
        """Call to the states in which its lead may have been when it was placed."""
        self.old: dict[int, LeadRow] = {}
        """The leads that the last turn changed, as they were before it."""
        self.up: set[str] = set()
        """Servers whose link is up."""
        self.counted: dict[str, int] = {}
        """Ordinary calls, by trunk."""

    # --- one turn

    def saw(self, committed: Committed) -> None:
        """Take a turn in. Raises AssertionError for what the tables of states do not know, or what does not add up."""
        turn = committed.turn
        self.now = turn.at
        for fact in turn.facts:
            self._outside(fact)
        rows = committed.rows
        self._leads([row for row in rows if isinstance(row, LeadRow)], committed)
        self._campaigns([row for row in rows if isinstance(row, CampaignRow)], committed)
        for row in rows:
            match row:
                case AttemptRow():
                    self._attempt(row)
                case AgentRow():
                    old = self.agents.get(row.id)
                    _within("agent", row.id, "logged_out" if old is None else old.state, row.state, 4)
                    self.agents[row.id] = msgspec.structs.replace(row)
                case TicketRow():
                    ticket = self.tickets.get(row.id)
                    assert ticket is not None or row.state == "new", f"ticket {row.id} begins as {row.state}"
                    _within("ticket", row.id, "new" if ticket is None else ticket.state, row.state, 1)
                    self.tickets[row.id] = msgspec.structs.replace(row)
                case HotlineRow():
                    self.hotlines[row.id] = msgspec.structs.replace(row)
                case DncListRow():
                    self.lists[row.list_name, row.channel] = msgspec.structs.replace(row)
                case SuppressionRow():
                    kept = msgspec.structs.replace(row)
                    self.entries.setdefault(row.number, {})[row.list_name, row.channel] = kept
                case LeadPhoneRow():
                    known = self.further.setdefault((row.campaign, row.phone), row.lead)
                    assert known == row.lead, (
                        f"{row.phone} of {row.campaign} is a phone of leads {known} and {row.lead}"
                    )

    def _outside(self, fact: f.AnyFact) -> None:
        match fact:
            case f.Configured():
                self.floor = Floor.model_validate(fact.floor)
            case f.LinkLost():
                self.up.discard(fact.server)
            case f.Reconciled():
                self.up.add(fact.server)
            case f.OrdinaryCalls():
                self.counted.update(fact.calls)

    # --- campaigns

    def _campaigns(self, rows: list[CampaignRow], committed: Committed) -> None:
        new = {row.id: row for row in rows}
        for row in new.values():
            self.policies[row.id] = Campaign.model_validate(row.policy)
        for id_ in {*self.campaigns, *new}:
            old, now = self.campaigns.get(id_), new.get(id_) or self.campaigns[id_]
            found = set() if old is None else {old.state}
            for kinds, must in self._campaign_kinds(id_, committed):
                found = _moved("campaign", id_, found, (kinds,), must) if found else {kinds}
            if not found:  # of the configuration
                found = {"approved"}
            assert now.state in found, f"campaign {id_} is {now.state}, and what was done makes it {sorted(found)}"
            if old is not None:
                same = (old.source, old.created_by, old.created_at) == (now.source, now.created_by, now.created_at)
                assert same, f"campaign {id_}: who made it changed"
        self.campaigns.update({row.id: msgspec.structs.replace(row) for row in rows})

    def _campaign_kinds(self, id_: str, committed: Committed) -> Iterator[tuple[str, bool]]:
        if any(isinstance(fact, f.Configured) for fact in committed.turn.facts) and id_ in self.campaigns:
            if id_ not in self.floor.campaigns and self.campaigns[id_].source == "file":
                yield "pause", False
            yield "put_off", False
        for intent in committed.turn.intents:
            match intent:
                case i.WriteCampaign(campaign=one) if one == id_:
                    yield (intent.state, True) if id_ not in self.campaigns else ("put_off", False)
                case i.MoveCampaign(campaign=one) if one == id_:
                    yield intent.kind, True
                case i.Begin(campaign=one) if one == id_:
                    yield "began", True
                case i.Finish(campaign=one) if one == id_:
                    yield "ended", True

    # --- leads

    def _leads(self, rows: list[LeadRow], committed: Committed) -> None:
        new = {row.id: row for row in rows}
        dialed = {one.lead for one in committed.turn.intents if isinstance(one, i.Dial)}
        ended = {row.lead: row for row in self._ended(committed)}
        told = self._lead_kinds(committed, ended)
        for id_ in {*new, *told, *dialed, *ended}:
            old, now = self.leads.get(id_), new.get(id_) or self.leads[id_]
            if old is None:
                assert now.state in states.LEAD, f"lead {id_} is {now.state}"
            else:
                kept = (old.campaign, old.phone, old.created_at, old.source)
                assert kept == (now.campaign, now.phone, now.created_at, now.source), f"lead {id_} became another"
            self._count(id_, ended.get(id_), committed)
            found = {"new" if old is None else old.state}
            for kinds, must, call in told.get(id_, ()):
                if call:
                    self.before_dial[call] = found
                if not (must and kinds[0] == "said" and found == {"in_progress"}):
                    found = _moved("lead", id_, found, [kind for kind in kinds if kind != "said"], must)
            for barred in self._by_the_way(committed):
                found |= _moved("lead", id_, found, barred, False)
            assert now.state in found, f"lead {id_} is {now.state}, and what was done makes him {sorted(found)}"
            assert now.attempts == self.spent[id_], f"lead {id_} has {now.attempts} attempts, not {self.spent[id_]}"
            before = old.participation if old is not None else ""
            if before != now.participation:
                said = [one.kind for one in committed.turn.intents if isinstance(one, i.MoveParticipation)]
                may = {after for kind, after in states.PARTICIPATION[before or "none"].items() if kind in said}
                assert now.participation in may, f"lead {id_} went from {before!r} to {now.participation!r}"
        self.old = {row.id: self.leads[row.id] for row in rows if row.id in self.leads}
        self.leads.update({row.id: _copy(row) for row in rows})

    def _lead_kinds(
        self, committed: Committed, ended: dict[int, AttemptRow]
    ) -> dict[int, list[tuple[tuple[str, ...], bool, str]]]:
        """By lead: the kinds of which one must be (or, False, may be) done, in order; with the call, for a dialing."""
        told: dict[int, list[tuple[tuple[str, ...], bool, str]]] = {}
        for lead in ended:
            told.setdefault(lead, []).append((tuple(states.LEAD["in_progress"]), True, ""))
        sought = {row.id for row in self.leads.values()} if _has(committed, f.LeadSought) else set()
        for lead in sought:
            told.setdefault(lead, []).append((("asked_back",), False, ""))
        for intent in committed.turn.intents:
            match intent:
                case i.MoveLead():
                    told.setdefault(intent.lead, []).append(((intent.kind,), True, ""))
                case i.Dispose() if intent.kind:
                    told.setdefault(intent.lead, []).append((("said", intent.kind), True, ""))
                case i.Dial():
                    told.setdefault(intent.lead, []).append((("dial",), True, intent.call))
                case i.Refuse():
                    told.setdefault(intent.lead, []).append((tuple(REFUSED_KINDS), False, ""))
        for row in committed.rows:
            if isinstance(row, LeadRow) and row.id not in self.leads and row.source.startswith("disposition "):
                told.setdefault(row.id, []).append((("asked_back",), False, ""))
        return told

    def _by_the_way(self, committed: Committed) -> Iterator[frozenset[str]]:
        if _has(committed, f.NumbersListed) or _has(committed, f.LeadsOffered):
            yield BARRED
        if any(isinstance(one, i.Suppress) for one in committed.turn.intents):
            yield BARRED

    def _ended(self, committed: Committed) -> Iterator[AttemptRow]:
        for row in committed.rows:
            if isinstance(row, AttemptRow) and not row.live:
                old = self.attempts.get(row.id)
                if old is None or old.live:
                    yield row

    def _count(self, lead: int, ended: AttemptRow | None, committed: Committed) -> None:
        """Attempts that count, and rests: after what ended, then by what people said, in the order of the turn."""
        if ended is not None:
            self._attempt_over(lead, ended)
        if _has(committed, f.LeadSought) and any(
            isinstance(row, LeadRow) and row.id == lead and row.state == "callback" for row in committed.rows
        ):
            old = self.leads.get(lead)
            if old is not None and old.state in ("succeeded", "exhausted"):
                self.spent[lead] = 0
                self.rests.pop(lead, None)
        for intent in committed.turn.intents:
            if isinstance(intent, i.MoveLead | i.Dispose) and intent.lead == lead and intent.kind:
                if isinstance(intent, i.Dispose) and self._in_progress(lead, committed):
                    continue
                self._said(lead, intent.kind)

    def _in_progress(self, lead: int, committed: Committed) -> bool:
        old = self.leads.get(lead)
        return old is not None and old.state == "in_progress" and not _has(committed, f.CallEnded)

    def _said(self, lead: int, kind: str) -> None:
        self.rests.pop(lead, None)
        if kind == "reopen":
            self.spent[lead] = 0
        elif kind == "asked_back":
            most = self.policies[self.leads[lead].campaign].max_attempts
            self.spent[lead] = min(self.spent[lead], most - 1)

    def _attempt_over(self, lead: int, call: AttemptRow) -> None:
        policy = self.policies[call.campaign]
        row = self.leads[lead]
        rang = call.ringing_at is not None or call.answered_at is not None
        assert call.counted or not rang, f"{call.id} rang, and is not counted"
        assert not (call.counted and call.outcome == "not_placed"), f"{call.id} was never placed, and is counted"
        self.spent[lead] += 1 if call.counted else 0
        rest = policy.rest_after(call.outcome).again_after_min
        if call.then:
            self._said(lead, call.then)
        elif not call.counted:
            self.rests[lead] = (call.ended_at or self.now) + 60, "what was not placed rests a minute"
        elif rest is None and not row.phones:
            self.rests[lead] = float("inf"), f"never again after {call.outcome}"
        elif rest is not None:
            self.rests[lead] = (call.ended_at or self.now) + rest * 60, f"{rest} min after {call.outcome}"
        else:  # the next of his phones, at once
            self.rests.pop(lead, None)

    # --- calls

    def _attempt(self, row: AttemptRow) -> None:
        old = self.attempts.get(row.id)
        if old is None:
            _within("call", row.id, "dialing", row.state, 0)
        else:
            _within("call", row.id, old.state, row.state, 4)
            kept = (old.campaign, old.lead, old.number, old.server, old.trunk, old.hotline, old.placed_at, old.purpose)
            now = (row.campaign, row.lead, row.number, row.server, row.trunk, row.hotline, row.placed_at, row.purpose)
            assert kept == now, f"call {row.id} became another"
            assert old.live or (old.outcome, old.ended_at, old.counted) == (row.outcome, row.ended_at, row.counted)
        if not row.live:
            assert row.outcome in OUTCOMES, f"call {row.id} ended as {row.outcome!r}"
            assert row.ended_at is not None, f"call {row.id} ended and nobody knows when"
        self.attempts[row.id] = msgspec.structs.replace(row)

    # --- the whole

    def live(self) -> list[AttemptRow]:
        """The attempts that may be alive."""
        return [row for row in self.attempts.values() if row.live]

    def check(self) -> None:
        """What must hold whenever a turn is over."""
        live = self.live()
        _once("number", (row.number for row in live))
        _once("lead", (row.lead for row in live))
        with_agent = [row for row in live if row.state in ("offered", "connecting", "talking")]
        _once("agent", (row.agent for row in with_agent))
        _once("agent kept for a call", (row.booked for row in live if row.booked))
        _once("call of agents", (row.call for row in self.agents.values() if row.call))
        for row in with_agent:
            if row.agent or row.state != "talking":  # whom he talks with may be unknown after a lost link
                assert self.agents[row.agent].call == row.id, f"{row.id} is with {row.agent}, who has another call"
        for agent in self.agents.values():
            call = self.attempts.get(agent.call) if agent.call else None
            assert not agent.call or (call is not None and call.agent == agent.id), f"{agent.id} has {agent.call}"
            if agent.state == "on_call":
                assert call is not None and call.state == "talking", f"{agent.id} is on a call that is none"
        self._no_lead_twice()
        called = {row.lead for row in live}
        in_progress = {row.id for row in self.leads.values() if row.state == "in_progress"}
        assert called == in_progress, f"calls are of the leads {called}, and those in progress are {in_progress}"

    def _no_lead_twice(self) -> None:
        seen: dict[tuple[str, str], int] = {}
        for row in self.leads.values():
            assert row.campaign in self.campaigns, f"lead {row.id} is in {row.campaign}, which was never made"
            for phone in (row.phone, *row.phones):
                other = seen.setdefault((row.campaign, phone), row.id)
                assert other == row.id, f"leads {other} and {row.id} of {row.campaign} both have {phone}"

    def leads_of(self, campaign: str) -> dict[int, LeadRow]:
        """The leads of a campaign."""
        return {row.id: row for row in self.leads.values() if row.campaign == campaign}


def _moved(table: str, id_: object, found: set[str], kinds: Iterable[str], must: bool) -> set[str]:
    known = states.TABLES[table]
    after = {known[state][kind] for state in found for kind in kinds if kind in known[state]}
    assert after or not must, f"{table} {id_} is {sorted(found)}: {list(kinds)} is illegal"
    return after if must else found | after


def _within(table: str, id_: object, old: str, new: str, moves: int) -> None:
    """Raises AssertionError unless `new` is so many moves of the table from `old` at most."""
    reached, known = {old}, states.TABLES[table]
    for _ in range(moves):
        reached |= {after for state in reached for after in known[state].values()}
    assert new in reached, f"{table} {id_} went from {old} to {new}"


def _once(what: str, values: Iterable[Any]) -> None:
    twice = [value for value, n in Counter(values).items() if n > 1]
    assert not twice, f"{what} twice at once: {twice}"


def _has(committed: Committed, kind: type[Any]) -> bool:
    return any(isinstance(fact, kind) for fact in committed.turn.facts)


def _copy(row: LeadRow) -> LeadRow:
    return msgspec.structs.replace(
        row, fields=dict(row.fields), phones=list(row.phones), bad_phones=list(row.bad_phones)
    )
