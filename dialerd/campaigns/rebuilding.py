"""Live state made from the rows alone, as after a crash.

Never reads the store itself: the rows come as `Kept`.
"""

from __future__ import annotations

from collections import Counter

import msgspec

from dialerd.campaigns.in_flight import put_call
from dialerd.campaigns.live import Live
from dialerd.model.instants import Instant
from dialerd.model.rows import AgentRow, AttemptRow, CampaignRow, CounterRow, LeadRow, TallyRow


class Kept(msgspec.Struct):
    """All rows that live state is rebuilt from."""

    token: str
    """8 hexadecimal digits, made once with the store; part of every leg's id."""
    seq: int
    """The last turn's number; 0 in a new store."""
    campaigns: list[CampaignRow]
    tallies: list[TallyRow]
    agents: list[AgentRow]
    live: list[AttemptRow]
    """Attempts that have not ended."""
    leads: list[LeadRow]
    """The leads of live attempts."""
    counters: list[CounterRow]
    lead_states: list[tuple[str, str, int]]
    """(campaign, state, number of leads)."""
    trunk_last: list[tuple[str, Instant]]
    """(trunk, when its last call was placed)."""


def nothing_kept(token: str) -> Kept:
    """A new store's rows: none."""
    return Kept(token, 0, [], [], [], [], [], [], [], [])


def rebuild(kept: Kept) -> Live:
    """The state as it was when the last turn was committed; links are down and hoppers empty."""
    live = Live(kept.token)
    live.seq = kept.seq
    live.counters = {row.name: row for row in kept.counters}
    live.tallies = {row.campaign: row for row in kept.tallies}
    for campaign in kept.campaigns:
        live.put_campaign(campaign)
    for name, state, count in kept.lead_states:
        live.lead_states.setdefault(name, Counter())[state] = count
    live.trunk_last = dict(kept.trunk_last)
    leads = {lead.id: lead for lead in kept.leads}
    for agent in kept.agents:
        live.agents[agent.id] = agent
    for call in sorted(kept.live, key=lambda row: (row.placed_at, row.id)):
        put_call(live, call, leads[call.lead])
    for agent in live.agents.values():
        if agent.leg:
            live.by_leg[agent.leg] = agent.id
    return live
