"""The tables of the store, the one source of its schema: Alembic's migrations and all SQL are checked against it.

Never holds SQL of one database: what is here must mean the same in SQLite and PostgreSQL.

Columns are named as the fields of `dialerd.model.rows` and stand in their order; `live` and `dialable` are added so that an
index can find the few rows that matter among all, `folded` is the text that names
are searched in. Instants are seconds since the epoch, UTC; phone numbers are text.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeEngine

SCHEMA = MetaData(
    naming_convention={
        "pk": "%(table_name)s_key",
        "uq": "%(table_name)s_%(column_0_N_name)s_once",
        "fk": "%(table_name)s_%(column_0_name)s_known",
    }
)

# SQLite's own row number is an INTEGER and nothing else; PostgreSQL's INTEGER would end at 2^31.
_COUNT = BigInteger().with_variant(Integer, "sqlite")


def _must(name: str, kind: TypeEngine[Any] | None = None) -> Column[Any]:
    return Column(name, kind or Text(), nullable=False)


def _may(name: str, kind: TypeEngine[Any]) -> Column[Any]:
    return Column(name, kind, nullable=True)


IDENTITY = Table("identity", SCHEMA, Column("token", Text, primary_key=True))
"""One row: the store's token."""

TURNS = Table(
    "turns",
    SCHEMA,
    Column("seq", _COUNT, primary_key=True, autoincrement=False),
    _must("at", Double()),
    _must("body"),
)
"""The journal; `body` is the JSON of `dialerd.model.turn.encode`."""

CAMPAIGNS = Table(
    "campaigns",
    SCHEMA,
    Column("id", Text, primary_key=True),
    _must("policy"),
    _must("state"),
    _must("source"),
    _must("created_by"),
    _must("created_at", Double()),
    _must("state_at", Double()),
    _must("state_by"),
    _must("note"),
    _may("began_at", Double()),
    _may("ended_at", Double()),
)

TALLIES = Table(
    "tallies",
    SCHEMA,
    Column("campaign", Text, ForeignKey("campaigns.id"), primary_key=True),
    _must("placed", _COUNT),
    _must("answered", _COUNT),
    _must("connected", _COUNT),
    _must("abandoned", _COUNT),
    _must("hung_up", _COUNT),
    _must("busy", _COUNT),
    _must("no_answer", _COUNT),
    _must("failed", _COUNT),
    _must("lost", _COUNT),
    _must("wait_s", Double()),
    _must("talk_s", Double()),
)

LEADS = Table(
    "leads",
    SCHEMA,
    Column("id", _COUNT, primary_key=True, autoincrement=False),
    Column("campaign", Text, ForeignKey("campaigns.id"), nullable=False),
    _must("phone"),
    _must("state"),
    _must("created_at", Double()),
    _must("next_at", Double()),
    _must("attempts", Integer()),
    _must("faults", Integer()),
    _must("same", Integer()),
    _must("last_outcome"),
    _may("last_at", Double()),
    _must("name"),
    _must("fields"),
    _must("source"),
    _must("phones"),
    _must("email"),
    _must("address"),
    _must("zone"),
    _must("list_name"),
    _must("priority", Integer()),
    _must("contact"),
    _must("owner"),
    _must("private_to"),
    _must("participation"),
    _may("participation_at", Double()),
    _must("disposition"),
    _must("action"),
    _must("clicks", Integer()),
    _must("current"),
    _must("tries", Integer()),
    _must("bad_phones"),
    _may("agreed_at", Double()),
    _must("refused_by"),
    _must("refusals", Integer()),
    _must("dialable", SmallInteger()),
    _must("folded"),
    UniqueConstraint("campaign", "phone"),
)
Index(
    "leads_in_order",
    LEADS.c.campaign,
    LEADS.c.private_to,
    LEADS.c.dialable,
    LEADS.c.list_name,
    LEADS.c.priority,
    LEADS.c.attempts,
    LEADS.c.next_at,
    LEADS.c.id,
)
Index("leads_by_state", LEADS.c.campaign, LEADS.c.state, LEADS.c.id)
Index("leads_by_campaign", LEADS.c.campaign, LEADS.c.id)
Index("leads_by_joining", LEADS.c.campaign, LEADS.c.created_at, LEADS.c.id)
Index(
    "leads_by_participation",
    LEADS.c.campaign,
    LEADS.c.participation,
    LEADS.c.id,
    sqlite_where=text("participation != ''"),
    postgresql_where=text("participation != ''"),
)

Index(
    "leads_refused",
    LEADS.c.campaign,
    LEADS.c.refused_by,
    sqlite_where=text("refused_by != ''"),
    postgresql_where=text("refused_by != ''"),
)

LEAD_PHONES = Table(
    "lead_phones",
    SCHEMA,
    Column("campaign", Text, primary_key=True),
    Column("phone", Text, primary_key=True),
    Column("lead", _COUNT, ForeignKey("leads.id"), nullable=False),
    _must("active", Boolean(create_constraint=False)),
)
# Asked whenever a lead is purged: the database looks whether anything still points to it.
Index("lead_phones_by_lead", LEAD_PHONES.c.lead)

ATTEMPTS = Table(
    "attempts",
    SCHEMA,
    Column("id", Text, primary_key=True),
    _must("campaign"),
    Column("lead", _COUNT, ForeignKey("leads.id"), nullable=False),
    _must("number"),
    _must("server"),
    _must("trunk"),
    _must("hotline"),
    _must("state"),
    _must("placed_at", Double()),
    _must("booked"),
    _must("agent"),
    _must("agent_leg"),
    _may("offered_at", Double()),
    _may("ringing_at", Double()),
    _may("answered_at", Double()),
    _may("waiting_at", Double()),
    _may("connected_at", Double()),
    _may("ended_at", Double()),
    _must("outcome"),
    _may("cause", Integer()),
    _may("sip", Integer()),
    _must("because"),
    _must("counted", Boolean(create_constraint=False)),
    _must("hangup"),
    _must("disposition"),
    _must("disposed_by"),
    _may("disposed_at", Double()),
    _must("note"),
    _must("answers"),
    _must("then"),
    _must("purpose"),
    _must("answered_by"),
    _must("live", SmallInteger()),
)
# Nobody is called twice: the database refuses a second live attempt on one number, whatever our own code believes.
Index(
    "attempts_live",
    ATTEMPTS.c.number,
    unique=True,
    sqlite_where=text("live = 1"),
    postgresql_where=text("live = 1"),
)
Index("attempts_by_lead", ATTEMPTS.c.lead, ATTEMPTS.c.placed_at, ATTEMPTS.c.id)
Index("attempts_by_campaign", ATTEMPTS.c.campaign, ATTEMPTS.c.id)
Index("attempts_by_time", ATTEMPTS.c.campaign, ATTEMPTS.c.placed_at, ATTEMPTS.c.id)
Index("attempts_by_number", ATTEMPTS.c.number, ATTEMPTS.c.placed_at)
Index("attempts_by_trunk", ATTEMPTS.c.trunk, ATTEMPTS.c.placed_at)

AGENTS = Table(
    "agents",
    SCHEMA,
    Column("id", Text, primary_key=True),
    _must("state"),
    _must("since", Double()),
    _must("reason"),
    _must("leg"),
    _must("leg_state"),
    _must("call"),
    _must("after_call"),
    _must("after_reason"),
    _may("wrap_until", Double()),
    _may("logged_in_at", Double()),
    _must("last_call"),
    _must("screen", Boolean(create_constraint=False)),
    _must("lead", _COUNT),
    _may("lead_until", Double()),
)

AUDIT = Table(
    "audit",
    SCHEMA,
    Column("id", Text, primary_key=True),
    _must("at", Double()),
    _must("principal"),
    _must("command"),
    _must("subject"),
    _must("note"),
)
# By id, which grows with time, not by `at`: a clock that is set back must not hide an entry between two pages.
Index("audit_by_subject", AUDIT.c.subject, AUDIT.c.id)

REPLIES = Table(
    "replies",
    SCHEMA,
    Column("principal", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    _must("at", Double()),
    _must("command"),
    _must("reply"),
)
Index("replies_by_age", REPLIES.c.at)

COUNTERS = Table("counters", SCHEMA, Column("name", Text, primary_key=True), _must("value", _COUNT))

NAMED = Table(
    "named",
    SCHEMA,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    _must("policy"),
    _must("created_by"),
    _must("created_at", Double()),
    _must("changed_by"),
    _must("changed_at", Double()),
    _must("active", Boolean(create_constraint=False)),
)

CONTACTS = Table(
    "contacts",
    SCHEMA,
    Column("id", Text, primary_key=True),
    _must("kind"),
    _must("name"),
    _must("phone"),
    _must("email"),
    _must("address"),
    _must("status"),
    _must("industry"),
    _must("channel"),
    _must("owner"),
    _must("created_at", Double()),
    _must("changed_at", Double()),
    _must("tags"),
    _must("fields"),
    _must("active", Boolean(create_constraint=False)),
    _must("folded"),
)
Index("contacts_by_phone", CONTACTS.c.phone, CONTACTS.c.id)
Index("contacts_by_email", CONTACTS.c.email, CONTACTS.c.id)

MEMBERS = Table(
    "members",
    SCHEMA,
    Column("kind", Text, primary_key=True),
    Column("group", Text, primary_key=True),
    Column("member", Text, primary_key=True),
    _must("at", Double()),
    _must("by"),
    _must("active", Boolean(create_constraint=False)),
)

SUPPRESSIONS = Table(
    "suppressions",
    SCHEMA,
    Column("list_name", Text, primary_key=True),
    Column("number", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    _must("at", Double()),
    _must("by"),
    _must("because"),
    _may("until", Double()),
    _must("active", Boolean(create_constraint=False)),
    _must("version", Integer()),
)
Index("suppressions_by_number", SUPPRESSIONS.c.number)

DNC_LISTS = Table(
    "dnc_lists",
    SCHEMA,
    Column("list_name", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    _must("version", Integer()),
    _must("coming", Integer()),
    _must("came", _COUNT),
    _must("numbers", _COUNT),
    _must("as_of"),
    _may("at", Double()),
    _must("by"),
)

ABANDONS = Table(
    "abandons",
    SCHEMA,
    Column("campaign", Text, ForeignKey("campaigns.id"), primary_key=True),
    Column("rule", Text, primary_key=True),
    Column("start", Double, primary_key=True),
    _must("end", Double()),
    _must("abandoned", Integer()),
    _must("connected", Integer()),
    _must("hung_up", Integer()),
    _must("whole", Boolean(create_constraint=False)),
)

REFUSALS = Table(
    "refusals",
    SCHEMA,
    Column("lead", _COUNT, ForeignKey("leads.id"), primary_key=True, autoincrement=False),
    _must("campaign"),
    _must("at", Double()),
    _must("rule"),
    _must("because"),
    _may("until", Double()),
    _must("times", Integer()),
)

TICKETS = Table(
    "tickets",
    SCHEMA,
    Column("id", _COUNT, primary_key=True, autoincrement=False),
    _must("campaign"),
    _must("lead", _COUNT),
    _must("attempt"),
    _must("agent"),
    _must("channel"),
    _must("subject"),
    _must("state"),
    _must("at", Double()),
    _must("number"),
    _may("closed_at", Double()),
    _must("closed_by"),
    _must("note"),
)
Index("tickets_by_state", TICKETS.c.campaign, TICKETS.c.state, TICKETS.c.id)
Index("tickets_by_campaign", TICKETS.c.campaign, TICKETS.c.id)

REFERRALS = Table(
    "referrals",
    SCHEMA,
    Column("id", _COUNT, primary_key=True, autoincrement=False),
    _must("trigger"),
    _must("campaign"),
    _must("number"),
    _must("name"),
    _must("ticket", _COUNT),
    _must("at", Double()),
    _must("state"),
    _must("lead", _COUNT),
    _must("because"),
    _may("ended_at", Double()),
)
Index(
    "referrals_waiting",
    REFERRALS.c.id,
    sqlite_where=text("state = 'waiting'"),
    postgresql_where=text("state = 'waiting'"),
)
Index("referrals_by_ticket", REFERRALS.c.ticket, REFERRALS.c.id)

QUOTAS = Table(
    "quotas",
    SCHEMA,
    Column("campaign", Text, ForeignKey("campaigns.id"), primary_key=True),
    Column("agent", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    _must("handed", Integer()),
)

HOTLINES = Table(
    "hotlines",
    SCHEMA,
    Column("id", Text, primary_key=True),
    _must("enabled", Boolean(create_constraint=False)),
    _must("by"),
    _must("since", Double()),
    _may("rested_until", Double()),
    _must("failures", Integer()),
    _must("health"),
    _must("because"),
)

HOTLINE_HOURS = Table(
    "hotline_hours",
    SCHEMA,
    Column("hotline", Text, primary_key=True),
    Column("campaign", Text, primary_key=True),
    Column("hour", _COUNT, primary_key=True, autoincrement=False),
    _must("placed", Integer()),
    _must("rung", Integer()),
    _must("answered", Integer()),
    _must("short", Integer()),
    _must("rejected", Integer()),
    _must("unwanted", Integer()),
    _must("failed", Integer()),
    _must("talk_s", Double()),
)
Index("hotline_hours_by_hour", HOTLINE_HOURS.c.hour)

JOBS = Table(
    "jobs",
    SCHEMA,
    Column("id", Text, primary_key=True),
    _must("kind"),
    _must("campaign"),
    _must("state"),
    _must("by"),
    _must("at", Double()),
    _may("ended_at", Double()),
    _must("counts"),
    _must("file"),
    _must("because"),
    _must("command"),
    _must("staged"),
)
Index("jobs_by_campaign", JOBS.c.kind, JOBS.c.campaign, JOBS.c.at, JOBS.c.id)
Index("jobs_by_kind", JOBS.c.kind, JOBS.c.at, JOBS.c.id)
Index("jobs_by_state", JOBS.c.state)

NOTICES = Table(
    "notices",
    SCHEMA,
    Column("id", Text, primary_key=True),
    _must("notice"),
    _must("at", Double()),
    _must("kind"),
    _must("campaign"),
    _must("name"),
    _must("by"),
    _must("note"),
    _must("to"),
    _must("channel"),
    _must("state"),
    _must("next_at", Double()),
    _must("tries", Integer()),
    _must("letter"),
    _must("last_error"),
)
Index("notices_waiting", NOTICES.c.state, NOTICES.c.next_at, NOTICES.c.letter, NOTICES.c.id)
