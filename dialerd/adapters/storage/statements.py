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
    union_all,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect

from dialerd.adapters.storage.cells import (
    AGENT,
    ATTEMPT,
    CAMPAIGN,
    COUNTER,
    HOTLINE,
    HOTLINE_HOUR,
    JOB,
    LEAD,
    NAMED,
    QUOTA,
    REFERRAL,
    SHAPES,
    SUPPRESSION,
    TALLY,
    Shape,
)
from dialerd.adapters.storage.tables import (
    AGENTS,
    ATTEMPTS,
    AUDIT,
    HOTLINE_HOURS,
    IDENTITY,
    JOBS,
    LEAD_PHONES,
    LEADS,
    QUOTAS,
    REFERRALS,
    REPLIES,
    SUPPRESSIONS,
    TURNS,
)
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
    hotlines: Statement
    hotline_hours: Statement
    named: Statement
    participations: Statement
    referrals: Statement
    live_on: Statement
    known_phones: Statement
    any_further: Statement
    known_further: Statement
    lead: Statement
    lead_by_further: Statement
    attempt: Statement
    suppressions_of: Statement
    last_turn_at: Statement
    quotas: Statement
    lead_by_id: Statement
    leads: Statement
    leads_in_state: Statement
    leads_joined: Statement
    fields_joined: Statement
    attempts_of: Statement
    attempts: Statement
    attempts_of_campaign: Statement
    attempts_placed: Statement
    running_jobs: Statement
    job: Statement
    jobs: Statement
    jobs_of_campaign: Statement
    audit: Statement
    audit_of_subject: Statement
    replies: Statement
    turns: Statement
    oldest_turn: Statement
    drop_turns: Statement
    drop_replies: Statement


DIALECTS = ("sqlite", "postgresql")


def dialect_of(name: str) -> Dialect:
    """SQLAlchemy's dialect of that name, with places as we want them. Raises OurMistakeError for another."""
    if name == "sqlite":
        return sqlite.dialect(paramstyle="qmark")
    if name == "postgresql":
        return postgresql.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
    raise OurMistakeError(f"no SQL for the dialect {name!r}; there is: {', '.join(DIALECTS)}")


def literal(sql: str) -> ColumnElement[Any]:
    """A literal in the SQL itself: only then may a partial index be used."""
    return literal_column(sql)


def compiled(statement: Executable, dialect: Dialect) -> Statement:
    """The text of a statement and its places."""
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
    made = compiled(written, dialect)
    if made.names != shape.columns:
        raise OurMistakeError(f"upsert of {table.name} takes {made.names}, its cells are {shape.columns}")
    return made


def _put(table: Table, dialect: Dialect) -> Statement:
    return compiled(insert(table).inline(), dialect)


def fields_of(shape: Shape[Any]) -> list[Any]:
    """The columns that a row is made of."""
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
    dialect = dialect_of(dialect_name)
    limit: BindParameter[int] = bindparam("limit")
    lead, attempt = fields_of(LEAD), fields_of(ATTEMPT)
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
    joined = tuple_(LEADS.c.created_at, LEADS.c.id)
    joined_within = (
        in_campaign,
        joined > tuple_(bindparam("after_at"), bindparam("after")),
        LEADS.c.created_at < bindparam("before"),
    )
    placed = tuple_(ATTEMPTS.c.placed_at, ATTEMPTS.c.id)
    job = fields_of(JOB)
    jobs = (
        select(*job)
        .where(JOBS.c.kind == bindparam("kind"))
        .order_by(JOBS.c.at.desc(), JOBS.c.id.desc())
        .limit(limit)
        .offset(_FIRST)
    )
    audit = (
        select(*AUDIT.c).where(AUDIT.c.id < bindparam("before")).order_by(AUDIT.c.id.desc()).limit(limit).offset(_FIRST)
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
        return compiled(statement, dialect)

    def everything(shape: Shape[Any]) -> Statement:
        return sql(select(*fields_of(shape)).order_by(*shape.table.primary_key))

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
            select(*lead)
            .where(
                LEADS.c.id.in_(
                    union_all(
                        select(ATTEMPTS.c.lead).where(is_live), select(AGENTS.c.lead).where(AGENTS.c.lead > _FIRST)
                    )
                )
            )
            .order_by(LEADS.c.id),
        ),
        lead_states=sql(
            select(LEADS.c.campaign, LEADS.c.state, func.count())
            .group_by(LEADS.c.campaign, LEADS.c.state)
            .order_by(LEADS.c.campaign, LEADS.c.state),
        ),
        trunk_last=sql(_trunk_last()),
        hotlines=everything(HOTLINE),
        hotline_hours=sql(
            select(*fields_of(HOTLINE_HOUR)).where(
                HOTLINE_HOURS.c.hour >= select(func.max(HOTLINE_HOURS.c.hour) - bindparam("hours")).scalar_subquery()
            )
        ),
        named=everything(NAMED),
        participations=sql(
            select(LEADS.c.campaign, LEADS.c.participation, func.count())
            .where(LEADS.c.participation != literal("''"))
            .group_by(LEADS.c.campaign, LEADS.c.participation)
            .order_by(LEADS.c.campaign, LEADS.c.participation),
        ),
        referrals=sql(
            select(*fields_of(REFERRAL)).where(REFERRALS.c.state == literal("'waiting'")).order_by(REFERRALS.c.id),
        ),
        live_on=sql(select(ATTEMPTS.c.id).where(is_live, ATTEMPTS.c.number == bindparam("number"))),
        known_phones=sql(select(LEADS.c.phone).where(in_campaign, LEADS.c.phone.in_(phones))),
        any_further=sql(select(_ONE).select_from(LEAD_PHONES).limit(_ONE).offset(_FIRST)),
        known_further=sql(
            select(LEAD_PHONES.c.phone).where(
                LEAD_PHONES.c.campaign == bindparam("campaign"), LEAD_PHONES.c.phone.in_(phones), LEAD_PHONES.c.active
            )
        ),
        lead=sql(select(*lead).where(in_campaign, LEADS.c.phone == bindparam("phone"))),
        lead_by_further=sql(
            select(*lead).where(
                LEADS.c.id
                == select(LEAD_PHONES.c.lead)
                .where(
                    LEAD_PHONES.c.campaign == bindparam("campaign"),
                    LEAD_PHONES.c.phone == bindparam("phone"),
                    LEAD_PHONES.c.active,
                )
                .scalar_subquery()
            )
        ),
        attempt=sql(select(*attempt).where(ATTEMPTS.c.id == bindparam("call"))),
        suppressions_of=sql(select(*fields_of(SUPPRESSION)).where(SUPPRESSIONS.c.number == bindparam("number"))),
        last_turn_at=sql(select(TURNS.c.at).where(TURNS.c.seq == select(func.max(TURNS.c.seq)).scalar_subquery())),
        quotas=sql(select(*fields_of(QUOTA)).where(QUOTAS.c.day >= bindparam("since")).order_by(*QUOTAS.primary_key)),
        lead_by_id=sql(select(*lead).where(LEADS.c.id == bindparam("lead"))),
        leads=sql(leads),
        leads_in_state=sql(leads.where(LEADS.c.state == bindparam("state"))),
        leads_joined=sql(
            select(*lead).where(*joined_within).order_by(LEADS.c.created_at, LEADS.c.id).limit(limit).offset(_FIRST)
        ),
        fields_joined=sql(
            select(LEADS.c.created_at, LEADS.c.id, LEADS.c.fields)
            .where(*joined_within)
            .order_by(LEADS.c.created_at, LEADS.c.id)
            .limit(limit)
            .offset(_FIRST)
        ),
        attempts_of=sql(
            select(*attempt).where(ATTEMPTS.c.lead == bindparam("lead")).order_by(ATTEMPTS.c.placed_at, ATTEMPTS.c.id),
        ),
        attempts=sql(attempts),
        attempts_of_campaign=sql(attempts.where(ATTEMPTS.c.campaign == bindparam("campaign"))),
        attempts_placed=sql(
            select(*attempt)
            .where(
                ATTEMPTS.c.campaign == bindparam("campaign"),
                placed > tuple_(bindparam("after_at"), bindparam("after")),
                ATTEMPTS.c.placed_at < bindparam("before"),
            )
            .order_by(ATTEMPTS.c.placed_at, ATTEMPTS.c.id)
            .limit(limit)
            .offset(_FIRST)
        ),
        running_jobs=sql(select(*job).where(JOBS.c.state == bindparam("state"))),
        job=sql(select(*job).where(JOBS.c.id == bindparam("job"))),
        jobs=sql(jobs),
        jobs_of_campaign=sql(jobs.where(JOBS.c.campaign == bindparam("campaign"))),
        audit=sql(audit),
        audit_of_subject=sql(audit.where(AUDIT.c.subject == bindparam("subject"))),
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
