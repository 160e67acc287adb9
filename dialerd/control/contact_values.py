"""Contacts as commands change them, and the codes by which commands name several (C06).

Never keeps a value that is refused, and never looks a contact up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dialerd.campaigns.contacts import MADE
from dialerd.model.contact_check import Code, checked_code, given, merged, nobody
from dialerd.model.errors import Refusal
from dialerd.model.rows import ContactRow

__all__ = ["MOST_CODES", "Code", "changed", "checked_codes", "new_contact", "refuse_made"]

_BETWEEN = re.compile(r"[\s,;]+")
MOST_CODES = 100_000


def changed(row: ContactRow, values: Mapping[str, Any], region: str) -> ContactRow:
    """`row` with other values: name of the field to its text, `fields` to further texts by name; an empty one takes away.

    Raises Refusal that names the field.
    """
    return merged(row, given(row.id, values, region))


def new_contact(code: str, values: Mapping[str, Any], region: str) -> ContactRow:
    """A contact as if it were not there yet; an empty code: it gets one when it is written. Raises Refusal."""
    return changed(nobody(checked_code(code) if code else ""), values, region)


def refuse_made(code: str) -> None:
    """Raises Refusal for a code of no contact that is as the daemon makes codes itself: it would give it away again."""
    if MADE.fullmatch(code):
        because = f"there is no contact {code}, and the daemon makes such codes itself"
        raise Refusal("bad_argument", because, "code", "another code, or none and one is made")


def checked_codes(text: str) -> list[str]:
    """The codes of a list that commas, semicolons or white space part, each once. Raises Refusal (field `codes`)."""
    codes = list(dict.fromkeys(part for part in _BETWEEN.split(text) if part))
    if not codes or len(codes) > MOST_CODES:
        raise Refusal("bad_argument", f"{len(codes)} codes", "codes", f"1 to {MOST_CODES}")
    for code in codes:
        try:
            checked_code(code)
        except Refusal as refusal:
            raise Refusal("bad_argument", refusal.message[:120], "codes", refusal.allowed) from None
    return codes
