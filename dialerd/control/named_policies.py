"""Commands on policies that have a name, alike for scripts and dispositions: make, change, delete, list (C12, C13).

Never changes one that is kept in the configuration: it is changed there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import Field, ValidationError

from dialerd.campaigns.live import Live
from dialerd.campaigns.named import named
from dialerd.control.faults import faults_of, refusal
from dialerd.control.table import EVERYBODY, MAKERS, Args, Command, Decided, Desk, Nothing, Result, Who
from dialerd.model.errors import Refusal
from dialerd.model.instants import iso
from dialerd.model.intents import Note, WriteNamed
from dialerd.model.policies import Policy

P = TypeVar("P", bound=Policy)


class Written(Result):
    """What was made or changed."""

    name: str


class NamedView(Result):
    """One as it is."""

    name: str
    source: str
    """`file`: kept in the configuration; `command`: made by a person."""
    policy: dict[str, Any]
    used_by: list[str]
    """Campaigns that name it."""
    changed_by: str
    changed_at: str | None


class NamedList(Result):
    """All there are."""

    found: list[NamedView] = Field(default_factory=list)


def commands_of(
    kind: str,
    model: type[P],
    make: type[Args],
    change: type[Args],
    which: type[Args],
    key: str,
    in_file: Callable[[Live], Mapping[str, P]],
    every: Callable[[Live], Mapping[str, P]],
    check: Callable[[Live, P], None] = lambda live, policy: None,
) -> tuple[Command[Any], ...]:
    """The four commands of one kind. Their arguments name it in `kind`, and what it is to be in `key`."""

    def checked(live: Live, policy: Mapping[str, Any]) -> dict[str, Any]:
        try:
            good = model.model_validate(policy)
        except ValidationError as wrong:
            faults = [fault._replace(path=(key, *fault.path)) for fault in faults_of(wrong, model, policy)]
            raise refusal(faults) from None
        check(live, good)
        return good.model_dump(mode="json")

    def by_command(live: Live, name: str) -> dict[str, Any]:
        if name in in_file(live):
            raise Refusal("from_file", f"{name} is kept in the configuration: change it there and reload", kind)
        row = named(live, kind, name)
        if row is None:
            raise Refusal(f"unknown_{kind}", f"there is no {kind} {name}", kind, sorted(every(live))[:50])
        return row.policy

    def create(live: Live, who: Who, args: Args) -> Decided:
        name: str = getattr(args, kind)
        if name in every(live):
            raise Refusal("exists", f"there is a {kind} {name} already", kind)
        write = WriteNamed(kind, name, checked(live, getattr(args, key)), who.principal)
        return Decided(Written(name=name), (write, Note(who.principal, f"{kind}.create", name)))

    def update(live: Live, who: Who, args: Args) -> Decided:
        name: str = getattr(args, kind)
        given: dict[str, Any] = getattr(args, key)
        merged = {**by_command(live, name), **given}
        policy = checked(live, {key: value for key, value in merged.items() if value is not None})
        note = Note(who.principal, f"{kind}.update", name, ", ".join(sorted(given))[:1000])
        return Decided(Written(name=name), (WriteNamed(kind, name, policy, who.principal), note))

    def delete(live: Live, who: Who, args: Args) -> Decided:
        name: str = getattr(args, kind)
        policy = by_command(live, name)
        users = _users(live, kind, name)
        if users:
            raise Refusal("illegal_state", f"{name} is named by {', '.join(users[:10])}", kind)
        write = WriteNamed(kind, name, policy, who.principal, False)
        return Decided(Written(name=name), (write, Note(who.principal, f"{kind}.delete", name)))

    async def list_(desk: Desk, who: Who, args: Nothing) -> NamedList:
        live = desk.live
        return NamedList(
            found=[_view(live, kind, name, one, in_file(live)) for name, one in sorted(every(live).items())]
        )

    return (
        Command(f"{kind}.create", f"Make a {kind}", MAKERS, make, Written, "turn", judge=create),
        Command(f"{kind}.update", f"Change a {kind}", MAKERS, change, Written, "turn", judge=update),
        Command(
            f"{kind}.delete", f"Delete a {kind} that no campaign names", MAKERS, which, Written, "turn", judge=delete
        ),
        Command(f"{kind}.list", f"All {kind}s", EVERYBODY, Nothing, NamedList, "read", read=list_),
    )


def _view(live: Live, kind: str, name: str, one: Policy, in_file: Mapping[str, Policy]) -> NamedView:
    row = None if name in in_file else named(live, kind, name)
    return NamedView(
        name=name,
        source="file" if row is None else "command",
        policy=one.model_dump(mode="json"),
        used_by=_users(live, kind, name),
        changed_by="configuration" if row is None else row.changed_by,
        changed_at=None if row is None else iso(row.changed_at),
    )


def _users(live: Live, kind: str, name: str) -> list[str]:
    """The campaigns that name it; one that allows all dispositions names none."""
    found: list[str] = []
    for campaign, policy in sorted(live.policies.items()):
        if live.campaigns[campaign].state == "deleted":
            continue
        names = [policy.script] if kind == "script" else policy.dispositions
        if names != "all" and name in names:
            found.append(campaign)
    return found
