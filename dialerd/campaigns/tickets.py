"""Tickets of calls and of people's own (C16): made in the turn in which a call ends, and the account manager it leaves behind.

Never more than one a call, and never held: a ticket is in the store alone once its turn is over.
"""

from __future__ import annotations

from dialerd.campaigns import referring
from dialerd.campaigns.live import Live, next_state
from dialerd.model import intents as i
from dialerd.model.errors import StaleError
from dialerd.model.rows import AttemptRow, LeadRow, TicketRow
from dialerd.model.triggers import BY_TRIGGER, TicketSeen

COUNTER = "ticket"
_NEVER_SENT = "not_placed"


def contact_made(live: Live, lead: LeadRow, agent: str) -> None:
    """Customer and agent talk: whoever has no account manager yet has one from now on, if the campaign wants that."""
    if live.policies[lead.campaign].account_manager != "on_contact" or lead.owner or not agent:
        return
    policy = live.floor.agents.get(agent)
    lead.owner = (policy.principal if policy is not None else None) or agent
    live.mark(lead)


def call_over(live: Live, call: AttemptRow, lead: LeadRow, *, voicemail: bool = False) -> None:
    """A call has ended: its ticket is made, if the campaign wants one, and held against the triggers.

    `voicemail`: the customer reached one. An autocall, which has no agent, asks for `connected`, and then that counts too.
    """
    if not _has_ticket(live, call, voicemail):
        return
    ticket = _make(live, call.campaign, lead, call, "voice", lead.name or call.number)
    referring.refer(live, ticket, _seen(call, ticket.state), lead.name, chained=is_sent(lead))


def disposed(live: Live, call: AttemptRow, lead: LeadRow) -> None:
    """A disposition was given after its call's end: the triggers that ask for one are held against its ticket now.

    During the call it is with the call, and `call_over` sees it.
    """
    if call.live or not live.triggers or not _has_ticket(live, call):
        return
    ticket = TicketRow(0, call.campaign, lead.id, call.id, call.agent, "voice", "", "new", live.now, call.number)
    referring.refer(live, ticket, _seen(call, "new"), lead.name, chained=is_sent(lead), by_disposition=True)


def is_sent(lead: LeadRow) -> bool:
    """Whether a trigger sent the lead: then his tickets fire none, so that a chain is one long."""
    return lead.source.startswith(BY_TRIGGER) or lead.action.startswith(BY_TRIGGER)


def write_ticket(live: Live, intent: i.WriteTicket) -> None:
    """A ticket that a person, or another system, writes: such as a callback that a caller asked for (V07)."""
    ticket = TicketRow(
        live.count(COUNTER), intent.campaign, 0, "", "", intent.channel, intent.subject, "new", live.now, intent.number,
        note=intent.note,
    )  # fmt: skip
    live.mark(ticket)
    referring.refer(live, ticket, TicketSeen("new", intent.channel, intent.campaign), intent.name, chained=False)


def found_ticket(live: Live, number: int) -> TicketRow | None:
    """The ticket as the store told it for this command, None if there is none. Raises StaleError if it changed since."""
    found = live.found
    if found is None or not live.lately.still_so((TicketRow, number), found.as_of, live.seq):
        raise StaleError
    return next((row for row in found.tickets if row.id == number), None)


def move_ticket(live: Live, intent: i.MoveTicket) -> None:
    """Somebody takes a ticket up, or closes it."""
    ticket = found_ticket(live, intent.ticket)
    assert ticket is not None, "judged before"
    ticket.state = next_state("ticket", ticket.id, ticket.state, intent.kind)
    if intent.note:
        ticket.note = intent.note
    if ticket.state == "closed":
        ticket.closed_at, ticket.closed_by = live.now, intent.principal
    live.mark(ticket)


def _make(live: Live, campaign: str, lead: LeadRow, call: AttemptRow, channel: str, subject: str) -> TicketRow:
    ticket = TicketRow(
        live.count(COUNTER), campaign, lead.id, call.id, call.agent, channel, subject, "new", live.now, call.number
    )
    live.mark(ticket)
    return ticket


def _has_ticket(live: Live, call: AttemptRow, voicemail: bool = False) -> bool:
    wanted = live.policies[call.campaign].tickets
    if wanted == "none" or call.outcome == _NEVER_SENT:
        return False
    return wanted == "each_call" or call.connected_at is not None or voicemail


def _seen(call: AttemptRow, state: str) -> TicketSeen:
    return TicketSeen(state, "voice", call.campaign, call.agent, call.outcome, call.disposition)
