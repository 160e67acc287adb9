"""lead.explain: all that happened to a lead, what every rule says of calling him now, and when he may be called next (C09, C10).

Never judges by anything but the gate's own rules and dossier, and never by where the lead happens to stand in the list.
"""

from __future__ import annotations

from typing import Any

from dialerd.campaigns.dossiers import dossier_of
from dialerd.campaigns.laws import law_of
from dialerd.campaigns.pasts import Known, known_of
from dialerd.campaigns.shown import agent_with
from dialerd.campaigns.why import why
from dialerd.compliance.every_rule import RuleAnswer, allowed_from, answers
from dialerd.compliance.gate import judge
from dialerd.compliance.verdict import Allowed
from dialerd.control.leads import LeadView, WhichLead, find, lead_view
from dialerd.control.lines import CallView, call_view
from dialerd.control.table import OFFICE, Command, Desk, Result, Who
from dialerd.model import states
from dialerd.model.instants import iso
from dialerd.model.rows import LeadRow, RefusalRow


class RuleView(Result):
    """What one rule says of calling the lead now."""

    rule: str
    """`vn/ad-calls`: the rule ad-calls of the pack vn."""
    allows: bool
    because: str
    """Empty if it allows."""
    until: str | None
    """When it is asked again; null: never, or it allows."""


class RefusalView(Result):
    """The gate's last refusal of a lead."""

    at: str
    rule: str
    because: str
    until: str | None
    times: int
    """Refusals of this lead until now."""


class Explained(Result):
    """All that happened to a lead, whether he may be dialed now, and if not why and until when."""

    lead: LeadView
    attempts: list[CallView]
    dialable: bool
    rule: str
    because: str
    until: str | None
    rules: list[RuleView]
    """What every rule says now, not only the first that refuses; none while he is being called."""
    may_be_dialed_at: str | None
    """When every rule would let him be called, if his campaign runs and nothing else happens until then: hours of the law and of
    the campaign, rests, counts and silences together. null: never, or somebody must change something."""
    last_refusal: RefusalView | None


async def _explain(desk: Desk, who: Who, args: WhichLead) -> Explained:
    row = await find(desk, args)
    attempts = [call_view(attempt) for attempt in await desk.store.attempts_of(row.id)]
    refusal = await desk.store.refusal(row.id)
    rules: list[RuleAnswer] = []
    at: float | None = None
    if row.state == "in_progress":
        rule, because, until = "in_progress", "it is being called now", None
    else:
        dossier = dossier_of(desk.live, row, row.number, await _known(desk, row), desk.now)
        rules = answers(dossier, desk.now)
        at = allowed_from(dossier, desk.now) if row.state in states.DIALABLE else None
        verdict = judge(dossier, desk.now)
        if isinstance(verdict, Allowed):
            rule, because, until = _turn(desk, row)
        else:
            rule, because, until = verdict.rule, verdict.because, verdict.until
    return Explained(
        lead=lead_view(desk.live, row),
        attempts=attempts,
        dialable=rule == "",
        rule=rule,
        because=because,
        until=_iso(until),
        rules=[_rule_view(one) for one in rules],
        may_be_dialed_at=_iso(at),
        last_refusal=None if refusal is None else _refusal_view(refusal),
    )


async def _known(desk: Desk, row: LeadRow) -> Known:
    """What is known of his number: from live state where that is exact, else from the store."""
    live = desk.live
    past_s = law_of(live, row.campaign).past_s
    since = None if past_s is None else desk.now - past_s
    known = live.pasts.known.get(row.number)
    reaches = known is not None and (since is None or (known.since is not None and known.since <= since))
    if known is not None and reaches and (known.lists or not live.dnc):
        return known
    told = await desk.store.pasts([row.number], since, True)
    return known_of(told[0] if told else None, since)


def _turn(desk: Desk, row: LeadRow) -> tuple[str, str, float | None]:
    """What a lead waits for whom every rule lets through; an empty rule: for his turn."""
    agent = agent_with(desk.live, row.id)
    if agent is not None:
        return "shown", f"it may be dialed; it is before agent {agent.id}", agent.lead_until
    found = why(desk.live, row.campaign)
    if found["dialing"]:
        return "", "it may be dialed now and waits for its turn in the list", None
    return f"campaign:{found['factor']}", f"it may be dialed; the campaign does not dial: {found['because']}", None


def _rule_view(answer: RuleAnswer) -> RuleView:
    refused = answer.refused
    if refused is None:
        return RuleView(rule=answer.rule, allows=True, because="", until=None)
    return RuleView(rule=answer.rule, allows=False, because=refused.because, until=_iso(refused.until))


def _refusal_view(row: RefusalRow) -> RefusalView:
    return RefusalView(at=iso(row.at), rule=row.rule, because=row.because, until=_iso(row.until), times=row.times)


def _iso(at: float | None) -> str | None:
    return None if at is None else iso(at)


COMMANDS: tuple[Command[Any], ...] = (
    Command("lead.explain", "Why a lead is or is not dialed", OFFICE, WhichLead, Explained, "read", read=_explain),
)
