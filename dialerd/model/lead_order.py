"""In which order a campaign's leads are dialed: what people set, and the same as a value that the store and the journal take.

Never orders anything itself: `campaigns.mixing` does, over what the store finds by index.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from pydantic import AfterValidator, Field

from dialerd.model.instants import Instant
from dialerd.model.policy_words import Policy, one_line
from dialerd.model.rows import LeadRow
from dialerd.model.states import DIALABLE

MAX_LISTS = 500
"""Lists of one campaign with leads that may still be dialed: the price of a fill grows with them, never with the leads."""
MAX_SHARE = 1000
FRESH, RETRY, RECALL = 1, 2, 3
"""Classes of leads that may be dialed: never called; resting until an instant; promised to be called back at one."""
_RECALL_RANK = 1000
"""Beyond every priority."""

MIX_PATTERN = r"^(fresh_first|retries_first|[1-9][0-9]{0,2}:[1-9][0-9]{0,2})$"
ListName = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(one_line)]
Priority = Annotated[int, Field(ge=-100, le=100)]
Share = Annotated[int, Field(ge=0, le=MAX_SHARE)]


class Order(Policy):
    """In which order its leads are dialed. The greater priority goes first; this is about leads of the same priority."""

    recalls: Literal["first", "with_retries"] = "first"
    """Promised recalls whose time has come. first: before all others, whatever their priority and list."""
    mix: Annotated[str, Field(pattern=MIX_PATTERN)] = "fresh_first"
    """fresh_first, retries_first, or leads never called to leads called before, such as 3:1."""
    fresh: Literal["oldest", "newest"] = "oldest"
    """Which of the leads never called goes first."""
    retries: Literal["earliest_due", "fewest_attempts"] = "earliest_due"
    """Which of the leads called before goes first."""


class LeadOrder(msgspec.Struct, frozen=True, omit_defaults=True):
    """The order that one question to the store is asked in."""

    recalls_first: bool = True
    mix: tuple[int, int] = (1, 0)
    """Fresh leads to retries; a 0 puts that kind after the other."""
    newest: bool = False
    fewest_attempts: bool = False
    shares: tuple[tuple[str, int], ...] = ()
    """(list, share), sorted; a list that is not here has share 1, and one with share 0 is paused."""
    ahead: tuple[tuple[str, str, int], ...] = ()
    """How far the mixing has come, as `campaigns.mixing.Mixing.ahead` tells."""
    outranking: int | None = None
    """Only leads with a rank above this; None: all."""
    private_to: str = ""
    """Only leads private to this agent; empty: only those that are private to nobody."""


DEFAULT_ORDER = LeadOrder()


class Due(msgspec.Struct, frozen=True):
    """Leads in the order of dialing."""

    leads: list[LeadRow]
    next_due: Instant | None
    """When the next one beyond them is due, among those asked for; `now` if more were due than asked for; None: none is."""
    next_urgent: Instant | None = None
    """When the next one comes due, later than now, that outranks the last of them (with `outranking`, and all of them handed
    over: that outranks this); None: none does."""


def order_of(order: Order, lists: dict[str, int]) -> LeadOrder:
    """A campaign's order as the store takes it."""
    if ":" in order.mix:
        fresh, retries = order.mix.split(":")
        mix = (int(fresh), int(retries))
    else:
        mix = (1, 0) if order.mix == "fresh_first" else (0, 1)
    return LeadOrder(
        recalls_first=order.recalls == "first",
        mix=mix,
        newest=order.fresh == "newest",
        fewest_attempts=order.retries == "fewest_attempts",
        shares=tuple(sorted(lists.items())),
    )


def class_of(lead: LeadRow) -> int:
    """FRESH, RETRY or RECALL; 0 for a lead that may not be dialed.

    A new lead that was put off, by the gate for instance, is a retry: it is found by its instant and not looked at before.
    """
    if lead.state not in DIALABLE:
        return 0
    if lead.state == "callback":
        return RECALL
    return FRESH if lead.state == "new" and lead.next_at <= lead.created_at else RETRY


def rank(class_: int, priority: int, recalls_first: bool) -> int:
    """The greater goes first, whatever its list: priority, and above all priorities the recalls that go first."""
    return priority + _RECALL_RANK if class_ == RECALL and recalls_first else priority
