"""Pages, written and read back by html.parser (C18)."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialerd.adapters.exports.cell_text import clean
from dialerd.adapters.exports.html import render_sheet, render_table
from dialerd.model.errors import Refusal
from dialerd.ports.exports import Block, Cell, Column, Fact, PrintSheet, Table
from tests.unit.exports_cases import AT, MARKUP, VIETNAMESE, table, texts


class Page(HTMLParser):
    """What a browser finds: tags, attributes, cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self.open = ""
        self.style = ""
        self.odd: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open = tag
        if tag in ("td", "dd"):
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        self.open = ""

    def handle_data(self, data: str) -> None:
        if self.open in ("td", "dd"):
            self.cells[-1] += data
        if self.open == "style":
            self.style += data

    def handle_comment(self, data: str) -> None:
        self.odd.append(data)

    def handle_pi(self, data: str) -> None:
        self.odd.append(data)

    def unknown_decl(self, data: str) -> None:
        self.odd.append(data)


OURS = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "dl", "dt", "dd", "p", "section"} | {
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
}


def hostile_pages() -> list[str]:
    hostile: list[Cell] = [*MARKUP]
    told = Table(
        name="x",
        title=MARKUP[2],
        generated_at=AT,
        zone="UTC",
        columns=tuple(Column(text) for text in MARKUP),
        filters=tuple(MARKUP),
        language='en"><script>',
    )
    block = Block(
        heading=MARKUP[0],
        text=MARKUP[1],
        facts=tuple(Fact(text, text) for text in MARKUP),
        columns=tuple(Column(text) for text in MARKUP),
        rows=(hostile,),
    )
    sheet = PrintSheet(name="x", title=MARKUP[0], generated_at=AT, zone="UTC", blocks=(block,), language="</html>")
    return ["".join(render_table(told, [[hostile]])), "".join(render_sheet(sheet, None))]


@pytest.mark.parametrize("number", [0, 1])
def test_C18_no_markup_of_a_stranger_comes_alive(number: int) -> None:
    page = Page(hostile_pages()[number])
    assert {tag for tag, _ in page.tags} <= OURS
    assert not page.odd
    attributes = {name for _, attrs in page.tags for name in attrs}
    assert attributes <= {"lang", "charset", "http-equiv", "content", "name", "class", "scope"}
    assert page.cells[-len(MARKUP) :] == MARKUP
    assert page.tags[0] == ("html", {"lang": "und"})


def test_C18_the_pages_policy_lets_in_its_own_style_and_nothing_else() -> None:
    import base64
    import hashlib

    page = Page(hostile_pages()[0])
    policies = [attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy"]
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert policies == [f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"]
    assert "url(" not in page.style
    assert "@import" not in page.style


def test_C18_a_page_has_what_printing_needs() -> None:
    text = "".join(render_table(table("text", language="vi", filters=("mới",)), [texts([VIETNAMESE])]))
    page = Page(text)
    assert page.tags[0] == ("html", {"lang": "vi"})
    assert "size: A4 landscape" in page.style
    assert "display: table-header-group" in page.style
    assert "counter(page)" in page.style
    assert page.cells == ["2026-11-21 15:00:00 Asia/Ho_Chi_Minh", "mới", VIETNAMESE]


@given(st.text(max_size=60))
@settings(deadline=None, max_examples=50)
def test_C18_any_text_comes_back_from_a_page(text: str) -> None:
    page = Page("".join(render_table(table("text"), [[[text]]])))
    assert page.cells[-1] == clean(text)
    assert {tag for tag, _ in page.tags} <= OURS


def test_C18_a_long_page_is_made_as_rows_come() -> None:
    asked: list[int] = []

    def batches() -> Iterator[list[list[Cell]]]:
        for number in range(1000):
            asked.append(number)
            yield [[f"{number}"] * 10] * 10

    pieces = render_table(table(*["text"] * 10), batches())  # type: ignore[arg-type]
    next(pieces)
    next(pieces)
    assert len(asked) < 50


def test_C18_an_operators_own_template_goes_first_and_escapes_as_well(tmp_path: Path) -> None:
    (tmp_path / "letter.html.j2").write_text("<p>{{ title }}</p>{% for b in blocks %}<q>{{ b.text }}</q>{% endfor %}")
    sheet = PrintSheet(name="x", title="<b>", generated_at=AT, zone="UTC", blocks=(Block(text="&"),), template="letter")
    assert "".join(render_sheet(sheet, str(tmp_path))) == "<p>&lt;b&gt;</p><q>&amp;</q>"


@pytest.mark.parametrize("name", ["letter", "../sheet", "table", "frame", "", "/etc/passwd"])
def test_C18_an_unknown_template_is_refused_with_those_there_are(name: str) -> None:
    sheet = PrintSheet(name="x", title="x", generated_at=AT, zone="UTC", blocks=(), template=name)
    with pytest.raises(Refusal) as refused:
        render_sheet(sheet, None)
    assert (refused.value.code, refused.value.field, refused.value.allowed) == ("bad_argument", "template", ["sheet"])
