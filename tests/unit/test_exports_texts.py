"""Texts, odd numbers and odd rows, in all formats (C18)."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pytest

from dialerd.adapters.exports.cell_text import clean, duration
from dialerd.adapters.exports.csv_text import write_csv
from dialerd.adapters.exports.html import render_table
from dialerd.adapters.exports.xlsx import write_xlsx
from dialerd.ports.exports import Kind
from tests.unit.exports_cases import VIETNAMESE, table


def test_C18_letters_are_composed_and_forbidden_ones_are_seen() -> None:
    apart = unicodedata.normalize("NFD", VIETNAMESE)
    assert apart != VIETNAMESE
    assert clean(apart) == VIETNAMESE
    assert clean("a\x00b\x1bc\x7fd\ud800e\uffff") == "a\ufffdb\ufffdc\ufffdd\ufffde\ufffd"
    assert clean("a\tb\r\nc\rd") == "a\tb\nc\nd"


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "0:00:00"), (59.6, "0:01:00"), (3600 * 30, "30:00:00"), (-5, "-0:00:05")]
)
def test_C18_durations_are_hours_minutes_seconds(seconds: float, told: str) -> None:
    assert duration(seconds) == told


@pytest.mark.parametrize("at", [float("nan"), float("inf"), 1e300, -1e300])
@pytest.mark.parametrize("kind", ["moment", "duration", "number"])
def test_C18_a_number_beyond_all_calendars_is_still_a_cell(tmp_path: Path, at: float, kind: Kind) -> None:
    told = table(kind)
    write_csv(tmp_path / "x.csv", told, [[[at]]], ",")
    write_xlsx(tmp_path / "x.xlsx", told, [[[at]]])
    assert "".join(render_table(told, [[[at]]]))
    book = openpyxl.load_workbook(tmp_path / "x.xlsx")
    assert book.worksheets[0]["A2"].value is not None


def test_C18_a_row_without_a_cell_a_column_is_an_error_in_every_format(tmp_path: Path) -> None:
    told = table("text", "text")
    for write in (
        lambda: write_csv(tmp_path / "x.csv", told, [[["a"]]], ","),
        lambda: write_xlsx(tmp_path / "x.xlsx", told, [[["a"]]]),
        lambda: "".join(render_table(told, [[["a"]]])),
    ):
        with pytest.raises(ValueError, match="zip"):
            write()
