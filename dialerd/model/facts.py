"""Facts: what happened outside, frozen, in the past tense.

Never carries a wish or a decision; a fact may be late, doubled or of something unknown, and engines live with that.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from dialerd.model.instants import Instant
from dialerd.model.rows import LeadRow


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


# --- leads


class NewLead(msgspec.Struct, frozen=True):
    """A lead as it comes from a checked import: the phone is normalised and not in the campaign yet."""

    phone: str
    name: str = ""
    fields: dict[str, str] = {}


class LeadsAdded(Fact, frozen=True):
    """A batch of checked leads for a campaign."""

    campaign: str
    leads: tuple[NewLead, ...]
    source: str
    principal: str


class LeadsOffered(Fact, frozen=True):
    """Leads due in a campaign, from the store by index. `next_due`: when the next one beyond them is, None if there is none."""

    campaign: str
    leads: tuple[LeadRow, ...]
    next_due: Instant | None


# --- people and the process


class Asked(Fact, frozen=True):
    """A command by a proven principal, its arguments already checked for shape; it is judged in the turn."""

    id: str
    principal: str
    roles: tuple[str, ...]
    command: str
    args: dict[str, Any]


class Reported(Fact, frozen=True):
    """A long command (an import) has come to its end; `reply` is the JSON of its answer."""

    id: str
    principal: str
    command: str
    subject: str
    reply: str


class Configured(Fact, frozen=True):
    """The configuration that holds from now on: the JSON of policies.Floor."""

    floor: dict[str, Any]


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
    | LeadsAdded
    | LeadsOffered
    | Asked
    | Reported
    | Configured
    | DrainBegan
    | Woke
)
