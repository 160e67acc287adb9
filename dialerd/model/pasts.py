"""What the store tells of a number's past: the calls it got, over all campaigns, and its entries in do-not-call lists.

Never a judgement: what a past contact means is for the rules of the pack.
"""

from __future__ import annotations

from typing import Final

import msgspec

from dialerd.model.instants import Instant

OWN: Final = "own"
"""The house's own list."""
REGISTER: Final = "register"
"""The operator's register."""
REFUSALS: Final = "refusals"
"""Who said that he does not want to be called. An entry bars nothing by itself: packs say how long a refusal silences."""
OF_CAMPAIGN: Final = "campaign:"
"""Before a campaign's name: the list that holds in that campaign only."""


class PastCall(msgspec.Struct, frozen=True, omit_defaults=True):
    """A call that a number got, or is getting."""

    id: str
    at: Instant
    """When it was placed."""
    campaign: str
    purpose: str = ""
    """Empty: not known."""
    outcome: str = ""
    """Empty: it is not over."""
    answered_by: str = ""
    talked: bool = False


class ListEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """An entry of a do-not-call list, or a refusal."""

    list_name: str
    channel: str
    at: Instant
    until: Instant | None = None
    """None: for good."""
    version: int = 0
    """The version of the list that it came with: of a list with a newer one it is an entry no more."""


class Past(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that was asked for of one number."""

    number: str
    calls: tuple[PastCall, ...] = ()
    entries: tuple[ListEntry, ...] = ()
