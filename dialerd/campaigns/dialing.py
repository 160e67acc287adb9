"""Whom to call next: one call for each ready agent, within lines and calls per second (V03, V09).

Never asks whether a call is allowed by law or rule: that is the gate's, at the moment of dialing.
"""

from __future__ import annotations

import phonenumbers

from dialerd.campaigns import hotlines, laws, lines, predicting, quotas
from dialerd.campaigns.live import Live
from dialerd.model import intents as i
from dialerd.model.ids import CALL
from dialerd.model.instants import FAR, Instant
from dialerd.model.policies import Trunk
from dialerd.model.rows import AgentRow, LeadRow
from dialerd.model.states import DIALABLE
from dialerd.model.ways import SHOWS

BEYOND_WAIT_S = 2.0
"""Seconds beyond the campaign's own limit after which the dialplan ends the wait of a customer whose daemon is gone. At the
same moment they would race, and the dialplan would hang up a customer who is just being connected."""
LATE_S = 0.03
"""Seconds that a call may come after its slot without moving the next one: the daemon's own lateness would else lower the
rate. In any second a trunk gets at most 1.03 times its calls per second, and one call more."""
SET_BACK_S = 1.0
"""Seconds that a slot may lie ahead of now; more than that only a clock that was set back can make."""
_HAIR = 1e-6
"""Seconds within which a slot of calls per second has come: instants are floats."""


def longest_idle(live: Live, campaign: str, server: str) -> str | None:
    """The free agent of the campaign on the server who has been ready the longest."""
    return live.teams.longest_idle(campaign, server, quotas.at_quota(live, campaign))


def agent_and_lead(live: Live, campaign: str, server: str) -> tuple[str, LeadRow] | None:
    """For whom to call next and whom: the agent who is free the longest and has a lead that he may work."""
    agent = longest_idle(live, campaign, server)
    hopper = live.hoppers[campaign]
    lead = None if agent is None else hopper.head(agent)
    if lead is None or laws.is_closed(live, campaign, lead):
        # all that is due for him is private to others, or rests by law: perhaps another who is free has one that may be called
        full = quotas.at_quota(live, campaign)
        theirs = [name for name in hopper.only_for() if name in live.free]
        theirs = [name for name in theirs if live.floor.agents[name].server == server and live.serves(name, campaign)]
        for name in sorted(theirs, key=lambda name: (live.agents[name].since, name)):
            own = hopper.head(name)
            if own is None or laws.is_closed(live, campaign, own):
                continue
            if name not in full or is_promised(own, name):
                return name, own
    return None if lead is None or agent is None else (agent, lead)


def is_promised(lead: LeadRow, agent: str) -> bool:
    """Whether the agent has promised to call the lead back himself: that is kept beyond his quota (C11)."""
    return lead.private_to == agent and lead.state == "callback"


def slot(live: Live, name: str, trunk: Trunk) -> Instant:
    """When the trunk may place its next call by its calls per second."""
    last = live.trunk_slots.get(name) or live.trunk_last.get(name, 0.0)
    if last > live.now + SET_BACK_S:  # the host's clock was set back: calls placed in the future hold nothing up
        return live.now
    return last + 1.0 / trunk.calls_per_second


def use_slot(live: Live, name: str, trunk: Trunk) -> None:
    """A call is placed now: the next slot counts from this call's own, unless it comes much later than that."""
    due = slot(live, name, trunk)
    live.trunk_slots[name] = due if live.now - due <= LATE_S else live.now


def trunk_free(live: Live, name: str, trunk: Trunk) -> bool:
    """Whether the trunk has a line and its server can be reached."""
    return live.links[trunk.server].up and lines.trunk_line_free(live, name, trunk)


def leads_done(live: Live, campaign: str) -> bool:
    """Whether the campaign has leads and none of them is being dialed or may still be, now or later."""
    counts = live.lead_states[campaign]
    return counts.total() > 0 and not any(counts[state] for state in ("in_progress", "held", *DIALABLE))


def next_dial(live: Live) -> i.Dial | i.Show | None:
    """The next call to place, or the next lead to show, of the campaign whose turn it is: callbacks first, then by share."""
    if live.draining or not (live.free or live.predictive) or not lines.house_line_free(live):
        return None
    for campaign in in_turn(live):
        policy = live.policies[campaign]
        predictive = policy.mode == "predictive"
        if (
            not (live.free or predictive)
            or policy.mode == "manual"
            or live.hoppers[campaign].empty
            or not lines.campaign_line_free(live, campaign)
        ):
            continue
        if not hotlines.can_show(live, campaign):
            continue
        hours = live.hours(policy.schedule, live.now)
        if hours is not None and not hours.open:
            continue
        if predictive:
            dial = _predicted(live, campaign)
            if dial is not None:
                return dial
            continue
        for name in policy.trunks:
            trunk = live.floor.trunks.get(name)
            if trunk is None or not live.teams.manned(campaign, trunk.server):
                continue
            shows = policy.mode in SHOWS
            if not trunk_free(live, name, trunk) or (not shows and slot(live, name, trunk) > live.now + _HAIR):
                continue
            found = agent_and_lead(live, campaign, trunk.server)
            if found is None:
                continue
            agent, lead = found
            if laws.is_closed(live, campaign, lead):
                continue
            if shows:
                until = live.now + (policy.preview.seconds if policy.mode == "preview" else 0.0)
                return i.Show(agent, campaign, lead.id, lead.number, until)
            return _dial(live, name, trunk, agent, lead)
    return None


def _predicted(live: Live, campaign: str) -> i.Dial | None:
    """A call for whichever agent will be free when it is answered, if the pacer wants one."""
    lead = live.hoppers[campaign].head()
    if lead is None or laws.is_closed(live, campaign, lead):
        return None
    for name in live.policies[campaign].trunks:
        trunk = live.floor.trunks.get(name)
        if trunk is None or not trunk_free(live, name, trunk) or slot(live, name, trunk) > live.now + _HAIR:
            continue
        if live.teams.has(campaign, trunk.server) and predicting.wants(live, campaign):
            # where agents are shared, who is free is kept from other campaigns; whichever call is answered first gets him
            kept = longest_idle(live, campaign, trunk.server) if predicting.may_keep(live, campaign) else None
            return _dial(live, name, trunk, kept or "", lead)
    return None


def in_turn(live: Live) -> list[str]:
    """Campaigns that run, in the order in which they are served: callbacks before all others, then by share."""
    if len(live.running) == 1:
        return list(live.running)
    return sorted(live.running, key=lambda name: (live.policies[name].mode != "callback", live.shares.place(name)))


def dial_shown(live: Live, agent: AgentRow, lead: LeadRow) -> i.Dial | None:
    """The call to the lead that is before an agent whose phone is up; None while no line or slot is free for it."""
    campaign = lead.campaign
    if not (lines.house_line_free(live) and lines.campaign_line_free(live, campaign)):
        return None
    if not hotlines.can_show(live, campaign):
        return None
    for name, trunk in _trunks_of(live, agent, campaign):
        if slot(live, name, trunk) <= live.now + _HAIR:
            return _dial(live, name, trunk, agent.id, lead)
    return None


def shown_slot(live: Live, agent: AgentRow, lead: LeadRow) -> Instant:
    """When calls per second let the lead that is before the agent be called; FAR if they are not what it waits for."""
    slots = [slot(live, name, trunk) for name, trunk in _trunks_of(live, agent, lead.campaign)]
    return min((at for at in slots if at > live.now), default=FAR)


def _trunks_of(live: Live, agent: AgentRow, campaign: str) -> list[tuple[str, Trunk]]:
    """The campaign's trunks on the agent's server that have a line, in order of preference."""
    server = live.floor.agents[agent.id].server
    named = ((name, live.floor.trunks.get(name)) for name in live.policies[campaign].trunks)
    return [
        (name, trunk)
        for name, trunk in named
        if trunk is not None and trunk.server == server and trunk_free(live, name, trunk)
    ]


def _dial(live: Live, name: str, trunk: Trunk, agent: str, lead: LeadRow) -> i.Dial:
    policy = live.policies[lead.campaign]
    call = live.peek_leg(CALL)
    hotline = hotlines.pick(live, lead.campaign, call)
    line = live.floor.hotlines.get(hotline)
    return i.Dial(
        call=call,
        campaign=lead.campaign,
        lead=lead.id,
        number=lead.number,
        server=trunk.server,
        trunk=name,
        dial=trunk.dial.replace("{number}", dialed_number(lead.number, trunk)),
        hotline=hotline,
        caller_number=line.number if line else "",
        caller_name=line.name if line else "",
        ring_s=policy.ring_s,
        wait_s=policy.max_wait_s + BEYOND_WAIT_S,
        sound=policy.waiting_sound,
        drop_prompt=policy.drop_prompt,
        booked=agent,
    )


def next_slot(live: Live, campaign: str) -> Instant:
    """When calls per second let the campaign place its next call; FAR if they are not what it waits for."""
    at = FAR
    mode = live.policies[campaign].mode
    if mode in SHOWS:
        return at  # what could be shown is shown at once
    if mode == "predictive":
        return _predicted_slot(live, campaign)
    if not (lines.house_line_free(live) and lines.campaign_line_free(live, campaign)):
        return at
    if not hotlines.can_show(live, campaign):
        return at  # whoever ends their rest wakes
    for name in live.policies[campaign].trunks:
        trunk = live.floor.trunks.get(name)
        if trunk is None or not live.teams.manned(campaign, trunk.server) or not trunk_free(live, name, trunk):
            continue
        found = agent_and_lead(live, campaign, trunk.server)
        if found is not None and not laws.is_closed(live, campaign, found[1]):
            at = min(at, slot(live, name, trunk))
    return at


def _predicted_slot(live: Live, campaign: str) -> Instant:
    """When a predictive campaign may place its next call: at its trunk's slot, or when its pacer is asked again."""
    if not (lines.house_line_free(live) and lines.campaign_line_free(live, campaign)):
        return FAR
    trunks = ((name, live.floor.trunks.get(name)) for name in live.policies[campaign].trunks)
    slots = [slot(live, name, trunk) for name, trunk in trunks if trunk is not None and trunk_free(live, name, trunk)]
    pace = live.paces.get(campaign)
    if not slots or pace is None:
        return FAR
    return min(slots) if pace.left > 0 else max(min(slots), predicting.asks_at(live, campaign))


def dialed_number(number: str, trunk: Trunk) -> str:
    """`number` as the trunk wants it: its prefix, then E.164, plain international, or national digits."""
    if trunk.number_format == "e164":
        digits = number
    elif trunk.number_format == "national" and number.startswith("+"):
        digits = _national(number)
    else:
        digits = number.lstrip("+")
    return trunk.prefix + digits


def _national(number: str) -> str:
    """The digits one dials at home, with the trunk prefix where the country has one."""
    parsed = phonenumbers.parse(number)
    text = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
    return "".join(c for c in text if c.isdigit())
