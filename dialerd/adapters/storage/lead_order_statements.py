"""SQL of leads in the order of dialing, compiled once from the tables for one dialect.

Never looks at a lead that is not due, or not wanted: all of it goes along the index `leads_in_order`.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Double, Executable, Integer, Text, bindparam, func, select, tuple_

from dialerd.adapters.storage.cells import LEAD
from dialerd.adapters.storage.statements import Statement, compiled, dialect_of, fields_of, literal
from dialerd.adapters.storage.tables import LEADS

C = LEADS.c
GROUP = (C.list_name, C.priority, C.attempts)
"""What the leads of a group have in common, beyond the campaign, the agent they are private to, and the class."""


class LeadOrderStatements(NamedTuple):
    """What the store is asked of leads that are due. Leads come with their fields' columns only."""

    next_group: Statement
    """The group after another of its class, and its first instant: so one steps from group to group, over any number of
    leads."""
    oldest: Statement
    """Leads of a group that are due, by (next_at, id)."""
    newest: Statement
    """The same backwards."""
    later: Statement
    """When the first lead of a group that is not due yet will be."""
    open_lists: Statement
    """How many leads may still be dialed, by campaign, agent, class and list: a walk along the index, at start only."""


def _text(name: str) -> BindParameter[str]:
    return bindparam(name, type_=Text())


def _number(name: str) -> BindParameter[int]:
    return bindparam(name, type_=Integer())


@cache
def lead_order_statements(dialect_name: str) -> LeadOrderStatements:
    """The statements for `sqlite` (places are `?`) or `postgresql` (places are `$1`, ...)."""
    dialect = dialect_of(dialect_name)
    class_ = (
        C.campaign == _text("campaign"), C.private_to == _text("private_to"), C.dialable == _number("class_")
    )  # fmt: skip
    here = (_text("list_name"), _number("priority"), _number("attempts"))
    group = (*class_, *(column == value for column, value in zip(GROUP, here, strict=True)))
    # Not (list, priority, attempts) alone: SQLite would seek the group's begin and go through all of it to its end.
    beyond = tuple_(*GROUP, C.next_at) > tuple_(*here, bindparam("end", type_=Double()))
    now: BindParameter[float] = bindparam("now", type_=Double())
    due = select(*fields_of(LEAD)).where(*group, C.next_at <= now)
    counted = (C.campaign, C.private_to, C.dialable, C.list_name)

    def sql(statement: Executable) -> Statement:
        return compiled(statement, dialect)

    def first(statement: Any, *order: Any, limit: Any = None) -> Statement:
        wanted = literal("1") if limit is None else limit
        return sql(statement.order_by(*order).limit(wanted).offset(literal("0")))

    return LeadOrderStatements(
        next_group=first(select(*GROUP, C.next_at).where(*class_, beyond), *GROUP, C.next_at),
        oldest=first(due, C.next_at, C.id, limit=_number("limit")),
        newest=first(due, C.next_at.desc(), C.id.desc(), limit=_number("limit")),
        later=first(select(C.next_at).where(*group, C.next_at > now), C.next_at),
        open_lists=sql(
            select(*counted, func.count()).where(C.dialable > literal("0")).group_by(*counted).order_by(*counted)
        ),
    )
