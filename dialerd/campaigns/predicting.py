"""Predictive campaigns and their pacers: what a pacer hears and is shown of calls and agents, and how many calls it wants (V04).

Never places a call, and never tells a pacer more than its contract has: counts and seconds.
"""

from __future__ import annotations

from collections.abc import Iterable

from dialerd.campaigns import lines
from dialerd.campaigns.abandons import windows
from dialerd.campaigns.live import Live
from dialerd.campaigns.pace import Pace
from dialerd.model.instants import FAR, Instant
from dialerd.model.rows import AgentRow, AttemptRow
from dialerd.pacing import contract as c
from dialerd.pacing.policy import PacingPolicy
from dialerd.pacing.predictive import Predictive

DECIDE_EVERY_S = 1.0
"""A pacer is asked at least so often while its campaign can dial: what it knows ages by the second."""
DECIDE_AGAIN_S = 0.1
"""And not more often than so, whatever happens: a decision costs more than the event that called for it."""
_NO_ANSWER = frozenset({"no_answer", "no_response", "absent", "cancelled"})
_WAIT_MOST_S = 60.0
_AT_WORK = frozenset({"ready", "previewing", "calling", "ringing", "on_call", "wrap_up"})


def pace_of(live: Live, campaign: str) -> Pace | None:
    """How the campaign is paced; None if it is not predictive."""
    policy = live.policies[campaign]
    if policy.mode != "predictive":
        live.paces.pop(campaign, None)
        return None
    wanted = PacingPolicy(policy.max_abandon_rate, min(policy.max_wait_s, _WAIT_MOST_S))
    pace = live.paces.get(campaign)
    if pace is None or pace.policy != wanted:
        pace = live.paces[campaign] = Pace(wanted, Predictive(wanted))
    return pace


# --- what pacers hear


def call_event(live: Live, campaign: str, event: c.Event) -> None:
    """Something happened to a call of the campaign."""
    pace = pace_of(live, campaign)
    if pace is not None:
        pace.hear(event, live.now)


def call_answered(live: Live, call: AttemptRow) -> None:
    """A person picked up, and wants an agent."""
    call_event(live, call.campaign, c.Answered(live.now - call.placed_at))
    call_event(live, call.campaign, c.Offered())


def call_connected(live: Live, call: AttemptRow) -> None:
    """He talks with one."""
    call_event(live, call.campaign, c.Connected(live.now - (call.answered_at or live.now)))


def call_placed(live: Live, campaign: str) -> None:
    """A call is placed."""
    pace = pace_of(live, campaign)
    if pace is not None:
        pace.placed(c.Placed(), live.now)


def call_ended(live: Live, call: AttemptRow) -> None:
    """A call is over: how, if nobody talked on it."""
    if call.connected_at is not None or live.policies[call.campaign].mode != "predictive":
        return
    event: c.Event
    if call.answered_at is not None:
        reason = "too_late" if call.outcome == "abandoned" else "hung_up"
        event = c.Abandoned(live.now - call.answered_at, reason)
    elif call.outcome == "busy":
        event = c.Busy()
    else:
        event = c.NoAnswer() if call.outcome in _NO_ANSWER else c.Failed()
    call_event(live, call.campaign, event)


def agent_moved(live: Live, agent: AgentRow, was: str, since: Instant) -> None:
    """An agent is in another state than `was`, in which he had been since `since`: all pacers hear it for whom he works."""
    event: c.Event | None = None
    if was == "logged_out":
        event = c.Login()
    elif agent.state == "logged_out":
        event = c.Logout()
    elif was == "on_call":
        event = c.TalkEnded(live.now - since)
    elif agent.state == "not_ready":
        event = c.Paused()
    elif agent.state == "ready" and was in ("wrap_up", "not_ready", "connecting"):
        event = c.Ready(live.now - since if was == "wrap_up" else 0.0)
    if event is None:
        return
    for campaign in live.paces:
        if campaign in live.running and live.serves(agent.id, campaign):
            live.paces[campaign].hear(event, live.now)


# --- what they are asked


def wants(live: Live, campaign: str) -> bool:
    """Whether the campaign's pacer wants one more call placed now."""
    pace = pace_of(live, campaign)
    if pace is None:
        return False
    stale = live.now >= pace.asked_at + DECIDE_EVERY_S
    if stale or (pace.stirred and live.now >= pace.asked_at + DECIDE_AGAIN_S):
        reading = read(live, campaign)
        pace.asked(pace.pacer.calls_to_place(reading, live.now), reading.agents, live.now)
    return pace.left > 0


def asks_at(live: Live, campaign: str) -> Instant:
    """When the pacer is to be asked again; FAR: there is none."""
    pace = live.paces.get(campaign)
    if pace is None:
        return FAR
    return pace.asked_at + (DECIDE_AGAIN_S if pace.stirred else DECIDE_EVERY_S)


def read(live: Live, campaign: str) -> c.Reading:
    """The floor as the campaign's pacer may see it."""
    ready: list[float] = []
    connecting: list[float] = []
    talking: list[float] = []
    wrap_up: list[float] = []
    part = _part(live, campaign)
    by_state = {"ready": ready, "ringing": connecting, "on_call": talking, "wrap_up": wrap_up}
    for row in live.agents.values():
        ages = by_state.get(row.state)
        if ages is None or row.after_call or not row.screen or not live.serves(row.id, campaign):
            continue
        if row.state == "ready" and row.id not in live.free:
            kept_for = live.calls.get(live.booked.get(row.id, ""))
            if kept_for is None:
                continue  # his phone is not there
            if kept_for.campaign != campaign:
                ages = connecting
        busy = ages is connecting or ages is talking
        if part < 1.0 and busy and not _on_its_call(live, row, campaign):
            continue  # he comes back to all
        ages.append(live.now - row.since)
    ringing: list[float] = []
    waiting: list[float] = []
    for call in live.calls.values():
        if call.campaign != campaign:
            continue
        if call.state in ("dialing", "ringing"):
            ringing.append(live.now - call.placed_at)
        elif call.state in ("answered", "waiting"):
            waiting.append(live.now - (call.waiting_at or live.now))
    if part < 1.0:
        del wrap_up[round(len(wrap_up) * part) :]
        del ready[max(0, _its_agents(live, campaign, part) - len(connecting) - len(talking) - len(wrap_up)) :]
    hopper = live.hoppers[campaign]
    tally = live.tallies[campaign]
    return c.Reading(
        ready=ready,
        connecting=connecting,
        talking=talking,
        wrap_up=wrap_up,
        ringing=ringing,
        waiting=waiting,
        free_lines=_free_lines(live, campaign),
        total=c.Counts(
            placed=tally.placed,
            answered=tally.answered,
            no_answer=tally.no_answer,
            busy=tally.busy,
            failed=tally.failed,
            connected=tally.connected,
            abandoned=tally.abandoned,
        ),
        windows=windows(live, campaign),
        leads_left=hopper.leads if hopper.next_due > live.now else None,
    )


def kept_for_another(live: Live, call: AttemptRow) -> str | None:
    """An agent who is kept for a call of the same campaign that still rings: this customer has answered and goes before it."""
    for agent, other in live.booked.items():
        kept = live.calls[other]
        if kept.campaign == call.campaign and kept.server == call.server and other in live.early:
            return agent
    return None


def may_keep(live: Live, campaign: str) -> bool:
    """Whether a free agent is kept for a call of the campaign that nobody has answered yet.

    Only where another campaign could take him, and for no more of them than its part.
    """
    part = _part(live, campaign)
    if part >= 1.0:
        return False
    held = sum(1 for call in live.calls.values() if call.campaign == campaign and (call.booked or call.agent))
    return held < _its_agents(live, campaign, part)


def _its_agents(live: Live, campaign: str, part: float) -> int:
    """How many of the agents at work are the campaign's by its part: one at least."""
    at_work = sum(1 for row in live.agents.values() if row.state in _AT_WORK and live.serves(row.id, campaign))
    return max(1, round(at_work * part))


def _on_its_call(live: Live, agent: AgentRow, campaign: str) -> bool:
    call = live.calls.get(agent.call)
    return call is not None and call.campaign == campaign


def _part(live: Live, campaign: str) -> float:
    """Its part of the agents by the shares of all campaigns that run with leads and agents of its own (V09)."""
    mine = live.policies[campaign].share
    others = sum(
        live.policies[name].share
        for name in live.running
        if name != campaign and not live.hoppers[name].empty and live.teams.meet(name, campaign)
    )
    return mine / (mine + others)


def _free_lines(live: Live, campaign: str) -> int:
    policy, floor = live.policies[campaign], live.floor
    trunks = ((name, floor.trunks.get(name)) for name in policy.trunks)
    left = sum(
        lines.trunk_lines_left(live, name, trunk)
        for name, trunk in trunks
        if trunk is not None and live.links[trunk.server].up
    )
    return max(0, min([left, *lines.ceilings_left(live, campaign)]))


def nobody_for(live: Live, campaigns: Iterable[str]) -> list[str]:
    """Predictive campaigns whose calls nobody is left to take."""
    return [name for name in campaigns if (pace := live.paces.get(name)) is not None and not pace.agents]
