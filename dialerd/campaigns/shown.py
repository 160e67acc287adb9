"""Leads that are before agents: which agent has which, and how one goes back to the others.

Never decides that a lead is shown, dialed or put back.
"""

from __future__ import annotations

from dialerd.campaigns.live import Live
from dialerd.model.instants import Instant
from dialerd.model.rows import AgentRow, LeadRow
from dialerd.model.states import DIALABLE

HOLDING = frozenset({"previewing", "calling", "ringing"})
"""States of an agent in which a lead may be before him; `ringing`: he is being bridged with it."""


def put(live: Live, agent: AgentRow, lead: LeadRow, until: Instant | None) -> None:
    """The lead is before the agent from now on."""
    live.leads[lead.id] = lead
    agent.lead, agent.lead_until = lead.id, until
    live.shown[agent.id] = None
    live.mark(agent)


def release(live: Live, agent: AgentRow) -> None:
    """No lead is before the agent any more; one that is not being called goes back to the others."""
    id_, agent.lead, agent.lead_until = agent.lead, 0, None
    live.shown.pop(agent.id, None)
    live.mark(agent)
    lead = live.leads.get(id_)
    if lead is None or lead.state == "in_progress":
        return
    del live.leads[id_]
    if lead.state in DIALABLE:
        live.lead_comes_due(lead)


def agent_with(live: Live, lead: int) -> AgentRow | None:
    """The agent who has the lead before him."""
    return next((live.agents[name] for name in live.shown if live.agents[name].lead == lead), None)
