"""What the rule pack of one campaign asks for, as a value.

Never judges a call: that is the gate's.
"""

from __future__ import annotations

import msgspec

from dialerd.compliance.pack import AbandonRule, Pack, Purpose


class Law(msgspec.Struct, frozen=True, eq=False):
    """A campaign's pack for its channel and purpose."""

    pack_name: str
    pack: Pack | None
    """None: not known, and nothing may be dialed."""
    purpose: Purpose
    past_s: float | None
    """Seconds back to which the calls of a number must be known; None: no rule asks for them."""
    least_ring_s: float
    """Seconds that a call rings at least."""
    abandon: tuple[tuple[str, str, AbandonRule], ...]
    """Name, key of its counts, and the rule."""
    closes: bool
    """Whether there are hours that hold for every number of the pack, and so may close the whole campaign."""
    spares_agreed: bool
    """Whether these may be open for a call at a time that was agreed to."""
    spares_zoned: bool
    """Whether these may be open for a lead whose own time zone is known."""
