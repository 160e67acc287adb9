"""Commands on do-not-call lists: the house's own, a campaign's, the operator's register (C20).

Never takes a number off the operator's register by hand: it changes as a whole, by its import.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from pydantic import Field

from dialerd.campaigns import finding
from dialerd.campaigns.live import Live
from dialerd.control.dnc_import import Import, Imported, plan
from dialerd.control.table import LAUNCHERS, MAKERS, OFFICE, Args, Command, Decided, Desk, Nothing, Result, Who
from dialerd.model.errors import Refusal
from dialerd.model.facts import Found
from dialerd.model.instants import iso
from dialerd.model.intents import Note, Suppress
from dialerd.model.pasts import OF_CAMPAIGN, OWN, REFUSALS
from dialerd.model.phones import normalise
from dialerd.model.policies import Moment, Name, Region
from dialerd.model.rows import SuppressionRow

Channels: TypeAlias = Literal["voice", "sms", "email", "all"]


class Number(Args):
    """One number."""

    phone: str = Field(max_length=64)
    region: Region = "VN"
    """Where it belongs if it has no country code; none: it is taken as dialed."""


class Entry(Number):
    """A number and a list."""

    list: Literal["own", "campaign"] = "own"
    """own: of the house, it holds in all campaigns; campaign: it holds in one."""
    campaign: Name | None = None
    """That campaign."""
    channel: Channels = "all"
    """What may not reach it."""
    because: str = Field("", max_length=500)
    """Why, for the record."""


class Add(Entry):
    """A number that must not be reached."""

    until: Moment | None = None
    """Until when (ISO 8601 with offset); empty: for good."""
    refused: bool = False
    """Whether the called party said so himself: legal rules keep silent after a refusal."""


class EntryView(Result):
    """An entry of a list."""

    list: str
    channel: str
    at: str
    by: str
    because: str
    until: str | None
    holds: bool
    """Whether it bars calls or messages now."""


class Changed(Result):
    """What became of a number."""

    phone: str
    list: str
    channel: str
    changed: bool
    """false: it was so already."""


class Checked(Result):
    """The lists that a number is on."""

    phone: str
    barred: dict[str, bool]
    """By channel, by the lists that hold in all campaigns."""
    entries: list[EntryView]
    refused_at: str | None
    """When the called party refused last, as far as is known."""


class ListView(Result):
    """A do-not-call list for one channel."""

    list: str
    channel: str
    numbers: int
    """Numbers put there since it was replaced last."""
    version: int
    as_of: str
    changed_at: str | None
    changed_by: str
    coming: int
    """Numbers of a new version that is not whole yet; they hold already."""


class Lists(Result):
    """All lists."""

    lists: list[ListView]


async def _find(desk: Desk, who: Who, args: Number) -> Found:
    return Found(suppressions=tuple(await desk.store.suppressions_of([normalise(args.phone, args.region)])))


def _list(live: Live, args: Entry) -> str:
    if args.list == "own":
        if args.campaign is not None:
            raise Refusal("bad_argument", "a campaign, and the list is own", "campaign", "nothing, or list=campaign")
        return OWN
    if args.campaign is None or args.campaign not in live.campaigns:
        raise Refusal("bad_argument", "the list is campaign, and it is not said which", "campaign")
    return f"{OF_CAMPAIGN}{args.campaign}"


def _add(live: Live, who: Who, args: Add) -> Decided:
    number, name = normalise(args.phone, args.region), _list(live, args)
    if args.until is not None and args.until <= live.now:
        raise Refusal("bad_argument", f"{iso(args.until)} is over", "until", f"later than {iso(live.now)}")
    there = finding.suppression(live, name, number, args.channel)
    same = there is not None and _is_there(live, there) and there.until == args.until
    because = args.because or "by command"
    put = Suppress(name, number, args.channel, who.principal, because, args.until, refused=args.refused)
    return Decided(
        Changed(phone=number, list=name, channel=args.channel, changed=not same),
        () if same and not args.refused else (put, Note(who.principal, "dnc.add", number, f"{name}, {args.channel}")),
    )


def _remove(live: Live, who: Who, args: Entry) -> Decided:
    number, name = normalise(args.phone, args.region), _list(live, args)
    there = finding.suppression(live, name, number, args.channel)
    if there is None or not _is_there(live, there):
        held = [row for row in (live.found.suppressions if live.found else ()) if _is_there(live, row)]
        on = [f"{row.list_name}/{row.channel}" for row in held if row.list_name != REFUSALS]
        told = f"{number} is not on the list {name} for {args.channel}"
        raise Refusal("unknown_number", told, "phone", on or "it is on no list")
    because = args.because or "by command"
    off = Suppress(name, number, args.channel, who.principal, because, there.until, active=False)
    return Decided(
        Changed(phone=number, list=name, channel=args.channel, changed=True),
        (off, Note(who.principal, "dnc.remove", number, f"{name}, {args.channel}")),
    )


def _is_there(live: Live, row: SuppressionRow) -> bool:
    its = live.dnc.get((row.list_name, row.channel))
    return row.active and (its is None or row.version >= its.version)


async def _check(desk: Desk, who: Who, args: Number) -> Checked:
    number = normalise(args.phone, args.region)
    rows = [row for row in await desk.store.suppressions_of([number]) if _is_there(desk.live, row)]
    refused = max((row.at for row in rows if row.list_name == REFUSALS), default=None)
    entries = [row for row in rows if row.list_name != REFUSALS]
    views = [_view(row, desk.now) for row in sorted(entries, key=lambda row: (row.list_name, row.channel))]
    everywhere = [one for one in views if one.holds and not one.list.startswith(OF_CAMPAIGN)]
    return Checked(
        phone=number,
        barred={name: any(one.channel in ("all", name) for one in everywhere) for name in ("voice", "sms", "email")},
        entries=views,
        refused_at=None if refused is None else iso(refused),
    )


def _view(row: SuppressionRow, now: float) -> EntryView:
    return EntryView(
        list=row.list_name,
        channel=row.channel,
        at=iso(row.at),
        by=row.by,
        because=row.because,
        until=None if row.until is None else iso(row.until),
        holds=row.until is None or now < row.until,
    )


async def _lists(desk: Desk, who: Who, args: Nothing) -> Lists:
    rows = [row for _, row in sorted(desk.live.dnc.items()) if row.list_name != REFUSALS]
    return Lists(
        lists=[
            ListView(
                list=row.list_name,
                channel=row.channel,
                numbers=row.numbers,
                version=row.version,
                as_of=row.as_of,
                changed_at=None if row.at is None else iso(row.at),
                changed_by=row.by,
                coming=row.came,
            )
            for row in rows
        ]
    )


COMMANDS: tuple[Command[Any], ...] = (
    Command("dnc.import", "A do-not-call list from a text", LAUNCHERS, Import, Imported, "job", plan=plan),
    Command("dnc.add", "Put a number on a list", MAKERS, Add, Changed, "turn", judge=_add, find=_find),
    Command("dnc.remove", "Take a number off a list", LAUNCHERS, Entry, Changed, "turn", judge=_remove, find=_find),
    Command("dnc.check", "The lists that a number is on", OFFICE, Number, Checked, "read", read=_check),
    Command("dnc.list", "All do-not-call lists", OFFICE, Nothing, Lists, "read", read=_lists),
)
