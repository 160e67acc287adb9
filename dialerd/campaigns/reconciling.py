"""What a server's list of living legs means: calls are adopted, ended as lost, or hung up as strays.

Never dials again: a call that Asterisk does not know is lost, and only the campaign's own retry rule calls again.
"""

from __future__ import annotations

from dialerd.campaigns import calls, phones
from dialerd.campaigns.live import Link, Live
from dialerd.campaigns.presence import set_leg
from dialerd.model import facts as f
from dialerd.model.rows import AttemptRow


def reconcile(live: Live, fact: f.Reconciled) -> None:
    """The server is asked out: from now on it may be dialed on again."""
    live.links[fact.server] = Link(True, "")
    seen_calls = {seen.call: seen for seen in fact.calls}
    seen_phones = {seen.leg: seen for seen in fact.phones}
    why = "Asterisk was restarted" if fact.restarted else "not known to Asterisk after the link was lost"
    # agents' legs first, so that a talking call finds its agent
    for agent in list(live.agents.values()):
        policy = live.floor.agents.get(agent.id)
        if not agent.leg or (policy is not None and policy.server != fact.server):
            continue
        seen_phone = seen_phones.get(agent.leg)
        if seen_phone is None:
            phones.miss_phone(live, agent)
        elif seen_phone.state == "idle":
            phones.phone_idle(live, f.PhoneIdle(agent.leg))
        elif seen_phone.state == "talking":
            set_leg(live, agent, agent.leg, "talking")
    for call in [call for call in live.calls.values() if call.server == fact.server]:
        seen = seen_calls.get(call.id)
        if seen is None:
            calls.lose_call(live, call, why)
        else:
            _adopt(live, call, seen)
    for leg in (*seen_calls, *seen_phones):
        known = live.calls.get(leg)
        hanging = leg in live.hanging or (known is not None and known.hangup != "")
        if hanging or (known is None and leg not in live.by_leg):
            live.hanging.discard(leg)  # a hang-up asked for before may have been lost with the link: it is asked again
            live.strays[leg] = fact.server


def _adopt(live: Live, call: AttemptRow, seen: f.CallSeen) -> None:
    """The call goes on in the state that Asterisk tells of."""
    if seen.state == "ringing" and call.state == "dialing":
        calls.call_ringing(live, f.CallRinging(call.id))
    elif seen.state == "answered" and call.state in ("dialing", "ringing"):
        calls.call_answered(live, f.CallAnswered(call.id))
    elif seen.state == "waiting":
        if call.state == "connecting":
            calls.connect_failed(live, f.ConnectFailed(call.id, call.agent_leg, "the link was lost"))
        elif call.state in ("dialing", "ringing", "answered"):
            calls.call_waiting(live, f.CallWaiting(call.id))
    elif seen.state == "talking" and call.state != "talking":
        calls.call_bridged(live, f.CallBridged(call.id, seen.leg))
    elif seen.state == "dropping" and call.state not in ("dropping", "talking"):
        calls.call_left(live, f.CallLeft(call.id))
