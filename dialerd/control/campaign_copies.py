"""campaign.clone and lead.copy: a campaign made like another, and leads taken over from one (C19).

Never copies the past: a clone has the policy, no calls, no money spent, and its leads begin anew.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from dialerd.campaigns.copying import WHICH, under_way
from dialerd.campaigns.live import Live
from dialerd.control import permissions
from dialerd.control.campaigns import checked, free_name, known
from dialerd.control.table import MAKERS, Args, Command, Decided, Result, Who
from dialerd.model.errors import Refusal
from dialerd.model.intents import AnyIntent, BeginCopy, Note, WriteCampaign
from dialerd.model.policies import Name

LONGEST_NAME = 200


class Clone(Args):
    """A campaign, and what its copy is to be."""

    campaign: Name
    """The campaign to copy."""
    to: Name
    """The copy's id."""
    name: str | None = Field(None, min_length=1, max_length=LONGEST_NAME)
    """The copy's name; the old one's with (copy) behind it if not given."""
    draft: bool = False
    """Keep it as a draft; else it waits for approval at once."""
    leads: Literal["none", "new", "all"] = "none"
    """new: leads that were not called yet; all: all that may still be called. They begin anew, and come in the background."""


class Cloned(Result):
    """A copy that was made."""

    campaign: str
    state: str
    copying: int
    """Leads that are on their way to it; the audit trail tells when they are there."""


class Copy(Args):
    """Two campaigns, and which leads."""

    campaign: Name
    """The campaign that takes them."""
    from_campaign: Name
    """The campaign that has them."""
    leads: Literal["new", "all"] = "all"
    """new: leads that were not called yet; all: all that may still be called. They begin anew."""


class Copying(Result):
    """Leads are on their way."""

    campaign: str
    copying: int
    """Leads of the other campaign that are looked at; those whose phone is there already are left out."""


def _clone(live: Live, who: Who, args: Clone) -> Decided:
    source = known(live, args.campaign)
    free_name(live, args.to, "to")
    policy = {key: value for key, value in source.policy.items() if value is not None}
    policy["name"] = args.name or f"{policy['name'][: LONGEST_NAME - 7]} (copy)"
    for moment in ("starts_at", "ends_at"):
        if policy.get(moment, live.now) <= live.now:  # a copy of what is past would be over at once
            policy.pop(moment, None)
    money = policy.get("business") or {}
    policy["business"] = {
        key: value for key, value in money.items() if key not in ("cost", "revenue") and value is not None
    }
    state = "draft" if args.draft else "pending"
    write = WriteCampaign(args.to, checked(live, policy).model_dump(mode="json"), "command", who.principal, state)
    intents: list[AnyIntent] = [write, Note(who.principal, "campaign.clone", args.to, f"of {source.id}")]
    copying = 0
    if args.leads != "none":
        copying = _count(live, source.id, args.leads)
        intents.append(BeginCopy(args.to, source.id, args.leads, who.principal))
    return Decided(Cloned(campaign=args.to, state=state, copying=copying), tuple(intents))


def _copy(live: Live, who: Who, args: Copy) -> Decided:
    row, source = known(live, args.campaign), known(live, args.from_campaign)
    if row.id == source.id:
        raise Refusal("bad_argument", f"{row.id} has its own leads already", "from_campaign")
    if row.state == "rejected":
        raise Refusal("illegal_state", f"{row.id} was rejected: it takes no leads", "campaign")
    busy = under_way(live, row.id)
    if busy is not None:
        raise Refusal(
            "illegal_state", f"leads of {busy.policy['source']} are still on their way to {row.id}", "campaign"
        )
    return Decided(
        Copying(campaign=row.id, copying=_count(live, source.id, args.leads)),
        (
            BeginCopy(row.id, source.id, args.leads, who.principal),
            Note(who.principal, "lead.copy", row.id, f"{args.leads} of {source.id}"),
        ),
    )


def _count(live: Live, campaign: str, which: str) -> int:
    return sum(live.lead_states[campaign][state] for state in WHICH[which])


CLONE = Command(
    "campaign.clone",
    "Make a campaign like another",
    permissions.roles("campaign.clone"),
    Clone,
    Cloned,
    "turn",
    judge=_clone,
)
COPY = Command("lead.copy", "Leads of one campaign into another", MAKERS, Copy, Copying, "turn", judge=_copy)
COMMANDS: tuple[Command[Any], ...] = (CLONE, COPY)
