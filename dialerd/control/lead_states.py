"""Commands that move a lead by a person's word: hold, release, call back, reopen, set his state (C09).

Never moves a lead outside the state table, and never while he is being called: a move that is refused names the legal ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from dialerd.campaigns.dossiers import suppressed
from dialerd.campaigns.live import Live
from dialerd.compliance.do_not_call import barred_by
from dialerd.control.dispositions import DAY_S, LATEST_DAYS, SOON_S, subject
from dialerd.control.found_leads import CallAt, OfLead, find_lead, the_lead, with_past
from dialerd.control.table import MAKERS, Command, Decided, Desk, Result, Who
from dialerd.model import states
from dialerd.model.errors import Refusal
from dialerd.model.facts import Found
from dialerd.model.instants import FAR, Instant, iso
from dialerd.model.intents import MoveLead, Note
from dialerd.model.policies import Name
from dialerd.model.rows import LeadRow

BY_PEOPLE: Mapping[str, tuple[str, ...]] = {
    "succeeded": ("reached",),
    "callback": ("asked_back",),
    "do_not_call_back": ("refused",),
    "failed": ("bad_number",),
    "exhausted": ("used_up",),
    "held": ("hold",),
    "retry": ("release", "reopen"),
}
"""States that a person may set, and the kinds that lead there. `blocked` and `dnc` come from the lists of numbers."""


class Move(OfLead):
    """A lead, and why."""

    note: str = Field("", max_length=1000)
    """Why, for the audit trail."""


class Recall(Move):
    """A lead who is to be called at a time."""

    call_at: CallAt
    """When; kept as his consent to be called then."""
    agent: Name | None = None
    """The only agent who may call him; empty: as before."""


class SetState(Move):
    """A lead and his new state."""

    state: str = Field(max_length=64)
    """One of those that a person may set."""
    call_at: CallAt | None = None
    """When he is to be called, for callback."""


class LeadMoved(Result):
    """A lead's new state."""

    campaign: str
    lead: int
    state: str
    next_at: str | None


def _mover(kind: str, verb: str) -> Any:
    def judge(live: Live, who: Who, args: Move) -> Decided:
        return _moved(live, who, the_lead(live), kind, verb, args.note)

    return judge


def _moved(
    live: Live,
    who: Who,
    lead: LeadRow,
    kind: str,
    verb: str,
    note: str,
    at: Instant | None = None,
    private_to: str | None = None,
) -> Decided:
    if lead.state == "in_progress":
        raise Refusal("illegal_state", f"the lead is being called: {verb} it when the call is over", "phone")
    if kind not in states.LEAD[lead.state]:
        legal = settable(lead.state)
        raise Refusal("illegal_move", f"the lead is {lead.state}: it cannot {verb}", "phone", legal)
    told = ", ".join(words for words in ("" if at is None else f"asked to be called at {iso(at)}", note) if words)
    return Decided(
        lambda: _view(lead),
        (MoveLead(lead.id, kind, at, private_to), Note(who.principal, f"lead.{verb}", subject(lead), told)),
    )


async def _find_listed(desk: Desk, who: Who, args: OfLead) -> Found:
    """The lead, and whether a do-not-call list has his number."""
    return await with_past(desk, await find_lead(desk, who, args))


def _reopen(live: Live, who: Who, args: Move) -> Decided:
    lead = the_lead(live)
    entry = barred_by(suppressed(live, lead.campaign, live.pasts.known.get(lead.number)) or (), "voice", live.now)
    if entry is not None and entry.until is None:
        told = f"its number is on the do-not-call list {entry.list_name}: it would be blocked again at once"
        raise Refusal("illegal_move", told, "phone", ["dnc.remove"])
    return _moved(live, who, lead, "reopen", "reopen", args.note)


def settable(state: str) -> list[str]:
    """The states that a person may set from `state`."""
    moves = states.LEAD[state]
    if state == "in_progress":
        return []
    return sorted(after for after, kinds in BY_PEOPLE.items() if any(kind in moves for kind in kinds))


def _recall(live: Live, who: Who, args: Recall) -> Decided:
    if args.agent is not None and args.agent not in live.floor.agents:
        raise Refusal("unknown_agent", f"there is no agent {args.agent}", "agent", sorted(live.floor.agents)[:50])
    return _moved(live, who, the_lead(live), "asked_back", "callback", args.note, _time(live, args.call_at), args.agent)


def _time(live: Live, at: Instant | None) -> Instant:
    latest = live.now + LATEST_DAYS * DAY_S
    if at is None:
        raise Refusal("bad_argument", "callback needs a time", "call_at", "a moment such as 2026-11-21T08:00:00+07:00")
    if not live.now - SOON_S <= at <= latest:
        raise Refusal("bad_argument", f"{iso(at)} is not in the time allowed", "call_at", f"from now to {iso(latest)}")
    return max(at, live.now)


def _set_state(live: Live, who: Who, args: SetState) -> Decided:
    lead = the_lead(live)
    kinds = BY_PEOPLE.get(args.state)
    if kinds is None:
        because = "is set by no person" if args.state in states.LEAD else "is not a state of a lead"
        raise Refusal("illegal_state", f"{args.state} {because}", "state", settable(lead.state))
    kind = next((kind for kind in kinds if kind in states.LEAD[lead.state]), kinds[0])
    if args.state != "callback":
        if args.call_at is not None:
            raise Refusal("bad_argument", "only a callback has a time", "call_at", "nothing")
        return _moved(live, who, lead, kind, "set-state", ", ".join(filter(None, (args.state, args.note))))
    return _moved(
        live, who, lead, kind, "set-state", ", ".join(filter(None, (args.state, args.note))), _time(live, args.call_at)
    )


def _view(lead: LeadRow) -> LeadMoved:
    dialable = lead.state in states.DIALABLE and lead.next_at < FAR
    return LeadMoved(
        campaign=lead.campaign, lead=lead.id, state=lead.state, next_at=iso(lead.next_at) if dialable else None
    )


def _command(verb: str, summary: str, args: Any, judge: Any, find: Any = find_lead) -> Command[Any]:
    return Command(f"lead.{verb}", summary, MAKERS, args, LeadMoved, "turn", judge=judge, find=find)


COMMANDS: tuple[Command[Any], ...] = (
    _command("hold", "Call a lead no more until he is released", Move, _mover("hold", "hold")),
    _command("release", "Call a held lead again", Move, _mover("release", "release")),
    _command("reopen", "Call a lead again who was done with, as if he were new", Move, _reopen, _find_listed),
    _command("callback", "Call a lead at a time he asked for", Recall, _recall),
    _command("set-state", "Set a lead's state", SetState, _set_state),
)
