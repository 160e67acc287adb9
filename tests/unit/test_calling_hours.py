"""Working hours (C02): spans, midnight, holidays, and days on which the clock is changed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from dialerd.compliance.calling_hours import hours_at
from dialerd.model.instants import FAR
from dialerd.model.policies import Schedule

HANOI = "Asia/Ho_Chi_Minh"


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def schedule(zone: str = HANOI, holidays: tuple[str, ...] = (), **week: list[str]) -> Schedule:
    return Schedule.model_validate({"time_zone": zone, "week": week, "holidays": list(holidays)})


OFFICE = schedule(mon=["08:00-12:00", "13:00-17:00"], tue=["08:00-12:00"])


@pytest.mark.parametrize(
    ("now", "is_open", "until"),
    [
        ("2026-11-23T07:59:59+07:00", False, "2026-11-23T08:00:00+07:00"),
        ("2026-11-23T08:00:00+07:00", True, "2026-11-23T12:00:00+07:00"),
        ("2026-11-23T11:59:59+07:00", True, "2026-11-23T12:00:00+07:00"),
        ("2026-11-23T12:00:00+07:00", False, "2026-11-23T13:00:00+07:00"),
        ("2026-11-23T17:00:00+07:00", False, "2026-11-24T08:00:00+07:00"),
        ("2026-11-24T12:00:00+07:00", False, "2026-11-30T08:00:00+07:00"),
    ],
)
def test_C02_open_from_the_first_second_to_the_last(now: str, is_open: bool, until: str) -> None:
    hours = hours_at(OFFICE, at(now))
    assert (hours.open, hours.until) == (is_open, at(until))


def test_C02_a_holiday_is_closed_all_day() -> None:
    hours = hours_at(schedule(holidays=("2026-11-23",), mon=["08:00-17:00"]), at("2026-11-23T09:00:00+07:00"))
    assert (hours.open, hours.until) == (False, at("2026-11-30T08:00:00+07:00"))


def test_C02_spans_that_touch_over_midnight_are_one() -> None:
    night = schedule(mon=["22:00-24:00"], tue=["00:00-02:00"])
    hours = hours_at(night, at("2026-11-23T23:00:00+07:00"))
    assert (hours.open, hours.until) == (True, at("2026-11-24T02:00:00+07:00"))


def test_C02_a_schedule_without_spans_never_opens() -> None:
    assert hours_at(schedule(), at("2026-11-23T09:00:00+07:00")).until == FAR


def test_C02_hours_are_the_zones_own_and_the_gap_of_spring_swallows_what_falls_into_it() -> None:
    # Warsaw goes from 02:00 to 03:00 on 2027-03-28
    gap = schedule("Europe/Warsaw", sun=["02:15-02:45", "04:00-05:00"])
    hours = hours_at(gap, at("2027-03-28T00:30:00+01:00"))
    assert hours.until == at("2027-03-28T04:00:00+02:00")
    across = schedule("Europe/Warsaw", sun=["01:00-04:00"])
    assert hours_at(across, at("2027-03-28T01:30:00+01:00")).until == at("2027-03-28T04:00:00+02:00")


def test_C02_the_day_with_twenty_five_hours_is_open_through_both_of_them() -> None:
    across = schedule("Europe/Warsaw", sun=["01:00-04:00"])
    for now in ("2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"):
        assert hours_at(across, at(now)).open
    assert hours_at(across, at("2026-10-25T02:30:00+01:00")).until == at("2026-10-25T04:00:00+01:00")


def test_C02_always_open_is_open_for_a_long_time() -> None:
    days = {day: ["00:00-24:00"] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    now = at("2026-11-23T09:00:00+07:00")
    hours = hours_at(schedule(**days), now)
    assert hours.open
    assert hours.until > now + 6 * 86400


SPANS = st.lists(st.integers(0, 95), max_size=6, unique=True).map(
    lambda cuts: [
        f"{a // 4:02d}:{a % 4 * 15:02d}-{b // 4:02d}:{b % 4 * 15:02d}"
        for a, b in zip(sorted(cuts)[::2], sorted(cuts)[1::2], strict=False)
    ]
)
WEEK = st.dictionaries(st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), SPANS)


@settings(max_examples=200, deadline=None)
@given(
    week=WEEK,
    zone=st.sampled_from([HANOI, "Europe/Warsaw", "America/New_York", "Pacific/Auckland", "Asia/Kathmandu"]),
    now=st.integers(int(at("2026-01-01T00:00:00+00:00")), int(at("2027-12-31T00:00:00+00:00"))),
)
def test_C02_the_minute_by_minute_count_says_the_same(week: dict[str, Any], zone: str, now: int) -> None:
    from zoneinfo import ZoneInfo

    made = schedule(zone, **week)
    hours = hours_at(made, now)

    def counted(instant: float) -> bool:
        wall = datetime.fromtimestamp(instant, UTC).astimezone(ZoneInfo(zone))
        minute = wall.hour * 60 + wall.minute
        day = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[wall.weekday()]
        for span in week.get(day, []):
            start, end = (int(t[:2]) * 60 + int(t[3:]) for t in span.split("-"))
            if start <= minute < end:
                return True
        return False

    # in the hour that the clock repeats, a wall-clock minute stands for two instants: there the edges are not compared
    def edge(instant: float) -> bool:
        offsets = {
            datetime.fromtimestamp(instant + d, UTC).astimezone(ZoneInfo(zone)).utcoffset() for d in (-7200, 7200)
        }
        return len(offsets) > 1

    if not edge(now):
        assert hours.open == counted(now)
    if hours.until < FAR and not edge(hours.until) and hours.until - now < 6 * 86400:
        assert counted(hours.until) != hours.open
        assert counted(hours.until - 60) == hours.open or hours.until - now < 60
