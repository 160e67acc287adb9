"""The one gate that every call passes at the moment of dialing.

Never lets a call through because a rule failed: what cannot be judged is refused.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from dialerd.compliance.calling_hours import hours_at
from dialerd.compliance.verdict import ALLOWED, Refused, Verdict
from dialerd.model.errors import Refusal
from dialerd.model.instants import FAR, Instant, iso
from dialerd.model.phones import AS_DIALED, is_e164, normalise
from dialerd.model.policies import Campaign, Schedule
from dialerd.model.states import DIALABLE

RETRY_S = 60.0
"""Seconds until a lead is asked about again whose rule failed."""


class Dossier(msgspec.Struct, frozen=True):
    """All that the rules may know of one call that is about to be placed."""

    number: str
    lead_state: str
    attempts: int
    next_at: Instant
    campaign_state: str
    policy: Campaign
    schedule: Schedule | None
    live_on_number: bool
    """A call to this number is alive already, in whichever campaign."""


def _campaign_runs(asked: Dossier, now: Instant) -> Refused | None:
    if asked.campaign_state != "running":
        return Refused("campaign_state", f"the campaign is {asked.campaign_state}", now + RETRY_S)
    starts, ends = asked.policy.starts_at, asked.policy.ends_at
    if starts is not None and now < starts:
        return Refused("campaign_dates", f"the campaign starts at {iso(starts)}", starts)
    if ends is not None and now >= ends:
        return Refused("campaign_dates", f"the campaign ended at {iso(ends)}", now + RETRY_S)
    return None


def _hours_are_open(asked: Dossier, now: Instant) -> Refused | None:
    if asked.policy.schedule is None:
        return None
    if asked.schedule is None:
        return Refused("calling_hours", f"the schedule {asked.policy.schedule} is not known", now + RETRY_S)
    hours = hours_at(asked.schedule, now)
    if hours.open:
        return None
    if hours.until >= FAR:
        return Refused("calling_hours", "the schedule never opens", now + 86400)
    return Refused("calling_hours", f"outside working hours, open again at {iso(hours.until)}", hours.until)


def _number_may_be_dialed(asked: Dossier, now: Instant) -> Refused | None:
    region = asked.policy.region
    if region != AS_DIALED and not is_e164(asked.number):
        return Refused("number", "not a number in E.164 form", None)
    try:
        normalise(asked.number, region)
    except Refusal as refusal:
        return Refused("number", refusal.message, None)
    return None


def _attempts_are_left(asked: Dossier, now: Instant) -> Refused | None:
    if asked.attempts >= asked.policy.max_attempts:
        return Refused("max_attempts", f"all {asked.policy.max_attempts} attempts are used", None)
    return None


def _lead_may_be_dialed(asked: Dossier, now: Instant) -> Refused | None:
    if asked.lead_state not in DIALABLE:
        return Refused("lead_state", f"the lead is {asked.lead_state}", None)
    if now < asked.next_at:
        return Refused("rest", f"the lead rests until {iso(asked.next_at)}", asked.next_at)
    if asked.live_on_number:
        return Refused("live_call", "a call to this number is going on", now + RETRY_S)
    return None


RULES: tuple[Callable[[Dossier, Instant], Refused | None], ...] = (
    _campaign_runs,
    _hours_are_open,
    _lead_may_be_dialed,
    _attempts_are_left,
    _number_may_be_dialed,
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
