"""The command that changes what is known of a lead: his fields, name, e-mail, address, priority, owner (C07, C08).

Never changes a phone: it is what a lead is known by, and another number is another lead.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from dialerd.campaigns import finding
from dialerd.campaigns.days import today
from dialerd.campaigns.live import Live
from dialerd.control.dispositions import subject
from dialerd.control.found_leads import STAFF, OfLead, find_lead, must_be_his
from dialerd.control.found_leads import the_lead as found_lead
from dialerd.control.leads import LeadView, lead_view
from dialerd.control.table import FLOOR_STAFF, Command, Decided, Who
from dialerd.model import record_fields
from dialerd.model.errors import Refusal
from dialerd.model.faults import BadValues, fault
from dialerd.model.intents import ChangeLead, Note
from dialerd.model.mail_addresses import Email
from dialerd.model.policies import Campaign, Line, Principal
from dialerd.model.rows import LeadRow

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
    if values and not who.roles & STAFF:
        editable = [field.name for field in policy.fields if field.editable]
        key = next(iter(values))
        raise Refusal(
            "forbidden", f"{who.principal} may not change {key}: an agent changes editable fields", key, editable
        )
    if not fields and not values:
        return Decided(lead_view(live, lead))
    changed = ", ".join(sorted([*values, *fields]))
    return Decided(
        lambda: lead_view(live, lead),
        (ChangeLead(lead.id, values, fields), Note(who.principal, "lead.update", subject(lead), changed)),
    )


def _fields(live: Live, who: Who, policy: Campaign, lead: LeadRow, args: Update) -> dict[str, str]:
    """The fields that change, canonical. Raises BadValues."""
    wrong = []
    agent = not who.roles & STAFF
    for name, text in args.fields.items():
        if name.casefold() in PHONES:
            wrong.append(fault(name, text, "the phone of a lead is not edited", "lead.add with the other number"))
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
        "Change what is known of a lead; never his phone",
        FLOOR_STAFF,
        Update,
        LeadView,
        "turn",
        judge=_update,
        find=find_lead,
    ),
)
