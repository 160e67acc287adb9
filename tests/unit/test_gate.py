"""The gate that every call passes at the moment of dialing: first refusal, its reason, and failing closed."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import phonenumbers
import pytest
from hypothesis import given

from dialerd.compliance import gate
from dialerd.compliance.do_not_call import Suppressed
from dialerd.compliance.gate import Dossier, judge
from dialerd.compliance.verdict import Allowed, Refused
from dialerd.model.errors import Refusal
from dialerd.model.phones import normalise
from dialerd.model.policies import Campaign, Schedule
from tests.unit.pack_cases import pack

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


def test_C20_a_number_on_a_list_is_refused_for_good_with_the_lists_name() -> None:
    told = judge(dossier(suppressed=(Suppressed("own"),)), NOW)
    assert told == Refused("do_not_call", "on the do-not-call list own", None)


@pytest.mark.parametrize(
    ("channel", "entry", "refused"),
    [
        ("voice", Suppressed("DoNotCall", "voice"), True),
        ("sms", Suppressed("DoNotCall", "voice"), False),
        ("sms", Suppressed("DoNotCall", "all"), True),
        ("voice", Suppressed("campaign", "all", NOW + 1), True),
        ("voice", Suppressed("campaign", "all", NOW), False),
    ],
)
def test_C20_an_entry_holds_for_its_channel_and_its_time(channel: Any, entry: Suppressed, refused: bool) -> None:
    told = judge(dossier(channel=channel, suppressed=(entry,)), NOW)
    assert isinstance(told, Refused) == refused
    if isinstance(told, Refused):
        assert (told.rule, told.until) == ("do_not_call", entry.until)
        assert entry.list_name in told.because


def test_C20_of_several_entries_the_longest_is_told() -> None:
    entries = (Suppressed("a", until=NOW + 5), Suppressed("b"), Suppressed("c", until=NOW + 9))
    assert judge(dossier(suppressed=entries), NOW) == Refused("do_not_call", "on the do-not-call list b", None)
    told = judge(dossier(suppressed=(entries[0], entries[2])), NOW)
    assert isinstance(told, Refused)
    assert told.until == NOW + 9


def test_C20_a_list_holds_whatever_the_rule_pack_the_consent_or_the_agent() -> None:
    asked = dossier(suppressed=(Suppressed("own"),), agreed=True, agent_guaranteed=True, pack=pack("plain"))
    assert isinstance(judge(asked, NOW), Refused)


def test_a_campaign_that_names_a_pack_nobody_knows_does_not_dial() -> None:
    told = judge(dossier(pack_name="atlantis"), NOW)
    assert told == Refused("rule_pack", "the rule pack atlantis is not known", NOW + 60)


def test_a_zone_of_a_lead_that_is_none_refuses() -> None:
    for zone in ("Mars/Phobos", "../../etc/passwd", ""):
        told = judge(dossier(pack=pack("vn"), pack_name="vn", zone=zone), NOW)
        assert isinstance(told, Refused)
        assert told.rule == "gate_error"


def test_a_campaign_without_a_pack_is_judged_as_before() -> None:
    assert isinstance(judge(dossier(history=None), NOW), Allowed)


EXAMPLES = [
    phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    for kind in phonenumbers.PhoneNumberType.values()
    if (example := phonenumbers.example_number_for_type(region, kind)) is not None
]


@given(
    st.one_of(
        st.sampled_from(EXAMPLES),
        st.from_regex(r"\+(?:84|48|49|44|1|33)[0-9]{6,11}", fullmatch=True),
        st.from_regex(r"\+[0-9]{7,15}", fullmatch=True),
    )
)
def test_the_quick_look_at_a_number_says_what_the_long_one_says(number: str) -> None:
    try:
        normalise(number, "VN")
        refused = False
    except Refusal:
        refused = True
    told = judge(dossier(number=number), NOW)
    assert (told == Allowed()) is not refused
