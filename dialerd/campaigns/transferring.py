"""A lead goes to another campaign as a new one there (C13).

Never takes him out of the campaign he came from: there he is done with, and what happened to him stays.
"""

from __future__ import annotations

from dialerd.campaigns import finding
from dialerd.campaigns.admitting import admit
from dialerd.campaigns.live import Live
from dialerd.model import intents as i
from dialerd.model.facts import NewLead


def transfer_lead(live: Live, intent: i.TransferLead) -> None:
    lead = finding.lead(live, intent.lead)
    new = NewLead(
        lead.phone,
        lead.name,
        dict(lead.fields),
        email=lead.email,
        address=lead.address,
        list_name=lead.list_name,
        action=lead.action,
        contact=lead.contact,
        owner=lead.owner,
        phones=tuple(lead.phones),
        priority=lead.priority,
    )
    row = admit(live, intent.to, new, intent.source)
    if row is None:
        return
    row.zone = lead.zone
    row.private_to = intent.private_to
    if intent.next_at is not None:
        live.move_lead(row, "asked_back")
        row.next_at = intent.next_at
        row.agreed_at = lead.agreed_at if lead.agreed_at == intent.next_at else None
    finding.changed(live, row)
