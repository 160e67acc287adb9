"""What of a campaign's policy goes against its rule pack, found when it is written and not when it dials.

Never takes the place of the gate: a campaign that goes against its pack is refused there as well.
"""

from __future__ import annotations

from typing import NamedTuple

from dialerd.compliance.pack import Channel, Pack, Purpose
from dialerd.model.policies import Campaign


class Conflict(NamedTuple):
    """A field of the campaign, what was found there, and what the pack allows. A `warning` may stay as it is."""

    field: str
    found: str
    allowed: str
    warning: bool = False


def conflicts(
    pack: Pack, campaign: Campaign, *, channel: Channel = "voice", purpose: Purpose = "marketing"
) -> list[Conflict]:
    """All that `campaign` would do against `pack` on that channel and for that purpose."""
    found: list[Conflict] = []
    for name, ringing in pack.ringing.items():
        if ringing.holds_for(channel, purpose) and campaign.ring_s < ringing.at_least_s:
            allowed = f"at least {ringing.at_least_s:g} by the rule {pack.name}/{name}"
            found.append(Conflict("ring_s", f"{campaign.ring_s:g}", allowed))
    for name, rule in pack.abandon.items():
        if not rule.holds_for(channel, purpose):
            continue
        by = f"by the rule {pack.name}/{name}"
        if campaign.max_abandon_rate * 100 > rule.max_percent:
            most = f"at most {rule.max_percent / 100:g} {by}"
            found.append(Conflict("max_abandon_rate", f"{campaign.max_abandon_rate:g}", most))
        if campaign.max_wait_s > rule.agent_within_s:
            waits = f"at most {rule.agent_within_s:g} {by}; who waits longer counts as abandoned"
            found.append(Conflict("max_wait_s", f"{campaign.max_wait_s:g}", waits, warning=True))
        if rule.message_within_s is not None and not campaign.drop_prompt:
            found.append(Conflict("drop_prompt", "nothing", f"an information message {by}", warning=True))
    return found
