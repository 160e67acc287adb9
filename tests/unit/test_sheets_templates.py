"""Empty lists to download: read back with another library, and by our own reader (C06, C08)."""

from __future__ import annotations

import io
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pytest

from dialerd.adapters.sheets.headings import suggest, suggest_contacts
from dialerd.adapters.sheets.reading import SheetFiles
from dialerd.adapters.sheets.templates import contact_template, template
from dialerd.model.errors import Refusal
from dialerd.model.lead_check import LeadRules
from dialerd.ports.sheets import OF_CONTACT, OWN, Checking, ContactChecking, HowToRead, RecordField, Typed, Uploaded

STANDARD = [
    "Phone", "Name", "Other phone", "Email", "Address", "Time zone", "Account manager", "Brought by", "List name",
    "Dialing priority",
]  # fmt: skip

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
    assert headings == [*STANDARD, "Dư nợ", "Ngày đến hạn", "Thành phố", "branch", "PESEL"]
    spans = [(each.min, each.max, each.number_format) for each in leads.column_dimensions.values()]
    formats = {
        letter: next(how for first, last, how in spans if first <= at <= last)
        for letter, at in (("A", 1), ("J", 10), ("L", 12), ("O", 15))
    }
    assert formats == {"A": "@", "J": "@", "L": "yyyy-mm-dd", "O": "@"}
    assert leads.max_row == 1


def test_C08_choices_are_offered_in_the_cell() -> None:
    made = book(*FIELDS)
    rules = {str(rule.sqref).split("2:")[0]: rule for rule in made["Leads"].data_validations.dataValidation}
    assert (rules["M"].type, rules["M"].formula1) == ("list", '"Hà Nội,Huế"')
    assert (rules["N"].type, rules["N"].formula1) == ("list", "Choices!$N$1:$N$40")
    assert made["Choices"]["N40"].value == "Chi nhánh số 39, quận 39"
    assert made["Choices"].sheet_state == "hidden"
    assert rules["K"].type == "decimal"


def test_C06_a_second_sheet_explains_every_column() -> None:
    rows = [[cell.value or "" for cell in row] for row in book(*FIELDS)["Columns"].iter_rows()]
    assert rows[0] == ["Column", "What it is", "Required", "Allowed", "Example"]
    assert [row[0] for row in rows[1:]] == [*STANDARD, "Dư nợ", "Ngày đến hạn", "Thành phố", "branch", "PESEL"]
    assert [(row[2], row[4]) for row in rows[1:3]] == [("yes", "0912345678"), ("no", "Nguyễn Thị An")]
    assert rows[11][1:3] == ["What is owed, in VND", "yes"]
    assert rows[13][3:] == ["Hà Nội, Huế", "Hà Nội"]


def test_C06_the_template_s_own_headings_are_suggested() -> None:
    headings = [cell.value for cell in book(*FIELDS)["Leads"][1]]
    found = suggest(headings, FIELDS)
    assert (found.phone, found.name, found.phones) == ("Phone", "Name", ("Other phone",))
    assert [getattr(found, own) for own in OWN] == STANDARD[3:]
    assert found.fields == dict(zip([field.name for field in FIELDS], headings[10:], strict=True))


def test_C06_a_csv_template_opens_in_excel_with_its_accents() -> None:
    data = template(FIELDS, "csv")
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.decode("utf-8-sig") == ",".join(STANDARD) + ",Dư nợ,Ngày đến hạn,Thành phố,branch,PESEL\r\n"


@pytest.mark.parametrize("label", ["=1+1", "+1", "-1", "@x", '=HYPERLINK("http://127.0.0.1")'])
def test_no_label_becomes_a_formula(label: str) -> None:
    cell = book(RecordField("f", label))["Leads"]["K1"]
    assert (cell.value, cell.data_type) == (label, "s")
    text = template((RecordField("f", label),), "csv").decode("utf-8-sig")
    heading = text.split(",", 10)[10].strip()
    assert heading.lstrip('"').startswith("'")
    assert suggest([heading], (RecordField("f", label),)).fields == {"f": heading}


def test_two_columns_with_one_heading_are_refused() -> None:
    with pytest.raises(Refusal) as refusal:
        template((RecordField("phone"),), "xlsx")
    assert "'phone'" in refusal.value.message


@pytest.mark.parametrize(
    "fields",
    [
        (RecordField("email", "Mail of the office"), RecordField("time", "Time zone")),
        (RecordField("a", "b"), RecordField("b", "a")),
        (RecordField("list", "List name", "choice", ("x", "y")), RecordField("name2", "Name")),
        (RecordField("odd", "%%"), RecordField("mobile", "Số máy")),
    ],
)
def test_C06_a_field_that_is_called_as_a_column_of_ours_takes_its_place(fields: tuple[RecordField, ...]) -> None:
    headings = [cell.value for cell in book(*fields)["Leads"][1]]
    found = suggest(headings, fields)
    assert found.phone == "Phone"
    assert found.fields == {field.name: field.label for field in fields}
    taken = [found.phone, found.name, *found.phones, *(getattr(found, own) for own in OWN), *found.fields.values()]
    assert sorted(column for column in taken if column) == sorted(headings), "every column is something"


@pytest.mark.parametrize("field", [RecordField("phone", "Desk"), RecordField("desk", "Phone")])
def test_C08_a_field_that_is_called_as_the_phone_is_refused(field: RecordField) -> None:
    with pytest.raises(Refusal) as refusal:
        template((field,), "csv")
    assert refusal.value.field == "fields"


def filled(made: bytes, cells: list[str]) -> bytes:
    """A template with one row, saved by another program."""
    workbook = openpyxl.load_workbook(io.BytesIO(made))
    workbook.worksheets[0].append(cells)
    file = io.BytesIO()
    workbook.save(file)
    return file.getvalue()


def test_C06_a_filled_in_template_is_read_without_a_mapping() -> None:
    rules = LeadRules("VN", "2026-11-21", fields=[{"name": "debt", "label": "Dư nợ", "kind": "number"}])
    row = [
        "0912345678", "An", "0912345679; 0912345670", "an@example.vn", "Huế", "Asia/Bangkok", "lan", "fair", "warm", "7", "5000",
    ]  # fmt: skip
    data = filled(template((RecordField("debt", "Dư nợ", "number"),), "xlsx"), row)
    checking = Checking(rules, (RecordField("debt", "Dư nợ", "number"),))
    (rows,) = SheetFiles().leads(Uploaded("list.xlsx", data), HowToRead(), checking)
    assert rows.refused == []
    (lead,) = [one.item for one in rows.taken]
    assert (lead.phone, lead.name, lead.phones) == ("+84912345678", "An", ("+84912345679", "+84912345670"))
    told = (lead.email, lead.address, lead.zone, lead.owner, lead.action, lead.list_name, lead.priority)
    assert told == ("an@example.vn", "Huế", "Asia/Bangkok", "lan", "fair", "warm", 7)
    assert lead.fields == {"debt": "5000"}


def test_C06_the_template_of_contacts_has_all_that_a_contact_is_and_is_read_again() -> None:
    made = contact_template("xlsx")
    headings = [cell.value for cell in openpyxl.load_workbook(io.BytesIO(made))["Contacts"][1]]
    mapping = suggest_contacts(headings)
    chosen = [getattr(mapping, target) for target in ("name", "phone", *OF_CONTACT)]
    assert sorted(chosen) == sorted(headings)
    assert contact_template("csv").decode("utf-8-sig") == ",".join(headings) + "\r\n"
    row = ["KH-1", "An", "0912345678", "An@X.vn", "Huế", "Company", "lead", "retail", "facebook", "lan", "vip; Huế"]
    reading = SheetFiles().contacts(Uploaded("c.xlsx", filled(made, row)), HowToRead(), ContactChecking("VN"))
    (rows,) = reading
    (contact,) = [one.item for one in rows.taken]
    assert (contact.code, contact.phone, contact.tags, contact.fields) == ("KH-1", "+84912345678", ["vip", "huế"], {})
    assert contact.values["kind"] == "company"


def test_C06_rows_up_to_one_are_left_out() -> None:
    text = b"phone\n" + b"".join(b"09123456%02d\n" % n for n in range(20))
    for source in (Uploaded("x.csv", text), Typed(text.decode())):
        (rows,) = SheetFiles().leads(source, HowToRead(after_row=11), Checking(LeadRules("VN", "2026-11-21")))
        assert [row.number for row in rows.taken] == list(range(12, 22))
        assert rows.last == 21
