"""The rows that are the truth: what the store keeps and live state can be rebuilt from.

Never carries behaviour beyond small questions about itself; engines change rows, the store writes them.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from dialerd.model.instants import Instant
from dialerd.model.notices import NoticeRow


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
    began_at: Instant | None = None
    """When its first run began; None: it never ran."""
    ended_at: Instant | None = None
    """When it finished the last time; None: it did not, or runs again."""


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
    """Values of the campaign's record fields (C08), canonical."""
    source: str = ""
    phones: list[str] = []
    """Further phones, E.164, tried after `phone` (C07)."""
    email: str = ""
    address: str = ""
    zone: str = ""
    """His time zone, where it is known better than from the number; empty: from the number."""
    list_name: str = ""
    """The list he came with; several lists are mixed by share."""
    priority: int = 0
    """-100 to 100; the greater is dialed earlier."""
    contact: str = ""
    """Code (PID) of the contact he was made from; empty: none."""
    owner: str = ""
    """Account manager: a principal (C16)."""
    private_to: str = ""
    """The only agent who may work him (C13); empty: all."""
    participation: str = ""
    """registered, confirmed, joined or cancelled (C14); empty: none yet."""
    participation_at: Instant | None = None
    disposition: str = ""
    """The last one given (C13)."""
    action: str = ""
    """What brought him here, as the list tells (C15)."""
    clicks: int = 0
    current: str = ""
    """The phone to dial next (C07); empty: `phone`."""
    tries: int = 0
    """Attempts in a row on that phone."""
    bad_phones: list[str] = []
    """His phones that turned out to be no good."""
    agreed_at: Instant | None = None
    """The time at which he asked to be called back, if he did: a rule pack may let its hours and counts go for it."""
    refused_by: str = ""
    """The rule by which the gate refused him last, until he is dialed or done with; empty: none did."""
    refusals: int = 0
    """Times that the gate refused him."""

    @property
    def number(self) -> str:
        """The phone to dial next."""
        return self.current or self.phone


class LeadPhoneRow(msgspec.Struct):
    """A further phone of a lead: so that it is found, and a duplicate told, by any of his phones (C07)."""

    campaign: str
    phone: str
    lead: int
    active: bool = True
    """Whether it is his; one that was taken from him stays as a record until another lead has it."""


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
    disposition: str = ""
    disposed_by: str = ""
    disposed_at: Instant | None = None
    note: str = ""
    answers: dict[str, str] = {}
    """Answers to the script's questions, canonical (C12)."""
    then: str = ""
    """The kind of the lead table by which its lead is moved when it ends, as its disposition says; empty: by its outcome."""
    purpose: str = ""
    """What its campaign was for when it was placed, for the rules of packs; empty: not known, so it counts for all."""
    answered_by: str = ""
    """`person`, `machine`, or empty: nobody, or not known."""

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
    last_call: str = ""
    """The attempt he talked on last."""
    screen: bool = True
    """Whether his campaign screen is open; closed: he gets no campaign's calls, whatever his state (V10)."""
    lead: int = 0
    """The lead that is before him; 0: none."""
    lead_until: Instant | None = None
    """When it is dialed by itself; None: by his word alone, or it is being dialed."""


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


class NamedRow(msgspec.Struct):
    """A named policy that people make by command: a schedule, script, disposition, filter, group or trigger."""

    kind: str
    id: str
    policy: dict[str, Any]
    created_by: str
    created_at: Instant
    changed_by: str
    changed_at: Instant
    active: bool = True
    """Whether it is there; a deleted one stays as a record."""


class ContactRow(msgspec.Struct):
    """A person or company the house knows, apart from any campaign (C06)."""

    id: str
    """Its code (PID)."""
    kind: str
    name: str
    phone: str
    email: str
    address: str
    status: str
    industry: str
    channel: str
    owner: str
    created_at: Instant
    changed_at: Instant
    tags: list[str] = []
    fields: dict[str, str] = {}
    active: bool = True


class MemberRow(msgspec.Struct):
    """A contact or an agent in a group (C06, C16)."""

    kind: str
    """`contact` or `agent`."""
    group: str
    member: str
    at: Instant
    by: str
    active: bool = True


class SuppressionRow(msgspec.Struct):
    """A number that must not be reached (C20)."""

    list_name: str
    """`own`, `register` (the operator's), or `campaign:NAME`."""
    number: str
    channel: str
    """`voice`, `sms`, `email` or `all`."""
    at: Instant
    by: str
    because: str
    until: Instant | None = None
    """None: for good."""
    active: bool = True
    version: int = 0
    """The version of the list that it came with: a whole new list takes all older entries out at once."""


class DncListRow(msgspec.Struct):
    """A do-not-call list for one channel, and the version of it that holds (C20)."""

    list_name: str
    channel: str
    version: int = 0
    """Entries with an older one are none any more."""
    coming: int = 0
    """The version that is being imported; 0: none is."""
    came: int = 0
    """Numbers of that version that are there already."""
    numbers: int = 0
    """Numbers put there since the list was replaced last; one that came back is counted again."""
    as_of: str = ""
    """What the one who imported it says it is, such as its date."""
    at: Instant | None = None
    """When it changed last."""
    by: str = ""


class AbandonRow(msgspec.Struct):
    """A campaign's answered calls as one abandon rule of its pack counts them, in one of its periods (V04, V14)."""

    campaign: str
    rule: str
    """Pack, rule and what it counts by, such as `gb/three-percent 2s`."""
    start: Instant
    """When the period began."""
    end: Instant
    abandoned: int = 0
    connected: int = 0
    hung_up: int = 0
    whole: bool = True
    """Whether every answered call of the period was counted; if not, the rate is not known."""


class RefusalRow(msgspec.Struct):
    """The gate's last refusal of a lead, kept as a record."""

    lead: int
    campaign: str
    at: Instant
    rule: str
    because: str
    until: Instant | None
    times: int = 1
    """Refusals of this lead until now."""


class TicketRow(msgspec.Struct):
    """A ticket of a call (C16, V07)."""

    id: int
    campaign: str
    lead: int
    attempt: str
    agent: str
    channel: str
    subject: str
    state: str
    """`new`, `open` or `closed`."""
    at: Instant
    number: str = ""
    closed_at: Instant | None = None
    closed_by: str = ""
    note: str = ""


class ReferralRow(msgspec.Struct):
    """A customer whom a trigger sends to a campaign, and what came of it (C16, V07)."""

    id: int
    trigger: str
    campaign: str
    """The campaign that is to take him."""
    number: str
    """As that campaign keeps numbers."""
    name: str
    ticket: int
    at: Instant
    state: str = "waiting"
    """`waiting`, `added`, `again` (he was there and is called again), `there` (his turn there is still to come) or `refused`."""
    lead: int = 0
    """The lead there; 0 while there is none."""
    because: str = ""
    ended_at: Instant | None = None


class QuotaRow(msgspec.Struct):
    """Leads handed to an agent in a campaign on one day (C11)."""

    campaign: str
    agent: str
    day: str
    """YYYY-MM-DD in the campaign's time zone."""
    handed: int = 0


class HotlineRow(msgspec.Struct):
    """How a hotline stands (V08)."""

    id: str
    enabled: bool
    by: str
    since: Instant
    rested_until: Instant | None = None
    """It failed and rests until then; None: it does not."""
    failures: int = 0
    """Failures in a row that were the hotline's own."""
    health: str = "well"
    """`well`, `warned` or `quarantined`, from our own calls."""
    because: str = ""


class HotlineHourRow(msgspec.Struct):
    """A hotline's calls of one campaign in one hour (V08, O06)."""

    hotline: str
    campaign: str
    hour: int
    """Hours since the epoch, UTC."""
    placed: int = 0
    rung: int = 0
    answered: int = 0
    short: int = 0
    """Answered and over within 6 s."""
    rejected: int = 0
    unwanted: int = 0
    failed: int = 0
    talk_s: float = 0.0


class JobRow(msgspec.Struct):
    """A long work (an import or an export): how far it is and what came of it (C06, C18)."""

    id: str
    kind: str
    campaign: str
    state: str
    """`running`, `done`, `failed`, `cancelled`, or `interrupted`: an import that the daemon's end left at one of its rows."""
    by: str
    at: Instant
    ended_at: Instant | None = None
    counts: dict[str, int] = {}
    file: str = ""
    because: str = ""
    command: str = ""
    """The command it is of, such as lead.export."""
    staged: str = ""
    """The file of leads from which an import goes on after a restart; empty: the job ends with the daemon."""


Row: TypeAlias = (
    CampaignRow
    | TallyRow
    | LeadRow
    | LeadPhoneRow
    | AttemptRow
    | AgentRow
    | AuditRow
    | ReplyRow
    | CounterRow
    | NamedRow
    | ContactRow
    | MemberRow
    | SuppressionRow
    | DncListRow
    | AbandonRow
    | RefusalRow
    | TicketRow
    | ReferralRow
    | QuotaRow
    | HotlineRow
    | HotlineHourRow
    | JobRow
    | NoticeRow
)
