"""Intents: what an engine wants done, frozen, imperative; some go out through ports, some only change our own state.

Never carries a result: what comes of an intent returns as a fact.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from dialerd.model.instants import Instant


class Intent(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """The ground of all intents."""


# --- to Telephony


class Dial(Intent, frozen=True):
    """Call a lead: originate once, never again. `dial` is the trunk's dial string with the number in it."""

    call: str
    campaign: str
    lead: int
    number: str
    server: str
    trunk: str
    dial: str
    hotline: str
    caller_number: str
    caller_name: str
    ring_s: float
    wait_s: float
    """Seconds after which the dialplan itself ends the wait if the daemon is gone."""
    sound: str
    drop_prompt: str
    booked: str


class OfferCall(Intent, frozen=True):
    """Ring the softphone of an agent for a waiting customer."""

    leg: str
    agent: str
    server: str
    phone: str
    call: str
    ring_s: float
    caller_number: str
    caller_name: str


class CallPhone(Intent, frozen=True):
    """Call an agent's softphone for the shift (nailed-up)."""

    leg: str
    agent: str
    server: str
    phone: str
    ring_s: float


class Connect(Intent, frozen=True):
    """Bridge a waiting customer with an idle agent's leg."""

    call: str
    leg: str
    agent: str
    server: str


class HangUp(Intent, frozen=True):
    """End a leg (a customer's or an agent's)."""

    leg: str
    server: str
    because: str


class Drop(Intent, frozen=True):
    """Send a waiting customer whom nobody can take to the information message."""

    call: str
    server: str
    because: str


# --- to the store


class WantLeads(Intent, frozen=True):
    """Read leads that are due in a campaign, at most `limit`; the answer is LeadsOffered."""

    campaign: str
    limit: int


# --- to people


class Answer(Intent, frozen=True):
    """The reply to a command, as JSON; sent after the commit and kept for a repeated id."""

    principal: str
    id: str
    command: str
    reply: str


# --- only to our own state: what the clock and the rules make of it


class Book(Intent, frozen=True):
    """Keep a ready agent for a call in flight that has none (progressive: one call for each ready agent)."""

    call: str
    agent: str


class Refuse(Intent, frozen=True):
    """The gate did not allow a call: the lead rests until `until` (None: for good) and the reason is kept."""

    campaign: str
    lead: int
    rule: str
    because: str
    until: Instant | None


class Begin(Intent, frozen=True):
    """A scheduled campaign runs from now on."""

    campaign: str


class Finish(Intent, frozen=True):
    """A campaign is over: its end time came, or nothing is left to dial."""

    campaign: str
    because: str


class EndWrapUp(Intent, frozen=True):
    """An agent's rest after a call is over."""

    agent: str


class GiveUp(Intent, frozen=True):
    """A call of which nothing was heard for far too long is ended as lost."""

    call: str


# --- what commands make of our own state; each is legal in its state, or judging has refused the command


class WriteCampaign(Intent, frozen=True):
    """Make a campaign, or change its policy. `state` is given for a new one only."""

    campaign: str
    policy: dict[str, Any]
    source: str
    principal: str
    state: str = ""


class MoveCampaign(Intent, frozen=True):
    """Move a campaign by a kind of the campaign table, with who and an optional note (C03)."""

    campaign: str
    kind: str
    principal: str
    note: str = ""


class MoveAgent(Intent, frozen=True):
    """Move an agent: login, logout, ready or not_ready; during a call it is kept for after the call."""

    agent: str
    kind: str
    principal: str
    reason: str = ""


class Note(Intent, frozen=True):
    """Keep in the audit trail that a principal did something."""

    principal: str
    command: str
    subject: str
    note: str = ""


class Drain(Intent, frozen=True):
    """Place no new calls from now on, or again (`on` false)."""

    on: bool


AnyIntent: TypeAlias = (
    Dial
    | OfferCall
    | CallPhone
    | Connect
    | HangUp
    | Drop
    | WantLeads
    | Answer
    | Book
    | Refuse
    | Begin
    | Finish
    | EndWrapUp
    | GiveUp
    | WriteCampaign
    | MoveCampaign
    | MoveAgent
    | Note
    | Drain
)
ToTelephony: TypeAlias = Dial | OfferCall | CallPhone | Connect | HangUp | Drop
TELEPHONY = (Dial, OfferCall, CallPhone, Connect, HangUp, Drop)
