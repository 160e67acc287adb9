"""SQL of pasts, do-not-call lists and refusals, compiled once from the tables for one dialect.

Never holds SQL of one database written by hand, and never a condition made from a stranger's text: values are parameters.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, Double, Executable, Integer, Text, bindparam, func, select, tuple_

from dialerd.adapters.storage.cells import ABANDON, DNC_LIST, REFUSAL, SUPPRESSION
from dialerd.adapters.storage.statements import Statement, compiled, dialect_of, fields_of, literal
from dialerd.adapters.storage.tables import ABANDONS, ATTEMPTS, LEADS, REFUSALS, SUPPRESSIONS

NUMBERS_AT_ONCE = 100
"""Numbers asked for by one statement."""


class LegalStatements(NamedTuple):
    """What the store is asked for the law."""

    calls_to: Statement
    entries_for: Statement
    entries: Statement
    refusal: Statement
    dnc_lists: Statement
    newest_abandons: Statement
    leads_refused: Statement


def _one_of(column: Any) -> ColumnElement[bool]:
    """Whether the column is one of so many numbers; a shorter list is filled up with its last one."""
    asked: list[BindParameter[str]] = [bindparam(f"number_{i}", type_=Text()) for i in range(NUMBERS_AT_ONCE)]
    return column.in_(asked)  # type: ignore[no-any-return]


@cache
def legal_statements(dialect_name: str) -> LegalStatements:
    """The statements for `sqlite` (places are `?`) or `postgresql` (places are `$1`, ...)."""
    dialect = dialect_of(dialect_name)
    a, s = ATTEMPTS.c, SUPPRESSIONS.c
    in_list = (
        s.list_name == bindparam("list_name", type_=Text()),
        s.channel == bindparam("channel", type_=Text()),
    )
    newest = select(ABANDONS.c.campaign, ABANDONS.c.rule, func.max(ABANDONS.c.start)).group_by(
        ABANDONS.c.campaign, ABANDONS.c.rule
    )

    def sql(statement: Executable) -> Statement:
        return compiled(statement, dialect)

    return LegalStatements(
        calls_to=sql(
            select(a.number, a.id, a.placed_at, a.campaign, a.purpose, a.outcome, a.answered_by, a.connected_at).where(
                _one_of(a.number), a.placed_at >= bindparam("since", type_=Double())
            )
        ),
        entries_for=sql(
            select(s.number, s.list_name, s.channel, s.at, s.until, s.version).where(
                _one_of(s.number), s.active.is_(True)
            )
        ),
        entries=sql(select(*fields_of(SUPPRESSION)).where(*in_list, _one_of(s.number))),
        refusal=sql(select(*fields_of(REFUSAL)).where(REFUSALS.c.lead == bindparam("lead", type_=Integer()))),
        dnc_lists=sql(select(*fields_of(DNC_LIST)).order_by(*DNC_LIST.table.primary_key)),
        newest_abandons=sql(
            select(*fields_of(ABANDON))
            .where(tuple_(ABANDONS.c.campaign, ABANDONS.c.rule, ABANDONS.c.start).in_(newest))
            .order_by(ABANDONS.c.campaign, ABANDONS.c.rule)
        ),
        leads_refused=sql(
            select(LEADS.c.campaign, LEADS.c.refused_by, func.count())
            .where(LEADS.c.refused_by != literal("''"))
            .group_by(LEADS.c.campaign, LEADS.c.refused_by)
            .order_by(LEADS.c.campaign, LEADS.c.refused_by)
        ),
    )
