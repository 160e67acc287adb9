"""Agents' presence: their states and softphones' legs, and who is free, wraps up or has a leg to be set up.

Never decides to ring anybody, and never lets an agent be free and kept for a call at once.
"""

from __future__ import annotations

from typing import Literal

from dialerd.campaigns import predicting, shown
from dialerd.campaigns.live import Live, index_if, next_state
from dialerd.model import states
from dialerd.model.instants import FAR, Instant
from dialerd.model.rows import AgentRow, AttemptRow

BEFORE_TALK = frozenset({"dialing", "ringing", "answered", "waiting"})
"""States of a call for which an agent is booked."""
STRANDED_S = 5.0
"""Seconds of being ready after which a nailed-up leg that still counts as talking, with nobody, is called anew: Asterisk's
word that it came back from its last call was lost."""


def configure(live: Live) -> None:
    """The floor has changed: newly configured agents are taken in, and all indexed by what holds for them now."""
    for agent in live.floor.agents:
        if agent not in live.agents:
            live.agents[agent] = AgentRow(agent, "logged_out", live.now)
            live.mark(live.agents[agent])
    for row in live.agents.values():
        reindex_agent(live, row)


# --- questions


def softphone(live: Live, agent: str) -> Literal["ring", "nailed_up"]:
    """How the agent's softphone is used; ring for an agent who is not configured any more."""
    policy = live.floor.agents.get(agent)
    return policy.softphone if policy is not None else "ring"


def agent_may(agent: AgentRow, kind: str) -> bool:
    """Whether the table allows `kind` for the agent now."""
    return kind in states.AGENT[agent.state]


def can_take(live: Live, agent: AgentRow) -> bool:
    """Whether the agent could be given a customer this instant."""
    if agent.state == "calling":
        return agent.leg_state == "idle" and agent.leg not in live.hanging and agent.id in live.floor.agents
    if agent.state != "ready" or not agent.screen or agent.id not in live.floor.agents:
        return False
    if softphone(live, agent.id) == "nailed_up":
        return agent.leg_state == "idle"
    return not agent.leg


def leg_wish(live: Live, agent: AgentRow) -> str:
    """What the agent's leg needs: `call` it, `hang_up`, `replace` it by a new one, or nothing."""
    nailed_up = softphone(live, agent.id) == "nailed_up" and agent.id in live.floor.agents
    if agent.leg:
        if agent.leg in live.hanging:
            return ""
        if nailed_up:
            if agent.state == "logged_out":
                return "hang_up"
            outdated = agent.leg in live.outdated and agent.state in ("connecting", "not_ready", "ready")
            return "replace" if outdated or stranded_at(live, agent) <= live.now else ""
        if agent.state == "wrap_up" and agent.leg_state == "talking":
            # the dialplan ends it as the bridge ends; asking too would only be a warning in Asterisk's log
            return ""
        return "" if agent.state in ("ringing", "on_call", "calling") else "hang_up"
    return "call" if agent.state == ("connecting" if nailed_up else "calling") else ""


def stranded_at(live: Live, agent: AgentRow) -> Instant:
    """When the agent's nailed-up leg is to be called anew because it was never told to be idle again; FAR if it is well."""
    if agent.state != "ready" or agent.call or agent.leg_state != "talking" or agent.leg in live.hanging:
        return FAR
    policy = live.floor.agents.get(agent.id)
    if policy is None or policy.softphone != "nailed_up" or not live.links[policy.server].up:
        return FAR  # without the link nothing is told: what comes after it, Reconciled tells
    return agent.since + STRANDED_S


# --- moves


def move_agent(live: Live, agent: AgentRow, kind: str, reason: str = "") -> None:
    """Move an agent by a kind of the table. Raises OurMistakeError for an illegal one."""
    state = next_state("agent", agent.id, agent.state, kind)
    was, since = agent.state, agent.since
    if state != agent.state or state == "not_ready":
        agent.since = live.now
    agent.state = state
    agent.reason = reason
    if agent.lead and state not in shown.HOLDING:
        shown.release(live, agent)
    if state != "wrap_up":
        agent.wrap_until = None
    reindex_agent(live, agent)
    live.mark(agent)
    if live.paces and was != state:
        predicting.agent_moved(live, agent, was, since)


def set_leg(live: Live, agent: AgentRow, leg: str, state: str) -> None:
    """The agent's leg is `leg` (empty: none) in `state`."""
    if agent.leg and agent.leg != leg:
        live.by_leg.pop(agent.leg, None)
        live.hanging.discard(agent.leg)
        live.outdated.discard(agent.leg)
    agent.leg = leg
    agent.leg_state = state
    live.mark(agent)
    reindex_agent(live, agent)


def unbook(live: Live, call: AttemptRow) -> None:
    """The call has no agent kept for it any more."""
    agent, call.booked = call.booked, ""
    live.booked.pop(agent, None)
    live.mark(call)
    if call.state in BEFORE_TALK:
        live.unbooked[call.id] = None
    row = live.agents.get(agent)
    if row is not None:
        reindex_agent(live, row)


def set_free(live: Live, agent: AgentRow, free: bool) -> None:
    """The agent can be given a customer and none is called for him yet, or not."""
    index_if(live.free, agent.id, free)
    if free:
        live.teams.came(agent.id, agent.since)
    else:
        live.teams.left(agent.id)


def reindex_agent(live: Live, agent: AgentRow) -> None:
    """Bring the indexes up to date with an agent's state."""
    if agent.leg:
        live.by_leg[agent.leg] = agent.id
    able = can_take(live, agent)
    call = live.calls.get(live.booked.get(agent.id, ""))
    if not able and call is not None and agent.call != call.id:
        unbook(live, call)  # comes back here
        return
    set_free(live, agent, able and call is None and agent.state == "ready")
    index_if(live.wrapping, agent.id, agent.state == "wrap_up")
    index_if(live.setting_up, agent.id, leg_wish(live, agent) != "" or stranded_at(live, agent) < FAR)
