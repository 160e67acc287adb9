"""The first schema: journal, campaigns, leads, attempts, agents, audit, replies, counters.

Never changes once released: a later schema is a later file.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_COUNT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make all tables and indexes."""
    op.create_table(
        "identity",
        sa.Column("token", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("identity_key")),
    )
    op.create_table(
        "turns",
        sa.Column("seq", _COUNT, autoincrement=False, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("turns_key")),
    )
    op.create_table(
        "campaigns",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("state_at", sa.Double, nullable=False),
        sa.Column("state_by", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("campaigns_key")),
    )
    op.create_table(
        "tallies",
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("placed", _COUNT, nullable=False),
        sa.Column("answered", _COUNT, nullable=False),
        sa.Column("connected", _COUNT, nullable=False),
        sa.Column("abandoned", _COUNT, nullable=False),
        sa.Column("hung_up", _COUNT, nullable=False),
        sa.Column("busy", _COUNT, nullable=False),
        sa.Column("no_answer", _COUNT, nullable=False),
        sa.Column("failed", _COUNT, nullable=False),
        sa.Column("lost", _COUNT, nullable=False),
        sa.Column("wait_s", sa.Double, nullable=False),
        sa.Column("talk_s", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("campaign", name=op.f("tallies_key")),
        sa.ForeignKeyConstraint(["campaign"], ["campaigns.id"], name=op.f("tallies_campaign_known")),
    )
    op.create_table(
        "leads",
        sa.Column("id", _COUNT, autoincrement=False, nullable=False),
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("phone", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("next_at", sa.Double, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("faults", sa.Integer, nullable=False),
        sa.Column("same", sa.Integer, nullable=False),
        sa.Column("last_outcome", sa.Text, nullable=False),
        sa.Column("last_at", sa.Double, nullable=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("fields", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("dialable", sa.SmallInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("leads_key")),
        sa.UniqueConstraint("campaign", "phone", name=op.f("leads_campaign_phone_once")),
        sa.ForeignKeyConstraint(["campaign"], ["campaigns.id"], name=op.f("leads_campaign_known")),
    )
    op.create_index("leads_by_campaign", "leads", ["campaign", "id"])
    op.create_index("leads_by_state", "leads", ["campaign", "state", "id"])
    op.create_index("leads_due", "leads", ["campaign", "dialable", "next_at", "id"])
    op.create_table(
        "attempts",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("lead", _COUNT, nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("server", sa.Text, nullable=False),
        sa.Column("trunk", sa.Text, nullable=False),
        sa.Column("hotline", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("placed_at", sa.Double, nullable=False),
        sa.Column("booked", sa.Text, nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("agent_leg", sa.Text, nullable=False),
        sa.Column("offered_at", sa.Double, nullable=True),
        sa.Column("ringing_at", sa.Double, nullable=True),
        sa.Column("answered_at", sa.Double, nullable=True),
        sa.Column("waiting_at", sa.Double, nullable=True),
        sa.Column("connected_at", sa.Double, nullable=True),
        sa.Column("ended_at", sa.Double, nullable=True),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("cause", sa.Integer, nullable=True),
        sa.Column("sip", sa.Integer, nullable=True),
        sa.Column("because", sa.Text, nullable=False),
        sa.Column("counted", sa.Boolean, nullable=False),
        sa.Column("hangup", sa.Text, nullable=False),
        sa.Column("live", sa.SmallInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("attempts_key")),
        sa.ForeignKeyConstraint(["lead"], ["leads.id"], name=op.f("attempts_lead_known")),
    )
    op.create_index("attempts_by_campaign", "attempts", ["campaign", "id"])
    op.create_index("attempts_by_lead", "attempts", ["lead", "placed_at", "id"])
    op.create_index("attempts_by_trunk", "attempts", ["trunk", "placed_at"])
    live = sa.text("live = 1")
    op.create_index("attempts_live", "attempts", ["number"], unique=True, sqlite_where=live, postgresql_where=live)
    op.create_table(
        "agents",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("since", sa.Double, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("leg", sa.Text, nullable=False),
        sa.Column("leg_state", sa.Text, nullable=False),
        sa.Column("call", sa.Text, nullable=False),
        sa.Column("after_call", sa.Text, nullable=False),
        sa.Column("after_reason", sa.Text, nullable=False),
        sa.Column("wrap_until", sa.Double, nullable=True),
        sa.Column("logged_in_at", sa.Double, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("agents_key")),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("principal", sa.Text, nullable=False),
        sa.Column("command", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("audit_key")),
    )
    op.create_index("audit_by_subject", "audit", ["subject", "at", "id"])
    op.create_table(
        "replies",
        sa.Column("principal", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("command", sa.Text, nullable=False),
        sa.Column("reply", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("principal", "id", name=op.f("replies_key")),
    )
    op.create_index("replies_by_age", "replies", ["at"])
    op.create_table(
        "counters",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", _COUNT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("counters_key")),
    )


def downgrade() -> None:
    """Nothing is older than this: a store is taken back by restoring its backup."""
    raise NotImplementedError("there is no schema before 0001: restore the backup instead")
