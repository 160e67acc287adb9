"""Saved filters of contacts: ALL conditions hold, a stranger's words are refused or put into one form (C06)."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given
from pydantic import ValidationError

from dialerd.model.contact_filters import ContactFilter, matches
from dialerd.model.folded_text import fold
from dialerd.model.rows import ContactRow

AN = ContactRow(
    "kh-17", "person", "Nguyễn Văn Ân", "+84912345678", "an@example.vn", "Hà Nội", "prospect", "retail", "facebook", "ada",
    1000.0, 2000.0, ["vip", "hà nội"], {"plan": "gold"},
)  # fmt: skip

HOLD: dict[str, Any] = {
    "kind": "person",
    "created_from": 1000.0,
    "created_before": 1001.0,
    "code": "kh-",
    "status": ["lead", "Prospect"],
    "industry": "retail; bank",
    "channel": ["facebook"],
    "tags_any": ["gone", "VIP"],
    "tags_all": ["vip", "Hà Nội"],
    "owner": "ada",
}
FAIL: dict[str, Any] = {
    "kind": "company",
    "created_from": 1000.5,
    "created_before": 1000.0,
    "code": "h-17",
    "status": ["lead"],
    "industry": "bank",
    "channel": ["zalo"],
    "tags_any": ["gone"],
    "tags_all": ["vip", "gone"],
    "owner": "olga",
}


@given(st.sets(st.sampled_from(sorted(HOLD))))
def test_C06_a_filter_holds_if_all_of_its_conditions_do(chosen: set[str]) -> None:
    assert matches(ContactFilter.model_validate({name: HOLD[name] for name in chosen}), AN)


@given(st.sets(st.sampled_from(sorted(HOLD))), st.sampled_from(sorted(FAIL)))
def test_C06_one_condition_that_fails_is_enough(chosen: set[str], failing: str) -> None:
    asked = {name: HOLD[name] for name in chosen - {"created_from", "created_before"}} | {failing: FAIL[failing]}
    assert not matches(ContactFilter.model_validate(asked), AN)


@given(st.sets(st.sampled_from(sorted(HOLD))))
def test_C06_a_deleted_contact_meets_no_filter(chosen: set[str]) -> None:
    gone = msgspec.structs.replace(AN, active=False)
    assert not matches(ContactFilter.model_validate({name: HOLD[name] for name in chosen}), gone)


@given(st.sets(st.sampled_from(sorted(HOLD))))
def test_C06_a_saved_filter_is_read_back_as_it_was(chosen: set[str]) -> None:
    asked = ContactFilter.model_validate({name: HOLD[name] for name in chosen})
    assert ContactFilter.model_validate(asked.model_dump(mode="json", exclude_none=True)) == asked


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "robot"},
        {"created_from": "2026-11-21"},
        {"created_from": 10.0, "created_before": 10.0},
        {"status": [""]},
        {"status": ["a\x00b"]},
        {"tags_any": ["x" * 65]},
        {"tags_all": [f"t{i}" for i in range(51)]},
        {"owner": "'; DROP TABLE contacts"},
        {"name": "An"},
    ],
)
def test_C06_a_condition_that_is_none_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ContactFilter.model_validate(wrong)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Nguyễn  Thị Ánh", "nguyen thi anh"),
        ("ĐẶNG Văn Đức", "dang van duc"),
        ("Łódź\nŻółw", "lodz zolw"),
        ("Straße", "strasse"),
        ("ＡＢＣ", "abc"),
    ],
)
def test_C17_accents_and_capitals_do_not_count(text: str, folded: str) -> None:
    assert fold(text) == folded
    assert fold(folded) == folded
