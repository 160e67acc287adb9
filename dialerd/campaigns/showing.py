"""Leads shown to agents before they are dialed: manual, preview and callback (V01, V02, V06).

Never dials a lead that the agent may not be called for any more: then it is put back to the others.
"""

from __future__ import annotations

from dialerd.campaigns import dialing, finding, presence, shown
from dialerd.campaigns.live import Live
from dialerd.campaigns.phones import after_call_wish
from dialerd.model import intents as i
from dialerd.model.instants import FAR, Instant
from dialerd.model.rows import AgentRow, AttemptRow, LeadRow
from dialerd.model.states import DIALABLE

NO_LINE_S = 60.0
"""Seconds that an agent whose phone is up waits for a line; then the lead is put back."""


# --- what intents change


def show(live: Live, intent: i.Show) -> None:
    hopper = live.hoppers[intent.campaign]
    lead = hopper.take(intent.lead)
    if lead is not None:
        hopper.took(lead)
    else:  # he took one that is not due
        lead = finding.lead(live, intent.lead)
    agent = live.agents[intent.agent]
    shown.put(live, agent, lead, intent.until)
    presence.move_agent(live, agent, "show")
    if live.policies[intent.campaign].mode != "manual":
        live.shares.served(intent.campaign, live.policies[intent.campaign].share)


def call_shown(live: Live, intent: i.CallShown) -> None:
    agent = live.agents[intent.agent]
    agent.lead_until = None
    presence.move_agent(live, agent, "call")


def put_back(live: Live, intent: i.PutBack) -> None:
    agent = live.agents[intent.agent]
    lead = live.leads.get(agent.lead)
    if lead is not None and intent.rest_until is not None:
        lead.next_at = max(lead.next_at, intent.rest_until)
        live.mark(lead)
    leave(live, agent)


def leave(live: Live, agent: AgentRow) -> None:
    """The agent has no lead before him any more and is ready, or what he asked for meanwhile."""
    shown.release(live, agent)
    presence.move_agent(live, agent, "put_back")
    if agent.after_call:
        after_call_wish(live, agent)


def call_over(live: Live, call: AttemptRow, lead: LeadRow) -> bool:
    """A call ended that nobody talked on. Whether the lead stays with the agent who had it called (manual)."""
    agent = shown.agent_with(live, lead.id)
    if agent is None:
        return False
    policy = live.policies[call.campaign]
    again = policy.mode == "manual" and lead.state in DIALABLE and lead.attempts < policy.max_attempts
    if agent.state != "calling":
        shown.release(live, agent)
    elif again and not agent.after_call:
        shown.put(live, agent, lead, None)
        presence.move_agent(live, agent, "keep")
        return True
    else:
        leave(live, agent)
    return False


# --- what is to be done


def next_intent(live: Live) -> i.AnyIntent | None:
    """Call a lead whose time has come, dial for an agent whose phone is up, or put back what cannot be dialed."""
    for name in live.shown:
        agent = live.agents[name]
        if name in live.booked or agent.state not in ("previewing", "calling"):
            continue
        lead = live.leads[agent.lead]
        because = _unfit(live, agent, lead)
        if because:
            return i.PutBack(name, because)
        if agent.state == "previewing":
            if _by_itself(live, agent) <= live.now:
                return i.CallShown(name)
        elif presence.can_take(live, agent):
            dial = dialing.dial_shown(live, agent, lead)
            if dial is not None:
                return dial
    return None


def next_wakeup(live: Live) -> Instant:
    """When something of it becomes due by time alone; FAR: nothing does."""
    at = FAR
    for name in live.shown:
        agent = live.agents[name]
        if agent.state == "previewing":
            at = min(at, _by_itself(live, agent))
        elif agent.state == "calling" and name not in live.booked:
            at = min(at, agent.since + NO_LINE_S, _slot(live, agent))
    return at


def _by_itself(live: Live, agent: AgentRow) -> Instant:
    """When the lead before the agent is called without his word; FAR: it is not, as in manual mode."""
    if agent.lead_until is None or live.draining or live.policies[live.leads[agent.lead].campaign].mode == "manual":
        return FAR
    return agent.lead_until


def _slot(live: Live, agent: AgentRow) -> Instant:
    lead = live.leads[agent.lead]
    return dialing.shown_slot(live, agent, lead) if presence.can_take(live, agent) else FAR


def _unfit(live: Live, agent: AgentRow, lead: LeadRow) -> str:
    """Why the lead cannot stay with the agent; empty: it can."""
    if lead.state not in DIALABLE:
        return f"the lead is {lead.state}"
    if lead.campaign not in live.running:
        return f"{lead.campaign} is {live.campaigns[lead.campaign].state}"
    if not live.serves(agent.id, lead.campaign):
        return f"{agent.id} does not take calls of {lead.campaign} any more"
    if lead.private_to not in ("", agent.id):
        return f"the lead is private to {lead.private_to}"
    if agent.state == "calling" and live.now >= agent.since + NO_LINE_S:
        return "no line was free"
    if agent.state == "calling" and live.draining:
        return "no new calls are placed"
    return ""
