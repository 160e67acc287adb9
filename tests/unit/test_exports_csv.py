"""CSV files, written and read back by Python's csv (C18)."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialerd.adapters.exports.cell_text import clean
from dialerd.adapters.exports.csv_text import harmless, write_csv
from dialerd.ports.exports import Cell, Column, Kind, Separator, Table
from tests.unit.exports_cases import AT, FORMULAS, table


def csv_lines(path: Path, told: Table, rows: list[list[Cell]], separator: Separator = ",") -> list[list[str]]:
    write_csv(path, told, [rows], separator)
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file, delimiter=separator, strict=True))


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("kind", ["text", "number", "phone", "moment", "duration"])
def test_C18_no_cell_of_a_csv_is_a_formula(tmp_path: Path, formula: str, kind: Kind) -> None:
    (_, (cell,)) = csv_lines(tmp_path / "x.csv", table(kind), [[formula]])
    assert cell.startswith("'")
    assert cell.replace("'", "") == clean(formula).replace("'", "")


def test_C18_headings_of_a_csv_are_no_formulas_either(tmp_path: Path) -> None:
    told = Table(name="x", title="x", generated_at=AT, zone="UTC", columns=(Column("=1+1"), Column("b")))
    assert csv_lines(tmp_path / "x.csv", told, []) == [["'=1+1", "b"]]


def test_C18_phones_and_negative_numbers_stay_what_they_are_in_their_columns(tmp_path: Path) -> None:
    told = table("phone", "number", "text", "number")
    rows: list[list[Cell]] = [["+84912345678", "-12.5", "+84912345678", -7], ["+84 912", "-1-1", "-5", 1.25]]
    assert csv_lines(tmp_path / "x.csv", told, rows)[1:] == [
        ["+84912345678", "-12.5", "'+84912345678", "-7"],
        ["'+84 912", "'-1-1", "'-5", "1.25"],
    ]


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("x;=1+1", "x;'=1+1"),
        ("x,=1+1", "x,'=1+1"),
        ('x; "=1+1', "x;' \"=1+1"),
        ("x\t@SUM(1)", "x\t'@SUM(1)"),
        ("x\n=1+1", "x\n'=1+1"),
        ("x|+1+A1", "x|'+1+A1"),
        ("x;-5; +84 912 345", "x;-5; +84 912 345"),
        ("gọi lại; khách bận", "gọi lại; khách bận"),
        ("a=b, c-d", "a=b, c-d"),
    ],
)
def test_C18_no_formula_begins_inside_a_cell_for_a_program_with_another_separator(text: str, made: str) -> None:
    assert harmless(text) == made


@given(st.text(max_size=40), st.sampled_from([",", ";", "\t"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_C18_any_text_comes_back_from_a_csv(tmp_path: Path, text: str, separator: Separator) -> None:
    cell = csv_lines(tmp_path / "any.csv", table("text", "text"), [[text, "end"]], separator)[1]
    assert cell == [harmless(clean(text)), "end"]
    assert not cell[0].lstrip().startswith(("=", "+", "-", "@"))


def test_C18_a_csv_follows_rfc_4180(tmp_path: Path) -> None:
    write_csv(tmp_path / "x.csv", table("text", "text"), [[['say "hi", you', "two\nlines"], [None, ""]]], ",")
    assert (tmp_path / "x.csv").read_bytes() == (
        b'\xef\xbb\xbfC\xe1\xbb\x99t 1,C\xe1\xbb\x99t 2\r\n"say ""hi"", you","two\nlines"\r\n,\r\n'
    )


def test_C18_moments_of_a_csv_carry_their_offset_and_durations_are_hours(tmp_path: Path) -> None:
    rows: list[list[Cell]] = [[AT, 93784.4, "0012"]]
    assert csv_lines(tmp_path / "x.csv", table("moment", "duration", "number"), rows)[1] == [
        "2026-11-21T15:00:00+07:00",
        "26:03:04",
        "0012",
    ]


def test_C18_csv_of_nothing_has_its_heading(tmp_path: Path) -> None:
    assert csv_lines(tmp_path / "x.csv", table("text"), []) == [["Cột 1"]]
