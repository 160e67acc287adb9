"""What is to be done next: the first intent that the state asks for, or none, and when to ask again.

Never changes anything: an intent changes the state only when it is applied.
"""

from __future__ import annotations

from dialerd.campaigns import copying, dialing, laws, predicting, quotas, referring, showing
from dialerd.campaigns.live import Live
from dialerd.campaigns.presence import leg_wish, stranded_at
from dialerd.model import intents as i
from dialerd.model.ids import PHONE
from dialerd.model.instants import FAR, Instant
from dialerd.model.rows import AttemptRow

SILENCE_S = 60.0
"""Seconds beyond the ringing time after which a call of which nothing was heard is given up."""
AT_WORK = frozenset({"ready", "previewing", "calling", "ringing", "on_call", "wrap_up"})
"""States of an agent who may take a call now or soon."""
MIN_RING_S = 15.0
"""V14: a call that nobody can take any more still rings this long."""


def next_intent(live: Live) -> i.AnyIntent | None:
    """The most urgent intent: people who wait first, then order on the floor, then new calls, then leads."""
    if live.waiting:
        found = _serve(live)
        if found is not None:
            return found
    for leg, server in live.strays.items():
        call = live.calls.get(leg)
        asked = call.hangup if call is not None else ""
        return i.HangUp(leg, server, asked or "not a call of ours any more")
    for agent in live.setting_up:
        wish = _set_up(live, agent)
        if wish is not None:
            return wish
    for agent in live.wrapping:
        until = live.agents[agent].wrap_until
        if until is None or until <= live.now:
            return i.EndWrapUp(agent)
    for hotline in live.hotlines.resting:
        rested_until = live.hotlines.rows[hotline].rested_until
        if rested_until is None or rested_until <= live.now:
            return i.EndRest(hotline)
    clock = _campaign_clock(live)
    if clock is not None:
        return clock
    if live.early:
        stuck = _stuck(live)
        if stuck is not None:
            return stuck
    if live.unbooked:
        kept = _keep_agent(live)
        if kept is not None:
            return kept
    if live.shown:
        shown = showing.next_intent(live)
        if shown is not None:
            return shown
    found = dialing.next_dial(live) or _leads(live) or (referring.next_wish(live) if live.referrals else None)
    return found or (copying.next_portion(live) if live.copies else None)


def _serve(live: Live) -> i.AnyIntent | None:
    """Bring customers who wait to their agents, or to the information message."""
    for call_id in live.waiting:
        call = live.calls[call_id]
        if not live.links[call.server].up:
            continue
        if live.now >= wait_ends(live, call):
            return i.Drop(call.id, call.server, "no agent in time")
        if call.state == "offered":
            agent = live.agents[call.agent]
            if agent.leg_state == "idle":
                return i.Connect(call.id, agent.leg, agent.id, call.server)
        elif call.booked:
            agent = live.agents[call.booked]
            if agent.leg_state == "idle":
                return i.Connect(call.id, agent.leg, agent.id, call.server)
            policy = live.policies[call.campaign]
            hotline = live.floor.hotlines.get(call.hotline)
            phone = live.floor.agents[agent.id].phone
            leg = live.peek_leg(PHONE)
            lead = live.leads[call.lead]
            caller = call.number if hotline is None else hotline.number
            return i.OfferCall(
                leg, agent.id, call.server, phone, call.id, policy.agent_ring_s, caller, lead.name or call.number
            )
    return None


def wait_ends(live: Live, call: AttemptRow) -> Instant:
    """When a waiting customer's patience, as the campaign sets it, is over."""
    return (call.waiting_at or live.now) + live.policies[call.campaign].max_wait_s


def _set_up(live: Live, agent_id: str) -> i.AnyIntent | None:
    """Call a softphone for the shift, or hang up one that is not wanted."""
    agent = live.agents[agent_id]
    policy = live.floor.agents.get(agent_id)
    wish = leg_wish(live, agent)
    if wish == "hang_up":
        return i.HangUp(agent.leg, policy.server if policy else "", "the agent's leg is not wanted any more")
    if wish == "replace":  # its phone may have been on another server
        return i.HangUp(agent.leg, "", "the agent's softphone is called anew")
    if wish == "call" and policy is not None and live.links[policy.server].up:
        lead = live.leads.get(agent.lead) if agent.state == "calling" else None
        ring_s, sound = (30.0, "music") if lead is None else (live.policies[lead.campaign].agent_ring_s, "ringing")
        return i.CallPhone(live.peek_leg(PHONE), agent_id, policy.server, policy.phone, ring_s, sound)
    return None


def _campaign_clock(live: Live) -> i.AnyIntent | None:
    for row in live.campaigns.values():
        if row.state not in ("scheduled", "running", "paused"):
            continue
        policy = live.policies[row.id]
        if policy.ends_at is not None and live.now >= policy.ends_at:
            return i.Finish(row.id, "its end time has come")
        if row.state == "scheduled" and (policy.starts_at is None or live.now >= policy.starts_at):
            return i.Begin(row.id)
        done = row.state == "running" and policy.finish_when_done and not live.campaign_lines[row.id]
        if done and dialing.leads_done(live, row.id):
            return i.Finish(row.id, "no lead is left to dial")
    return None


def _stuck(live: Live) -> i.AnyIntent | None:
    """Calls of which nothing is heard, and calls that ring though nobody is left to take them."""
    oldest = live.calls[next(iter(live.early))]
    if (
        live.now >= oldest.placed_at + live.policies[oldest.campaign].ring_s + SILENCE_S
        and live.links[oldest.server].up
    ):
        return i.GiveUp(oldest.id)
    for call_id in _nobodys(live):
        call = live.calls[call_id]
        if (
            call.state in ("dialing", "ringing")
            and live.now >= call.placed_at + _least_ring_s(live, call)
            and call.id not in live.hanging
            and live.links[call.server].up
            and not _anybody(live, call.campaign)
        ):
            return i.HangUp(call.id, call.server, "no agent is left to take it")
    return None


def _nobodys(live: Live) -> list[str]:
    """Calls for which no agent is kept: those of progressive campaigns, and of predictive ones without an agent on the floor."""
    if not live.predictive:
        return list(live.unbooked)
    manned = live.predictive.keys() - predicting.nobody_for(live, live.predictive)
    return [call for call in live.unbooked if live.calls[call].campaign not in manned]


def _least_ring_s(live: Live, call: AttemptRow) -> float:
    """Seconds that a call nobody can take any more still rings, by the rule pack of its campaign too."""
    return max(MIN_RING_S, laws.law_of(live, call.campaign).least_ring_s)


def _anybody(live: Live, campaign: str) -> bool:
    """Whether an agent of the campaign is at work."""
    full = quotas.at_quota(live, campaign)
    return any(
        row.state in AT_WORK and live.serves(row.id, campaign) and row.id not in full for row in live.agents.values()
    )


def _keep_agent(live: Live) -> i.AnyIntent | None:
    """A call in flight whose agent went away gets another before any new call is placed, customers who wait the first."""
    for call_id in [call for call in live.unbooked if call in live.waiting]:
        call = live.calls[call_id]
        agent = dialing.longest_idle(live, call.campaign, call.server) if live.free else None
        if agent is None and call.campaign in live.overdialed:
            agent = predicting.kept_for_another(live, call)
        if agent is not None:
            return i.Book(call_id, agent)
    for call_id in live.unbooked if live.free else ():
        call = live.calls[call_id]
        if call.campaign in live.overdialed and not predicting.may_keep(live, call.campaign):
            continue
        agent = dialing.longest_idle(live, call.campaign, call.server)
        if agent is not None:
            return i.Book(call_id, agent)
    return None


def _leads(live: Live) -> i.AnyIntent | None:
    if live.draining:
        return None
    for campaign in live.running:
        hopper = live.hoppers[campaign]
        if hopper.asks_at() <= live.now:
            hours = live.hours(live.policies[campaign].schedule, live.now)
            if hours is None or hours.open:
                return laws.with_pasts(live, hopper.question(campaign, live.now, live.seq))
    return None


def next_wakeup(live: Live) -> Instant | None:
    """When something becomes due by time alone; None: nothing ever does."""
    at = FAR
    for agent in live.wrapping:
        at = min(at, live.agents[agent].wrap_until or live.now)
    for agent in live.setting_up:
        at = min(at, stranded_at(live, live.agents[agent]))
    if live.shown:
        at = min(at, showing.next_wakeup(live))
    for call_id in live.waiting:
        at = min(at, wait_ends(live, live.calls[call_id]))
    for hotline in live.hotlines.resting:
        at = min(at, live.hotlines.rows[hotline].rested_until or live.now)
    if live.early:
        oldest = live.calls[next(iter(live.early))]
        at = min(at, oldest.placed_at + live.policies[oldest.campaign].ring_s + SILENCE_S)
        for call_id in _nobodys(live):
            due = live.calls[call_id].placed_at + _least_ring_s(live, live.calls[call_id])
            if due > live.now:
                at = min(at, due)
    for row in live.campaigns.values():
        if row.state not in ("scheduled", "running", "paused"):
            continue
        policy = live.policies[row.id]
        if policy.ends_at is not None:
            at = min(at, policy.ends_at)
        if row.state == "scheduled" and policy.starts_at is not None:
            at = min(at, policy.starts_at)
        if row.state == "running":
            at = min(at, _running_wakeup(live, row.id))
    return None if at >= FAR else at


def _running_wakeup(live: Live, campaign: str) -> Instant:
    hours = live.hours(live.policies[campaign].schedule, live.now)
    if hours is not None and not hours.open:
        return hours.until
    at = FAR if hours is None else hours.until
    legal = laws.legal_hours(live, campaign)
    if legal is not None:
        at = min(at, legal.until)
    hopper = live.hoppers[campaign]
    if not live.draining:
        at = min(at, hopper.asks_at())
    if not hopper.empty and (live.free or campaign in live.predictive) and not live.draining:
        at = min(at, dialing.next_slot(live, campaign), quotas.until(live, campaign))
    return at
