"""What leads are searched by (C17), and whether a lead is what was searched for.

Never a question to a database: the store narrows with its indexes, and what it finds is held against this.
"""

from __future__ import annotations

import msgspec

from dialerd.model.folded_text import fold
from dialerd.model.instants import FAR, Instant
from dialerd.model.rows import LeadRow


class LeadSearch(msgspec.Struct, frozen=True):
    """ALL of these; an empty one asks for nothing."""

    campaign: str
    name: str = ""
    """A part of the name; accents and capitals do not count. So with address and e-mail."""
    phone: str = ""
    """The beginning of the phone as the campaign keeps it, such as +8491."""
    email: str = ""
    address: str = ""
    states: tuple[str, ...] = ()
    """Any of these; none: all states."""
    owner: str = ""
    list_name: str = ""
    participation: str = ""
    joined_from: Instant = 0.0
    joined_before: Instant = FAR
    """Joined at `joined_from` or later, and before this."""


class LeadsFound(msgspec.Struct, frozen=True):
    """A portion of what was searched for."""

    leads: list[LeadRow]
    after: int
    """Where to go on: the lead with this id was the last that was looked at."""
    more: bool
    """Whether there are leads after it that were not looked at."""


def is_sought(search: LeadSearch, lead: LeadRow) -> bool:
    """Whether `lead` is what `search` asks for."""
    return (
        lead.campaign == search.campaign
        and lead.phone.startswith(search.phone)
        and (not search.states or lead.state in search.states)
        and search.owner in ("", lead.owner)
        and search.list_name in ("", lead.list_name)
        and search.participation in ("", lead.participation)
        and search.joined_from <= lead.created_at < search.joined_before
        and fold(search.name) in fold(lead.name)
        and fold(search.address) in fold(lead.address)
        and search.email.strip().casefold() in lead.email.casefold()
    )
