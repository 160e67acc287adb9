"""What every rule says of a call, not only the first that refuses, and when all of them would let it through.

Never what the gate dials by: that stops at the first refusal.
"""

from __future__ import annotations

import msgspec

from dialerd.compliance import gate
from dialerd.compliance.dossier import Dossier
from dialerd.compliance.pack_judgement import RETRY_S, answers_by_pack, judge_by_pack
from dialerd.compliance.verdict import Refused
from dialerd.model.instants import Instant

BY_TIME = frozenset(
    {"campaign_dates", "do_not_call", "calling_hours", "rest", "calling_window", "lockout", "attempt_limit"}
)
"""Rules whose refusal ends at its `until`, if nobody changes anything; those of the others end when somebody does."""
_STEPS = 100


class RuleAnswer(msgspec.Struct, frozen=True):
    """What one rule says."""

    rule: str
    """As the gate names it; `vn/ad-calls` for one of a pack."""
    refused: Refused | None


def answers(asked: Dossier, now: Instant) -> list[RuleAnswer]:
    """What every rule says at `now`, in the order in which the gate asks them."""
    found: list[RuleAnswer] = []
    for rule in gate.RULES:
        name = rule.__name__.strip("_")
        try:
            if rule is not judge_by_pack:
                found.append(RuleAnswer(name, rule(asked, now)))
                continue
            before = "" if asked.pack is None else f"{asked.pack.name}/"
            found += [RuleAnswer(f"{before}{one}", refused) for one, refused in answers_by_pack(asked, now)]
        except Exception as trouble:  # noqa: BLE001  as the gate itself: what dies refuses
            found.append(RuleAnswer(name, Refused("gate_error", f"{name} failed: {trouble}", now + RETRY_S)))
    return found


def allowed_from(asked: Dossier, now: Instant) -> Instant | None:
    """The first instant at which every rule would let the call through, if nothing else happens until then.

    The campaign is taken to run, and the number not to be called just then. None: never, or somebody must change something.
    """
    asked = msgspec.structs.replace(asked, campaign_state="running", live_on_number=False)
    at = now
    for _ in range(_STEPS):
        verdict = gate.judge(asked, at)
        if not isinstance(verdict, Refused):
            return at
        ended = verdict.rule == "campaign_dates" and asked.policy.ends_at is not None and at >= asked.policy.ends_at
        if verdict.rule not in BY_TIME or ended or verdict.until is None or verdict.until <= at:
            return None
        at = verdict.until
    return None
