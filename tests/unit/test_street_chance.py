"""That the street's people follow the distributions of their scenario, at a fixed seed.

Never a bound that a right implementation fails at another seed more than once in a thousand.
"""

from __future__ import annotations

from math import sqrt
from statistics import fmean, pstdev
from typing import Any

import pytest
from pydantic import ValidationError

from sim.callees import Callees, Plan
from sim.draws import Chance, Spread
from sim.scenario import Customers

N = 20_000
ROUND = {"busy": 0.1, "rejected": 0.03, "unallocated": 0.02, "congestion": 0.01, "out_of_order": 0.01, "machine": 0.2}


def plans(**customers: Any) -> list[Plan]:
    callees = Callees(Customers.model_validate(customers), Chance(1))
    return [callees.plan(str(84900000000 + i), 1, 0.0) for i in range(N)]


def near(found: int, share: float, n: int = N) -> bool:
    return abs(found - n * share) < 4 * sqrt(n * share * (1 - share))


def test_O07_shares_of_outcomes_are_those_of_the_scenario() -> None:
    made = plans(answer_rate=0.35, **ROUND)
    by_sip = {sip: sum(1 for p in made if p.sip == sip) for sip in (486, 603, 404, 503, 502)}
    assert near(by_sip[486], 0.1)
    assert near(by_sip[603], 0.03)
    assert near(by_sip[404], 0.02)
    assert near(by_sip[503], 0.01)
    assert near(by_sip[502], 0.01)
    answered = [p for p in made if p.sip == 200 and p.decided_s < 1e9]
    assert near(sum(1 for p in answered if p.person), 0.35)
    assert near(sum(1 for p in answered if not p.person), 0.2)
    assert near(sum(1 for p in made if p.decided_s > 1e9), 0.28)


def test_O07_the_answer_rate_may_change_by_the_hour() -> None:
    steps = [{"from_h": 0, "rate": 0.1}, {"from_h": 2, "rate": 0.3}]
    callees = Callees(Customers.model_validate({"answer_rate": steps}), Chance(1))
    for elapsed_s, rate in ((0.0, 0.1), (7199.0, 0.1), (7200.0, 0.3), (99999.0, 0.3)):
        found = [callees.plan(str(i), 1, elapsed_s) for i in range(N)]
        assert near(sum(1 for p in found if p.sip == 200 and p.decided_s < 1e9), rate)


def test_O07_times_have_the_mean_and_the_variation_of_the_scenario() -> None:
    made = plans(answer_rate=1, busy=0, rejected=0, unallocated=0, setup={"mean_s": 2, "cv": 0.3}, hangs_up_first=0.7)
    assert fmean(p.rings_s for p in made) == pytest.approx(2, rel=0.02)
    assert fmean(p.decided_s - p.rings_s for p in made) == pytest.approx(9, rel=0.03)
    assert fmean(p.patience_s for p in made) == pytest.approx(45, rel=0.04)
    talks = [p.talk_s for p in made]
    assert fmean(talks) == pytest.approx(110, rel=0.04)
    assert pstdev(talks) / fmean(talks) == pytest.approx(0.9, rel=0.08)
    assert near(sum(1 for p in made if p.customer_ends), 0.7)


@pytest.mark.parametrize(
    ("given", "mean", "deviation"),
    [
        ({"mean_s": 10, "cv": 0.5}, 10, 5),
        ({"shape": "exponential", "mean_s": 10}, 10, 10),
        ({"shape": "even", "mean_s": 10}, 10, 20 / sqrt(12)),
        ({"shape": "fixed", "mean_s": 10}, 10, 0),
        ({"mean_s": 10, "cv": 0}, 10, 0),
        ({"mean_s": 0}, 0, 0),
    ],
)
def test_O07_each_shape_of_spread(given: dict[str, Any], mean: float, deviation: float) -> None:
    sampler = Spread.model_validate(given).sampler()
    drawn = [sampler.at((i + 0.5) / N) for i in range(N)]
    assert fmean(drawn) == pytest.approx(mean, rel=0.01)
    assert pstdev(drawn) == pytest.approx(deviation, rel=0.02)
    assert min(drawn) >= 0
    assert sampler.at(0.0) >= 0


def test_O07_a_spread_has_a_least_and_refuses_a_cv_that_means_nothing() -> None:
    assert Spread(shape="even", mean_s=10, least_s=4).sampler().at(0.0) == 4
    with pytest.raises(ValidationError, match="cv is for shape lognormal, found shape fixed"):
        Spread(shape="fixed", mean_s=10, cv=1)


def test_O07_draws_of_different_keys_and_seeds_are_not_alike() -> None:
    chance = Chance(3)
    assert chance.of("a") == Chance(3).of("a")
    assert chance.of("a") != chance.of("b")
    assert chance.of("a") != Chance(4).of("a")
    first = [chance.of(str(i))[0] for i in range(N)]
    second = [chance.of(str(i))[1] for i in range(N)]
    assert fmean(first) == pytest.approx(0.5, abs=0.01)
    covariance = fmean(a * b for a, b in zip(first, second, strict=True)) - fmean(first) * fmean(second)
    assert covariance == pytest.approx(0, abs=0.003)
