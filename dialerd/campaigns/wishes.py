"""What intents change in our own state, at the moment they are decided and before they are carried out.

Never decides: an intent that is illegal here is our own mistake and raises OurMistakeError.
"""

from __future__ import annotations

from dialerd.campaigns import abandons, figures, in_flight, predicting, presence
from dialerd.campaigns.calls import lose_call
from dialerd.campaigns.dialing import use_slot
from dialerd.campaigns.live import Live
from dialerd.campaigns.phones import after_call_wish, replace_leg, withdraw
from dialerd.campaigns.supply import write_policy
from dialerd.model import intents as i
from dialerd.model.errors import OurMistakeError
from dialerd.model.ids import is_call
from dialerd.model.rows import AgentRow, AttemptRow, CampaignRow, LeadRow, ReplyRow


def dial(live: Live, intent: i.Dial) -> None:
    hopper = live.hoppers[intent.campaign]
    lead = hopper.take(intent.lead)
    if lead is not None:
        hopper.took(lead)
        live.shares.served(intent.campaign, live.policies[intent.campaign].share)
    else:
        lead = _shown(live, intent)
    if lead is None:
        raise OurMistakeError(f"lead {intent.lead} is dialed and not in the hopper of {intent.campaign}")
    live.use_leg()
    use_slot(live, intent.trunk, live.floor.trunks[intent.trunk])
    live.move_lead(lead, "dial")
    call = AttemptRow(
        intent.call,
        intent.campaign,
        lead.id,
        intent.number,
        intent.server,
        intent.trunk,
        intent.hotline,
        "dialing",
        live.now,
        booked=intent.booked,
        purpose=live.policies[intent.campaign].purpose,
    )
    in_flight.put_call(live, call, lead)
    live.mark(call)
    live.pasts.call(call)
    figures.placed(live, intent.campaign)
    predicting.call_placed(live, intent.campaign)


def _shown(live: Live, intent: i.Dial) -> LeadRow | None:
    """The lead, if it is before the agent it is dialed for; its list and campaign had their turn as it was shown."""
    agent = live.agents.get(intent.booked)
    return live.leads.get(intent.lead) if agent is not None and agent.lead == intent.lead else None


def offer_call(live: Live, intent: i.OfferCall) -> None:
    live.use_leg()
    call, agent = live.calls[intent.call], live.agents[intent.agent]
    _give(live, call, agent, intent.leg, "offer")
    presence.set_leg(live, agent, intent.leg, "calling")


def _give(live: Live, call: AttemptRow, agent: AgentRow, leg: str, kind: str) -> None:
    agent.call = call.id
    call.agent, call.agent_leg = agent.id, leg
    call.offered_at = live.now
    in_flight.move_call(live, call, kind)
    presence.move_agent(live, agent, kind)


def call_phone(live: Live, intent: i.CallPhone) -> None:
    live.use_leg()
    presence.set_leg(live, live.agents[intent.agent], intent.leg, "calling")


def connect(live: Live, intent: i.Connect) -> None:
    _give(live, live.calls[intent.call], live.agents[intent.agent], intent.leg, "connect")


def hang_up(live: Live, intent: i.HangUp) -> None:
    live.strays.pop(intent.leg, None)
    agent = live.agents.get(live.by_leg.get(intent.leg, ""))
    if agent is not None and presence.leg_wish(live, agent) == "replace":
        replace_leg(live, agent)
        agent = None
    live.hanging.add(intent.leg)
    if is_call(intent.leg):
        call = live.calls.get(intent.leg)
        if call is not None:
            call.hangup = intent.because
            live.mark(call)
    elif agent is not None:
        presence.reindex_agent(live, agent)


def drop(live: Live, intent: i.Drop) -> None:
    call = live.calls[intent.call]
    call.because = intent.because
    withdraw(live, call)
    in_flight.move_call(live, call, "drop")


def want_leads(live: Live, intent: i.WantLeads) -> None:
    live.hoppers[intent.campaign].ask(intent, live.now)
    if intent.lists or intent.since is not None:
        live.pasts.ask()


def answer(live: Live, intent: i.Answer) -> None:
    if intent.reply and (intent.principal, intent.id) not in live.replies:
        live.replies[intent.principal, intent.id] = (intent.command, intent.reply)
        live.mark(ReplyRow(intent.principal, intent.id, live.now, intent.command, intent.reply))


def book(live: Live, intent: i.Book) -> None:
    kept_for = live.calls.get(live.booked.get(intent.agent, ""))
    if kept_for is not None and kept_for.id in live.early and kept_for.campaign in live.overdialed:
        presence.unbook(live, kept_for)  # it still rings, and somebody has answered
    in_flight.book(live, live.calls[intent.call], intent.agent)


def begin(live: Live, intent: i.Begin) -> None:
    live.move_campaign(live.campaigns[intent.campaign], "began", "clock", "")


def finish(live: Live, intent: i.Finish) -> None:
    live.move_campaign(live.campaigns[intent.campaign], "ended", "clock", intent.because)
    live.note("clock", "campaign.finish", intent.campaign, intent.because)


def end_wrap_up(live: Live, intent: i.EndWrapUp) -> None:
    agent = live.agents[intent.agent]
    if agent.after_call:
        after_call_wish(live, agent)
    elif presence.softphone(live, agent.id) == "nailed_up" and not agent.leg:
        presence.move_agent(live, agent, "phone_lost", agent.reason or "softphone was lost")
    else:
        presence.move_agent(live, agent, "wrap_over")


def give_up(live: Live, intent: i.GiveUp) -> None:
    call = live.calls[intent.call]
    live.strays[call.id] = call.server
    lose_call(live, call, "nothing was heard of it")


def write_campaign(live: Live, intent: i.WriteCampaign) -> None:
    row = live.campaigns.get(intent.campaign)
    if row is None:
        made = (intent.principal, live.now, live.now, intent.principal)
        row = CampaignRow(intent.campaign, intent.policy, intent.state, intent.source, *made)
        live.put_campaign(row)
        live.mark(row)
        live.mark(live.tallies[row.id])
        abandons.begin(live, row.id)
    else:
        write_policy(live, row, intent.policy, intent.principal)


def move_campaign(live: Live, intent: i.MoveCampaign) -> None:
    live.move_campaign(live.campaigns[intent.campaign], intent.kind, intent.principal, intent.note)


def move_agent(live: Live, intent: i.MoveAgent) -> None:
    agent = live.agents[intent.agent]
    if agent.state in ("on_call", "ringing", "calling") and intent.kind in ("not_ready", "logout", "ready"):
        agent.after_call = "" if intent.kind == "ready" else intent.kind
        agent.after_reason = intent.reason
        live.mark(agent)
        return
    if agent.state == "connecting" and intent.kind in ("ready", "not_ready"):
        agent.after_call = "ready" if intent.kind == "ready" else ""
        live.mark(agent)
        return
    agent.after_call = agent.after_reason = ""  # what he asks for now, not what he asked for during his last call
    kind = intent.kind
    nailed_up = presence.softphone(live, agent.id) == "nailed_up"
    if kind == "login" and nailed_up:
        kind = "login_nailed_up"
    if kind == "ready" and nailed_up and not agent.leg:
        kind = "connect_phone"
        agent.after_call = "ready"
    if kind in ("login", "login_nailed_up"):
        agent.logged_in_at = live.now
        agent.screen = True
    if kind == "logout":
        agent.logged_in_at = None
    presence.move_agent(live, agent, kind, intent.reason)


def set_screen(live: Live, intent: i.SetScreen) -> None:
    agent = live.agents[intent.agent]
    agent.screen = intent.open
    live.mark(agent)
    presence.reindex_agent(live, agent)


def note(live: Live, intent: i.Note) -> None:
    live.note(intent.principal, intent.command, intent.subject, intent.note)


def drain(live: Live, intent: i.Drain) -> None:
    live.draining = "asked for by daemon.drain" if intent.on else ""
