"""Letters as a promise: one letter to one address, and what the mail server made of it.

Never a queue: who asks keeps the letter and asks again; a letter asked for twice carries the same id.
"""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from dialerd.model.instants import Instant


class Letter(msgspec.Struct, frozen=True):
    """A letter of plain text."""

    id: str
    """Unique over all stores, of A-Z a-z 0-9 . and -: the Message-ID is made of it, so a doubled letter is recognised."""
    to: str
    """An address as `mail_addresses.Email` allows it."""
    subject: str
    text: str
    at: Instant
    """Its date."""


class Delivery(msgspec.Struct, frozen=True):
    """What became of one try."""

    outcome: Literal["accepted", "refused", "later"]
    """`refused`: for good; `later`: the same letter may be tried again."""
    code: int | None = None
    """SMTP's, None if it did not come to one."""
    because: str = ""
    """In one line, fit for a log."""
    away: bool = False
    """With `later`: the trouble is the server's or our account's, no other letter would fare better now."""


class Mailer(Protocol):
    """Sends letters, one at a time."""

    async def send(self, letter: Letter) -> Delivery:
        """Try once. Raises nothing but CancelledError; cancelled, the letter may or may not have been taken."""

    async def aclose(self) -> None:
        """Say goodbye to the server if there is a connection."""
