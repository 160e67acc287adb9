"""What people are told of their campaigns, and the row that keeps it until it has been told (C05).

Never carries behaviour: `campaigns.notices` decides who is told, `runtime.notifying` tells.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from dialerd.model.instants import Instant

NoticeKind: TypeAlias = Literal[
    "created", "approved", "rejected", "paused", "resumed", "run_began", "run_ended", "no_provider"
]
NoticeState: TypeAlias = Literal["waiting", "sent", "given_up"]
Channel: TypeAlias = Literal["bus", "mail"]


class Notice(msgspec.Struct, frozen=True):
    """Something that happened to a campaign, and the principals who are to know."""

    kind: NoticeKind
    campaign: str
    name: str
    """The campaign's name at that instant."""
    by: str
    """Who did it: a principal, `clock` or `configuration`."""
    note: str
    """A person's note or the reason; for `created` the state it was made in: draft or pending."""
    at: Instant
    to: tuple[str, ...]
    """Principals, each once."""


class NoticeRow(msgspec.Struct):
    """One notice for one person; written with the turn that caused it, so no crash loses it."""

    id: str
    """Turn and place: grows with time, unique in one store."""
    notice: str
    """The same for all the people of one notice."""
    at: Instant
    kind: NoticeKind
    campaign: str
    name: str
    by: str
    note: str
    to: str
    """A principal."""
    channel: Channel
    """`bus`: told on the bus alone; `mail`: by a letter too."""
    state: NoticeState
    next_at: Instant
    """A waiting row's letter is not tried before this instant."""
    tries: int = 0
    """Letters with this notice that a server has not taken."""
    letter: str = ""
    """Id of the letter it stands in; kept before the letter is sent, so that a letter sent again is the same one."""
    last_error: str = ""
