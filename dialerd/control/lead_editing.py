"""The command that changes what is known of a lead: his fields, name, e-mail, address, further phones, priority, owner (C07, C08).

Never changes his first phone: it is what a lead is known by, and another number is another lead.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from pydantic import Field

from dialerd.campaigns import finding
from dialerd.campaigns.days import today
from dialerd.campaigns.live import Live
from dialerd.control.dispositions import subject
from dialerd.control.found_leads import STAFF, OfLead, find_lead, must_be_his
from dialerd.control.found_leads import the_lead as found_lead
from dialerd.control.import_sifting import barred_in
from dialerd.control.leads import LeadView, lead_view
from dialerd.control.table import FLOOR_STAFF, Command, Decided, Desk, Who
from dialerd.model import record_fields
from dialerd.model.errors import Refusal
from dialerd.model.facts import Found
from dialerd.model.faults import BadValues, fault
from dialerd.model.intents import ChangeLead, Note
from dialerd.model.mail_addresses import Email
from dialerd.model.phones import split_phones
from dialerd.model.policies import Campaign, Line, Principal
from dialerd.model.rows import AttemptRow, LeadRow

PHONES = frozenset({"phone", "phones"})


class Update(OfLead):
    """New values for a lead; what is left out stays as it is, an empty text takes a value away."""

    fields: dict[str, str] = Field(default_factory=dict, max_length=100)
    """The campaign's own fields by name; an agent changes those that are editable."""
    name: Line | None = Field(None, max_length=200)
    email: Email | Literal[""] | None = None
    address: Line | None = None
    priority: int | None = Field(None, ge=-100, le=100)
    """The greater is dialed earlier."""
    owner: Principal | Literal[""] | None = None
    """Account manager: a principal."""
    phones: str | None = Field(None, max_length=400)
    """All his further phones, parted by semicolons, in the order in which they are dialed after the first; each is checked as in
    an import."""


async def _find(desk: Desk, who: Who, args: Update) -> Found:
    """The lead, and of phones that are to be his: who has them, and the lists they are on."""
    found = await find_lead(desk, who, args)
    if args.phones is None:
        return found
    numbers = _phones(desk.live, found.leads[0], args.phones)
    known = await desk.store.known_phones(args.campaign, numbers)
    entries = await desk.store.suppressions_of(numbers) if desk.live.dnc else []
    return msgspec.structs.replace(found, phones=tuple(sorted(known)), suppressions=tuple(entries))


def _phones(live: Live, lead: LeadRow, text: str) -> tuple[str, ...]:
    """The further phones that are told, each once. Raises Refusal (field `phones`)."""
    policy = live.policies[lead.campaign]
    found = split_phones(text, policy.region, migrate_2018=policy.migrate_2018)
    return tuple(phone for phone in found if phone != lead.phone)


def _new_phones(live: Live, lead: LeadRow, call: AttemptRow | None, text: str | None) -> tuple[str, ...] | None:
    """His further phones as they will be, None if they stay. Raises Refusal, StaleError."""
    if text is None:
        return None
    phones = _phones(live, lead, text)
    if list(phones) == lead.phones:
        return None
    if call is not None and call.live and call.number in lead.phones and call.number not in phones:
        because = f"{call.number} is being called now: take it away after the call"
        raise Refusal("illegal_state", because, "phones")
    new = [phone for phone in phones if phone not in lead.phones]
    there = next((phone for phone in new if finding.has_phone(live, lead.campaign, phone)), None)
    if there is not None:
        raise Refusal("exists", f"another lead of {lead.campaign} has the phone {there} already", "phones")
    told = () if live.found is None else live.found.suppressions
    barred = barred_in(live, lead.campaign, (entry for entry in told if entry.number in new), live.now)
    if barred:
        number, list_name = next(iter(barred.items()))
        raise Refusal("suppressed", f"{number} is on the do-not-call list {list_name}", "phones")
    return phones


def _update(live: Live, who: Who, args: Update) -> Decided:
    lead = found_lead(live)
    call = finding.last_attempt(live, lead.id)
    must_be_his(live, who, lead, call, "change it")
    policy = live.policies[lead.campaign]
    fields = _fields(live, who, policy, lead, args)
    values = {
        key: value
        for key in ("name", "email", "address", "priority", "owner")
        if (value := getattr(args, key)) is not None and value != getattr(lead, key)
    }
    phones = _new_phones(live, lead, call, args.phones if who.roles & STAFF else None)
    if (values or args.phones is not None) and not who.roles & STAFF:
        editable = [field.name for field in policy.fields if field.editable]
        key = next(iter(values), "phones")
        raise Refusal(
            "forbidden", f"{who.principal} may not change {key}: an agent changes editable fields", key, editable
        )
    if not fields and not values and phones is None:
        return Decided(lead_view(live, lead))
    changed = ", ".join(sorted([*values, *fields, *_told(lead, phones)]))
    return Decided(
        lambda: lead_view(live, lead),
        (ChangeLead(lead.id, values, fields, phones), Note(who.principal, "lead.update", subject(lead), changed)),
    )


def _told(lead: LeadRow, phones: tuple[str, ...] | None) -> list[str]:
    """A change of phones for the audit trail: with the numbers, as one that was taken away stands nowhere else."""
    if phones is None:
        return []
    return [f"phones {'; '.join(lead.phones) or 'none'} -> {'; '.join(phones) or 'none'}"]


def _fields(live: Live, who: Who, policy: Campaign, lead: LeadRow, args: Update) -> dict[str, str]:
    """The fields that change, canonical. Raises BadValues."""
    wrong = []
    agent = not who.roles & STAFF
    for name, text in args.fields.items():
        if name.casefold() in PHONES:
            first = name.casefold() == "phone"
            because = "the phone of a lead is not edited" if first else "further phones are an argument of their own"
            wrong.append(fault(name, text, because, "lead.add with the other number" if first else "phones"))
        elif not record_fields.may_edit(policy.fields, agent, name):
            allowed = ", ".join(field.name for field in policy.fields if field.editable or not agent) or "none"
            wrong.append(fault(name, text, "it is not to be edited", allowed))
    if wrong:
        raise BadValues("fields", wrong)
    others = "refuse" if policy.other_fields == "drop" else policy.other_fields
    good = record_fields.read(policy.fields, args.fields, today(live, policy, live.now), partial=True, others=others)
    return {name: text for name, text in good.items() if lead.fields.get(name, "") != text}


COMMANDS: tuple[Command[Any], ...] = (
    Command(
        "lead.update",
        "Change what is known of a lead; never his first phone",
        FLOOR_STAFF,
        Update,
        LeadView,
        "turn",
        judge=_update,
        find=_find,
    ),
)
