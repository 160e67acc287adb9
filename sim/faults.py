"""Faults that can be asked of the AMI server while it runs: cut, half-open, restarted, slow, forgetful.

Never changes what the street does: calls and people know nothing of a link.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, TypeAdapter, ValidationError

from dialerd.model.policies import Policy

Times = Annotated[int, Field(ge=1, le=1_000_000)]
RealSeconds = Annotated[float, Field(ge=0, le=3600)]
"""Seconds of the wall, not of the street."""


class FaultError(Exception):
    """A fault that cannot be had: key, what was found, what is allowed."""


class Cut(Policy):
    """End all sessions now; calls go on."""

    fault: Literal["cut"]
    how: Literal["close", "abort"] = "close"
    """close: FIN after what is queued; abort: RST, what is queued is lost."""
    down_s: RealSeconds = 0.0
    """Nobody listens for so long; asked again with 0, somebody listens again at once."""


class CutMidPacket(Policy):
    """Send half of an event to each session, then end it."""

    fault: Literal["cut_mid_packet"]
    after_events: Annotated[int, Field(ge=0, le=1_000_000)] = 0


class CutAtAction(Policy):
    """End the session that sends an action of that name: before it is done, or after, without its response."""

    fault: Literal["cut_at_action"]
    action: Annotated[str, Field(min_length=1, max_length=40)] = "Originate"
    when: Literal["before", "after"] = "after"
    times: Times = 1


class Stall(Policy):
    """Neither read nor write for so long, on sessions there are and on new ones: the link is half-open."""

    fault: Literal["stall"]
    for_s: RealSeconds


class Restart(Policy):
    """The exchange dies: every call and every session is gone; it comes back with a new start time on the same port."""

    fault: Literal["restart"]
    clean: bool = False
    """Hangups and a Shutdown event are sent first."""
    down_s: RealSeconds = 0.0
    """Nobody listens for so long."""


class DelayResponses(Policy):
    """Responses come so much later; events do not. 0 ends it."""

    fault: Literal["delay_responses"]
    by_s: RealSeconds


class RefuseLogins(Policy):
    """The next logins fail as with a wrong secret. 0 ends it."""

    fault: Literal["refuse_logins"]
    times: Annotated[int, Field(ge=0, le=1_000_000)] = 1


class RepeatEvent(Policy):
    """The next events of that name come twice."""

    fault: Literal["repeat_event"]
    event: Annotated[str, Field(min_length=1, max_length=40)]
    times: Times = 1


class LoseEvent(Policy):
    """The next events of that name do not come."""

    fault: Literal["lose_event"]
    event: Annotated[str, Field(min_length=1, max_length=40)]
    times: Times = 1


class FailAction(Policy):
    """The next actions of that name do nothing and are answered with an error."""

    fault: Literal["fail_action"]
    action: Annotated[str, Field(min_length=1, max_length=40)] = "Bridge"
    message: Annotated[str, Field(pattern=r"^[^\r\n]{1,200}$")] = "Unable to add Channel1 to bridge: PJSIP/street"
    times: Times = 1


class IgnoreAction(Policy):
    """The next actions of that name do nothing and are never answered."""

    fault: Literal["ignore_action"]
    action: Annotated[str, Field(min_length=1, max_length=40)]
    times: Times = 1


class Shuffle(Policy):
    """Events of one instant come in any order that Asterisk's threads allow."""

    fault: Literal["shuffle"]
    on: bool = True


Fault: TypeAlias = (
    Cut
    | CutMidPacket
    | CutAtAction
    | Stall
    | Restart
    | DelayResponses
    | RefuseLogins
    | RepeatEvent
    | LoseEvent
    | FailAction
    | IgnoreAction
    | Shuffle
)
_FAULT: TypeAdapter[Fault] = TypeAdapter(Annotated[Fault, Field(discriminator="fault")])


def read_fault(given: object) -> Fault:
    """A fault from a mapping such as {"fault": "stall", "for_s": 3}. Raises FaultError."""
    try:
        return _FAULT.validate_python(given)
    except ValidationError as trouble:
        told = [
            f"{'.'.join(str(part) for part in e['loc'][1:]) or 'fault'}: {e['msg']}"
            for e in trouble.errors(include_url=False, include_input=False)
        ]
        raise FaultError("; ".join(told)) from None


class Faults:
    """What is asked for and not yet over. `act` carries out the faults that happen at once."""

    def __init__(self, act: Callable[[Cut | Stall | Restart], None]) -> None:
        self._act = act
        self._at_action: dict[str, list[Any]] = {}
        self._at_event: dict[str, list[Any]] = {}
        self._refuse = 0
        self._mid_packet: int | None = None
        self.delay_s = 0.0
        """How much later responses come."""
        self.shuffle = False

    def ask(self, given: object) -> None:
        """Have a fault, as a mapping or checked. Raises FaultError."""
        fault = given if isinstance(given, Policy) else read_fault(given)
        if isinstance(fault, Cut | Stall | Restart):
            self._act(fault)
        elif isinstance(fault, CutMidPacket):
            self._mid_packet = fault.after_events
        elif isinstance(fault, DelayResponses):
            self.delay_s = fault.by_s
        elif isinstance(fault, RefuseLogins):
            self._refuse = fault.times
        elif isinstance(fault, Shuffle):
            self.shuffle = fault.on
        elif isinstance(fault, RepeatEvent | LoseEvent):
            self._at_event.setdefault(fault.event.lower(), []).extend([fault] * fault.times)
        elif isinstance(fault, CutAtAction | FailAction | IgnoreAction):
            self._at_action.setdefault(fault.action.lower(), []).extend([fault] * fault.times)

    def refuses_login(self) -> bool:
        """Whether this login fails."""
        if self._refuse > 0:
            self._refuse -= 1
            return True
        return False

    def at_action(self, name: str) -> CutAtAction | FailAction | IgnoreAction | None:
        """What befalls this action (name in small letters)."""
        waiting = self._at_action.get(name)
        return waiting.pop(0) if waiting else None

    def copies(self, event: str) -> int:
        """How often this event is sent."""
        waiting = self._at_event.get(event.lower())
        if not waiting:
            return 1
        return 2 if isinstance(waiting.pop(0), RepeatEvent) else 0

    def cuts_packet(self) -> bool:
        """Whether this event is sent only by half."""
        if self._mid_packet is None:
            return False
        if self._mid_packet > 0:
            self._mid_packet -= 1
            return False
        self._mid_packet = None
        return True
