"""Commands on contacts: add, change, find and list whom the house knows, apart from any campaign (C06).

Never changes a lead: he was made from the contact as it was then.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from dialerd.campaigns.contacts import found_contact, next_code
from dialerd.campaigns.live import Live
from dialerd.control.contact_values import Code, changed, new_contact, refuse_made
from dialerd.control.table import MAKERS, OFFICE, Args, Command, Decided, Desk, Result, Who
from dialerd.model.errors import Refusal, StaleError
from dialerd.model.facts import Found
from dialerd.model.instants import iso
from dialerd.model.intents import Note, WriteContact
from dialerd.model.phones import normalise
from dialerd.model.policies import Region
from dialerd.model.rows import ContactRow

MOST = 1000
"""Contacts in one answer."""


class Values(Args):
    """What a contact has; what is not given stays as it is, an empty text takes away."""

    kind: Literal["person", "company"] | None = None
    name: str | None = Field(None, max_length=200)
    phone: str | None = Field(None, max_length=64)
    email: str | None = Field(None, max_length=254)
    address: str | None = Field(None, max_length=500)
    status: str | None = Field(None, max_length=64)
    """A word of the house's own, such as prospect. So with industry and channel; capitals do not count."""
    industry: str | None = Field(None, max_length=64)
    channel: str | None = Field(None, max_length=64)
    """Where the contact comes from, such as facebook."""
    owner: str | None = Field(None, max_length=64)
    """The account manager: a principal."""
    tags: str | None = Field(None, max_length=4000)
    """Words parted by semicolons."""
    fields: dict[str, str] | None = None
    """Further texts by name; an empty one takes away."""
    region: Region = "VN"
    """Where a phone without a country code belongs; none: as it is dialed."""

    def given(self) -> dict[str, Any]:
        """What is to be changed."""
        texts = {name: getattr(self, name) for name in Values.model_fields if name != "region"}
        return {name: value for name, value in texts.items() if value is not None}


class Adding(Values):
    """A contact that is not there yet."""

    name: str = Field(max_length=200)
    code: str = Field("", max_length=64)
    """Its code (PID), unique; empty: one is made."""
    duplicate: Literal["refuse", "keep"] = "refuse"
    """What becomes of one whose phone another contact has."""


class Changing(Values):
    """New values for a contact."""

    code: Code


class Finding(Args):
    """Contacts by ONE of these."""

    code: str | None = Field(None, max_length=64)
    phone: str | None = Field(None, max_length=64)
    email: str | None = Field(None, max_length=254)
    name: str | None = Field(None, max_length=200)
    """A part of the name; accents and capitals do not count."""
    region: Region = "VN"
    """Where a phone without a country code belongs; none: as it is dialed."""
    after: str = Field("", max_length=64)
    """Go on after the contact with this code."""
    limit: int = Field(100, ge=1, le=MOST)


class Listing(Args):
    """Contacts by code."""

    after: str = Field("", max_length=64)
    """Begin after the contact with this code."""
    limit: int = Field(100, ge=1, le=MOST)


class ContactView(Result):
    """A contact."""

    code: str
    kind: str
    """person or company."""
    name: str
    phone: str
    email: str
    address: str
    status: str
    industry: str
    channel: str
    owner: str
    tags: list[str]
    fields: dict[str, str]
    created_at: str
    changed_at: str


class ContactList(Result):
    """Contacts; with `more`, ask again with this `after`."""

    contacts: list[ContactView]
    after: str
    more: bool


class Written(Result):
    """A contact was made or changed."""

    code: str


def view(row: ContactRow) -> ContactView:
    """A contact as people see it."""
    return ContactView(
        code=row.id,
        kind=row.kind,
        name=row.name,
        phone=row.phone,
        email=row.email,
        address=row.address,
        status=row.status,
        industry=row.industry,
        channel=row.channel,
        owner=row.owner,
        tags=row.tags,
        fields=row.fields,
        created_at=iso(row.created_at),
        changed_at=iso(row.changed_at),
    )


async def _find_add(desk: Desk, who: Who, args: Adding) -> Found:
    row = new_contact(args.code, args.given(), args.region)
    found = await desk.store.contacts_by_phone([row.phone]) if row.phone else []
    known = await desk.store.contact(row.id) if row.id else None
    return Found(contacts=(*found, *([known] if known is not None else [])))


def _add(live: Live, who: Who, args: Adding) -> Decided:
    row = new_contact(args.code, args.given(), args.region)
    found = live.found
    if found is None:
        raise StaleError
    if row.id:
        known = found_contact(live, row.id)
        if known is not None and known.active:
            raise Refusal("exists", f"there is a contact {row.id} already", "code")
        refuse_made(row.id)
    same = [other.id for other in found.contacts if row.phone and other.phone == row.phone and other.active]
    if same and args.duplicate == "refuse":
        raise Refusal("exists", f"contact {same[0]} has the phone {row.phone} already", "phone", "duplicate: keep")
    row.created_at = live.now
    code = row.id or next_code(live)
    return Decided(
        Written(code=code), (WriteContact(row, who.principal), Note(who.principal, "contact.add", f"contact:{code}"))
    )


async def _find_one(desk: Desk, who: Who, args: Changing) -> Found:
    row = await desk.store.contact(args.code)
    return Found(contacts=() if row is None else (row,))


def _update(live: Live, who: Who, args: Changing) -> Decided:
    row = found_contact(live, args.code)
    if row is None or not row.active:
        raise Refusal("unknown_contact", f"there is no contact {args.code}", "code")
    new = changed(row, args.given(), args.region)
    told = ", ".join(sorted(args.given()))
    return Decided(
        Written(code=row.id),
        (WriteContact(new, who.principal), Note(who.principal, "contact.update", f"contact:{row.id}", told)),
    )


async def _find(desk: Desk, who: Who, args: Finding) -> ContactList:
    by = [name for name in ("code", "phone", "email", "name") if getattr(args, name) is not None]
    if len(by) > 1:
        raise Refusal("bad_argument", f"{' and '.join(by)} are given", by[1], "one of code, phone, email, name")
    if args.code is not None:
        row = await desk.store.contact(args.code)
        return _told([] if row is None or not row.active else [row], "", False)
    if args.phone is not None:
        rows = await desk.store.contacts_by_phone([normalise(args.phone, args.region)])
        left = sorted((row for row in rows if row.id > args.after), key=lambda row: row.id)
        return _told(
            left[: args.limit], left[args.limit - 1].id if len(left) > args.limit else "", len(left) > args.limit
        )
    if args.email is not None:
        email = args.email.strip().casefold()
        rows = await desk.store.contacts_by_email(email, args.after, args.limit + 1)
        return _told(
            rows[: args.limit], rows[args.limit - 1].id if len(rows) > args.limit else "", len(rows) > args.limit
        )
    found = await desk.store.contacts_named(args.name or "", args.after, args.limit)
    return _told(found.contacts, found.after if found.more else "", found.more)


async def _list(desk: Desk, who: Who, args: Listing) -> ContactList:
    rows = await desk.store.contacts(args.after, args.limit)
    more = len(rows) == args.limit
    return _told(rows, rows[-1].id if more else "", more)


def _told(rows: list[ContactRow], after: str, more: bool) -> ContactList:
    return ContactList(contacts=[view(row) for row in rows], after=after, more=more)


COMMANDS: tuple[Command[Any], ...] = (
    Command("contact.add", "Add a contact", MAKERS, Adding, Written, "turn", judge=_add, find=_find_add),
    Command("contact.update", "Change a contact", MAKERS, Changing, Written, "turn", judge=_update, find=_find_one),
    Command(
        "contact.find", "Contacts by code, phone, e-mail or name", OFFICE, Finding, ContactList, "read", read=_find
    ),
    Command("contact.list", "Contacts by code", OFFICE, Listing, ContactList, "read", read=_list),
)
