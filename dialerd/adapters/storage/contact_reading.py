"""What is asked of contacts, groups, tickets and referrals on SQLite, and the search of leads; on one connection, synchronously.

Never writes, and never walks through more than a portion of a big table in one question.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from dialerd.adapters.storage.cells import CONTACT, LEAD, MEMBER, REFERRAL, TICKET, R, Shape
from dialerd.adapters.storage.contact_statements import AT_ONCE, Walk, contact_statements
from dialerd.adapters.storage.reading import Reading
from dialerd.adapters.storage.statements import Statement
from dialerd.model.folded_text import fold
from dialerd.model.lead_search import LeadSearch, LeadsFound, is_sought
from dialerd.model.rows import ContactRow, LeadRow, MemberRow, ReferralRow, TicketRow
from dialerd.model.states import LEAD as LEAD_STATES
from dialerd.ports.contact_store import SCAN, ContactsFound

SQL = contact_statements("sqlite")
_AT_MOST = 10_000


def _like(part: str) -> str:
    """The pattern of a part; empty for none."""
    for special in ("\\", "%", "_"):
        part = part.replace(special, f"\\{special}")
    return f"%{part}%" if part else ""


def _most(limit: int) -> int:
    return min(max(limit, 0), _AT_MOST)


class ContactReading(Reading):
    """The questions of `dialerd.ports.contact_store.ContactStore`. All raise StoreFailingError if the database cannot be read."""

    def contact(self, code: str) -> ContactRow | None:
        """The contact with that code, also one that was deleted."""
        return next(iter(self._ask(CONTACT, SQL.contact, code=code)), None)

    def contacts(self, after: str, limit: int) -> list[ContactRow]:
        """Contacts by code, beginning after code `after`."""
        return self._ask(CONTACT, SQL.contacts, after=after, limit=_most(limit))

    def contacts_by_id(self, codes: Sequence[str]) -> list[ContactRow]:
        """The contacts with these codes, in no order."""
        return self._ask_many(CONTACT, SQL.contacts_by_id, codes)

    def contacts_by_phone(self, phones: Sequence[str]) -> list[ContactRow]:
        """The contacts with one of these phones, in no order."""
        return self._ask_many(CONTACT, SQL.contacts_by_phone, phones)

    def contacts_by_email(self, email: str, after: str, limit: int) -> list[ContactRow]:
        """The contacts with that e-mail address, in small letters, by code."""
        return self._ask(CONTACT, SQL.contacts_by_email, email=email, after=after, limit=_most(limit))

    def contacts_named(self, part: str, after: str, limit: int) -> ContactsFound:
        """Contacts whose name has that part, by code, in a portion of bounded cost."""
        wanted = fold(part)
        found, last, more = self._walk(
            CONTACT, SQL.contacts_named, after, "\U0010ffff", _most(limit), name=_like(wanted)
        )
        rows = [row for row in found if wanted in fold(row.name)]
        return ContactsFound(rows, last if more else after, more)

    def members(self, kind: str, group: str, after: str, limit: int) -> list[str]:
        """The members of a group by name, beginning after member `after`."""
        named = {"kind": kind, "group": group, "after": after, "limit": _most(limit)}
        if not _fit(*named.values()):
            return []
        with self._asking("read members"):
            return [cells[0] for cells in self._cells(SQL.members, **named)]

    def are_members(self, kind: str, group: str, names: Sequence[str]) -> list[MemberRow]:
        """The rows of those of `names` that are members of a group."""
        return self._ask_many(MEMBER, SQL.are_members, names, kind=kind, group=group)

    def leads_by_phone(self, campaign: str, phones: Sequence[str]) -> list[LeadRow]:
        """The leads of a campaign with one of these phones, in no order."""
        return self._ask_many(LEAD, SQL.leads_by_phone, phones, campaign=campaign)

    def leads_sought(self, search: LeadSearch, after: int, limit: int) -> LeadsFound:
        """Leads by id (by phone, if a phone is sought), beginning after lead `after`, in a portion of bounded cost."""
        asked = _of_search(search)
        if not _fit(after, *asked.values()):
            return LeadsFound([], after, False)
        if search.phone:
            gone_by = self.lead_by_id(after) if after else None
            begin = "" if gone_by is None or gone_by.campaign != search.campaign else f"{gone_by.phone}\x01"
            begin, end = max(begin, search.phone), f"{search.phone}\U0010ffff"
            rows, last, more = self._walk(LEAD, SQL.leads_sought_by_phone, begin, end, _most(limit), **asked)
            more = more and last < end
            if more and (lead := self.lead(search.campaign, last)) is not None:
                after = lead.id
        else:
            walk = SQL.leads_sought
            if search.participation:
                walk = SQL.leads_sought_taking_part
            elif len(search.states) == 1:
                walk = SQL.leads_sought_in_state
            rows, last, more = self._walk(LEAD, walk, after, 2**63 - 1, _most(limit), **asked)
            after = last if more else after
        return LeadsFound([row for row in rows if is_sought(search, row)], after, more)

    def ticket(self, ticket: int) -> TicketRow | None:
        """The ticket with that id."""
        return next(iter(self._ask(TICKET, SQL.ticket, ticket=ticket)), None)

    def tickets(self, campaign: str | None, state: str | None, after: int, limit: int) -> list[TicketRow]:
        """Tickets by id, beginning after ticket `after`; with a state, of a campaign only."""
        named: dict[str, Any] = {"after": after, "limit": _most(limit)}
        if campaign is None:
            return self._ask(TICKET, SQL.tickets, **named)
        if state is None:
            return self._ask(TICKET, SQL.tickets_of_campaign, campaign=campaign, **named)
        return self._ask(TICKET, SQL.tickets_in_state, campaign=campaign, state=state, **named)

    def referrals_of(self, ticket: int) -> list[ReferralRow]:
        """What triggers made of a ticket."""
        return self._ask(REFERRAL, SQL.referrals_of, ticket=ticket, limit=1000)

    # --- the ways to the database

    def _ask_many(self, shape: Shape[R], statement: Statement, keys: Sequence[str], **named: Any) -> list[R]:
        keys = [key for key in dict.fromkeys(keys) if _fit(key)]
        found: list[R] = []
        for start in range(0, len(keys), AT_ONCE):
            portion = keys[start : start + AT_ONCE]
            portion += portion[-1:] * (AT_ONCE - len(portion))
            found += self._ask(shape, statement, **{f"key_{i}": key for i, key in enumerate(portion)}, **named)
        return found

    def _walk(
        self, shape: Shape[R], walk: Walk, after: Any, last: Any, limit: int, **named: Any
    ) -> tuple[list[R], Any, bool]:
        """The rows sought in a portion, the key it ended with, and whether there may be more."""
        key = "phone" if isinstance(after, str) and shape.kind is LeadRow else "id"
        if not _fit(after, *named.values()):
            return [], after, False
        with self._asking(f"search {shape.table.name}"):
            ends = self._cells(walk.end, after=after, scan=SCAN - 1, **named)
            end = min(ends[0][0], last) if ends else last
            rows: list[R] = self._rows(shape, walk.page, after=after, end=end, limit=limit, **named)
        if len(rows) == limit and rows:
            return rows, getattr(rows[-1], key), True
        return rows, end, bool(ends)


def _fit(*values: Any) -> bool:
    """Whether values can stand in a database: a stranger may ask for half a surrogate or a number past 64 bits."""
    for value in values:
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            return False
        if isinstance(value, str) and not _is_text(value):
            return False
    return True


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _of_search(search: LeadSearch) -> dict[str, Any]:
    states: Iterable[str] = [state for state in dict.fromkeys(search.states) if state in LEAD_STATES]
    filled = [*states, *["?"] * len(LEAD_STATES)][: len(LEAD_STATES)]  # a state that is none
    return {
        "campaign": search.campaign,
        "any_state": 0 if search.states else 1,
        **{f"state_{i}": state for i, state in enumerate(filled)},
        "owner": search.owner,
        "list_name": search.list_name,
        "participation": search.participation,
        "joined_from": search.joined_from,
        "joined_before": search.joined_before,
        "name": _like(fold(search.name)),
        "address": _like(fold(search.address)),
        "email": _like(search.email.strip().casefold()),
    }
