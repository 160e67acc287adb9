"""The one gate that every call passes at the moment of dialing.

Never lets a call through because a rule failed: what cannot be judged is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from dialerd.compliance.calling_hours import hours_at
from dialerd.compliance.do_not_call import barred_by
from dialerd.compliance.dossier import Dossier
from dialerd.compliance.pack_judgement import NEVER_S, RETRY_S, hours_of_dossier, judge_by_pack
from dialerd.compliance.place import place_of
from dialerd.compliance.verdict import ALLOWED, Refused, Verdict
from dialerd.model.errors import Refusal
from dialerd.model.instants import FAR, Instant, iso
from dialerd.model.phones import AS_DIALED, is_e164, normalise
from dialerd.model.states import DIALABLE

WITHOUT_REST: frozenset[str] = frozenset({"manual"})
"""Modes in which the agent decides when a lead is called again: his rest is not asked about, his attempts are (C10)."""
__all__ = ["RETRY_S", "RULES", "Dossier", "judge"]


def _campaign_runs(asked: Dossier, now: Instant) -> Refused | None:
    if asked.campaign_state != "running":
        return Refused("campaign_state", f"the campaign is {asked.campaign_state}", now + RETRY_S)
    starts, ends = asked.policy.starts_at, asked.policy.ends_at
    if starts is not None and now < starts:
        return Refused("campaign_dates", f"the campaign starts at {iso(starts)}", starts)
    if ends is not None and now >= ends:
        return Refused("campaign_dates", f"the campaign ended at {iso(ends)}", now + RETRY_S)
    return None


def _not_on_a_list(asked: Dossier, now: Instant) -> Refused | None:
    if asked.suppressed is None:
        return Refused("do_not_call", "whether it is on a do-not-call list is not known", now + RETRY_S)
    entry = barred_by(asked.suppressed, asked.channel, now)
    if entry is None:
        return None
    until = "" if entry.until is None else f" until {iso(entry.until)}"
    return Refused("do_not_call", f"on the do-not-call list {entry.list_name}{until}", entry.until)


def _hours_are_open(asked: Dossier, now: Instant) -> Refused | None:
    if asked.policy.schedule is None:
        return None
    if asked.schedule is None:
        return Refused("calling_hours", f"the schedule {asked.policy.schedule} is not known", now + RETRY_S)
    if hours_at(asked.schedule, now).open:
        return None
    opens = hours_of_dossier(asked, now).until  # the next moment at which the pack's windows are open too
    if opens >= FAR:
        return Refused("calling_hours", "the schedule never opens", now + NEVER_S)
    return Refused("calling_hours", f"outside working hours, open again at {iso(opens)}", opens)


def _number_may_be_dialed(asked: Dossier, now: Instant) -> Refused | None:
    because = _no_number(asked.number, asked.policy.region)
    return Refused("number", because, None) if because else None


@lru_cache(maxsize=16384)
def _no_number(number: str, region: str) -> str:
    """Why a number may not be dialed; empty: it may. Pure, and asked again and again for leads that wait."""
    if region != AS_DIALED:
        if not is_e164(number):
            return "not a number in E.164 form"
        place = place_of(number)
        if place is not None and place.ordinary:  # the same answer at a third of the price
            return ""
    try:
        normalise(number, region)
    except Refusal as refusal:
        return refusal.message
    return ""


def _attempts_are_left(asked: Dossier, now: Instant) -> Refused | None:
    if asked.attempts >= asked.policy.max_attempts:
        return Refused("max_attempts", f"all {asked.policy.max_attempts} attempts are used", None)
    return None


def _lead_may_be_dialed(asked: Dossier, now: Instant) -> Refused | None:
    if asked.lead_state not in DIALABLE:
        return Refused("lead_state", f"the lead is {asked.lead_state}", None)
    if now < asked.next_at and asked.policy.mode not in WITHOUT_REST:
        return Refused("rest", f"the lead rests until {iso(asked.next_at)}", asked.next_at)
    if asked.live_on_number:
        return Refused("live_call", "a call to this number is going on", now + RETRY_S)
    return None


RULES: tuple[Callable[[Dossier, Instant], Refused | None], ...] = (
    _campaign_runs,
    _not_on_a_list,
    _hours_are_open,
    _lead_may_be_dialed,
    _attempts_are_left,
    _number_may_be_dialed,
    judge_by_pack,
)


def judge(asked: Dossier, now: Instant) -> Verdict:
    """The first rule that refuses, or Allowed. A rule that raises refuses for a minute, with its error as the reason."""
    for rule in RULES:
        try:
            refused = rule(asked, now)
        except Exception as trouble:  # noqa: BLE001  fail closed: whatever a rule dies of, nobody is called
            return Refused("gate_error", f"{rule.__name__.strip('_')} failed: {trouble}", now + RETRY_S)
        if refused is not None:
            return refused
    return ALLOWED
