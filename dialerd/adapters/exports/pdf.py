"""A page of HTML as PDF by WeasyPrint, which is there only with the extra `[pdf]` and Debian's Pango.

Never fetches anything, from the network or from the disk: the page holds all it needs.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from dialerd.adapters.exports.cell_text import CellText, clean
from dialerd.model.errors import Refusal
from dialerd.ports.exports import FORMATS, Batch, Table

COLUMNS = 40
"""More are not to be read on a page 297 mm wide."""
CELLS = 60_000
"""More take more than 1.2 GB and a minute."""
_OTHERS = [form for form in FORMATS if form != "pdf"]
_LONGEST_MEASURED = 60
"""Letters of a cell that count for its column's width; longer ones take more lines."""
_LONGEST_WORD = 25
_PADDING = 2.0
"""Of a cell, in letters."""
_BOLD = 1.2
_LETTER_WIDTH = 0.62
"""Of DejaVu Sans, as a part of its size."""
_SMALLEST = 4.5
_PAGE_POINTS = 770.0
"""A4 landscape without its margins."""


def weasyprint() -> Any:
    """The library. Raises Refusal `not_installed` if it or Pango is not there."""
    try:
        with warnings.catch_warnings(action="ignore"):  # Debian 12 has an older HarfBuzz, which will do
            import weasyprint as library
    except ImportError:
        raise not_installed("WeasyPrint is not installed: install dialerd with its extra, dialerd[pdf]") from None
    except OSError as error:  # by cffi: a shared library is missing
        because = (
            "WeasyPrint does not find Pango: on Debian install libpango-1.0-0, libpangoft2-1.0-0, fonts-dejavu-core"
        )
        raise not_installed(f"{because} ({str(error).splitlines()[0]})") from None
    logging.getLogger("weasyprint").setLevel(logging.CRITICAL)  # its warnings would carry strangers' texts
    return library


def not_installed(because: str) -> Refusal:
    """The Refusal of a PDF where it cannot be made."""
    return Refusal("not_installed", f"PDF cannot be made here: {because}", "format", _OTHERS)


def rows_at_most(rows: int, columns: int) -> int:
    """Rows of so many columns that a PDF holds, `rows` being the most of any table."""
    return min(rows, CELLS // max(1, columns))


def too_many_rows(most: int) -> Refusal:
    """The Refusal of a table that is too long."""
    return Refusal(
        "too_many_rows",
        f"a PDF of this table holds {most} rows at most: filter further, or take another format",
        "format",
        _OTHERS,
    )


def too_slow(seconds: float) -> Refusal:
    """The Refusal of a page that took too long."""
    return Refusal(
        "too_slow", f"the PDF was not made within {seconds:g} s: take fewer rows or another format", "format", _OTHERS
    )


def check_columns(count: int) -> None:
    """Raises Refusal for more columns than a page can show."""
    if count > COLUMNS:
        raise Refusal("bad_argument", f"{count} columns; a PDF shows {COLUMNS} at most", "format", _OTHERS)


def widths(table: Table, batches: Sequence[Batch]) -> str:
    """CSS for the columns' widths and the letters' size, by what stands in them.

    With widths given, laying out takes a fraction of the time. A column has room for its longest word, so that none is
    broken, and long texts share what is left.
    """
    texts = CellText(table.zone)
    words: list[list[float]] = []
    wholes: list[list[float]] = []
    for column in table.columns:
        heading = clean(column.heading)
        words.append([_BOLD * _longest(heading.split())])
        wholes.append([words[-1][0]])
    for batch in batches:
        for row in batch:
            for cell, column, word, whole in zip(row, table.columns, words, wholes, strict=True):
                text = texts.text(cell, column.kind)
                parts = text.split() if column.kind in ("text", "number") else [text]
                word.append(min(_longest(parts), _LONGEST_WORD))
                whole.append(min(len(text), _LONGEST_MEASURED))
    needed = [max(word[0], _nearly_widest(word)) + _PADDING for word in words]
    wanted = [need + max(0.0, _nearly_widest(whole) - need) for need, whole in zip(needed, wholes, strict=True)]
    most, extra = sum(needed), sum(wanted) - sum(needed)
    # Letters as large as half of the long texts allow on one line, but never so large that a word is broken.
    size = min(8.0, max(6.0, _PAGE_POINTS / _LETTER_WIDTH / (most + extra / 2)), _PAGE_POINTS / _LETTER_WIDTH / most)
    size = max(size, _SMALLEST)
    left = max(0.0, _PAGE_POINTS / _LETTER_WIDTH / size - most) / max(1.0, extra)
    shares = [need + left * (want - need) for need, want in zip(needed, wanted, strict=True)]
    lines = [f"body{{font-size:{size:.1f}pt}}table{{table-layout:fixed}}"]
    lines += [
        f"th:nth-child({number}){{width:{100 * share / sum(shares):.3f}%}}" for number, share in enumerate(shares, 1)
    ]
    return "\n".join(lines)


def _longest(words: Sequence[str]) -> int:
    return max(map(len, words), default=0)


def _nearly_widest(lengths: Sequence[float]) -> float:
    """One long cell among many does not take the others' room."""
    return sorted(lengths)[min(len(lengths) - 1, int(len(lengths) * 0.98))]


def write_pdf(path: Path, pieces: Iterable[str], characters: int) -> None:
    """Make the PDF of a page. Raises Refusal for a page of more than `characters`, or without WeasyPrint; OSError."""
    library = weasyprint()
    page: list[str] = []
    length = 0
    for piece in pieces:
        length += len(piece)
        if length > characters:
            because = f"the page has more than {characters} characters: take fewer rows or columns, or another format"
            raise Refusal("too_much_text", because, "format", _OTHERS)
        page.append(piece)
    library.HTML(string="".join(page), url_fetcher=_no_fetching(library)).write_pdf(str(path))


def _no_fetching(library: Any) -> Any:
    base: Any = getattr(library.urls, "URLFetcher", object)  # a plain function will do before version 68

    class NoFetching(base):  # type: ignore[misc]
        def fetch(self, url: str, headers: object = None) -> Any:
            raise ValueError("nothing is fetched for an export")

        def open(self, url: object, data: object = None, timeout: object = None) -> Any:
            raise ValueError("nothing is fetched for an export")

        def __call__(self, url: str, *more: object, **named: object) -> Any:
            raise ValueError("nothing is fetched for an export")

    return NoFetching()
