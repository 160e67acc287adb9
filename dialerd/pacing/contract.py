"""What a pacer hears, what it is shown, and what it answers: the contract by which any simulator can drive any pacer (V04).

Never holds an agent's, a customer's or a call's name: a pacer sees counts and seconds, and nothing of a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from dialerd.model.instants import Instant

Ages: TypeAlias = Sequence[float] | NDArray[np.float64]
"""Seconds since each one entered his present state, in any order."""


class Placed(msgspec.Struct, frozen=True):
    """A call was placed; from here on it rings."""


class Answered(msgspec.Struct, frozen=True):
    """Somebody or something picked up, `ring_s` seconds after the call was placed. Every other fate of the call follows."""

    ring_s: float


class Offered(msgspec.Struct, frozen=True):
    """A live person wants an agent: at the answer, or when the detection has said that it is a person."""


class Machine(msgspec.Struct, frozen=True):
    """The call ended as an answering machine's."""


class NoAnswer(msgspec.Struct, frozen=True):
    """The call ended unanswered."""


class Busy(msgspec.Struct, frozen=True):
    """The number was engaged."""


class Failed(msgspec.Struct, frozen=True):
    """The call came to nothing: refused, no such number, no line, lost."""


class Connected(msgspec.Struct, frozen=True):
    """The person talks with an agent, `wait_s` seconds after the offer."""

    wait_s: float


class Abandoned(msgspec.Struct, frozen=True):
    """The person was lost after `wait_s` seconds of waiting; `reason` is such as `too_late` or `hung_up`."""

    wait_s: float
    reason: str


class TalkEnded(msgspec.Struct, frozen=True):
    """An agent's talk of `talk_s` seconds is over: his wrap-up begins."""

    talk_s: float


class Ready(msgspec.Struct, frozen=True):
    """An agent is ready after `wrap_s` seconds of wrap-up; 0 after a login or a break."""

    wrap_s: float


class Paused(msgspec.Struct, frozen=True):
    """An agent takes no more calls for now: after his wrap-up, or out of being ready."""


class Login(msgspec.Struct, frozen=True):
    """An agent signed in; he is not ready yet."""


class Logout(msgspec.Struct, frozen=True):
    """An agent is gone."""


Event: TypeAlias = (
    Placed
    | Answered
    | Offered
    | Machine
    | NoAnswer
    | Busy
    | Failed
    | Connected
    | Abandoned
    | TalkEnded
    | Ready
    | Paused
    | Login
    | Logout
)
"""Every call ends in exactly one of Machine, NoAnswer, Busy, Failed, Connected, Abandoned."""


class Counts(msgspec.Struct, frozen=True):
    """How many calls came to what, in some stretch of time."""

    placed: int = 0
    answered: int = 0
    machines: int = 0
    no_answer: int = 0
    busy: int = 0
    failed: int = 0
    connected: int = 0
    abandoned: int = 0

    @property
    def live(self) -> int:
        """Persons who were connected or abandoned: what an abandon rate is out of."""
        return self.connected + self.abandoned


class Window(msgspec.Struct, frozen=True):
    """One legal stretch of time, such as a day or a block of 30 days, in which abandoned calls are counted by a rule.

    `abandoned` and `answered` are the two numbers of the rule's own formula, the estimate of AMD's mistakes among them; `cap` is
    the most that the first may be of the second, as a share.
    """

    start: Instant
    cap: float
    answered: float = 0.0
    abandoned: float = 0.0
    known: bool = True
    """Whether all was counted from the stretch's beginning. If not, only calls with an agent of their own are placed."""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """The floor as the daemon sees it at one moment.

    An agent is here as long as he will take calls again after what he does now: whoever has asked for a break or the
    end of his shift after this talk is left out. A call is `ringing` from the moment that it was ordered, so that what is still on
    its way to Asterisk counts. Where campaigns share agents, all calls that may claim these agents are here, whosever they are.
    """

    ready: Ages = ()
    connecting: Ages = ()
    """Agents whose phone rings for a person, or who are being bridged."""
    talking: Ages = ()
    wrap_up: Ages = ()
    ringing: Ages = ()
    in_detection: Ages = ()
    """Answered calls about which it is not known yet whether it is a person."""
    waiting: Ages = ()
    """Persons who want an agent and have none."""
    free_lines: int
    """Calls that could be placed now by lines and by calls per second."""
    total: Counts = Counts()
    """Since the campaign's beginning, whichever process counted it."""
    recent: Counts = Counts()
    """Lately, such as in the last half hour."""
    windows: tuple[Window, ...] = ()
    """The stretch of time of each abandon rule in which this moment lies."""
    leads_left: int | None = None
    """Leads that could still be called now; None: enough."""
    persons_as_machines: float = 0.0
    """The estimated share of persons whom the detection takes for machines (0 to 1): lost like the abandoned."""

    @property
    def agents(self) -> int:
        """Agents on the floor."""
        return len(self.ready) + len(self.connecting) + len(self.talking) + len(self.wrap_up)

    @property
    def in_flight(self) -> int:
        """Calls that may still come to a person who wants an agent, or have."""
        return len(self.ringing) + len(self.in_detection) + len(self.waiting)


class Pacer(Protocol):
    """Decides how many calls to place, from what it has heard and what it is shown."""

    def observe(self, event: Event, now: Instant) -> None:
        """Something happened at `now`; never earlier than what was told before."""

    def calls_to_place(self, reading: Reading, now: Instant) -> int:
        """How many calls to place at `now`: never more than the reading's free lines and leads, 0 without agents."""


def most(reading: Reading) -> int:
    """The most calls that may be placed whatever a pacer thinks: by lines, leads, and agents at all."""
    if reading.agents == 0:
        return 0
    left = reading.free_lines if reading.leads_left is None else min(reading.free_lines, reading.leads_left)
    return max(0, left)


def one_to_one(reading: Reading) -> int:
    """Calls that have an agent of their own who is ready now; not limited by lines or leads."""
    return max(0, len(reading.ready) - reading.in_flight)


def to_hang_up(reading: Reading) -> int:
    """Ringing calls that are better given up than answered: all of them if no agent is left on the floor who could take one."""
    return len(reading.ringing) if reading.agents == 0 else 0
