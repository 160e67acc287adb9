"""What facts of links, leads and the configuration change.

Never reads a file or a database: what is supplied comes checked.
"""

from __future__ import annotations

from typing import Any

from dialerd.campaigns import presence
from dialerd.campaigns.calls import lose_call
from dialerd.campaigns.live import Link, Live
from dialerd.model import facts as f
from dialerd.model.policies import Floor
from dialerd.model.rows import AgentRow, CampaignRow, LeadRow

GONE = "taken out of the configuration"


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
    _outdate_legs(live, floor)
    live.configure(floor)
    presence.configure(live)
    for call in [call for call in live.calls.values() if call.server not in floor.servers]:
        lose_call(live, call, f"server {call.server} is not configured any more")
    for agent in list(live.agents.values()):
        _fit_agent(live, agent)
    for row in list(live.campaigns.values()):
        if row.source == "file" and row.id not in floor.campaigns and row.state in ("scheduled", "running"):
            live.move_campaign(row, "pause", "configuration", GONE)
            live.note("configuration", "campaign.pause", row.id, GONE)
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


def _outdate_legs(live: Live, floor: Floor) -> None:
    """Legs to phones that the new configuration takes from their agents are to be replaced (by `presence.leg_wish`)."""
    for agent in live.agents.values():
        old, new = live.floor.agents.get(agent.id), floor.agents.get(agent.id)
        if agent.leg and old and new and (old.server, old.phone) != (new.server, new.phone):
            live.outdated.add(agent.leg)


def _fit_agent(live: Live, agent: AgentRow) -> None:
    """Whoever is not configured any more is logged out; a ready agent whose softphone is now nailed-up has it called."""
    if agent.state == "logged_out":
        return
    if agent.id not in live.floor.agents:
        if agent.state in ("on_call", "ringing"):
            agent.after_call, agent.after_reason = "logout", "not configured any more"
            live.mark(agent)
        else:
            agent.after_call = ""
            presence.move_agent(live, agent, "logout", "not configured any more")
    elif agent.state == "ready" and presence.softphone(live, agent.id) == "nailed_up" and not agent.leg:
        agent.after_call = "ready"
        presence.move_agent(live, agent, "connect_phone")


def write_policy(live: Live, row: CampaignRow, policy: dict[str, Any]) -> None:
    """A campaign's policy changes; it goes on in its state."""
    row.policy = policy
    live.put_campaign(row)
    live.mark(row)
    if row.id in live.hoppers:
        live.hoppers[row.id].forget()


def drain_began(live: Live, fact: f.DrainBegan) -> None:
    live.draining = fact.because
    live.stopping = True


def nothing(live: Live, fact: object) -> None:
    """A fact that changes nothing by itself (Woke; Asked, which is judged)."""
