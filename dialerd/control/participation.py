"""lead.set-participation: whether leads take part, as a person says it (C14).

Never makes a move that the table does not allow: it is told lead by lead, with what is allowed.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from dialerd.campaigns import finding
from dialerd.campaigns.live import Live
from dialerd.campaigns.participation import moves_of
from dialerd.control.campaigns import known
from dialerd.control.table import FLOOR_STAFF, Args, Command, Decided, Desk, Result, Who
from dialerd.model.errors import Refusal, StaleError
from dialerd.model.facts import Found
from dialerd.model.intents import MoveParticipation, Note
from dialerd.model.phones import normalise
from dialerd.model.policies import Name
from dialerd.model.rows import LeadRow

MOST = 1000
"""Leads of one command: they change in one turn."""


class Saying(Args):
    """What leads of a campaign say."""

    campaign: Name
    phones: Annotated[list[Annotated[str, Field(max_length=64)]], Field(min_length=1, max_length=MOST)]
    """Their phones."""
    to: Literal["registered", "confirmed", "joined", "cancelled"]


class NotMoved(Result):
    """A lead that stays as it is."""

    phone: str
    because: str


class Said(Result):
    """What became of it."""

    campaign: str
    moved: int
    unchanged: int
    """Leads that had said so before."""
    refused: list[NotMoved]


def _phones(region: str, args: Saying) -> list[str]:
    found: dict[str, None] = {}
    for phone in args.phones:
        try:
            found[normalise(phone, region)] = None
        except Refusal as refusal:
            raise Refusal("bad_argument", refusal.message[:150], "phones") from None
    return list(found)


async def _find(desk: Desk, who: Who, args: Saying) -> Found:
    known(desk.live, args.campaign)
    phones = _phones(desk.live.policies[args.campaign].region, args)
    rows = await desk.store.leads_by_phone(args.campaign, phones)
    found = {row.id: row for row in rows}
    for phone in set(phones) - {row.phone for row in rows}:  # a further phone of somebody
        row = await desk.store.lead(args.campaign, phone)
        if row is not None:
            found[row.id] = row
    return Found(leads=tuple(found.values()))


def _say(live: Live, who: Who, args: Saying) -> Decided:
    known(live, args.campaign)
    phones = _phones(live.policies[args.campaign].region, args)
    found = live.found
    if found is None:
        raise StaleError
    by_phone = {phone: row.id for row in found.leads for phone in (*row.phones, row.phone)}
    moves: list[MoveParticipation] = []
    refused: list[NotMoved] = []
    told: set[int] = set()
    for phone in phones:
        if phone not in by_phone:
            if len(phones) == 1:
                raise Refusal("unknown_lead", f"campaign {args.campaign} has no lead {phone}", "phones")
            refused.append(NotMoved(phone=phone, because="not a lead of the campaign"))
            continue
        lead = finding.lead(live, by_phone[phone])
        if lead.participation == args.to or lead.id in told:
            continue
        told.add(lead.id)
        kind = moves_of(lead).get(args.to)
        if kind is not None:
            moves.append(MoveParticipation(lead.id, kind, who.principal))
        elif len(phones) == 1:
            raise Refusal("illegal_move", f"{phone} {_is(lead)}: it cannot be {args.to}", "to", sorted(moves_of(lead)))
        else:
            allowed = ", ".join(sorted(moves_of(lead))) or "nothing"
            refused.append(NotMoved(phone=phone, because=f"{_is(lead)}, allowed: {allowed}"))
    said = Said(
        campaign=args.campaign,
        moved=len(moves),
        unchanged=len(phones) - len(moves) - len(refused),
        refused=refused,
    )
    if not moves:
        return Decided(said)
    note = Note(who.principal, "lead.set-participation", args.campaign, f"{len(moves)} leads {args.to}")
    return Decided(said, (*moves, note))


def _is(lead: LeadRow) -> str:
    return f"is {lead.participation}" if lead.participation else "has not registered"


COMMANDS: tuple[Command[Any], ...] = (
    Command(
        "lead.set-participation", "Whether leads take part", FLOOR_STAFF, Saying, Said, "turn", judge=_say, find=_find
    ),
)
