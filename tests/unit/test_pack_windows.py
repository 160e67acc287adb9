"""C02 and the law's calling windows: on the called party's clock, in each of his possible zones, on holidays, over DST."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
import phonenumbers
import pytest
from hypothesis import given, settings
from phonenumbers.timezone import time_zones_for_number

from dialerd.compliance.calling_hours import Hours, WeekHours, all_open, week_hours
from dialerd.compliance.holiday_tables import is_holiday
from dialerd.compliance.pack_judgement import opens_at, pack_hours
from dialerd.compliance.place import place_of
from dialerd.compliance.verdict import Refused
from dialerd.model.instants import FAR
from tests.unit.pack_cases import (
    ATLANTA,
    BERLIN,
    BOISE_OR_LEWISTON,
    HANOI,
    LONDON,
    LOS_ANGELES,
    MIAMI,
    NEW_YORK,
    PARIS,
    WARSAW,
    at,
    pack,
    refusal,
    schedule,
    verdict,
)


@pytest.mark.parametrize(
    ("when", "channel", "purpose", "opens"),
    [
        ("2026-11-22T07:59:59+07:00", "voice", "marketing", "2026-11-22T08:00:00+07:00"),
        ("2026-11-22T08:00:00+07:00", "voice", "marketing", None),  # a Sunday
        ("2026-11-22T16:59:59+07:00", "voice", "marketing", None),
        ("2026-11-22T17:00:00+07:00", "voice", "marketing", "2026-11-23T08:00:00+07:00"),
        ("2026-11-22T06:59:59+07:00", "sms", "marketing", "2026-11-22T07:00:00+07:00"),
        ("2026-11-22T21:59:59+07:00", "sms", "marketing", None),
        ("2026-11-22T22:00:00+07:00", "sms", "marketing", "2026-11-23T07:00:00+07:00"),
        ("2026-11-22T23:00:00+07:00", "email", "marketing", None),
        ("2026-11-22T23:00:00+07:00", "voice", "service", None),
        ("2026-11-22T23:00:00+07:00", "voice", "survey", None),
        ("2026-11-22T07:00:00+07:00", "voice", "debt", None),
        ("2026-11-22T20:59:59+07:00", "sms", "debt", None),
        ("2026-11-22T21:00:00+07:00", "voice", "debt", "2026-11-23T07:00:00+07:00"),
        ("2026-11-22T21:00:00+07:00", "email", "debt", "2026-11-23T07:00:00+07:00"),
    ],
)
def test_C02_viet_nam_ads_are_called_from_8_to_17_and_sent_from_7_to_22(
    when: str, channel: str, purpose: str, opens: str | None
) -> None:
    told = refusal(when, HANOI, "vn", channel=channel, purpose=purpose)
    assert told == (None if opens is None else ("calling_window", at(opens)))


def test_C02_the_reason_names_the_pack_the_rule_and_the_zone() -> None:
    told = verdict("2026-11-22T17:00:00+07:00", HANOI, "vn")
    assert isinstance(told, Refused)
    assert told.because == (
        "vn/ad-call-hours: closed for voice in Asia/Ho_Chi_Minh, open again at 2026-11-23T01:00:00.000Z"
    )


@pytest.mark.parametrize(
    ("when", "number", "opens"),
    [
        ("2026-11-23T07:59:59-05:00", NEW_YORK, "2026-11-23T08:00:00-05:00"),
        ("2026-11-23T08:00:00-05:00", NEW_YORK, None),
        ("2026-11-23T20:59:59-05:00", NEW_YORK, None),
        ("2026-11-23T21:00:00-05:00", NEW_YORK, "2026-11-24T08:00:00-05:00"),
        ("2026-11-23T08:00:00-05:00", LOS_ANGELES, "2026-11-23T08:00:00-08:00"),
        ("2026-11-23T20:59:59-08:00", LOS_ANGELES, None),
    ],
)
def test_C02_the_united_states_are_called_from_8_to_21_of_the_called_party(
    when: str, number: str, opens: str | None
) -> None:
    told = refusal(when, number, "us")
    assert told == (None if opens is None else ("calling_window", at(opens)))
    assert refusal(when, number, "us", channel="sms") == told
    assert refusal(when, number, "us", purpose="debt") == told
    assert refusal(when, number, "us", agreed=True) is None


def test_C02_a_number_that_may_be_in_two_zones_must_be_inside_in_both() -> None:
    assert set(place_of(BOISE_OR_LEWISTON).zones) == {"America/Boise", "America/Los_Angeles"}  # type: ignore[union-attr]
    assert refusal("2026-11-23T08:30:00-07:00", BOISE_OR_LEWISTON, "us") == (
        "calling_window",
        at("2026-11-23T08:00:00-08:00"),
    )
    assert refusal("2026-11-23T20:30:00-07:00", BOISE_OR_LEWISTON, "us") is None
    assert refusal("2026-11-23T20:30:00-08:00", BOISE_OR_LEWISTON, "us") == (
        "calling_window",
        at("2026-11-24T08:00:00-08:00"),
    )


def test_C02_a_number_of_new_york_whose_owner_lives_in_los_angeles_must_be_inside_in_both() -> None:
    lives = "America/Los_Angeles"
    assert refusal("2026-11-23T08:30:00-05:00", NEW_YORK, "us", zone=lives) == (
        "calling_window",
        at("2026-11-23T08:00:00-08:00"),
    )
    assert refusal("2026-11-23T18:30:00-08:00", NEW_YORK, "us", zone=lives) == (
        "calling_window",
        at("2026-11-24T08:00:00-08:00"),
    )


def test_C02_in_france_the_clock_of_the_consumer_counts_and_not_that_of_his_number() -> None:
    assert refusal("2026-11-23T17:30:00+04:00", PARIS, "fr", zone="Indian/Reunion") is None
    assert refusal("2026-11-23T21:00:00+04:00", PARIS, "fr", zone="Indian/Reunion") == (
        "calling_window",
        at("2026-11-24T10:00:00+04:00"),
    )


def _in(state: str) -> str:
    return f"{pack('us').areas[state].prefixes[0]}5551234"


STATES = [  # state, the first and the last minute of a Monday, of a Saturday, of a Sunday; None: closed
    ("AL", "08:00-19:59", "08:00-19:59", None),
    ("CT", "09:00-19:59", "09:00-19:59", "09:00-19:59"),
    ("FL", "08:00-19:59", "08:00-19:59", "08:00-19:59"),
    ("IL", "08:00-20:59", "08:00-20:59", "08:00-20:59"),
    ("KY", "10:00-20:59", "10:00-20:59", "10:00-20:59"),
    ("LA", "08:00-19:59", "08:00-19:59", None),
    ("MD", "08:00-19:59", "08:00-19:59", "08:00-19:59"),
    ("MA", "08:00-19:59", "08:00-19:59", "08:00-19:59"),
    ("MI", "09:00-20:59", "09:00-20:59", "09:00-20:59"),
    ("MN", "09:00-20:59", "09:00-20:59", "09:00-20:59"),
    ("MS", "08:00-19:59", "08:00-19:59", None),
    ("NV", "09:00-19:59", "09:00-19:59", "09:00-19:59"),
    ("NM", "09:00-20:59", "09:00-20:59", "09:00-20:59"),
    ("OK", "08:00-19:59", "08:00-19:59", "08:00-19:59"),
    ("RI", "09:00-17:59", "10:00-16:59", None),
    ("SD", "09:00-19:59", "09:00-19:59", None),  # on the clock of Denver; its other zone is an hour ahead
    ("TX", "09:00-20:59", "09:00-20:59", "12:00-20:59"),
    ("UT", "08:00-20:59", "08:00-20:59", None),
    ("WA", "08:00-19:59", "08:00-19:59", "08:00-19:59"),
    ("WY", "08:00-19:59", "08:00-19:59", "08:00-19:59"),
    ("GA", "08:00-20:59", "08:00-20:59", "08:00-20:59"),
    ("DC", "08:00-20:59", "08:00-20:59", "08:00-20:59"),
]


@pytest.mark.parametrize(("state", "monday", "saturday", "sunday"), STATES)
def test_C02_states_with_stricter_hours_keep_them(state: str, monday: str, saturday: str, sunday: str | None) -> None:
    number = _in(state)
    zones = place_of(number).zones  # type: ignore[union-attr]
    assert len(zones) == 1 + (state == "SD")
    zone = ZoneInfo(zones[0])
    for day, hours in (("2026-11-16", monday), ("2026-11-21", saturday), ("2026-11-22", sunday)):
        midnight = datetime.fromisoformat(day).replace(tzinfo=zone)
        first, last = (1440, -1) if hours is None else (int(t[:2]) * 60 + int(t[3:]) for t in hours.split("-"))
        for minute in sorted({*range(0, 1440, 30), *range(29, 1440, 30)}):
            is_open = pack_hours(pack("us"), number, (midnight + timedelta(minutes=minute)).timestamp()).open
            assert is_open == (first <= minute <= last), f"{day} {minute // 60:02d}:{minute % 60:02d}"


@pytest.mark.parametrize("state", ["AL", "LA", "MS", "PA", "RI", "UT"])
def test_C02_states_that_close_on_holidays_are_closed_on_christmas(state: str) -> None:
    zone = ZoneInfo(place_of(_in(state)).zones[0])  # type: ignore[union-attr]
    noon = datetime(2026, 12, 25, 12, tzinfo=zone).isoformat()  # a Friday
    assert refusal(noon, _in(state), "us") is not None
    assert refusal("2026-12-25T12:00:00-05:00", ATLANTA, "us") is None


def test_C02_a_holiday_of_one_state_closes_that_state_only() -> None:
    # Confederate Memorial Day, Monday 2026-04-27
    assert refusal("2026-04-27T12:00:00-05:00", _in("AL"), "us") == ("calling_window", at("2026-04-28T08:00:00-05:00"))
    assert refusal("2026-04-27T12:00:00-04:00", MIAMI, "us") is None


def test_C02_a_lead_whose_address_is_in_florida_keeps_floridas_hours_with_a_number_of_georgia() -> None:
    assert refusal("2026-11-23T20:30:00-05:00", ATLANTA, "us") is None
    assert refusal("2026-11-23T20:30:00-05:00", ATLANTA, "us", area="FL") == (
        "calling_window",
        at("2026-11-24T08:00:00-05:00"),
    )
    assert refusal("2026-11-23T12:00:00-05:00", ATLANTA, "us", area="XX") == (
        "rule_pack",
        at("2026-11-23T13:00:00-05:00"),
    )


def test_C02_an_area_code_that_no_state_is_known_for_keeps_the_rules_of_all_states() -> None:
    us = pack("us")
    without = us.model_copy(update={"areas": {code: a for code, a in us.areas.items() if code != "GA"}})
    assert refusal("2026-11-23T09:30:00-05:00", ATLANTA, us) is None
    # Kentucky opens at 10, Rhode Island closes at 18
    assert refusal("2026-11-23T09:30:00-05:00", ATLANTA, without) == (
        "calling_window",
        at("2026-11-23T10:00:00-05:00"),
    )
    assert refusal("2026-11-23T17:59:00-05:00", ATLANTA, without) is None
    assert refusal("2026-11-23T18:00:00-05:00", ATLANTA, without) is not None


def test_C02_a_personal_number_that_may_ring_anywhere_is_never_called_in_the_night_of_any_zone() -> None:
    number = "+15005551234"
    assert phonenumbers.is_valid_number(phonenumbers.parse(number))
    for hour in range(0, 24, 3):
        told = refusal(f"2026-11-23T{hour:02d}:00:00+00:00", number, "us")
        assert told is not None
        assert told[0] == "calling_window"
        assert told[1] is not None
        assert told[1] > at(f"2026-11-23T{hour:02d}:00:00+00:00")


@pytest.mark.parametrize(
    ("when", "purpose", "opens"),
    [
        ("2026-11-23T07:59:59+01:00", "service", "2026-11-23T08:00:00+01:00"),
        ("2026-11-23T08:00:00+01:00", "service", None),
        ("2026-11-23T20:00:00+01:00", "service", "2026-11-24T08:00:00+01:00"),
        ("2026-11-22T12:00:00+01:00", "service", None),  # a Sunday
        ("2026-11-22T12:00:00+01:00", "marketing", "2026-11-23T08:00:00+01:00"),
        ("2026-11-21T12:00:00+01:00", "marketing", None),  # a Saturday
        ("2026-10-03T12:00:00+02:00", "marketing", "2026-10-05T08:00:00+02:00"),  # Unity Day, a Saturday
        ("2026-12-25T12:00:00+01:00", "marketing", "2026-12-28T08:00:00+01:00"),
    ],
)
def test_C02_germany_is_called_from_8_to_20_and_with_ads_never_on_sundays_and_holidays(
    when: str, purpose: str, opens: str | None
) -> None:
    told = refusal(when, BERLIN, "de", purpose=purpose)
    assert told == (None if opens is None else ("calling_window", at(opens)))


@pytest.mark.parametrize(
    ("when", "opens"),
    [
        ("2026-11-23T09:59:59+01:00", "2026-11-23T10:00:00+01:00"),
        ("2026-11-23T12:59:59+01:00", None),
        ("2026-11-23T13:00:00+01:00", "2026-11-23T14:00:00+01:00"),
        ("2026-11-23T19:59:59+01:00", None),
        ("2026-11-20T20:00:00+01:00", "2026-11-23T10:00:00+01:00"),  # Friday evening
        ("2026-11-21T11:00:00+01:00", "2026-11-23T10:00:00+01:00"),
        ("2026-07-14T11:00:00+02:00", "2026-07-15T10:00:00+02:00"),  # Bastille Day, a Tuesday
    ],
)
def test_C02_france_is_canvassed_on_working_days_from_10_to_13_and_14_to_20(when: str, opens: str | None) -> None:
    assert refusal(when, PARIS, "fr") == (None if opens is None else ("calling_window", at(opens)))
    assert refusal(when, PARIS, "fr", purpose="service") is None
    assert refusal(when, PARIS, "fr", agreed=True) is None


def test_C02_a_window_that_the_law_does_not_leave_to_the_customer_holds_at_an_agreed_time_too() -> None:
    assert refusal("2026-11-23T20:30:00-05:00", MIAMI, "us", agreed=True) == (
        "calling_window",
        at("2026-11-24T08:00:00-05:00"),
    )
    assert refusal("2026-11-23T20:30:00+01:00", BERLIN, "de", agreed=True) is not None


def test_C02_poland_and_britain_keep_the_hours_of_the_trade_by_default() -> None:
    assert refusal("2026-11-23T08:00:00+01:00", WARSAW, "pl") is None
    assert refusal("2026-11-23T20:00:00+01:00", WARSAW, "pl") == ("calling_window", at("2026-11-24T08:00:00+01:00"))
    assert refusal("2026-11-22T12:00:00+01:00", WARSAW, "pl") == ("calling_window", at("2026-11-23T08:00:00+01:00"))
    assert refusal("2026-11-23T09:00:00+00:00", LONDON, "gb") is None
    assert refusal("2026-11-23T20:00:00+00:00", LONDON, "gb") == ("calling_window", at("2026-11-24T09:00:00+00:00"))
    # Christmas on Friday, Boxing Day on Saturday, observed on Monday
    assert refusal("2026-12-24T20:00:00+00:00", LONDON, "gb") == ("calling_window", at("2026-12-29T09:00:00+00:00"))


@pytest.mark.parametrize(
    ("name", "number"), [("vn", WARSAW), ("us", LONDON), ("us", "+16135551234"), ("pl", BERLIN), ("fr", HANOI)]
)
def test_C02_a_number_of_another_country_is_refused_because_the_pack_says_nothing_about_it(
    name: str, number: str
) -> None:
    assert refusal("2026-11-23T15:00:00+00:00", number, name, policy={"region": "none"}) == (
        "rule_pack",
        at("2026-11-23T16:00:00+00:00"),
    )


def test_C02_a_number_kept_as_dialed_has_no_country_and_only_the_plain_pack_lets_it_through() -> None:
    as_dialed = {"policy": {"region": "none"}}
    assert refusal("2026-11-23T03:00:00+00:00", "7100", "plain", **as_dialed) is None
    assert refusal("2026-11-23T03:00:00+00:00", "7100", "vn", **as_dialed) == (
        "rule_pack",
        at("2026-11-23T04:00:00+00:00"),
    )


def test_C02_outside_working_hours_the_lead_waits_until_the_law_allows_it_too() -> None:
    early = schedule("Asia/Ho_Chi_Minh", mon=["06:00-12:00"], tue=["06:00-12:00"])
    asked = {"policy": {"schedule": "early"}, "schedule": early}
    assert refusal("2026-11-23T05:00:00+07:00", HANOI, "vn", **asked) == (
        "calling_hours",
        at("2026-11-23T08:00:00+07:00"),
    )
    assert refusal("2026-11-23T07:00:00+07:00", HANOI, "vn", **asked) == (
        "calling_window",
        at("2026-11-23T08:00:00+07:00"),
    )
    # still legal after twelve, but nobody works
    assert refusal("2026-11-23T12:00:00+07:00", HANOI, "vn", **asked) == (
        "calling_hours",
        at("2026-11-24T08:00:00+07:00"),
    )


def test_C02_hours_that_never_meet_the_law_are_asked_again_later() -> None:
    night = schedule("Asia/Ho_Chi_Minh", mon=["18:00-22:00"])
    asked = {"policy": {"schedule": "night"}, "schedule": night}
    told = refusal("2026-11-23T19:00:00+07:00", HANOI, "vn", **asked)
    assert told is not None
    assert told[1] is not None
    assert told[1] > at("2026-11-24T00:00:00+07:00")


@pytest.mark.parametrize(
    ("name", "number", "asked_at", "opens"),
    [
        # clocks go forward at 02:00 on 2027-03-14 (US) and 2027-03-28 (EU), back on 2026-11-01 and 2026-10-25
        ("us", NEW_YORK, "2027-03-13T21:00:00-05:00", "2027-03-14T08:00:00-04:00"),
        ("us", NEW_YORK, "2026-10-31T21:00:00-04:00", "2026-11-01T08:00:00-05:00"),
        ("us", BOISE_OR_LEWISTON, "2026-10-31T21:00:00-06:00", "2026-11-01T08:00:00-08:00"),
        ("pl", WARSAW, "2027-03-27T20:00:00+01:00", "2027-03-30T08:00:00+02:00"),  # Easter Monday between
        ("pl", WARSAW, "2026-10-24T20:00:00+02:00", "2026-10-26T08:00:00+01:00"),
        ("de", BERLIN, "2027-03-27T20:00:00+01:00", "2027-03-30T08:00:00+02:00"),
        ("de", BERLIN, "2026-10-24T20:00:00+02:00", "2026-10-26T08:00:00+01:00"),
    ],
)
def test_C02_the_next_opening_is_right_over_a_night_in_which_the_clock_is_changed(
    name: str, number: str, asked_at: str, opens: str
) -> None:
    assert opens_at(pack(name), number, at(asked_at)) == at(opens)
    assert opens_at(pack(name), number, at(opens)) == at(opens)
    assert not pack_hours(pack(name), number, at(opens) - 1).open


def test_C02_a_message_knows_when_its_window_closes() -> None:
    hours = pack_hours(pack("vn"), HANOI, at("2026-11-23T21:30:00+07:00"), channel="sms")
    assert hours == Hours(True, at("2026-11-23T22:00:00+07:00"))
    assert pack_hours(pack("vn"), WARSAW, at("2026-11-23T21:30:00+07:00")) == Hours(False, FAR)


def test_places_are_those_of_the_library_for_the_example_numbers_of_every_country() -> None:
    compared = 0
    for region in phonenumbers.SUPPORTED_REGIONS:
        for kind in phonenumbers.PhoneNumberType.values():
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None or not phonenumbers.is_valid_number(example):
                continue
            number = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
            parsed = phonenumbers.parse(number)
            country = phonenumbers.region_code_for_number(parsed)
            place = place_of(number)
            if len(number) < 8:  # shorter than any number that is dialed by machine
                assert place is None or place.country == country
                continue
            assert place is not None, number
            zones = [zone for zone in time_zones_for_number(parsed) if zone != "Etc/Unknown"]
            assert (place.country, list(place.zones)) == (country, zones), number
            compared += 1
    assert compared > 1000


@pytest.mark.parametrize("number", ["+84123", "+999123456789", "0912345678", "", "+84", "+00000000000"])
def test_what_is_no_number_in_use_has_no_place(number: str) -> None:
    assert place_of(number) is None


# --- minute by minute

SPANS = st.lists(st.integers(0, 96), max_size=6, unique=True).map(
    lambda cuts: [
        f"{a // 4:02d}:{a % 4 * 15:02d}-{b // 4:02d}:{b % 4 * 15:02d}"
        for a, b in zip(sorted(cuts)[::2], sorted(cuts)[1::2], strict=False)
    ]
)
WEEK = st.dictionaries(st.sampled_from(["fri", "sat", "sun", "mon", "tue"]), SPANS)
ZONES = st.sampled_from(["America/New_York", "America/Boise", "Europe/Warsaw", "Europe/Berlin", "Asia/Ho_Chi_Minh"])
AROUND = ["2026-10-23", "2026-10-30", "2027-03-12", "2027-03-26", "2026-12-23", "2026-06-05"]
_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _latest_wall_clocks(zone: str, first: int, minutes: int) -> list[datetime]:
    """For each minute the latest time that the wall clock has shown so far: a clock that is set back shows nothing new."""
    latest = datetime.min  # noqa: DTZ901  a wall clock's time, without a zone
    shown = []
    for minute in range(minutes):
        wall = datetime.fromtimestamp(first + minute * 60, UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        latest = max(latest, wall)
        shown.append(latest)
    return shown


def _is_open(week: dict[str, list[str]], calendar: str | None, wall: datetime) -> bool:
    if calendar is not None and is_holiday(calendar, date(wall.year, wall.month, wall.day)):
        return False
    minute = wall.hour * 60 + wall.minute
    for span in week.get(_NAMES[wall.weekday()], []):
        start, end = (int(t[:2]) * 60 + int(t[3:]) for t in span.split("-"))
        if start <= minute < end:
            return True
    return False


@settings(max_examples=60, deadline=None)
@given(
    weeks=st.lists(st.tuples(WEEK, ZONES, st.sampled_from([None, "DE", "US-AL"])), min_size=1, max_size=3),
    day=st.sampled_from(AROUND),
    ask=st.integers(1440, 3 * 1440),
)
def test_C02_counted_minute_by_minute_hours_open_and_close_at_the_same_minute(
    weeks: list[tuple[dict[str, list[str]], str, str | None]], day: str, ask: int
) -> None:
    first = int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())
    length = 5 * 1440
    walls = {zone: _latest_wall_clocks(zone, first, length) for _, zone, _ in weeks}
    counted = [all(_is_open(week, cal, walls[zone][m]) for week, zone, cal in weeks) for m in range(length)]
    made: list[tuple[WeekHours, str]] = [(week_hours(week, [cal] if cal else []), zone) for week, zone, cal in weeks]
    hours = all_open(made, first + ask * 60)
    assert hours.open == counted[ask]
    changes = next((m for m in range(ask, length) if counted[m] != counted[ask]), None)
    if changes is not None:
        assert hours.until == first + changes * 60
    else:
        assert hours.until >= first + (length - 1) * 60 or hours.until > first + ask * 60 + 86400
