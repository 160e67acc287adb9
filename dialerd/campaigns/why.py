"""Why is it not dialing? The limiting factor of a campaign, and its leads counted by what blocks them.

Never guesses: every answer is read from the state that dialing itself decides by, in the same order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from dialerd.campaigns import dialing, hotlines, laws, lines, quotas
from dialerd.campaigns.live import Live
from dialerd.campaigns.predicting import DECIDE_EVERY_S
from dialerd.model.instants import FAR, iso
from dialerd.model.states import DIALABLE
from dialerd.model.ways import SHOWS

_NAMED = 20
"""Hotlines named at most."""
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
        "leads_due": live.hoppers[campaign].leads if campaign in live.hoppers else 0,
        "leads_private": live.hoppers[campaign].private_leads() if campaign in live.hoppers else {},
        "leads_paused": _paused(live, campaign),
        "leads_refused": _refused(live, campaign),
        "agents": {state: agents[state] for state in sorted(agents)},
        "agents_free": sum(1 for agent in live.free if live.serves(agent, campaign)),
        "hotlines": _doubtful(live, campaign),
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
        or _law(live, campaign)
        or _servers(live, campaign)
        or _leads(live, campaign)
        or _hotlines(live, campaign)
        or (_pacing(live, campaign) if policy.mode == "predictive" else _agents(live, campaign))
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


def _law(live: Live, campaign: str) -> Found | None:
    """What its rule pack says of all its numbers at once; what it says of one only the gate tells."""
    law = laws.law_of(live, campaign)
    if law.pack is None:
        return "law", f"the rule pack {law.pack_name} is not known", None
    hours = laws.legal_hours(live, campaign)
    head = live.hoppers[campaign].head()
    if hours is None or hours.open or (head is not None and laws.is_spared(live, campaign, head)):
        return None
    until = None if hours.until >= FAR else hours.until
    return "law", f"outside the hours of the rule pack {law.pack_name}, wherever its numbers are", until


def _refused(live: Live, campaign: str) -> dict[str, int]:
    """Leads that may be dialed but for the rule that refused them when they were asked about last, by rule."""
    return {rule: count for rule, count in sorted(live.refused.get(campaign, {}).items()) if count > 0}


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
    if hopper.public.rows or any(agent in live.free for agent in hopper.only_for()):
        return None
    counts = live.lead_states[campaign]
    open_leads = sum(counts[state] for state in DIALABLE)
    if not counts.total():
        return "no_leads", "it has no leads: import some", None
    if hopper.public.question or hopper.asks_at() <= live.now:
        return "leads", "leads are being read from the store", None
    private = hopper.private_leads()
    until = None if hopper.next_due >= FAR else hopper.next_due
    if private:
        told = ", ".join(f"{agent} ({count})" for agent, count in private.items())
        return "private", f"all leads that are due are private to agents who are not free: {told}", until
    paused = _paused(live, campaign)
    resting = open_leads - sum(paused.values())
    if resting > 0:
        refused = _refused(live, campaign)
        after = resting - sum(refused.values())
        waiting = [f"{_counted(after, 'lead rests', 'leads rest')} after an attempt"] if after > 0 else []
        waiting += [f"{_counted(count, 'lead waits', 'leads wait')} by {rule}" for rule, count in refused.items()]
        return "resting", f"no lead is due: {', '.join(waiting)}", until
    if paused:
        told = _counted(open_leads, "lead is", "leads are")
        return "lists_paused", f"its {told} in lists that are paused by share 0: {', '.join(paused)}", None
    if counts["in_progress"]:
        return "last_calls", f"the last {_counted(counts['in_progress'], 'lead is', 'leads are')} being called", None
    return "leads_done", "no lead is left to dial", None


def _paused(live: Live, campaign: str) -> dict[str, int]:
    """The leads that wait in paused lists, by list."""
    shares = live.policies[campaign].lists
    open_lists: Mapping[str, int] = live.open_lists.get(campaign, {})
    return {name: count for name, count in sorted(open_lists.items()) if shares.get(name) == 0}


def _doubtful(live: Live, campaign: str) -> dict[str, str]:
    """The campaign's hotlines that are not well, and what is the matter with them."""
    rows = live.hotlines.rows
    found = {name: rows[name] for name in hotlines.named(live, campaign) if name in rows}
    return {name: hotlines.words(row) for name, row in found.items() if hotlines.state(row) != "well"}


def _hotlines(live: Live, campaign: str) -> Found | None:
    if hotlines.can_show(live, campaign):
        return None
    told = _doubtful(live, campaign)
    gone = [name for name in hotlines.named(live, campaign) if name not in live.floor.hotlines]
    words = [f"{name} is not configured any more" for name in gone]
    words += [f"{name} {what}" for name, what in told.items() if name not in gone]
    names = "; ".join(words[:_NAMED]) + ("; ..." if len(words) > _NAMED else "") or "its group is empty"
    return "hotlines", f"no hotline can be shown: {names}", hotlines.next_return(live, campaign)


def _agents(live: Live, campaign: str) -> Found | None:
    serving = [row for row in live.agents.values() if live.serves(row.id, campaign)]
    full = quotas.at_quota(live, campaign)
    if any(live.serves(agent, campaign) and agent not in full for agent in live.free):
        return None
    if not serving:
        return "no_agents", "no agent takes calls of this campaign", None
    states = Counter(row.state for row in serving)
    if states["logged_out"] == len(serving):
        return "no_agents", f"its {_counted(len(serving), 'agent is', 'agents are')} logged out", None
    told = ", ".join(
        f"{count} {state.replace('_', ' ')}" for state, count in sorted(states.items()) if state != "logged_out"
    )
    if not states["ready"] and not full:
        return "no_ready_agent", f"no agent is ready: {told}", None
    at_work = [row.id for row in serving if row.state != "logged_out"]
    if full and all(agent in full for agent in at_work):
        because = f"every agent at work has his quota of leads for today: {_counted(len(at_work), 'agent', 'agents')}"
        return "quota", because, quotas.until(live, campaign)
    kept = sum(1 for row in serving if row.state == "ready" and row.id in live.booked)
    if kept == states["ready"]:
        return (
            "one_call_per_agent",
            f"every ready agent has a call on its way: {_counted(kept, 'agent', 'agents')}",
            None,
        )
    closed = sum(1 for row in serving if row.state == "ready" and not row.screen)
    if kept + closed == states["ready"]:
        because = (
            f"every agent who is ready and free has his campaign screen closed: {_counted(closed, 'agent', 'agents')}"
        )
        return "screens_closed", because, None
    return "no_ready_agent", f"no ready agent can be given a call yet: {told}", None


def _pacing(live: Live, campaign: str) -> Found | None:
    """Why the pacer of a predictive campaign wants no more calls now."""
    agents = [row for row in live.agents.values() if live.serves(row.id, campaign)]
    states = Counter(row.state for row in agents)
    at_work = sum(states[state] for state in ("ready", "ringing", "on_call", "wrap_up"))
    pace = live.paces.get(campaign)
    if not at_work:
        return _agents(live, campaign) or ("no_agents", "no agent of it is at work", None)
    if pace is None or pace.left > 0:
        return None
    told = ", ".join(
        f"{count} {state.replace('_', ' ')}" for state, count in sorted(states.items()) if state != "logged_out"
    )
    calls = _counted(live.campaign_lines[campaign], "call is", "calls are")
    because = f"one more call might be abandoned beyond the campaign's rate: {calls} on the way or talking for {told}"
    return "pacing", because, pace.asked_at + DECIDE_EVERY_S


def _lines(live: Live, campaign: str) -> Found:
    policy = live.policies[campaign]
    if not lines.house_line_free(live):
        ordinary = _ordinary(live.ordinary.total)
        calls = _counted(len(live.calls), "call", "calls")
        most = _counted(live.floor.limits.calls or 0, "call", "calls")
        return "house_lines", f"the house may have no more than {most}: {calls} of campaigns{ordinary}", None
    if not lines.campaign_line_free(live, campaign):
        used = live.campaign_lines[campaign]
        return "campaign_lines", f"no line of the campaign is free: {_counted(used, 'line', 'lines')} in use", None
    mode = policy.mode
    full: list[str] = []
    slots: list[float] = []
    for name in policy.trunks:
        trunk = live.floor.trunks.get(name)
        if trunk is None or not live.links[trunk.server].up:
            continue
        if not lines.trunk_line_free(live, name, trunk):
            ordinary = _ordinary(live.ordinary.held(name, trunk))
            used = live.trunk_lines[name]
            full.append(f"no line of trunk {name} is free: {_counted(used, 'line', 'lines')} in use{ordinary}")
        elif mode == "predictive" or dialing.longest_idle(live, campaign, trunk.server) is not None:
            slots.append(dialing.slot(live, name, trunk))
    if not slots and full:
        return "trunk_lines", "; ".join(full), None
    if not slots:
        return "server", "the free agents sit on servers on which the campaign has no trunk", None
    if mode == "manual":
        return (
            "agents_choose",
            "its leads are dialed when agents take them: agents are ready, and there are leads",
            None,
        )
    if min(slots) > live.now and mode not in SHOWS:
        return "calls_per_second", "the trunk's calls per second are used up", min(slots)
    return "none", "calls are being placed", None


def _ordinary(held: int) -> str:
    """The lines of ordinary calls, to be said after those of campaigns."""
    return f", {held} held by ordinary calls or kept for them" if held else ""


def _counted(count: int, one: str, many: str) -> str:
    """A count and its noun: `1 lead`, `2 leads`."""
    return f"{count} {one if count == 1 else many}"
