"""Whom to call next: progressive dialing, one call for each ready agent, within lines and calls per second (V03, V09).

Never asks whether a call is allowed by law or rule: that is the gate's, at the moment of dialing.
"""

from __future__ import annotations

import phonenumbers

from dialerd.campaigns.live import Live
from dialerd.model import intents as i
from dialerd.model.ids import CALL
from dialerd.model.instants import FAR, Instant
from dialerd.model.policies import Trunk
from dialerd.model.states import DIALABLE

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
    best, best_since = "", FAR
    for agent in live.free:  # asked for every call, of all free agents: so the cheap question first
        since = live.agents[agent].since
        if since > best_since or (since == best_since and agent > best):
            continue
        if live.floor.agents[agent].server == server and live.serves(agent, campaign):
            best, best_since = agent, since
    return best or None


def anybody_free(live: Live, campaign: str, server: str) -> bool:
    """Whether a free agent of the campaign is on the server."""
    return any(live.floor.agents[agent].server == server and live.serves(agent, campaign) for agent in live.free)


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
    return live.links[trunk.server].up and live.trunk_lines[name] < trunk.lines


def campaign_lines_free(live: Live, campaign: str) -> bool:
    """Whether the campaign is below its own ceiling of calls."""
    ceiling = live.policies[campaign].lines
    return ceiling is None or live.campaign_lines[campaign] < ceiling


def leads_done(live: Live, campaign: str) -> bool:
    """Whether the campaign has leads and none of them is being dialed or may still be, now or later."""
    counts = live.lead_states[campaign]
    return counts.total() > 0 and not any(counts[state] for state in ("in_progress", "held", *DIALABLE))


def next_dial(live: Live) -> i.Dial | None:
    """The next call to place, of the campaign with the fewest calls."""
    if not live.free or live.draining:
        return None
    for campaign in sorted(live.running, key=lambda c: live.campaign_lines[c]):
        policy = live.policies[campaign]
        lead = live.hoppers[campaign].head()
        if lead is None or not campaign_lines_free(live, campaign):
            continue
        hours = live.hours(policy.schedule, live.now)
        if hours is not None and not hours.open:
            continue
        for name in policy.trunks:
            trunk = live.floor.trunks.get(name)
            if trunk is None or not trunk_free(live, name, trunk) or slot(live, name, trunk) > live.now + _HAIR:
                continue
            agent = longest_idle(live, campaign, trunk.server)
            if agent is None:
                continue
            hotline = policy.hotlines[live.tallies[campaign].placed % len(policy.hotlines)] if policy.hotlines else ""
            line = live.floor.hotlines.get(hotline)
            return i.Dial(
                call=live.peek_leg(CALL),
                campaign=campaign,
                lead=lead.id,
                number=lead.phone,
                server=trunk.server,
                trunk=name,
                dial=trunk.dial.replace("{number}", dialed_number(lead.phone, trunk)),
                hotline=hotline,
                caller_number=line.number if line else "",
                caller_name=line.name if line else "",
                ring_s=policy.ring_s,
                wait_s=policy.max_wait_s + BEYOND_WAIT_S,
                sound=policy.waiting_sound,
                drop_prompt=policy.drop_prompt,
                booked=agent,
            )
    return None


def next_slot(live: Live, campaign: str) -> Instant:
    """When calls per second let the campaign place its next call; FAR if they are not what it waits for."""
    at = FAR
    if not campaign_lines_free(live, campaign):
        return at
    for name in live.policies[campaign].trunks:
        trunk = live.floor.trunks.get(name)
        if trunk is not None and trunk_free(live, name, trunk) and anybody_free(live, campaign, trunk.server):
            at = min(at, slot(live, name, trunk))
    return at


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
