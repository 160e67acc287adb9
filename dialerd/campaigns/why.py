"""Why is it not dialing? The limiting factor of a campaign, and its leads counted by what blocks them.

Never guesses: every answer is read from the state that dialing itself decides by, in the same order.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from dialerd.campaigns import dialing
from dialerd.campaigns.live import Live
from dialerd.model.instants import FAR, iso
from dialerd.model.states import DIALABLE

_NOT_STARTED = {
    "draft": "it is a draft: submit it for approval",
    "pending": "it waits for the owner's approval",
    "rejected": "it was rejected",
    "approved": "it is approved and not started",
    "finished": "it is finished",
}


def why(live: Live, campaign: str) -> dict[str, Any]:
    """What limits the campaign now. `factor` is `none` while calls are being placed.

    Raises KeyError for an unknown campaign.
    """
    factor, because, until = _factor(live, campaign)
    counts = live.lead_states[campaign]
    agents = Counter(row.state for row in live.agents.values() if live.serves(row.id, campaign))
    policy = live.policies[campaign]
    return {
        "campaign": campaign,
        "state": live.campaigns[campaign].state,
        "dialing": factor == "none",
        "factor": factor,
        "because": because,
        "until": None if until is None else iso(until),
        "leads": {state: counts[state] for state in sorted(counts) if counts[state]},
        "leads_due": len(live.hoppers[campaign].queue) if campaign in live.hoppers else 0,
        "agents": {state: agents[state] for state in sorted(agents)},
        "agents_free": sum(1 for agent in live.free if live.serves(agent, campaign)),
        "calls": live.campaign_lines[campaign],
        "lines": {
            name: f"{live.trunk_lines[name]}/{live.floor.trunks[name].lines}"
            for name in policy.trunks
            if name in live.floor.trunks
        },
    }


def _factor(live: Live, campaign: str) -> tuple[str, str, float | None]:
    row, policy = live.campaigns[campaign], live.policies[campaign]
    if row.state == "scheduled":
        return "not_yet", f"it starts at {iso(policy.starts_at or live.now)}", policy.starts_at
    if row.state == "paused":
        note = f": {row.note}" if row.note else ""
        return "paused", f"paused by {row.state_by}{note}", None
    if row.state != "running":
        return row.state, _NOT_STARTED[row.state], None
    if live.draining:
        return "draining", f"the daemon places no new calls: {live.draining}", None
    return (
        _hours(live, campaign)
        or _servers(live, campaign)
        or _leads(live, campaign)
        or _agents(live, campaign)
        or _lines(live, campaign)
    )


Found = tuple[str, str, float | None]


def _hours(live: Live, campaign: str) -> Found | None:
    schedule = live.policies[campaign].schedule
    hours = live.hours(schedule, live.now)
    if hours is None or hours.open:
        return None
    if hours.until >= FAR:
        return "hours", f"the schedule {schedule} never opens", None
    return "hours", f"outside the working hours of {schedule}", hours.until


def _servers(live: Live, campaign: str) -> Found | None:
    down: list[str] = []
    for name in live.policies[campaign].trunks:
        trunk = live.floor.trunks.get(name)
        if trunk is None:
            down.append(f"trunk {name} is not configured")
        elif live.links[trunk.server].up:
            return None
        else:
            down.append(f"no AMI link to {trunk.server}: {live.links[trunk.server].because}")
    return "link", "; ".join(sorted(set(down))), None


def _leads(live: Live, campaign: str) -> Found | None:
    hopper = live.hoppers[campaign]
    if hopper.queue:
        return None
    counts = live.lead_states[campaign]
    open_leads = sum(counts[state] for state in DIALABLE)
    if not counts.total():
        return "no_leads", "it has no leads: import some", None
    if hopper.asked or hopper.next_due <= live.now:
        return "leads", "leads are being read from the store", None
    if open_leads:
        until = None if hopper.next_due >= FAR else hopper.next_due
        return "resting", f"no lead is due: {_counted(open_leads, 'lead rests', 'leads rest')} after an attempt", until
    if counts["in_progress"]:
        return "last_calls", f"the last {_counted(counts['in_progress'], 'lead is', 'leads are')} being called", None
    return "leads_done", "no lead is left to dial", None


def _agents(live: Live, campaign: str) -> Found | None:
    serving = [row for row in live.agents.values() if live.serves(row.id, campaign)]
    if any(live.serves(agent, campaign) for agent in live.free):
        return None
    if not serving:
        return "no_agents", "no agent takes calls of this campaign", None
    states = Counter(row.state for row in serving)
    if states["logged_out"] == len(serving):
        return "no_agents", f"its {_counted(len(serving), 'agent is', 'agents are')} logged out", None
    told = ", ".join(
        f"{count} {state.replace('_', ' ')}" for state, count in sorted(states.items()) if state != "logged_out"
    )
    if not states["ready"]:
        return "no_ready_agent", f"no agent is ready: {told}", None
    kept = sum(1 for row in serving if row.state == "ready" and row.id in live.booked)
    if kept == states["ready"]:
        return (
            "one_call_per_agent",
            f"every ready agent has a call on its way: {_counted(kept, 'agent', 'agents')}",
            None,
        )
    return "no_ready_agent", f"no ready agent can be given a call yet: {told}", None


def _lines(live: Live, campaign: str) -> Found:
    policy = live.policies[campaign]
    if not dialing.campaign_lines_free(live, campaign):
        lines = live.campaign_lines[campaign]
        return "campaign_lines", f"no line of the campaign is free: {_counted(lines, 'line', 'lines')} in use", None
    full: list[str] = []
    slots: list[float] = []
    for name in policy.trunks:
        trunk = live.floor.trunks.get(name)
        if trunk is None or not live.links[trunk.server].up:
            continue
        if live.trunk_lines[name] >= trunk.lines:
            full.append(f"no line of trunk {name} is free: {_counted(trunk.lines, 'line', 'lines')} in use")
        elif dialing.longest_idle(live, campaign, trunk.server) is not None:
            slots.append(dialing.slot(live, name, trunk))
    if not slots and full:
        return "trunk_lines", "; ".join(full), None
    if not slots:
        return "server", "the free agents sit on servers on which the campaign has no trunk", None
    if min(slots) > live.now:
        return "calls_per_second", "the trunk's calls per second are used up", min(slots)
    return "none", "calls are being placed", None


def _counted(count: int, one: str, many: str) -> str:
    """A count and its noun: `1 lead`, `2 leads`."""
    return f"{count} {one if count == 1 else many}"
