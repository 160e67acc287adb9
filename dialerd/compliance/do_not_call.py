"""Do-not-call lists (C20): whether a number stands on one that holds for the channel.

Never looks a number up: the dossier brings the entries, of the own list, the campaign's and the operators' registers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from dialerd.compliance.pack import Channel
from dialerd.model.instants import Instant


class Suppressed(msgspec.Struct, frozen=True):
    """An entry of a list for the number in question."""

    list_name: str
    channel: Channel | Literal["all"] = "all"
    until: Instant | None = None
    """None: for good."""


def barred_by(entries: Iterable[Suppressed], channel: str, now: Instant) -> Suppressed | None:
    """The entry that bars the number longest on `channel`, None if none does."""
    holding = [e for e in entries if e.channel in ("all", channel) and (e.until is None or now < e.until)]
    return max(holding, key=lambda e: (e.until is None, e.until or 0.0), default=None)
