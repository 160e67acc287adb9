"""Workbooks of four kinds: what a cell means, what is no lead, what is refused (C06)."""

from __future__ import annotations

import datetime as dt
import io
import os
import re
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import hypothesis.strategies as st
import openpyxl  # type: ignore[import-untyped]
import pytest
import xlsxwriter
from hypothesis import given, settings

from dialerd.adapters.sheets.cells import cell_text
from dialerd.adapters.sheets.compound import stream_of
from dialerd.adapters.sheets.excel_sheets import Workbook
from dialerd.adapters.sheets.kinds import kind_of
from dialerd.adapters.sheets.limits import Limits
from dialerd.model.errors import Refusal
from dialerd.ports.sheets import Heading, HowToRead, Row
from tests.unit.sheet_files import Error, compound, ods, protected, xls, xlsb, zipped

DAY = dt.datetime.fromisoformat("2026-05-01T00:00:00")
NA, DIV = Error(0x2A), Error(7, formula=True)


def xlsx(fill: Callable[[Any, Any], None], **options: Any) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, options) as book:
        fill(book, book.add_worksheet("Leads"))
    return file.getvalue()


def in_memory(data: bytes) -> Any:
    descriptor = os.memfd_create("test")
    os.write(descriptor, data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return os.fdopen(descriptor, "rb")


def read(data: bytes, how: HowToRead | None = None, limits: Limits | None = None) -> tuple[Heading, list[Row]]:
    limits, how = limits or Limits(), how or HowToRead()
    with in_memory(data) as file:
        table = Workbook(file, kind_of(file, limits), limits).tables(how)
        heading = table.begin(how.header_row, limits)
        return heading, [row for batch in table.batches() for row in batch]


def refused(data: bytes, how: HowToRead | None = None, limits: Limits | None = None) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        read(data, how, limits)
    return refusal.value


def rows_of(*rows: Sequence[object]) -> bytes:
    def fill(book: Any, sheet: Any) -> None:
        for n, row in enumerate(rows):
            sheet.write_row(n, 0, row)

    return xlsx(fill)


def test_C06_numbers_that_were_phones_are_phones_again() -> None:
    _, rows = read(
        rows_of(["phone", "n"], [84912345678.0, 1.5], [912345678, -2], [2438255555, 0], ["0912345678", 1e-7])
    )
    assert [row.cells for row in rows] == [
        ["84912345678", "1.5"],
        ["912345678", "-2"],
        ["2438255555", "0"],
        ["0912345678", "1e-07"],
    ]
    assert [row.warnings for row in rows] == [[], [(0, "leading_zero_lost")], [(0, "leading_zero_lost")], []]


def test_C06_digits_that_a_spreadsheet_does_not_keep_are_warned_of() -> None:
    _, rows = read(rows_of(["id"], [1234567890123456789], [123456789012345]))
    assert [row.warnings for row in rows] == [[(0, "digits_lost")], []]


def test_C06_dates_times_and_truth() -> None:
    def fill(book: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ["d", "dt", "t", "span", "yes", "no"])
        sheet.write_datetime(1, 0, DAY, book.add_format({"num_format": "dd/mm/yyyy"}))
        sheet.write_datetime(1, 1, DAY.replace(hour=10, minute=30), book.add_format({"num_format": "dd/mm/yyyy hh:mm"}))
        sheet.write_datetime(1, 2, dt.time(10, 5), book.add_format({"num_format": "hh:mm"}))
        sheet.write_number(1, 3, 1.5, book.add_format({"num_format": "[h]:mm"}))
        sheet.write_boolean(1, 4, True)
        sheet.write_boolean(1, 5, False)

    _, rows = read(xlsx(fill))
    assert rows[0].cells == ["2026-05-01", "2026-05-01T10:30:00", "10:05:00", "36:00:00", "true", "false"]
    assert cell_text(dt.timedelta(hours=-1)) == "-1:00:00"


MAKERS = [("xls", xls), ("xlsb", xlsb), ("ods", ods)]


def as_xlsx(sheets: dict[str, list[list[Any]]]) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for r, row in enumerate(rows):
                for c, cell in enumerate(row):
                    if isinstance(cell, Error):
                        sheet.write_formula(r, c, "=NA()", None, "#N/A" if cell.code == 0x2A else "#DIV/0!")
                    elif cell is not None:
                        sheet.write(r, c, cell)
    return file.getvalue()


@pytest.mark.parametrize(("kind", "make"), [*MAKERS, ("xlsx", as_xlsx)])
def test_C06_every_kind_of_workbook_is_read_alike(kind: str, make: Any) -> None:
    data = make(
        {
            "Một": [
                ["Phone", "Tên", "Debt"],
                ["0912345678", "Nguyễn", 5.0],
                [84912345678.0, "Lê", NA],
                [None, None, None],
                [912345678.0, "Trần", DIV],
                ["0987654321", "x", 1.5],
            ],
            "Hai": [["a"], [NA]],
        }
    )
    heading, rows = read(data)
    assert (heading.kind, heading.sheet, heading.headings) == (kind, "Một", ["Phone", "Tên", "Debt"])
    assert [row.number for row in rows] == [2, 3, 5, 6]
    assert [row.cells[:2] for row in rows] == [
        ["0912345678", "Nguyễn"],
        ["84912345678", "Lê"],
        ["912345678", "Trần"],
        ["0987654321", "x"],
    ]
    troubles = ["", "cell C3 has the error #N/A", "cell C5 has the error #DIV/0!", ""]
    assert [row.trouble for row in rows] == troubles
    assert rows[0].cells[2] == "5"
    assert read(data, HowToRead(sheet="Hai"))[1][0].trouble == "cell A2 has the error #N/A"


def test_C06_a_text_that_looks_like_an_error_is_a_text() -> None:
    _, rows = read(rows_of(["phone", "note"], ["0912", 't="e"'], ["0913", "x"]))
    assert [row.trouble for row in rows] == ["", ""]


def test_C06_error_cells_are_found_in_xml_of_any_style() -> None:
    def rewritten(change: Callable[[str], str]) -> bytes:
        data = as_xlsx({"L": [["a", "b"], ["x", NA], ["y", "z"]]})
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        sheet = "xl/worksheets/sheet1.xml"
        parts[sheet] = change(parts[sheet].decode()).encode()
        return zipped(parts)

    single = rewritten(lambda xml: xml.replace('t="e"', "t = 'e'"))
    without_places = rewritten(lambda xml: re.sub(r'(<(?:c|row)) r="[A-Z0-9]+"', r"\1", xml))
    for data in (single, without_places):
        assert [row.trouble for row in read(data)[1]] == ["cell B2 has the error #N/A", ""]


def test_C06_titles_over_the_whole_width_and_empty_rows_are_left_out() -> None:
    def fill(book: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ["phone", "name", "note"])
        sheet.merge_range(1, 0, 1, 2, "Khu vực Hà Nội")
        sheet.write_row(2, 0, ["0911", "An", ""])
        sheet.write_blank(3, 0, None, book.add_format({"bold": True}))
        sheet.write_row(4, 0, ["  ", "", ""])
        sheet.merge_range(5, 0, 6, 0, "0912")
        sheet.write_row(5, 1, ["B", "x"])
        sheet.write_row(6, 1, ["C", "y"])
        sheet.merge_range(7, 1, 7, 2, "over two of three")

    _, rows = read(xlsx(fill))
    assert [(row.number, row.cells[0]) for row in rows] == [(3, "0911"), (6, "0912"), (7, ""), (8, "")]


def test_C06_a_list_that_does_not_begin_at_a1_keeps_its_letters_and_numbers() -> None:
    def fill(book: Any, sheet: Any) -> None:
        sheet.write_row(2, 3, ["phone", "name"])
        sheet.write_row(4, 3, ["0911", "An"])

    heading, rows = read(xlsx(fill))
    assert (heading.header_row, heading.headings) == (3, ["", "", "", "phone", "name"])
    assert rows == [Row(5, ["", "", "", "0911", "An"])]


def many(book: Any, sheet: Any) -> None:
    sheet.write_row(0, 0, ["a"])
    sheet.write_row(1, 0, ["1"])
    second = book.add_worksheet("Danh sách")
    second.write_row(0, 0, ["List of June"])
    second.write_row(2, 0, ["phone", "name"])
    second.write_row(3, 0, ["0911", "An"])
    book.add_worksheet("empty").hide()
    chart = book.add_chart({"type": "line"})
    chart.add_series({"values": "=Leads!$A$1:$A$2"})
    book.add_chartsheet("picture").set_chart(chart)


def test_C06_a_sheet_is_chosen_by_name_or_position_and_a_heading_by_its_row() -> None:
    data = xlsx(many)
    for chosen in ("Danh sách", "danh sách ", 2):
        heading, rows = read(data, HowToRead(sheet=chosen, header_row=3))
        assert (heading.sheet, heading.headings, rows) == ("Danh sách", ["phone", "name"], [Row(4, ["0911", "An"])])
    assert read(data)[0].sheet == "Leads"
    for wrong in ("picture", "zz", 0, 4, -1, ""):
        refusal = refused(data, HowToRead(sheet=wrong))
        assert (refusal.field, refusal.allowed) == ("sheet", ["Leads", "Danh sách", "empty"])
    assert refused(data, HowToRead(sheet="empty")).code == "bad_file"
    assert refused(data, HowToRead(sheet=2, header_row=2)).field == "header_row"
    assert refused(data, HowToRead(encoding="utf-8")).field == "encoding"


def test_C06_the_first_sheet_that_has_rows_is_read_if_none_is_chosen() -> None:
    def fill(book: Any, sheet: Any) -> None:
        book.add_worksheet("second").write_row(0, 0, ["phone"])

    assert read(xlsx(fill))[0].sheet == "second"
    assert refused(xlsx(lambda book, sheet: None)).code == "bad_file"


def test_C06_a_workbook_of_openpyxl_with_shared_texts() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Số điện thoại", "Ngày"])
    sheet.append(["0912345678", dt.date(2026, 5, 1)])
    sheet.append(["0912345678", None])
    file = io.BytesIO()
    book.save(file)
    _, rows = read(file.getvalue())
    assert [row.cells for row in rows] == [["0912345678", "2026-05-01"], ["0912345678", ""]]


# --- refused ----------------------------------------------------------------------------------------------------------


def test_C06_a_protected_workbook_is_told_as_such() -> None:
    assert "password" in refused(protected()).message


def _old_protected() -> bytes:
    data = stream_of(xls({"L": [["phone"]]}), ("Workbook",))
    return compound({"Workbook": data[:20] + b"\x2f\0\x36\0" + b"\1\0" + bytes(52) + data[20:]})


def test_C06_a_protected_workbook_of_excel_97_is_told_as_such() -> None:
    assert "password" in refused(_old_protected()).message


def test_C06_a_protected_workbook_of_libreoffice_is_told_as_such() -> None:
    with zipfile.ZipFile(io.BytesIO(ods({"L": [["phone"]]}))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["content.xml"] = bytes(range(256)) * 9
    manifest = parts["META-INF/manifest.xml"]
    parts["META-INF/manifest.xml"] = manifest.replace(b"/>", b"><manifest:encryption-data/></manifest:file-entry>", 1)
    assert "password" in refused(zipped(parts)).message


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"%PDF-1.7 ...", "PDF"),
        (b"<html><table><tr><td>0912</td></tr></table></html>", "web page"),
        (b"\xef\xbb\xbf\n <!DOCTYPE html><html>", "web page"),
        (b'<?xml version="1.0"?><Workbook/>', "XML"),
        (b"PK\x03\x04garbage", "damaged"),
        (zipped({"hello.txt": b"x"}), "without a workbook"),
        (b"\x1f\x8b\x08" + bytes(10), "gzip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000), "damaged"),
        (zipped({"xl/workbook.xml": b"<workbook/>"}), ""),
        (zipped({"content.xml": b"<a/>"}), ""),
    ],
)
def test_C06_what_is_no_workbook_is_refused_in_words(data: bytes, word: str) -> None:
    refusal = refused(data)
    assert refusal.code == "bad_file"
    assert word in refusal.message


def test_C06_too_many_rows_columns_and_sheets_are_refused() -> None:
    data = rows_of(*[["x", "y", "z"]] * 20)
    assert refused(data, None, Limits(rows=19)).code == "too_large"
    assert refused(data, None, Limits(columns=2)).allowed == 2
    assert refused(xlsx(many), None, Limits(sheets=2)).allowed == 2


def test_C06_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    data = zipped(
        {"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>", "xl/worksheets/s.xml": b" " * 50_000_000}
    )
    assert len(data) < 100_000
    refusal = refused(data, None, Limits(unpacked=10_000_000))
    assert (refusal.code, refusal.allowed) == ("too_large", 10_000_000)


def test_a_document_type_in_a_workbook_is_refused() -> None:
    data = as_xlsx({"L": [["a"], [NA]]})
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"]
    parts["xl/worksheets/sheet1.xml"] = sheet.replace(b"<worksheet", b'<!DOCTYPE x [<!ENTITY a "b">]><worksheet', 1)
    assert refused(zipped(parts)).code == "bad_file"


GOOD = {
    "xls": xls({"L": [["phone"], ["0912"], [NA]]}),
    "xlsb": xlsb({"L": [["phone"], ["0912"], [NA]]}),
    "ods": ods({"L": [["phone"], ["0912"], [NA]]}),
    "xlsx": as_xlsx({"L": [["phone"], ["0912"], [NA]]}),
}


@settings(max_examples=150, deadline=None)
@given(kind=st.sampled_from(sorted(GOOD)), data=st.data())
def test_C06_a_damaged_workbook_is_read_or_refused_never_a_crash_of_ours(kind: str, data: st.DataObject) -> None:
    good = bytearray(GOOD[kind])
    for _ in range(data.draw(st.integers(1, 6))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    good = good[: data.draw(st.integers(len(good) // 2, len(good)))]
    with in_memory(bytes(good)) as file:
        try:
            kind_found = kind_of(file, Limits())
            if kind_found == "csv":
                return
            table = Workbook(file, kind_found, Limits()).tables(HowToRead())
            table.begin(None, Limits())
            list(table.batches())
        except Refusal:
            pass
        except BaseException as trouble:
            # A panic of the library is no Exception; the worker tells it as a refusal too.
            if type(trouble).__name__ != "PanicException":
                raise


def test_C06_a_compound_file_whose_sectors_go_round_ends_in_an_error() -> None:
    data = bytearray(xls({"L": [["phone"], ["0912"]]}))
    fat_at = 512 + 512 * int.from_bytes(data[76:80], "little")
    data[fat_at : fat_at + 4] = (0).to_bytes(4, "little")
    with pytest.raises(ValueError, match="loop"):
        stream_of(bytes(data), ("Workbook",))
