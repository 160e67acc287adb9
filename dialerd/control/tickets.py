"""Commands on tickets, and on the triggers that are held against them (C16, V07).

Never makes a ticket of a call: the turn in which the call ends does.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, ValidationError

from dialerd.campaigns import tickets
from dialerd.campaigns.live import Live
from dialerd.campaigns.named import TRIGGER, all_named, named
from dialerd.control.campaigns import known
from dialerd.control.faults import faults_of, refusal
from dialerd.control.groups import Named
from dialerd.control.permissions import sees
from dialerd.control.table import FLOOR_STAFF, MAKERS, OFFICE, Args, Command, Decided, Desk, Nothing, Result, Who
from dialerd.model import states
from dialerd.model.errors import Refusal
from dialerd.model.facts import Found
from dialerd.model.instants import iso
from dialerd.model.intents import MoveTicket, Note, WriteNamed, WriteTicket
from dialerd.model.phones import normalise
from dialerd.model.policies import Line, Name, Region
from dialerd.model.rows import TicketRow
from dialerd.model.triggers import MOST, TicketChannel, TicketIs, Trigger


class Which(Args):
    """One ticket."""

    ticket: int = Field(ge=1, le=2**53)


class Move(Which):
    """One ticket, and what is said of it."""

    note: Line = ""


class Making(Args):
    """A ticket that is of no call of ours, such as a callback that a caller asked for."""

    number: str = Field(max_length=64)
    """The customer's."""
    channel: TicketChannel = "callback"
    name: str = Field("", max_length=200)
    subject: Line = ""
    note: Line = ""
    campaign: Name | None = None
    """The campaign it is about, if it is of one."""
    region: Region = "VN"
    """Where a number without a country code belongs; none: as it is dialed."""


class Listing(Args):
    """Tickets by id."""

    campaign: Name | None = None
    """Only tickets of this campaign."""
    state: Literal["new", "open", "closed"] | None = None
    """Only tickets in this state; with a campaign."""
    after: int = Field(0, ge=0, le=2**53)
    """Begin after the ticket with this id."""
    limit: int = Field(100, ge=1, le=1000)


class Sent(Result):
    """What a trigger made of a ticket."""

    trigger: str
    campaign: str
    state: str
    """waiting, added, again (he was there and is called again), there (his turn there is still to come) or refused."""
    lead: int
    because: str


class TicketView(Result):
    """A ticket."""

    ticket: int
    campaign: str
    lead: int
    call: str
    agent: str
    channel: str
    subject: str
    number: str
    state: str
    at: str
    closed_at: str | None
    closed_by: str
    note: str
    sent: list[Sent] | None = None
    """What triggers made of it; only of one ticket."""


class TicketList(Result):
    """Tickets; with `more`, ask again with this `after`."""

    tickets: list[TicketView]
    after: int
    more: bool


class Moved(Result):
    """A ticket's new state."""

    ticket: int
    state: str


class WhichTrigger(Args):
    """One trigger."""

    trigger: Name


class MakingTrigger(WhichTrigger):
    """ALL conditions hold for a ticket -> its customer becomes a lead."""

    when: dict[str, Any]
    """Conditions: ticket (new), channel, campaign, agent, outcome, disposition."""
    to_campaign: Name
    """The campaign that takes him."""


class TriggerView(Result):
    """A trigger."""

    trigger: str
    when: dict[str, Any]
    to_campaign: str
    created_by: str
    created_at: str


class TriggerList(Result):
    """All triggers."""

    triggers: list[TriggerView]


def _view(row: TicketRow) -> TicketView:
    return TicketView(
        ticket=row.id,
        campaign=row.campaign,
        lead=row.lead,
        call=row.attempt,
        agent=row.agent,
        channel=row.channel,
        subject=row.subject,
        number=row.number,
        state=row.state,
        at=iso(row.at),
        closed_at=None if row.closed_at is None else iso(row.closed_at),
        closed_by=row.closed_by,
        note=row.note,
    )


def _seen(live: Live, who: Who, row: TicketRow | None, ticket: int) -> TicketRow:
    """The ticket, if it is there for somebody: one of a campaign that he does not see is not. Raises Refusal."""
    campaign = None if row is None else live.campaigns.get(row.campaign)
    if row is None or (campaign is not None and not sees(live, who, campaign)):
        raise Refusal("unknown_ticket", f"there is no ticket {ticket}", "ticket")
    return row


def _create(live: Live, who: Who, args: Making) -> Decided:
    if args.campaign is not None:
        known(live, args.campaign)
    number = normalise(args.number, args.region)
    write = WriteTicket(
        args.campaign or "", args.channel, number, args.name, args.subject, args.note, who.principal
    )  # fmt: skip
    counter = live.counters.get(tickets.COUNTER)
    made = 1 + (0 if counter is None else counter.value)
    return Decided(Moved(ticket=made, state="new"), (write, Note(who.principal, "ticket.create", f"ticket:{made}")))


async def _find(desk: Desk, who: Who, args: Move) -> Found:
    row = await desk.store.ticket(args.ticket)
    return Found(tickets=() if row is None else (row,))


def _mover(kind: str) -> Any:
    def judge(live: Live, who: Who, args: Move) -> Decided:
        row = _seen(live, who, tickets.found_ticket(live, args.ticket), args.ticket)
        state = states.after(states.TICKET, row.state, kind)
        if state is None:
            legal = states.moves(states.TICKET, row.state)
            raise Refusal("illegal_move", f"ticket {row.id} is {row.state}: it cannot {kind}", "ticket", legal)
        move = MoveTicket(row.id, kind, who.principal, args.note)
        return Decided(
            Moved(ticket=row.id, state=state),
            (move, Note(who.principal, f"ticket.{kind}", f"ticket:{row.id}", args.note)),
        )

    return judge


async def _get(desk: Desk, who: Who, args: Which) -> TicketView:
    row = _seen(desk.live, who, await desk.store.ticket(args.ticket), args.ticket)
    found = _view(row)
    found.sent = [
        Sent(trigger=one.trigger, campaign=one.campaign, state=one.state, lead=one.lead, because=one.because)
        for one in await desk.store.referrals_of(row.id)
    ]
    return found


async def _list(desk: Desk, who: Who, args: Listing) -> TicketList:
    if args.state is not None and args.campaign is None:
        raise Refusal("bad_argument", "a state without a campaign", "state", "a campaign beside it")
    rows = await desk.store.tickets(args.campaign, args.state, args.after, args.limit)
    more = len(rows) == args.limit
    shown = [row for row in rows if _may_see(desk.live, who, row)]
    return TicketList(tickets=[_view(row) for row in shown], after=rows[-1].id if rows else args.after, more=more)


def _may_see(live: Live, who: Who, row: TicketRow) -> bool:
    campaign = live.campaigns.get(row.campaign)
    return campaign is None or sees(live, who, campaign)


def _create_trigger(live: Live, who: Who, args: MakingTrigger) -> Decided:
    if named(live, TRIGGER, args.trigger) is not None:
        raise Refusal("exists", f"there is a trigger {args.trigger} already", "trigger")
    known(live, args.to_campaign)
    if len(live.triggers) >= MOST:
        raise Refusal("too_many", f"there are {MOST} triggers: delete one first", "trigger")
    try:
        when = TicketIs.model_validate(args.when)
    except ValidationError as wrong:
        faults = faults_of(wrong, TicketIs, args.when)
        raise refusal([fault._replace(path=("when", *fault.path)) for fault in faults]) from None
    if when.campaign is not None:
        known(live, when.campaign)
    policy = Trigger(when=when, to_campaign=args.to_campaign).model_dump(mode="json")
    write = WriteNamed(TRIGGER, args.trigger, policy, who.principal)
    return Decided(Named(name=args.trigger), (write, Note(who.principal, "trigger.create", f"trigger:{args.trigger}")))


def _delete_trigger(live: Live, who: Who, args: WhichTrigger) -> Decided:
    row = named(live, TRIGGER, args.trigger)
    if row is None:
        names = [row.id for row in all_named(live, TRIGGER)]
        raise Refusal("unknown_trigger", f"there is no trigger {args.trigger}", "trigger", names)
    write = WriteNamed(TRIGGER, row.id, row.policy, who.principal, active=False)
    return Decided(Named(name=row.id), (write, Note(who.principal, "trigger.delete", f"trigger:{row.id}")))


async def _list_triggers(desk: Desk, who: Who, args: Nothing) -> TriggerList:
    return TriggerList(
        triggers=[
            TriggerView(
                trigger=row.id,
                when={key: value for key, value in row.policy["when"].items() if value is not None},
                to_campaign=row.policy["to_campaign"],
                created_by=row.created_by,
                created_at=iso(row.created_at),
            )
            for row in all_named(desk.live, TRIGGER)
        ]
    )


COMMANDS: tuple[Command[Any], ...] = (
    Command("ticket.create", "Make a ticket that is of no call", FLOOR_STAFF, Making, Moved, "turn", judge=_create),
    Command("ticket.list", "Tickets", FLOOR_STAFF, Listing, TicketList, "read", read=_list),
    Command(
        "ticket.get", "One ticket, and what triggers made of it", FLOOR_STAFF, Which, TicketView, "read", read=_get
    ),
    Command("ticket.open", "Take a ticket up", FLOOR_STAFF, Move, Moved, "turn", judge=_mover("open"), find=_find),
    Command("ticket.close", "Close a ticket", FLOOR_STAFF, Move, Moved, "turn", judge=_mover("close"), find=_find),
    Command(
        "trigger.create", "Send customers to a campaign", MAKERS, MakingTrigger, Named, "turn", judge=_create_trigger
    ),
    Command("trigger.delete", "Delete a trigger", MAKERS, WhichTrigger, Named, "turn", judge=_delete_trigger),
    Command("trigger.list", "All triggers", OFFICE, Nothing, TriggerList, "read", read=_list_triggers),
)
