"""The dossier: all that the rules may know of one contact that is about to be made.

Never says whether it may be made: the gate does.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from dialerd.compliance.abandon_rule import Tally
from dialerd.compliance.do_not_call import Suppressed
from dialerd.compliance.history import History
from dialerd.compliance.pack import Channel, Pack, Purpose
from dialerd.model.instants import Instant
from dialerd.model.policies import Campaign, Schedule


class Dossier(msgspec.Struct, frozen=True):
    """One contact with one number. What is left out is not known, and a rule that needs it refuses."""

    number: str
    lead_state: str
    attempts: int
    next_at: Instant
    campaign_state: str
    policy: Campaign
    schedule: Schedule | None
    live_on_number: bool
    """A call to this number is alive already, in whichever campaign."""
    channel: Channel = "voice"
    purpose: Purpose = "marketing"
    pack_name: str = ""
    """The rule pack that the campaign names; empty: none."""
    pack: Pack | None = None
    """That pack; None though one is named: it is not known, and nothing may be dialed."""
    zone: str | None = None
    """The lead's own time zone (IANA name), if it is known better than by the number."""
    area: str | None = None
    """The lead's part of the country by the pack's codes, such as FL, if it is known from an address."""
    history: History | None = None
    """None: not known."""
    agent_guaranteed: bool = False
    """An agent is kept free for this call, so that it cannot be abandoned."""
    agreed: bool = False
    """The called party asked for a contact at this time (a callback), and that is on record."""
    suppressed: tuple[Suppressed, ...] | None = ()
    """The entries of all do-not-call lists for this number; None: not known, though there are lists."""
    abandons: Mapping[str, Tally] | None = None
    """The campaign's answered calls in the present period of each abandon rule of the pack, by the rule's name."""
