"""The few words that a form itself brings, in the languages of the centres dialerd was written for.

Never holds a word of a table: headings and filters come with it.
"""

from __future__ import annotations

from typing import NamedTuple


class Captions(NamedTuple):
    """Words of one language."""

    about: str
    generated: str
    filters: str
    rows: str
    cut_cells: str
    """Stands before the number of cells that were cut."""
    cut: str
    """Ends a cell that was cut; `{}` is how many characters it had."""


_ENGLISH = Captions("About", "Generated", "Filters", "Rows", "Cells cut short", " […cut: {} characters]")
_CAPTIONS = {
    "en": _ENGLISH,
    "vi": Captions("Thông tin", "Thời điểm lập", "Bộ lọc", "Số dòng", "Số ô bị cắt", " […đã cắt: {} ký tự]"),
    "pl": Captions("Informacje", "Utworzono", "Filtry", "Wiersze", "Skrócone komórki", " […skrócono: {} znaków]"),
}


def captions(language: str) -> Captions:
    """The words of a language such as `vi` or `vi-VN`; English for one that is not here."""
    return _CAPTIONS.get(language.split("-")[0].lower(), _ENGLISH)
