"""Commands of an agent on the lead before him: take the next one or a certain one, dial it, skip it (V01, V02).

Never shows or dials a lead that the gate refuses: whoever chose it is told the rule.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from dialerd.campaigns import quotas
from dialerd.campaigns.dialing import is_promised
from dialerd.campaigns.dossiers import dossier_of
from dialerd.campaigns.live import Live
from dialerd.campaigns.why import why
from dialerd.compliance.gate import judge
from dialerd.compliance.verdict import Refused
from dialerd.control.agents import Which, mine
from dialerd.control.found_leads import OfLead, find_lead, the_lead, with_past
from dialerd.control.lead_screens import screen_of_shown
from dialerd.control.table import FLOOR_STAFF, Command, Decided, Desk, Result, Who
from dialerd.model import states
from dialerd.model.errors import Refusal
from dialerd.model.facts import Found
from dialerd.model.instants import iso
from dialerd.model.intents import AnyIntent, CallShown, Note, PutBack, Refuse, Show
from dialerd.model.policies import Name
from dialerd.model.rows import AgentRow, LeadRow
from dialerd.model.ways import SHOWS


class Next(Which):
    """Whose next lead, and of which campaign."""

    campaign: Name | None = None
    """May be left out by an agent with one campaign whose leads are taken."""


class Take(OfLead):
    """A certain lead, and whom it is for."""

    agent: Name | None = None
    """The agent's number; may be left out by an agent who means himself."""


class Skip(Which):
    """Why the lead before the agent is not dialed."""

    reason: str = Field(min_length=1, max_length=200)
    """Why; kept in the audit trail."""


class LeadBefore(Result):
    """The lead before an agent."""

    agent: str
    state: str
    """The agent's."""
    campaign: str
    lead: int | None
    phone: str
    name: str
    until: str | None
    """When it is dialed by itself; null: by his word alone."""
    because: str
    """Why there is none; empty if there is one."""


class Shown(Result):
    """All that the agent's screen shows of the lead before him."""

    screen: dict[str, Any] | None
    """null: there is none."""


def _before(live: Live, agent: AgentRow, campaign: str = "", because: str = "") -> LeadBefore:
    lead = live.leads.get(agent.lead)
    return LeadBefore(
        agent=agent.id,
        state=agent.state,
        campaign=campaign if lead is None else lead.campaign,
        lead=None if lead is None else lead.id,
        phone="" if lead is None else lead.number,
        name="" if lead is None else lead.name,
        until=None if agent.lead_until is None else iso(agent.lead_until),
        because="" if lead is not None else because,
    )


def _free(live: Live, agent: AgentRow) -> None:
    """Raises Refusal unless a lead may be put before the agent now."""
    if agent.lead and agent.state == "previewing":
        moves = ["lead.dial", *(["lead.skip"] if _may_skip(live, live.leads[agent.lead]) else [])]
        told = f"agent {agent.id} has a lead before him: it comes first"
        raise Refusal("illegal_state", told, "agent", moves)
    if agent.lead:
        told = f"a customer is being called for agent {agent.id}"
        raise Refusal("illegal_state", told, "agent", ["agent.hangup"])
    if agent.id not in live.free:
        if agent.id in live.booked:
            why_not, moves = "a call is on its way to him", []
        elif agent.state != "ready":
            why_not, moves = f"he is {agent.state}", ["agent.ready"]
        elif not agent.screen:
            why_not, moves = "his campaign screen is closed", ["agent.screen"]
        else:
            why_not, moves = "his softphone is not connected", []
        raise Refusal("illegal_state", f"agent {agent.id} cannot be given a lead: {why_not}", "agent", moves)


def _may_skip(live: Live, lead: LeadRow) -> bool:
    policy = live.policies[lead.campaign]
    return policy.mode == "manual" or policy.preview.skip


def _campaign_for(live: Live, agent: AgentRow, wanted: str | None) -> str:
    """The campaign whose leads the agent takes. Raises Refusal."""
    taken = sorted(name for name in live.running if live.policies[name].mode in SHOWS and live.serves(agent.id, name))
    if wanted is None:
        if len(taken) != 1:
            told = "say which campaign" if taken else "no campaign runs whose leads are taken"
            raise Refusal("bad_argument", told, "campaign", taken)
        wanted = taken[0]
    if wanted not in taken:
        row, policy = live.campaigns[wanted], live.policies[wanted]
        if policy.mode not in SHOWS:
            told = f"{wanted} is {policy.mode}: its leads are not taken by agents"
        elif wanted not in live.running:
            told = f"{wanted} is {row.state}"
        else:
            told = f"agent {agent.id} does not take calls of {wanted}"
        raise Refusal("illegal_state", told, "campaign", taken)
    head = live.hoppers[wanted].head(agent.id)
    if agent.id in quotas.at_quota(live, wanted) and (head is None or not is_promised(head, agent.id)):
        raise Refusal("quota", f"agent {agent.id} has his quota of leads of {wanted} for today", "agent")
    return wanted


def _verdict(live: Live, lead: LeadRow) -> Refused | None:
    found = judge(dossier_of(live, lead, lead.number, live.pasts.known.get(lead.number), live.now), live.now)
    return found if isinstance(found, Refused) else None


def _refusal(found: Refused) -> Refusal:
    again = "" if found.until is None else f"; it is asked again at {iso(found.until)}"
    return Refusal("not_allowed", f"{found.rule}: {found.because}{again}", "lead")


def _next(live: Live, who: Who, args: Next) -> Decided:
    agent = mine(live, who, args.agent)
    _free(live, agent)
    campaign = _campaign_for(live, agent, args.campaign)

    def picked() -> Iterator[AnyIntent]:
        """Each refused lead is put aside before the next one is looked at."""
        while (lead := live.hoppers[campaign].head(agent.id)) is not None:
            if agent.id in quotas.at_quota(live, campaign) and not is_promised(lead, agent.id):
                return
            found = _verdict(live, lead)
            if found is None:
                yield Show(agent.id, campaign, lead.id, lead.number, None)
                yield Note(who.principal, "lead.next", agent.id, f"{campaign} {lead.phone}")
                return
            yield Refuse(campaign, lead.id, found.rule, found.because, found.until)

    return Decided(lambda: _before(live, agent, campaign, why(live, campaign)["because"]), picked())


async def _find_with_past(desk: Desk, who: Who, args: Take) -> Found:
    """The lead, and what the gate has to know of its number."""
    return await with_past(desk, await find_lead(desk, who, args))


async def _find_shown(desk: Desk, who: Who, args: Which) -> Found:
    """What the gate has to know of the number of the lead before the agent: after a restart nobody else reads it."""
    lead = desk.live.leads.get(mine(desk.live, who, args.agent).lead)
    return Found() if lead is None else await with_past(desk, Found(leads=(lead,)))


def _take(live: Live, who: Who, args: Take) -> Decided:
    agent = mine(live, who, args.agent)
    _free(live, agent)
    campaign = _campaign_for(live, agent, args.campaign)
    lead = the_lead(live)
    other = next((name for name in live.shown if live.agents[name].lead == lead.id), None)
    if other is not None:
        raise Refusal("illegal_state", f"the lead is before agent {other}", "phone")
    if lead.private_to not in ("", agent.id):
        raise Refusal("forbidden", f"the lead is private to agent {lead.private_to}", "phone")
    found = _verdict(live, lead)
    if found is not None:
        raise _refusal(found)
    return Decided(
        lambda: _before(live, agent, campaign),
        (
            Show(agent.id, campaign, lead.id, lead.number, None),
            Note(who.principal, "lead.take", agent.id, f"{campaign} {lead.phone}"),
        ),
    )


def _with_lead(live: Live, who: Who, agent: str | None) -> tuple[AgentRow, LeadRow]:
    row = mine(live, who, agent)
    if not row.lead or row.state != "previewing":
        if row.lead:
            told = f"the lead before agent {row.id} is being called already"
            raise Refusal("illegal_state", told, "agent", ["agent.hangup"])
        told = f"agent {row.id} has no lead before him"
        raise Refusal("illegal_state", told, "agent", ["lead.next", "lead.take"])
    return row, live.leads[row.lead]


def _dial(live: Live, who: Who, args: Which) -> Decided:
    agent, lead = _with_lead(live, who, args.agent)
    if live.draining:
        raise Refusal("draining", f"the daemon places no new calls: {live.draining}", "agent")
    found = _verdict(live, lead)
    if found is not None:
        raise _refusal(found)
    server = live.floor.agents[agent.id].server
    if not any(
        trunk is not None and trunk.server == server
        for trunk in map(live.floor.trunks.get, live.policies[lead.campaign].trunks)
    ):
        raise Refusal(
            "illegal_state", f"{lead.campaign} has no trunk on {server}, where agent {agent.id} sits", "agent"
        )
    return Decided(
        lambda: _before(live, agent),
        (CallShown(agent.id), Note(who.principal, "lead.dial", agent.id, f"{lead.campaign} {lead.phone}")),
    )


def _skip(live: Live, who: Who, args: Skip) -> Decided:
    agent, lead = _with_lead(live, who, args.agent)
    policy = live.policies[lead.campaign]
    if not _may_skip(live, lead) and not who.roles & {"owner", "admin", "supervisor"}:
        raise Refusal("forbidden", f"leads of {lead.campaign} are not skipped", "agent", ["lead.dial"])
    rest_until = live.now + 60 * policy.preview.skip_rest_min
    return Decided(
        lambda: _before(live, agent, lead.campaign, "the lead was skipped"),
        (
            PutBack(agent.id, args.reason, rest_until),
            Note(who.principal, "lead.skip", agent.id, f"{lead.campaign} {lead.phone}: {args.reason}"),
        ),
    )


async def _shown(desk: Desk, who: Who, args: Which) -> Shown:
    agent = mine(desk.live, who, args.agent)
    lead = desk.live.leads.get(agent.lead)
    if lead is None:
        return Shown(screen=None)
    return Shown(screen=screen_of_shown(desk.live, agent, lead, await desk.store.attempts_of(lead.id)))


_STATES = ", ".join(sorted(states.DIALABLE))
COMMANDS: tuple[Command[Any], ...] = (
    Command(
        "lead.next",
        "Put the next lead of a manual or preview campaign before an agent",
        FLOOR_STAFF,
        Next,
        LeadBefore,
        "turn",
        judge=_next,
    ),
    Command(
        "lead.take",
        f"Put a certain lead ({_STATES}) before an agent",
        FLOOR_STAFF,
        Take,
        LeadBefore,
        "turn",
        judge=_take,
        find=_find_with_past,
    ),
    Command(
        "lead.dial",
        "Dial the lead before the agent",
        FLOOR_STAFF,
        Which,
        LeadBefore,
        "turn",
        judge=_dial,
        find=_find_shown,
    ),
    Command(
        "lead.skip",
        "Put the lead before the agent back, with a reason",
        FLOOR_STAFF,
        Skip,
        LeadBefore,
        "turn",
        judge=_skip,
    ),
    Command("lead.shown", "The screen of the lead before the agent", FLOOR_STAFF, Which, Shown, "read", read=_shown),
)
