"""Custom fields of records: what they may be, and how values are read by them (C08)."""

from __future__ import annotations

import unicodedata
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from pydantic import TypeAdapter, ValidationError

from dialerd.model.errors import Refusal
from dialerd.model.faults import BadValues
from dialerd.model.record_fields import (
    MAX_FIELDS,
    RESERVED,
    Fields,
    RecordField,
    columns,
    may_edit,
    read,
    significant_value,
)
from dialerd.model.written_dates import read_day
from dialerd.model.written_numbers import DecimalMark, plain_number, read_number
from dialerd.model.written_text import read_text

TODAY = date(2026, 11, 21)
_FIELDS: TypeAdapter[list[RecordField]] = TypeAdapter(Fields)


def fields(*given: dict[str, Any]) -> list[RecordField]:
    return _FIELDS.validate_python(list(given))


def one(text: str, **spec: Any) -> str:
    """`text` read by one field `x`."""
    return read(fields({"name": "x", **spec}), {"x": text}, TODAY).get("x", "")


def refusal_of(text: str, **spec: Any) -> tuple[str, str]:
    with pytest.raises(BadValues) as refusal:
        one(text, **spec)
    (fault,) = refusal.value.faults
    assert (fault.field, refusal.value.field, refusal.value.code) == ("x", "fields.x", "bad_argument")
    return fault.because, fault.allowed


DEBTORS = (
    {"name": "city", "label": "Thành phố", "max_length": 20},
    {"name": "debt", "label": "Số tiền", "kind": "number", "min": 0, "max": 1_000_000, "required": True},
    {"name": "born", "kind": "date", "min": "1900-01-01", "max": "today"},
    {"name": "plan", "kind": "choice", "choices": ["Gold", "Silver"], "editable": True},
    {"name": "pesel", "kind": "pesel", "significant": True},
    {"name": "nip", "kind": "nip"},
    {"name": "regon", "kind": "regon"},
)


def test_C08_a_record_is_read_field_by_field_in_their_order() -> None:
    values = {
        "pesel": "440514 01359",
        "nip": "PL 526-025-02-74",
        "regon": "123456785",
        "plan": "gold",
        "born": "1/2/2000",
        "debt": "12.500,50",
        "city": " Hue\u0302\u0301 ",
    }
    good = read(fields(*DEBTORS), values, TODAY)
    assert good == {
        "city": "Hu\u1ebf",
        "debt": "12500.5",
        "born": "2000-02-01",
        "plan": "Gold",
        "pesel": "44051401359",
        "nip": "5260250274",
        "regon": "123456785",
    }
    assert list(good) == [spec["name"] for spec in DEBTORS]
    assert read(fields(*DEBTORS), good, TODAY) == good


def test_C08_all_that_is_wrong_is_told_at_once() -> None:
    values = {"city": "a\tb", "born": "22/11/2026", "plan": "Bronze", "pesel": "44051401358", "shoe": "41"}
    with pytest.raises(BadValues) as refusal:
        read(fields(*DEBTORS), values, TODAY, others="refuse")
    told = {fault.field: (fault.found, fault.because, fault.allowed) for fault in refusal.value.faults}
    day = "a day such as 2026-01-31, 31/01/2026 or 31.01.2026"
    assert told == {
        "city": ("a\tb", "it has the control character U+0009", "one line of at most 20 characters"),
        "debt": ("", "it is required", "a number"),
        "born": ("22/11/2026", "it is after 2026-11-21", f"{day}, from 1900-01-01 to 2026-11-21"),
        "plan": ("Bronze", "it is not one of the choices", "Gold, Silver"),
        "pesel": (
            "44051401358",
            "its last digit, which checks the others, is 8, and 9 is expected",
            "a PESEL: 11 digits, the last one checks the others",
        ),
        "shoe": ("", "there is no such field", "city, debt, born, plan, pesel, nip, regon"),
    }
    assert all(name in refusal.value.message for name in told)
    assert refusal.value.field == "fields.city"


def test_C08_of_a_long_value_little_is_shown() -> None:
    with pytest.raises(BadValues) as refusal:
        one("9" * 5000, kind="number")
    assert len(refusal.value.message) < 200


# what becomes of columns that are no field


def test_C08_columns_that_are_no_field_are_kept_refused_or_left_out() -> None:
    some = fields({"name": "city"})
    values = {"city": "Huế", "Shoe size": " 41 ", "empty": " "}
    assert read(some, values, TODAY) == {"city": "Huế", "Shoe size": "41"}
    assert read(some, values, TODAY, others="drop") == {"city": "Huế"}
    with pytest.raises(BadValues) as refusal:
        read(some, values, TODAY, others="refuse")
    assert [fault.field for fault in refusal.value.faults] == ["Shoe size", "empty"]
    assert read([], {}, TODAY, others="refuse") == {}


def test_C08_what_is_kept_is_clean_text_too() -> None:
    with pytest.raises(BadValues) as refusal:
        read([], {"a": "x\u202ey", "b\n": "x", "c": "x" * 2001, " d": "x", "d": "y"}, TODAY)
    assert [fault.field for fault in refusal.value.faults] == ["a", "c", "d"]


def test_C08_no_record_has_more_than_a_hundred_values() -> None:
    assert len(read([], {f"c{n}": "x" for n in range(MAX_FIELDS)}, TODAY)) == MAX_FIELDS
    with pytest.raises(BadValues, match=f"there are {MAX_FIELDS + 1} of them"):
        read([], {f"c{n}": "x" for n in range(MAX_FIELDS + 1)}, TODAY)


# a change of some fields


def test_C08_a_change_of_some_fields_leaves_the_others_alone() -> None:
    some = fields(*DEBTORS)
    assert read(some, {"city": "Huế"}, TODAY, partial=True) == {"city": "Huế"}
    assert read(some, {"city": " "}, TODAY, partial=True) == {"city": ""}, "an empty text clears"
    with pytest.raises(BadValues, match="debt: it is required"):
        read(some, {"debt": ""}, TODAY, partial=True)
    with pytest.raises(BadValues, match="debt: it is required"):
        read(some, {"city": "Huế"}, TODAY)


def test_C08_a_bare_number_is_not_taken_for_a_text() -> None:
    with pytest.raises(BadValues, match="it is not a text"):
        read(fields({"name": "x"}), {"x": 7100}, TODAY)  # type: ignore[dict-item]


# numbers


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("1.234,56", "1234.56"),
        ("1,234.56", "1234.56"),
        ("1 234,56", "1234.56"),
        ("1\u00a0234,56", "1234.56"),
        ("1.234.567", "1234567"),
        ("1,234,567", "1234567"),
        ("1.234.567,8", "1234567.8"),
        ("1.234,567", "1234.567"),
        ("1234.567", "1234.567"),
        ("1 234", "1234"),
        ("0.234", "0.234"),
        ("0,5", "0.5"),
        (",5", "0.5"),
        ("12,5", "12.5"),
        ("12.50", "12.5"),
        ("100000.000", "100000"),
        ("1.2340", "1.2340"),
        ("007", "7"),
        ("-5", "-5"),
        ("\u2212 5", "-5"),
        ("+5", "5"),
        ("-0", "0"),
        ("0.000", "0"),
    ],
)
def test_C08_numbers_of_all_countries_are_one_plain_decimal(text: str, plain: str) -> None:
    assert one(text, kind="number") == plain


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("1.234", "it may be 1234 or 1.234: nothing tells what its mark is"),
        ("12,345", "it may be 12345 or 12.345: nothing tells what its mark is"),
        ("-1.234", "it may be 1234 or 1.234: nothing tells what its mark is"),
        ("12 34", "its signs, marks and groups of three digits do not make one number"),
        ("1,23,456", "its signs, marks and groups of three digits do not make one number"),
        ("1.234.56", "its signs, marks and groups of three digits do not make one number"),
        ("1.2.3", "its signs, marks and groups of three digits do not make one number"),
        ("0.123.456", "its signs, marks and groups of three digits do not make one number"),
        ("5.", "its signs, marks and groups of three digits do not make one number"),
        ("--5", "its signs, marks and groups of three digits do not make one number"),
        ("-", "it has no digits"),
        ("8.49E+10", "a spreadsheet has cut it short"),
        ("150k", "the character 'k' does not belong in it"),
        ("5%", "the character '%' does not belong in it"),
        ("\u0663", "the character '\u0663' does not belong in it"),
        ("NaN", "the character 'N' does not belong in it"),
        ("9" * 29, "it has more than 28 digits"),
    ],
)
def test_C08_a_number_that_can_be_misread_is_refused_with_the_reason(text: str, because: str) -> None:
    assert refusal_of(text, kind="number")[0] == because


@pytest.mark.parametrize(
    ("mark", "text", "plain"),
    [
        ("comma", "150.000", "150000"),
        ("comma", "1,234", "1.2340"),
        ("comma", "1.5", "1.5"),
        ("comma", "1,234.5", "1234.5"),
        ("point", "150,000", "150000"),
        ("point", "1.234", "1.2340"),
        ("point", "1,5", "1.5"),
    ],
)
def test_C08_a_decimal_mark_settles_only_what_may_be_either(mark: DecimalMark, text: str, plain: str) -> None:
    assert one(text, kind="number", decimal_mark=mark) == plain


PLACES = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=5)


@settings(max_examples=300, deadline=None)
@given(PLACES | st.decimals(-2000, 2000, places=3), st.sampled_from([None, "point", "comma"]))
def test_C08_a_plain_number_is_read_again_as_itself(number: Decimal, mark: DecimalMark | None) -> None:
    plain = plain_number(number)
    assert Decimal(plain) == number
    assert read_number(plain, mark) == plain


@settings(max_examples=300, deadline=None)
@given(PLACES, st.sampled_from([(".", ","), (",", "."), (" ", ","), (" ", "."), ("\u202f", ",")]))
def test_C08_a_number_with_thousands_marked_is_never_misread(number: Decimal, marks: tuple[str, str]) -> None:
    written = f"{number:,.5f}".translate(str.maketrans(",.", "".join(marks)))
    assert Decimal(read_number(written)) == number


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet="0123456789.,-+ eE", max_size=14) | st.text(max_size=10))
def test_C08_any_text_is_a_number_with_its_very_digits_or_a_refusal(text: str) -> None:
    try:
        plain = read_number(text)
    except Refusal:
        return
    assert "".join(c for c in text if c.isdigit()).strip("0") == plain.replace(".", "").strip("-0")
    assert read_number(plain) == plain


def test_C08_numbers_of_a_spreadsheets_cells() -> None:
    assert plain_number(1.234) == "1.2340"
    assert plain_number(1e22) == "1" + "0" * 22
    assert plain_number(-0.5) == "-0.5"
    assert plain_number(-0.0) == "0"
    for wrong in (float("nan"), float("inf"), 1e300, 1e-300):
        with pytest.raises(Refusal):
            plain_number(wrong)


@pytest.mark.parametrize("text", ["0", "10", "9.99"])
def test_C08_bounds_of_a_number_are_within(text: str) -> None:
    assert one(text, kind="number", min=0, max="10.0") == text


@pytest.mark.parametrize(("text", "because"), [("-1", "it is less than 0"), ("10.01", "it is more than 10")])
def test_C08_a_number_out_of_its_bounds_is_refused(text: str, because: str) -> None:
    assert refusal_of(text, kind="number", min=0, max="10.0") == (because, "a number such as 1234.5, from 0 to 10")


# days


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-01",
        "01/02/2026",
        "1/2/2026",
        "01.02.2026",
        "2026-02-01T00:00:00",
        "2026-02-01 00:00",
        "2026-02-01T00:00:00.000Z",
        "2026-02-01T00:00:00+07:00",
        "01/02/2026 00:00:00",
        "46054",
        "46054.0",
        " 2026-02-01 ",
    ],
)
def test_C08_one_day_written_in_many_ways(text: str) -> None:
    assert one(text, kind="date") == "2026-02-01"


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("12/25/2026", "there is no such day; days come before months"),
        ("2026-13-01", "there is no such day"),
        ("29/02/2026", "there is no such day"),
        ("00/00/2026", "there is no such day"),
        ("01/02/26", "it is not written as a day"),
        ("01/02.2026", "it is not written as a day"),
        ("2026-W05-7", "it is not written as a day"),
        ("tomorrow", "it is not written as a day"),
        ("2026-01-31T17:00:00Z", "it has a time of day, 17:00:00"),
        ("46054.5", "it has a time of day, as a fraction"),
        ("2026", "it is not written as a day, and a spreadsheet's serial number of a day has five digits"),
        ("20260201", "it is not written as a day, and a spreadsheet's serial number of a day has five digits"),
        ("1.2026", "it is not written as a day, and a spreadsheet's serial number of a day has five digits"),
        ("0206-02-01", "its year is not within 1800 to 2299"),
    ],
)
def test_C08_what_is_no_day_or_may_be_another_is_refused_with_the_reason(text: str, because: str) -> None:
    assert refusal_of(text, kind="date")[0] == because


def test_C08_serial_numbers_are_those_of_excel() -> None:
    assert read_day("10000") == "1927-05-18"
    assert read_day("36526") == "2000-01-01"
    assert read_day("99999") == "2173-10-13"


@settings(max_examples=200, deadline=None)
@given(st.dates(date(1800, 1, 1), date(2299, 12, 31)))
def test_C08_every_day_comes_back_from_every_spelling(day: date) -> None:
    spellings = [day.isoformat(), f"{day:%d/%m/%Y}", f"{day:%d.%m.%Y}", f"{day.isoformat()}T00:00:00"]
    serial = (day - date(1899, 12, 30)) / timedelta(days=1)
    if 10000 <= serial <= 99999:
        spellings.append(str(serial))
    assert {read_day(spelling) for spelling in spellings} == {day.isoformat()}


def test_C08_bounds_of_a_day_may_move_with_today() -> None:
    born = {"kind": "date", "min": "01.01.1900", "max": "today"}
    assert one("21/11/2026", **born) == "2026-11-21"
    assert refusal_of("22/11/2026", **born)[0] == "it is after 2026-11-21"
    assert refusal_of("31/12/1899", **born)[0] == "it is before 1900-01-01"
    assert refusal_of("20/11/2026", kind="date", min="today") == (
        "it is before 2026-11-21",
        "a day such as 2026-01-31, 31/01/2026 or 31.01.2026, from 2026-11-21",
    )


# text and choices


def test_C08_text_has_one_spelling_of_the_same_letters() -> None:
    assert one(unicodedata.normalize("NFD", " Nguyễn Văn Ấn\u00a0")) == unicodedata.normalize("NFC", "Nguyễn Văn Ấn")
    assert one(unicodedata.normalize("NFD", "ế") * 5, max_length=5) == "ế" * 5


@pytest.mark.parametrize("hidden", ["\x00", "\n", "\t", "\x7f", "\x85", "\u2028", "\u202e", "\ufeff", "\ud800"])
def test_C08_control_characters_in_text_are_refused(hidden: str) -> None:
    because, _ = refusal_of(f"a{hidden}b")
    assert because == f"it has the control character U+{ord(hidden):04X}"
    refusal_of(f"a{hidden}b", kind="choice", choices=["ab"])


def test_C08_text_is_as_long_as_allowed() -> None:
    assert len(one("x" * 500)) == 500
    assert refusal_of("x" * 501) == ("it has 501 characters", "at most 500 characters")
    assert refusal_of("x" * 6, max_length=5)[1] == "at most 5 characters"


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=30))
def test_C08_text_that_was_read_is_read_again_as_itself(text: str) -> None:
    try:
        plain = read_text(text, 100)
    except Refusal:
        return
    assert read_text(plain, 100) == plain


def test_C08_a_choice_is_spelled_as_the_field_has_it() -> None:
    assert one(" VÀNG ", kind="choice", choices=["Vàng", "Bạc"]) == "Vàng"
    assert refusal_of("Đồng", kind="choice", choices=["Vàng", "Bạc"])[1] == "Vàng, Bạc"


# what a field may be


@pytest.mark.parametrize(
    ("given", "because"),
    [
        ([{"name": "a"}, {"name": "A"}], "a and A are called alike"),
        ([{"name": "a", "label": "City"}, {"name": "city"}], "a and city are called alike"),
        ([{"name": "a", "label": "x"}, {"name": "b", "label": "X"}], "a and b are called alike"),
        ([{"name": "a", "significant": True}, {"name": "b", "significant": True}], "a and b are significant"),
        ([{"name": "a", "kind": "choice"}], "choices are missing"),
        ([{"name": "a", "kind": "choice", "choices": ["x", "X"]}], "choices has one of them twice"),
        ([{"name": "a", "kind": "choice", "choices": [" "]}], "an empty choice"),
        ([{"name": "a", "choices": ["x"]}], "choices is not for a text"),
        ([{"name": "a", "kind": "number", "max_length": 5}], "max_length is not for a number"),
        ([{"name": "a", "min": 5}], "min is not for a text"),
        ([{"name": "a", "kind": "pesel", "max": 5}], "max is not for a pesel"),
        ([{"name": "a", "kind": "date", "decimal_mark": "comma"}], "decimal_mark is not for a date"),
        ([{"name": "a", "kind": "number", "min": 5, "max": "4.9"}], "max is less than min"),
        ([{"name": "a", "kind": "date", "min": "2026-01-02", "max": "01/01/2026"}], "max is less than min"),
        ([{"name": "a", "kind": "number", "min": "1.234"}], "min cannot be read: it may be 1234 or 1.234"),
        ([{"name": "a", "kind": "number", "max": "today"}], "max is a day"),
        ([{"name": "a", "kind": "date", "max": 5}], "max cannot be read"),
        ([{"name": "a", "kind": "number", "max": True}], "neither a number nor a day"),
        ([{"name": "a", "kind": "number", "max": float("nan")}], "it is not finite"),
        ([{"name": "a", "label": "x\ny"}], "it has the control character U\\+000A"),
        ([{"name": "a", "kind": "email"}], "kind"),
        ([{"name": "a b"}], "name"),
        ([{"name": "a", "colour": "red"}], "colour"),
        ([{"name": f"f{n}"} for n in range(MAX_FIELDS + 1)], "at most 100"),
    ],
)
def test_C08_fields_that_make_no_sense_are_refused(given: list[dict[str, Any]], because: str) -> None:
    with pytest.raises(ValidationError, match=because):
        fields(*given)


@pytest.mark.parametrize("name", [*sorted(RESERVED), "Phone", "NAME"])
def test_C08_a_field_is_not_called_as_what_every_lead_has(name: str) -> None:
    with pytest.raises(ValidationError, match="name is one that every lead has already"):
        fields({"name": name})


def test_C08_fields_go_through_json_and_yaml_values_and_stay_themselves() -> None:
    some = fields(
        *DEBTORS, {"name": "last", "kind": "date", "min": date(2026, 1, 31)}, {"name": "rate", "kind": "number"}
    )
    read(some, {"debt": "5"}, TODAY)
    assert _FIELDS.validate_json(_FIELDS.dump_json(some)) == some
    assert some[-2].min == "2026-01-31"


# columns, edits, the significant field


def test_C06_headings_are_matched_to_fields_by_name_and_label() -> None:
    some = fields(*DEBTORS)
    assert columns(some, ["Phone", " thành PHỐ ", "DEBT"]) == {" thành PHỐ ": "city", "DEBT": "debt"}
    with pytest.raises(Refusal) as refusal:
        columns(some, ["city", "Thành phố"])
    assert (refusal.value.field, "two columns are the field city" in refusal.value.message) == ("columns", True)


def test_C08_agents_edit_the_editable_fields_only_and_nobody_the_phone() -> None:
    some = fields(*DEBTORS)
    assert [may_edit(some, True, name) for name in ("plan", "city", "shoe", "phone")] == [True, False, False, False]
    assert [may_edit(some, False, name) for name in ("plan", "city", "shoe", "phone")] == [True, True, True, False]


def test_C08_the_significant_field_identifies_the_record() -> None:
    some = fields(*DEBTORS)
    assert significant_value(some, {"pesel": "44051401359", "city": "Huế"}) == "44051401359"
    assert significant_value(some, {"city": "Huế"}) == ""
    assert significant_value(fields({"name": "city"}), {"city": "Huế"}) == ""
