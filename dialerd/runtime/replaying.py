"""A journal decided again: the same facts at the same instants, and the first turn that differs.

Never carries anything out: a replay only compares.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from dialerd.campaigns.engine import Engine
from dialerd.campaigns.rebuilding import nothing_kept
from dialerd.model.errors import OurMistakeError
from dialerd.model.turn import Turn, decode
from dialerd.runtime.exchange import Exchange

VERSION = 1


class Heading(msgspec.Struct):
    """The first line of a journal: its form, and the token of the store it began with."""

    journal: int
    token: str


class Difference(msgspec.Struct, frozen=True):
    """A turn that was decided otherwise."""

    recorded: Turn
    decided: Turn | None
    because: str


class Replayed(msgspec.Struct, frozen=True):
    """How many turns were the same, and the first that was not."""

    turns: int
    difference: Difference | None


class BadJournalError(Exception):
    """The file is no journal that can be replayed; the message says which line and why."""


def heading(token: str) -> bytes:
    """The first line of a journal of a store with `token`, with its line feed."""
    return msgspec.json.encode(Heading(VERSION, token)) + b"\n"


def replay(lines: Iterable[bytes]) -> Replayed:
    """Decide a journal again from its first turn. Raises BadJournalError."""
    source = iter(lines)
    try:
        head = msgspec.json.decode(next(source, b""), type=Heading)
    except msgspec.MsgspecError as wrong:
        raise BadJournalError(f"line 1: not the heading of a journal: {wrong}") from None
    if head.journal != VERSION:
        raise BadJournalError(f"line 1: found journal {head.journal}, allowed: {VERSION}")
    exchange = Exchange(Engine(nothing_kept(head.token)))
    turns = 0
    for number, line in enumerate(source, 2):
        try:
            recorded = decode(line)
        except msgspec.MsgspecError as wrong:
            raise BadJournalError(f"line {number}: not a turn: {wrong}") from None
        if recorded.seq != turns + 1:
            raise BadJournalError(f"line {number}: turn {recorded.seq} where turn {turns + 1} must stand")
        try:
            decided = exchange.take(recorded.facts, recorded.at).turn
        except OurMistakeError as mistake:
            return Replayed(turns, Difference(recorded, None, str(mistake)))
        if decided != recorded:
            return Replayed(turns, Difference(recorded, decided, _first(recorded, decided)))
        turns += 1
    return Replayed(turns, None)


def _first(recorded: Turn, decided: Turn) -> str:
    for place, (was, now) in enumerate(zip(recorded.intents, decided.intents, strict=False), 1):
        if was != now:
            return f"intent {place}: recorded {was}, decided {now}"
    more, who = (decided, "decided") if len(decided.intents) > len(recorded.intents) else (recorded, "recorded")
    if len(decided.intents) != len(recorded.intents):
        return f"only {who}: {more.intents[min(len(recorded.intents), len(decided.intents))]}"
    return "the facts or the instant were changed"
