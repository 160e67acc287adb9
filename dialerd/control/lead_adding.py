"""lead.add: one lead, typed in, checked by the same rules as a row of a list (C06-C08).

Never adds a lead beside one with the same phone, and never one whose number may not be called.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from dialerd.campaigns import finding
from dialerd.campaigns.days import today
from dialerd.campaigns.live import Live
from dialerd.control.import_sifting import barred_in
from dialerd.control.leads import batch_subject, room_for_list
from dialerd.control.table import MAKERS, Args, Command, Decided, Desk, Result, Who
from dialerd.model.errors import Refusal
from dialerd.model.facts import Found, NewLead
from dialerd.model.instants import Instant
from dialerd.model.intents import AddLead, Note
from dialerd.model.lead_check import GivenLead, LeadCheck, LeadRules
from dialerd.model.lead_order import ListName, Priority
from dialerd.model.policies import Name

COMMAND = "lead.add"


class Add(Args):
    """One lead."""

    campaign: Name
    phone: str = Field(max_length=64)
    name: str = Field("", max_length=200)
    phones: str = Field("", max_length=400)
    """Further phones, parted by semicolons; dialed in their order after the first one (C07)."""
    email: str = Field("", max_length=254)
    address: str = Field("", max_length=500)
    zone: str = Field("", max_length=64)
    """His time zone, as an IANA name; empty: as his number tells."""
    owner: str = Field("", max_length=64)
    """His account manager: a principal."""
    action: str = Field("", max_length=500)
    """What brought him here."""
    fields: dict[str, str] = Field(default_factory=dict, max_length=100)
    """The campaign's own fields by name."""
    list: ListName | None = None
    """The list he comes with."""
    priority: Priority = 0
    """-100 to 100; the greater is dialed earlier."""


class Added(Result):
    """What became of it."""

    campaign: str
    phone: str
    """As the campaign keeps it."""
    added: int
    """1, or 0 for a duplicate."""
    duplicates: int
    lead: int | None
    """The new lead's id."""


def _checked(live: Live, args: Add, now: Instant) -> NewLead:
    batch_subject(live, args.campaign)
    policy = live.policies[args.campaign]
    rules = LeadRules(
        region=policy.region,
        today=today(live, policy, now).isoformat(),
        migrate_2018=policy.migrate_2018,
        fields=[field.model_dump(mode="json") for field in policy.fields],
        others=policy.other_fields,
        list_name=args.list or "",
        priority=args.priority,
    )
    given = GivenLead(
        args.phone,
        args.name,
        [args.phones] if args.phones else [],
        args.email,
        args.address,
        args.zone,
        args.owner,
        args.action,
        fields=args.fields,
    )
    return LeadCheck(rules).lead(given)


async def _find(desk: Desk, who: Who, args: Add) -> Found:
    lead = _checked(desk.live, args, desk.now)
    numbers = (lead.phone, *lead.phones)
    known = await desk.store.known_phones(args.campaign, numbers)
    rows = await desk.store.suppressions_of(numbers) if desk.live.dnc else []
    return Found(phones=tuple(sorted(known)), suppressions=tuple(rows))


def _add(live: Live, who: Who, args: Add) -> Decided:
    lead = _checked(live, args, live.now)
    room_for_list(live, args.campaign, lead.list_name)
    there = [phone for phone in (lead.phone, *lead.phones) if finding.has_phone(live, args.campaign, phone)]
    if there:
        return Decided(Added(campaign=args.campaign, phone=lead.phone, added=0, duplicates=1, lead=None))
    barred = barred_in(live, args.campaign, () if live.found is None else live.found.suppressions, live.now)
    if barred:
        number, list_name = next(iter(barred.items()))
        raise Refusal("suppressed", f"{number} is on the do-not-call list {list_name}", "phone")
    return Decided(
        lambda: Added(
            campaign=args.campaign, phone=lead.phone, added=1, duplicates=0, lead=live.counters["lead"].value
        ),
        (AddLead(args.campaign, lead, COMMAND), Note(who.principal, COMMAND, args.campaign)),
    )


COMMANDS: tuple[Command[Any], ...] = (
    Command(COMMAND, "Add one lead", MAKERS, Add, Added, "turn", judge=_add, find=_find),
)
