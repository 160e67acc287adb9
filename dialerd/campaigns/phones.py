"""What facts of agents' legs change: presence, and the call that was offered.

Never decides to ring anybody.
"""

from __future__ import annotations

from dialerd.campaigns.in_flight import call_may, move_call
from dialerd.campaigns.live import Live
from dialerd.campaigns.presence import agent_may, move_agent, set_leg, softphone
from dialerd.model import facts as f
from dialerd.model.causes import outcome_unanswered
from dialerd.model.rows import AgentRow, AttemptRow


def _agent(live: Live, leg: str, kind: str, *, alive: bool) -> AgentRow | None:
    agent = live.agents.get(live.by_leg.get(leg, ""))
    if agent is None:
        live.odd(kind)
        if alive and leg not in live.hanging:
            live.strays[leg] = ""
    return agent


def phone_ringing(live: Live, fact: f.PhoneRinging) -> None:
    _agent(live, fact.leg, "phone_ringing", alive=True)


def phone_idle(live: Live, fact: f.PhoneIdle) -> None:
    agent = _agent(live, fact.leg, "phone_idle", alive=True)
    if agent is None:
        return
    set_leg(live, agent, agent.leg, "idle")
    if agent.state == "connecting":
        ready = agent.after_call == "ready"
        agent.after_call = ""
        move_agent(live, agent, "phone_idle")
        if ready:
            move_agent(live, agent, "ready")


def phone_ended(live: Live, fact: f.PhoneEnded) -> None:
    asked = fact.leg in live.hanging
    live.hanging.discard(fact.leg)
    live.strays.pop(fact.leg, None)
    agent = _agent(live, fact.leg, "phone_ended", alive=False)
    if agent is None:
        return
    if asked and agent.state in ("previewing", "calling") and softphone(live, agent.id) == "ring":
        set_leg(live, agent, "", "")  # that of the call before: this one's is still to be called
        return
    lose_phone(live, agent, _phone_trouble(fact))


def lose_phone(live: Live, agent: AgentRow, because: str) -> None:
    """An agent's leg is gone: for a rung one that is the end of the offer, for a nailed-up one of his readiness."""
    nailed_up = softphone(live, agent.id) == "nailed_up"
    set_leg(live, agent, "", "")
    call = live.calls.get(agent.call)
    if agent.state == "ringing" and call is not None:
        # he had picked up and was about to be bridged, or nobody was there to bridge him: he is not to blame
        policy = live.floor.agents.get(agent.id)
        alone = policy is not None and not live.links[policy.server].up
        blameless = not nailed_up and (call.state == "connecting" or alone)
        let_go(live, agent)
        move_agent(live, agent, "withdrawn" if blameless else "offer_failed", "" if blameless else because)
        after_call_wish(live, agent)
    elif agent.state == "on_call":
        # the talk is over for him; the customer's own end follows
        campaign = live.policies[call.campaign] if call is not None else None
        agent.call = ""
        move_agent(live, agent, "phone_lost", because)
        agent.wrap_until = live.now + (campaign.wrap_up_s if campaign else 0)
    elif agent.state == "connecting":
        agent.after_call = ""
        move_agent(live, agent, "phone_lost", because)
    elif agent.state == "calling":
        move_agent(live, agent, "phone_lost", because)
        after_call_wish(live, agent)
    elif nailed_up and agent_may(agent, "phone_lost"):
        if agent.state == "wrap_up":
            return  # he has no leg to be ready with: the end of his wrap-up tells
        move_agent(live, agent, "phone_lost", because)


def replace_leg(live: Live, agent: AgentRow) -> None:
    """A nailed-up leg is given up for a new one: at once for an agent who is ready, else when he becomes ready again."""
    set_leg(live, agent, "", "")
    if agent.state == "ready":
        agent.after_call = "ready"
        move_agent(live, agent, "connect_phone")


def miss_phone(live: Live, agent: AgentRow) -> None:
    """Asterisk does not list an agent's leg after the link was lost: perhaps it was never called.

    An offer is taken back without blaming him, and a call for the shift is made again.
    """
    if agent.state == "connecting" or (agent.state == "calling" and softphone(live, agent.id) == "ring"):
        set_leg(live, agent, "", "")
    elif agent.state == "ringing" and softphone(live, agent.id) == "ring":
        set_leg(live, agent, "", "")
        let_go(live, agent)
        move_agent(live, agent, "withdrawn")
        after_call_wish(live, agent)
    else:
        lose_phone(live, agent, "softphone was lost")


def _phone_trouble(fact: f.PhoneEnded) -> str:
    if not fact.channel:
        return f"softphone cannot be reached: {fact.because}" if fact.because else "softphone cannot be reached"
    outcome = outcome_unanswered(fact.cause, fact.sip, fact.reason, True, True)
    return {
        "no_answer": "softphone was not answered",
        "no_response": "softphone was not answered",
        "busy": "softphone is busy",
        "rejected": "call was declined on the softphone",
    }.get(outcome, "softphone hung up" if fact.cause == 16 else "softphone was lost")


def let_go(live: Live, agent: AgentRow) -> None:
    """The call that the agent was offered, or was about to be bridged with, waits for another agent."""
    call = live.calls.get(agent.call)
    agent.call = ""
    live.mark(agent)
    if call is None or call.agent != agent.id:
        return
    call.agent = call.agent_leg = ""
    call.offered_at = None
    live.mark(call)
    for kind in ("offer_failed", "connect_failed"):
        if call_may(call, kind):
            move_call(live, call, kind)


def withdraw(live: Live, call: AttemptRow) -> None:
    """The agent who is being rung for the call is let go."""
    agent = live.agents.get(call.agent)
    if agent is None or agent.call != call.id or agent.state != "ringing":
        return
    agent.call = ""
    call.agent = call.agent_leg = ""  # he never had it
    live.mark(call)
    move_agent(live, agent, "withdrawn")
    if agent.after_call:
        after_call_wish(live, agent)


def after_call_wish(live: Live, agent: AgentRow) -> None:
    """What the agent asked for during the call happens now."""
    wish, agent.after_call = agent.after_call, ""
    reason, agent.after_reason = agent.after_reason, ""
    if wish and agent_may(agent, wish):
        move_agent(live, agent, wish, reason)
