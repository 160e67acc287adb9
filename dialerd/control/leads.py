"""Commands on leads: import, add and get (C06, C07, C09); `explaining` tells what was and will be.

Never adds a lead whose phone is no number or may not be dialed: it is told, row by row, why not.
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from dialerd.campaigns.live import Live
from dialerd.control.campaigns import known
from dialerd.control.table import OFFICE, Args, Command, Desk, Result, Who
from dialerd.model import states
from dialerd.model.errors import Refusal
from dialerd.model.instants import FAR, iso
from dialerd.model.lead_order import MAX_LISTS
from dialerd.model.phones import normalise
from dialerd.model.policies import Name
from dialerd.model.record_fields import significant_value
from dialerd.model.rows import LeadRow


class WhichLead(Args):
    """One lead of a campaign, by its phone."""

    campaign: Name
    phone: str = Field(max_length=64)


class LeadView(Result):
    """A lead."""

    lead: int
    campaign: str
    phone: str
    name: str
    state: str
    attempts: int
    next_at: str | None
    last_outcome: str
    last_at: str | None
    fields: dict[str, str]
    significant: str
    """The value of the field that identifies the record; empty without one."""
    phones: builtins.list[str]
    """His further phones."""
    number: str
    """The phone that is dialed next."""
    bad_phones: builtins.list[str]
    """Those that turned out to be no good."""
    email: str
    address: str
    owner: str
    private_to: str
    """The only agent who works him; empty: all."""
    disposition: str
    """The last one given."""
    source: str
    """How he came: a command, contacts:..., copy:..., trigger:..."""
    action: str
    """What brought him here."""
    joined_at: str
    contact: str
    """Code of the contact he was made from."""
    clicks: int
    participation: str
    """registered, confirmed, joined or cancelled; empty: none yet."""
    participation_at: str | None
    list: str
    priority: int


def lead_view(live: Live, row: LeadRow) -> LeadView:
    """A lead as people see him."""
    return LeadView(
        lead=row.id,
        campaign=row.campaign,
        phone=row.phone,
        name=row.name,
        state=row.state,
        attempts=row.attempts,
        next_at=iso(row.next_at) if row.state in states.DIALABLE and row.next_at < FAR else None,
        last_outcome=row.last_outcome,
        last_at=None if row.last_at is None else iso(row.last_at),
        fields=row.fields,
        significant=significant_value(live.policies[row.campaign].fields, row.fields),
        phones=row.phones,
        number=row.number,
        bad_phones=row.bad_phones,
        email=row.email,
        address=row.address,
        owner=row.owner,
        private_to=row.private_to,
        disposition=row.disposition,
        source=row.source,
        action=row.action,
        joined_at=iso(row.created_at),
        contact=row.contact,
        clicks=row.clicks,
        participation=row.participation,
        participation_at=None if row.participation_at is None else iso(row.participation_at),
        list=row.list_name,
        priority=row.priority,
    )


async def find(desk: Desk, args: WhichLead) -> LeadRow:
    """The lead with that phone. Raises Refusal."""
    known(desk.live, args.campaign)
    policy = desk.live.policies[args.campaign]
    phone = normalise(args.phone, policy.region, migrate_2018=policy.migrate_2018)
    row = await desk.store.lead(args.campaign, phone)
    if row is None:
        raise Refusal("unknown_lead", f"campaign {args.campaign} has no lead {phone}", "phone")
    return row


async def _get(desk: Desk, who: Who, args: WhichLead) -> LeadView:
    return lead_view(desk.live, await find(desk, args))


def room_for_list(live: Live, campaign: str, list_name: str) -> None:
    """Raises Refusal if the campaign cannot have another list beside those with leads that may still be dialed."""
    lists: Mapping[str, int] = live.open_lists.get(campaign, {})
    if list_name and list_name not in lists and len(lists) >= MAX_LISTS:
        told = f"{campaign} has {len(lists)} lists with leads that may still be dialed, at most {MAX_LISTS} are allowed"
        raise Refusal("too_many_lists", told, "list")


def batch_subject(live: Live, campaign: str) -> str:
    """The region that a campaign's numbers are read in. Raises Refusal for a campaign that is unknown or was rejected.

    In a finished one leads wait until it is started again.
    """
    row = known(live, campaign)
    if row.state == "rejected":
        raise Refusal("illegal_state", f"{campaign} was rejected: it takes no leads", "campaign")
    return live.policies[campaign].region


COMMANDS: tuple[Command[Any], ...] = (Command("lead.get", "One lead", OFFICE, WhichLead, LeadView, "read", read=_get),)
