"""Caller-id health from our own calls (V08): found soon where the truth is known, and no false alarm where nothing is wrong."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise

import pytest

from dialerd.campaigns import hotlines
from dialerd.campaigns.hotline_health import MIN_ATTEMPTS, Counts, Stratum, Verdict, judge
from dialerd.campaigns.why import why
from dialerd.model import facts as f
from dialerd.model import intents as i
from tests.doubles.desk_of_facts import Centre, every, floor

HOURLY_SHAPE = (0.7, 1.0, 1.3, 0.85, 1.15)
"""How much better or worse than its mean an hour is, for all hotlines alike."""


def stratum(mine: tuple[int, ...], others: tuple[int, ...]) -> Stratum:
    return Stratum(Counts(*mine), Counts(*others))


class Day:
    """A campaign's day with four hotlines whose true answer rates are known; looked at every two minutes or so."""

    LINES = 4
    STEP = 5

    def __init__(self, seed: int, base: float, per_hour: int = 150) -> None:
        self.draw = random.Random(seed)
        self.base = base
        self.per_hour = per_hour
        self.hours: list[list[Counts]] = []

    def run(self, hours: int, times: float = 1.0, from_hour: int = 0) -> Iterator[tuple[int, int, Verdict]]:
        """(hotline, calls since one is worse, verdict) at each look. From an hour on the first one answers `times` as often."""
        worse_calls = 0
        for hour in range(hours):
            share = self.base * HOURLY_SHAPE[hour % len(HOURLY_SHAPE)]
            self.hours.append([Counts()] * self.LINES)
            for _ in range(self.per_hour // self.STEP):
                for line in range(self.LINES):
                    worse = line == 0 and hour >= from_hour
                    worse_calls += self.STEP if worse else 0
                    chance = share * times if worse else share
                    answered = sum(self.draw.random() < chance for _ in range(self.STEP))
                    was = self.hours[hour][line]
                    self.hours[hour][line] = Counts(was.attempts + self.STEP, was.answered + answered)
                for line in range(self.LINES):
                    yield line, worse_calls, judge(self.strata(line))

    def strata(self, line: int) -> Iterator[Stratum]:
        for hour in reversed(self.hours):
            others = [counts for other, counts in enumerate(hour) if other != line]
            yield Stratum(hour[line], Counts(*map(sum, zip(*others, strict=True))))


@pytest.mark.parametrize("base", [0.12, 0.35])
def test_V08_no_alarm_in_five_hundred_days_on_which_nothing_is_wrong(base: float) -> None:
    """A thousand days of two kinds; a day is four hotlines, 500 calls each, 400 looks. Below 1 % may have an alarm."""
    alarmed = 0
    for seed in range(500):
        alarmed += any(verdict.health != "well" for _, _, verdict in Day(seed, base, per_hour=125).run(4))
    assert alarmed < 5


@pytest.mark.parametrize(
    ("base", "times", "within"),
    [(0.35, 0.3, 250), (0.35, 0.5, 400), (0.2, 0.4, 700)],
)
def test_V08_a_flagged_line_is_found_within_so_many_of_its_calls(base: float, times: float, within: int) -> None:
    found = []
    for seed in range(40):
        day = Day(seed, base)
        calls = next((n for line, n, v in day.run(12, times, 3) if line == 0 and n and v.health != "well"), None)
        found.append(calls if calls is not None else 10**6)
    found.sort()
    assert found[int(len(found) * 0.9)] <= within, found


def test_V08_a_line_as_good_as_unanswered_is_quarantined_and_not_only_warned_of() -> None:
    verdicts = {v.health for line, n, v in Day(3, 0.35).run(8, 0.2, 2) if line == 0 and n > 400}
    assert verdicts == {"quarantined"}


def test_V08_a_stale_list_or_a_bad_hour_does_not_look_like_a_flagged_line() -> None:
    """It has only the bad campaign's calls, its fellows mostly the good one's: in each campaign they do alike."""
    bad, good = stratum((400, 20), (100, 5)), stratum((20, 8), (2000, 800))
    assert judge([bad, good]).health == "well"
    pooled = stratum((420, 28), (2100, 805))
    assert judge([pooled]).health == "quarantined", "what a comparison without strata would say"


def test_V08_below_the_least_attempts_nothing_is_said() -> None:
    assert judge([stratum((MIN_ATTEMPTS - 1, 0), (5000, 2000))]).health == "well"
    assert judge([stratum((MIN_ATTEMPTS, 0), (5000, 2000))]).health == "quarantined"
    assert judge([stratum((5000, 0), (MIN_ATTEMPTS - 1, 100))]).health == "well"
    assert judge([]).health == "well"
    assert judge([stratum((1000, 0), (0, 0))]).ratio is None


def test_V08_the_newest_hours_alone_are_read_where_they_are_enough() -> None:
    healthy = stratum((3000, 1000), (9000, 3000))
    ill = stratum((MIN_ATTEMPTS, 15), (600, 200))
    assert judge([ill, healthy]).health == "quarantined", "a good morning does not hide a bad noon"


def test_V08_unwanted_calls_short_calls_and_rejections_speak_too() -> None:
    unwanted = judge([stratum((250, 80, 0, 0, 4), (750, 240, 0, 0, 4))])
    assert unwanted.health == "quarantined"
    assert "4 of 250 calls were called unwanted or blocked" in unwanted.because
    assert judge([stratum((250, 80, 0, 0, 2), (750, 240))]).health == "well", "two are no share"
    short = judge([stratum((600, 200, 60), (1800, 600, 60))])
    assert (short.health, short.because) == ("warned", "60 of 200 answered calls were over within 6 s")
    assert judge([stratum((600, 200, 60), (1800, 600, 180))]).health == "well", "the others' are as short"
    rejected = judge([stratum((600, 180, 0, 60), (1800, 600, 0, 60))])
    assert rejected.health == "quarantined"
    assert "3.0 times what its fellows get" in rejected.because


def test_V08_worse_answers_never_make_a_better_verdict() -> None:
    rank = {"well": 0, "warned": 1, "quarantined": 2}
    verdicts = [rank[judge([stratum((400, answered), (1200, 400))]).health] for answered in range(200, -1, -1)]
    assert all(later >= earlier for earlier, later in pairwise(verdicts))
    assert (verdicts[0], verdicts[-1]) == (0, 2)


# --- in the engine


def house(answers: dict[str, int], calls: int) -> Centre:
    """A list called through with three hotlines; of ten calls with each, so many are answered. Looked at each minute."""
    names = {name: {"number": f"+8428710000{n:02}"} for n, name in enumerate("abc")}
    campaign = {"hotlines": list(names), "wrap_up_s": 0, "max_wait_s": 60}
    centre = Centre(floor(agents=1, softphone="nailed_up", campaign=campaign, hotlines=names), leads=calls + 300)
    centre.agent_ready("1001")
    nth = dict.fromkeys(names, 0)
    for _ in range(calls):
        call = next(iter(centre.live.calls.values()))
        nth[call.hotline] += 1
        if nth[call.hotline] % 10 < answers[call.hotline]:
            connect = every(centre.answered(call.id), i.Connect)[0]
            centre.take(f.CallBridged(call.id, connect.leg))
            centre.take(f.PhoneIdle(connect.leg), f.CallEnded(call.id, cause=16), after=8)
        else:
            centre.take(f.CallRinging(call.id), after=1)
            centre.take(f.CallEnded(call.id, cause=19, reason=3), after=20)
        centre.take()
    return centre


def test_V08_a_flagged_line_is_quarantined_by_the_running_engine_and_not_used_until_somebody_enables_it() -> None:
    centre = house({"a": 4, "b": 1, "c": 4}, 1000)
    rows = centre.live.hotlines.rows
    assert [rows[name].health for name in "abc"] == ["well", "quarantined", "well"]
    assert "times what its fellows get" in rows["b"].because
    shown = [call.hotline for call in centre.rows.attempts.values()]
    assert shown.count("b") < 300
    assert "b" not in shown[-300:]
    assert why(centre.live, "spring")["hotlines"]["b"].startswith("quarantined: ")
    notes = [row for turn in centre.turns for row in turn.rows if type(row).__name__ == "AuditRow"]
    assert [(n.principal, n.command, n.subject) for n in notes if n.command.startswith("hotline.")] in (
        [("dialerd", "hotline.quarantine", "b")],
        [("dialerd", "hotline.warn", "b"), ("dialerd", "hotline.quarantine", "b")],
    )
    assert centre.ask("hotline.enable", hotline="b")["result"]["state"] == "well"
    assert hotlines.usable(centre.live, "spring") == ("a", "b", "c")
    assert judge(centre.live.hotlines.strata("b", rows["b"].since)).attempts == 0, "the past is forgiven"


def test_V08_lines_that_do_alike_stay_well_in_the_running_engine() -> None:
    centre = house({"a": 3, "b": 3, "c": 3}, 900)
    assert {row.health for row in centre.live.hotlines.rows.values()} == {"well"}
    assert why(centre.live, "spring")["hotlines"] == {}
