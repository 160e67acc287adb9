"""Ids of legs: the attempt's id is its channel's Uniqueid on Asterisk, so an id must be safe there.

Never draws chance: an id is made from the store's token, the turn's number and a place in that turn.

Asterisk's Bridge action matches Uniqueids by prefix, so every id has the same length and none is a prefix of another.
"""

from __future__ import annotations

import re

CALL = "c"
"""First letter of a customer's leg (an attempt)."""
PHONE = "p"
"""First letter of an agent's leg."""

LEG_LENGTH = 24
_LEG = re.compile(r"[cp][0-9a-f]{8}[0-9]{11}[0-9]{4}")
_TOKEN = re.compile(r"[0-9a-f]{8}")


def leg_id(kind: str, token: str, turn: int, place: int) -> str:
    """The id of the `place`-th leg wanted in turn `turn` of the store with `token` (8 hexadecimal digits).

    Raises ValueError if a part does not fit: that is our own mistake.
    """
    made = f"{kind}{token}{turn:011d}{place:04d}"
    if not _LEG.fullmatch(made):
        raise ValueError(f"not a leg id: {made!r}")
    return made


def is_leg(text: str, token: str | None = None) -> bool:
    """Whether `text` is the id of a leg (of the store with `token`, if given)."""
    return _LEG.fullmatch(text) is not None and (token is None or text[1:9] == token)


def is_call(text: str) -> bool:
    """Whether the leg id `text` is a customer's leg."""
    return text[:1] == CALL


def is_token(text: str) -> bool:
    """Whether `text` can be a store's token."""
    return _TOKEN.fullmatch(text) is not None
