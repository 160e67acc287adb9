"""What the store is asked of contacts, groups, tickets and referrals, and the search of leads, as a promise.

Never a whole table: every question has a bound on what it costs and on what it gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from dialerd.model.lead_search import LeadSearch, LeadsFound
from dialerd.model.rows import ContactRow, LeadRow, MemberRow, ReferralRow, TicketRow

SCAN = 50_000
"""Rows that one search looks through at most."""


class ContactsFound(msgspec.Struct, frozen=True):
    """A portion of what was searched for."""

    contacts: list[ContactRow]
    after: str
    """Where to go on: the contact with this code was the last that was looked at."""
    more: bool
    """Whether there are contacts after it that were not looked at."""


class ContactStore(Protocol):
    """A part of the store. All raise StoreFailingError."""

    async def contact(self, code: str) -> ContactRow | None:
        """The contact with that code, also one that was deleted."""

    async def contacts(self, after: str, limit: int) -> list[ContactRow]:
        """Contacts by code, beginning after code `after`."""

    async def contacts_by_id(self, codes: Sequence[str]) -> list[ContactRow]:
        """The contacts with these codes, in no order."""

    async def contacts_by_phone(self, phones: Sequence[str]) -> list[ContactRow]:
        """The contacts with one of these phones, in no order."""

    async def contacts_by_email(self, email: str, after: str, limit: int) -> list[ContactRow]:
        """The contacts with that e-mail address, in small letters, by code."""

    async def contacts_named(self, part: str, after: str, limit: int) -> ContactsFound:
        """Contacts whose name has that part, by code, in a portion of bounded cost."""

    async def members(self, kind: str, group: str, after: str, limit: int) -> list[str]:
        """The members of a group by name, beginning after member `after`."""

    async def are_members(self, kind: str, group: str, names: Sequence[str]) -> list[MemberRow]:
        """The rows of those of `names` that are members of a group."""

    async def leads_by_phone(self, campaign: str, phones: Sequence[str]) -> list[LeadRow]:
        """The leads of a campaign with one of these phones, in no order."""

    async def leads_sought(self, search: LeadSearch, after: int, limit: int) -> LeadsFound:
        """Leads by id (by phone, if a phone is sought), beginning after lead `after`, in a portion of bounded cost."""

    async def ticket(self, ticket: int) -> TicketRow | None: ...

    async def tickets(self, campaign: str | None, state: str | None, after: int, limit: int) -> list[TicketRow]:
        """Tickets by id, beginning after ticket `after`; with a state, of a campaign only."""

    async def referrals_of(self, ticket: int) -> list[ReferralRow]:
        """What triggers made of a ticket."""
