"""What of a campaign's policy goes against its rule pack, as faults of a command (V14, C10).

Never judges a call: a campaign that got past this is judged by the gate all the same.
"""

from __future__ import annotations

from dialerd.campaigns.live import Live
from dialerd.compliance.pack_conflicts import Conflict, conflicts
from dialerd.model.errors import Refusal
from dialerd.model.plain_words import Fault
from dialerd.model.policies import Campaign
from dialerd.model.wording import one_of, quoted


def pack_faults(live: Live, campaign: Campaign) -> list[Fault]:
    """What must be mended before the policy is taken: a pack that nobody knows, or a key that is against it."""
    if campaign.pack not in live.packs:
        known = sorted(live.packs)
        words = one_of(campaign.pack, known, "none")
        return [Fault(("pack",), f"{quoted(campaign.pack)}, not one of the rule packs", words, tuple(known))]
    return [Fault((one.field,), one.found, one.allowed) for one in _conflicts(live, campaign) if not one.warning]


def pack_warnings(live: Live, campaign: Campaign) -> list[str]:
    """What may stay as it is, and should not."""
    return [
        f"{one.field}: found {one.found}, allowed: {one.allowed}" for one in _conflicts(live, campaign) if one.warning
    ]


def pack_fits(live: Live, name: str) -> None:
    """Raises Refusal if a campaign cannot run by its pack as both are now: its pack may have changed since it was written."""
    for fault in pack_faults(live, live.policies[name]):
        key = ".".join(fault.path)
        told = f"{key} of {name}: found {fault.found}, allowed: {fault.allowed}"
        raise Refusal("not_configured", told, key, list(fault.names) or fault.allowed)


def _conflicts(live: Live, campaign: Campaign) -> list[Conflict]:
    pack = live.packs.get(campaign.pack)
    return [] if pack is None else conflicts(pack, campaign, channel=campaign.channel, purpose=campaign.purpose)
