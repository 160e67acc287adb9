"""Commands on calls, trunks and hotlines: what is alive, on which lines, under which numbers (V08, V09).

Never shows more of a customer than the call needs.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from dialerd.campaigns.live import Live
from dialerd.control.campaigns import known
from dialerd.control.table import EVERYBODY, MAKERS, OFFICE, Args, Command, Decided, Desk, Nothing, Result, Who
from dialerd.model.errors import Refusal
from dialerd.model.instants import iso
from dialerd.model.intents import HangUp, Note
from dialerd.model.policies import Name
from dialerd.model.rows import AttemptRow


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
    calls_per_second: float


class TrunkList(Result):
    """Trunks."""

    trunks: list[TrunkView]


class HotlineView(Result):
    """A caller id and the campaigns that show it."""

    hotline: str
    number: str
    name: str
    campaigns: list[str]
    calls: int


class HotlineList(Result):
    """Hotlines."""

    hotlines: list[HotlineView]


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
    )


async def _calls(desk: Desk, who: Who, args: CallListing) -> CallList:
    if args.campaign is not None:
        known(desk.live, args.campaign)
    if args.ended:
        rows = await desk.store.attempts(args.campaign, args.after, args.limit)
    else:
        rows = [row for row in desk.live.calls.values() if args.campaign in (None, row.campaign)][: args.limit]
    return CallList(calls=[call_view(row) for row in rows])


def _hangup(live: Live, who: Who, args: WhichCall) -> Decided:
    row = live.calls.get(args.call)
    if row is None:
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
                calls_per_second=trunk.calls_per_second,
            )
            for name, trunk in sorted(live.floor.trunks.items())
        ]
    )


async def _hotlines(desk: Desk, who: Who, args: Nothing) -> HotlineList:
    live = desk.live
    return HotlineList(
        hotlines=[
            HotlineView(
                hotline=name,
                number=hotline.number,
                name=hotline.name,
                campaigns=sorted(c for c, policy in live.policies.items() if name in policy.hotlines),
                calls=sum(1 for call in live.calls.values() if call.hotline == name),
            )
            for name, hotline in sorted(live.floor.hotlines.items())
        ]
    )


COMMANDS: tuple[Command[Any], ...] = (
    Command("call.list", "Live calls, or all", OFFICE, CallListing, CallList, "read", read=_calls),
    Command("call.hangup", "End a call", MAKERS, WhichCall, Asked, "turn", judge=_hangup),
    Command("trunk.list", "Trunks and their lines", OFFICE, Nothing, TrunkList, "read", read=_trunks),
    Command("hotline.list", "Caller ids", EVERYBODY, Nothing, HotlineList, "read", read=_hotlines),
)
