"""The campaign model whole: contacts, groups, lists that suppress, dispositions, tickets, hotlines, jobs, notices; richer leads.

Never changes once released: a later schema is a later file.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_COUNT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str, default: str = "") -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=False, server_default=default)


def _count(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer, nullable=False, server_default="0")


def upgrade() -> None:
    """Add columns to leads and attempts, and the new tables."""
    _widen()
    _make_tables()


def _widen() -> None:
    for column in (
        _text("phones", "[]"), _text("email"), _text("address"), _text("zone"), _text("list_name"), _count("priority"),
        _text("contact"), _text("owner"), _text("private_to"), _text("participation"),
        sa.Column("participation_at", sa.Double, nullable=True), _text("disposition"), _text("action"), _count("clicks"),
    ):  # fmt: skip
        op.add_column("leads", column)
    for column in (
        _text("disposition"), _text("disposed_by"), sa.Column("disposed_at", sa.Double, nullable=True), _text("note"),
        _text("answers", "{}"),
    ):  # fmt: skip
        op.add_column("attempts", column)
    for column in (_text("current"), _count("tries"), _text("bad_phones", "[]")):
        op.add_column("leads", column)
    for column in (sa.Column("agreed_at", sa.Double, nullable=True), _text("refused_by"), _count("refusals")):
        op.add_column("leads", column)
    refused = sa.text("refused_by != ''")
    op.create_index(
        "leads_refused", "leads", ["campaign", "refused_by"], sqlite_where=refused, postgresql_where=refused
    )
    for name in ("then", "purpose", "answered_by"):
        op.add_column("attempts", _text(name))
    op.add_column("agents", _text("last_call"))
    screen: sa.Column[Any] = sa.Column(
        "screen", sa.Boolean(create_constraint=False), nullable=False, server_default="1"
    )
    op.add_column("agents", screen)
    op.add_column("agents", sa.Column("lead", _COUNT, nullable=False, server_default="0"))
    op.add_column("agents", sa.Column("lead_until", sa.Double(), nullable=True))
    op.add_column("leads", _text("folded"))
    takes_part = sa.text("participation != ''")
    by_participation = ["campaign", "participation", "id"]
    op.create_index(
        "leads_by_participation", "leads", by_participation, sqlite_where=takes_part, postgresql_where=takes_part
    )
    _order_leads()
    op.create_index("attempts_by_number", "attempts", ["number", "placed_at"])
    op.create_index("attempts_by_time", "attempts", ["campaign", "placed_at", "id"])
    op.create_index("leads_by_joining", "leads", ["campaign", "created_at", "id"])
    for name in ("began_at", "ended_at"):
        op.add_column("campaigns", sa.Column(name, sa.Double, nullable=True))
    op.drop_index("audit_by_subject", "audit")
    op.create_index("audit_by_subject", "audit", ["subject", "id"])


def _order_leads() -> None:
    """`dialable` becomes the lead's class: 1 never called, 2 resting, 3 promised to be called back."""
    op.drop_index("leads_due", "leads")
    op.execute(
        "UPDATE leads SET dialable = CASE WHEN state = 'callback' THEN 3 WHEN state = 'new' AND next_at <= created_at THEN 1 "
        "WHEN state IN ('new', 'retry') THEN 2 ELSE 0 END"
    )
    in_order = ["campaign", "private_to", "dialable", "list_name", "priority", "attempts", "next_at", "id"]
    op.create_index("leads_in_order", "leads", in_order)


def _make_tables() -> None:
    op.create_table(
        "lead_phones",
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("phone", sa.Text, nullable=False),
        sa.Column("lead", _COUNT, nullable=False),
        sa.Column("active", sa.Boolean(create_constraint=False), nullable=False),
        sa.PrimaryKeyConstraint("campaign", "phone", name=op.f("lead_phones_key")),
        sa.ForeignKeyConstraint(["lead"], ["leads.id"], name=op.f("lead_phones_lead_known")),
    )
    op.create_index("lead_phones_by_lead", "lead_phones", ["lead"])
    op.create_table(
        "named",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
        sa.Column("changed_at", sa.Double, nullable=False),
        sa.Column("active", sa.Boolean(create_constraint=False), nullable=False),
        sa.PrimaryKeyConstraint("kind", "id", name=op.f("named_key")),
    )
    op.create_table(
        "contacts",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("phone", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("industry", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("changed_at", sa.Double, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("fields", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("folded", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("contacts_key")),
    )
    op.create_index("contacts_by_phone", "contacts", ["phone", "id"])
    op.create_index("contacts_by_email", "contacts", ["email", "id"])
    op.create_table(
        "members",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("group", sa.Text, nullable=False),
        sa.Column("member", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean(create_constraint=False), nullable=False),
        sa.PrimaryKeyConstraint("kind", "group", "member", name=op.f("members_key")),
    )
    op.create_table(
        "suppressions",
        sa.Column("list_name", sa.Text, nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("because", sa.Text, nullable=False),
        sa.Column("until", sa.Double, nullable=True),
        sa.Column("active", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("list_name", "number", "channel", name=op.f("suppressions_key")),
    )
    op.create_table(
        "dnc_lists",
        sa.Column("list_name", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("coming", sa.Integer, nullable=False),
        sa.Column("came", _COUNT, nullable=False),
        sa.Column("numbers", _COUNT, nullable=False),
        sa.Column("as_of", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=True),
        sa.Column("by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("list_name", "channel", name=op.f("dnc_lists_key")),
    )
    op.create_table(
        "abandons",
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("start", sa.Double, nullable=False),
        sa.Column("end", sa.Double, nullable=False),
        sa.Column("abandoned", sa.Integer, nullable=False),
        sa.Column("connected", sa.Integer, nullable=False),
        sa.Column("hung_up", sa.Integer, nullable=False),
        sa.Column("whole", sa.Boolean(create_constraint=False), nullable=False),
        sa.PrimaryKeyConstraint("campaign", "rule", "start", name=op.f("abandons_key")),
        sa.ForeignKeyConstraint(["campaign"], ["campaigns.id"], name=op.f("abandons_campaign_known")),
    )
    op.create_index("suppressions_by_number", "suppressions", ["number"])
    op.create_table(
        "refusals",
        sa.Column("lead", _COUNT, autoincrement=False, nullable=False),
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("because", sa.Text, nullable=False),
        sa.Column("until", sa.Double, nullable=True),
        sa.Column("times", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("lead", name=op.f("refusals_key")),
        sa.ForeignKeyConstraint(["lead"], ["leads.id"], name=op.f("refusals_lead_known")),
    )
    op.create_table(
        "tickets",
        sa.Column("id", _COUNT, autoincrement=False, nullable=False),
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("lead", _COUNT, nullable=False),
        sa.Column("attempt", sa.Text, nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("closed_at", sa.Double, nullable=True),
        sa.Column("closed_by", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("tickets_key")),
    )
    op.create_index("tickets_by_state", "tickets", ["campaign", "state", "id"])
    op.create_index("tickets_by_campaign", "tickets", ["campaign", "id"])
    op.create_table(
        "referrals",
        sa.Column("id", _COUNT, autoincrement=False, nullable=False),
        sa.Column("trigger", sa.Text, nullable=False),
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("ticket", _COUNT, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("lead", _COUNT, nullable=False),
        sa.Column("because", sa.Text, nullable=False),
        sa.Column("ended_at", sa.Double, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("referrals_key")),
    )
    waiting = sa.text("state = 'waiting'")
    op.create_index("referrals_waiting", "referrals", ["id"], sqlite_where=waiting, postgresql_where=waiting)
    op.create_index("referrals_by_ticket", "referrals", ["ticket", "id"])
    op.create_table(
        "quotas",
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("day", sa.Text, nullable=False),
        sa.Column("handed", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("campaign", "agent", "day", name=op.f("quotas_key")),
        sa.ForeignKeyConstraint(["campaign"], ["campaigns.id"], name=op.f("quotas_campaign_known")),
    )
    op.create_table(
        "hotlines",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("enabled", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("since", sa.Double, nullable=False),
        sa.Column("rested_until", sa.Double, nullable=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("health", sa.Text, nullable=False),
        sa.Column("because", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("hotlines_key")),
    )
    op.create_table(
        "hotline_hours",
        sa.Column("hotline", sa.Text, nullable=False),
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("hour", _COUNT, autoincrement=False, nullable=False),
        sa.Column("placed", sa.Integer, nullable=False),
        sa.Column("rung", sa.Integer, nullable=False),
        sa.Column("answered", sa.Integer, nullable=False),
        sa.Column("short", sa.Integer, nullable=False),
        sa.Column("rejected", sa.Integer, nullable=False),
        sa.Column("unwanted", sa.Integer, nullable=False),
        sa.Column("failed", sa.Integer, nullable=False),
        sa.Column("talk_s", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("hotline", "campaign", "hour", name=op.f("hotline_hours_key")),
    )
    op.create_index("hotline_hours_by_hour", "hotline_hours", ["hour"])
    op.create_table(
        "jobs",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("ended_at", sa.Double, nullable=True),
        sa.Column("counts", sa.Text, nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("because", sa.Text, nullable=False),
        sa.Column("command", sa.Text, nullable=False),
        sa.Column("staged", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("jobs_key")),
    )
    op.create_index("jobs_by_campaign", "jobs", ["kind", "campaign", "at", "id"])
    op.create_index("jobs_by_kind", "jobs", ["kind", "at", "id"])
    op.create_index("jobs_by_state", "jobs", ["state"])
    op.create_table(
        "notices",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("notice", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("to", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("next_at", sa.Double, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("letter", sa.Text, nullable=False),
        sa.Column("last_error", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("notices_key")),
    )
    op.create_index("notices_waiting", "notices", ["state", "next_at", "letter", "id"])


def downgrade() -> None:
    """Dropping columns would lose what people wrote: a store is taken back by restoring its backup."""
    raise NotImplementedError("there is no way back from 0002: restore the backup instead")
