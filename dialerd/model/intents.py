"""Intents: what an engine wants done, frozen, imperative; some go out through ports, some only change our own state.

Never carries a result: what comes of an intent returns as a fact.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from dialerd.model.facts import NewLead
from dialerd.model.instants import Instant
from dialerd.model.lead_order import LeadOrder
from dialerd.model.rows import ContactRow


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
    """Call an agent's softphone into its holding bridge: for the shift (nailed-up), or first for one call (agent first)."""

    leg: str
    agent: str
    server: str
    phone: str
    ring_s: float
    sound: str = "music"
    """What he hears until he is bridged: music, ringing or silence."""


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
    """Read leads that are due in a campaign, at most `limit`, in this order; the answer is LeadsOffered."""

    campaign: str
    limit: int
    order: LeadOrder = LeadOrder()
    question: int = 0
    """The turn in which it was asked: the answer names it."""
    since: Instant | None = None
    """With the calls that their numbers got from then on; None: without."""
    lists: bool = False
    """With their entries in do-not-call lists."""


class SeekLead(Intent, frozen=True):
    """Read whether a campaign has a customer whom a trigger sends there; the answer is LeadSought."""

    referral: int
    campaign: str
    number: str


class CopyLeads(Intent, frozen=True):
    """Read up to `limit` leads of `source` beyond lead `after`, and tell those in `states` that `campaign` does not have."""

    campaign: str
    source: str
    states: tuple[str, ...]
    after: int
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


class Show(Intent, frozen=True):
    """Put a lead before an agent (manual, preview, callback); it passes the gate as a call does."""

    agent: str
    campaign: str
    lead: int
    number: str
    until: Instant | None
    """When it is dialed by itself; None: by his word alone."""


class CallShown(Intent, frozen=True):
    """The lead before the agent is called from now on: his phone first, if it is not connected, then the customer's."""

    agent: str


class PutBack(Intent, frozen=True):
    """The lead before the agent goes back to the others."""

    agent: str
    because: str
    rest_until: Instant | None = None
    """Until when it rests; None: as it did before."""


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


class EndRest(Intent, frozen=True):
    """A hotline that failed has rested long enough and is shown again."""

    hotline: str


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


class BeginCopy(Intent, frozen=True):
    """Copy leads of `source` to a campaign from now on. `leads`: `new` or `all`."""

    campaign: str
    source: str
    leads: str
    principal: str


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


class SetScreen(Intent, frozen=True):
    """An agent's campaign screen is open, or closed: then he gets no campaign's calls (V10)."""

    agent: str
    open: bool


class SetHotline(Intent, frozen=True):
    """Let a hotline be shown again, or not any more."""

    hotline: str
    enabled: bool
    principal: str
    note: str = ""


class Note(Intent, frozen=True):
    """Keep in the audit trail that a principal did something."""

    principal: str
    command: str
    subject: str
    note: str = ""


class WriteNamed(Intent, frozen=True):
    """Make or change a named policy (`kind`: script, disposition, ...), or with `active` false delete it."""

    kind: str
    id: str
    policy: dict[str, Any]
    principal: str
    active: bool = True


class AddLead(Intent, frozen=True):
    """A lead that somebody typed in joins a campaign; nothing if it has his phone already."""

    campaign: str
    lead: NewLead
    source: str


class ChangeLead(Intent, frozen=True):
    """New values for what a lead is: `fields` are merged, an empty one is taken out."""

    lead: int
    values: dict[str, Any]
    fields: dict[str, str] = {}
    phones: tuple[str, ...] | None = None
    """All his further phones, in the order they are tried; None: they stay."""


class MoveLead(Intent, frozen=True):
    """Move a lead by a kind of the lead table; `next_at`: when it may be dialed, if that is said."""

    lead: int
    kind: str
    next_at: Instant | None = None
    private_to: str | None = None
    """None: as before."""


class Dispose(Intent, frozen=True):
    """What somebody says of a contact: kept with the attempt (empty: without a call) and with its lead.

    `kind` moves the lead: at once, or when the attempt ends.
    """

    lead: int
    call: str
    disposition: str
    principal: str
    note: str = ""
    kind: str = ""
    next_at: Instant | None = None
    private_to: str | None = None
    agreed: bool = False
    """Whether `next_at` is the time that the customer himself asked for."""


class KeepAnswers(Intent, frozen=True):
    """Answers to the script's questions in an attempt; an empty one takes back what was said."""

    call: str
    answers: dict[str, str]


class Suppress(Intent, frozen=True):
    """Put a number on a list of those that must not be reached, until then (None: for good), or take it off (`active` false)."""

    list_name: str
    number: str
    channel: str
    principal: str
    because: str
    until: Instant | None = None
    active: bool = True
    refused: bool = False
    """Whether the called party said so himself: rule packs keep silent after a refusal, whatever becomes of the entry."""


class TransferLead(Intent, frozen=True):
    """Give a lead to another campaign as a new one; nothing if that has his phone already. `next_at`: a recall he was promised."""

    lead: int
    to: str
    source: str
    next_at: Instant | None = None
    private_to: str = ""


class MoveParticipation(Intent, frozen=True):
    """A lead takes part or not (C14): a kind of the participation table, by a person or by a key that he pressed."""

    lead: int
    kind: str
    principal: str


class WriteContact(Intent, frozen=True):
    """Make or change a contact; one without a code gets the next (C06)."""

    contact: ContactRow
    principal: str


class WriteMembers(Intent, frozen=True):
    """Members join a group, or leave it (not `active`). `kind`: `contact` or `agent`."""

    kind: str
    group: str
    members: tuple[str, ...]
    principal: str
    active: bool = True


class WriteTicket(Intent, frozen=True):
    """Make a ticket that is of no call of ours (C16, V07)."""

    campaign: str
    channel: str
    number: str
    name: str
    subject: str
    note: str
    principal: str


class MoveTicket(Intent, frozen=True):
    """Take a ticket up, or close it; a note takes the place of the one before."""

    ticket: int
    kind: str
    principal: str
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
    | CopyLeads
    | Answer
    | Book
    | Show
    | CallShown
    | PutBack
    | Refuse
    | Begin
    | Finish
    | EndWrapUp
    | EndRest
    | GiveUp
    | WriteCampaign
    | BeginCopy
    | MoveCampaign
    | MoveAgent
    | SetScreen
    | SetHotline
    | Note
    | SeekLead
    | MoveParticipation
    | WriteContact
    | WriteMembers
    | WriteTicket
    | MoveTicket
    | WriteNamed
    | AddLead
    | ChangeLead
    | MoveLead
    | Dispose
    | KeepAnswers
    | Suppress
    | TransferLead
    | Drain
)
ToTelephony: TypeAlias = Dial | OfferCall | CallPhone | Connect | HangUp | Drop
TELEPHONY = (Dial, OfferCall, CallPhone, Connect, HangUp, Drop)
