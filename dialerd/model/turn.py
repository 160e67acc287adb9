"""A turn: the facts taken and the intents they caused at one instant, and the journal's text of it.

Never holds live state: a turn is what is committed, replayed and compared.
"""

from __future__ import annotations

import msgspec

from dialerd.model.facts import AnyFact
from dialerd.model.instants import Instant
from dialerd.model.intents import AnyIntent
from dialerd.model.rows import Row


class Turn(msgspec.Struct, frozen=True):
    """One turn; `seq` counts from 1 in one store without gaps."""

    seq: int
    at: Instant
    facts: tuple[AnyFact, ...]
    intents: tuple[AnyIntent, ...]


class Committed(msgspec.Struct, frozen=True):
    """A turn with the rows it changed: what the store writes in one transaction."""

    turn: Turn
    rows: tuple[Row, ...]


_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Turn)


def encode(turn: Turn) -> bytes:
    """The turn as one line of JSON without a line feed; the same turn gives the same bytes."""
    return _encoder.encode(turn)


def decode(line: bytes) -> Turn:
    """The turn of a line that `encode` made. Raises msgspec.ValidationError."""
    return _decoder.decode(line)
