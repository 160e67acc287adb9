"""Rows of a list as contacts (C06).

Never takes a code twice from one list, and of rows without a code no phone that a row before them has.
"""

from __future__ import annotations

import msgspec

from dialerd.adapters.sheets.checking import Checker, as_number
from dialerd.adapters.sheets.columns import placed_contacts
from dialerd.adapters.sheets.headings import suggest_contacts
from dialerd.model.contact_check import ContactGiven, given, merged, nobody
from dialerd.ports.sheets import ContactChecking, Heading, Picked

_SOMEBODY = msgspec.structs.replace(nobody(""), name="x")
"""Who has a code may be there already, with a name: of him a row may say less."""


class ContactChecker(Checker[ContactGiven]):
    """Checks the rows of one list of contacts."""

    def __init__(self, checking: ContactChecking, heading: Heading) -> None:
        """Raises Refusal for a mapping that does not fit the heading."""
        mapping = checking.mapping or suggest_contacts(heading.headings)
        super().__init__(mapping, placed_contacts(mapping, heading), checking.region)
        self._codes: set[str] = set()
        self._phones: set[int] = set()

    def _item(self, picked: Picked) -> ContactGiven:
        texts: dict[str, object] = dict(picked.more)
        code = str(texts.pop("code", ""))
        texts |= {name: text for name, text in (("name", picked.name), ("phone", picked.phone)) if text}
        if picked.fields:
            texts["fields"] = picked.fields
        said = given(code, texts, self._region)
        merged(_SOMEBODY if code else nobody(""), said)
        return said

    def _twice(self, item: ContactGiven) -> str:
        phone = as_number(item.phone) if item.phone else 0
        if item.code in self._codes if item.code else phone in self._phones:
            return f"a row before it has the same {'code' if item.code else 'phone'}"
        if item.code:
            self._codes.add(item.code)
        if phone:
            self._phones.add(phone)
        return ""
