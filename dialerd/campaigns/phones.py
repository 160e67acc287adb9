"""What facts of agents' legs change: presence, and the call that was offered.

Never decides to ring anybody.
"""

from __future__ import annotations

from dialerd.campaigns.live import Live
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
    live.set_leg(agent, agent.leg, "idle")
    if agent.state == "connecting":
        ready = agent.after_call == "ready"
        agent.after_call = ""
        live.move_agent(agent, "phone_idle")
        if ready:
            live.move_agent(agent, "ready")


def phone_ended(live: Live, fact: f.PhoneEnded) -> None:
    live.hanging.discard(fact.leg)
    live.strays.pop(fact.leg, None)
    agent = _agent(live, fact.leg, "phone_ended", alive=False)
    if agent is None:
        return
    lose_phone(live, agent, _phone_trouble(fact))


def lose_phone(live: Live, agent: AgentRow, because: str) -> None:
    """An agent's leg is gone: for a rung one that is the end of the offer, for a nailed-up one of his readiness."""
    nailed_up = live.softphone(agent.id) == "nailed_up"
    live.set_leg(agent, "", "")
    call = live.calls.get(agent.call)
    if agent.state == "ringing" and call is not None:
        # he had picked up and was about to be bridged, or nobody was there to bridge him: he is not to blame
        policy = live.floor.agents.get(agent.id)
        alone = policy is not None and not live.links[policy.server].up
        blameless = not nailed_up and (call.state == "connecting" or alone)
        let_go(live, agent)
        live.move_agent(agent, "withdrawn" if blameless else "offer_failed", "" if blameless else because)
        after_call_wish(live, agent)
    elif agent.state == "on_call":
        # the talk is over for him; the customer's own end follows
        campaign = live.policies[call.campaign] if call is not None else None
        agent.call = ""
        live.move_agent(agent, "phone_lost", because)
        agent.wrap_until = live.now + (campaign.wrap_up_s if campaign else 0)
    elif agent.state == "connecting":
        agent.after_call = ""
        live.move_agent(agent, "phone_lost", because)
    elif nailed_up and live.agent_may(agent, "phone_lost"):
        if agent.state == "wrap_up":
            return  # he has no leg to be ready with: the end of his wrap-up tells
        live.move_agent(agent, "phone_lost", because)


def miss_phone(live: Live, agent: AgentRow) -> None:
    """Asterisk does not list an agent's leg after the link was lost: perhaps it was never called.

    An offer is taken back without blaming him, and a call for the shift is made again.
    """
    if agent.state == "connecting":
        live.set_leg(agent, "", "")
    elif agent.state == "ringing" and live.softphone(agent.id) == "ring":
        live.set_leg(agent, "", "")
        let_go(live, agent)
        live.move_agent(agent, "withdrawn")
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
        if live.call_may(call, kind):
            live.move_call(call, kind)


def withdraw(live: Live, call: AttemptRow) -> None:
    """The agent who is being rung for the call is let go."""
    agent = live.agents.get(call.agent)
    if agent is None or agent.call != call.id or agent.state != "ringing":
        return
    agent.call = ""
    live.move_agent(agent, "withdrawn")
    if agent.after_call:
        after_call_wish(live, agent)


def after_call_wish(live: Live, agent: AgentRow) -> None:
    """What the agent asked for during the call happens now."""
    wish, agent.after_call = agent.after_call, ""
    reason, agent.after_reason = agent.after_reason, ""
    if wish and live.agent_may(agent, wish):
        live.move_agent(agent, wish, reason)
