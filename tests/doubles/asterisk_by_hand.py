"""A server's telephony moved by hand: legs that were wished for live, ring, talk and end as real ones can, and tell of it.

Never makes a leg that nobody wished for, never tells of one that is gone, and tells nothing while its link is down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from dialerd.model import facts as f
from dialerd.model import intents as i

ENDS: tuple[tuple[int | None, int | None], ...] = (
    (1, None),
    (16, None),
    (17, None),
    (19, None),
    (20, None),
    (21, 403),
    (21, 603),
    (22, None),
    (28, None),
    (34, 503),
    (38, None),
    (None, 608),
    (127, None),
)
"""Q.850 cause and SIP code with which a call ends that nobody answered."""


@dataclass
class Leg:
    """A leg that is alive."""

    id: str
    kind: str
    """`customer`, or the softphone's use: `ring` or `nailed_up`."""
    state: str
    agent: str = ""
    call: str = ""
    """The customer's call that an agent's leg is for, or talks on."""
    leg: str = ""
    """The agent's leg that a customer talks with."""
    due: str = ""
    """What was asked of it and has not happened yet: `connect`, `drop` or `hang_up`."""
    placed: int = 0
    """The turn that wished for it."""


Event = Callable[[], list[f.AnyFact]]


class AsteriskByHand:
    """Keeps `dialerd.ports.telephony.Telephony`; what happens is chosen from `events`, and `tell` takes its facts."""

    def __init__(self, server: str, turn: Callable[[], int]) -> None:
        self.server = server
        self.up = False
        self.legs: dict[str, Leg] = {}
        self.unsent: list[f.AnyFact] = []
        """What comes of wishes that could not be sent."""
        self._turn = turn

    # --- wishes

    def submit(self, intent: i.ToTelephony) -> None:
        """Take a wish: it happens when its time comes, or never, if the link is down."""
        if not self.up:
            if isinstance(intent, i.Dial):
                self.unsent.append(f.CallNotPlaced(intent.call, "the link is down"))
            elif isinstance(intent, i.OfferCall | i.CallPhone):
                self.unsent.append(f.PhoneEnded(intent.leg, channel=False, because="the link is down"))
            return
        match intent:
            case i.Dial():
                self.legs[intent.call] = Leg(intent.call, "customer", "placed", placed=self._turn())
            case i.OfferCall():
                self.legs[intent.leg] = Leg(
                    intent.leg, "ring", "calling", intent.agent, intent.call, placed=self._turn()
                )
            case i.CallPhone():
                self.legs[intent.leg] = Leg(intent.leg, "nailed_up", "calling", intent.agent, placed=self._turn())
            case i.Connect():
                if intent.call in self.legs:
                    self.legs[intent.call].due, self.legs[intent.call].leg = "connect", intent.leg
                else:
                    self.unsent.append(f.ConnectFailed(intent.call, intent.leg, "no such channel"))
            case i.Drop():
                if intent.call in self.legs:
                    self.legs[intent.call].due = "drop"
            case i.HangUp():
                if intent.leg in self.legs:
                    self.legs[intent.leg].due = "hang_up"

    def forget(self, turn: int) -> None:
        """What the turn wished for was never sent: the daemon died between its commit and its sending."""
        for leg in [leg for leg in self.legs.values() if leg.placed == turn]:
            del self.legs[leg.id]

    # --- what may happen

    def wanted(self) -> list[Event]:
        """What was asked for and is still to happen."""
        return [self._doing(leg) for leg in self.legs.values() if leg.due]

    def of_customers(self) -> list[Event]:
        """What may happen next to customers, of each the same number of times."""
        return [event for leg in self.legs.values() if leg.kind == "customer" for event in self._customer(leg)]

    def events(self) -> list[Event]:
        """All that may happen next to the legs that are alive, in no order of likelihood."""
        found: list[Event] = []
        for leg in self.legs.values():
            found += [self._doing(leg)] if leg.due else []
            found += self._customer(leg) if leg.kind == "customer" else self._phone(leg)
        return found

    def tell(self, event: Event) -> list[f.AnyFact]:
        """Let it happen; the facts that are told of it: none while the link is down."""
        facts = event()
        return facts if self.up else []

    def spoken(self) -> list[f.AnyFact]:
        """What comes of wishes that could not be sent."""
        facts, self.unsent = self.unsent, []
        return facts

    def _doing(self, leg: Leg) -> Event:
        done = {"connect": self._connect, "drop": self._drop, "hang_up": self._gone}
        return lambda: done[leg.due](leg)

    def _customer(self, leg: Leg) -> Iterator[Event]:
        if leg.state in ("placed", "ringing"):
            if leg.state == "placed":
                yield lambda: self._becomes(leg, "ringing", f.CallRinging(leg.id))
                yield lambda: self._never_made(leg)
            for _ in range(len(ENDS)):
                yield lambda: self._picks_up(leg)
            for cause, sip in ENDS:
                yield partial(self._ends, leg, cause, sip)
            yield lambda: self._ends(leg, 16, None, reason=3)
        elif leg.state == "answered":
            for _ in range(6):
                yield lambda: self._becomes(leg, "waiting", f.CallWaiting(leg.id))
            yield lambda: self._ends(leg, 16)
        else:
            yield lambda: self._ends(leg, 16)

    def _phone(self, leg: Leg) -> Iterator[Event]:
        if leg.state == "calling":
            yield lambda: [f.PhoneRinging(leg.id)]
            for _ in range(6):
                yield lambda: self._becomes(leg, "idle", f.PhoneIdle(leg.id))
            yield lambda: self._phone_ends(leg, 17)
            yield lambda: self._phone_ends(leg, None, channel=False)
        else:
            yield lambda: self._phone_ends(leg, 16)

    # --- what it makes

    def _becomes(self, leg: Leg, state: str, fact: f.AnyFact) -> list[f.AnyFact]:
        leg.state = state
        return [fact]

    def _picks_up(self, leg: Leg) -> list[f.AnyFact]:
        leg.state = "answered"
        return [f.CallAnswered(leg.id)]

    def _never_made(self, leg: Leg) -> list[f.AnyFact]:
        del self.legs[leg.id]
        return [f.CallEnded(leg.id, reason=0, channel=False)]

    def _ends(self, leg: Leg, cause: int | None, sip: int | None = None, reason: int | None = None) -> list[f.AnyFact]:
        del self.legs[leg.id]
        ended: list[f.AnyFact] = [f.CallEnded(leg.id, cause=cause, sip=sip, reason=reason)]
        phone = self.legs.get(leg.leg) if leg.state == "talking" else None
        if phone is None:
            return ended
        if phone.kind == "nailed_up":
            phone.state, phone.call = "idle", ""
            return [*ended, f.PhoneIdle(phone.id)]
        del self.legs[phone.id]
        return [*ended, f.PhoneEnded(phone.id, cause=16)]

    def _phone_ends(self, leg: Leg, cause: int | None, *, channel: bool = True) -> list[f.AnyFact]:
        del self.legs[leg.id]
        ended: list[f.AnyFact] = [f.PhoneEnded(leg.id, cause=cause, channel=channel)]
        customer = self.legs.get(leg.call) if leg.state == "talking" else None
        return ended if customer is None else [*ended, *self._ends(customer, 16)]

    def _gone(self, leg: Leg) -> list[f.AnyFact]:
        return self._ends(leg, 16) if leg.kind == "customer" else self._phone_ends(leg, 16)

    def _drop(self, leg: Leg) -> list[f.AnyFact]:
        leg.due = ""
        if leg.state not in ("answered", "waiting"):
            return []
        return self._becomes(leg, "dropping", f.CallLeft(leg.id))

    def _connect(self, leg: Leg) -> list[f.AnyFact]:
        leg.due = ""
        phone = self.legs.get(leg.leg)
        if phone is None or phone.state != "idle" or leg.state != "waiting":
            return [f.ConnectFailed(leg.id, leg.leg, "no such channel")]
        leg.state = phone.state = "talking"
        phone.call = leg.id
        return [f.CallBridged(leg.id, phone.id)]

    def shifts(self) -> list[Event]:
        """Softphones that are called for the shift pick up."""
        calling = [leg for leg in self.legs.values() if leg.kind == "nailed_up" and leg.state == "calling"]
        return [partial(self._becomes, leg, "idle", f.PhoneIdle(leg.id)) for leg in calling]

    # --- the link

    def lose(self) -> list[f.AnyFact]:
        """The link is cut; calls go on."""
        was, self.up = self.up, False
        return [f.LinkLost(self.server, "reset by peer")] if was else []

    def come(self, *, restarted: bool = False) -> list[f.AnyFact]:
        """The link is there, and all that is alive is told. `restarted`: Asterisk itself was, and nothing is alive."""
        if restarted:
            self.legs.clear()
        self.up = True
        calls, phones = [], []
        for leg in self.legs.values():
            if leg.kind == "customer":
                leg.state = "ringing" if leg.state == "placed" else leg.state
                calls.append(f.CallSeen(leg.id, leg.state, leg.leg if leg.state == "talking" else ""))
            else:
                phones.append(f.PhoneSeen(leg.id, leg.state, leg.agent, leg.call))
        return [*self.spoken(), f.Reconciled(self.server, tuple(calls), tuple(phones), restarted)]
