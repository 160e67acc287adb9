"""What facts of customers' legs change: the attempt, its lead, and the agent it was for.

Never decides whom to connect or to call.
"""

from __future__ import annotations

from dialerd.campaigns import (
    abandons,
    disposing,
    figures,
    hotline_hours,
    hotline_rests,
    predicting,
    quotas,
    showing,
    tickets,
)
from dialerd.campaigns.dossiers import AGREED_S
from dialerd.campaigns.in_flight import call_may, move_call
from dialerd.campaigns.live import Live
from dialerd.campaigns.phones import let_go, withdraw
from dialerd.campaigns.presence import agent_may, move_agent, set_leg
from dialerd.campaigns.recycling import after_attempt
from dialerd.compliance.pack import NEVER_RANG
from dialerd.model import facts as f
from dialerd.model.causes import UNCOUNTED, Outcome, outcome_unanswered
from dialerd.model.rows import AttemptRow, LeadRow
from dialerd.model.states import DIALABLE

PATIENCE_S = 2.0
"""A customer who hangs up after waiting longer than this was abandoned (rules.md 1)."""


# --- facts of a customer's leg


def _call(live: Live, call: str, kind: str, *, alive: bool) -> AttemptRow | None:
    """The live call a fact is of; a leg that lives though its attempt has ended is a stray to be hung up."""
    row = live.calls.get(call)
    if row is None:
        live.odd(kind)
        if alive and call not in live.hanging:
            live.strays[call] = ""
        return None
    if not call_may(row, kind):
        live.odd(kind)
        return None
    return row


def call_ringing(live: Live, fact: f.CallRinging) -> None:
    call = _call(live, fact.call, "ringing", alive=True)
    if call is not None:
        call.ringing_at = live.now
        move_call(live, call, "ringing")


def call_answered(live: Live, fact: f.CallAnswered) -> None:
    call = _call(live, fact.call, "answered", alive=True)
    if call is not None:
        _answered(live, call)
        move_call(live, call, "answered")


def _answered(live: Live, call: AttemptRow) -> None:
    if call.answered_at is None:
        call.answered_at = live.now
        figures.answered(live, call.campaign)
        predicting.call_answered(live, call)


def call_waiting(live: Live, fact: f.CallWaiting) -> None:
    call = _call(live, fact.call, "waiting", alive=True)
    if call is not None:
        _answered(live, call)
        if call.waiting_at is None:
            call.waiting_at = live.now
        move_call(live, call, "waiting")


def call_bridged(live: Live, fact: f.CallBridged) -> None:
    call = _call(live, fact.call, "bridged", alive=True)
    if call is None:
        return
    agent = live.agents.get(live.by_leg.get(fact.leg, ""))
    _answered(live, call)
    call.connected_at = live.now
    figures.connected(live, call)
    predicting.call_connected(live, call)
    abandons.connected(live, call)
    live.pasts.call(call)
    if agent is None or not agent_may(agent, "bridged"):
        live.odd("bridged_with_unknown_leg")
        withdraw(live, call)
    else:
        if agent.call != call.id:
            let_go(live, agent)
            withdraw(live, call)
        call.agent, call.agent_leg = agent.id, fact.leg
        agent.call = agent.last_call = call.id
        set_leg(live, agent, fact.leg, "talking")
        quotas.handed(live, call.campaign, agent.id)
        tickets.contact_made(live, live.leads[call.lead], agent.id)
        move_agent(live, agent, "bridged")
    move_call(live, call, "bridged")


def call_left(live: Live, fact: f.CallLeft) -> None:
    call = _call(live, fact.call, "left", alive=False)
    if call is not None:
        _answered(live, call)  # he may have picked up while the link was lost
        withdraw(live, call)
        move_call(live, call, "left")


def call_ended(live: Live, fact: f.CallEnded) -> None:
    call = live.calls.get(fact.call)
    live.hanging.discard(fact.call)
    live.strays.pop(fact.call, None)
    if call is None:
        live.odd("ended")
        return
    call.cause, call.sip = fact.cause, fact.sip
    ours = call.hangup or (call.because if call.state == "dropping" else "")
    call.because = ours or fact.because or call.because
    end_call(live, call, _outcome(live, call, fact))


def _outcome(live: Live, call: AttemptRow, fact: f.CallEnded) -> Outcome:
    if call.connected_at is not None:
        return "connected"
    if call.answered_at is not None:
        if call.state == "dropping":
            return "abandoned"
        waited = live.now - (call.waiting_at or call.answered_at)
        return "abandoned" if waited > PATIENCE_S else "hung_up"
    if call.hangup and fact.reason != 3:
        return "cancelled"
    return outcome_unanswered(fact.cause, fact.sip, fact.reason, call.ringing_at is not None, fact.channel)


def call_not_placed(live: Live, fact: f.CallNotPlaced) -> None:
    call = live.calls.get(fact.call)
    if call is None or call.state != "dialing":
        live.odd("not_placed")
        return
    call.because = fact.because
    end_call(live, call, "not_placed")


def end_call(live: Live, call: AttemptRow, outcome: Outcome) -> None:
    """A call is over: the attempt, its lead, its agent and the campaign's counts are brought to their ends."""
    talked = call.state == "talking"
    agent = live.agents.get(call.agent)
    withdraw(live, call)
    lead = live.leads[call.lead]
    call.outcome = outcome
    call.counted = not hotline_rests.after_call(live, call, lead) and outcome not in UNCOUNTED
    move_call(live, call, "ended")
    if talked and agent is not None and agent.call == call.id:
        policy = live.policies[call.campaign]
        agent.call = ""
        if agent_may(agent, "call_ended"):
            move_agent(live, agent, "call_ended")
            agent.wrap_until = live.now + policy.wrap_up_s
    figures.ended(live, call)
    predicting.call_ended(live, call)
    abandons.ended(live, call)
    live.pasts.call(call)
    hotline_hours.count(live, call)
    _lead_after(live, lead, call)
    kept = not talked and live.shown and showing.call_over(live, call, lead)
    if lead.state in DIALABLE and not kept:
        live.lead_comes_due(lead)
    tickets.call_over(live, call, lead)


def lose_call(live: Live, call: AttemptRow, because: str) -> None:
    """A call is over and nobody can say how it ended.

    A customer who had answered and had no agent counts as abandoned: he may have been, and that he was not cannot be shown.
    """
    call.because = because
    if call.connected_at is not None:
        end_call(live, call, "connected")
    else:
        end_call(live, call, "lost" if call.answered_at is None else "abandoned")


def _lead_after(live: Live, lead: LeadRow, call: AttemptRow) -> None:
    after = after_attempt(lead, live.policies[lead.campaign], call.outcome, call.counted, live.now, call.number)
    lead.attempts, lead.faults, lead.same = after.attempts, after.faults, after.same
    if lead.phones:
        lead.current, lead.tries, lead.bad_phones = after.current, after.tries, list(after.bad_phones)
    lead.last_outcome, lead.last_at = call.outcome, live.now
    if call.then:
        disposing.after_call(live, lead, call)
        return
    lead.next_at = after.next_at
    asked_for = lead.agreed_at is not None and after.next_at <= lead.agreed_at + AGREED_S
    if after.kind == "unreached" and asked_for and call.outcome in NEVER_RANG:
        live.move_lead(lead, "asked_back")  # nothing reached him: what he was promised holds on
    else:
        live.move_lead(lead, after.kind)


def connect_failed(live: Live, fact: f.ConnectFailed) -> None:
    call = live.calls.get(fact.call)
    if call is None or call.state != "connecting" or call.agent_leg != fact.leg:
        live.odd("connect_failed")
        return
    agent = live.agents.get(call.agent)
    call.because = fact.because
    if agent is not None and agent.call == call.id:
        agent.call = ""
        if agent.state == "ringing":
            move_agent(live, agent, "withdrawn")
    call.agent = call.agent_leg = ""
    move_call(live, call, "connect_failed")
