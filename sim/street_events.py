"""What the street tells its faces: what legs did, and what agents want to ask of the daemon.

Never says why a person acted: a face knows no more than an exchange and an agent's screen would.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec


class StreetEvent(msgspec.Struct, frozen=True, tag=True):
    """The ground of all; `at` is the instant."""

    at: float


class Ringing(StreetEvent, frozen=True):
    """The customer's phone rings (180)."""

    call: str


class Answered(StreetEvent, frozen=True):
    """The customer, or his machine, picked up."""

    call: str


class Waiting(StreetEvent, frozen=True):
    """The customer sits in his holding bridge."""

    call: str


class Bridged(StreetEvent, frozen=True):
    """Customer and agent are in one bridge."""

    call: str
    leg: str


class Left(StreetEvent, frozen=True):
    """The customer's dialplan went on past the holding bridge: nobody came in time, or the agent's side ended."""

    call: str
    talked: bool


class Dropped(StreetEvent, frozen=True):
    """The customer is at the information message: sent there, or left alone."""

    call: str


class Ended(StreetEvent, frozen=True):
    """The customer's leg is gone, or was never made; once for each leg. Fields as in facts.CallEnded."""

    call: str
    cause: int | None
    sip: int | None = None
    reason: int | None = None
    channel: bool = True


class PhoneRinging(StreetEvent, frozen=True):
    """The agent's softphone rings."""

    leg: str


class PhoneIdle(StreetEvent, frozen=True):
    """The agent's leg sits in its holding bridge. `picked_up`: for the first time."""

    leg: str
    picked_up: bool


class PhoneEnded(StreetEvent, frozen=True):
    """The agent's leg is gone, or was never made; once for each leg. Fields as in facts.PhoneEnded."""

    leg: str
    cause: int | None
    sip: int | None = None
    reason: int | None = None
    channel: bool = True


Want: TypeAlias = Literal["login", "ready", "not_ready", "logout", "hang_up"]


class AgentWants(StreetEvent, frozen=True):
    """What an agent asks of the daemon by his screen. `reason`: of not_ready; `call`: of hang_up."""

    agent: str
    what: Want
    reason: str = ""
    call: str = ""


AnyStreetEvent: TypeAlias = (
    Ringing | Answered | Waiting | Bridged | Left | Dropped | Ended | PhoneRinging | PhoneIdle | PhoneEnded | AgentWants
)
