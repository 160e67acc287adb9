"""Commands on calls and trunks: what is alive, and on which lines (V09).

Never shows more of a customer than the call needs.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from pydantic import Field

from dialerd.campaigns.live import Live
from dialerd.control.campaigns import known
from dialerd.control.permissions import sees
from dialerd.control.table import MAKERS, OFFICE, Args, Command, Decided, Desk, Nothing, Result, Who
from dialerd.model.errors import Refusal
from dialerd.model.instants import iso
from dialerd.model.intents import HangUp, Note
from dialerd.model.policies import Name
from dialerd.model.rows import AttemptRow

AT_ONCE = 1000
"""Ended calls read at once."""


class CallListing(Args):
    """Live calls, or with `ended` those that are over, by id."""

    campaign: Name | None = None
    """Only calls of this campaign."""
    ended: bool = False
    """All calls, also those that are over."""
    after: str = Field("", max_length=64)
    """Begin after the call with this id (ended only)."""
    limit: int = Field(100, ge=1, le=1000)


class WhichCall(Args):
    """One call."""

    call: str = Field(max_length=64)
    """The call's id."""


class CallView(Result):
    """A call."""

    call: str
    campaign: str
    lead: int
    number: str
    state: str
    outcome: str
    trunk: str
    hotline: str
    agent: str
    placed_at: str
    answered_at: str | None
    connected_at: str | None
    ended_at: str | None
    cause: int | None
    sip: int | None
    because: str
    disposition: str
    disposed_by: str
    note: str
    answers: dict[str, str]


class CallList(Result):
    """Calls."""

    calls: list[CallView]


class Asked(Result):
    """The end of a call was asked for."""

    call: str


class TrunkView(Result):
    """A trunk and how busy it is."""

    trunk: str
    server: str
    link: str
    lines: int
    in_use: int
    """By calls of campaigns."""
    ordinary: int
    """Held by ordinary calls, or kept for them."""
    calls_per_second: float


class TrunkList(Result):
    """Trunks."""

    trunks: list[TrunkView]


def call_view(row: AttemptRow) -> CallView:
    """A call as people see it."""

    def told(at: float | None) -> str | None:
        return None if at is None else iso(at)

    return CallView(
        call=row.id,
        campaign=row.campaign,
        lead=row.lead,
        number=row.number,
        state=row.state,
        outcome=row.outcome,
        trunk=row.trunk,
        hotline=row.hotline,
        agent=row.agent,
        placed_at=iso(row.placed_at),
        answered_at=told(row.answered_at),
        connected_at=told(row.connected_at),
        ended_at=told(row.ended_at),
        cause=row.cause,
        sip=row.sip,
        because=row.because,
        disposition=row.disposition,
        disposed_by=row.disposed_by,
        note=row.note,
        answers=row.answers,
    )


async def _calls(desk: Desk, who: Who, args: CallListing) -> CallList:
    if args.campaign is not None:
        known(desk.live, args.campaign)
    told = _tells(desk.live, who)
    if not args.ended:
        calls = (row for row in desk.live.calls.values() if args.campaign in (None, row.campaign) and told(row))
        return CallList(calls=[call_view(row) for row in islice(calls, args.limit)])
    rows: list[AttemptRow] = []
    after = args.after
    while len(rows) < args.limit:
        portion = await desk.store.attempts(args.campaign, after, AT_ONCE)
        rows += [row for row in portion if told(row)]
        if len(portion) < AT_ONCE:
            break
        after = portion[-1].id
    return CallList(calls=[call_view(row) for row in rows[: args.limit]])


def _tells(live: Live, who: Who) -> Callable[[AttemptRow], bool]:
    """Whether somebody may read of a call: owners and ops of all, also of deleted campaigns; the others of those they see."""
    if who.roles & {"owner", "ops"}:
        return lambda row: True
    known_of: dict[str, bool] = {row.id: sees(live, who, row) for row in live.campaigns.values()}
    return lambda row: known_of.get(row.campaign, False)


def _hangup(live: Live, who: Who, args: WhichCall) -> Decided:
    row = live.calls.get(args.call)
    if row is None or not _tells(live, who)(row):
        raise Refusal("unknown_call", f"there is no live call {args.call!r}", "call")
    because = f"ended by {who.principal}"
    return Decided(
        Asked(call=row.id),
        (HangUp(row.id, row.server, because), Note(who.principal, "call.hangup", row.id, row.campaign)),
    )


async def _trunks(desk: Desk, who: Who, args: Nothing) -> TrunkList:
    live = desk.live
    return TrunkList(
        trunks=[
            TrunkView(
                trunk=name,
                server=trunk.server,
                link="up" if live.links[trunk.server].up else f"down: {live.links[trunk.server].because}",
                lines=trunk.lines,
                in_use=live.trunk_lines[name],
                ordinary=live.ordinary.held(name, trunk),
                calls_per_second=trunk.calls_per_second,
            )
            for name, trunk in sorted(live.floor.trunks.items())
        ]
    )


COMMANDS: tuple[Command[Any], ...] = (
    Command("call.list", "Live calls, or all", OFFICE, CallListing, CallList, "read", read=_calls),
    Command("call.hangup", "End a call", MAKERS, WhichCall, Asked, "turn", judge=_hangup),
    Command("trunk.list", "Trunks and their lines", OFFICE, Nothing, TrunkList, "read", read=_trunks),
)
