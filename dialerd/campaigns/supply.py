"""What facts of links, leads and the configuration change.

Never reads a file or a database: what is supplied comes checked.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

from dialerd.campaigns import abandons, hotlines, jobs, named, packs, presence, suppressing
from dialerd.campaigns.admitting import admit
from dialerd.campaigns.calls import lose_call
from dialerd.campaigns.live import Link, Live
from dialerd.campaigns.pasts import numbers_in
from dialerd.model import facts as f
from dialerd.model.instants import iso
from dialerd.model.policies import Floor
from dialerd.model.rows import AgentRow, CampaignRow

GONE = "taken out of the configuration"
CONFIGURATION = "configuration"
"""The principal of what the configuration does."""


def link_lost(live: Live, fact: f.LinkLost) -> None:
    live.links[fact.server] = Link(False, fact.because)


def leads_added(live: Live, fact: f.LeadsAdded) -> None:
    counts = live.lead_states.get(fact.campaign)
    if counts is None or live.campaigns[fact.campaign].state == "deleted":  # it went while the list was read
        live.odd("leads_added")
        return
    added = sum(admit(live, fact.campaign, new, fact.source) is not None for new in fact.leads)
    if fact.job:
        # who is not added was brought by another way that was faster
        jobs.counted(live, fact, {"added": added, "duplicates": len(fact.leads) - added})


def leads_offered(live: Live, fact: f.LeadsOffered) -> None:
    hopper = live.hoppers.get(fact.campaign)
    if fact.lists or fact.since is not None:
        pasts_told(live, fact)
    if hopper is None or not hopper.fill((lead for lead in fact.leads if lead.id not in live.leads), fact, live.now):
        live.odd("leads_offered")
    elif fact.lists:
        suppressing.bar_offered(live, fact)


def pasts_told(live: Live, fact: f.LeadsOffered) -> None:
    """What the store told of the numbers of the leads; numbers that nobody is about to dial are forgotten now and then."""
    live.pasts.answer(fact)
    if live.pasts.full:
        leads = chain(fact.leads, live.leads.values(), *(hopper.all() for hopper in live.hoppers.values()))
        live.pasts.keep_only(set(numbers_in(leads)))


def configured(live: Live, fact: f.Configured) -> None:
    floor = Floor.model_validate(fact.floor)
    _outdate_legs(live, floor)
    live.configure(floor)
    packs.configure(live, fact.packs)
    presence.configure(live)
    hotlines.configure(live)
    named.gather(live)
    for call in [call for call in live.calls.values() if call.server not in floor.servers]:
        lose_call(live, call, f"server {call.server} is not configured any more")
    for agent in list(live.agents.values()):
        _fit_agent(live, agent)
    for row in list(live.campaigns.values()):
        if row.source == "file" and row.id not in floor.campaigns and row.state in ("scheduled", "running"):
            live.move_campaign(row, "pause", CONFIGURATION, GONE)
            live.note(CONFIGURATION, "campaign.pause", row.id, GONE)
    for name, policy in floor.campaigns.items():
        kept = live.campaigns.get(name)
        wanted = policy.model_dump(mode="json")
        if kept is None:
            row = CampaignRow(name, wanted, "approved", "file", CONFIGURATION, live.now, live.now, CONFIGURATION)
            live.put_campaign(row)
            live.mark(row)
            live.mark(live.tallies[name])
        elif kept.source == "file" and kept.state != "deleted" and kept.policy != wanted:
            write_policy(live, kept, wanted, CONFIGURATION)
    for row in live.campaigns.values():
        abandons.begin(live, row.id)
    for hopper in live.hoppers.values():
        hopper.forget()


def name_taken(live: Live) -> list[str]:
    """Campaigns of the configuration that are not taken from there: a command made, or somebody deleted, one of that name."""
    taken = (live.campaigns.get(name) for name in live.floor.campaigns)
    return sorted(row.id for row in taken if row is not None and (row.source != "file" or row.state == "deleted"))


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


def write_policy(live: Live, row: CampaignRow, policy: dict[str, Any], by: str) -> None:
    """A campaign's policy changes; it goes on in its state, but for one whose start now lies ahead: it waits again (C01)."""
    was = live.policies[row.id]
    row.policy = policy
    live.put_campaign(row)
    now = live.policies[row.id]
    abandons.begin(live, row.id, anew=(was.pack, was.purpose) != (now.pack, now.purpose))
    live.mark(row)
    starts_at = live.policies[row.id].starts_at
    if row.state == "running" and starts_at is not None and starts_at > live.now:
        live.move_campaign(row, "put_off", by, "its start was put off")
        live.note(by, "campaign.put_off", row.id, iso(starts_at))
    if row.id in live.hoppers:
        live.hoppers[row.id].forget()


def drain_began(live: Live, fact: f.DrainBegan) -> None:
    live.draining = fact.because
    live.stopping = True


def nothing(live: Live, fact: object) -> None:
    """A fact that changes nothing by itself (Woke; Asked, which is judged)."""
