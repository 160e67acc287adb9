"""Commands on saved filters of contacts, and how many contacts one holds for (C06).

Never keeps what a filter found: it is asked anew each time it is used.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, ValidationError

from dialerd.campaigns.live import Live
from dialerd.campaigns.named import FILTER, all_named, named
from dialerd.control.faults import faults_of, refusal
from dialerd.control.groups import Named
from dialerd.control.table import MAKERS, OFFICE, Args, Command, Decided, Desk, Nothing, Result, Who
from dialerd.model.contact_filters import ContactFilter, matches
from dialerd.model.errors import Refusal
from dialerd.model.instants import iso
from dialerd.model.intents import Note, WriteNamed
from dialerd.model.policies import Name
from dialerd.model.rows import NamedRow

PORTION = 500
"""Contacts held against a filter at once."""


class Which(Args):
    """One filter."""

    filter: Name


class Making(Which):
    """A filter: ALL of its conditions must hold."""

    conditions: dict[str, Any]
    """kind, created_from, created_before, code (its beginning), status, industry, channel (any of), tags_any, tags_all, owner."""
    title: str = Field("", max_length=200)


class Changing(Which):
    """New conditions for a filter."""

    conditions: dict[str, Any] = Field(default_factory=dict)
    """Only those to change; null takes one away."""
    title: str | None = Field(None, max_length=200)


class FilterView(Result):
    """A filter."""

    filter: str
    title: str
    conditions: dict[str, Any]
    created_by: str
    created_at: str
    changed_by: str
    changed_at: str


class FilterList(Result):
    """All filters."""

    filters: list[FilterView]


class Counted(Result):
    """What a filter would find now."""

    filter: str
    contacts: int
    """Contacts it holds for."""
    with_phone: int
    """Those of them that have a phone and so can be leads."""
    looked_at: int


def known_filter(live: Live, name: str) -> NamedRow:
    """Raises Refusal unless there is such a filter."""
    row = named(live, FILTER, name)
    if row is None:
        raise Refusal(
            "unknown_filter", f"there is no filter {name}", "filter", [row.id for row in all_named(live, FILTER)][:50]
        )
    return row


def conditions_of(row: NamedRow) -> ContactFilter:
    """The conditions of a filter."""
    return ContactFilter.model_validate(row.policy["conditions"])


def _checked(given: dict[str, Any]) -> dict[str, Any]:
    try:
        return ContactFilter.model_validate(given).model_dump(mode="json", exclude_none=True)
    except ValidationError as wrong:
        faults = faults_of(wrong, ContactFilter, given)
        raise refusal([fault._replace(path=("conditions", *fault.path)) for fault in faults]) from None


def _create(live: Live, who: Who, args: Making) -> Decided:
    if named(live, FILTER, args.filter) is not None:
        raise Refusal("exists", f"there is a filter {args.filter} already", "filter")
    policy = {"title": args.title, "conditions": _checked(args.conditions)}
    return _write(who, "filter.create", args.filter, policy)


def _update(live: Live, who: Who, args: Changing) -> Decided:
    row = known_filter(live, args.filter)
    merged = {**row.policy["conditions"], **args.conditions}
    conditions = _checked({key: value for key, value in merged.items() if value is not None})
    title = row.policy["title"] if args.title is None else args.title
    return _write(who, "filter.update", row.id, {"title": title, "conditions": conditions})


def _write(who: Who, command: str, name: str, policy: dict[str, Any]) -> Decided:
    write = WriteNamed(FILTER, name, policy, who.principal)
    return Decided(Named(name=name), (write, Note(who.principal, command, f"filter:{name}")))


def _delete(live: Live, who: Who, args: Which) -> Decided:
    row = known_filter(live, args.filter)
    write = WriteNamed(FILTER, row.id, row.policy, who.principal, active=False)
    return Decided(Named(name=row.id), (write, Note(who.principal, "filter.delete", f"filter:{row.id}")))


async def _list(desk: Desk, who: Who, args: Nothing) -> FilterList:
    return FilterList(filters=[_view(row) for row in all_named(desk.live, FILTER)])


def _view(row: NamedRow) -> FilterView:
    conditions = dict(row.policy["conditions"])
    for key in ("created_from", "created_before"):
        if key in conditions:
            conditions[key] = iso(conditions[key])
    return FilterView(
        filter=row.id,
        title=row.policy["title"],
        conditions=conditions,
        created_by=row.created_by,
        created_at=iso(row.created_at),
        changed_by=row.changed_by,
        changed_at=iso(row.changed_at),
    )


async def _count(desk: Desk, who: Who, args: Which) -> Counted:
    asked = conditions_of(known_filter(desk.live, args.filter))
    found = with_phone = looked_at = 0
    after = ""
    while rows := await desk.store.contacts(after, PORTION):
        after = rows[-1].id
        looked_at += len(rows)
        for row in rows:
            if matches(asked, row):
                found += 1
                with_phone += 1 if row.phone else 0
    return Counted(filter=args.filter, contacts=found, with_phone=with_phone, looked_at=looked_at)


COMMANDS: tuple[Command[Any], ...] = (
    Command("filter.create", "Save a filter of contacts", MAKERS, Making, Named, "turn", judge=_create),
    Command("filter.update", "Change a filter's conditions", MAKERS, Changing, Named, "turn", judge=_update),
    Command("filter.delete", "Delete a filter", MAKERS, Which, Named, "turn", judge=_delete),
    Command("filter.list", "All filters", OFFICE, Nothing, FilterList, "read", read=_list),
    Command("filter.count", "How many contacts a filter finds now", OFFICE, Which, Counted, "read", read=_count),
)
