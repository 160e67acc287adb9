"""What the benchmark says of its figures: medians of pairs, goals met or missed, doubt on a busy machine."""

from __future__ import annotations

import pytest

from bench.findings import Finding, Goal, figure, rows
from bench.report import as_page, as_text


def _finding(ours: list[float], theirs: list[float], goal: Goal | None, others: float = 0.1) -> Finding:
    return Finding("calls placed", "/s", ours, theirs, "null client", goal, [others] * len(ours))


def test_a_ratio_is_the_median_of_the_ratios_of_pairs() -> None:
    # the third round was disturbed for both: the pair still tells the truth, the medians apart would not
    assert _finding([10, 10, 1], [10, 20, 1], None).ratio == 1.0
    assert _finding([10], [], None).ratio is None


@pytest.mark.parametrize(
    ("goal", "ours", "missed"),
    [
        (Goal("at least", 0.95), 95.0, False),
        (Goal("at least", 0.95), 94.9, True),
        (Goal("at most", 1.5), 150.0, False),
        (Goal("at most", 1.5), 150.1, True),
        (None, 1.0, False),
    ],
)
def test_a_goal_is_met_or_missed_by_its_ratio(goal: Goal | None, ours: float, missed: bool) -> None:
    assert _finding([ours], [100.0], goal).missed is missed


def test_a_missed_goal_and_a_busy_machine_are_told_in_the_text_and_on_the_page() -> None:
    finding = _finding([1.0, 3.0, 2.0], [4.0, 4.0, 4.0], Goal("at least", 0.95), others=0.5)
    row = rows([finding])[0]
    assert row == (
        "calls placed",
        "2.00 (1.00-3.00) /s",
        "null client",
        "4.00 /s",
        "0.50",
        "at least 0.95",
        "**missed** (busy machine)",
    )
    for told in (as_text([finding]), as_page([finding], "python -m bench")):
        assert "calls placed: 0.50, at least 0.95 was the goal" in told
        assert "doubtful" in told
    assert "- none" in as_page([_finding([4.0], [4.0], Goal("at least", 0.95))], "python -m bench")


def test_figures_have_as_many_digits_as_they_deserve() -> None:
    assert figure([12345.678], "/s") == "12,346 /s"
    assert figure([12.345], "ms") == "12.3 ms"
    assert figure([], "ms") == ""
