"""The daily quota of leads per agent: what he was handed today, and who may be handed no more (C11).

Never takes a lead away from an agent who has it: at the quota he is only given no further one.
"""

from __future__ import annotations

from collections.abc import Set

from dialerd.campaigns.days import day_at, zone_of
from dialerd.campaigns.live import Live
from dialerd.model.instants import FAR, Instant
from dialerd.model.rows import QuotaRow

NOBODY: frozenset[str] = frozenset()


def handed(live: Live, campaign: str, agent: str) -> None:
    """The agent got a lead of the campaign."""
    policy = live.policies[campaign]
    if not policy.quota.limits:
        return
    day, _ = day_at(zone_of(live, policy), live.now)
    row = live.quotas.get((campaign, agent))
    if row is None or row.day != day.isoformat():
        row = live.quotas[campaign, agent] = QuotaRow(campaign, agent, day.isoformat())
    row.handed += 1
    live.mark(row)
    most = policy.quota.of(agent)
    if most is not None and row.handed >= most:
        live.at_quota.pop(campaign, None)


def handed_today(live: Live, campaign: str, agent: str) -> int:
    """Leads that the agent was handed today; counted only while somebody has a quota."""
    day, _ = day_at(zone_of(live, live.policies[campaign]), live.now)
    row = live.quotas.get((campaign, agent))
    return row.handed if row is not None and row.day == day.isoformat() else 0


def at_quota(live: Live, campaign: str) -> Set[str]:
    """The agents who are handed no more leads of the campaign today."""
    known = live.at_quota.get(campaign)
    if known is None or live.now >= known[0]:
        known = live.at_quota[campaign] = _reckoned(live, campaign)
    return known[1]


def until(live: Live, campaign: str) -> Instant:
    """When the day ends that keeps somebody from being handed leads; FAR if nobody is at his quota."""
    return live.at_quota[campaign][0] if at_quota(live, campaign) else FAR


def _reckoned(live: Live, campaign: str) -> tuple[Instant, frozenset[str]]:
    policy = live.policies[campaign]
    if not policy.quota.limits:
        return FAR, NOBODY
    day, ends = day_at(zone_of(live, policy), live.now)
    full: set[str] = set()
    for agent in live.floor.agents:
        most = policy.quota.of(agent)
        if most is not None:
            row = live.quotas.get((campaign, agent))
            had = row.handed if row is not None and row.day == day.isoformat() else 0
            if had >= most:
                full.add(agent)
    return ends, frozenset(full)
