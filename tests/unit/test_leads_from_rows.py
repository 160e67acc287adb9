"""Rows of a list as leads: taken, refused with the reason, told twice, warned of (C06-C08)."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from dialerd.adapters.sheets.reading import SheetFiles
from dialerd.model.errors import Refusal
from dialerd.model.facts import NewLead
from dialerd.model.lead_check import GivenLead, LeadCheck, LeadRules
from dialerd.ports.sheets import Checking, HowToRead, LeadRows, Mapping, RecordField, Typed

RULES = LeadRules("VN", "2026-11-21")


def read(text: str, rules: LeadRules = RULES, **how: Any) -> LeadRows:
    """All rows of a text, as one portion."""
    fields = tuple(RecordField(field["name"], required=field.get("required", False)) for field in rules.fields)
    reading = SheetFiles().leads(Typed(text), HowToRead(), Checking(rules, fields, **how))
    found = LeadRows([], [], [], {})
    for rows in reading:
        found.taken.extend(rows.taken)
        found.refused.extend(rows.refused)
        found.twice.extend(rows.twice)
        for code, count in rows.warnings.items():
            found.warnings[code] = found.warnings.get(code, 0) + count
    return found


def lead(rules: LeadRules = RULES, **given: Any) -> NewLead:
    return LeadCheck(rules).lead(GivenLead(**{"phone": "0912345678", **given}))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_C06_lists_of_every_office_program(separator: str, ending: str, bom: str) -> None:
    lines = ["Phone;Name;City", '0912345678;"Nguyễn, An";Huế', "", "0912345679;;"]
    text = bom + ending.join(line.replace(";", separator) for line in lines)
    first, second = read(text).taken
    assert (first.item.phone, first.item.fields) == ("+84912345678", {"City": "Huế"})
    assert (first.number, second.number, second.item.fields) == (2, 4, {})


def test_C06_one_bad_row_never_stops_the_rest_and_is_told_with_its_number() -> None:
    text = 'phone,name\n0912345678,A\nnonsense,B\n,C\n0912345679,D,E,F\n0912345680,"multi\nline"\n0912345681,Z\n'
    rows = read(text)
    assert [row.number for row in rows.taken] == [2, 6, 8]
    assert [row.number for row in rows.refused] == [3, 4, 5]
    assert rows.refused[1].because == "phone: required"
    assert rows.refused[2].cells == ["0912345679", "D", "E", "F"]
    assert rows.taken[1].item.name == "multi line"


def test_C06_a_stray_quote_spoils_its_own_line_and_not_the_rest_of_the_list() -> None:
    rest = "".join(f"09123457{n:02d},N\n" for n in range(50))
    rows = read(f'phone,name\n0912345600,"unterminated\n{rest}')
    assert [(row.number, row.because) for row in rows.refused] == [(2, "a quote is opened and not closed")]
    assert len(rows.taken) == 50


def test_C06_a_missing_phone_column_names_those_that_are_there() -> None:
    with pytest.raises(Refusal) as refusal:
        read("thing,name\n0912345678,A\n")
    assert (refusal.value.field, refusal.value.allowed) == ("phone", ["thing", "name"])
    assert len(read("thing,name\n0912345678,A\n", phone="Thing").taken) == 1
    assert len(read("thing,name\n0912345678,A\n", mapping=Mapping(phone="A")).taken) == 1


def test_C06_a_column_told_to_be_the_phone_is_nothing_else() -> None:
    """The headings would have made a further phone and the name of it."""
    (row,) = read("name,tel 2,tel\n0912345678,0912345679,An\n", phone="name", name="tel").taken
    assert (row.item.phone, row.item.name, row.item.phones) == ("+84912345678", "An", ("+84912345679",))


@pytest.mark.parametrize("text", ["phone\n09\x0012345678\n", "", " \n \n"])
def test_C06_what_is_no_list_is_refused_as_a_whole(text: str) -> None:
    with pytest.raises(Refusal):
        read(text)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_rows_or_a_refusal(text: str) -> None:
    try:
        rows = read("phone,name\n" + text)
    except Refusal:
        return
    assert len({row.item.phone for row in rows.taken}) == len(rows.taken)


def test_C07_a_phone_is_taken_once_from_a_list_whichever_way_it_is_written() -> None:
    rows = read("phone,phones\n0912345678,\n+84 91 234 5678,\n0912345679,0912345680; 0912345681\n0912345681,\n")
    assert [row.number for row in rows.taken] == [2, 4]
    assert [row.number for row in rows.twice] == [3, 5]
    assert rows.taken[1].item.phones == ("+84912345680", "+84912345681")


def test_C07_further_phones_are_read_in_their_order_without_the_first() -> None:
    found = lead(phones=["0912345679; 0912345678", "0912345680"])
    assert found.phones == ("+84912345679", "+84912345680")
    with pytest.raises(Refusal) as refusal:
        lead(phones=["0912345679; 113"])
    assert refusal.value.field == "phones"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"email": "an@"}, "email"),
        ({"zone": "Asia/Nowhere"}, "zone"),
        ({"zone": "../../etc/passwd"}, "zone"),
        ({"owner": "an nguyen"}, "owner"),
        ({"priority": "101"}, "priority"),
        ({"priority": "high"}, "priority"),
        ({"name": "x" * 201}, "name"),
        ({"list_name": "x" * 65}, "list"),
        ({"phone": " "}, "phone"),
    ],
)
def test_C06_a_value_that_cannot_be_refuses_its_row_and_is_named(given: dict[str, Any], field: str) -> None:
    with pytest.raises(Refusal) as refusal:
        lead(**given)
    assert refusal.value.field == field
    assert field in refusal.value.message


def test_C06_a_row_says_its_own_list_and_priority_or_takes_those_of_the_import() -> None:
    rules = LeadRules("VN", "2026-11-21", list_name="autumn", priority=5)
    assert (lead(rules).list_name, lead(rules).priority) == ("autumn", 5)
    named = lead(rules, list_name="winter", priority="-3", zone="Asia/Ho_Chi_Minh", owner="olga", email="an@x.vn")
    assert (named.list_name, named.priority, named.zone, named.owner) == ("winter", -3, "Asia/Ho_Chi_Minh", "olga")


FIELDS = [
    {"name": "debt", "kind": "number", "required": True},
    {"name": "born", "kind": "date"},
]


def test_C08_fields_are_read_by_their_kinds_and_a_wrong_one_refuses_its_row() -> None:
    rules = LeadRules("VN", "2026-11-21", fields=FIELDS)
    rows = read("phone,debt,born,note\n0912345678,12.50,1990-01-31,x\n0912345679,much,,\n0912345680,,,\n", rules)
    assert [row.item.fields for row in rows.taken] == [{"debt": "12.5", "born": "1990-01-31", "note": "x"}]
    assert ["debt" in row.because for row in rows.refused] == [True, True]


def test_C08_columns_that_are_no_field_are_dropped_or_refused_as_the_campaign_says() -> None:
    text = "phone,debt,note\n0912345678,1,x\n"
    dropped = LeadRules("VN", "2026-11-21", fields=FIELDS, others="drop")
    assert read(text, dropped).taken[0].item.fields == {"debt": "1"}
    with pytest.raises(Refusal) as refusal:
        read(text, LeadRules("VN", "2026-11-21", fields=FIELDS, others="refuse"))
    assert "'note' is no field of the campaign" in refusal.value.message
