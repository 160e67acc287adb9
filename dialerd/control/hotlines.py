"""Commands on hotlines: how each stands and what its calls of the last day came to; take one out, let it back in (V08).

Never says why a carrier or a phone thinks ill of a number: it shows what our own calls met.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from dialerd.campaigns import hotlines
from dialerd.campaigns.hotlines import HotlineState
from dialerd.campaigns.live import Live
from dialerd.control import permissions
from dialerd.control.table import EVERYBODY, MAKERS, Args, Command, Decided, Desk, Nothing, Result, Who
from dialerd.model.errors import Refusal
from dialerd.model.instants import iso
from dialerd.model.intents import Note, SetHotline
from dialerd.model.policies import Hotline, Name
from dialerd.model.rows import HotlineRow


class Which(Args):
    """One hotline."""

    hotline: Name
    """Its name in the configuration."""


class Set(Which):
    """One hotline, and why."""

    note: str = Field("", max_length=1000)
    """Why, for the audit trail."""


class HotlineFigures(Result):
    """A hotline's calls that ended in the last 24 hours, the present one included."""

    placed: int = 0
    rung: int = 0
    answered: int = 0
    short: int = 0
    """Answered and over within 6 s."""
    rejected: int = 0
    unwanted: int = 0
    """607 and 608: the called party, or its carrier, calls it unwanted."""
    failed: int = 0
    """Calls that say nothing of the hotline: the trunk or the daemon failed."""
    talk_s: float = 0.0


class HotlineView(Result):
    """A caller id: how it stands, its health by our own calls, and the campaigns that show it."""

    hotline: str
    number: str
    name: str
    state: HotlineState
    """disabled and quarantined: out until hotline.enable; resting: out until rested_until; warned: shown, and doubtful."""
    because: str
    by: str
    """Who let it be shown, or took it out."""
    since: str
    health: str
    """well, warned or quarantined: the answers to its calls against its fellows' in the same campaigns and hours."""
    rested_until: str | None
    failures: int
    """Rests in a row since it last got through."""
    campaigns: list[str]
    calls: int
    last_24h: HotlineFigures


class HotlineList(Result):
    """Hotlines."""

    hotlines: list[HotlineView]


class HotlineSet(Result):
    """How the hotline stands now."""

    hotline: str
    state: HotlineState


def hotline_view(live: Live, row: HotlineRow, hotline: Hotline, campaigns: list[str]) -> HotlineView:
    """A hotline as people see it; `campaigns`: those that show it."""
    figures = HotlineFigures()
    for hour in live.hotlines.of(row.id):
        for field in HotlineFigures.model_fields:
            setattr(figures, field, getattr(figures, field) + getattr(hour, field))
    figures.talk_s = round(figures.talk_s, 3)
    return HotlineView(
        hotline=row.id,
        number=hotline.number,
        name=hotline.name,
        state=hotlines.state(row),
        because=row.because,
        by=row.by,
        since=iso(row.since),
        health=row.health,
        rested_until=None if row.rested_until is None else iso(row.rested_until),
        failures=row.failures,
        campaigns=campaigns,
        calls=sum(1 for call in live.calls.values() if call.hotline == row.id),
        last_24h=figures,
    )


async def _list(desk: Desk, who: Who, args: Nothing) -> HotlineList:
    live = desk.live
    shown: dict[str, list[str]] = {}
    for campaign, row in sorted(live.campaigns.items()):
        if permissions.sees(live, who, row):
            for name in hotlines.named(live, campaign):
                shown.setdefault(name, []).append(campaign)
    return HotlineList(
        hotlines=[
            hotline_view(live, live.hotlines.rows[name], hotline, shown.get(name, []))
            for name, hotline in sorted(live.floor.hotlines.items())
            if name in live.hotlines.rows
        ]
    )


def _set(enabled: bool) -> Any:
    def judge(live: Live, who: Who, args: Set) -> Decided:
        row = live.hotlines.rows.get(args.hotline)
        if row is None or args.hotline not in live.floor.hotlines:
            allowed = sorted(live.floor.hotlines)[:50]
            raise Refusal("unknown_hotline", f"there is no hotline {args.hotline}", "hotline", allowed)
        if not enabled and not row.enabled:
            raise Refusal("illegal_state", f"{row.id} was disabled by {row.by}", "hotline", ["hotline.enable"])
        if enabled and hotlines.state(row) == "well" and not row.failures:
            raise Refusal("illegal_state", f"{row.id} is well and shown already", "hotline", ["hotline.disable"])
        verb = "enable" if enabled else "disable"
        return Decided(
            lambda: HotlineSet(hotline=row.id, state=hotlines.state(row)),
            (
                SetHotline(row.id, enabled, who.principal, args.note),
                Note(who.principal, f"hotline.{verb}", row.id, args.note),
            ),
        )

    return judge


COMMANDS: tuple[Command[Any], ...] = (
    Command(
        "hotline.list", "Caller ids, their health and figures", EVERYBODY, Nothing, HotlineList, "read", read=_list
    ),
    Command("hotline.enable", "Show a hotline again", MAKERS, Set, HotlineSet, "turn", judge=_set(True)),
    Command("hotline.disable", "Show a hotline no more", MAKERS, Set, HotlineSet, "turn", judge=_set(False)),
)
