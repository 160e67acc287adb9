"""lead.list: leads of a campaign searched by name, phone, e-mail, address, state, owner, list and joining time (C17).

Never looks through more than a portion of the list in one call: `more` says that there is a rest, and `after` where it begins.
"""

from __future__ import annotations

import builtins
import re
from typing import Annotated, Any

import phonenumbers
from pydantic import BeforeValidator, Field

from dialerd.control.campaign_list import When
from dialerd.control.campaigns import known
from dialerd.control.leads import LeadView, lead_view
from dialerd.control.table import OFFICE, Args, Command, Desk, Result, Who
from dialerd.model import states
from dialerd.model.errors import Refusal
from dialerd.model.instants import FAR
from dialerd.model.lead_search import LeadSearch
from dialerd.model.phones import AS_DIALED, normalise
from dialerd.model.policies import Name, Principal, Region

_BEGINNING = re.compile(r"\+?[0-9]{1,15}")
_BETWEEN = re.compile(r"[ ().\-]")


def _apart(given: Any) -> Any:
    return [part.strip() for part in given.split(",") if part.strip()] if isinstance(given, str) else given


class LeadListing(Args):
    """Leads by id (by phone, if a phone is given); ALL that is given must fit."""

    campaign: Name
    state: (
        Annotated[builtins.list[Annotated[str, Field(max_length=64)]], BeforeValidator(_apart), Field(max_length=20)]
        | None
    ) = None
    """In this state, or in one of these: a list, or a text parted by commas."""
    name: str = Field("", max_length=200)
    """A part of the name; accents and capitals do not count. So with address and email."""
    phone: str = Field("", max_length=64)
    """The whole phone, or its beginning: +8491, 8491 or 091."""
    email: str = Field("", max_length=254)
    address: str = Field("", max_length=200)
    owner: Principal | None = None
    """His account manager."""
    list: str | None = Field(None, max_length=200)
    """The list he came with."""
    participation: Annotated[str, Field(max_length=64)] | None = None
    joined_from: When | None = None
    """Joined at this moment or later (ISO 8601 with offset)."""
    joined_before: When | None = None
    """Joined before this moment."""
    after: int = Field(0, ge=0, le=2**53)
    """Go on after the lead with this id, as the answer before said."""
    limit: int = Field(100, ge=1, le=1000)


class LeadList(Result):
    """Leads; with `more`, ask again with this `after`, even if none was found."""

    leads: list[LeadView]
    after: int
    more: bool


def beginning(text: str, region: Region) -> str:
    """The beginning of a phone as a campaign of that region keeps phones. Raises Refusal (field `phone`)."""
    raw = _BETWEEN.sub("", text.strip())
    if not raw:
        return ""
    if not _BEGINNING.fullmatch(raw):
        raise Refusal(
            "bad_argument", f"{text[:64]!r} is not the beginning of a phone", "phone", "digits, + before them"
        )
    try:
        return normalise(raw, region)  # the whole of it
    except Refusal:
        pass
    if region == AS_DIALED:
        return raw.removeprefix("+")
    code = _country_code(region)
    if raw.startswith("+"):
        return raw
    if raw.startswith("00"):
        return f"+{raw[2:]}"
    if raw.startswith("0"):
        return f"+{code}{raw[1:]}"
    return f"+{raw}" if raw.startswith(code) else f"+{code}{raw}"


def _country_code(region: Region) -> str:
    return str(phonenumbers.country_code_for_region(region))


async def _list(desk: Desk, who: Who, args: LeadListing) -> LeadList:
    known(desk.live, args.campaign)
    wanted = args.state or []
    for state in wanted:
        if state not in states.LEAD:
            raise Refusal("bad_argument", f"{state!r} is not a state of a lead", "state", sorted(states.LEAD))
    if args.participation is not None and args.participation not in states.PARTICIPATION:
        allowed = sorted(set(states.PARTICIPATION) - {"none"})
        raise Refusal("bad_argument", f"{args.participation!r} is not a participation", "participation", allowed)
    search = LeadSearch(
        args.campaign,
        args.name,
        beginning(args.phone, desk.live.policies[args.campaign].region),
        args.email,
        args.address,
        tuple(wanted),
        args.owner or "",
        args.list or "",
        args.participation or "",
        0.0 if args.joined_from is None else args.joined_from,
        FAR if args.joined_before is None else args.joined_before,
    )
    found = await desk.store.leads_sought(search, args.after, args.limit)
    return LeadList(leads=[lead_view(desk.live, row) for row in found.leads], after=found.after, more=found.more)


COMMANDS: tuple[Command[Any], ...] = (
    Command("lead.list", "Leads, searched", OFFICE, LeadListing, LeadList, "read", read=_list),
)
