"""How a lead joins a campaign, whichever way he came: a list, a contact, another campaign, a trigger (C06, C07).

Never lets a phone in twice: what the store told may be a turn or two old, and what joined in these turns is known here.
"""

from __future__ import annotations

from dialerd.campaigns.live import Live
from dialerd.model import facts as f
from dialerd.model import intents as i
from dialerd.model.rows import LeadPhoneRow, LeadRow


def admit(live: Live, campaign: str, new: f.NewLead, source: str) -> LeadRow | None:
    """A new lead joins a campaign whose leads, as the store told, do not have his phone.

    None if another way in was faster and he is there already: leads are never taken out, so lately is for good.
    """
    phones = [("phone", campaign, phone) for phone in (new.phone, *new.phones)]
    if any(live.lately.knows(phone) for phone in phones):
        live.odd("lead_is_there")
        return None
    for phone in phones:
        live.lately.note(phone, live.seq)
    lead = LeadRow(
        live.count("lead"),
        campaign,
        new.phone,
        "new",
        live.now,
        live.now,
        name=new.name,
        fields=dict(new.fields),
        source=source,
        email=new.email,
        address=new.address,
        list_name=new.list_name,
        action=new.action,
        contact=new.contact,
        owner=new.owner,
        phones=list(new.phones),
        priority=new.priority,
        zone=new.zone,
    )
    for further in new.phones:
        live.mark(LeadPhoneRow(campaign, further, lead.id))
    live.lead_states[campaign]["new"] += 1
    live.count_open(lead, 1)
    live.mark(lead)
    live.lead_comes_due(lead)
    return lead


def add_lead(live: Live, intent: i.AddLead) -> None:
    """A lead that was typed in joins."""
    admit(live, intent.campaign, intent.lead, intent.source)
