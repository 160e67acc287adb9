"""Contacts as they are made and changed (C06).

Never holds them: they are in the store alone, and a command comes with those that it is about.
"""

from __future__ import annotations

import re
from collections import Counter

import msgspec

from dialerd.campaigns import jobs
from dialerd.campaigns.live import Live
from dialerd.model import facts as f
from dialerd.model import intents as i
from dialerd.model.errors import StaleError
from dialerd.model.rows import ContactRow

COUNTER = "contact"
MADE = re.compile(r"pid-[0-9]+", re.IGNORECASE)
"""Codes that the daemon makes: nobody else may give such a one."""


def made_code(number: int) -> str:
    """The code of the contact with that number."""
    return f"pid-{number:06d}"


def next_code(live: Live) -> str:
    """The code that the next contact without one gets."""
    counter = live.counters.get(COUNTER)
    return made_code(1 + (0 if counter is None else counter.value))


def still_so(live: Live, code: str, as_of: int) -> bool:
    """Whether what the store told of that code at turn `as_of` is so now."""
    return live.lately.still_so((ContactRow, code), as_of, live.seq)


def found_contact(live: Live, code: str) -> ContactRow | None:
    """The contact as the store told it for this command, None if there is none. Raises StaleError if it changed since."""
    found = live.found
    if found is None or not still_so(live, code, found.as_of):
        raise StaleError
    return next((row for row in found.contacts if row.id == code), None)


def write_contact(live: Live, intent: i.WriteContact) -> None:
    """Make or change one contact; one without a code gets the next."""
    _write(live, msgspec.structs.replace(intent.contact))


def contacts_read(live: Live, fact: f.ContactsRead) -> None:
    """A batch of a list: those that another way in has changed meanwhile are left as that has made them."""
    became: Counter[str] = Counter()
    for contact in fact.contacts:
        if contact.id and not still_so(live, contact.id, fact.as_of):
            live.odd("contact_changed_meanwhile")
            became["duplicates"] += 1
        else:
            became["updated" if contact.created_at else "added"] += 1
            _write(live, msgspec.structs.replace(contact))
    if fact.job:
        jobs.counted(live, fact, became)


def _write(live: Live, row: ContactRow) -> None:
    if not row.id:
        row.id = made_code(live.count(COUNTER))
    row.created_at = row.created_at or live.now
    row.changed_at = live.now
    live.mark(row)
