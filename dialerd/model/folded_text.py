"""Text as people search it: without accents and capitals, so that `nguyen` finds Nguyễn and `lodz` finds Łódź (C17).

Never shown to anybody: what is shown is the text as it was given.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from dialerd.model.rows import ContactRow, LeadRow

# Letters that Unicode does not take apart into a letter and an accent.
_LETTERS = str.maketrans({"đ": "d", "ł": "l", "ø": "o", "æ": "ae", "œ": "oe", "ı": "i", "ð": "d", "þ": "th"})


@lru_cache(maxsize=8192)  # a lead is written several times while he is called, and his name stays
def fold(text: str) -> str:
    """`text` without accents, in small letters, each run of white space one space."""
    if not text.isascii():
        parts = unicodedata.normalize("NFKD", text)
        text = "".join(c for c in parts if not unicodedata.combining(c)).casefold().translate(_LETTERS)
    return " ".join(text.casefold().split())


def folded_lead(row: LeadRow) -> str:
    """What the search of leads looks through: name, address and e-mail, each on its line."""
    return f"{fold(row.name)}\n{fold(row.address)}\n{row.email.casefold()}"


def folded_contact(row: ContactRow) -> str:
    """What the search of contacts looks through: the name."""
    return fold(row.name)
