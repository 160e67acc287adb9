"""Customers whom triggers send to a campaign (C16, V07): asked for in the store, then admitted, once at a time.

Never loses one and never adds one twice: the wish is a row of the ticket's own turn, and is kept until it came to something.
"""

from __future__ import annotations

from dialerd.campaigns import finding
from dialerd.campaigns.admitting import admit
from dialerd.campaigns.live import Live
from dialerd.model import facts as f
from dialerd.model import intents as i
from dialerd.model import states
from dialerd.model.errors import Refusal
from dialerd.model.phones import normalise
from dialerd.model.rows import LeadRow, ReferralRow, TicketRow
from dialerd.model.triggers import BY_TRIGGER, TicketSeen

COUNTER = "referral"
ASKED_AT_ONCE = 8
"""Customers of whom the store is asked at the same time."""
_CALLED_AGAIN = frozenset({"succeeded", "exhausted"})
"""States that a trigger takes a lead out of. Who refused, is barred or has a bad number is for a person to decide."""
_TURN_TO_COME = (*sorted(states.DIALABLE), "in_progress", "held")


def refer(
    live: Live, ticket: TicketRow, seen: TicketSeen, name: str, *, chained: bool, by_disposition: bool = False
) -> None:
    """Hold a ticket against all triggers; `chained`: its lead was sent by one, so none fires."""
    if not live.triggers or chained:
        return
    sent: set[str] = set()
    for trigger, policy in live.triggers.items():
        if by_disposition and policy.when.disposition is None:
            continue  # it fired when the ticket was made
        if policy.fires(seen) and policy.to_campaign not in sent:
            sent.add(policy.to_campaign)
            _send(live, trigger, policy.to_campaign, ticket, name)


def _send(live: Live, trigger: str, campaign: str, ticket: TicketRow, name: str) -> None:
    row = ReferralRow(live.count(COUNTER), trigger, campaign, ticket.number, name, ticket.id, live.now)
    because = _closed(live, campaign)
    if not because:
        try:
            row.number = normalise(ticket.number, live.policies[campaign].region)
        except Refusal as refusal:
            because = refusal.message
    if because:
        _over(live, row, "refused", because)
    elif any(other.campaign == campaign and other.number == row.number for other in live.referrals.values()):
        _over(live, row, "there", "another ticket sends him already")
    else:
        live.referrals[row.id] = row
        live.mark(row)


def next_wish(live: Live) -> i.SeekLead | None:
    """The next customer of whom the store is to be asked."""
    if len(live.referrals_asked) >= ASKED_AT_ONCE:
        return None
    for row in live.referrals.values():
        if row.id not in live.referrals_asked:
            return i.SeekLead(row.id, row.campaign, row.number)
    return None


def seek_lead(live: Live, intent: i.SeekLead) -> None:
    """The store is asked."""
    live.referrals_asked.add(intent.referral)


def lead_sought(live: Live, fact: f.LeadSought) -> None:
    """The store told whether the campaign has him: he joins, is called again, or has his turn still to come."""
    live.referrals_asked.discard(fact.referral)
    row = live.referrals.get(fact.referral)
    if row is None:
        live.odd("lead_sought")
        return
    because = _closed(live, row.campaign)
    lead = None if fact.lead is None else live.leads.get(fact.lead.id)
    if because:
        _over(live, row, "refused", because)
    elif fact.lead is None:
        if live.lately.still_so(("phone", row.campaign, row.number), fact.as_of, live.seq):
            _join(live, row)
    elif lead is not None or live.lately.still_so((LeadRow, fact.lead.id), fact.as_of, live.seq):
        _again(live, row, lead or fact.lead)
    # else it changed while the store was asked: it is asked anew


def _closed(live: Live, campaign: str) -> str:
    """Why a campaign takes no leads; empty if it does."""
    row = live.campaigns.get(campaign)
    if row is None:
        return f"there is no campaign {campaign}"
    return f"{campaign} is {row.state}" if row.state in ("rejected", "deleted") else ""


def _join(live: Live, row: ReferralRow) -> None:
    action = f"ticket {row.ticket}" if row.ticket else "disposition"
    new = f.NewLead(row.number, row.name, action=action)
    lead = admit(live, row.campaign, new, f"{BY_TRIGGER}{row.trigger}")
    if lead is not None:
        row.lead = lead.id
        _over(live, row, "added", "")


def _again(live: Live, row: ReferralRow, lead: LeadRow) -> None:
    row.lead = lead.id
    if lead.state in _TURN_TO_COME:
        _over(live, row, "there", f"he is {lead.state}")
    elif lead.state in _CALLED_AGAIN:
        lead.attempts = lead.faults = lead.same = 0
        lead.next_at = live.now
        lead.action = f"{BY_TRIGGER}{row.trigger}"
        live.move_lead(lead, "asked_back")
        finding.changed(live, lead)
        _over(live, row, "again", "")
    else:
        _over(live, row, "refused", f"he is {lead.state}")


def _over(live: Live, row: ReferralRow, state: str, because: str) -> None:
    row.state, row.because, row.ended_at = state, because, live.now
    live.referrals.pop(row.id, None)
    live.mark(row)
