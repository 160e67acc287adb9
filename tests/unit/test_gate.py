"""The gate that every call passes at the moment of dialing: first refusal, its reason, and failing closed."""

from __future__ import annotations

from typing import Any

import pytest

from dialerd.compliance import gate
from dialerd.compliance.gate import Dossier, judge
from dialerd.compliance.verdict import Allowed, Refused
from dialerd.model.policies import Campaign, Schedule

NOW = 1_795_395_600.0  # a Monday, 08:00 in Viet Nam


def dossier(policy: dict[str, Any] | None = None, **changed: Any) -> Dossier:
    campaign = Campaign.model_validate({"name": "x", "trunks": ["t"], **(policy or {})})
    base: dict[str, Any] = {
        "number": "+84912345678",
        "lead_state": "new",
        "attempts": 0,
        "next_at": NOW - 1,
        "campaign_state": "running",
        "policy": campaign,
        "schedule": None,
        "live_on_number": False,
    }
    return Dossier(**{**base, **changed})


def test_a_lead_that_is_due_in_a_running_campaign_is_allowed() -> None:
    assert isinstance(judge(dossier(), NOW), Allowed)


@pytest.mark.parametrize(
    ("asked", "rule", "until"),
    [
        (dossier(campaign_state="paused"), "campaign_state", NOW + 60),
        (dossier({"starts_at": NOW + 10}), "campaign_dates", NOW + 10),
        (dossier({"ends_at": NOW}), "campaign_dates", NOW + 60),
        (dossier({"schedule": "office"}), "calling_hours", NOW + 60),
        (dossier(lead_state="succeeded"), "lead_state", None),
        (dossier(next_at=NOW + 5), "rest", NOW + 5),
        (dossier(live_on_number=True), "live_call", NOW + 60),
        (dossier({"max_attempts": 2}, attempts=2), "max_attempts", None),
        (dossier(number="0912345678"), "number", None),
        (dossier(number="+841900123456"), "number", None),
        (dossier({"region": "none"}, number="not a number"), "number", None),
    ],
)
def test_each_rule_refuses_with_its_name_and_until_when(asked: Dossier, rule: str, until: float | None) -> None:
    verdict = judge(asked, NOW)
    assert isinstance(verdict, Refused)
    assert (verdict.rule, verdict.until) == (rule, until)
    assert verdict.because


def test_C02_outside_hours_is_refused_until_they_open() -> None:
    office = Schedule.model_validate({"time_zone": "Asia/Ho_Chi_Minh", "week": {"mon": ["09:00-10:00"]}})
    verdict = judge(dossier({"schedule": "office"}, schedule=office), NOW)
    assert isinstance(verdict, Refused)
    assert (verdict.rule, verdict.until) == ("calling_hours", NOW + 3600)
    assert isinstance(judge(dossier({"schedule": "office"}, schedule=office), NOW + 3600), Allowed)


def test_a_rule_that_fails_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(asked: Dossier, now: float) -> Refused | None:
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr(gate, "RULES", (broken,))
    verdict = judge(dossier(), NOW)
    assert verdict == Refused("gate_error", "broken failed: by nought", NOW + 60)
