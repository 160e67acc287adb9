"""Live state made from the rows alone, as after a crash.

Never reads the store itself: the rows come as `Kept`.
"""

from __future__ import annotations

from collections import Counter

import msgspec

from dialerd.campaigns import shown
from dialerd.campaigns.in_flight import put_call
from dialerd.campaigns.live import Live
from dialerd.model.instants import Instant
from dialerd.model.rows import (
    AbandonRow,
    AgentRow,
    AttemptRow,
    CampaignRow,
    CounterRow,
    DncListRow,
    HotlineHourRow,
    HotlineRow,
    JobRow,
    LeadRow,
    NamedRow,
    QuotaRow,
    ReferralRow,
    TallyRow,
)


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
    """The leads of live attempts, and those that are before agents."""
    counters: list[CounterRow]
    lead_states: list[tuple[str, str, int]]
    """(campaign, state, number of leads)."""
    trunk_last: list[tuple[str, Instant]]
    """(trunk, when its last call was placed)."""
    named: list[NamedRow] = []
    """All named policies, also those that were deleted."""
    participations: list[tuple[str, str, int]] = []
    """(campaign, participation, number of leads); without leads that have none."""
    referrals: list[ReferralRow] = []
    """Customers whom a trigger sent to a campaign and who are not there yet."""
    quotas: list[QuotaRow] = []
    """Leads handed out on the last days, oldest day first for each campaign and agent."""
    jobs: list[JobRow] = []
    """Jobs that were under way."""
    open_lists: list[tuple[str, str, int]] = []
    """(campaign, list, number of leads that may still be dialed)."""
    private_to: list[tuple[str, str]] = []
    """(campaign, agent) of leads that may still be dialed and are private."""
    dnc: list[DncListRow] = []
    abandons: list[AbandonRow] = []
    """The newest counts of each campaign and abandon rule."""
    refused: list[tuple[str, str, int]] = []
    """(campaign, rule, number of leads) of leads that wait because of a refusal."""
    hotlines: list[HotlineRow] = []
    hotline_hours: list[HotlineHourRow] = []
    """Figures of the newest hour that has some, and of the HOURS_KEPT before it."""


def nothing_kept(token: str) -> Kept:
    """A new store's rows: none."""
    return Kept(token, 0, [], [], [], [], [], [], [], [])


def rebuild(kept: Kept) -> Live:
    """The state as it was when the last turn was committed; links are down and hoppers empty."""
    live = Live(kept.token)
    live.seq = kept.seq
    live.counters = {row.name: row for row in kept.counters}
    live.tallies = {row.campaign: row for row in kept.tallies}
    for name, only_for in kept.private_to:
        live.private_to.setdefault(name, set()).add(only_for)
    for campaign in kept.campaigns:
        live.put_campaign(campaign)
    for name, list_name, count in kept.open_lists:
        if live.campaigns[name].state != "deleted":
            live.open_lists.setdefault(name, Counter())[list_name] = count
    for name, state, count in kept.lead_states:
        if live.campaigns[name].state != "deleted":
            live.lead_states[name][state] = count
    live.trunk_last = dict(kept.trunk_last)
    for hotline in kept.hotlines:
        live.hotlines.put(hotline)
    for hour in sorted(kept.hotline_hours, key=lambda row: row.hour):
        live.hotlines.put_hour(hour)
    live.jobs = {row.id: row for row in kept.jobs}
    live.quotas = {(row.campaign, row.agent): row for row in kept.quotas}
    for named in kept.named:
        live.named.setdefault(named.kind, {})[named.id] = named
        if named.kind == "copy" and named.active:
            live.copies[named.id] = None
    for name, participation, count in kept.participations:
        live.participations.setdefault(name, Counter())[participation] = count
    live.referrals = {row.id: row for row in kept.referrals}
    live.dnc = {(row.list_name, row.channel): row for row in kept.dnc}
    live.abandons = {(row.campaign, row.rule): row for row in kept.abandons}
    for name, rule, count in kept.refused:
        if live.campaigns[name].state != "deleted":
            live.refused.setdefault(name, Counter())[rule] = count
    leads = {lead.id: lead for lead in kept.leads}
    live.agents = {row.id: row for row in kept.agents}
    for call in sorted(kept.live, key=lambda row: (row.placed_at, row.id)):
        put_call(live, call, leads[call.lead])
    for row in kept.agents:
        if row.leg:
            live.by_leg[row.leg] = row.id
        if row.lead:
            shown.put(live, row, leads[row.lead], row.lead_until)
    live.take_changes()
    return live
