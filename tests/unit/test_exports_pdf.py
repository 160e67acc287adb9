"""PDF: what is there without WeasyPrint, what it fetches, what its letters are (C18)."""

from __future__ import annotations

import builtins
import io
import sys
from pathlib import Path
from typing import Any

import pypdf
import pytest

from dialerd.adapters.exports import pdf
from dialerd.adapters.exports.html import render_table
from dialerd.model.errors import Refusal
from dialerd.ports.exports import Cell, Column, Kind, Table


def test_C18_without_weasyprint_the_refusal_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(Refusal, match=r"dialerd\[pdf\]") as refused:
        pdf.weasyprint()
    assert (refused.value.code, refused.value.field) == ("not_installed", "format")
    assert refused.value.allowed == ["xlsx", "csv", "html"]


def test_C18_nothing_is_fetched_from_network_or_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "secret.css"
    secret.write_text("p::after { content: 'SECRET' }")
    picture = tmp_path / "secret.svg"
    picture.write_text("<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><text>SECRET</text></svg>")
    page = f"""<link rel=stylesheet href="file://{secret}"><style>@import "file://{secret}"; p {{
        background: url(file://{picture}) }}</style><p>here<img src="file://{picture}"><img src="http://127.0.0.1:9/x.png">
        <object data="file://{picture}"></object>
        <link rel=attachment href="file://{secret}"><img src="data:image/svg+xml,<svg/>">"""
    opened: list[str] = []
    real = builtins.open

    def watched(file: Any, *more: Any, **named: Any) -> Any:
        opened.append(str(file))
        return real(file, *more, **named)

    monkeypatch.setattr(builtins, "open", watched)
    monkeypatch.setattr(io, "open", watched)
    pdf.write_pdf(tmp_path / "x.pdf", [page], 10_000)
    read = pypdf.PdfReader(tmp_path / "x.pdf")
    assert "here" in read.pages[0].extract_text()
    assert "SECRET" not in read.pages[0].extract_text()
    assert not read.attachments
    assert not read.pages[0].images
    assert not [file for file in opened if "secret" in file]


def test_C18_a_page_with_too_much_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="more than 1000 characters") as refused:
        pdf.write_pdf(tmp_path / "x.pdf", ["x" * 600, "y" * 600], 1000)
    assert refused.value.code == "too_much_text"
    assert not (tmp_path / "x.pdf").exists()


def test_C18_wide_tables_hold_fewer_rows() -> None:
    assert pdf.rows_at_most(5000, 12) == 5000
    assert pdf.rows_at_most(5000, 40) == 1500
    with pytest.raises(Refusal, match="41 columns"):
        pdf.check_columns(41)


def test_C18_no_word_of_a_wide_table_is_broken(tmp_path: Path) -> None:
    kinds: tuple[Kind, ...] = (
        "text",
        "phone",
        "moment",
        "number",
        "text",
        "moment",
        "text",
        "text",
        "text",
        "duration",
    )
    columns = tuple(Column(f"Heading{number}", kind) for number, kind in enumerate(kinds))
    told = Table(name="x", title="x", generated_at=0.0, zone="UTC", columns=columns)
    note = "khách hàng đề nghị gọi lại vào buổi chiều, sau giờ làm việc"
    row: list[Cell] = [
        "no_answer",
        "+84912345678",
        1795248000.0,
        1234567,
        note,
        1795248000.0,
        "in_progress",
        "a",
        note,
        90000,
    ]
    rows = [[row] * 50]
    pdf.write_pdf(tmp_path / "x.pdf", render_table(told, rows, pdf.widths(told, rows)), 1_000_000)
    found = [line for page in pypdf.PdfReader(tmp_path / "x.pdf").pages for line in page.extract_text().split()]
    for word in ("no_answer", "+84912345678", "1234567", "in_progress", "25:00:00", "chiều,"):
        assert found.count(word) in (50, 100), word
    for number in range(10):
        assert f"Heading{number}" in found


def test_C18_a_table_of_nothing_and_one_of_the_widest_cells_have_widths() -> None:
    told = Table(name="x", title="x", generated_at=0.0, zone="UTC", columns=(Column(""),) * 40)
    assert "4.5pt" not in pdf.widths(told, [])
    assert "font-size:4.5pt" in pdf.widths(told, [[["x" * 10_000] * 40]])
