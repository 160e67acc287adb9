"""Workbooks, written and read back by openpyxl and calamine (C18)."""

from __future__ import annotations

import zipfile
from datetime import datetime
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pytest
import python_calamine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialerd.adapters.exports.cell_text import clean
from dialerd.adapters.exports.xlsx import CELL_LONGEST, write_xlsx
from dialerd.ports.exports import Cell, Column, Kind, Table
from tests.unit.exports_cases import AT, FORMULAS, MARKUP, VIETNAMESE, table, texts


def test_C18_no_cell_of_a_workbook_is_a_formula_or_a_link(tmp_path: Path) -> None:
    hostile = [*FORMULAS, *MARKUP, "http://evil.example", "mailto:a@b", "internal:Sheet!A1", "{=1+1}"]
    kinds: tuple[Kind, ...] = ("text", "number", "phone", "moment", "duration")
    told = Table(
        name="x",
        title="=1+1",
        generated_at=AT,
        zone="UTC",
        columns=tuple(Column("=2+2", k) for k in kinds),
        filters=("=3",),
    )
    write_xlsx(tmp_path / "x.xlsx", told, [[[text] * 5 for text in hostile]])
    book = openpyxl.load_workbook(tmp_path / "x.xlsx")
    cells = [cell for page in book for line in page.iter_rows() for cell in line if cell.value is not None]
    assert len(cells) == 5 * (len(hostile) + 1) + 7
    assert {cell.data_type for cell in cells} == {"s"}
    assert not any(cell.hyperlink for cell in cells)
    assert [line[0].value for line in book.worksheets[0].iter_rows(min_row=2)] == [clean(text) for text in hostile]
    assert b"<f>" not in zipfile.ZipFile(tmp_path / "x.xlsx").read("xl/worksheets/sheet1.xml")


def test_C18_a_cell_that_looks_like_the_writers_own_markup_is_a_text(tmp_path: Path) -> None:
    evil = "<r><t>x</t></r></is></c><c r='B2'><f>1+1</f></c><c r='C2' t='inlineStr'><is><r><t>y</t></r>"
    write_xlsx(tmp_path / "x.xlsx", table("text", title=evil), [[[evil]]])
    book = openpyxl.load_workbook(tmp_path / "x.xlsx")
    assert book.worksheets[0]["A2"].value == evil + " "
    assert book.worksheets[0]["B2"].value is None
    assert book.worksheets[1]["B1"].value == evil + " "


@given(st.text(max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
def test_C18_any_text_comes_back_from_a_workbook(tmp_path: Path, text: str) -> None:
    write_xlsx(tmp_path / "any.xlsx", table("text", "text"), [[[text, "end"]]])
    (_, row) = python_calamine.load_workbook(str(tmp_path / "any.xlsx")).get_sheet_by_index(0).to_python()
    assert row == [clean(text), "end"]


def test_C18_kinds_become_cells_of_their_kind_in_the_tables_zone(tmp_path: Path) -> None:
    told = table("text", "number", "moment", "phone", "duration", "number", "number", title="Tháng 11")
    rows: list[list[Cell]] = [
        [VIETNAMESE, 12.5, AT, "+84912345678", 93784, "1500", "0012"],
        [None, "12345678901234567890", "hôm nay", "0912345678", None, 10**17, float("inf")],
    ]
    write_xlsx(tmp_path / "x.xlsx", told, [rows])
    page = openpyxl.load_workbook(tmp_path / "x.xlsx").worksheets[0]
    first, second = list(page.iter_rows(min_row=2))
    assert page.title == "Tháng 11"
    assert first[0].value == VIETNAMESE
    assert first[1].value == 12.5
    assert first[2].value == datetime(2026, 11, 21, 15, 0)  # noqa: DTZ001
    assert first[2].is_date
    assert (first[3].value, first[3].data_type) == ("+84912345678", "s")
    assert first[4].number_format == "[h]:mm:ss"
    assert abs(first[4].value.total_seconds() - 93784) < 1
    assert (first[5].value, first[6].value) == (1500, "0012")
    assert [cell.value for cell in second] == [
        None,
        "12345678901234567890",
        "hôm nay",
        "0912345678",
        None,
        "100000000000000000",
        "inf",
    ]
    assert page.freeze_panes == "A2"
    assert page.auto_filter.ref == "A1:G3"
    assert page.column_dimensions["A"].width > 40


def test_C18_more_rows_than_a_page_holds_go_on_further_pages_with_the_heading(tmp_path: Path) -> None:
    done = write_xlsx(tmp_path / "x.xlsx", table("number"), [texts(range(7)), texts(range(7, 10))], rows_in_sheet=5)
    book = openpyxl.load_workbook(tmp_path / "x.xlsx")
    assert (done.rows, done.sheets) == (10, 2)
    assert book.sheetnames == ["Khách hàng", "Khách hàng 2", "About"]
    assert [[cell.value for (cell,) in page.iter_rows()] for page in book.worksheets[:2]] == [
        ["Cột 1", 0, 1, 2, 3, 4],
        ["Cột 1", 5, 6, 7, 8, 9],
    ]


@pytest.mark.parametrize("letter", ["x", "ộ", "😀", "<"])
def test_C18_a_cell_longer_than_excel_takes_is_cut_with_a_mark(tmp_path: Path, letter: str) -> None:
    long = letter * (CELL_LONGEST + 1)
    just = "y" * CELL_LONGEST
    done = write_xlsx(tmp_path / "x.xlsx", table("text", language="vi"), [texts([long, just])])
    book = openpyxl.load_workbook(tmp_path / "x.xlsx")
    cut, whole = (line[0].value for line in book.worksheets[0].iter_rows(min_row=2))
    assert done.cut == 1
    assert cut.startswith(letter * 16000)
    assert cut.endswith(" […đã cắt: 32768 ký tự]")
    assert CELL_LONGEST - 1 <= len(cut.encode("utf-16-le")) // 2 <= CELL_LONGEST
    assert whole == just
    about = {line[0].value: line[1].value for line in book["Thông tin"].iter_rows()}
    assert about["Số ô bị cắt"] == "1"


def test_C18_the_last_page_tells_what_the_table_is(tmp_path: Path) -> None:
    told = table("text", title="Leads", filters=("state: fresh", "joined since 2026-11-01"))
    write_xlsx(tmp_path / "x.xlsx", told, [texts(["a", "b"])])
    page = openpyxl.load_workbook(tmp_path / "x.xlsx")["About"]
    assert [[cell.value for cell in line] for line in page.iter_rows()] == [
        [None, "Leads"],
        ["Generated", "2026-11-21 15:00:00 Asia/Ho_Chi_Minh"],
        ["Filters", "state: fresh"],
        [None, "joined since 2026-11-01"],
        ["Rows", "2"],
    ]
