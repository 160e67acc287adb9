"""lead.import: what it is asked with, what it answers, and how a list is to be read for a campaign (C06-C08).

Never reads a row: it says what every row has to be.
"""

from __future__ import annotations

import builtins
from typing import Literal

from pydantic import Field

from dialerd.campaigns.days import today
from dialerd.control import list_args
from dialerd.control.leads import batch_subject, room_for_list
from dialerd.control.list_args import Column, Columns, FieldColumns, FromList, Importing
from dialerd.control.table import Args, Desk
from dialerd.model.lead_check import LeadRules
from dialerd.model.lead_order import ListName, Priority
from dialerd.model.policies import Campaign, Name
from dialerd.ports import sheets as port
from dialerd.ports.sheets import Checking, RecordField


class Mapping(Args):
    """Which column is what: each is told by its heading, its letter (B) or its number (2)."""

    phone: Column
    name: Column = ""
    phones: Columns = Field(default_factory=builtins.list)
    """Further phones, in the order they are tried; a cell may hold several, parted by semicolons."""
    email: Column = ""
    address: Column = ""
    zone: Column = ""
    """His time zone, as an IANA name."""
    owner: Column = ""
    """His account manager, a principal."""
    action: Column = ""
    """What brought him here."""
    list: Column = ""
    """The list he comes with; an empty cell: that of the whole import."""
    priority: Column = ""
    """An empty cell: that of the whole import."""
    fields: FieldColumns = Field(default_factory=dict)
    """The campaign's record field to its column."""
    ignore: Columns = Field(default_factory=builtins.list)
    others: Literal["keep", "ignore"] | None = None
    """Columns not named here: kept as fields under their headings, or left out; empty: as the campaign's other_fields says."""


class OfCampaign(Args):
    """A campaign."""

    campaign: Name


class Preview(FromList, OfCampaign):
    """Which list to look into, and for which campaign."""


class Import(Importing, OfCampaign):
    """Leads from a list."""

    mapping: Mapping | None = None
    """Which column is what; empty: as the headings suggest (lead.import-preview shows it)."""
    phone: str = Field("", max_length=200)
    """Without a mapping: the column of the phone, if the headings do not tell it."""
    name: str = Field("", max_length=200)
    """Without a mapping: the column of the name, if the headings do not tell it."""
    list: ListName | None = None
    """The list they come with: lists are mixed by the campaign's shares."""
    priority: Priority = 0
    """-100 to 100; the greater is dialed earlier."""
    duplicates: Literal["filter", "keep"] = "filter"
    """Rows whose phone the campaign has already, or a row before them. filter: they are counted. keep: they are in the report too,
    row by row. A campaign has each phone once, so neither adds a second lead."""
    all_or_nothing: bool = False
    """Add nobody if a single row is refused; nothing is added before all rows were checked."""


class Imported(list_args.Imported):
    """What became of an import's rows: rows = added + duplicates + suppressed + refused."""

    campaign: str
    suppressed: int
    """Phones on a do-not-call list that holds for the campaign for good."""


def fields_of(policy: Campaign) -> tuple[RecordField, ...]:
    """The campaign's record fields, as columns know them."""
    return tuple(
        RecordField(field.name, field.label, field.kind, tuple(field.choices), field.required)
        for field in policy.fields
    )


def checking_of(desk: Desk, args: Import) -> Checking:
    """How rows become leads of the campaign. Raises Refusal if it takes none."""
    batch_subject(desk.live, args.campaign)
    room_for_list(desk.live, args.campaign, args.list or "")
    policy = desk.live.policies[args.campaign]
    rules = LeadRules(
        region=policy.region,
        today=today(desk.live, policy, desk.now).isoformat(),
        migrate_2018=policy.migrate_2018,
        fields=[field.model_dump(mode="json") for field in policy.fields],
        others=policy.other_fields,
        list_name=args.list or "",
        priority=args.priority,
    )
    mapping = None if args.mapping is None else _mapping(args.mapping, policy)
    return Checking(rules, fields_of(policy), mapping, args.phone.strip(), args.name.strip())


def _mapping(given: Mapping, policy: Campaign) -> port.Mapping:
    others: Literal["keep", "ignore"] = "ignore" if policy.other_fields == "drop" else "keep"
    return port.Mapping(
        phone=given.phone,
        name=given.name,
        phones=tuple(given.phones),
        email=given.email,
        address=given.address,
        zone=given.zone,
        owner=given.owner,
        action=given.action,
        list_name=given.list,
        priority=given.priority,
        fields=dict(given.fields),
        ignore=tuple(given.ignore),
        others=given.others or others,
    )
