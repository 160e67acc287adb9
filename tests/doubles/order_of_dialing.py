"""The order of dialing made the slow way, over all leads at once: what groups, heaps and indexes are held against.

Never clever: it picks one lead after the other by the words of the policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dialerd.campaigns.mixing import TURN
from dialerd.model.lead_order import LeadOrder
from dialerd.model.rows import LeadRow


def dialed_in_order(leads: Iterable[LeadRow], campaign: str, now: float, order: LeadOrder) -> list[LeadRow]:
    """All leads of a campaign that may be dialed now, in the order of dialing."""
    shares = dict(order.shares)
    due = [
        lead
        for lead in leads
        if lead.campaign == campaign
        and lead.private_to == order.private_to
        and lead.state in ("new", "retry", "callback")
        and lead.next_at <= now
        and shares.get(lead.list_name, 1)
        and (order.outranking is None or rank(lead, order) > order.outranking)
    ]
    return list(_picked(due, order, shares))


def rank(lead: LeadRow, order: LeadOrder) -> int:
    """The greater goes first, whatever its list."""
    return lead.priority + (1000 if lead.state == "callback" and order.recalls_first else 0)


def fresh(lead: LeadRow) -> bool:
    """Whether it was never called nor put off."""
    return lead.state == "new" and lead.next_at <= lead.created_at


def _picked(due: list[LeadRow], order: LeadOrder, shares: dict[str, int]) -> Iterator[LeadRow]:
    paid: dict[tuple[str, str], int] = {(which, name): more for which, name, more in order.ahead}
    at = {"kinds": 0, "fresh": 0, "retries": 0}

    def start(which: str, name: str) -> int:
        return max(at[which], paid.get((which, name), 0))

    def turn(which: str, share_of: dict[str, int]) -> str:
        name = min(share_of, key=lambda one: (start(which, one), -share_of[one], one))
        at[which] = start(which, name)
        paid[which, name] = at[which] + TURN // share_of[name]
        return name

    left = list(due)
    while left:
        best = max(rank(lead, order) for lead in left)
        of_rank = [lead for lead in left if rank(lead, order) == best]
        if best > 500:
            lead = min(of_rank, key=lambda one: (one.next_at, one.id))
        else:
            kinds = {
                "fresh": [one for one in of_rank if fresh(one)],
                "retries": [one for one in of_rank if not fresh(one)],
            }
            there = {kind: weight for kind, weight in zip(kinds, order.mix, strict=True) if kinds[kind]}
            kind = turn("kinds", there) if all(order.mix) else max(there, key=lambda one: there[one])
            lists = {one.list_name: shares.get(one.list_name, 1) for one in kinds[kind]}
            name = turn(kind, lists)
            lead = _first([one for one in kinds[kind] if one.list_name == name], kind, order)
        left.remove(lead)
        yield lead


def _first(leads: list[LeadRow], kind: str, order: LeadOrder) -> LeadRow:
    if kind == "fresh":
        return (max if order.newest else min)(leads, key=lambda one: (one.next_at, one.id))
    if order.fewest_attempts:
        return min(leads, key=lambda one: (one.attempts, one.next_at, one.id))
    return min(leads, key=lambda one: (one.next_at, one.id))
