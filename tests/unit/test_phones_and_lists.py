"""Numbers as people and spreadsheets write them, and lists row by row (C06, C07)."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from dialerd.control.lead_rows import Bad, Good, rows_of
from dialerd.control.leads import Add, Import
from dialerd.model.errors import Refusal
from dialerd.model.phones import is_e164, masked, normalise


@pytest.mark.parametrize(
    "text",
    [
        "0912345678",
        "84912345678",
        "+84 (0)91 234 5678",
        "091-234-5678",
        " 0912 345 678 ",
        "0084912345678",
        "912345678",
        "912345678.0",
    ],
)
def test_C06_one_number_written_in_many_ways(text: str) -> None:
    assert normalise(text, "VN") == "+84912345678"


@pytest.mark.parametrize(("text", "e164"), [("600 123 456", "+48600123456"), ("48600123456", "+48600123456")])
def test_C06_polish_numbers(text: str, e164: str) -> None:
    assert normalise(text, "PL") == e164


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "bad_phone"),
        ("abc", "bad_phone"),
        ("01694567890", "bad_phone"),  # an eleven-digit mobile of before 2018
        ("113", "never_dialed"),
        ("1900123456", "never_dialed"),
        ("1800 1234", "never_dialed"),
        ("+1 900 555 1234", "never_dialed"),
        ("09123\r\n45678", "bad_phone"),
        ("0" * 80, "bad_phone"),
    ],
)
def test_C06_what_is_no_number_or_is_never_dialed_is_refused(text: str, code: str) -> None:
    with pytest.raises(Refusal) as refusal:
        normalise(text, "VN")
    assert refusal.value.code == code
    assert refusal.value.field == "phone"


def test_numbers_of_a_private_network_are_kept_as_dialed() -> None:
    assert normalise("71005-000 001", "none") == "71005000001"
    for wrong in ("12", "1;2", "123@host", "7100&500", "abc", "1\n23"):
        with pytest.raises(Refusal):
            normalise(wrong, "none")


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_a_number_or_a_refusal(text: str) -> None:
    try:
        number = normalise(text, "VN")
    except Refusal:
        return
    assert is_e164(number)
    assert normalise(number, "VN") == number


def test_numbers_in_logs_show_three_digits() -> None:
    assert masked("+84912345678") == "+********678"


def read(text: str, region: str = "VN", **more: str) -> list[Good | Bad]:
    return list(rows_of(Import(campaign="x", csv=text, **more), region))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_C06_lists_of_every_office_program(separator: str, ending: str, bom: str) -> None:
    lines = ["Phone;Name;City", '0912345678;"Nguyễn, An";Huế', "", "0912345679;;"]
    text = bom + ending.join(line.replace(";", separator) for line in lines)
    first, second = read(text.replace('"Nguyễn, An"', '"Nguyễn; An"' if separator == "," else '"Nguyễn, An"'))
    assert isinstance(first, Good)
    assert isinstance(second, Good)
    assert first.lead.phone == "+84912345678"
    assert first.lead.fields == {"City": "Huế"}
    assert second.lead.fields == {}


def test_C06_one_bad_row_never_stops_the_rest_and_is_told_with_its_number() -> None:
    rows = read('phone,name\n0912345678,A\nnonsense,B\n,C\n0912345679,D,E,F\n0912345680,"multi\nline"\n0912345681,Z\n')
    told = [(row.row, type(row).__name__) for row in rows]
    assert told == [(2, "Good"), (3, "Bad"), (4, "Bad"), (5, "Bad"), (6, "Good"), (8, "Good")]
    assert isinstance(rows[2], Bad)
    assert rows[2].because == "phone: required"


def test_C06_a_stray_quote_spoils_its_own_line_and_not_the_rest_of_the_list() -> None:
    rest = "".join(f"09123456{n:02d},N\n" for n in range(50))
    rows = read(f'phone,name\n0912345600,"unterminated\n{rest}')
    assert isinstance(rows[0], Bad)
    assert (rows[0].row, rows[0].because) == (2, "a quote is opened and not closed")
    assert len(rows) == 51
    assert all(isinstance(row, Good) for row in rows[1:])


def test_C06_a_missing_column_names_those_that_are_there() -> None:
    with pytest.raises(Refusal) as refusal:
        read("telephone,name\n0912345678,A\n")
    assert refusal.value.field == "phone"
    assert refusal.value.allowed == ["telephone", "name"]
    assert [type(row) for row in read("telephone\n0912345678\n", phone="Telephone")] == [Good]


def test_C06_bytes_that_are_no_text_are_refused_as_a_whole() -> None:
    with pytest.raises(Refusal):
        read("phone\n09\x0012345678\n")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_rows_or_a_refusal(text: str) -> None:
    try:
        rows = read("phone,name\n" + text)
    except Refusal:
        return
    assert all(isinstance(row, Good | Bad) for row in rows)


def test_one_lead_is_a_list_of_one() -> None:
    (row,) = rows_of(Add(campaign="x", phone="0912345678", name="An", fields={"city": "Huế"}), "VN")
    assert isinstance(row, Good)
    assert row.lead.fields == {"city": "Huế"}
