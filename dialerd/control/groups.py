"""Commands on groups of contacts: make and delete them, and who is in them (C06).

Never lists a group as a whole: it may have a million members.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from dialerd.campaigns.live import Live
from dialerd.campaigns.named import GROUP, all_named, named
from dialerd.control.contact_values import checked_codes
from dialerd.control.contacts import ContactView, view
from dialerd.control.table import MAKERS, OFFICE, Args, Command, Decided, Desk, Nothing, Result, Who
from dialerd.model.errors import Refusal, StaleError
from dialerd.model.facts import Found
from dialerd.model.instants import iso
from dialerd.model.intents import Note, WriteMembers, WriteNamed
from dialerd.model.policies import Name
from dialerd.model.rows import NamedRow

MEMBER = "contact"
MOST_AT_ONCE = 5000
"""Members that join or leave by one command: they are written in one turn."""


class Which(Args):
    """One group."""

    group: Name


class Making(Which):
    """A new group."""

    title: str = Field("", max_length=200)


class Members(Which):
    """Contacts that join a group, or leave it."""

    codes: str = Field(max_length=1_000_000)
    """Their codes, parted by commas, semicolons or spaces; 5000 at most."""


class Listing(Which):
    """Members of a group by code."""

    after: str = Field("", max_length=64)
    """Begin after the contact with this code."""
    limit: int = Field(100, ge=1, le=1000)


class GroupView(Result):
    """A group."""

    group: str
    title: str
    created_by: str
    created_at: str


class GroupList(Result):
    """All groups."""

    groups: list[GroupView]


class Moved(Result):
    """Who joined or left."""

    group: str
    members: int
    """How many joined or left now."""
    unchanged: int
    """How many had before."""
    unknown: list[str]
    """Codes of no contact, the first hundred."""


class Named(Result):
    """A group, filter or trigger that was made, changed or deleted."""

    name: str


class MemberList(Result):
    """Members; with `more`, ask again with this `after`."""

    contacts: list[ContactView]
    after: str
    more: bool


def known_group(live: Live, group: str) -> NamedRow:
    """Raises Refusal unless there is such a group."""
    row = named(live, GROUP, group)
    if row is None:
        names = [row.id for row in all_named(live, GROUP)][:50]
        raise Refusal("unknown_group", f"there is no group {group}", "group", names)
    return row


def _create(live: Live, who: Who, args: Making) -> Decided:
    if named(live, GROUP, args.group) is not None:
        raise Refusal("exists", f"there is a group {args.group} already", "group")
    old = live.named.get(GROUP, {}).get(args.group)
    if old is not None:
        raise Refusal("exists", f"a group {args.group} was deleted, with its members: take another name", "group")
    write = WriteNamed(GROUP, args.group, {"title": args.title}, who.principal)
    return Decided(Named(name=args.group), (write, Note(who.principal, "group.create", f"group:{args.group}")))


def _delete(live: Live, who: Who, args: Which) -> Decided:
    row = known_group(live, args.group)
    write = WriteNamed(GROUP, row.id, row.policy, who.principal, active=False)
    return Decided(Named(name=row.id), (write, Note(who.principal, "group.delete", f"group:{row.id}")))


async def _find(desk: Desk, who: Who, args: Members) -> Found:
    codes = _codes(args)
    rows = await desk.store.contacts_by_id(codes)
    members = await desk.store.are_members(MEMBER, args.group, codes)
    return Found(contacts=tuple(rows), members=tuple(row.member for row in members))


def _codes(args: Members) -> list[str]:
    codes = checked_codes(args.codes)
    if len(codes) > MOST_AT_ONCE:
        raise Refusal("bad_argument", f"{len(codes)} codes", "codes", f"at most {MOST_AT_ONCE}")
    return codes


def _mover(*, joins: bool) -> Any:
    def judge(live: Live, who: Who, args: Members) -> Decided:
        codes = _codes(args)
        known_group(live, args.group)
        found = live.found
        if found is None:
            raise StaleError
        there = {row.id for row in found.contacts}
        inside = set(found.members)
        moving = tuple(code for code in codes if (code in there and code not in inside if joins else code in inside))
        unknown = [code for code in codes if code not in there and not (code in inside and not joins)]
        result = Moved(
            group=args.group,
            members=len(moving),
            unchanged=len(codes) - len(moving) - len(unknown),
            unknown=unknown[:100],
        )
        if not moving:
            return Decided(result)
        verb = "group.add" if joins else "group.remove"
        write = WriteMembers(MEMBER, args.group, moving, who.principal, active=joins)
        return Decided(result, (write, Note(who.principal, verb, f"group:{args.group}", f"{len(moving)} contacts")))

    return judge


async def _list(desk: Desk, who: Who, args: Nothing) -> GroupList:
    return GroupList(
        groups=[
            GroupView(
                group=row.id,
                title=str(row.policy.get("title", "")),
                created_by=row.created_by,
                created_at=iso(row.created_at),
            )
            for row in all_named(desk.live, GROUP)
        ]
    )


async def _members(desk: Desk, who: Who, args: Listing) -> MemberList:
    known_group(desk.live, args.group)
    codes = await desk.store.members(MEMBER, args.group, args.after, args.limit)
    rows = {row.id: row for row in await desk.store.contacts_by_id(codes)}
    more = len(codes) == args.limit
    contacts = [view(rows[code]) for code in codes if code in rows]
    return MemberList(contacts=contacts, after=codes[-1] if more else "", more=more)


COMMANDS: tuple[Command[Any], ...] = (
    Command("group.create", "Make a group of contacts", MAKERS, Making, Named, "turn", judge=_create),
    Command("group.delete", "Delete a group; its contacts stay", MAKERS, Which, Named, "turn", judge=_delete),
    Command("group.list", "All groups of contacts", OFFICE, Nothing, GroupList, "read", read=_list),
    Command("group.add", "Contacts join a group", MAKERS, Members, Moved, "turn", judge=_mover(joins=True), find=_find),
    Command(
        "group.remove", "Contacts leave a group", MAKERS, Members, Moved, "turn", judge=_mover(joins=False), find=_find
    ),
    Command("group.members", "Members of a group", OFFICE, Listing, MemberList, "read", read=_members),
)
