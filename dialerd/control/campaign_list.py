"""campaign.list: campaigns searched by name, state, owner, channel and dates, sorted, page by page (C17).

Never tells of a campaign that the asker may not see, not even by counting it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from dialerd.campaigns.live import Live
from dialerd.control.campaigns import CampaignView, view
from dialerd.control.permissions import STATES, seen
from dialerd.control.table import EVERYBODY, Args, Command, Desk, Result, Who
from dialerd.model.errors import Refusal
from dialerd.model.folded_text import fold
from dialerd.model.instants import Instant
from dialerd.model.policies import Moment, Principal
from dialerd.model.rows import CampaignRow


def _text(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("not a moment; ISO 8601 such as 2026-11-21T08:00:00+07:00 is allowed")
    return value


When = Annotated[Moment, BeforeValidator(_text)]
"""A moment as people write it."""


class Listing(Args):
    """Which campaigns, in which order."""

    name: str | None = Field(None, max_length=200)
    """A part of the name or of the id; accents and capitals make no difference."""
    state: str | None = Field(None, max_length=200)
    """Only campaigns in this state, or in one of these, parted by commas."""
    owner: Principal | None = None
    """Only campaigns that he made or that are in his charge."""
    channel: Literal["voice", "sms", "email"] | None = None
    """Only campaigns of this channel."""
    created_from: When | None = None
    """Made at this moment or later (ISO 8601 with offset)."""
    created_to: When | None = None
    """Made before this moment."""
    began_from: When | None = None
    """Its first run began at this moment or later."""
    began_to: When | None = None
    """Its first run began before this moment."""
    ended_from: When | None = None
    """It finished at this moment or later."""
    ended_to: When | None = None
    """It finished before this moment."""
    sort: Literal["campaign", "name", "state", "created", "began", "ended"] = "campaign"
    """What they are sorted by; those without the moment come last."""
    descending: bool = False
    """The greatest or latest first."""
    skip: int = Field(0, ge=0, le=1_000_000)
    """Leave out so many: the campaigns of the pages before."""
    limit: int = Field(100, ge=1, le=1000)
    """At most so many."""


class CampaignList(Result):
    """A page of campaigns."""

    campaigns: list[CampaignView]
    total: int
    """How many there are on all pages."""


Key: TypeAlias = Callable[[Live, CampaignRow], Any]
KEYS: Mapping[str, Key] = {
    "campaign": lambda live, row: row.id,
    "name": lambda live, row: fold(live.policies[row.id].name),
    "state": lambda live, row: row.state,
    "created": lambda live, row: row.created_at,
    "began": lambda live, row: row.began_at,
    "ended": lambda live, row: row.ended_at,
}


def states_of(text: str | None) -> frozenset[str]:
    """The states that are asked for. Raises Refusal for a word that is none."""
    if text is None:
        return STATES
    words = [word.strip() for word in text.split(",")]
    for word in words:
        if word not in STATES:
            raise Refusal("bad_argument", f"{word!r} is not a state", "state", sorted(STATES))
    return frozenset(words)


async def _list(desk: Desk, who: Who, args: Listing) -> CampaignList:
    live, states = desk.live, states_of(args.state)
    part = fold(args.name or "")
    rows = [row for row in seen(live, who) if row.state in states and _fits(live, row, args, part)]
    key = KEYS[args.sort]
    known = [row for row in rows if key(live, row) is not None]
    # Of equal ones the smaller id comes first, whichever the direction: pages must not overlap.
    known.sort(key=lambda row: key(live, row), reverse=args.descending)
    rows = known + [row for row in rows if key(live, row) is None]
    page = rows[args.skip : args.skip + args.limit]
    return CampaignList(campaigns=[view(live, who, row) for row in page], total=len(rows))


def _fits(live: Live, row: CampaignRow, args: Listing, part: str) -> bool:
    policy = live.policies[row.id]
    return (
        (args.owner is None or args.owner in (row.created_by, policy.business.person_in_charge))
        and (args.channel is None or policy.channel == args.channel)
        and _within(row.created_at, args.created_from, args.created_to)
        and _within(row.began_at, args.began_from, args.began_to)
        and _within(row.ended_at, args.ended_from, args.ended_to)
        and (not part or part in fold(policy.name) or part in fold(row.id))
    )


def _within(at: Instant | None, first: Instant | None, beyond: Instant | None) -> bool:
    if first is None and beyond is None:
        return True
    return at is not None and (first is None or at >= first) and (beyond is None or at < beyond)


COMMANDS: tuple[Command[Any], ...] = (
    Command("campaign.list", "Campaigns, searched and sorted", EVERYBODY, Listing, CampaignList, "read", read=_list),
)
