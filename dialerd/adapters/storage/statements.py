"""All SQL of the store, compiled once from the tables for one dialect.

Never holds SQL of one database written by hand, and never runs anything: at run time only the compiled texts are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Executable,
    Table,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect

from dialerd.adapters.storage.cells import AGENT, ATTEMPT, CAMPAIGN, COUNTER, LEAD, SHAPES, TALLY, Shape
from dialerd.adapters.storage.tables import ATTEMPTS, AUDIT, IDENTITY, LEADS, REPLIES, TURNS
from dialerd.model.errors import OurMistakeError

PHONES_AT_ONCE = 250
"""Phones asked for by one `known_phones` statement."""

_ONE: ColumnElement[int] = literal_column("1")  # a literal, not a parameter: only then may a partial index be used
_FIRST: ColumnElement[int] = literal_column(
    "0"
)  # SQLite's dialect would make a parameter of an offset that is not given


class Statement(NamedTuple):
    """SQL with places for values, and the values' names in order."""

    sql: str
    names: tuple[str, ...]

    def values(self, **named: Any) -> tuple[Any, ...]:
        """The values in the order of the places."""
        return tuple(named[name] for name in self.names)


class Statements(NamedTuple):
    """What the store asks and writes. Rows come with their fields' columns only."""

    upserts: Mapping[str, Statement]
    """By table: insert a row, or overwrite the one with its key."""
    put_turn: Statement
    token: Statement
    put_token: Statement
    last_seq: Statement
    campaigns: Statement
    tallies: Statement
    agents: Statement
    counters: Statement
    live: Statement
    live_leads: Statement
    lead_states: Statement
    trunk_last: Statement
    live_on: Statement
    due: Statement
    known_phones: Statement
    lead: Statement
    lead_by_id: Statement
    leads: Statement
    leads_in_state: Statement
    attempts_of: Statement
    attempts: Statement
    attempts_of_campaign: Statement
    audit: Statement
    replies: Statement
    turns: Statement
    oldest_turn: Statement
    drop_turns: Statement
    drop_replies: Statement


DIALECTS = ("sqlite", "postgresql")


def _dialect(name: str) -> Dialect:
    if name == "sqlite":
        return sqlite.dialect(paramstyle="qmark")
    if name == "postgresql":
        return postgresql.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
    raise OurMistakeError(f"no SQL for the dialect {name!r}; there is: {', '.join(DIALECTS)}")


def _compiled(statement: Executable, dialect: Dialect) -> Statement:
    compiled = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
    return Statement(str(compiled).replace("\n", " "), tuple(compiled.positiontup or ()))


def _upsert(shape: Shape[Any], dialect: Dialect) -> Statement:
    table = shape.table
    keys = [column.name for column in table.primary_key]
    left = shape.fixed.union(keys)
    make = sqlite.insert if dialect.name == "sqlite" else postgresql.insert
    row = make(table)
    written = row.on_conflict_do_update(
        index_elements=keys,
        set_={column.name: row.excluded[column.name] for column in table.columns if column.name not in left},
    )
    made = _compiled(written, dialect)
    if made.names != shape.columns:
        raise OurMistakeError(f"upsert of {table.name} takes {made.names}, its cells are {shape.columns}")
    return made


def _put(table: Table, dialect: Dialect) -> Statement:
    return _compiled(insert(table).inline(), dialect)


def _fields(shape: Shape[Any]) -> list[Any]:
    return [shape.table.c[name] for name in shape.fields]


def _trunk_last() -> Executable:
    """Steps from trunk to trunk by index: its cost is the number of trunks, not of attempts ever made."""
    trunks = select(func.min(ATTEMPTS.c.trunk).label("trunk")).cte("trunks", recursive=True)
    following = select(func.min(ATTEMPTS.c.trunk)).where(ATTEMPTS.c.trunk > trunks.c.trunk).scalar_subquery()
    trunks = trunks.union_all(select(following).where(trunks.c.trunk.is_not(None)))
    last = select(func.max(ATTEMPTS.c.placed_at)).where(ATTEMPTS.c.trunk == trunks.c.trunk).scalar_subquery()
    return select(trunks.c.trunk, last).where(trunks.c.trunk.is_not(None)).order_by(trunks.c.trunk)


@cache
def statements(dialect_name: str) -> Statements:
    """The statements for `sqlite` (places are `?`) or `postgresql` (places are `$1`, ...)."""
    dialect = _dialect(dialect_name)
    limit: BindParameter[int] = bindparam("limit")
    lead, attempt = _fields(LEAD), _fields(ATTEMPT)
    is_live = ATTEMPTS.c.live == _ONE
    in_campaign = LEADS.c.campaign == bindparam("campaign")
    leads = (
        select(*lead)
        .where(in_campaign, LEADS.c.id > bindparam("after"))
        .order_by(LEADS.c.id)
        .limit(limit)
        .offset(_FIRST)
    )
    attempts = (
        select(*attempt).where(ATTEMPTS.c.id > bindparam("after")).order_by(ATTEMPTS.c.id).limit(limit).offset(_FIRST)
    )
    phones: list[BindParameter[str]] = [bindparam(f"phone_{i}") for i in range(PHONES_AT_ONCE)]
    reply_key = tuple_(REPLIES.c.principal, REPLIES.c.id)
    old_replies = (
        select(REPLIES.c.principal, REPLIES.c.id)
        .where(REPLIES.c.at < bindparam("before"))
        .order_by(REPLIES.c.at)
        .limit(limit)
        .offset(_FIRST)
    )

    def sql(statement: Executable) -> Statement:
        return _compiled(statement, dialect)

    def everything(shape: Shape[Any]) -> Statement:
        return sql(select(*_fields(shape)).order_by(*shape.table.primary_key))

    return Statements(
        upserts={shape.table.name: _upsert(shape, dialect) for shape in SHAPES},
        put_turn=_put(TURNS, dialect),
        token=sql(select(IDENTITY.c.token)),
        put_token=_put(IDENTITY, dialect),
        last_seq=sql(select(func.coalesce(func.max(TURNS.c.seq), literal_column("0")))),
        campaigns=everything(CAMPAIGN),
        tallies=everything(TALLY),
        agents=everything(AGENT),
        counters=everything(COUNTER),
        # Unordered: in the order of ids SQLite would walk through all attempts ever made to find the live ones.
        live=sql(select(*attempt).where(is_live)),
        live_leads=sql(
            select(*lead).where(LEADS.c.id.in_(select(ATTEMPTS.c.lead).where(is_live))).order_by(LEADS.c.id),
        ),
        lead_states=sql(
            select(LEADS.c.campaign, LEADS.c.state, func.count())
            .group_by(LEADS.c.campaign, LEADS.c.state)
            .order_by(LEADS.c.campaign, LEADS.c.state),
        ),
        trunk_last=sql(_trunk_last()),
        live_on=sql(select(ATTEMPTS.c.id).where(is_live, ATTEMPTS.c.number == bindparam("number"))),
        due=sql(
            select(*lead)
            .where(in_campaign, LEADS.c.dialable == _ONE)
            .order_by(LEADS.c.next_at, LEADS.c.id)
            .limit(limit)
            .offset(_FIRST),
        ),
        known_phones=sql(select(LEADS.c.phone).where(in_campaign, LEADS.c.phone.in_(phones))),
        lead=sql(select(*lead).where(in_campaign, LEADS.c.phone == bindparam("phone"))),
        lead_by_id=sql(select(*lead).where(LEADS.c.id == bindparam("lead"))),
        leads=sql(leads),
        leads_in_state=sql(leads.where(LEADS.c.state == bindparam("state"))),
        attempts_of=sql(
            select(*attempt).where(ATTEMPTS.c.lead == bindparam("lead")).order_by(ATTEMPTS.c.placed_at, ATTEMPTS.c.id),
        ),
        attempts=sql(attempts),
        attempts_of_campaign=sql(attempts.where(ATTEMPTS.c.campaign == bindparam("campaign"))),
        audit=sql(
            select(*AUDIT.c)
            .where(AUDIT.c.subject == bindparam("subject"))
            .order_by(AUDIT.c.at.desc(), AUDIT.c.id.desc())
            .limit(limit)
            .offset(_FIRST),
        ),
        replies=sql(
            select(*REPLIES.c)
            .where(REPLIES.c.at >= bindparam("since"))
            .order_by(REPLIES.c.at.desc())
            .limit(limit)
            .offset(_FIRST),
        ),
        turns=sql(
            select(TURNS.c.body)
            .where(TURNS.c.seq > bindparam("after"))
            .order_by(TURNS.c.seq)
            .limit(limit)
            .offset(_FIRST)
        ),
        oldest_turn=sql(select(func.min(TURNS.c.seq)).where(TURNS.c.seq > bindparam("after"))),
        drop_turns=sql(
            delete(TURNS).where(
                TURNS.c.seq > bindparam("after"), TURNS.c.seq <= bindparam("through"), TURNS.c.at < bindparam("before")
            ),
        ),
        drop_replies=sql(delete(REPLIES).where(reply_key.in_(old_replies))),
    )
