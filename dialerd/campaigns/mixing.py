"""The order of dialing made of groups of leads: by rank, fresh leads and retries mixed, lists by their shares.

Never reads a store: groups and their leads come from whoever found them by index, and only as many as are wanted.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice

import msgspec

from dialerd.model.instants import Instant
from dialerd.model.lead_order import FRESH, RECALL, Due, LeadOrder, class_of, rank
from dialerd.model.rows import LeadRow

KINDS = ("fresh", "retries")
TURN = 720_720_000_000
"""The price of a turn at share 1: whole numbers, so that it makes no difference in how many portions leads are asked for."""
_BETWEEN = "kinds"


class Group(msgspec.Struct, frozen=True):
    """Leads that an index holds side by side, by (next_at, id)."""

    class_: int
    list_name: str
    priority: int
    attempts: int
    first: Instant
    """The earliest next_at among them."""


Leads = Callable[[Group, bool], Iterator[LeadRow]]
"""The leads of a group that are due, by (next_at, id); backwards with True."""
Later = Callable[[Group], "Instant | None"]
"""When the first lead of a group that is not due yet will be."""


class Turns:
    """Whose turn it is, of several with shares (start-time fair queueing).

    Each pays TURN/share for a turn, and the one who has paid least is next. Who had nothing to offer for a while, or is new,
    starts where the others are: he gets no turns back for the time when he was not there.
    """

    def __init__(self, ahead: Mapping[str, int] | None = None) -> None:
        self._at = 0
        self._next = dict(ahead or {})

    def start(self, name: str) -> int:
        """What he has paid; the least is next."""
        return max(self._at, self._next.get(name, 0))

    def took(self, name: str, share: int) -> None:
        """He had his turn. `share` is above 0."""
        at = self._next.get(name, 0)
        if at < self._at:
            at = self._at
        self._at = at
        self._next[name] = at + TURN // share

    def ahead(self) -> dict[str, int]:
        """By how much each has paid more than whoever is next: all that must be known to go on."""
        return {name: paid - self._at for name, paid in sorted(self._next.items()) if paid > self._at}


class Mixing:
    """The turns of fresh leads and retries, and in each of the two the turns of the lists."""

    def __init__(self, ahead: Sequence[tuple[str, str, int]] = ()) -> None:
        paid: dict[str, dict[str, int]] = {_BETWEEN: {}, **{kind: {} for kind in KINDS}}
        for which, name, more in ahead:
            paid[which][name] = more
        self.kinds = Turns(paid[_BETWEEN])
        self.lists = {kind: Turns(paid[kind]) for kind in KINDS}

    def took(self, lead: LeadRow, order: LeadOrder, shares: Mapping[str, int]) -> None:
        """A lead was dialed: its list and its kind had their turn. A recall that goes first is outside of all turns."""
        class_ = class_of(lead)
        if class_ == RECALL and order.recalls_first:
            return
        kind = 0 if class_ == FRESH else 1
        self.lists[KINDS[kind]].took(lead.list_name, shares.get(lead.list_name, 1) or 1)
        if all(order.mix):
            self.kinds.took(KINDS[kind], order.mix[kind])

    def ahead(self) -> tuple[tuple[str, str, int], ...]:
        """How far it has come, to go on from there."""
        turns = {_BETWEEN: self.kinds, **self.lists}
        return tuple((which, name, more) for which, of in turns.items() for name, more in of.ahead().items())


def hand_out(groups: Sequence[Group], order: LeadOrder, now: Instant, limit: int, leads: Leads, later: Later) -> Due:
    """Up to `limit` leads of `groups`, which are all groups of a campaign's pool, in the order of dialing.

    Its cost grows with the groups and with `limit`.
    """
    shares = dict(order.shares)

    def rank_of(group: Group) -> int:
        return rank(group.class_, group.priority, order.recalls_first)

    awake = [group for group in groups if shares.get(group.list_name, 1)]
    floor = order.outranking
    wanted = awake if floor is None else [group for group in awake if rank_of(group) > floor]
    levels: dict[int, list[Group]] = {}
    for group in wanted:
        if group.first <= now:
            levels.setdefault(rank_of(group), []).append(group)
    mixing = Mixing(order.ahead)
    ordered = chain.from_iterable(
        _of_level(levels[level], order, shares, mixing, leads) for level in sorted(levels, reverse=True)
    )
    found = list(islice(ordered, max(limit, 0)))
    more = next(ordered, None) is not None
    if found and (more or floor is None):
        floor = rank(class_of(found[-1]), found[-1].priority, order.recalls_first)
    next_due = now if more else _earliest(wanted, now, later)
    urgent = [] if floor is None else [group for group in awake if rank_of(group) > floor]
    return Due(found, next_due, _earliest(urgent, now, later))


def _earliest(groups: Sequence[Group], now: Instant, later: Later) -> Instant | None:
    instants = (group.first if group.first > now else later(group) for group in groups)
    return min((at for at in instants if at is not None), default=None)


def _of_level(
    groups: Sequence[Group], order: LeadOrder, shares: Mapping[str, int], mixing: Mixing, leads: Leads
) -> Iterator[LeadRow]:
    """The leads of one rank."""
    if order.recalls_first and groups[0].class_ == RECALL:
        yield from _merged(groups, leads)  # as they were promised, whatever their lists
        return
    of: dict[str, dict[str, list[Group]]] = {kind: {} for kind in KINDS}
    for group in groups:
        of[KINDS[0] if group.class_ == FRESH else KINDS[1]].setdefault(group.list_name, []).append(group)
    streams = {
        kind: _by_turns(
            {name: _of_list(its, order, leads) for name, its in of[kind].items()}, shares, mixing.lists[kind]
        )
        for kind in KINDS
        if of[kind]
    }
    if all(order.mix):
        yield from _by_turns(streams, dict(zip(KINDS, order.mix, strict=True)), mixing.kinds)
    else:
        for kind in KINDS if order.mix[0] else reversed(KINDS):
            yield from streams.get(kind, ())


def _by_turns(streams: Mapping[str, Iterator[LeadRow]], shares: Mapping[str, int], turns: Turns) -> Iterator[LeadRow]:
    waiting = [(turns.start(name), -shares.get(name, 1), name) for name in streams]
    heapq.heapify(waiting)
    while waiting:
        _, minus, name = waiting[0]
        lead = next(streams[name], None)
        if lead is None:
            heapq.heappop(waiting)
            continue
        turns.took(name, -minus)
        heapq.heapreplace(waiting, (turns.start(name), minus, name))
        yield lead


def _of_list(groups: Sequence[Group], order: LeadOrder, leads: Leads) -> Iterator[LeadRow]:
    """The leads of one list, of one kind."""
    if groups[0].class_ == FRESH:
        return _merged(groups, leads, newest=order.newest)
    if order.fewest_attempts:
        by_attempts: dict[int, list[Group]] = {}
        for group in groups:
            by_attempts.setdefault(group.attempts, []).append(group)
        return chain.from_iterable(_merged(by_attempts[count], leads) for count in sorted(by_attempts))
    return _merged(groups, leads)


def _merged(groups: Sequence[Group], leads: Leads, *, newest: bool = False) -> Iterator[LeadRow]:
    if len(groups) == 1:
        return leads(groups[0], newest)
    return heapq.merge(*(leads(group, newest) for group in groups), key=_when, reverse=newest)


def _when(lead: LeadRow) -> tuple[Instant, int]:
    return lead.next_at, lead.id
