"""Print sheets of one lead and of one campaign: what stands on them, block by block (C18).

Never reads the store: it is handed the rows.
"""

from __future__ import annotations

from collections.abc import Sequence

from dialerd.campaigns.live import Live
from dialerd.control.export_tables import call_layout, campaign_layout, field_kind, lead_layout
from dialerd.control.export_words import Words
from dialerd.model.instants import Instant
from dialerd.model.rows import AttemptRow, AuditRow, CampaignRow, LeadRow
from dialerd.ports.exports import Block, Cell, Column, Fact, PrintSheet

_OF_A_CALL = ("placed_at", "number", "hotline", "agent", "talk_s", "outcome", "disposition", "note")
_MONEY = ("person_in_charge", "currency", "budget", "expected_revenue", "cost", "revenue")
_ABOUT = (
    "campaign",
    "name",
    "mode",
    "state",
    "state_at",
    "state_by",
    "created_at",
    "created_by",
    "starts_at",
    "ends_at",
)


def lead_sheet(
    words: Words,
    live: Live,
    row: LeadRow,
    attempts: Sequence[AttemptRow],
    now: Instant,
    zone: str,
    template: str,
) -> PrintSheet:
    """All that is known of a lead, and his calls."""
    fields = live.policies[row.campaign].fields
    layout = lead_layout(words, live, [], ())
    values = layout.rows([row])[0]
    facts = [Fact(words.heading("campaign"), live.policies[row.campaign].name)]
    facts += _filled(layout.columns, values)
    own = [Fact(field.shown, row.fields[field.name], field_kind(field)) for field in fields if field.name in row.fields]
    known = {field.name for field in fields}
    own += [Fact(name, row.fields[name]) for name in sorted(row.fields.keys() - known)]
    calls = call_layout(words, live)
    wanted = [calls.columns.index(column) for column in _columns(words, calls.columns, _OF_A_CALL)]
    blocks = [
        Block(facts=tuple(facts)),
        Block(heading=words.heading("fields"), facts=tuple(own)),
        Block(
            heading=words.heading("calls"),
            columns=tuple(calls.columns[at] for at in wanted),
            rows=[[cells[at] for at in wanted] for cells in calls.rows(attempts)],
        ),
    ]
    return PrintSheet(
        name=f"lead-{row.campaign}-{row.id}",
        title=row.name or row.phone,
        generated_at=now,
        zone=zone,
        language=words.language,
        blocks=tuple(block for block in blocks if block.facts or block.rows),
        template=template,
    )


def campaign_sheet(
    words: Words,
    live: Live,
    row: CampaignRow,
    history: Sequence[AuditRow],
    now: Instant,
    zone: str,
    template: str,
) -> PrintSheet:
    """A campaign's policy, figures, money and history."""
    policy = live.policies[row.id]
    layout = campaign_layout(words, live)
    values = layout.rows([row])[0]
    about = {column.heading for column in _columns(words, layout.columns, _ABOUT)}
    money = {column.heading for column in _columns(words, layout.columns, _MONEY)}
    facts = _filled(layout.columns, values)
    entries = [(entry.at, entry.principal, entry.command, entry.note) for entry in history]
    headings = ("at", "principal", "command", "note")
    blocks = [
        Block(facts=tuple(fact for fact in facts if fact.label in about), text=policy.description),
        Block(heading=words.heading("money"), facts=tuple(fact for fact in facts if fact.label in money)),
        Block(
            heading=words.heading("figures"),
            facts=tuple(fact for fact in facts if fact.label not in about | money),
        ),
        Block(
            heading=words.heading("history"),
            columns=tuple(Column(words.heading(key), "moment" if key == "at" else "text") for key in headings),
            rows=entries,
        ),
    ]
    return PrintSheet(
        name=f"campaign-{row.id}",
        title=policy.name,
        generated_at=now,
        zone=zone,
        language=words.language,
        blocks=tuple(block for block in blocks if block.facts or block.rows or block.text),
        template=template,
    )


def _columns(words: Words, columns: Sequence[Column], keys: Sequence[str]) -> list[Column]:
    headings = [words.heading(key) for key in keys]
    return [column for column in columns if column.heading in headings]


def _filled(columns: Sequence[Column], values: Sequence[Cell]) -> list[Fact]:
    return [
        Fact(column.heading, value, column.kind)
        for column, value in zip(columns, values, strict=True)
        if value not in (None, "")
    ]
