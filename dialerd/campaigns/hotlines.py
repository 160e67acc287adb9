"""Hotlines (V08): which caller id a call shows, how each stands, and what people and time change of that.

Never draws chance: a random hotline is a hash of the call's id, so that a journal can be decided again.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Literal, TypeAlias

from dialerd.campaigns.live import Live
from dialerd.model import intents as i
from dialerd.model.instants import Instant, iso
from dialerd.model.rows import HotlineRow

HotlineState: TypeAlias = Literal["well", "warned", "resting", "quarantined", "disabled"]


def state(row: HotlineRow) -> HotlineState:
    """How a hotline stands, the gravest first."""
    if not row.enabled:
        return "disabled"
    if row.health == "quarantined":
        return "quarantined"
    if row.rested_until is not None:
        return "resting"
    return "warned" if row.health == "warned" else "well"


def may_be_shown(row: HotlineRow) -> bool:
    """Whether calls may show it now."""
    return row.enabled and row.health != "quarantined" and row.rested_until is None


def words(row: HotlineRow) -> str:
    """Its state, told to people."""
    because = f": {row.because}" if row.because else ""
    match state(row):
        case "disabled":
            return f"disabled by {row.by}{because}"
        case "resting":
            return f"rests until {iso(row.rested_until or 0.0)}{because}"
        case "well":
            return "well"
        case other:
            return f"{other}{because}"


def named(live: Live, campaign: str) -> tuple[str, ...]:
    """All hotlines that the campaign names, one by one and by group, each once."""
    policy = live.policies[campaign]
    floor = live.floor
    if policy.hotline_group is None:
        group: tuple[str, ...] = ()
    elif policy.hotline_group == "all":
        group = tuple(floor.hotlines)
    else:
        group = tuple(floor.hotline_groups.get(policy.hotline_group, ()))
    return tuple(dict.fromkeys((*policy.hotlines, *group)))


def shows_none(live: Live, campaign: str) -> bool:
    """Whether the campaign names no hotline at all: the trunk's own number is shown."""
    policy = live.policies[campaign]
    return not policy.hotlines and policy.hotline_group is None


def usable(live: Live, campaign: str) -> tuple[str, ...]:
    """Those of the campaign's hotlines that may be shown now."""
    found = live.hotlines.usable.get(campaign)
    if found is None:
        rows = live.hotlines.rows
        known = (name for name in named(live, campaign) if name in live.floor.hotlines and name in rows)
        found = live.hotlines.usable[campaign] = tuple(name for name in known if may_be_shown(rows[name]))
    return found


def can_show(live: Live, campaign: str) -> bool:
    """Whether a call of the campaign has a number to show, or needs none."""
    return bool(usable(live, campaign)) or shows_none(live, campaign)


def pick(live: Live, campaign: str, call: str) -> str:
    """The hotline that `call` shows; empty: the trunk's own. To be asked only if one can be shown."""
    names = usable(live, campaign)
    if not names:
        return ""
    if len(names) == 1:
        return names[0]
    policy = live.policies[campaign]
    choice = policy.hotline_choice or ("in_turn" if policy.hotline_group is None else "random")
    if choice == "in_turn":
        return names[live.tallies[campaign].placed % len(names)]
    return names[int.from_bytes(blake2b(call.encode(), digest_size=8).digest()) % len(names)]


def next_return(live: Live, campaign: str) -> Instant | None:
    """When the first of the campaign's resting hotlines comes back; None: none rests."""
    rows = live.hotlines.rows
    ends = [
        until
        for name in named(live, campaign)
        if name in rows and (until := rows[name].rested_until) is not None and state(rows[name]) == "resting"
    ]
    return min(ends, default=None)


# --- changes


def configure(live: Live) -> None:
    """The floor has changed: a hotline that is new gets its row; its first hour counts from the hour's beginning."""
    for name in live.floor.hotlines:
        if name not in live.hotlines.rows:
            changed(live, HotlineRow(name, True, "configuration", live.now // 3600 * 3600))
    live.hotlines.usable.clear()


def changed(live: Live, row: HotlineRow) -> None:
    """A hotline's row has changed."""
    live.hotlines.put(row)
    live.mark(row)


def end_rest(live: Live, intent: i.EndRest) -> None:
    row = live.hotlines.rows[intent.hotline]
    row.rested_until = None
    changed(live, row)


def set_hotline(live: Live, intent: i.SetHotline) -> None:
    """A person lets it be shown, or not. Enabled anew it begins well, and is judged by the hours that begin from now on."""
    row = live.hotlines.rows[intent.hotline]
    row.enabled, row.by, row.since, row.because = intent.enabled, intent.principal, live.now, intent.note
    if intent.enabled:
        row.rested_until, row.failures, row.health, row.because = None, 0, "well", ""
        for on_trunk in live.hotlines.streaks.values():
            on_trunk.pop(row.id, None)
        live.hotlines.blocked.pop(row.id, None)
    changed(live, row)
