"""What becomes of a lead after an attempt: counted or not, succeeded, resting, exhausted, failed (C09, C10).

Never dials: it says from which instant on the lead may be dialed again, or why not any more.
"""

from __future__ import annotations

import msgspec

from dialerd.model.causes import UNCOUNTED
from dialerd.model.instants import FAR, Instant
from dialerd.model.policies import Campaign
from dialerd.model.rows import LeadRow

BAD_NUMBER = frozenset({"unallocated", "changed", "bad_format"})
"""Outcomes that say that the number is no good: without a rest of its own the lead has failed."""

FAULT_REST_MIN = (1.0, 2.0, 5.0, 15.0)
"""Minutes of rest after the 1st, 2nd, ... attempt in a row that was never sent."""


class After(msgspec.Struct, frozen=True):
    """What becomes of the lead: a kind of the lead table and the counts to be kept."""

    kind: str
    next_at: Instant
    attempts: int
    faults: int
    same: int


def after_attempt(lead: LeadRow, policy: Campaign, outcome: str, counted: bool, now: Instant) -> After:
    """What becomes of `lead` when an attempt on it ended at `now` with `outcome`. `counted`: it uses up an attempt."""
    same = lead.same + 1 if lead.last_outcome == outcome else 1
    attempts = lead.attempts + (1 if counted else 0)
    faults = 0 if counted else lead.faults + 1
    if outcome == "connected":
        return After("reached", FAR, attempts, 0, same)
    if not counted and outcome in UNCOUNTED:
        minutes = FAULT_REST_MIN[min(faults, len(FAULT_REST_MIN)) - 1]
        return After("unreached", now + minutes * 60, attempts, faults, same)
    rest = policy.rest_after(outcome)
    if rest.again_after_min is None:
        return After("bad_number" if outcome in BAD_NUMBER else "used_up", FAR, attempts, faults, same)
    if attempts >= policy.max_attempts or (rest.at_most is not None and same >= rest.at_most):
        return After("used_up", FAR, attempts, faults, same)
    return After("unreached", now + rest.again_after_min * 60, attempts, faults, same)
