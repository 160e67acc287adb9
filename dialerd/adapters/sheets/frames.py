"""What the daemon and its reading worker say to each other: msgpack in frames with a length before each.

Never carries an object of one side to the other: only text, numbers and lists of the types below.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from dialerd.adapters.sheets.limits import Limits
from dialerd.model.errors import Refusal
from dialerd.ports.sheets import AnyChecking, AnyMapping, ContactRows, Heading, HowToRead, LeadRows, Row, SheetSeen

LENGTH = 4
"""Bytes of the length, big-endian, before each frame."""
MAX_FRAME = 256_000_000


class Task(msgspec.Struct, frozen=True):
    """The one thing a worker is started for; the file is the descriptor."""

    descriptor: int
    name: str
    preview: bool
    how: HowToRead
    limits: Limits
    checking: AnyChecking | None = None
    """Given: the rows are sent checked, as leads or contacts."""


class Preview(msgspec.Struct, frozen=True, tag="preview"):
    """The answer to a preview."""

    sheets: list[SheetSeen]


class Begun(msgspec.Struct, frozen=True, tag="begun"):
    """Rows follow."""

    heading: Heading
    mapping: AnyMapping | None = None
    """Given: they are sent checked."""


class Batch(msgspec.Struct, frozen=True, tag="batch"):
    """Some rows."""

    rows: list[Row]


class Checked(msgspec.Struct, frozen=True, tag="checked"):
    """Some rows as leads."""

    rows: LeadRows


class CheckedContacts(msgspec.Struct, frozen=True, tag="contacts"):
    """Some rows as contacts."""

    rows: ContactRows


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """A Refusal on its way."""

    code: str
    message: str
    field: str | None = None
    allowed: list[str] | int | None = None

    @classmethod
    def of(cls, refusal: Refusal) -> Refused:
        """The refusal to be sent."""
        allowed = refusal.allowed
        if isinstance(allowed, list | tuple):
            allowed = [str(each) for each in allowed]
        elif not isinstance(allowed, int):
            allowed = None
        return cls(refusal.code, refusal.message, refusal.field, allowed)

    def refusal(self) -> Refusal:
        """The refusal that was sent."""
        return Refusal(self.code, self.message, self.field, self.allowed)


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """All rows were sent."""


Said: TypeAlias = Preview | Begun | Batch | Checked | CheckedContacts | Refused | Ended
ENCODER = msgspec.msgpack.Encoder()
SAID: msgspec.msgpack.Decoder[Said] = msgspec.msgpack.Decoder(Said)
TASK = msgspec.msgpack.Decoder(Task)


def framed(message: Said | Task) -> bytes:
    """The message with its length before it."""
    body = ENCODER.encode(message)
    return len(body).to_bytes(LENGTH, "big") + body
