"""What a pacer learns: hazards by age, the level that follows the day, answers, talks and wrap-ups, and its doubt (V04)."""

from __future__ import annotations

import numpy as np
import pytest

from dialerd.pacing.agents_busy import AgentsBusy, talk_row, wrap_row
from dialerd.pacing.calls_in_flight import CallsInFlight
from dialerd.pacing.hazards import Hazard
from dialerd.pacing.level import Level

SIZE = 60


def plain(weight: float = 1.0, mean_s: float = 20.0) -> Hazard:
    lived = weight * np.exp(-np.arange(SIZE) / mean_s)
    return Hazard(lived / mean_s, lived, list(range(SIZE)), memory=1e6)


def test_V04_exposure_is_counted_at_the_age_at_which_it_was_lived() -> None:
    hazard = plain()
    hazard.lived(np.array([0.4, 3.25, 10.0]), 1.0)
    assert hazard.lived_s[0] == pytest.approx(0.4)
    assert hazard.lived_s[2] == pytest.approx(0.75)
    assert hazard.lived_s[3] == pytest.approx(0.25)
    assert hazard.lived_s[9] == pytest.approx(1.0)
    assert hazard.lived_s.sum() == pytest.approx(2.4)


def test_V04_a_long_gap_between_readings_loses_no_exposure() -> None:
    hazard = plain()
    hazard.lived(np.array([12.5, 3.0]), 5.0)
    assert hazard.lived_s.sum() == pytest.approx(8.0)
    assert hazard.lived_s[7] == pytest.approx(0.5)
    assert hazard.lived_s[12] == pytest.approx(0.5)


def test_V04_unfinished_calls_count_so_that_quick_ends_do_not_weigh_too_much() -> None:
    hazard, chance = plain(), np.random.default_rng(2)
    for life in chance.exponential(40.0, 2500):  # seen for 15 s each: all long ones are unfinished
        seen = min(float(life), 15.0)
        if life <= 15.0:
            hazard.ended(seen, seen)
        else:
            hazard.lived(np.array([seen]), seen)
    hazard.reshape()
    assert hazard.shape[:15].mean() == pytest.approx(1 / 40.0, rel=0.08)


def test_V04_a_fixed_wrap_up_is_learned_as_fixed() -> None:
    agents = AgentsBusy()
    agents.seen(np.empty(0), np.empty(0), 0.0, 0.0)
    for n in range(200):
        agents.ready(15.0 if n % 2 else 14.9999, 1000.0)
    agents.look_ahead(np.array([1.0, 4.0, 10.0]))
    free = agents.wrap_free[wrap_row(np.array([12.0]))][0]
    assert free[0] < 0.05
    assert free[1] > 0.9
    assert agents.mean_wrap_s == pytest.approx(15.0, abs=1.5)


def test_V04_agents_who_need_no_wrap_up_are_free_with_the_end_of_their_talk() -> None:
    agents = AgentsBusy()
    agents.seen(np.empty(0), np.empty(0), 0.0, 0.0)
    chance = np.random.default_rng(1)
    for n in range(300):
        agents.talk_ended(float(chance.normal(30.0, 3.0)), 100.0 + n)
        agents.ready(0.0, 100.0 + n)
    agents.ready(0.0, 5000.0)  # signs in: nothing to learn of wrap-ups
    agents.look_ahead(np.array([5.0, 20.0]))
    assert agents.mean_wrap_s < 2.0
    assert agents.talk_free[talk_row(np.array([32.0]))][0][1] > 0.85


def test_V04_talks_are_not_memoryless() -> None:
    agents, chance = AgentsBusy(), np.random.default_rng(3)
    agents.seen(np.empty(0), np.empty(0), 0.0, 0.0)
    for talk in chance.normal(100.0, 10.0, 400):
        agents.talk_ended(float(talk), 1e6)
        agents.ready(1.0, 1e6)
    agents.look_ahead(np.array([20.0]))
    young, old = agents.talk_free[talk_row(np.array([20.0, 100.0]))][:, 0]
    assert young < 0.02
    assert old > 0.6


def test_V04_the_level_follows_a_doubled_rate_within_some_answers_and_tells_its_doubt() -> None:
    after_forty, after_eighty = [], []
    for seed in range(12):
        level, chance = Level(), np.random.default_rng(seed)
        doubt_at_first = level.doubt
        for _ in range(2000):
            level.expect(0.5)
            level.happened(float(chance.poisson(0.5)))
        assert level.factor == pytest.approx(1.0, abs=0.3)
        assert level.doubt < doubt_at_first / 4
        for step in range(160):
            level.expect(0.5)
            level.happened(float(chance.poisson(1.0)))
            if step == 80:
                after_forty.append(level.factor)
        after_eighty.append(level.factor)
    assert float(np.mean(after_forty)) > 1.4
    assert float(np.mean(after_eighty)) > 1.65


def test_V04_a_steady_rate_is_not_taken_for_a_new_one() -> None:
    chance = np.random.default_rng(6)
    strayed = []
    level = Level()
    for _ in range(6000):
        level.expect(0.5)
        level.happened(float(chance.poisson(0.5)))
        strayed.append(level.factor)
    assert float(np.std(strayed[1000:])) < 0.13


def test_V04_making_the_shape_anew_does_not_count_the_same_answers_twice() -> None:
    hazard, chance = plain(weight=10.0), np.random.default_rng(7)
    for _ in range(60):
        for life in chance.exponential(60.0, 10):
            if life < 20.0:
                hazard.ended(float(life), float(life))
            else:
                hazard.lived(np.array([20.0]), 20.0)
        hazard.reshape()
    hazard.level.settle()
    found = float(hazard.shape[:20].mean()) * hazard.level.factor
    assert found == pytest.approx(1 / 60.0, rel=0.25)


def seconds(calls: CallsInFlight, plans: list[tuple[float, float, str]], until: float) -> None:
    """Shows `calls` a street second by second: each call is placed, over after so many seconds, and how it ends."""
    events = sorted((placed + after, placed, how) for placed, after, how in plans)
    was, done = 0.0, 0
    for now in np.arange(1.0, until):
        while done < len(events) and events[done][0] <= now:
            at, placed, how = events[done]
            if how == "person":
                calls.answered(at - placed, at)
                calls.verdict(person=True)
            else:
                calls.ended_unanswered()
            done += 1
        ringing = np.array([now - placed for placed, after, _ in plans if placed <= now < placed + after])
        calls.seen(ringing, np.empty(0), float(now), float(now - was))
        was = now
        if now % 10 == 0:
            calls.look_ahead()


def test_V04_answers_and_pick_up_times_are_learned_from_what_is_seen() -> None:
    calls, chance = CallsInFlight(), np.random.default_rng(8)
    plans = []
    for _ in range(900):
        placed, fate = float(chance.uniform(0, 500)), chance.random()
        if fate < 0.15:
            plans.append((placed, float(chance.uniform(4, 12)), "person"))
        elif fate < 0.25:
            plans.append((placed, float(chance.uniform(0.1, 2.0)), "busy"))
        else:
            plans.append((placed, 25.0, "nobody"))
    seconds(calls, plans, 530.0)
    calls.look_ahead()
    answered = sum(how == "person" for _, _, how in plans) / len(plans)
    assert calls.live_share == pytest.approx(answered, rel=0.25)
    assert calls.pick_up_s[0] == pytest.approx(4.7, abs=1.2)
    assert calls.pick_up_s[-1] == pytest.approx(11.3, abs=1.2)
    until = calls.claim[:, -1]
    assert until[20] < 0.25 * until[0]  # whoever has not answered for 20 s hardly will
    assert calls.picked_up.level.doubt < 0.05


def test_V04_machines_and_the_time_of_the_detection_put_off_the_claim() -> None:
    calls = CallsInFlight()
    for n in range(400):
        calls.answered(10.0, float(n))
        calls.seen(np.empty(0), np.full(3, 1.0), float(n), 1.0)
        calls.verdict(person=n % 4 == 0)
    calls.look_ahead()
    assert calls.persons == pytest.approx(0.25, abs=0.05)
    assert calls.detection_s == pytest.approx(3.0, rel=0.1)
    assert calls.pick_up_s.mean() == pytest.approx(10.0 + calls.detection_s, abs=2.0)
    assert calls.detection_claim.max() <= calls.persons


def test_V04_lately_known_figures_are_better_than_a_prior() -> None:
    calls = CallsInFlight()
    before = calls.live_share
    calls.expect(0.08)
    calls.look_ahead()
    assert before == pytest.approx(0.45, abs=0.05)
    assert calls.live_share == pytest.approx(0.08, abs=0.03)
