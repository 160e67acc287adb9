"""The questions on contacts, groups, tickets and referrals and the search of leads, each carried to the thread that reads.

Never runs SQL in the event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

from dialerd.adapters.storage.contact_reading import ContactReading
from dialerd.model.lead_search import LeadSearch, LeadsFound
from dialerd.model.rows import ContactRow, LeadRow, MemberRow, ReferralRow, TicketRow
from dialerd.ports.contact_store import ContactsFound

P = ParamSpec("P")
T = TypeVar("T")


class Asking:
    """`dialerd.ports.contact_store.ContactStore` for a store that has a reading and a thread for it."""

    _reading: ContactReading

    async def _read(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        raise NotImplementedError("the store carries it to its thread")

    async def contact(self, code: str) -> ContactRow | None:
        """See `ContactReading.contact`."""
        return await self._read(self._reading.contact, code)

    async def contacts(self, after: str, limit: int) -> list[ContactRow]:
        """See `ContactReading.contacts`."""
        return await self._read(self._reading.contacts, after, limit)

    async def contacts_by_id(self, codes: Sequence[str]) -> list[ContactRow]:
        """See `ContactReading.contacts_by_id`."""
        return await self._read(self._reading.contacts_by_id, codes)

    async def contacts_by_phone(self, phones: Sequence[str]) -> list[ContactRow]:
        """See `ContactReading.contacts_by_phone`."""
        return await self._read(self._reading.contacts_by_phone, phones)

    async def contacts_by_email(self, email: str, after: str, limit: int) -> list[ContactRow]:
        """See `ContactReading.contacts_by_email`."""
        return await self._read(self._reading.contacts_by_email, email, after, limit)

    async def contacts_named(self, part: str, after: str, limit: int) -> ContactsFound:
        """See `ContactReading.contacts_named`."""
        return await self._read(self._reading.contacts_named, part, after, limit)

    async def members(self, kind: str, group: str, after: str, limit: int) -> list[str]:
        """See `ContactReading.members`."""
        return await self._read(self._reading.members, kind, group, after, limit)

    async def are_members(self, kind: str, group: str, names: Sequence[str]) -> list[MemberRow]:
        """See `ContactReading.are_members`."""
        return await self._read(self._reading.are_members, kind, group, names)

    async def leads_by_phone(self, campaign: str, phones: Sequence[str]) -> list[LeadRow]:
        """See `ContactReading.leads_by_phone`."""
        return await self._read(self._reading.leads_by_phone, campaign, phones)

    async def leads_sought(self, search: LeadSearch, after: int, limit: int) -> LeadsFound:
        """See `ContactReading.leads_sought`."""
        return await self._read(self._reading.leads_sought, search, after, limit)

    async def ticket(self, ticket: int) -> TicketRow | None:
        """See `ContactReading.ticket`."""
        return await self._read(self._reading.ticket, ticket)

    async def tickets(self, campaign: str | None, state: str | None, after: int, limit: int) -> list[TicketRow]:
        """See `ContactReading.tickets`."""
        return await self._read(self._reading.tickets, campaign, state, after, limit)

    async def referrals_of(self, ticket: int) -> list[ReferralRow]:
        """See `ContactReading.referrals_of`."""
        return await self._read(self._reading.referrals_of, ticket)
