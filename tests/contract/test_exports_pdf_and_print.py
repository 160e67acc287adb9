"""PDF with its bounds, and print sheets of one lead or campaign (C18)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path

import pypdf
import pytest
import uvloop

from dialerd.adapters.exports.writing import FileExports
from dialerd.model.errors import Refusal
from dialerd.ports.exports import (
    Batch,
    Block,
    Column,
    ExportFailingError,
    Fact,
    PrintFormat,
    PrintSheet,
)
from tests.contract.exports_cases import (
    AT,
    DEADLINE,
    LETTERS,
    NAME,
    left,
    opened,
    portions,
    some,
    table,
    writer_in,
)


@pytest.fixture(autouse=True)
def no_lost_exceptions(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """asyncio says so when a future's exception was never fetched or a callback raised: that is a fault here."""
    yield
    faults = [record.getMessage() for record in caplog.get_records("call") if record.name == "asyncio"]
    assert [fault for fault in faults if "slow" not in fault and "Using selector" not in fault] == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "exports"


async def test_C18_beyond_its_rows_a_pdf_is_refused_with_the_limit_and_the_other_formats(folder: Path) -> None:
    exports = await opened(folder)
    with pytest.raises(Refusal, match="holds 5000 rows at most") as refused:
        await exports.write_table(table(), portions(*[some(1000)] * 6), "pdf")
    assert (refused.value.code, refused.value.field) == ("too_many_rows", "format")
    assert refused.value.allowed == ["xlsx", "csv", "html"]
    with pytest.raises(Refusal, match="holds 1500 rows at most"):
        await exports.write_table(table(columns=40), [some(1501, 40)], "pdf")
    assert left(folder) == []


async def test_C18_a_pdf_that_takes_too_long_is_refused_and_its_writer_ended(folder: Path) -> None:
    exports = await opened(folder, pdf_seconds=0.01)
    with pytest.raises(Refusal, match=r"not made within 0\.01 s") as refused:
        await exports.write_table(table(), [some(2000)], "pdf")
    assert refused.value.code == "too_slow"
    assert writer_in(folder) is None
    assert left(folder) == []


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("raise OSError('cannot load library libpango-1.0-0')", "libpango-1.0-0, libpangoft2-1.0-0"),
        ("raise ImportError('gone')", r"dialerd\[pdf\]"),
    ],
)
async def test_C18_without_weasyprint_or_pango_a_pdf_is_refused_before_rows_are_read(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, told: str
) -> None:
    (tmp_path / "poor" / "weasyprint").mkdir(parents=True)
    (tmp_path / "poor" / "weasyprint" / "__init__.py").write_text(body)
    monkeypatch.syspath_prepend(str(tmp_path / "poor"))
    exports = await opened(folder)

    async def rows() -> AsyncIterator[Batch]:
        yield some(1)
        await asyncio.Event().wait()

    with pytest.raises(Refusal, match=told) as refused:
        await asyncio.wait_for(exports.write_table(table(), rows(), "pdf"), DEADLINE)
    assert refused.value.code == "not_installed"
    assert refused.value.allowed == ["xlsx", "csv", "html"]
    assert left(folder) == []


async def test_C18_vietnamese_letters_of_a_pdf_are_in_an_embedded_font_on_every_numbered_page(folder: Path) -> None:
    exports = await opened(folder)
    batch: Batch = [(f"{LETTERS} {LETTERS.upper()}", "+84912345678", AT) for _ in range(60)]
    read = pypdf.PdfReader((await exports.write_table(table(), [batch], "pdf")).path)
    pages = len(read.pages)
    assert pages > 1
    width, height = read.pages[0].mediabox[2:]
    assert (round(width), round(height)) == (842, 595)
    assert read.metadata is not None
    assert read.metadata.title == "Khách hàng tháng 11"
    for number, page in enumerate(read.pages, 1):
        text = page.extract_text()
        together = "".join(text.split())
        assert LETTERS in together
        assert LETTERS.upper() in together
        assert "Điện thoại" in text
        assert f"{number} / {pages}" in text
    fonts = [font.get_object() for page in read.pages for font in page["/Resources"]["/Font"].values()]  # type: ignore[index]
    assert fonts
    for font in fonts:
        descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
        assert {"/FontFile2", "/FontFile3"} & set(descriptor)
        assert "DejaVu" in str(descriptor["/FontName"])


def lead_sheet(template: str = "sheet") -> PrintSheet:
    return PrintSheet(
        name="lead +84912345678",
        title=f"{NAME} <b>",
        generated_at=AT,
        zone="Asia/Ho_Chi_Minh",
        language="vi",
        template=template,
        blocks=(
            Block(facts=(Fact("Điện thoại", "+84912345678", "phone"), Fact("Gọi lại", AT, "moment"), Fact("Nợ", None))),
            Block(heading="Ghi chú", text="dòng một\ndòng hai <script>"),
            Block(
                heading="Cuộc gọi",
                columns=(Column("Lúc", "moment"), Column("Kết quả"), Column("Dài", "duration")),
                rows=((AT, "no_answer", None), (AT + 3600, "sale", 125.0)),
            ),
        ),
    )


@pytest.mark.parametrize("form", ["html", "pdf"])
async def test_C18_one_lead_is_printed(folder: Path, form: PrintFormat) -> None:
    exports = await opened(folder)
    done = await exports.write_sheet(lead_sheet(), form)
    assert done.name == f"lead-84912345678-2026-11-21.{form}"
    if form == "pdf":
        page = pypdf.PdfReader(done.path).pages[0]
        text = page.extract_text()
        assert (round(page.mediabox[2]), round(page.mediabox[3])) == (595, 842)
        assert f"{NAME} <b>" in text
    else:
        text = Path(done.path).read_text("utf-8")
        assert f"{NAME} &lt;b&gt;" in text
        assert "<script" not in text
    for told in ("2026-11-21 15:00:00", "dòng hai", "Cuộc gọi", "0:02:05", "no_answer", "+84912345678"):
        assert told in text


async def test_C18_an_operators_wrong_template_is_told_with_its_line(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "letter.html.j2").write_text("<p>\n{% if %}")
    (tmp_path / "own" / "note.html.j2").write_text("{{ nobody }}")
    exports = FileExports(folder, templates=tmp_path / "own")
    await exports.open()
    with pytest.raises(ExportFailingError, match=r"template letter\.html\.j2, line 2"):
        await exports.write_sheet(lead_sheet("letter"), "html")
    with pytest.raises(ExportFailingError, match="'nobody' is undefined"):
        await exports.write_sheet(lead_sheet("note"), "html")
    with pytest.raises(Refusal) as refused:
        await exports.write_sheet(lead_sheet("poster"), "html")
    assert refused.value.allowed == ["letter", "note", "sheet"]
    assert left(folder) == []


@pytest.mark.parametrize(
    "promise",
    [
        test_C18_beyond_its_rows_a_pdf_is_refused_with_the_limit_and_the_other_formats,
        test_C18_a_pdf_that_takes_too_long_is_refused_and_its_writer_ended,
    ],
)
def test_C18_pdf_the_same_under_uvloop(
    promise: Callable[[Path], Coroutine[object, object, None]], folder: Path
) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(promise(folder))
