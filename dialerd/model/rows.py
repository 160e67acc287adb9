"""The rows that are the truth: what the store keeps and live state can be rebuilt from.

Never carries behaviour beyond small questions about itself; engines change rows, the store writes them.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from dialerd.model.instants import Instant


class CampaignRow(msgspec.Struct):
    """A campaign: its policy (the JSON of policies.Campaign) and where it stands."""

    id: str
    policy: dict[str, Any]
    state: str
    source: str
    """`file`: kept in the configuration; `command`: made by a person."""
    created_by: str
    created_at: Instant
    state_at: Instant
    state_by: str
    note: str = ""


class TallyRow(msgspec.Struct):
    """A campaign's counts since it was made; abandoned and connected are the abandon rate's parts."""

    campaign: str
    placed: int = 0
    answered: int = 0
    connected: int = 0
    abandoned: int = 0
    hung_up: int = 0
    busy: int = 0
    no_answer: int = 0
    failed: int = 0
    lost: int = 0
    wait_s: float = 0.0
    """Seconds that customers waited until they were bridged, summed over connected."""
    talk_s: float = 0.0


class LeadRow(msgspec.Struct):
    """One person to call in one campaign; unique by phone there (C07)."""

    id: int
    campaign: str
    phone: str
    state: str
    created_at: Instant
    next_at: Instant
    """Not dialed before this instant."""
    attempts: int = 0
    """Attempts that count against max_attempts."""
    faults: int = 0
    """Attempts in a row that do not count (nothing was sent)."""
    same: int = 0
    """Attempts in a row with `last_outcome`."""
    last_outcome: str = ""
    last_at: Instant | None = None
    name: str = ""
    fields: dict[str, str] = {}
    source: str = ""


class AttemptRow(msgspec.Struct):
    """One call to one lead; its id is the channel's Uniqueid on Asterisk."""

    id: str
    campaign: str
    lead: int
    number: str
    server: str
    trunk: str
    hotline: str
    state: str
    placed_at: Instant
    booked: str = ""
    """The agent for whom a progressive call was placed; empty once he is not free for it any more."""
    agent: str = ""
    """The agent being offered or talking."""
    agent_leg: str = ""
    offered_at: Instant | None = None
    ringing_at: Instant | None = None
    answered_at: Instant | None = None
    waiting_at: Instant | None = None
    connected_at: Instant | None = None
    ended_at: Instant | None = None
    outcome: str = ""
    cause: int | None = None
    sip: int | None = None
    because: str = ""
    counted: bool = True
    hangup: str = ""
    """Why the daemon asked for its end; empty if it did not."""

    @property
    def live(self) -> bool:
        """Whether the call may still exist on Asterisk."""
        return self.state != "ended"


class AgentRow(msgspec.Struct):
    """An agent's presence (V10) and the leg of his softphone."""

    id: str
    state: str
    since: Instant
    reason: str = ""
    leg: str = ""
    """Id of the softphone's leg, also while it is being called; empty if none."""
    leg_state: str = ""
    """`calling`, `idle` (in its holding bridge) or `talking`; empty without a leg."""
    call: str = ""
    """The attempt he is offered or talks on."""
    after_call: str = ""
    """What he asked for during a call: `not_ready` or `logout`; empty: ready again."""
    after_reason: str = ""
    wrap_until: Instant | None = None
    logged_in_at: Instant | None = None


class AuditRow(msgspec.Struct):
    """Who did what and when, kept for good (C03)."""

    id: str
    at: Instant
    principal: str
    command: str
    subject: str
    note: str = ""


class ReplyRow(msgspec.Struct):
    """The first answer to a command, given again when its id is repeated (O02)."""

    principal: str
    id: str
    at: Instant
    command: str
    reply: str


class CounterRow(msgspec.Struct):
    """A number that only grows, such as the last lead's id."""

    name: str
    value: int


Row: TypeAlias = CampaignRow | TallyRow | LeadRow | AttemptRow | AgentRow | AuditRow | ReplyRow | CounterRow
