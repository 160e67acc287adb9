"""SQL of notices and of the purge of deleted campaigns, compiled once from the tables for one dialect.

Never holds SQL of one database written by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple, get_origin

import msgspec
from sqlalchemy import Executable, bindparam, delete, exists, func, select, tuple_, update

from dialerd.adapters.storage.cells import NOTICE
from dialerd.adapters.storage.statements import Statement, compiled, dialect_of, fields_of, literal
from dialerd.adapters.storage.tables import ATTEMPTS, CAMPAIGNS, LEAD_PHONES, LEADS, NOTICES, REFUSALS
from dialerd.model.rows import LeadRow
from dialerd.model.states import LEAD

PURGED = "purged"
"""State of a lead of a deleted campaign of which only the number is left."""
NOT_OF_THE_PERSON = frozenset(
    ("campaign", "phone", "state", "last_outcome", "source", "zone", "list_name", "participation", "disposition")
)
"""Texts that a purged lead keeps: his number, and what the calls came to."""
_EMPTY: dict[Any, str] = {str: "", dict: "{}", list: "[]"}
_FIRST = literal("0")


class NoticeStatements(NamedTuple):
    """What the store asks and writes of notices, and how it purges."""

    due: Statement
    next_due: Statement
    waiting: Statement
    drop: Statement
    deleted: Statement
    """Campaigns that were deleted before an instant."""
    drop_phones: Statement
    """Further phones of a campaign's leads."""
    purgeable: Statement
    drop_lead: Statement
    """A lead that nothing points to."""
    empty_lead: Statement


def _emptied() -> Iterator[tuple[str, str]]:
    """The columns of a lead that tell of the person, and what empties each."""
    for field in msgspec.structs.fields(LeadRow):
        kind = get_origin(field.type) or field.type
        if kind in _EMPTY and field.name not in NOT_OF_THE_PERSON:
            yield field.name, _EMPTY[kind]


@cache
def notice_statements(dialect_name: str) -> NoticeStatements:
    """The statements for `sqlite` or `postgresql`."""
    dialect = dialect_of(dialect_name)

    def sql(statement: Executable) -> Statement:
        return compiled(statement, dialect)

    is_waiting = NOTICES.c.state == literal("'waiting'")
    done = [literal("'sent'"), literal("'given_up'")]
    old = (
        select(NOTICES.c.id)
        .where(NOTICES.c.state.in_(done), NOTICES.c.next_at < bindparam("before"))
        .limit(bindparam("limit"))
        .offset(_FIRST)
    )
    phone_key = tuple_(LEAD_PHONES.c.campaign, LEAD_PHONES.c.phone)
    further = (
        select(LEAD_PHONES.c.campaign, LEAD_PHONES.c.phone)
        .where(LEAD_PHONES.c.campaign == bindparam("campaign"))
        .limit(bindparam("limit"))
        .offset(_FIRST)
    )
    this = LEADS.c.id == bindparam("lead")
    used = exists().where(ATTEMPTS.c.lead == LEADS.c.id) | exists().where(REFUSALS.c.lead == LEADS.c.id)
    left = [literal(f"'{state}'") for state in sorted(LEAD)]
    return NoticeStatements(
        due=sql(
            select(*fields_of(NOTICE))
            .where(is_waiting, NOTICES.c.next_at <= bindparam("now"))
            .order_by(NOTICES.c.next_at, NOTICES.c.letter, NOTICES.c.id)
            .limit(bindparam("limit"))
            .offset(_FIRST)
        ),
        next_due=sql(select(func.min(NOTICES.c.next_at)).where(is_waiting, NOTICES.c.next_at > bindparam("now"))),
        waiting=sql(select(func.count()).select_from(NOTICES).where(is_waiting)),
        drop=sql(delete(NOTICES).where(NOTICES.c.id.in_(old))),
        deleted=sql(
            select(CAMPAIGNS.c.id).where(
                CAMPAIGNS.c.state == literal("'deleted'"), CAMPAIGNS.c.state_at < bindparam("before")
            )
        ),
        drop_phones=sql(delete(LEAD_PHONES).where(phone_key.in_(further))),
        purgeable=sql(
            select(LEADS.c.id)
            .where(LEADS.c.campaign == bindparam("campaign"), LEADS.c.state.in_(left))
            .limit(bindparam("limit"))
            .offset(_FIRST)
        ),
        drop_lead=sql(delete(LEADS).where(this, ~used)),
        empty_lead=sql(
            update(LEADS)
            .where(this)
            .values(
                {
                    "state": literal(f"'{PURGED}'"),
                    "dialable": literal("0"),
                    "folded": literal("''"),
                    **{name: literal(f"'{empty}'") for name, empty in _emptied()},
                }
            )
        ),
    )
