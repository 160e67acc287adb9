"""The abandon budget and what an operator may ask of it (V04, V12, V14)."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialerd.pacing.budget import MOST, AbandonBudget
from dialerd.pacing.contract import Counts, Reading, Window
from dialerd.pacing.policy import PacingPolicy


def shown(connected: int, abandoned: int, windows: tuple[Window, ...] = (), mistaken: float = 0.0) -> Reading:
    total = Counts(connected=connected, abandoned=abandoned)
    return Reading(free_lines=100, total=total, windows=windows, persons_as_machines=mistaken)


def risk(reading: Reading, cap: float = 0.03, rolling: int = 0) -> float:
    return AbandonBudget(PacingPolicy(cap=cap, rolling=rolling)).threshold(reading)


@pytest.mark.parametrize(
    ("given_field", "value", "words"),
    [
        ("cap", 0.101, "cap: found 0.101, allowed above 0 up to 0.1"),
        ("cap", 0.0, "cap: found 0.0, allowed above 0 up to 0.1"),
        ("cap", math.nan, "cap: found nan, allowed above 0 up to 0.1"),
        ("max_wait_s", -1.0, "max_wait_s: found -1.0, allowed from 0 up to 60"),
        ("rolling", -1, "rolling: found -1, allowed 0 to 100000"),
    ],
)
def test_V04_a_cap_above_ten_percent_or_another_impossible_figure_is_refused(
    given_field: str, value: float, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        PacingPolicy(**{given_field: value})  # type: ignore[arg-type]


def test_V04_the_cap_is_three_percent_where_nobody_says_otherwise() -> None:
    assert PacingPolicy().cap == 0.03
    assert PacingPolicy(cap=0.10).cap == 0.10


@given(st.integers(0, 20_000), st.integers(0, 800), st.integers(1, 30), st.floats(0.002, 0.1))
@settings(max_examples=150, deadline=None)
def test_V04_each_abandoned_call_lowers_the_risk_and_it_has_limits(
    connected: int, abandoned: int, more: int, cap: float
) -> None:
    now, then = (
        risk(shown(connected, abandoned), cap),
        risk(shown(connected - min(more, connected), abandoned + more), cap),
    )
    assert 0.0 < now <= MOST * cap
    assert then <= now


@given(st.integers(0, 20_000), st.integers(0, 800), st.floats(0.002, 0.09))
@settings(max_examples=100, deadline=None)
def test_V04_a_higher_cap_never_lowers_the_risk(connected: int, abandoned: int, cap: float) -> None:
    for rolling in (0, 500):
        reading = shown(connected, abandoned)
        assert risk(reading, cap, rolling) <= risk(reading, cap + 0.01, rolling) + 1e-12


def test_V04_a_debt_is_paid_back_by_little_risk_and_not_by_none() -> None:
    debt = risk(shown(1000, 40))
    assert 0.0 < debt < 0.1 * 0.03
    assert risk(shown(1300, 40)) > debt
    even = risk(shown(3000, 88))  # near its reserve: about the cap itself
    assert 0.4 * 0.03 < even < 1.5 * 0.03


def test_V04_credit_is_not_saved_up_for_a_burst() -> None:
    assert risk(shown(100_000, 0)) == risk(shown(2_000, 0)) <= MOST * 0.03


def test_V14_the_narrowest_legal_window_decides() -> None:
    free = shown(10_000, 290)
    day = Window(start=0.0, cap=0.03, answered=200.0, abandoned=6.0)
    block = Window(start=0.0, cap=0.05, answered=10_000.0, abandoned=290.0)
    assert risk(shown(10_000, 290, (block,))) == risk(free)
    assert risk(shown(10_000, 290, (block, day))) < 0.2 * risk(free)


def test_V14_a_new_day_does_not_forget_the_campaign_nor_the_campaign_the_day() -> None:
    new_day = Window(start=0.0, cap=0.03)
    assert risk(shown(10_000, 400, (new_day,))) < 0.1 * 0.03
    bad_day = Window(start=0.0, cap=0.03, answered=100.0, abandoned=8.0)
    assert risk(shown(10_000, 200, (bad_day,))) < 0.1 * 0.03


def test_V14_a_window_that_was_not_counted_from_its_beginning_allows_no_risk() -> None:
    assert risk(shown(10_000, 0, (Window(start=0.0, cap=0.03, known=False),))) == 0.0


def test_V12_persons_taken_for_machines_use_up_the_cap_first() -> None:
    budget = AbandonBudget(PacingPolicy(cap=0.03, rolling=0))
    assert budget.cap(shown(0, 0, mistaken=0.01)) == pytest.approx(0.02 / 0.99)
    # 1 % lost in the detection and `cap` of the rest abandoned is 3 % of all
    assert 0.01 + budget.cap(shown(0, 0, mistaken=0.01)) * 0.99 == pytest.approx(0.03)
    assert risk(shown(1000, 20, mistaken=0.01)) < risk(shown(1000, 20))
    assert risk(shown(10_000, 0, mistaken=0.03)) == 0.0


def test_V04_any_five_hundred_answers_in_a_row_are_watched_too() -> None:
    budget = AbandonBudget(PacingPolicy())
    for _ in range(2000):
        budget.connected()
    easy = budget.threshold(shown(5000, 0))
    risks = [easy]
    for n in range(15):
        budget.abandoned(1000.0 * n)
        risks.append(budget.threshold(shown(5000, 0)))
    assert all(after <= before for before, after in itertools.pairwise(risks))
    assert risks[-1] < 0.1 * 0.03  # all that 500 answers may hold
    for _ in range(500):
        budget.connected()
    assert budget.threshold(shown(5500, 15)) > 0.5 * 0.03


def test_V04_where_not_one_of_five_hundred_may_be_abandoned_there_is_no_risk() -> None:
    assert risk(shown(10_000, 0), cap=0.0015, rolling=500) == 0.0
    assert risk(shown(10_000, 0), cap=0.0015, rolling=0) > 0.0
    assert risk(shown(10_000, 0, mistaken=0.0285), cap=0.03, rolling=500) == 0.0


def test_V04_thresholds_that_foretell_too_little_are_learned_and_lowered() -> None:
    budget = AbandonBudget(PacingPolicy(rolling=0))
    before = budget.threshold(shown(5000, 140))
    for n in range(4000):
        budget.offered(0.01)
        if n % 50 == 0:
            budget.abandoned(30.0 * n)
    assert budget.true_over_said == pytest.approx(2.0, rel=0.15)
    assert budget.threshold(shown(5000, 140)) < 0.7 * before
