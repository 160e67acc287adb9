"""Leads that are due, from SQLite in the order of dialing.

Never writes, and never costs more for a longer list: it steps from group to group and reads the leads that it hands over.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

from dialerd.adapters.storage.cells import LEAD
from dialerd.adapters.storage.lead_order_statements import lead_order_statements
from dialerd.campaigns.mixing import Group, hand_out
from dialerd.model.instants import Instant
from dialerd.model.lead_order import FRESH, RECALL, RETRY, Due, LeadOrder
from dialerd.model.rows import LeadRow

SQL = lead_order_statements("sqlite")
_BEFORE_ALL = ("", -(2**31), -1)
_BEYOND = 2**31 - 1
_END = float("inf")
_AT_MOST = 100_000


def due_leads(connection: sqlite3.Connection, campaign: str, now: Instant, limit: int, order: LeadOrder) -> Due:
    """Up to `limit` leads of a campaign that may be dialed, in `order`. Raises sqlite3.Error, msgspec.DecodeError."""
    limit = min(max(limit, 0), _AT_MOST)
    pool = {"campaign": campaign, "private_to": order.private_to}
    opened: list[sqlite3.Cursor] = []

    def of(group: Group) -> dict[str, Any]:
        here = {"class_": group.class_, "list_name": group.list_name, "priority": group.priority}
        return {**pool, **here, "attempts": group.attempts, "now": now}

    def leads(group: Group, newest: bool) -> Iterator[LeadRow]:
        asked = SQL.newest if newest else SQL.oldest
        cursor = connection.execute(asked.sql, asked.values(**of(group), limit=limit + 1))
        opened.append(cursor)
        return map(LEAD.row, cursor)

    def later(group: Group) -> Instant | None:
        found = connection.execute(SQL.later.sql, SQL.later.values(**of(group))).fetchone()
        return None if found is None else found[0]

    connection.execute("BEGIN")  # one snapshot: else a lead that moves from group to group would be seen twice, or not
    try:
        return hand_out(_groups(connection, pool, dict(order.shares)), order, now, limit, leads, later)
    finally:
        for cursor in opened:  # those that were not read to their end would hold the snapshot
            cursor.close()
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _groups(connection: sqlite3.Connection, pool: dict[str, str], shares: dict[str, int]) -> list[Group]:
    found: list[Group] = []
    for class_ in (FRESH, RETRY, RECALL):
        list_name, priority, attempts = _BEFORE_ALL
        while True:
            here = {"list_name": list_name, "priority": priority, "attempts": attempts}
            values = SQL.next_group.values(**pool, class_=class_, **here, end=_END)
            cells = connection.execute(SQL.next_group.sql, values).fetchone()
            if cells is None:
                break
            list_name, priority, attempts, _ = cells
            if shares.get(list_name) == 0:
                priority = _BEYOND  # over all that is paused in one step
            else:
                found.append(Group(class_, *cells))
    return found
