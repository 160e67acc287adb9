"""The pasts of the numbers that are about to be dialed: read with their leads, and kept exact by every call and list entry since.

Never the truth: it is empty after a restart and comes again with the leads. Never a guess: what was not read is not known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec

from dialerd.compliance.history import Contact, History
from dialerd.model.facts import LeadsOffered
from dialerd.model.instants import Instant
from dialerd.model.pasts import REFUSALS, ListEntry, Past, PastCall
from dialerd.model.purposes import PURPOSES, Purpose
from dialerd.model.rows import AttemptRow, LeadRow

SWEEP = 4096
"""Numbers kept at least before those that nobody is about to dial are forgotten."""


class Known(msgspec.Struct):
    """What is known of one number; exact from `since` on, and for the lists if `lists`."""

    contacts: dict[str, Contact] = {}
    since: Instant | None = None
    """None: its calls were not read."""
    entries: dict[tuple[str, str], ListEntry | None] = {}
    """By list and channel; None: taken back while an answer of the store is on its way."""
    lists: bool = False

    def history(self) -> History | None:
        """The calls as the rules want them; None if they were not read."""
        if self.since is None:
            return None
        refused = [one.at for one in self.entries.values() if one is not None and one.list_name == REFUSALS]
        return History(self.since, tuple(self.contacts.values()), last_refusal=max(refused, default=None))


class Pasts:
    """By number. A number that is not here has not been read."""

    def __init__(self) -> None:
        self.known: dict[str, Known] = {}
        self._asked = 0
        """Questions whose answers are on their way: these may be older than what happens now."""
        self._meanwhile: dict[str, Known] = {}
        self._sweep_at = SWEEP

    def ask(self) -> None:
        """The store is being asked."""
        self._asked += 1

    def answer(self, fact: LeadsOffered) -> None:
        """The store's answer; what happened since it was asked goes before what it tells."""
        told = {past.number: past for past in fact.pasts}
        for number in numbers_in(fact.leads):
            self._learn(number, told.get(number), fact.since, fact.lists)
        self._asked = max(0, self._asked - 1)
        if not self._asked:
            self._meanwhile.clear()

    def tell(self, number: str, pasts: Sequence[Past], since: Instant | None) -> None:
        """What was read of one number for a command, with its entries in lists; what is known already goes before."""
        self._learn(number, next(iter(pasts), None), since, True)

    def _learn(self, number: str, past: Past | None, since: Instant | None, lists: bool) -> None:
        known = self.known.get(number)
        if known is None:
            known = self.known[number] = Known()
        meanwhile = self._meanwhile.get(number)
        if since is not None and (known.since is None or since < known.since):
            read = {call.id: contact(call) for call in past.calls} if past is not None else {}
            newer = {} if meanwhile is None else meanwhile.contacts
            known.contacts = {**read, **known.contacts, **newer}
            known.since = since
        if lists and not known.lists:
            found = {(one.list_name, one.channel): one for one in past.entries} if past is not None else {}
            known.entries = {**found, **known.entries, **({} if meanwhile is None else meanwhile.entries)}
            known.lists = True

    def call(self, call: AttemptRow) -> None:
        """A call was placed, connected or is over."""
        if not self.known and not self._asked:
            return
        made = Contact(
            call.placed_at,
            outcome=call.outcome,
            answered_by=call.answered_by,
            campaign=call.campaign,
            purpose=_purpose(call.purpose),
            talked=call.connected_at is not None,
        )
        for known in self._of(call.number):
            known.contacts[call.id] = made

    def listed(self, number: str, entry: ListEntry) -> None:
        """The number was put on a list."""
        for known in self._of(number):
            known.entries[entry.list_name, entry.channel] = entry

    def unlisted(self, number: str, list_name: str, channel: str) -> None:
        """The number was taken from a list."""
        for known in self._of(number):
            known.entries[list_name, channel] = None

    def _of(self, number: str) -> Iterable[Known]:
        known = self.known.get(number)
        if known is not None:
            yield known
        if self._asked:
            yield self._meanwhile.setdefault(number, Known())

    @property
    def full(self) -> bool:
        """Whether there are many more numbers than when it was swept last."""
        return len(self.known) > self._sweep_at

    def keep_only(self, numbers: Collection[str]) -> None:
        """Forget all numbers but these."""
        self.known = {number: known for number, known in self.known.items() if number in numbers}
        self._sweep_at = max(SWEEP, 2 * len(self.known))


def numbers_of(lead: LeadRow) -> tuple[str, ...]:
    """All phones of a lead."""
    return (lead.phone, *lead.phones) if lead.phones else (lead.phone,)


def contact(call: PastCall) -> Contact:
    """A call that the store told, as the rules want it."""
    return Contact(
        call.at,
        outcome=call.outcome,
        answered_by=call.answered_by,
        campaign=call.campaign,
        purpose=_purpose(call.purpose),
        talked=call.talked,
    )


def known_of(past: Past | None, since: Instant | None) -> Known:
    """What the store has just told of one number."""
    known = Known(since=since, lists=True)
    if past is not None:
        known.contacts = {call.id: contact(call) for call in past.calls}
        known.entries = {(one.list_name, one.channel): one for one in past.entries}
    return known


def numbers_in(leads: Iterable[LeadRow]) -> list[str]:
    """All phones of all leads, each once."""
    return list(dict.fromkeys(number for lead in leads for number in numbers_of(lead)))


_PURPOSES: dict[str, Purpose] = {name: name for name in PURPOSES}
_purpose = _PURPOSES.get
"""The purpose as the rules know it; None, which counts for all, for one that nobody knows."""
