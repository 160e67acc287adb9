"""Which lead and which call a command is about, and whether it is for the one who asks to say anything of them.

Never tells an agent of a lead that is none of his: for him it is not there.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from pydantic import Field

from dialerd.campaigns import finding
from dialerd.campaigns.laws import law_of
from dialerd.campaigns.live import Live
from dialerd.control.campaigns import known
from dialerd.control.permissions import sees
from dialerd.control.table import Args, Desk, Who
from dialerd.model.errors import Refusal
from dialerd.model.facts import Found
from dialerd.model.instants import Instant
from dialerd.model.phones import normalise
from dialerd.model.policies import Moment, Name
from dialerd.model.rows import AttemptRow, LeadRow, SuppressionRow

STAFF = frozenset({"owner", "admin", "supervisor"})
"""Roles that may say something of every lead they see."""


CallAt = Annotated[Moment, Field(ge=946_684_800)]
"""When somebody is to be called: not in the last century, so that a bare number is told for a mistake."""


class OfLead(Args):
    """A lead, by his campaign and one of his phones."""

    campaign: Name
    phone: str = Field(max_length=64)


class OfContact(Args):
    """A call, or a lead; without either the agent's present or last call."""

    call: str | None = Field(None, max_length=64)
    """The call's id."""
    campaign: Name | None = None
    """With `phone`: the lead instead of the call."""
    phone: str | None = Field(None, max_length=64)


async def find_lead(desk: Desk, who: Who, args: OfLead) -> Found:
    """The lead and what happened to him."""
    return await _found(desk, await _by_phone(desk, args.campaign, args.phone))


async def find_contact(desk: Desk, who: Who, args: OfContact) -> Found:
    """The lead of the call, or the one with the phone, and what happened to him."""
    if args.call is not None and (args.campaign is not None or args.phone is not None):
        raise Refusal(
            "bad_argument", "a call and a lead; one of the two is enough", "call", "call, or campaign and phone"
        )
    if args.phone is not None or args.campaign is not None:
        if args.phone is None or args.campaign is None:
            missing = "phone" if args.phone is None else "campaign"
            raise Refusal("bad_argument", f"{missing} is missing", missing, "campaign and phone together")
        return await _found(desk, await _by_phone(desk, args.campaign, args.phone))
    call = args.call or _own_call(desk.live, who)
    attempt = desk.live.calls.get(call) or await desk.store.attempt(call)
    lead = None if attempt is None else await desk.store.lead_by_id(attempt.lead)
    if attempt is None or lead is None:
        raise Refusal("unknown_call", f"there is no call {call!r}", "call")
    return await _found(desk, lead)


def _own_call(live: Live, who: Who) -> str:
    """The one call that an agent can mean who names none."""
    agents = [live.agents[agent] for agent in who.agents(live) if agent in live.agents]
    calls = [row.call or row.last_call for row in agents if row.call or row.last_call]
    if len(calls) != 1:
        raise Refusal("unknown_call", "say which call", "call", "call, or campaign and phone")
    return calls[0]


async def _by_phone(desk: Desk, campaign: str, phone: str) -> LeadRow:
    known(desk.live, campaign)
    policy = desk.live.policies[campaign]
    number = normalise(phone, policy.region, migrate_2018=policy.migrate_2018)
    row = await desk.store.lead(campaign, number)
    if row is None:
        raise Refusal("unknown_lead", f"campaign {campaign} has no lead {number}", "phone")
    return row


async def _found(desk: Desk, lead: LeadRow) -> Found:
    attempts = await desk.store.attempts_of(lead.id)
    return Found(leads=(lead,), attempts=tuple(attempts))


async def with_lists(desk: Desk, found: Found, to: str | None) -> Found:
    """The same with the entries of lists for the lead's numbers, and what of them the campaign `to` has."""
    numbers = [number for lead in found.leads for number in (lead.phone, *lead.phones)]
    entries: list[SuppressionRow] = await desk.store.suppressions_of(numbers)
    there = await desk.store.known_phones(to, numbers) if to is not None else set()
    return Found(leads=found.leads, attempts=found.attempts, suppressions=tuple(entries), phones=tuple(sorted(there)))


async def with_past(desk: Desk, found: Found) -> Found:
    """The same with what the gate has to know of the lead's number: its calls, and its entries in lists."""
    (lead,) = found.leads
    past_s = law_of(desk.live, lead.campaign).past_s
    since = None if past_s is None else desk.now - past_s
    past = await desk.store.pasts([lead.number], since, True)
    return msgspec.structs.replace(found, pasts=tuple(past), past_of=lead.number, past_since=since)


def the_lead(live: Live) -> LeadRow:
    """The lead that was found, as he is now. Raises Refusal, StaleError."""
    lead = finding.found_lead(live)
    if lead is None:
        raise Refusal("unknown_lead", "there is no such lead", "phone")
    return lead


def the_contact(live: Live, who: Who, args: OfContact) -> tuple[LeadRow, AttemptRow | None]:
    """The lead, and the call that was named, or else his newest one; None if he was never called. Raises Refusal, StaleError."""
    lead = the_lead(live)
    if not sees(live, who, live.campaigns[lead.campaign]):
        raise Refusal("unknown_call" if args.phone is None else "unknown_lead", "there is no such lead", "phone")
    newest = finding.last_attempt(live, lead.id)
    if args.phone is not None:
        return lead, newest
    call = finding.attempt(live, args.call or _own_call(live, who))
    if call is None or call.lead != lead.id:
        raise Refusal("unknown_call", f"there is no call {args.call!r}", "call")
    return lead, call


def is_newest(live: Live, lead: LeadRow, call: AttemptRow) -> bool:
    """Whether the lead was not called again since."""
    newest = finding.last_attempt(live, lead.id)
    return newest is None or newest.id == call.id


def own_call(live: Live, who: Who, call: AttemptRow) -> bool:
    """Whether an agent may still say something of the call: he is on it, wraps it up, or it ended not long ago."""
    mine = who.agents(live)
    if call.agent in mine and _open_until(live, call) >= live.now:
        return True
    return any(agent in mine and _has(live, agent, call) for agent in live.agents)


def _has(live: Live, agent: str, call: AttemptRow) -> bool:
    row = live.agents[agent]
    return row.call == call.id or (row.state == "wrap_up" and row.last_call == call.id)


def _open_until(live: Live, call: AttemptRow) -> Instant:
    if call.ended_at is None:
        return live.now
    return call.ended_at + live.policies[call.campaign].dispose_within_min * 60


def own_lead(live: Live, who: Who, lead: LeadRow) -> bool:
    """Whether the lead is an agent's own: private to him, or in his charge."""
    return lead.owner == who.principal or lead.private_to in who.agents(live)


def must_be_his(live: Live, who: Who, lead: LeadRow, call: AttemptRow | None, doing: str) -> None:
    """Raises Refusal for an agent whose call or lead it is not, or not any more."""
    if who.roles & STAFF or own_lead(live, who, lead) or (call is not None and own_call(live, who, call)):
        return
    if call is not None and call.agent in who.agents(live):
        minutes = live.policies[lead.campaign].dispose_within_min
        because = f"the call {call.id} ended more than {minutes:g} minutes ago"
        raise Refusal("too_late", f"{who.principal} may not {doing} any more: {because}", "call")
    raise Refusal("forbidden", f"{who.principal} may not {doing}: it is not his call, nor his lead", "call")
