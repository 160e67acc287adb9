"""What is known of past contacts with one number, over all campaigns: what attempt limits and lockouts count.

Never the whole past: it says how far back it reaches, and a rule that looks further back refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from dialerd.compliance.pack import Channel, Event, Purpose
from dialerd.model.instants import Instant


class Contact(msgspec.Struct, frozen=True):
    """One call or message with the number, out or in."""

    at: Instant
    """When it was dialed, sent or came in."""
    channel: Channel = "voice"
    outcome: str = ""
    """As the attempt names it; empty: not known, which counts."""
    answered_by: str = ""
    """person, machine, or empty: nobody, or not known."""
    campaign: str = ""
    purpose: Purpose | None = None
    """None: not known, so it counts for every purpose."""
    talked: bool = False
    """Somebody talked with the called party."""
    inbound: bool = False
    """The other side called: no limit counts it, but a conversation is one."""


class History(msgspec.Struct, frozen=True):
    """Past contacts with a number since `since`, in any order, and the last of the events that silence it."""

    since: Instant
    """Every contact from this instant on is among `contacts`."""
    contacts: tuple[Contact, ...] = ()
    last_refusal: Instant | None = None
    """The last time the called party said no, whenever that was and if no later consent lifts it."""
    last_abandoned: Instant | None = None
    last_machine: Instant | None = None

    def last(self, event: Event) -> Instant | None:
        """When the event happened last, None if never."""
        found = [contact.at for contact in self.contacts if _is(contact, event)]
        told = _TOLD[event](self)
        return max(found if told is None else [*found, told], default=None)


_TOLD: Final[Mapping[Event, Callable[[History], Instant | None]]] = {
    "refusal": lambda history: history.last_refusal,
    "conversation": lambda history: None,
    "abandoned": lambda history: history.last_abandoned,
    "machine": lambda history: history.last_machine,
}


def _is(contact: Contact, event: Event) -> bool:
    if event == "conversation":
        return contact.talked
    if event == "abandoned":
        return contact.outcome == "abandoned"
    return event == "machine" and contact.answered_by == "machine"
