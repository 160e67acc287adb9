"""C10 over all campaigns, and V14's silences: what a number has had already, and when it may be contacted again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialerd.compliance.attempt_limits import full_until
from dialerd.compliance.history import Contact, History
from dialerd.compliance.judged_rules import longest_period
from dialerd.compliance.lockouts import silent_until
from dialerd.compliance.pack import NEVER_RANG, AttemptLimit
from dialerd.compliance.verdict import Refused
from dialerd.model.causes import OUTCOMES
from tests.unit.pack_cases import (
    ATLANTA,
    BERLIN,
    BOSTON,
    HANOI,
    LONDON,
    MIAMI,
    NEW_YORK,
    PARIS,
    PORTLAND_MAINE,
    WARSAW,
    at,
    pack,
    past,
    refusal,
    verdict,
)


def test_C10_viet_nam_one_ad_call_in_24_hours_over_all_campaigns() -> None:
    history = past(Contact(at("2026-11-22T10:00:00+07:00"), outcome="busy", campaign="another"))
    assert refusal("2026-11-23T09:59:59+07:00", HANOI, "vn", history=history) == (
        "attempt_limit",
        at("2026-11-23T10:00:00+07:00"),
    )
    assert refusal("2026-11-23T10:00:00+07:00", HANOI, "vn", history=history) is None
    told = verdict("2026-11-23T09:00:00+07:00", HANOI, "vn", history=history)
    assert isinstance(told, Refused)
    assert told.because == "vn/ad-calls: at most 1 in 24 h, the next from 2026-11-23T03:00:00.000Z"


def test_C10_when_the_limit_ends_outside_the_window_the_lead_waits_for_the_window() -> None:
    history = past("2026-11-22T16:59:00+07:00")
    assert refusal("2026-11-23T08:00:00+07:00", HANOI, "vn", history=history) == (
        "attempt_limit",
        at("2026-11-23T16:59:00+07:00"),
    )
    late = past("2026-11-22T17:30:00+07:00")  # a callback at a time that was agreed
    assert refusal("2026-11-23T08:00:00+07:00", HANOI, "vn", history=late) == (
        "attempt_limit",
        at("2026-11-24T08:00:00+07:00"),
    )


@pytest.mark.parametrize(("channel", "at_most"), [("sms", 3), ("email", 3)])
def test_C10_viet_nam_three_ad_messages_and_three_mails_in_24_hours(channel: Any, at_most: int) -> None:
    sent = [Contact(at(f"2026-11-22T{10 + hour}:00:00+07:00"), channel, "delivered") for hour in range(at_most)]
    now = "2026-11-22T21:00:00+07:00"
    assert refusal(now, HANOI, "vn", channel=channel, history=past(*sent[1:])) is None
    assert refusal(now, HANOI, "vn", channel=channel, history=past(*sent)) == (
        "attempt_limit",
        at("2026-11-23T10:00:00+07:00"),
    )


def test_C10_viet_nam_an_ad_call_is_no_ad_message() -> None:
    sent = past(*(Contact(at("2026-11-22T10:00:00+07:00") + i, "sms", "delivered") for i in range(5)))
    assert refusal("2026-11-22T11:00:00+07:00", HANOI, "vn", history=sent) is None


def test_C10_viet_nam_five_debt_reminders_a_day_of_all_forms_together() -> None:
    day = "2026-11-22T{}:00:00+07:00"
    reminders = [
        Contact(at(day.format("07")), "sms", "delivered", purpose="debt"),
        Contact(at(day.format("08")), "email", "delivered", purpose="debt"),
        Contact(at(day.format("09")), "voice", "no_answer", purpose="debt"),
        Contact(at(day.format("10")), "voice", "busy", purpose="debt"),
    ]
    asked = {"purpose": "debt", "history": past(*reminders)}
    assert refusal(day.format("12"), HANOI, "vn", **asked) is None
    asked["history"] = past(*reminders, Contact(at(day.format("11")), "voice", "connected", purpose="debt"))
    for channel in ("voice", "sms", "email"):
        assert refusal(day.format("12"), HANOI, "vn", **asked, channel=channel) == (
            "attempt_limit",
            at("2026-11-23T07:00:00+07:00"),
        )


def test_C10_a_service_call_does_not_use_up_the_ad_call_but_a_call_of_unknown_purpose_does() -> None:
    called = at("2026-11-22T10:00:00+07:00")
    now = "2026-11-22T11:00:00+07:00"
    assert refusal(now, HANOI, "vn", history=past(Contact(called, outcome="connected", purpose="service"))) is None
    assert (
        refusal(now, HANOI, "vn", history=past(Contact(called, outcome="connected", purpose="marketing"))) is not None
    )
    assert refusal(now, HANOI, "vn", history=past(Contact(called, outcome="connected"))) is not None


@pytest.mark.parametrize("outcome", [*OUTCOMES, ""])
def test_C10_only_calls_that_never_rang_because_of_the_network_are_not_counted(outcome: str) -> None:
    history = past(Contact(at("2026-11-22T10:00:00+07:00"), outcome=outcome))
    told = refusal("2026-11-22T11:00:00+07:00", HANOI, "vn", history=history)
    assert (told is None) == (outcome in NEVER_RANG)


def test_C10_a_call_of_the_customer_himself_is_not_counted() -> None:
    history = past(Contact(at("2026-11-22T10:00:00+07:00"), outcome="connected", inbound=True, talked=True))
    assert refusal("2026-11-22T11:00:00+07:00", HANOI, "vn", history=history) is None


def test_C10_a_time_that_the_customer_agreed_to_is_free_of_windows_and_limits_that_the_law_leaves_to_him() -> None:
    history = past("2026-11-22T16:00:00+07:00")
    assert refusal("2026-11-22T20:00:00+07:00", HANOI, "vn", history=history, agreed=True) is None
    refused = past("2026-11-22T16:00:00+07:00", last_refusal=at("2026-11-22T16:01:00+07:00"))
    assert refusal("2026-11-22T20:00:00+07:00", HANOI, "vn", history=refused, agreed=True) == ("lockout", None)


@pytest.mark.parametrize(("state", "limited"), [("FL", True), ("OK", True), ("MD", True), ("GA", False)])
def test_C10_florida_oklahoma_and_maryland_three_in_24_hours(state: str, limited: bool) -> None:
    number = f"{pack('us').areas[state].prefixes[0]}5551234"
    calls = past("2026-11-22T12:00:00-05:00", "2026-11-22T13:00:00-05:00", "2026-11-22T14:00:00-05:00")
    told = refusal("2026-11-23T11:00:00-05:00", number, "us", history=calls)
    assert told == (("attempt_limit", at("2026-11-23T12:00:00-05:00")) if limited else None)
    assert refusal("2026-11-23T12:00:00-05:00", number, "us", history=calls) is None
    two = past("2026-11-22T12:00:00-05:00", "2026-11-22T13:00:00-05:00")
    assert refusal("2026-11-23T11:00:00-05:00", number, "us", history=two) is None


def test_C10_maine_one_call_of_a_machine_in_8_hours() -> None:
    called = past("2026-11-23T09:00:00-05:00")
    assert refusal("2026-11-23T16:59:59-05:00", PORTLAND_MAINE, "us", history=called) == (
        "attempt_limit",
        at("2026-11-23T17:00:00-05:00"),
    )
    assert refusal("2026-11-23T17:00:00-05:00", PORTLAND_MAINE, "us", history=called) is None
    assert refusal("2026-11-23T10:00:00-05:00", NEW_YORK, "us", history=called) is None


def test_C10_germany_three_calls_a_day_and_the_day_is_the_called_partys() -> None:
    calls = past("2026-11-23T08:00:00+01:00", "2026-11-23T12:00:00+01:00", "2026-11-23T19:59:00+01:00")
    assert refusal("2026-11-23T19:59:30+01:00", BERLIN, "de", purpose="service", history=calls) == (
        "attempt_limit",
        at("2026-11-24T08:00:00+01:00"),
    )
    assert refusal("2026-11-24T08:00:00+01:00", BERLIN, "de", purpose="service", history=calls) is None


def test_C10_france_four_calls_in_thirty_calendar_days() -> None:
    days = ("2026-10-26", "2026-11-02", "2026-11-09", "2026-11-16")
    calls = past(*(f"{day}T15:00:00+01:00" for day in days))
    # the day of the first call and the 29 after it are thirty days
    assert refusal("2026-11-24T15:00:00+01:00", PARIS, "fr", history=calls) == (
        "attempt_limit",
        at("2026-11-25T10:00:00+01:00"),
    )
    assert refusal("2026-11-25T10:00:00+01:00", PARIS, "fr", history=calls) is None
    assert refusal("2026-11-24T15:00:00+01:00", PARIS, "fr", history=calls, agreed=True) is not None


def test_V14_france_sixty_days_of_silence_after_a_refusal() -> None:
    said_no = past(last_refusal=at("2026-09-03T11:00:00+02:00"))
    # sixty days that are over: 2026-09-04 to 2026-11-02, a Monday
    assert refusal("2026-11-02T15:00:00+01:00", PARIS, "fr", history=said_no) == (
        "lockout",
        at("2026-11-03T10:00:00+01:00"),
    )
    assert refusal("2026-11-03T10:00:00+01:00", PARIS, "fr", history=said_no) is None
    assert refusal("2026-09-04T15:00:00+02:00", PARIS, "fr", history=said_no, purpose="service") is None


def test_V14_days_of_silence_end_when_they_have_ended_in_every_zone_of_the_number() -> None:
    lock = pack("us").lockouts["debt-after-a-conversation"]
    talked = past(Contact(at("2026-11-16T12:00:00-07:00"), talked=True))
    zones = ("America/Boise", "America/Los_Angeles")
    assert silent_until(lock, talked, zones, at("2026-11-20T12:00:00-07:00")) == at("2026-11-23T00:00:00-08:00")


def test_V14_viet_nam_after_a_refusal_no_ads_for_good() -> None:
    said_no = past(last_refusal=at("2020-11-01T11:00:00+07:00"))
    told = verdict("2026-11-23T10:00:00+07:00", HANOI, "vn", history=said_no)
    assert told == Refused("lockout", "vn/ad-refusal: no voice after a refusal, for good", None)
    assert refusal("2026-11-23T10:00:00+07:00", HANOI, "vn", history=said_no, channel="sms") == ("lockout", None)


def test_C10_debts_seven_calls_in_seven_days_the_first_being_day_one() -> None:
    calls = past(*(f"2026-11-{day}T12:00:00-05:00" for day in (16, 16, 17, 18, 19, 20, 21)))
    asked = {"purpose": "debt", "history": calls}
    assert refusal("2026-11-22T12:00:00-05:00", NEW_YORK, "us", **asked) == (
        "attempt_limit",
        at("2026-11-23T08:00:00-05:00"),
    )
    assert refusal("2026-11-23T08:00:00-05:00", NEW_YORK, "us", **asked) is None
    asked["history"] = past(*calls.contacts[1:])
    assert refusal("2026-11-22T12:00:00-05:00", NEW_YORK, "us", **asked) is None


@pytest.mark.parametrize("inbound", [False, True])
def test_V14_debts_seven_days_of_silence_after_a_conversation_whoever_called(inbound: bool) -> None:
    talked = past(Contact(at("2026-11-16T20:00:00-05:00"), outcome="connected", talked=True, inbound=inbound))
    asked = {"purpose": "debt", "history": talked}
    assert refusal("2026-11-22T20:59:00-05:00", NEW_YORK, "us", **asked) == (
        "lockout",
        at("2026-11-23T08:00:00-05:00"),
    )
    assert refusal("2026-11-23T08:00:00-05:00", NEW_YORK, "us", **asked) is None
    assert refusal("2026-11-17T12:00:00-05:00", NEW_YORK, "us", history=talked) is None  # no debt


def test_C10_massachusetts_two_debt_communications_in_seven_days_texts_too() -> None:
    two = past(
        Contact(at("2026-11-16T12:00:00-05:00"), "sms", "delivered"),
        Contact(at("2026-11-17T12:00:00-05:00"), "voice", "no_answer"),
    )
    asked = {"purpose": "debt", "history": two}
    assert refusal("2026-11-18T12:00:00-05:00", BOSTON, "us", **asked) == (
        "attempt_limit",
        at("2026-11-23T08:00:00-05:00"),
    )
    assert refusal("2026-11-18T12:00:00-05:00", ATLANTA, "us", **asked) is None


def test_V14_britain_leaves_a_number_alone_for_72_hours_after_an_abandoned_call_unless_an_agent_is_guaranteed() -> None:
    abandoned = past(Contact(at("2026-11-16T12:00:00+00:00"), outcome="abandoned"))
    asked: dict[str, Any] = {"agent_guaranteed": False, "abandons": {}, "history": abandoned, "purpose": "service"}
    assert refusal("2026-11-19T11:59:59+00:00", LONDON, "gb", **asked) == ("lockout", at("2026-11-19T12:00:00+00:00"))
    later = refusal("2026-11-19T12:00:00+00:00", LONDON, "gb", **asked)
    assert later is not None
    assert later[0] == "abandon_rate"  # the silence is over; what is asked next is another matter
    asked["agent_guaranteed"] = True
    assert refusal("2026-11-16T13:00:00+00:00", LONDON, "gb", **asked) is None
    told_only = past(last_abandoned=at("2026-11-16T12:00:00+00:00"))
    asked.update(agent_guaranteed=False, history=told_only)
    assert refusal("2026-11-17T12:00:00+00:00", LONDON, "gb", **asked) == ("lockout", at("2026-11-19T12:00:00+00:00"))


def test_V14_britain_leaves_a_number_alone_for_24_hours_after_an_answering_machine_unless_an_agent_is_guaranteed() -> (
    None
):
    for history in (
        past(Contact(at("2026-11-16T12:00:00+00:00"), outcome="connected", answered_by="machine")),
        past(last_machine=at("2026-11-16T12:00:00+00:00")),
    ):
        asked: dict[str, Any] = {"agent_guaranteed": False, "history": history}
        assert refusal("2026-11-17T11:59:59+00:00", LONDON, "gb", **asked) == (
            "lockout",
            at("2026-11-17T12:00:00+00:00"),
        )
        told = refusal("2026-11-17T12:00:00+00:00", LONDON, "gb", **asked)
        assert told is None or told[0] != "lockout"
        asked["agent_guaranteed"] = True
        assert refusal("2026-11-16T13:00:00+00:00", LONDON, "gb", **asked) is None


@pytest.mark.parametrize(
    ("name", "number", "when"),
    [
        ("vn", HANOI, "2026-11-23T10:00:00+07:00"),
        ("us", MIAMI, "2026-11-23T12:00:00-05:00"),
        ("de", BERLIN, "2026-11-23T12:00:00+01:00"),
        ("fr", PARIS, "2026-11-23T15:00:00+01:00"),
    ],
)
def test_C10_what_came_before_is_not_known_so_a_pack_that_counts_refuses(name: str, number: str, when: str) -> None:
    assert refusal(when, number, name, history=None) == ("history", at(when) + 60)
    short = History(since=at(when) - 3600)
    assert refusal(when, number, name, history=short) == ("history", at(when) + 60)
    known = History(since=at(when) - longest_period(pack(name), "voice"))
    assert refusal(when, number, name, history=known) is None


def test_C10_packs_that_count_nothing_ask_for_no_past() -> None:
    assert refusal("2026-11-23T10:00:00+01:00", WARSAW, "pl", history=None) is None
    assert refusal("2026-11-23T10:00:00+07:00", HANOI, "plain", history=None) is None
    assert refusal("2026-11-23T10:00:00+07:00", HANOI, "vn", history=None, purpose="service") is None
    assert refusal("2026-11-23T12:00:00-05:00", ATLANTA, "us", history=None) is None
    assert refusal("2026-11-23T12:00:00+00:00", LONDON, "gb", history=None) is None  # an agent is guaranteed
    assert refusal("2026-11-23T12:00:00+00:00", LONDON, "gb", history=None, agent_guaranteed=False) is not None


def test_the_longest_period_bounds_what_the_store_is_asked_for() -> None:
    day = 86400.0
    assert longest_period(pack("plain"), "voice") == 0
    assert longest_period(pack("vn"), "voice") == day + 7200
    assert longest_period(pack("gb"), "voice") == 3 * day
    assert longest_period(pack("gb"), "sms") == 0
    assert longest_period(pack("us"), "voice") == 7 * day + 7200
    assert longest_period(pack("fr"), "voice") == 61 * day + 7200


def limit(**given: Any) -> AttemptLimit:
    base = {"channels": ["voice"], "at_most": 2, "source": "a test", "as_of": "2026-11-21", "confidence": "high"}
    return AttemptLimit.model_validate({**base, **given})


def test_S04_an_operators_limit_by_calendar_month() -> None:
    monthly = limit(channels=["sms"], at_most=2, months=1)
    sent = [Contact(at(f"2026-11-{day}T10:00:00+07:00"), "sms", "delivered") for day in ("01", "30")]
    zones = ("Asia/Ho_Chi_Minh",)
    assert full_until(monthly, sent, frozenset(), zones, at("2026-11-30T23:59:59+07:00")) == at(
        "2026-12-01T00:00:00+07:00"
    )
    assert full_until(monthly, sent, frozenset(), zones, at("2026-12-01T00:00:00+07:00")) is None
    yearly = limit(channels=["sms"], at_most=2, months=2)
    assert full_until(yearly, sent, frozenset(), zones, at("2026-12-15T00:00:00+07:00")) == at(
        "2027-01-01T00:00:00+07:00"
    )


def test_C10_days_are_counted_in_the_zone_in_which_they_last_longest() -> None:
    daily = limit(at_most=1, days=1)
    called = [Contact(at("2026-11-23T23:30:00-07:00"), outcome="busy")]  # still Monday in both
    zones = ("America/Boise", "America/Los_Angeles")
    assert full_until(daily, called, frozenset(), zones, at("2026-11-23T23:45:00-07:00")) == at(
        "2026-11-24T00:00:00-08:00"
    )


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.floats(-200_000, 0), max_size=12),
    st.integers(1, 5),
    st.sampled_from([{"hours": 24}, {"hours": 8}, {"days": 1}, {"days": 2}]),
)
def test_C10_until_is_the_first_moment_at_which_one_more_is_within_the_limit(
    before: list[float], at_most: int, time: dict[str, int]
) -> None:
    now = at("2026-11-23T12:00:00-05:00")
    rule = limit(at_most=at_most, **time)
    contacts = [Contact(now + ago, outcome="busy") for ago in before]
    zones = ("America/New_York",)
    until = full_until(rule, contacts, frozenset(), zones, now)
    if until is None:
        return
    assert until > now
    assert full_until(rule, contacts, frozenset(), zones, until) is None
    assert full_until(rule, contacts, frozenset(), zones, until - 0.001) is not None
