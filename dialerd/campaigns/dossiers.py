"""The dossier of a call: all that the gate may know, from live state and from what was read with the lead.

Never asks a store: what was not read is not known, and the gate refuses.
"""

from __future__ import annotations

from dialerd.campaigns import abandons
from dialerd.campaigns.laws import law_of
from dialerd.campaigns.live import Live
from dialerd.campaigns.pasts import Known
from dialerd.compliance.do_not_call import Suppressed
from dialerd.compliance.dossier import Dossier
from dialerd.model.instants import Instant
from dialerd.model.pasts import OF_CAMPAIGN, REFUSALS, ListEntry
from dialerd.model.rows import LeadRow
from dialerd.model.ways import GUARANTEED

AGREED_S = 3600.0
"""Seconds for which the time that a customer asked for holds: who is called later than that is not called at that time."""


def dossier_of(live: Live, lead: LeadRow, number: str, known: Known | None, now: Instant) -> Dossier:
    """What the gate may know of a call to `number` of a lead. `known`: the number's past; None: it was not read."""
    campaign = lead.campaign
    policy = live.policies[campaign]
    law = law_of(live, campaign)
    guaranteed = policy.mode in GUARANTEED
    return Dossier(
        number=number,
        lead_state=lead.state,
        attempts=lead.attempts,
        next_at=lead.next_at,
        campaign_state=live.campaigns[campaign].state,
        policy=policy,
        schedule=live.floor.schedules.get(policy.schedule) if policy.schedule else None,
        live_on_number=number in live.numbers,
        channel=policy.channel,
        purpose=law.purpose,
        pack_name=law.pack_name,
        pack=law.pack,
        zone=lead.zone or None,
        history=None if known is None else known.history(),
        agent_guaranteed=guaranteed,
        agreed=is_agreed(lead, now),
        suppressed=suppressed(live, campaign, known),
        abandons=abandons.tallies(live, campaign) if law.abandon and not guaranteed else None,
    )


def is_agreed(lead: LeadRow, now: Instant) -> bool:
    """Whether the lead himself asked to be called at this time."""
    return (
        lead.agreed_at is not None and lead.state == "callback" and lead.agreed_at <= now <= lead.agreed_at + AGREED_S
    )


def suppressed(live: Live, campaign: str, known: Known | None) -> tuple[Suppressed, ...] | None:
    """The entries that hold for the campaign; None: there are lists, and they were not read for this number."""
    if not live.dnc:
        return ()
    if known is None or not known.lists:
        return None
    if not known.entries:
        return ()
    return tuple(
        Suppressed(one.list_name, one.channel, one.until)  # type: ignore[arg-type]  # written from checked arguments
        for one in known.entries.values()
        if one is not None and holds(live, campaign, one)
    )


def holds(live: Live, campaign: str, entry: ListEntry) -> bool:
    """Whether an entry may bar calls of the campaign: its list is whole enough to count, and is not another campaign's."""
    if entry.list_name == REFUSALS:
        return False
    if entry.list_name.startswith(OF_CAMPAIGN) and entry.list_name != f"{OF_CAMPAIGN}{campaign}":
        return False
    its = live.dnc.get((entry.list_name, entry.channel))
    return its is None or entry.version >= its.version
