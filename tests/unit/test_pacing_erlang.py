"""Erlang B, C and A against published tables, against one another, and against a simulated queue."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable

import numpy as np
import pytest

from dialerd.pacing import erlang


@pytest.mark.parametrize(
    ("servers", "load", "lost"),
    [  # the classic tables of offered load at a given blocking
        (1, 0.0101, 0.01),
        (5, 1.3608, 0.01),
        (10, 4.4612, 0.01),
        (20, 12.031, 0.01),
        (50, 37.901, 0.01),
        (100, 84.064, 0.01),
        (5, 2.2185, 0.05),
        (10, 6.2157, 0.05),
        (20, 15.249, 0.05),
        (10, 7.5106, 0.10),
    ],
)
def test_O07_erlang_b_is_as_in_the_tables(servers: int, load: float, lost: float) -> None:
    assert erlang.blocking(servers, load) == pytest.approx(lost, rel=2e-3)


def test_O07_erlang_b_keeps_its_recursion_at_any_size() -> None:
    lost = 1.0
    for servers in range(1, 400):
        lost = 300.0 * lost / (servers + 300.0 * lost)
        if servers % 57 == 0:
            assert erlang.blocking(servers, 300.0) == pytest.approx(lost, rel=1e-9)
    assert erlang.blocking(0, 5.0) == 1.0
    assert erlang.blocking(5, 0.0) == 0.0


@pytest.mark.parametrize(
    ("servers", "load", "waits"),
    [(1, 0.5, 0.5), (2, 1.0, 1 / 3), (3, 2.0, 4 / 9), (5, 4.0, 0.5541), (10, 8.0, 0.4092), (20, 16.0, 0.2561)],
)
def test_O07_erlang_c_is_as_in_the_tables(servers: int, load: float, waits: float) -> None:
    assert erlang.delay(servers, load) == pytest.approx(waits, rel=2e-3)


def test_O07_erlang_c_tells_the_service_level_of_the_textbook() -> None:
    # 100 calls in half an hour of 180 s each with 14 agents: 88.8 % within 20 s, 7.8 s on average
    queue = erlang.patient_queue(14, 100 / 1800, 180.0)
    assert queue.waits == pytest.approx(0.1741, rel=2e-3)
    assert queue.mean_wait_s == pytest.approx(7.84, rel=2e-3)
    assert erlang.answered_within(14, 100 / 1800, 180.0, 20.0) == pytest.approx(0.888, abs=1e-3)


def test_O07_more_load_than_agents_waits_for_ever_unless_customers_give_up() -> None:
    assert erlang.patient_queue(10, 0.2, 60.0).mean_wait_s == math.inf
    assert erlang.answered_within(10, 0.2, 60.0, 30.0) == 0.0
    queue = erlang.impatient_queue(10, 0.2, 60.0, 5.0)
    assert 0.1 < queue.abandons < 0.4
    assert queue.occupancy * 10 == pytest.approx(0.2 * 60.0 * (1 - queue.abandons))


def test_O07_erlang_a_lies_between_b_and_c() -> None:
    servers, rate, service = 20, 0.15, 110.0
    assert erlang.impatient_queue(servers, rate, service, 1e7).waits == pytest.approx(
        erlang.delay(servers, rate * service), rel=1e-3
    )
    assert erlang.impatient_queue(servers, rate, service, 1e-4).abandons == pytest.approx(
        erlang.blocking(servers, rate * service), rel=1e-3
    )


def test_O07_erlang_a_is_as_published_for_fifty_agents() -> None:
    # Garnett, Mandelbaum, Reiman (2002): 48 calls a minute, one minute of service, two minutes of patience, 50 agents
    queue = erlang.impatient_queue(50, 48 / 60, 60.0, 120.0)
    assert queue.abandons == pytest.approx(0.031, abs=0.002)
    assert queue.mean_wait_s == pytest.approx(3.7, abs=0.25)


def test_O07_erlang_a_agrees_with_a_simulated_queue() -> None:
    servers, rate, service, patience = 8, 0.1, 90.0, 20.0
    chance = np.random.default_rng(4)
    count = 120_000
    arrivals = np.cumsum(chance.exponential(1 / rate, count)).tolist()
    services, patiences = chance.exponential(service, count).tolist(), chance.exponential(patience, count).tolist()
    free_at = [0.0] * servers
    lost, waited = 0, 0.0
    for at, work, stays in zip(arrivals, services, patiences, strict=True):
        begins = max(at, free_at[0])
        if begins - at > stays:
            lost += 1
            waited += stays
            continue
        waited += begins - at
        heapq.heapreplace(free_at, begins + work)
    queue = erlang.impatient_queue(servers, rate, service, patience)
    assert queue.abandons == pytest.approx(lost / count, rel=0.04)
    assert queue.mean_wait_s == pytest.approx(waited / count, rel=0.04)


def test_O07_the_fewest_agents_keep_the_share_and_one_less_does_not() -> None:
    needed = erlang.agents_needed(0.5, 120.0, 60.0, 0.03)
    assert erlang.impatient_queue(needed, 0.5, 120.0, 60.0).abandons <= 0.03
    assert erlang.impatient_queue(needed - 1, 0.5, 120.0, 60.0).abandons > 0.03


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: erlang.blocking(-1, 1.0), "servers: found -1, allowed 0 to"),
        (lambda: erlang.delay(0, 1.0), "servers: found 0, allowed 1 to"),
        (lambda: erlang.blocking(3, math.nan), "load: found nan, allowed 0 or more"),
        (lambda: erlang.impatient_queue(3, 1.0, 60.0, 0.0), "patience_s: found 0.0, allowed above 0"),
        (lambda: erlang.agents_needed(1.0, 60.0, 60.0, -0.1), "abandons: found -0.1, allowed above 0"),
    ],
)
def test_O07_figures_that_cannot_be_are_refused_by_name(call: Callable[[], object], field: str) -> None:
    with pytest.raises(ValueError, match=field):
        call()
