"""SQL of contacts, groups, tickets, referrals and the search of leads, compiled once from the tables for one dialect.

Never holds SQL of one database written by hand, and never a condition made from a stranger's text: values are parameters.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Double,
    Executable,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    or_,
    select,
)

from dialerd.adapters.storage.cells import CONTACT, LEAD, MEMBER, REFERRAL, TICKET
from dialerd.adapters.storage.statements import Statement, compiled, dialect_of, fields_of, literal
from dialerd.adapters.storage.tables import CONTACTS, LEADS, MEMBERS, REFERRALS, TICKETS
from dialerd.model.states import LEAD as LEAD_STATES

AT_ONCE = 250
"""Keys asked for by one statement."""


class Walk(NamedTuple):
    """A walk along an index, in portions of bounded cost."""

    end: Statement
    """Where the portion of `scan` rows ends; nothing: it is the last."""
    page: Statement
    """The rows of the portion that are sought."""


class ContactStatements(NamedTuple):
    """What the store is asked of contacts and of what belongs to them."""

    contact: Statement
    contacts: Statement
    contacts_by_id: Statement
    contacts_by_phone: Statement
    contacts_by_email: Statement
    contacts_named: Walk
    members: Statement
    are_members: Statement
    leads_by_phone: Statement
    leads_sought: Walk
    leads_sought_in_state: Walk
    leads_sought_taking_part: Walk
    leads_sought_by_phone: Walk
    ticket: Statement
    tickets: Statement
    tickets_of_campaign: Statement
    tickets_in_state: Statement
    referrals_of: Statement


def _text(name: str) -> BindParameter[str]:
    return bindparam(name, type_=Text())


def _any_of(column: Any, name: str, count: int) -> ColumnElement[bool]:
    """Whether the column has one of `count` values; a shorter list is filled up with its last one."""
    asked: list[BindParameter[str]] = [_text(f"{name}_{i}") for i in range(count)]
    return column.in_(asked)  # type: ignore[no-any-return]


def _if_asked(column: Any, name: str) -> ColumnElement[bool]:
    return or_(_text(name) == literal("''"), column == _text(name))


def _part(table: Any, name: str, told: Any) -> ColumnElement[bool]:
    """Whether the folded text may have a part; rows that were written before there was a folded text may."""
    old = and_(table.c.folded == literal("''"), told != literal("''"))
    return or_(_text(name) == literal("''"), table.c.folded.like(_text(name), escape="\\"), old)


def _sought() -> tuple[ColumnElement[bool], ...]:
    states = _any_of(LEADS.c.state, "state", len(LEAD_STATES))
    joined = LEADS.c.created_at + literal("0")  # no index may be taken for it: the walk has its own, and its order
    any_state: BindParameter[int] = bindparam("any_state", type_=Integer())
    return (
        or_(any_state == literal("1"), states),
        _if_asked(LEADS.c.owner, "owner"),
        _if_asked(LEADS.c.list_name, "list_name"),
        _if_asked(LEADS.c.participation, "participation"),
        joined >= bindparam("joined_from", type_=Double()),
        joined < bindparam("joined_before", type_=Double()),
        _part(LEADS, "name", LEADS.c.name),
        _part(LEADS, "address", LEADS.c.address),
        _part(LEADS, "email", LEADS.c.email),
    )


@cache
def contact_statements(dialect_name: str) -> ContactStatements:
    """The statements for `sqlite` (places are `?`) or `postgresql` (places are `$1`, ...)."""
    dialect = dialect_of(dialect_name)
    lead, contact, ticket = fields_of(LEAD), fields_of(CONTACT), fields_of(TICKET)
    there = CONTACTS.c.active.is_(True)

    def sql(statement: Executable) -> Statement:
        return compiled(statement, dialect)

    def first(statement: Select[Any], *order: Any) -> Statement:
        return sql(statement.order_by(*order).limit(bindparam("limit", type_=Integer())).offset(literal("0")))

    def walk(
        key: Any, where: tuple[Any, ...], wanted: list[Any], sought: tuple[Any, ...], kind: Any, begin: Any = None
    ) -> Walk:
        after = key > bindparam("after", type_=kind) if begin is None else begin
        skip: BindParameter[int] = bindparam("scan", type_=Integer())
        end = select(key).where(*where, after).order_by(key).limit(literal("1")).offset(skip)
        page = select(*wanted).where(*where, after, key <= bindparam("end", type_=kind), *sought)
        return Walk(sql(end), first(page, key))

    in_campaign = LEADS.c.campaign == _text("campaign")
    taking_part = (in_campaign, LEADS.c.participation != literal("''"), LEADS.c.participation == _text("participation"))
    begin = LEADS.c.phone >= _text("after")  # one bound at each end: with more the planner sorts instead of walking
    in_group = (MEMBERS.c.kind == _text("kind"), MEMBERS.c.group == _text("group"), MEMBERS.c.active.is_(True))
    tickets = select(*ticket).where(TICKETS.c.id > bindparam("after", type_=Integer()))
    of_campaign = TICKETS.c.campaign == _text("campaign")
    return ContactStatements(
        contact=sql(select(*contact).where(CONTACTS.c.id == _text("code"))),
        contacts=first(select(*contact).where(CONTACTS.c.id > _text("after"), there), CONTACTS.c.id),
        contacts_by_id=sql(select(*contact).where(_any_of(CONTACTS.c.id, "key", AT_ONCE), there)),
        contacts_by_phone=sql(select(*contact).where(_any_of(CONTACTS.c.phone, "key", AT_ONCE), there)),
        contacts_by_email=first(
            select(*contact).where(CONTACTS.c.email == _text("email"), there, CONTACTS.c.id > _text("after")),
            CONTACTS.c.id,
        ),
        contacts_named=walk(CONTACTS.c.id, (), contact, (there, _part(CONTACTS, "name", CONTACTS.c.name)), Text()),
        members=first(select(MEMBERS.c.member).where(*in_group, MEMBERS.c.member > _text("after")), MEMBERS.c.member),
        are_members=sql(select(*fields_of(MEMBER)).where(*in_group, _any_of(MEMBERS.c.member, "key", AT_ONCE))),
        leads_by_phone=sql(select(*lead).where(in_campaign, _any_of(LEADS.c.phone, "key", AT_ONCE))),
        leads_sought=walk(LEADS.c.id, (in_campaign,), lead, _sought(), Integer()),
        leads_sought_in_state=walk(
            LEADS.c.id, (in_campaign, LEADS.c.state == _text("state_0")), lead, _sought(), Integer()
        ),
        leads_sought_taking_part=walk(LEADS.c.id, taking_part, lead, _sought(), Integer()),
        leads_sought_by_phone=walk(LEADS.c.phone, (in_campaign,), lead, _sought(), Text(), begin),
        ticket=sql(select(*ticket).where(TICKETS.c.id == bindparam("ticket", type_=Integer()))),
        tickets=first(tickets, TICKETS.c.id),
        tickets_of_campaign=first(tickets.where(of_campaign), TICKETS.c.id),
        tickets_in_state=first(tickets.where(of_campaign, TICKETS.c.state == _text("state")), TICKETS.c.id),
        referrals_of=first(
            select(*fields_of(REFERRAL)).where(REFERRALS.c.ticket == bindparam("ticket", type_=Integer())),
            REFERRALS.c.id,
        ),
    )
