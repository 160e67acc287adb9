"""Leads in memory by groups, each a heap by time: what `leads_in_order` is in the store's index.

Never keeps a lead: it points at rows that are kept elsewhere, and passes by what is not so any more.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from dialerd.campaigns.mixing import Group, hand_out
from dialerd.model.instants import Instant
from dialerd.model.lead_order import Due, LeadOrder, class_of
from dialerd.model.rows import LeadRow

Key: TypeAlias = tuple[str, str, int, str, int, int]
"""Campaign, agent it is private to, class, list, priority, attempts."""
Entry: TypeAlias = tuple[Instant, int]


class LeadsInOrder:
    """The groups of all campaigns."""

    def __init__(self, leads: Mapping[int, LeadRow]) -> None:
        self._leads = leads
        self._heaps: dict[Key, list[Entry]] = {}

    def put(self, lead: LeadRow) -> None:
        """The lead is new, or has changed."""
        class_ = class_of(lead)
        if class_:
            key = (lead.campaign, lead.private_to, class_, lead.list_name, lead.priority, lead.attempts)
            heap = self._heaps.get(key)
            if heap is None:
                heap = self._heaps[key] = []
            heapq.heappush(heap, (lead.next_at, lead.id))

    def due(self, campaign: str, now: Instant, limit: int, order: LeadOrder) -> Due:
        """As `dialerd.ports.store.Store.due`; the rows are those that are kept, not copies."""
        read: dict[Key, list[Entry]] = {}

        def key_of(group: Group) -> Key:
            return campaign, order.private_to, group.class_, group.list_name, group.priority, group.attempts

        def step(key: Key) -> Iterator[LeadRow]:
            while (entry := self._first(key, read)) is not None and entry[0] <= now:
                read.setdefault(key, []).append(heapq.heappop(self._heaps[key]))
                yield self._leads[entry[1]]

        def leads(group: Group, newest: bool) -> Iterator[LeadRow]:
            key = key_of(group)
            if not newest:
                return step(key)
            due = {entry for entry in self._heaps[key] if entry[0] <= now and self._stands(key, entry)}
            return (self._leads[lead] for _, lead in heapq.nlargest(limit + 1, due))

        def later(group: Group) -> Instant | None:
            for _ in step(key_of(group)):
                pass
            entry = self._first(key_of(group), read)
            return None if entry is None else entry[0]

        groups: list[Group] = []
        for key in [key for key in self._heaps if key[:2] == (campaign, order.private_to)]:
            entry = self._first(key, read)
            if entry is None:
                del self._heaps[key]
            else:
                groups.append(Group(*key[2:], entry[0]))
        found = hand_out(groups, order, now, limit, leads, later)
        for key, entries in read.items():
            for entry in entries:
                heapq.heappush(self._heaps[key], entry)
        return found

    def _first(self, key: Key, read: Mapping[Key, list[Entry]]) -> Entry | None:
        heap = self._heaps[key]
        been = read.get(key)
        while heap:
            entry = heap[0]
            if self._stands(key, entry) and not (been and been[-1] == entry):
                return entry
            heapq.heappop(heap)  # what it says is not so any more, or it is said twice
        return None

    def _stands(self, key: Key, entry: Entry) -> bool:
        lead = self._leads[entry[1]]
        return (
            lead.next_at == entry[0]
            and class_of(lead) == key[2]
            and lead.attempts == key[5]
            and lead.priority == key[4]
            and lead.list_name == key[3]
            and lead.private_to == key[1]
        )
