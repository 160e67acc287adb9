"""What facts of links, leads and the configuration change.

Never reads a file or a database: what is supplied comes checked.
"""

from __future__ import annotations

from typing import Any

from dialerd.campaigns.calls import end_call
from dialerd.campaigns.live import Link, Live
from dialerd.model import facts as f
from dialerd.model.policies import Floor
from dialerd.model.rows import CampaignRow, LeadRow


def link_lost(live: Live, fact: f.LinkLost) -> None:
    live.links[fact.server] = Link(False, fact.because)


def leads_added(live: Live, fact: f.LeadsAdded) -> None:
    counts = live.lead_states.get(fact.campaign)
    if counts is None:
        live.odd("leads_added")
        return
    for new in fact.leads:
        lead = LeadRow(
            live.count("lead"),
            fact.campaign,
            new.phone,
            "new",
            live.now,
            live.now,
            name=new.name,
            fields=dict(new.fields),
            source=fact.source,
        )
        counts["new"] += 1
        live.mark(lead)
    if fact.leads and fact.campaign in live.hoppers:
        live.hoppers[fact.campaign].comes_due(live.now)


def leads_offered(live: Live, fact: f.LeadsOffered) -> None:
    hopper = live.hoppers.get(fact.campaign)
    if hopper is None:
        live.odd("leads_offered")
        return
    hopper.fill((lead for lead in fact.leads if lead.id not in live.leads), fact.next_due)


def configured(live: Live, fact: f.Configured) -> None:
    floor = Floor.model_validate(fact.floor)
    live.configure(floor)
    for call in [call for call in live.calls.values() if call.server not in floor.servers]:
        call.because = f"server {call.server} is not configured any more"
        end_call(live, call, "lost")
    for name, policy in floor.campaigns.items():
        kept = live.campaigns.get(name)
        wanted = policy.model_dump(mode="json")
        if kept is None:
            row = CampaignRow(name, wanted, "approved", "file", "configuration", live.now, live.now, "configuration")
            live.put_campaign(row)
            live.mark(row)
            live.mark(live.tallies[name])
        elif kept.source == "file" and kept.policy != wanted:
            write_policy(live, kept, wanted)
    for hopper in live.hoppers.values():
        hopper.forget()


def write_policy(live: Live, row: CampaignRow, policy: dict[str, Any]) -> None:
    """A campaign's policy changes; it goes on in its state."""
    row.policy = policy
    live.put_campaign(row)
    live.mark(row)
    if row.id in live.hoppers:
        live.hoppers[row.id].forget()


def drain_began(live: Live, fact: f.DrainBegan) -> None:
    live.draining = fact.because


def nothing(live: Live, fact: object) -> None:
    """A fact that changes nothing by itself (Woke; Asked, which is judged)."""
