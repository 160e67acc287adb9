"""The marginal overflow of one more call: exact for small floors, approximated for large ones (V04)."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialerd.pacing.hazards import Floats
from dialerd.pacing.overflow import EXACT_UP_TO, Outlook, agents_for_waiting, moments

CHANCES = st.lists(st.floats(0.0, 1.0), max_size=6)


def rows(chances: list[float]) -> Floats:
    """One chance for each of them, at one pick-up."""
    return moments(np.array(chances, dtype=np.float64).reshape(-1, 1))


def outlook(ready: int, free: list[float], claims: list[float], q: float = 0.2, *, exact: bool = True) -> Outlook:
    return Outlook(ready, rows(free), rows(claims), rows([q])[0], (0.0, 0.0), exact=exact)


def by_hand(ready: int, free: list[float], claims: list[float]) -> float:
    """All combinations of who comes free and who claims."""
    whole = 0.0
    for came in itertools.product((0, 1), repeat=len(free)):
        for claimed in itertools.product((0, 1), repeat=len(claims)):
            if ready + sum(came) - sum(claimed) <= 0:
                chance = 1.0
                for happens, p in zip((*came, *claimed), (*free, *claims), strict=True):
                    chance *= p if happens else 1.0 - p
                whole += chance
    return whole


@given(st.integers(0, 7), CHANCES, CHANCES)
@settings(max_examples=60, deadline=None)
def test_V04_the_exact_sum_is_that_of_all_combinations(ready: int, free: list[float], claims: list[float]) -> None:
    assert outlook(ready, free, claims).risk(0) == pytest.approx(by_hand(ready, free, claims), abs=1e-9)


@given(st.integers(0, 5), st.integers(0, 3), CHANCES, CHANCES, st.floats(0.0, 1.0))
@settings(max_examples=40, deadline=None)
def test_V04_new_calls_claim_like_those_in_flight(
    ready: int, placed: int, free: list[float], claims: list[float], q: float
) -> None:
    found = outlook(ready, free, claims, q).risk(placed)
    assert found == pytest.approx(by_hand(ready, free, [*claims, *[q] * placed]), abs=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_V04_the_approximation_agrees_with_the_exact_sum_where_it_matters(seed: int) -> None:
    chance = np.random.default_rng(seed)
    for _ in range(40):
        busy = int(chance.integers(8, 18))
        free, claims = chance.uniform(0.02, 0.4, busy).tolist(), chance.uniform(0.02, 0.4, EXACT_UP_TO - busy).tolist()
        ready = int(chance.integers(0, 7))
        exact = outlook(ready, free, claims).risk(0)
        about = outlook(ready, free, claims, exact=False).risk(0)
        assert about == pytest.approx(exact, rel=0.12, abs=6e-4)


def test_V04_the_tail_of_a_large_floor_is_sound() -> None:
    free, claims = [0.05] * 150, [0.15] * 150
    risks = [outlook(ready, free, claims, exact=False).risk(0) for ready in range(80)]
    assert all(0.0 <= risk <= 1.0 for risk in risks)
    assert all(later <= sooner + 1e-12 for sooner, later in itertools.pairwise(risks))
    chance = np.random.default_rng(1)
    drawn = chance.binomial(150, 0.05, 400_000) - chance.binomial(150, 0.15, 400_000)
    for ready in (18, 22, 26, 30):
        share = float((drawn + ready <= 0).mean())
        assert risks[ready] == pytest.approx(share, rel=0.08, abs=2e-4)


@given(
    st.integers(0, 30),
    st.lists(st.floats(0.0, 1.0), max_size=40),
    st.lists(st.floats(0.0, 1.0), max_size=40),
    st.floats(0.05, 1.0),
    st.floats(0.0, 0.3),
    st.integers(0, 200),
)
@settings(max_examples=80, deadline=None)
def test_V04_never_more_calls_than_allowed_and_more_for_a_higher_threshold(
    ready: int, free: list[float], claims: list[float], q: float, threshold: float, limit: int
) -> None:
    floor = outlook(ready, free, claims, q)
    found = floor.largest(threshold, limit)
    assert 0 <= found <= limit
    assert found <= floor.largest(threshold + 0.1, limit)
    assert found <= outlook(ready + 1, free, claims, q).largest(threshold, limit)
    if found:
        assert floor.risk(found - 1) <= threshold + 1e-9


def test_V04_doubt_about_the_answer_rate_makes_a_large_floor_careful() -> None:
    free, claims = rows([0.05] * 150), rows([0.15] * 150)
    sure = Outlook(30, free, claims, rows([0.15])[0], (0.0, 0.0)).largest(0.02, 500)
    doubtful = Outlook(30, free, claims, rows([0.15])[0], (0.0, 0.05)).largest(0.02, 500)
    assert doubtful < sure


def test_V04_whoever_waits_claims_the_next_agent_only_while_he_waits() -> None:
    soon, late = agents_for_waiting(np.array([0.1, 1.9]), 0, 0.1, 2.0), agents_for_waiting(np.array([1.9]), 0, 0.1, 2.0)
    assert late[0] == pytest.approx(0.00995, rel=1e-3)
    assert soon[0] == pytest.approx(late[0])  # he came first
    assert soon[1] > soon[0]  # has more time, though one is before him
    assert agents_for_waiting(np.array([0.5, 1.0]), 2, 0.0, 2.0) == [1.0, 1.0]
