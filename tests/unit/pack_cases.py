"""Numbers, instants and dossiers for the tests of rule packs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dialerd.compliance.gate import Dossier, judge
from dialerd.compliance.history import Contact, History
from dialerd.compliance.pack import Pack
from dialerd.compliance.verdict import Refused, Verdict
from dialerd.model.policies import Campaign, Schedule
from dialerd.settings.packs import shipped

HANOI = "+84912345678"
NEW_YORK = "+12125551234"
LOS_ANGELES = "+12135551234"
MIAMI = "+13055551234"
ATLANTA = "+14045551234"
BOISE_OR_LEWISTON = "+12085551234"
PORTLAND_MAINE = "+12075551234"
BOSTON = "+16175551234"
LONDON = "+442079460000"
WARSAW = "+48601234567"
BERLIN = "+4915112345678"
PARIS = "+33612345678"


def at(text: str) -> float:
    """The instant of an ISO date and time with offset."""
    moment = datetime.fromisoformat(text)
    assert moment.tzinfo is not None
    return moment.timestamp()


def pack(name: str) -> Pack:
    return shipped()[name]


def dossier(number: str, rules: str | Pack, policy: dict[str, Any] | None = None, **changed: Any) -> Dossier:
    """A lead that is due in a running campaign, whose number nobody has called in the last year."""
    made = pack(rules) if isinstance(rules, str) else rules
    base: dict[str, Any] = {
        "number": number,
        "lead_state": "new",
        "attempts": 0,
        "next_at": 0.0,
        "campaign_state": "running",
        "policy": Campaign.model_validate({"name": "x", "trunks": ["t"], **(policy or {})}),
        "schedule": None,
        "live_on_number": False,
        "pack_name": made.name,
        "pack": made,
        "history": History(since=0.0),
        "agent_guaranteed": True,
    }
    return Dossier(**{**base, **changed})


def verdict(when: str, number: str, rules: str | Pack, **changed: Any) -> Verdict:
    return judge(dossier(number, rules, **changed), at(when))


def refusal(when: str, number: str, rules: str | Pack, **changed: Any) -> tuple[str, float | None] | None:
    """Rule and until of a refusal, None if it is allowed."""
    told = verdict(when, number, rules, **changed)
    return (told.rule, told.until) if isinstance(told, Refused) else None


def past(*contacts: str | Contact, **known: Any) -> History:
    """Calls that nobody answered at these instants, or contacts as they are."""
    made = tuple(c if isinstance(c, Contact) else Contact(at(c), outcome="no_answer") for c in contacts)
    return History(since=0.0, contacts=made, **known)


def schedule(zone: str, **week: list[str]) -> Schedule:
    return Schedule.model_validate({"time_zone": zone, "week": week})
