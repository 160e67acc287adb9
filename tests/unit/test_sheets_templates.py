"""Empty lists to download: read back with another library, and by our own reader (C06, C08)."""

from __future__ import annotations

import io
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pytest

from dialerd.adapters.sheets.headings import suggest
from dialerd.adapters.sheets.templates import template
from dialerd.model.errors import Refusal
from dialerd.ports.sheets import RecordField

FIELDS = (
    RecordField("debt", "Dư nợ", "number", required=True, explained="What is owed, in VND"),
    RecordField("due", "Ngày đến hạn", "date"),
    RecordField("city", "Thành phố", "choice", ("Hà Nội", "Huế")),
    RecordField("branch", "", "choice", tuple(f"Chi nhánh số {n}, quận {n}" for n in range(40))),
    RecordField("pesel", "PESEL", "pesel"),
)


def book(*fields: RecordField) -> Any:
    return openpyxl.load_workbook(io.BytesIO(template(fields, "xlsx")))


def test_C06_the_template_has_the_headings_and_keeps_phones_as_text() -> None:
    made = book(*FIELDS)
    leads = made["Leads"]
    headings = [cell.value for cell in leads[1]]
    assert headings == ["Phone", "Name", "Other phone", "Dư nợ", "Ngày đến hạn", "Thành phố", "branch", "PESEL"]
    spans = [(each.min, each.max, each.number_format) for each in leads.column_dimensions.values()]
    formats = {
        "ACEH"[n]: next(how for first, last, how in spans if first <= at <= last) for n, at in enumerate((1, 3, 5, 8))
    }
    assert formats == {"A": "@", "C": "@", "E": "yyyy-mm-dd", "H": "@"}
    assert leads.max_row == 1


def test_C08_choices_are_offered_in_the_cell() -> None:
    made = book(*FIELDS)
    rules = {str(rule.sqref).split("2:")[0]: rule for rule in made["Leads"].data_validations.dataValidation}
    assert (rules["F"].type, rules["F"].formula1) == ("list", '"Hà Nội,Huế"')
    assert (rules["G"].type, rules["G"].formula1) == ("list", "Choices!$G$1:$G$40")
    assert made["Choices"]["G40"].value == "Chi nhánh số 39, quận 39"
    assert made["Choices"].sheet_state == "hidden"
    assert rules["D"].type == "decimal"


def test_C06_a_second_sheet_explains_every_column() -> None:
    rows = [[cell.value or "" for cell in row] for row in book(*FIELDS)["Columns"].iter_rows()]
    assert rows[0] == ["Column", "What it is", "Required", "Allowed"]
    assert [row[0] for row in rows[1:]][:4] == ["Phone", "Name", "Other phone", "Dư nợ"]
    assert rows[4][1:3] == ["What is owed, in VND", "yes"]
    assert rows[6][3] == "Hà Nội, Huế"


def test_C06_the_template_s_own_headings_are_suggested() -> None:
    headings = [cell.value for cell in book(*FIELDS)["Leads"][1]]
    found = suggest(headings, FIELDS)
    assert (found.phone, found.name, found.phones) == ("Phone", "Name", ("Other phone",))
    assert set(found.fields) == {field.name for field in FIELDS}


def test_C06_a_csv_template_opens_in_excel_with_its_accents() -> None:
    data = template(FIELDS, "csv")
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.decode("utf-8-sig") == "Phone,Name,Other phone,Dư nợ,Ngày đến hạn,Thành phố,branch,PESEL\r\n"


@pytest.mark.parametrize("label", ["=1+1", "+1", "-1", "@x", '=HYPERLINK("http://127.0.0.1")'])
def test_no_label_becomes_a_formula(label: str) -> None:
    cell = book(RecordField("f", label))["Leads"]["D1"]
    assert (cell.value, cell.data_type) == (label, "s")
    text = template((RecordField("f", label),), "csv").decode("utf-8-sig")
    heading = text.split(",", 3)[3].strip()
    assert heading.lstrip('"').startswith("'")
    assert suggest([heading], (RecordField("f", label),)).fields == {"f": heading}


def test_two_columns_with_one_heading_are_refused() -> None:
    with pytest.raises(Refusal) as refusal:
        template((RecordField("phone"),), "xlsx")
    assert "'phone'" in refusal.value.message
