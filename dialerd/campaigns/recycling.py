"""What becomes of a lead after an attempt: counted or not, succeeded, resting, exhausted, failed (C09, C10).

Never dials: it says from which instant on the lead may be dialed again, or why not any more.
"""

from __future__ import annotations

import msgspec

from dialerd.model.instants import FAR, Instant
from dialerd.model.policies import Campaign
from dialerd.model.rows import LeadRow

BAD_NUMBER = frozenset({"unallocated", "changed", "bad_format"})
"""Outcomes that say that the number is no good: without a rest of its own the lead has failed."""

FAULT_REST_MIN = (1.0, 2.0, 5.0, 15.0)
"""Minutes of rest after the 1st, 2nd, ... attempt in a row that does not count: never sent, or its hotline was refused."""


class After(msgspec.Struct, frozen=True):
    """What becomes of the lead: a kind of the lead table and the counts to be kept."""

    kind: str
    next_at: Instant
    attempts: int
    faults: int
    same: int
    current: str = ""
    """The phone to dial next."""
    tries: int = 0
    """Attempts in a row on that phone."""
    bad_phones: tuple[str, ...] = ()


def after_attempt(
    lead: LeadRow, policy: Campaign, outcome: str, counted: bool, now: Instant, number: str = ""
) -> After:
    """What becomes of `lead` when an attempt on its phone `number` (empty: the one whose turn it was) ended at `now` with
    `outcome`. `counted`: it uses up an attempt.
    """
    number = number or lead.number
    if not lead.phones:  # nearly every lead
        return _after(lead, policy, outcome, counted, now)
    bad = tuple(lead.bad_phones)
    if outcome in BAD_NUMBER and policy.rest_after(outcome).again_after_min is None and number not in bad:
        bad = (*bad, number)
    tries = lead.tries + (1 if counted else 0)
    follows = _next_phone(lead, number, bad)
    after = _after(lead, policy, outcome, counted, now)
    if outcome == "connected":  # who is called again is called where he was reached
        return msgspec.structs.replace(after, current=number, tries=0, bad_phones=bad)
    if number in bad:
        if after.kind == "bad_number" and follows:
            used_up = after.attempts >= policy.max_attempts
            kind, next_at = ("used_up", FAR) if used_up else ("unreached", now)
            after = msgspec.structs.replace(after, kind=kind, next_at=next_at)
        return msgspec.structs.replace(after, current=follows, tries=0, bad_phones=bad)
    if tries >= policy.tries_per_phone and follows:
        return msgspec.structs.replace(after, current=follows, tries=0, bad_phones=bad)
    return msgspec.structs.replace(after, current=number, tries=tries, bad_phones=bad)


def _next_phone(lead: LeadRow, number: str, bad: tuple[str, ...]) -> str:
    """The phone that follows `number` in the lead's order, around and around, without bad ones; empty: there is no other."""
    every = [lead.phone, *lead.phones]
    at = every.index(number) if number in every else -1
    return next((phone for phone in (*every[at + 1 :], *every[: max(at, 0)]) if phone not in bad), "")


def _after(lead: LeadRow, policy: Campaign, outcome: str, counted: bool, now: Instant) -> After:
    # what does not count is not counted in `same` either, but it ends a row of others
    same = (lead.same + 1 if lead.last_outcome == outcome else 1) if counted else 0
    attempts = lead.attempts + (1 if counted else 0)
    faults = 0 if counted else lead.faults + 1
    if outcome == "connected":
        return After("reached", FAR, attempts, 0, same)
    if not counted:
        minutes = FAULT_REST_MIN[min(faults, len(FAULT_REST_MIN)) - 1]
        return After("unreached", now + minutes * 60, attempts, faults, same)
    rest = policy.rest_after(outcome)
    if rest.again_after_min is None:
        return After("bad_number" if outcome in BAD_NUMBER else "used_up", FAR, attempts, faults, same)
    if attempts >= policy.max_attempts or (rest.at_most is not None and same >= rest.at_most):
        return After("used_up", FAR, attempts, faults, same)
    return After("unreached", now + rest.again_after_min * 60, attempts, faults, same)
