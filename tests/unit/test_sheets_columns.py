"""Which column is what: told, suggested by headings, and picked from rows (C06, C07, C08)."""

from __future__ import annotations

import pytest

from dialerd.adapters.sheets.columns import PlacedColumns, placed
from dialerd.adapters.sheets.headings import NAME, PHONE, folded, suggest
from dialerd.adapters.sheets.letters import letters, position
from dialerd.model.errors import Refusal
from dialerd.ports.sheets import Heading, Mapping, RecordField, Row


def heading(*words: str) -> Heading:
    return Heading("", list(words), 1, len(words), 10, "csv")


FOUR = heading("Số điện thoại", "Họ tên", "Số dư", "SĐT khác")


def place(mapping: Mapping, over: Heading = FOUR, *fields: RecordField) -> PlacedColumns:
    return placed(mapping, over, fields)


@pytest.mark.parametrize("told", ["Số điện thoại", "số  điện thoại ", "SO DIEN THOAI", "so dien thoai", "A", "a", "1"])
def test_C06_a_column_is_told_by_heading_letter_or_number(told: str) -> None:
    assert place(Mapping(phone=told)).phone == 0


def test_C06_a_heading_comes_before_a_letter_and_a_letter_before_nothing() -> None:
    columns = place(Mapping(phone="B", name="2"), heading("2", "x", "B"))
    assert (columns.phone, columns.name) == (2, 0)


def test_C06_columns_past_z_have_two_letters() -> None:
    assert [letters(at) for at in (0, 25, 26, 51, 52, 701, 702)] == ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]
    assert all(position(letters(at)) == at for at in range(20_000))
    assert place(Mapping(phone="AB"), heading(*[f"h{n}" for n in range(30)])).phone == 27


@pytest.mark.parametrize("told", ["Điện thoại nhà", "E", "5", "0", "", " ", "AAAA", "-1", "99999999"])
def test_C06_a_column_that_is_not_there_is_refused_with_the_headings(told: str) -> None:
    with pytest.raises(Refusal) as refusal:
        place(Mapping(phone=told))
    assert (refusal.value.code, refusal.value.field) == ("bad_argument", "phone")
    assert refusal.value.allowed == FOUR.headings
    assert told.strip() in refusal.value.message


def test_C06_a_heading_that_is_there_twice_must_be_told_by_its_letter() -> None:
    twice = heading("phone", "name", "Phone")
    assert place(Mapping(phone="phone"), twice).phone == 0
    assert place(Mapping(phone="C"), twice).phone == 2
    with pytest.raises(Refusal) as refusal:
        place(Mapping(phone="PHONE"), twice)
    assert "A, C" in refusal.value.message


def test_C06_one_column_is_one_thing() -> None:
    with pytest.raises(Refusal) as refusal:
        place(Mapping(phone="A", phones=("D", "số điện thoại")))
    assert refusal.value.field == "phones[1]"
    assert "A (Số điện thoại) is phone already" in refusal.value.message


def test_C08_fields_are_those_of_the_campaign_and_required_ones_need_a_column() -> None:
    debt = RecordField("debt", required=True)
    assert place(Mapping(phone="A", fields={"debt": "Số dư"}), FOUR, debt).fields["debt"] == 2
    with pytest.raises(Refusal) as refusal:
        place(Mapping(phone="A", fields={"dept": "C"}), FOUR, debt)
    assert (refusal.value.field, refusal.value.allowed) == ("fields.dept", ["debt"])
    with pytest.raises(Refusal) as refusal:
        place(Mapping(phone="A"), FOUR, debt)
    assert refusal.value.field == "fields.debt"


def test_C06_other_columns_are_kept_under_their_headings_or_left_out() -> None:
    row = Row(2, [" 0912 ", " An ", " 5 ", ""])
    kept = place(Mapping(phone="A", name="B")).pick(row)
    assert (kept.phone, kept.name, kept.phones, kept.fields) == ("0912", "An", [], {"Số dư": "5"})
    assert place(Mapping(phone="A", name="B", ignore=("C",))).pick(row).fields == {}
    assert place(Mapping(phone="A", others="ignore")).pick(row).fields == {}
    double = place(Mapping(phone="A"), heading("phone", "note", "note"))
    assert double.pick(Row(2, ["1", "x", "y"])).fields == {"note": "x", "note (C)": "y"}


def test_C07_further_phones_in_their_order() -> None:
    columns = place(Mapping(phone="C", phones=("D", "A"), others="ignore"))
    assert columns.pick(Row(2, ["1", "x", "3", "4"])).phones == ["4", "1"]
    assert columns.pick(Row(2, ["1", "x", "3"])).phones == ["1"]


def test_C06_without_a_heading_columns_are_told_by_letter() -> None:
    none = Heading("", [], 0, 3, 10, "csv")
    picked = place(Mapping(phone="C", name="A", fields={"note": "2"}), none).pick(Row(1, ["An", "x", "0912"]))
    assert (picked.phone, picked.name, picked.fields) == ("0912", "An", {"note": "x"})
    with pytest.raises(Refusal) as refusal:
        place(Mapping(phone="phone"), none)
    assert refusal.value.allowed == ["A", "B", "C"]


def test_C06_a_row_with_cells_beyond_the_headings_has_trouble_unless_they_are_empty() -> None:
    columns = place(Mapping(phone="A"))
    assert columns.pick(Row(2, ["1", "2", "3", "4", "5"])).trouble == "5 cells under 4 headings"
    assert columns.pick(Row(2, ["1", "2", "3", "4", " ", ""])).trouble == ""
    assert columns.pick(Row(2, [], "a quote is opened and not closed")).trouble == "a quote is opened and not closed"


def test_C06_a_lost_zero_is_told_of_phones_only() -> None:
    columns = place(Mapping(phone="A", fields={"debt": "C"}, phones=("D",)))
    row = Row(2, ["912345678", "x", "912345678", "1"], "", [(0, "leading_zero_lost"), (2, "leading_zero_lost")])
    assert columns.pick(row).warnings == ["phone: leading_zero_lost"]
    row = Row(2, ["1", "x", "9" * 20, "9" * 9], "", [(2, "digits_lost"), (3, "leading_zero_lost")])
    assert columns.pick(row).warnings == ["debt: digits_lost", "phones[0]: leading_zero_lost"]


# --- suggestions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", PHONE)
def test_C06_every_known_heading_of_a_phone_is_suggested_however_it_is_written(word: str) -> None:
    for written in (
        word,
        word.upper(),
        f" {word.title()}: ",
        folded(word),
        word.replace(" ", "_"),
        word.replace(" ", "."),
    ):
        assert suggest(["xyz", written], ()).phone == written


@pytest.mark.parametrize("word", NAME)
def test_C06_every_known_heading_of_a_name_is_suggested(word: str) -> None:
    assert suggest(["SĐT", word.upper()], ()) == Mapping(phone="SĐT", name=word.upper())


@pytest.mark.parametrize(
    ("headings", "phone", "name", "phones"),
    [
        (["STT", "Họ và tên", "Số ĐT", "Ghi chú"], "Số ĐT", "Họ và tên", ()),
        (["Lp.", "Imię i nazwisko", "Nr telefonu", "PESEL"], "Nr telefonu", "Imię i nazwisko", ()),
        (["Phone 2", "Name", "Phone 1"], "Phone 1", "Name", ("Phone 2",)),
        (["Phone1", "Phone2", "Phone3"], "Phone1", "", ("Phone2", "Phone3")),
        (["SĐT khác", "SĐT", "Tên KH"], "SĐT", "Tên KH", ("SĐT khác",)),
        (["Telefon domowy", "Nazwa"], "Telefon domowy", "Nazwa", ()),
        (["phone", "Phone", "x"], "A", "", ("B",)),
        (["a", "b"], "", "", ()),
        ([], "", "", ()),
        (["", "", "Điện thoại"], "Điện thoại", "", ()),
    ],
)
def test_C06_lists_as_people_make_them(headings: list[str], phone: str, name: str, phones: tuple[str, ...]) -> None:
    found = suggest(headings, ())
    assert (found.phone, found.name, found.phones) == (phone, name, phones)
    if phone:
        place(found, heading(*headings))  # what is suggested can be used


def test_C08_record_fields_are_suggested_by_name_or_label_and_come_first() -> None:
    fields = (RecordField("customer", "Khách hàng"), RecordField("debt", "Dư nợ"), RecordField("other"))
    found = suggest(["SĐT", "KHACH HANG", "Dư nợ", "Họ tên"], fields)
    assert found.fields == {"customer": "KHACH HANG", "debt": "Dư nợ"}
    assert found.name == "Họ tên"
