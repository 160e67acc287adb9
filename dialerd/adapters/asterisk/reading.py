"""Reading: turns Asterisk's events about our legs into facts, whatever order, doubling or gap they come in.

It must never send anything, read a clock, raise for what Asterisk says, or tell the end of one leg twice.

Events of one call come from several threads of Asterisk, so each may come first. A failed originate has two halves,
OriginateResponse (the Reason: our Timeout or not) and Hangup (the Cause); they are joined in either order.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from dialerd.adapters.asterisk.ended_legs import EndedLegs
from dialerd.adapters.asterisk.packets import Packet
from dialerd.adapters.asterisk.reconciling import AGENT_BRIDGE, CUSTOMER_BRIDGE, RING_BRIDGE, Alive, is_holding
from dialerd.model.facts import (
    AnyFact,
    CallAnswered,
    CallBridged,
    CallEnded,
    CallLeft,
    CallRinging,
    CallWaiting,
    PhoneEnded,
    PhoneIdle,
    PhoneRinging,
)
from dialerd.model.ids import is_call, is_leg
from dialerd.model.instants import Instant

WANTED = frozenset({"OriginateResponse", "DialBegin", "Newstate", "BridgeEnter", "UserEvent", "Hangup"})
"""The events that are read. DialBegin is wanted for one thing: it proves that a channel was made, so that a call that
was refused before it rang is never taken for one that was not placed."""

JOIN_S = 1.0
"""Seconds that one half of a failed originate waits for the other when a channel was seen."""

UNSEEN_S = 0.2
"""Seconds that a failure without any channel waits for a late DialBegin or Hangup: a call wrongly told as not placed
would count as no attempt and be dialed again at once."""

# an originate's ActionID is its leg's id; a second one with an id in use fails with the Uniqueid of the living call
_LEG_HEADER = {"OriginateResponse": "ActionID", "DialBegin": "DestUniqueid"}
_RINGING, _UP = "5", "6"  # ChannelState
_TIMED_OUT = 3  # OriginateResponse Reason


@dataclass(slots=True)
class ReadingCounters:
    """Events by what became of them."""

    read: int = 0  # of our legs
    foreign: int = 0  # of channels that are not ours
    late: int = 0  # of legs whose end was told already
    odd: int = 0  # numbers that are none, bridges that do not fit, failures of living calls


@dataclass(slots=True)
class _Leg:
    id: str
    call: bool
    channel: bool = False  # a channel was seen
    rang: bool = False
    answered: bool = False
    left: bool = False
    held_in: str = ""  # the holding bridge that was told last
    bridge: str = ""  # the two-party bridge it entered last
    told: dict[str, str] = field(default_factory=dict)  # the other leg -> the bridge they were told to share
    hangup: tuple[int | None, int | None, str] | None = None  # Cause, TechCause, Cause-txt
    failed: bool = False  # OriginateResponse Failure came
    reason: int | None = None
    decide_at: Instant | None = None


def _ours(token: str | None) -> Callable[[str], bool]:
    return lambda text: is_leg(text, token)


class Reading:
    """One link's view of our legs. `now` is any clock of seconds that does not go back, the same for all calls."""

    def __init__(
        self,
        token: str | None = None,
        *,
        is_ours: Callable[[str], bool] | None = None,
        is_customer: Callable[[str], bool] = is_call,
    ) -> None:
        """`token`: only legs of the store with it are ours. `is_ours` and `is_customer` replace the shape of our ids
        (for recorded traces)."""
        self.counters = ReadingCounters()
        self._is_ours = is_ours or _ours(token)
        self._is_customer = is_customer
        self._legs: dict[str, _Leg] = {}
        self._bridges: dict[str, set[str]] = {}  # two-party bridge -> our legs in it
        self._ended = EndedLegs()
        self._waiting: list[tuple[Instant, str]] = []  # a heap of decisions, some of them out of date
        self._readers: dict[str, Callable[[_Leg, Packet, Instant], list[AnyFact]]] = {
            "DialBegin": self._dial_begin,
            "Newstate": self._newstate,
            "OriginateResponse": self._originate_response,
            "BridgeEnter": self._bridge_enter,
            "UserEvent": self._user_event,
            "Hangup": self._hangup,
        }

    @property
    def remembered(self) -> int:
        """How many legs are kept: alive ones, and ended ones for some seconds."""
        return len(self._legs) + len(self._ended)

    def leg_of(self, packet: Packet) -> str:
        """The id of our leg that an event is about, or empty."""
        text = packet.get(_LEG_HEADER.get(packet.name, "Uniqueid"))
        return text if text in self._legs or self._is_ours(text) else ""

    def knows_channel(self, leg: str) -> bool:
        """Whether a channel of the leg was seen and its end was not told."""
        record = self._legs.get(leg)
        return record is not None and record.channel

    def with_channel(self) -> set[str]:
        """The legs of which a channel was seen and whose end was not told."""
        return {leg.id for leg in self._legs.values() if leg.channel}

    def missed(self, leg: str, now: Instant) -> list[AnyFact]:
        """The leg is gone and its Hangup was never told: its end, without a cause."""
        record = self._legs.get(leg)
        if record is None:
            return []
        record.hangup = record.hangup or (None, None, "its end was not told by Asterisk")
        return self._end(record, now)

    def read(self, packet: Packet, now: Instant) -> list[AnyFact]:
        """The facts that an event tells, in order; none for what is foreign, late or unknown."""
        reader = self._readers.get(packet.name)
        leg_id = self.leg_of(packet) if reader is not None else ""
        if reader is None or not leg_id:
            self.counters.foreign += 1
            return []
        self._ended.forget(now)
        if leg_id in self._ended:
            self.counters.late += 1
            self._ended.heard(leg_id, packet.name)
            return []
        self.counters.read += 1
        return reader(self._leg(leg_id), packet, now)

    def due(self, now: Instant) -> list[AnyFact]:
        """The ends that were held back for their other half, whose time is over."""
        facts: list[AnyFact] = []
        while self._waiting and self._waiting[0][0] <= now:
            at, leg_id = heapq.heappop(self._waiting)
            leg = self._legs.get(leg_id)
            if leg is not None and leg.decide_at == at:
                facts += self._end(leg, now)
        self._ended.forget(now)
        return facts

    def next_due(self) -> Instant | None:
        """When `due` has something to tell at the earliest, or None."""
        while self._waiting:
            at, leg_id = self._waiting[0]
            leg = self._legs.get(leg_id)
            if leg is not None and leg.decide_at == at:
                return at
            heapq.heappop(self._waiting)
        return None

    def settle(self, now: Instant) -> list[AnyFact]:
        """Decide at once whatever waits for another half: before a Reconciled no end may be left open."""
        facts: list[AnyFact] = []
        for leg in [leg for leg in self._legs.values() if leg.decide_at is not None]:
            facts += self._end(leg, now)
        return facts

    def take_leftovers(self) -> list[str]:
        """Legs told as ended whose channel may still live, because its Hangup was never seen; each is given out once."""
        return self._ended.take_leftovers()

    def adopt(self, alive: Iterable[Alive]) -> None:
        """Take over what Asterisk listed: nothing that the list says already is told again by an event."""
        for seen in alive:
            leg = self._leg(seen.leg)
            leg.channel = True
            leg.answered = seen.up
            leg.rang = seen.up or seen.ringing
            if seen.held:
                leg.held_in = seen.bridge
            elif seen.talking:
                for other in self._enter(leg, seen.bridge):
                    leg.told[other.id] = other.told[leg.id] = seen.bridge

    # --- one reader an event

    def _dial_begin(self, leg: _Leg, packet: Packet, now: Instant) -> list[AnyFact]:
        leg.channel = True
        if leg.failed:
            self._decide(leg, now + JOIN_S)
        return []

    def _newstate(self, leg: _Leg, packet: Packet, now: Instant) -> list[AnyFact]:
        leg.channel = True
        state = packet.get("ChannelState")
        if state == _UP:
            return self._answer(leg, now)
        if state == _RINGING and not leg.rang:
            leg.rang = True
            return [CallRinging(leg.id) if leg.call else PhoneRinging(leg.id)]
        return []

    def _originate_response(self, leg: _Leg, packet: Packet, now: Instant) -> list[AnyFact]:
        if packet.get("Response").lower() == "success":
            leg.channel = True
            return self._answer(leg, now)
        if leg.answered:  # a second originate with an id in use: it says nothing of the living call
            self.counters.odd += 1
            return []
        leg.failed = True
        leg.reason = self._number(packet.get("Reason"))
        if leg.hangup is not None:
            return self._end(leg, now)
        if leg.reason:
            leg.channel = True  # it rang until our Timeout, or was refused: there was one, though we did not see it
        self._decide(leg, now + (JOIN_S if leg.channel else UNSEEN_S))
        return []

    def _bridge_enter(self, leg: _Leg, packet: Packet, now: Instant) -> list[AnyFact]:
        leg.channel = True
        bridge = packet.get("BridgeUniqueid")
        facts = self._answer(leg, now) if packet.get("ChannelState") == _UP else []
        if leg.id not in self._legs:  # its Hangup was here already
            return facts
        if not is_holding(packet):
            if packet.get("BridgeType") != "basic" or not bridge:
                self.counters.odd += 1
                return facts
            for other in self._enter(leg, bridge):
                if leg.told.get(other.id) != bridge:
                    leg.told[other.id] = other.told[leg.id] = bridge
                    call, phone = (leg, other) if leg.call else (other, leg)
                    facts.append(CallBridged(call.id, phone.id))
            return facts
        name = packet.get("BridgeName")
        if not (name == CUSTOMER_BRIDGE + leg.id if leg.call else name.startswith((AGENT_BRIDGE, RING_BRIDGE))):
            self.counters.odd += 1
            return facts
        if bridge != leg.held_in:  # each stay has a holding bridge of its own: the same one again is a doubled event
            self._leave(leg)
            leg.held_in = bridge
            facts.append(CallWaiting(leg.id) if leg.call else PhoneIdle(leg.id))
        return facts

    def _user_event(self, leg: _Leg, packet: Packet, now: Instant) -> list[AnyFact]:
        leg.channel = True
        if packet.get("UserEvent") != "DlrDrop" or not leg.call:
            return []
        facts = self._answer(leg, now)
        if leg.left or leg.id not in self._legs:
            return facts
        leg.left = True
        return [*facts, CallLeft(leg.id)]

    def _hangup(self, leg: _Leg, packet: Packet, now: Instant) -> list[AnyFact]:
        leg.channel = True
        sip = self._number(packet.get("TechCause"), 999)
        leg.hangup = (self._number(packet.get("Cause"), 127), sip or None, packet.get("Cause-txt")[:80])
        if leg.answered or leg.failed:
            return self._end(leg, now)
        self._decide(leg, now + JOIN_S)
        return []

    # --- what they share

    def _leg(self, leg_id: str) -> _Leg:
        leg = self._legs.get(leg_id)
        if leg is None:
            leg = self._legs[leg_id] = _Leg(leg_id, self._is_customer(leg_id))
        return leg

    def _answer(self, leg: _Leg, now: Instant) -> list[AnyFact]:
        """The leg is up: told once, and an end that waited for its other half is clear now."""
        if leg.answered:
            return []
        leg.answered, leg.failed, leg.reason = True, False, None
        facts: list[AnyFact] = [CallAnswered(leg.id)] if leg.call else []
        if leg.hangup is not None:
            facts += self._end(leg, now)
        leg.decide_at = None
        return facts

    def _decide(self, leg: _Leg, at: Instant) -> None:
        leg.decide_at = at
        heapq.heappush(self._waiting, (at, leg.id))

    def _enter(self, leg: _Leg, bridge: str) -> list[_Leg]:
        """Note the leg in a two-party bridge; our legs of the other kind that are in it."""
        if leg.bridge != bridge:
            self._leave(leg)
            leg.bridge = bridge
            self._bridges.setdefault(bridge, set()).add(leg.id)
        return [other for other in map(self._legs.__getitem__, sorted(self._bridges[bridge])) if other.call != leg.call]

    def _leave(self, leg: _Leg) -> None:
        inside = self._bridges.get(leg.bridge)
        if inside is not None:
            inside.discard(leg.id)
            if not inside:
                del self._bridges[leg.bridge]
        leg.bridge = ""

    def _end(self, leg: _Leg, now: Instant) -> list[AnyFact]:
        self._leave(leg)
        del self._legs[leg.id]
        for other_id in leg.told:  # a nailed-up agent's leg meets hundreds of customers in a shift
            other = self._legs.get(other_id)
            if other is not None:
                other.told.pop(leg.id, None)
        hung_up = leg.hangup is not None
        self._ended.add(leg.id, now, hung_up=hung_up, channel=leg.channel)
        cause, sip, because = leg.hangup or (None, None, "")
        if cause == 0 and leg.answered:
            cause = 16  # the far end hung up in an application that does not say so
        if not hung_up:
            because = "no Hangup came" if leg.channel else "Asterisk made no channel"
        ended = CallEnded if leg.call else PhoneEnded
        return [ended(leg.id, cause, sip, leg.reason, leg.channel, because)]

    def _number(self, text: str, most: int = 9999) -> int | None:
        """A number as Asterisk writes it; None if the header is missing, or is no such number (counted)."""
        if not text:
            return None
        if text.isascii() and text.isdigit() and len(text) <= 4 and int(text) <= most:
            return int(text)
        self.counters.odd += 1
        return None
