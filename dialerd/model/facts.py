"""Facts: what happened outside, frozen, in the past tense.

Never carries a wish or a decision; a fact may be late, doubled or of something unknown, and engines live with that.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from dialerd.model.instants import Instant
from dialerd.model.pasts import Past
from dialerd.model.rows import AttemptRow, ContactRow, LeadRow, SuppressionRow, TicketRow


class Fact(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """The ground of all facts."""


# --- a customer's leg; `call` is the attempt's id


class CallRinging(Fact, frozen=True):
    """The customer's phone rings (180)."""

    call: str


class CallAnswered(Fact, frozen=True):
    """The customer picked up."""

    call: str


class CallWaiting(Fact, frozen=True):
    """The customer sits in his holding bridge: now, and not before, he may be bridged."""

    call: str


class CallBridged(Fact, frozen=True):
    """The customer and the agent's leg are in one bridge."""

    call: str
    leg: str


class CallLeft(Fact, frozen=True):
    """The customer left his holding bridge for the information message: nobody came in time."""

    call: str


class CallEnded(Fact, frozen=True):
    """The customer's leg is gone, or was never made.

    `cause`: Q.850; `sip`: SIP code; `reason`: of OriginateResponse; `channel`: whether a channel was ever seen.
    """

    call: str
    cause: int | None = None
    sip: int | None = None
    reason: int | None = None
    channel: bool = True
    because: str = ""


class CallNotPlaced(Fact, frozen=True):
    """The call was surely never sent: the link was down, or Asterisk refused the action at once."""

    call: str
    because: str


class ConnectFailed(Fact, frozen=True):
    """The bridge of customer and agent was refused."""

    call: str
    leg: str
    because: str


# --- an agent's leg


class PhoneRinging(Fact, frozen=True):
    """The agent's softphone rings."""

    leg: str


class PhoneIdle(Fact, frozen=True):
    """The agent's leg sits in its holding bridge: picked up, and free to be bridged."""

    leg: str


class PhoneEnded(Fact, frozen=True):
    """The agent's leg is gone, or was never made. Fields as in CallEnded."""

    leg: str
    cause: int | None = None
    sip: int | None = None
    reason: int | None = None
    channel: bool = True
    because: str = ""


# --- the links


class CallSeen(msgspec.Struct, frozen=True):
    """A customer's leg that Asterisk listed. `state`: ringing, answered, waiting, talking or dropping."""

    call: str
    state: str
    leg: str = ""


class PhoneSeen(msgspec.Struct, frozen=True):
    """An agent's leg that Asterisk listed. `state`: calling, idle or talking."""

    leg: str
    state: str
    agent: str = ""
    call: str = ""


class LinkLost(Fact, frozen=True):
    """The AMI link to a server is down: nothing is dialed there until it is reconciled."""

    server: str
    because: str


class Reconciled(Fact, frozen=True):
    """All that is alive on a server, asked after the link came up. `restarted`: Asterisk itself started anew."""

    server: str
    calls: tuple[CallSeen, ...]
    phones: tuple[PhoneSeen, ...]
    restarted: bool = False


class OrdinaryCalls(Fact, frozen=True):
    """Channels on a server's trunks that are not ours, where they are counted: trunk to lines in use (V09)."""

    server: str
    calls: dict[str, int]


# --- leads


class NewLead(msgspec.Struct, frozen=True, omit_defaults=True):
    """A lead as it comes from a checked import: the phone is normalised and not in the campaign yet."""

    phone: str
    name: str = ""
    fields: dict[str, str] = {}
    email: str = ""
    address: str = ""
    list_name: str = ""
    action: str = ""
    contact: str = ""
    owner: str = ""
    priority: int = 0
    phones: tuple[str, ...] = ()
    """Further phones; a lead whose phone, or one of these, the campaign has already is a duplicate (C07)."""
    zone: str = ""
    """His time zone, where the list knows it; empty: from the number."""


class LeadsAdded(Fact, frozen=True):
    """A batch of checked leads for a campaign."""

    campaign: str
    leads: tuple[NewLead, ...]
    source: str
    principal: str
    job: str = ""
    """The import that they are of; empty: of none."""
    counts: dict[str, int] = {}
    """What the import looked at since it was told of last, such as rows and refused; what becomes of `leads` is counted here."""
    report: str = ""
    """The file in which the import tells of rows that it did not take."""
    row: int = 0
    """The list's row up to which `counts` tell of all."""


class LeadsOffered(Fact, frozen=True):
    """Leads due in a campaign, from the store by index, in the order of dialing. `next_due`: when the next one beyond them is,
    None if there is none; `next_urgent`: when the next one is that goes before the last of them."""

    campaign: str
    leads: tuple[LeadRow, ...]
    next_due: Instant | None
    next_urgent: Instant | None = None
    private_to: str = ""
    """The agent who alone may work them; empty: all may."""
    question: int = 0
    """The turn in which they were asked for."""
    pasts: tuple[Past, ...] = ()
    """Of the numbers of these leads, those that have a past."""
    since: Instant | None = None
    """From when on their calls are told; None: they were not asked for."""
    lists: bool = False
    """Whether their entries in lists were asked for."""


class LeadSought(Fact, frozen=True):
    """Whether a campaign has the customer whom a trigger sends there; the store knew all turns until `as_of`."""

    referral: int
    lead: LeadRow | None
    as_of: int


class ContactsRead(Fact, frozen=True):
    """A batch of contacts from a checked list, new (without a code, or with one of their own) or changed."""

    contacts: tuple[ContactRow, ...]
    as_of: int
    principal: str
    job: str = ""
    """As in LeadsAdded, with the counts, the report and the row."""
    counts: dict[str, int] = {}
    report: str = ""
    row: int = 0


class LeadsCopied(Fact, frozen=True):
    """A portion of leads for a copy (CopyLeads), read when turn `as_of` was the newest that was written.

    `begin` is the `after` that was asked with; `after`: the last lead looked at, None if there are no more.
    """

    campaign: str
    begin: int
    leads: tuple[NewLead, ...]
    after: int | None
    left_out: int
    """Leads in other states."""
    there: int
    """Leads whose phone the campaign has already."""
    as_of: int


# --- people and the process


class Found(msgspec.Struct, frozen=True, omit_defaults=True):
    """Rows that the store told for a command, knowing all turns until `as_of`; a row that changed since is found anew."""

    as_of: int = 0
    leads: tuple[LeadRow, ...] = ()
    attempts: tuple[AttemptRow, ...] = ()
    suppressions: tuple[SuppressionRow, ...] = ()
    phones: tuple[str, ...] = ()
    """Numbers that the campaign to which a lead is to be moved has already."""
    contacts: tuple[ContactRow, ...] = ()
    tickets: tuple[TicketRow, ...] = ()
    members: tuple[str, ...] = ()
    """Those of a list of contacts who are members of the group."""
    past_of: str = ""
    """The number whose past was asked for; empty: none."""
    past_since: Instant | None = None
    """From when on its calls were read; None: they were not."""
    pasts: tuple[Past, ...] = ()


class Asked(Fact, frozen=True):
    """A command by a proven principal, its arguments already checked for shape; it is judged in the turn."""

    id: str
    principal: str
    roles: tuple[str, ...]
    command: str
    args: dict[str, Any]
    found: Found | None = None
    """What the store told beforehand; None for a command that needs nothing of it."""


class Reported(Fact, frozen=True):
    """A long command (an import, an export) has come to its end; `reply` is the JSON of its answer."""

    id: str
    principal: str
    command: str
    subject: str
    reply: str
    audited: bool = False
    """Whether the audit trail has it already, from its job's begin."""


class JobBegan(Fact, frozen=True):
    """A long work was begun; its id is made of its number. `kind`: `export` or `import`."""

    number: int
    kind: str
    command: str
    campaign: str
    principal: str


class JobAdvanced(Fact, frozen=True):
    """A long work tells how far it is."""

    job: str
    counts: dict[str, int]


class ImportDecided(Fact, frozen=True):
    """All rows of an all-or-nothing import were found good and stand in a file: they will be added, whatever stops the daemon."""

    job: str
    staged: str
    """The file's name."""
    counts: dict[str, int]


class JobEnded(Fact, frozen=True):
    """A long work is over. `state`: done, failed, interrupted or cancelled; `principal`: who cancelled it."""

    job: str
    state: str
    counts: dict[str, int]
    file: str = ""
    because: str = ""
    principal: str = ""


class NumbersListed(Fact, frozen=True):
    """Numbers of a do-not-call list, checked, that were not there in this version: a batch of an import, or one by one."""

    list_name: str
    channel: str
    numbers: tuple[str, ...]
    principal: str
    because: str
    until: Instant | None = None
    version: int = 0
    """Of the list that is coming, if it is to take the place of the one that holds; 0: they are added to that one."""


class ListComes(Fact, frozen=True):
    """A version of a list begins to be imported, beside the one that holds."""

    list_name: str
    channel: str
    version: int
    principal: str


class ListReplaced(Fact, frozen=True):
    """The version that was imported is whole: it holds from now on, and entries of older ones are none any more."""

    list_name: str
    channel: str
    version: int
    as_of: str
    principal: str


class Configured(Fact, frozen=True):
    """The configuration that holds from now on: the JSON of policies.Floor."""

    floor: dict[str, Any]
    packs: dict[str, dict[str, Any]] = {}
    """The JSON of every rule pack, by name."""


class DrainBegan(Fact, frozen=True):
    """The daemon is to stop: no new calls, live ones go on to their end."""

    because: str


class Woke(Fact, frozen=True):
    """The instant that an engine asked to be woken at has come."""


AnyFact: TypeAlias = (
    CallRinging
    | CallAnswered
    | CallWaiting
    | CallBridged
    | CallLeft
    | CallEnded
    | CallNotPlaced
    | ConnectFailed
    | PhoneRinging
    | PhoneIdle
    | PhoneEnded
    | LinkLost
    | Reconciled
    | OrdinaryCalls
    | LeadsAdded
    | LeadsOffered
    | LeadsCopied
    | LeadSought
    | ContactsRead
    | Asked
    | Reported
    | JobBegan
    | JobAdvanced
    | ImportDecided
    | JobEnded
    | NumbersListed
    | ListComes
    | ListReplaced
    | Configured
    | DrainBegan
    | Woke
)
