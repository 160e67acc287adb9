"""Commands on dispositions: what may be said of a contact, and saying it (C13).

Never gives a disposition that the campaign or the call's outcome does not allow, and never does its actions twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from dialerd.campaigns import finding, named
from dialerd.campaigns.live import Live
from dialerd.control.found_leads import (
    CallAt,
    OfContact,
    find_contact,
    is_newest,
    must_be_his,
    the_contact,
    with_lists,
)
from dialerd.control.named_policies import commands_of
from dialerd.control.table import FLOOR_STAFF, Args, Command, Decided, Desk, Result, Who
from dialerd.model import states
from dialerd.model.dispositions import Disposition, contact_of
from dialerd.model.errors import Refusal
from dialerd.model.facts import Found
from dialerd.model.instants import FAR, Instant, iso
from dialerd.model.intents import AnyIntent, Dispose, EndWrapUp, Note, Suppress, TransferLead
from dialerd.model.pasts import REFUSALS
from dialerd.model.policies import Name
from dialerd.model.rows import AttemptRow, LeadRow, SuppressionRow

DAY_S = 86400.0
LATEST_DAYS = 366
SOON_S = 60.0
"""Seconds by which a recall may lie in the past: clocks differ."""


class Which(Args):
    """One disposition."""

    disposition: Name
    """What campaigns and commands call it."""


class Make(Which):
    """A new disposition."""

    effect: dict[str, Any]
    """Its keys, as under `dispositions` in the configuration."""


class Change(Which):
    """New values for some keys of a disposition."""

    effect: dict[str, Any]
    """Only the keys to change; null takes a key back to its default."""


class Give(OfContact):
    """What is said of a contact."""

    disposition: Name
    call_at: CallAt | None = None
    """When the lead is to be called again, for a disposition with recontact."""
    agent: Name | None = None
    """The agent for whom a private lead is; empty: the one who talked with him."""
    note: str = Field("", max_length=2000)
    """Anything, kept with the call."""
    stay: bool = False
    """Stay in wrap-up; else it ends with this."""


class Given(Result):
    """What a disposition made of the lead."""

    campaign: str
    lead: int
    call: str
    disposition: str
    state: str
    """The lead's; while the call goes on, the one he will have after it."""
    next_at: str | None
    private_to: str
    again: bool
    """Whether it had been said already: then nothing was done."""


async def _find(desk: Desk, who: Who, args: Give) -> Found:
    policy = desk.live.dispositions.get(args.disposition)
    found = await find_contact(desk, who, args)
    return await with_lists(desk, found, None if policy is None else policy.move_to)


def _dispose(live: Live, who: Who, args: Give) -> Decided:
    lead, call = the_contact(live, who, args)
    policy = _allowed(live, lead, args.disposition)
    must_be_his(live, who, lead, call, "dispose of it")
    if call is not None and args.phone is not None and policy.needs_no_call and _old(live, call):
        call = None
    _for_this_contact(args.disposition, policy, call)
    if call is not None and not is_newest(live, lead, call):
        raise Refusal("illegal_state", f"the lead was called again since {call.id}: dispose of the newer call", "call")
    at = _recall(live, policy, args)
    private_to = _private_to(live, policy, call, args)
    if _same(live, lead, call, args, policy, private_to):
        return Decided(_given(live, lead, call, policy, args.disposition, again=True))
    kind = policy.kind
    if lead.state != "in_progress" and kind and kind not in states.LEAD[lead.state]:
        legal = sorted(
            name for name, one in _dispositions(live, lead).items() if one.kind in {"", *states.LEAD[lead.state]}
        )
        raise Refusal(
            "illegal_move", f"the lead is {lead.state}: {args.disposition} is not for him", "disposition", legal
        )
    because = f"{args.disposition}, {call.id}" if call is not None else args.disposition
    next_at = at
    if policy.not_again_days is not None and kind == "rest":
        next_at = live.now + policy.not_again_days * DAY_S
    intents: list[AnyIntent] = [
        Dispose(
            lead.id,
            call.id if call is not None else "",
            args.disposition,
            who.principal,
            args.note,
            kind,
            next_at,
            private_to,
            agreed=args.call_at is not None and kind == "asked_back",
        ),
        *_lists(live, who, lead, call, policy, because),
    ]
    if private_to is not None:
        intents.append(Note(who.principal, "lead.make-private", subject(lead), private_to))
    if policy.move_to is not None:
        intents += _moves(live, who, lead, policy, args.disposition, at, private_to)
    intents.append(Note(who.principal, "lead.dispose", subject(lead), _told(args, at, call)))
    if call is not None and not args.stay and _wraps_up(live, who, call):
        intents.append(EndWrapUp(call.agent))
    return Decided(lambda: _given(live, lead, call, policy, args.disposition, again=False), tuple(intents))


def _wraps_up(live: Live, who: Who, call: AttemptRow) -> bool:
    """Whether the one who speaks is the agent who wraps up this call."""
    agent = live.agents.get(call.agent)
    if agent is None or agent.state != "wrap_up" or agent.last_call != call.id:
        return False
    return agent.id in who.agents(live)


def subject(lead: LeadRow) -> str:
    """What a lead is called in the audit trail."""
    return f"lead {lead.id}"


def _dispositions(live: Live, lead: LeadRow) -> dict[str, Disposition]:
    return named.dispositions_of(live, live.policies[lead.campaign])


def _allowed(live: Live, lead: LeadRow, name: str) -> Disposition:
    allowed = _dispositions(live, lead)
    policy = allowed.get(name)
    if policy is None:
        because = f"campaign {lead.campaign} has no disposition {name}"
        raise Refusal("unknown_disposition", because, "disposition", sorted(allowed))
    if policy.move_to is not None and policy.move_to not in live.campaigns:
        raise Refusal("unknown_campaign", f"{name} moves leads to {policy.move_to}, which is not there", "disposition")
    required = [
        field.shown
        for field in live.policies[lead.campaign].fields
        if field.required and not lead.fields.get(field.name)
    ]
    if required:
        raise Refusal(
            "bad_argument", f"required first: {', '.join(required)}", "fields", "lead.update with these fields"
        )
    return policy


def _old(live: Live, call: AttemptRow) -> bool:
    """Whether the newest call is over and done with: what is said now is not said of it."""
    if call.live:
        return False
    within = live.policies[call.campaign].dispose_within_min * 60
    return call.ended_at is not None and call.ended_at + within < live.now


def _for_this_contact(name: str, policy: Disposition, call: AttemptRow | None) -> None:
    if call is None:
        if not policy.needs_no_call:
            raise Refusal("illegal_state", f"{name} needs a call, and the lead has none", "disposition")
        return
    if call.live and call.connected_at is None and not policy.needs_no_call:
        raise Refusal("illegal_state", f"the call {call.id} is {call.state}: nobody has talked yet", "call")
    contact = "answered" if call.live else contact_of(call.outcome)
    if contact not in policy.outcomes and not policy.needs_no_call:
        words = f"the call ended as {call.outcome}" if not call.live else "the call was answered"
        raise Refusal("illegal_state", f"{words}: {name} is not for that", "disposition", policy.outcomes)


def _recall(live: Live, policy: Disposition, args: Give) -> Instant | None:
    """When the lead is to be called again. Raises Refusal."""
    if not policy.recontact:
        if args.call_at is not None:
            raise Refusal("bad_argument", f"{args.disposition} calls nobody again", "call_at", "nothing")
        return None
    if args.call_at is None:
        if policy.recall_after_min is None:
            raise Refusal(
                "bad_argument",
                f"{args.disposition} needs a time",
                "call_at",
                "a moment such as 2026-11-21T08:00:00+07:00",
            )
        return live.now + policy.recall_after_min * 60
    latest = live.now + (policy.recall_within_days or LATEST_DAYS) * DAY_S
    if not live.now - SOON_S <= args.call_at <= latest:
        raise Refusal(
            "bad_argument", f"{iso(args.call_at)} is not in the time allowed", "call_at", f"from now to {iso(latest)}"
        )
    return max(args.call_at, live.now)


def _private_to(live: Live, policy: Disposition, call: AttemptRow | None, args: Give) -> str | None:
    if not policy.private:
        if args.agent is not None:
            raise Refusal("bad_argument", f"{args.disposition} makes nobody private", "agent", "nothing")
        return None
    agent = args.agent or (call.agent if call is not None else "")
    if agent not in live.floor.agents:
        because = f"there is no agent {agent}" if agent else f"{args.disposition} needs the agent for whom the lead is"
        raise Refusal("unknown_agent", because, "agent", sorted(live.floor.agents)[:50])
    return agent


def _same(
    live: Live, lead: LeadRow, call: AttemptRow | None, args: Give, policy: Disposition, private_to: str | None
) -> bool:
    """Whether just this was said already."""
    if lead.disposition != args.disposition or (private_to is not None and lead.private_to != private_to):
        return False
    if call is not None and (call.disposition != args.disposition or call.note != args.note):
        return False
    if call is None and not policy.ends:
        return False
    return args.call_at is None or lead.next_at == args.call_at


def _list(which: str, campaign: str) -> str:
    return "own" if which == "own" else f"campaign:{campaign}"


def _lists(
    live: Live, who: Who, lead: LeadRow, call: AttemptRow | None, policy: Disposition, because: str
) -> Iterator[AnyIntent]:
    """The entries of lists that the disposition asks for; those of what was said of this call before are taken back."""
    wanted: dict[tuple[str, str], Instant | None] = {}
    if policy.not_again_days is not None:
        wanted[_list(policy.not_again_in, lead.campaign), "voice"] = live.now + policy.not_again_days * DAY_S
    if policy.blacklist is not None:
        wanted[_list(policy.blacklist, lead.campaign), policy.blacklist_channel] = None
    if policy.refusal or (wanted and policy.kind != "reached"):
        wanted[REFUSALS, "all"] = live.now  # it bars nothing by itself: rule packs say how long a refusal silences
    numbers = (lead.phone, *lead.phones)
    for entry in () if live.found is None else live.found.suppressions:
        key = (entry.list_name, entry.channel)
        if call is None or not entry.active or key in wanted or not entry.because.endswith(f", {call.id}"):
            continue
        if finding.suppression(live, entry.list_name, entry.number, entry.channel) is entry:
            yield Suppress(*_key(entry), who.principal, f"taken back: {because}", entry.until, active=False)
    for (list_name, channel), until in wanted.items():
        for number in numbers:
            there = finding.suppression(live, list_name, number, channel)
            ours = there is not None and call is not None and there.because.endswith(f", {call.id}")
            if there is None or (there.until != until if ours and there.active else not _holds(live, there, until)):
                yield Suppress(list_name, number, channel, who.principal, because, until)
        words = "for good" if until is None else f"until {iso(until)}"
        words = "he does not want to be called" if list_name == REFUSALS else words
        yield Note(who.principal, "lead.suppress", subject(lead), f"{list_name}, {channel}, {words}")


def _key(entry: SuppressionRow) -> tuple[str, str, str]:
    return entry.list_name, entry.number, entry.channel


def _holds(live: Live, entry: SuppressionRow, until: Instant | None) -> bool:
    """Whether an entry bars the number as long as is wanted already."""
    its = live.dnc.get((entry.list_name, entry.channel))
    if its is not None and entry.version < its.version:
        return False
    return entry.active and (entry.until is None or (until is not None and entry.until >= until))


def _moves(
    live: Live, who: Who, lead: LeadRow, policy: Disposition, name: str, at: Instant | None, private_to: str | None
) -> Iterator[AnyIntent]:
    to = policy.move_to or ""
    if to == lead.campaign or live.campaigns[to].state in ("rejected", "deleted"):
        raise Refusal(
            "illegal_state", f"{name} moves leads to {to}, which takes none of {lead.campaign}", "disposition"
        )
    if any(finding.has_phone(live, to, number) for number in (lead.phone, *lead.phones)):
        yield Note(who.principal, "lead.move", subject(lead), f"{to} has his number already")
        return
    yield TransferLead(lead.id, to, f"disposition {name} in {lead.campaign}", at, private_to or "")
    yield Note(who.principal, "lead.move", subject(lead), f"to {to}")


def _told(args: Give, at: Instant | None, call: AttemptRow | None) -> str:
    """What the audit trail keeps: a recall that the customer asked for is his consent to be called then."""
    words = [args.disposition]
    if call is not None:
        words.append(f"of {call.id}")
    if at is not None:
        words.append(f"asked to be called at {iso(at)}")
    if args.note:
        words.append(args.note[:500])
    return ", ".join(words)


def _given(live: Live, lead: LeadRow, call: AttemptRow | None, policy: Disposition, name: str, *, again: bool) -> Given:
    state = lead.state
    if state == "in_progress" and policy.kind:
        state = states.LEAD["in_progress"][policy.kind]
    return Given(
        campaign=lead.campaign,
        lead=lead.id,
        call=call.id if call is not None else "",
        disposition=name,
        state=state,
        next_at=iso(lead.next_at) if state in states.DIALABLE and lead.next_at < FAR else None,
        private_to=lead.private_to,
        again=again,
    )


def _checked(live: Live, policy: Disposition) -> None:
    if policy.move_to is not None and policy.move_to not in live.campaigns:
        raise Refusal(
            "unknown_campaign", f"there is no campaign {policy.move_to}", "effect.move_to", sorted(live.campaigns)[:50]
        )


COMMANDS: tuple[Command[Any], ...] = (
    *commands_of(
        "disposition",
        Disposition,
        Make,
        Change,
        Which,
        "effect",
        lambda live: live.floor.dispositions,
        lambda live: live.dispositions,
        _checked,
    ),
    Command(
        "lead.dispose",
        "Say what came of a contact, with all that follows from it",
        FLOOR_STAFF,
        Give,
        Given,
        "turn",
        judge=_dispose,
        find=_find,
    ),
)
