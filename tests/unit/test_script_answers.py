"""Scripts and the answers of calls (C12)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from dialerd.model.answers import MAX_QUESTIONS, Script, read_answers
from dialerd.model.faults import BadValues

TODAY = date(2026, 11, 21)


def script(*questions: dict[str, Any]) -> Script:
    return Script.model_validate({"name": "Debts", "questions": [{"ask": "?", **q} for q in questions]})


PROMISE = script(
    {"name": "owner", "kind": "choice", "choices": ["Yes", "No"], "required": True, "ask": "Do I speak to Mr An?"},
    {"name": "amount", "kind": "number", "min": 1, "decimal_mark": "comma"},
    {"name": "when", "kind": "date", "min": "today"},
    {"name": "remark", "max_length": 10},
)


def test_C12_answers_are_kept_in_the_order_of_the_questions() -> None:
    answers = {"remark": " later ", "when": "01/12/2026", "amount": "150.000", "owner": "yes"}
    good = read_answers(PROMISE, answers, TODAY)
    assert list(good.items()) == [("owner", "Yes"), ("amount", "150000"), ("when", "2026-12-01"), ("remark", "later")]
    assert read_answers(PROMISE, {"owner": "No", "remark": ""}, TODAY) == {"owner": "No"}


def test_C12_all_wrong_answers_are_told_at_once() -> None:
    with pytest.raises(BadValues) as refusal:
        read_answers(PROMISE, {"amount": "0", "when": "20/11/2026", "remark": "far too long", "mood": "good"}, TODAY)
    told = {fault.field: fault.because for fault in refusal.value.faults}
    assert told == {
        "owner": "it is required",
        "amount": "it is less than 1",
        "when": "it is before 2026-11-21",
        "remark": "it has 12 characters",
        "mood": "the script has no such question",
    }
    assert refusal.value.field == "answers.owner"


def test_C12_a_call_that_ends_early_leaves_questions_open() -> None:
    assert read_answers(PROMISE, {"remark": "hung up"}, TODAY, partial=True) == {"remark": "hung up"}
    assert read_answers(PROMISE, {"remark": ""}, TODAY, partial=True) == {"remark": ""}
    with pytest.raises(BadValues):
        read_answers(PROMISE, {"owner": ""}, TODAY, partial=True)
    with pytest.raises(BadValues):
        read_answers(PROMISE, {"mood": "good"}, TODAY, partial=True)


def test_C12_a_script_without_questions_takes_no_answers() -> None:
    assert read_answers(script(), {}, TODAY) == {}
    with pytest.raises(BadValues, match="the script has no such question; allowed: none"):
        read_answers(script(), {"mood": "good"}, TODAY)


@pytest.mark.parametrize(
    ("questions", "because"),
    [
        ([{"name": "a"}, {"name": "A"}], "A is the name of two questions"),
        ([{"name": "a", "kind": "pesel"}], "kind"),
        ([{"name": "a", "kind": "choice"}], "choices are missing"),
        ([{"name": "a", "ask": ""}], "ask"),
        ([{"name": "a", "ask": "x\x00"}], "control characters"),
        ([{"name": f"q{n}"} for n in range(MAX_QUESTIONS + 1)], "at most 100"),
    ],
)
def test_C12_scripts_that_make_no_sense_are_refused(questions: list[dict[str, Any]], because: str) -> None:
    with pytest.raises(ValidationError, match=because):
        script(*questions)


def test_C12_a_script_goes_through_json_and_stays_itself() -> None:
    read_answers(PROMISE, {"owner": "no", "amount": "5"}, TODAY)
    assert Script.model_validate_json(PROMISE.model_dump_json()) == PROMISE
