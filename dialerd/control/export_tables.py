"""The tables of exports: which columns leads, calls and campaigns have, and their rows as cells (C15, C18).

Never reads the store, and never makes a text harmless for a format: the writer of each format does that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, NamedTuple, TypeVar

from dialerd.campaigns import figures
from dialerd.campaigns.live import Live
from dialerd.control.export_words import Words
from dialerd.model import states
from dialerd.model.instants import FAR, Instant
from dialerd.model.policies import Campaign
from dialerd.model.record_fields import RecordField
from dialerd.model.rows import AttemptRow, CampaignRow, LeadRow
from dialerd.ports.exports import Cell, Column, Kind

R = TypeVar("R")


class Part(NamedTuple, Generic[R]):
    """One column and where its cells come from."""

    column: Column
    cell: Callable[[R], Cell]


class Layout(Generic[R]):
    """The columns of a table."""

    def __init__(self, parts: Sequence[Part[R]]) -> None:
        self.columns = tuple(part.column for part in parts)
        self._cells = [part.cell for part in parts]

    def rows(self, rows: Iterable[R]) -> list[tuple[Cell, ...]]:
        """The cells of rows."""
        cells = self._cells
        return [tuple([cell(row) for cell in cells]) for row in rows]


def lead_layout(words: Words, live: Live, fields: Sequence[RecordField], others: Iterable[str]) -> Layout[LeadRow]:
    """Leads: what every lead has, the campaign's record fields, then `others`, the names of fields it has besides."""

    def part(key: str, cell: Callable[[LeadRow], Cell], kind: Kind = "text") -> Part[LeadRow]:
        return Part(Column(words.heading(key), kind), cell)

    title = disposition_titles(live)
    parts = [
        part("lead", lambda row: row.id, "number"),
        part("phone", lambda row: row.phone, "phone"),
        part("phones", lambda row: ", ".join(row.phones)),
        part("name", lambda row: row.name),
        part("email", lambda row: row.email),
        part("address", lambda row: row.address),
        part("state", lambda row: words.value(row.state)),
        part("participation", lambda row: words.value(row.participation)),
        part("attempts", lambda row: row.attempts, "number"),
        part("next_at", due_at, "moment"),
        part("last_outcome", lambda row: words.outcome(row.last_outcome)),
        part("disposition", lambda row: title(row.disposition)),
        part("last_at", lambda row: row.last_at, "moment"),
        part("owner", lambda row: row.owner),
        part("list", lambda row: row.list_name),
        part("priority", lambda row: row.priority, "number"),
        part("source", lambda row: row.source),
        part("action", lambda row: row.action),
        part("joined_at", lambda row: row.created_at, "moment"),
        part("clicks", lambda row: row.clicks, "number"),
    ]
    known = {field.name for field in fields}
    parts += [Part(Column(field.shown, field_kind(field)), _field(field.name)) for field in fields]
    parts += [Part(Column(name), _field(name)) for name in sorted(set(others) - known)]
    return Layout(parts)


def due_at(row: LeadRow) -> Instant | None:
    """When a lead is dialed next; None if it is not dialed any more, or nobody knows when."""
    return row.next_at if row.state in states.DIALABLE and row.next_at < FAR else None


def field_kind(field: RecordField) -> Kind:
    """Identifiers stay text: a spreadsheet would take their zeros."""
    return "number" if field.kind == "number" else "text"


def _field(name: str) -> Callable[[LeadRow], Cell]:
    return lambda row: row.fields.get(name)


def disposition_titles(live: Live) -> Callable[[str], str]:
    """What people read of a disposition's name; the name itself for one that is not there any more."""
    made = {id_: row.policy.get("title") for id_, row in live.named.get("disposition", {}).items()}
    titles = {**{id_: one.title for id_, one in live.floor.dispositions.items()}, **made}
    return lambda name: str(titles.get(name) or name)


def call_layout(words: Words, live: Live) -> Layout[AttemptRow]:
    """Calls: who, by which number, when, and what became of it."""

    def part(key: str, cell: Callable[[AttemptRow], Cell], kind: Kind = "text") -> Part[AttemptRow]:
        return Part(Column(words.heading(key), kind), cell)

    title = disposition_titles(live)
    shown = {name: hotline.number for name, hotline in live.floor.hotlines.items()}
    return Layout(
        [
            part("call", lambda row: row.id),
            part("campaign", lambda row: row.campaign),
            part("lead", lambda row: row.lead, "number"),
            part("number", lambda row: row.number, "phone"),
            part("hotline", lambda row: row.hotline),
            part("caller_id", lambda row: shown.get(row.hotline, ""), "phone"),
            part("trunk", lambda row: row.trunk),
            part("server", lambda row: row.server),
            part("agent", lambda row: row.agent),
            part("state", lambda row: row.state),
            part("placed_at", lambda row: row.placed_at, "moment"),
            part("ringing_at", lambda row: row.ringing_at, "moment"),
            part("answered_at", lambda row: row.answered_at, "moment"),
            part("connected_at", lambda row: row.connected_at, "moment"),
            part("ended_at", lambda row: row.ended_at, "moment"),
            part("ring_s", lambda row: _between(row.ringing_at, row.answered_at or row.ended_at), "duration"),
            part("wait_s", lambda row: _between(row.answered_at, row.connected_at or row.ended_at), "duration"),
            part("talk_s", lambda row: _between(row.connected_at, row.ended_at), "duration"),
            part("outcome", lambda row: words.outcome(row.outcome)),
            part("cause", lambda row: row.cause, "number"),
            part("sip", lambda row: row.sip, "number"),
            part("because", lambda row: row.because),
            part("counted", lambda row: words.yes(row.counted)),
            part("disposition", lambda row: title(row.disposition)),
            part("disposed_by", lambda row: row.disposed_by),
            part("note", lambda row: row.note),
            part("answers", lambda row: "; ".join(f"{name}: {value}" for name, value in row.answers.items())),
        ]
    )


def _between(start: Instant | None, end: Instant | None) -> float | None:
    return None if start is None or end is None else max(0.0, end - start)


def campaign_layout(words: Words, live: Live) -> Layout[CampaignRow]:
    """Campaigns with their business figures and counts."""
    policies, tallies = live.policies, live.tallies

    def part(key: str, cell: Callable[[CampaignRow], Cell], kind: Kind = "text") -> Part[CampaignRow]:
        return Part(Column(words.heading(key), kind), cell)

    def policy(key: str, cell: Callable[[Campaign], Cell], kind: Kind = "text") -> Part[CampaignRow]:
        return part(key, lambda row: cell(policies[row.id]), kind)

    def count(key: str, kind: Kind = "number") -> Part[CampaignRow]:
        return part(key, lambda row: getattr(tallies[row.id], key), kind)

    def in_state(state: str) -> Part[CampaignRow]:
        heading = f"{words.heading('leads')}: {words.value(state)}"
        return Part(Column(heading, "number"), lambda row: live.lead_states[row.id][state])

    def mean_wait(row: CampaignRow) -> Cell:
        tally = tallies[row.id]
        return tally.wait_s / tally.connected if tally.connected else None

    return Layout(
        [
            part("campaign", lambda row: row.id),
            policy("name", lambda one: one.name),
            policy("mode", lambda one: one.mode),
            part("state", lambda row: words.value(row.state)),
            part("state_at", lambda row: row.state_at, "moment"),
            part("state_by", lambda row: row.state_by),
            part("created_at", lambda row: row.created_at, "moment"),
            part("created_by", lambda row: row.created_by),
            policy("starts_at", lambda one: one.starts_at, "moment"),
            policy("ends_at", lambda one: one.ends_at, "moment"),
            policy("person_in_charge", lambda one: one.business.person_in_charge),
            policy("currency", lambda one: one.business.currency),
            policy("budget", lambda one: one.business.budget, "number"),
            policy("expected_revenue", lambda one: one.business.expected_revenue, "number"),
            policy("cost", lambda one: one.business.cost, "number"),
            policy("revenue", lambda one: one.business.revenue, "number"),
            part("leads", lambda row: sum(live.lead_states[row.id].values()), "number"),
            *map(in_state, states.LEAD),
            count("placed"),
            count("answered"),
            count("connected"),
            count("abandoned"),
            part("abandon_rate", lambda row: figures.abandon_rate(tallies[row.id]), "number"),
            count("hung_up"),
            count("busy"),
            count("no_answer"),
            count("failed"),
            count("lost"),
            part("mean_wait", mean_wait, "duration"),
            count("talk_s", "duration"),
        ]
    )
