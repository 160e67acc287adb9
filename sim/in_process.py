"""The street's face inside the process: Telephony in virtual time, for the engines' own driver.

Never moves time by itself and never tells the daemon more than a real exchange would.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dialerd.model.facts import (
    AnyFact,
    CallAnswered,
    CallBridged,
    CallEnded,
    CallLeft,
    CallNotPlaced,
    CallRinging,
    CallSeen,
    CallWaiting,
    ConnectFailed,
    LinkLost,
    PhoneEnded,
    PhoneIdle,
    PhoneRinging,
    PhoneSeen,
    Reconciled,
)
from dialerd.model.intents import CallPhone, Connect, Dial, Drop, HangUp, OfferCall, ToTelephony
from sim import street_events as on_street
from sim.legs import At, Call
from sim.lines import dialled
from sim.scenario import STREET
from sim.street import Street

_CALL_STATE = {
    At.CALLING: "ringing",  # the daemon knows no state before it; a listed channel may not ring yet
    At.RINGING: "ringing",
    At.HOLDING: "waiting",
    At.TALKING: "talking",
    At.DROPPING: "dropping",
}
_PHONE_STATE = {At.CALLING: "calling", At.RINGING: "calling", At.HOLDING: "idle", At.TALKING: "talking"}

_FACTS: dict[type, Callable[[Any], AnyFact]] = {
    on_street.Ringing: lambda e: CallRinging(e.call),
    on_street.Answered: lambda e: CallAnswered(e.call),
    on_street.Waiting: lambda e: CallWaiting(e.call),
    on_street.Bridged: lambda e: CallBridged(e.call, e.leg),
    on_street.Dropped: lambda e: CallLeft(e.call),
    on_street.Ended: lambda e: CallEnded(e.call, e.cause, e.sip, e.reason, e.channel),
    on_street.PhoneRinging: lambda e: PhoneRinging(e.leg),
    on_street.PhoneIdle: lambda e: PhoneIdle(e.leg),
    on_street.PhoneEnded: lambda e: PhoneEnded(e.leg, e.cause, e.sip, e.reason, e.channel),
}


class StreetTelephony:
    """Keeps ports.telephony.Telephony for the server `street`.

    A wish is done at the instant that `facts_until` was last asked for: ask first, then submit.
    """

    def __init__(self, street: Street, server: str = STREET) -> None:
        self.street = street
        self.server = server
        self._facts: list[AnyFact] = [Reconciled(server, (), ())]
        self._wants: list[on_street.AgentWants] = []
        self._rung: dict[str, tuple[str, str]] = {}  # agent's leg -> agent, and the call it was rung for
        self._linked = True
        self._carry: dict[type, Callable[[Any], None]] = {
            Dial: self._dial,
            OfferCall: self._offer,
            CallPhone: self._call_phone,
            Connect: self._connect,
            HangUp: self._hang_up,
            Drop: self._drop,
        }

    # --- Telephony

    def submit(self, intent: ToTelephony) -> None:
        """Carry out one wish. Raises ValueError for a wish to another server: that is the driver's mistake."""
        if intent.server != self.server:
            raise ValueError(f"this is server {self.server!r}, the intent is for {intent.server!r}")
        self._carry[type(intent)](intent)

    # --- the driver's side

    def next_time(self) -> float | None:
        """When the next fact or want is due; None: never."""
        return self.street.now if self._facts or self._wants else self.street.next_time()

    def facts_until(self, now: float) -> list[AnyFact]:
        """All facts up to and at `now`, in order."""
        self._take(now)
        facts, self._facts = self._facts, []
        return facts

    def take_wants(self) -> list[on_street.AgentWants]:
        """What agents asked for by their screens, up to the instant that `facts_until` was last asked for."""
        wants, self._wants = self._wants, []
        return wants

    def lose_link(self, because: str) -> None:
        """Cut the link: calls go on, and what happens meanwhile is not told."""
        if self._linked:
            self._take(self.street.now)
            self._linked = False
            self._facts.append(LinkLost(self.server, because))

    def restore_link(self) -> None:
        """The link is up again: what is alive is told."""
        if not self._linked:
            self._take(self.street.now)
            self._linked = True
            self._facts.append(self._reconciled(restarted=False))

    def restart(self) -> None:
        """The exchange dies and starts anew: every leg is gone without a word, and the link comes up again."""
        self.lose_link("the exchange died")
        self.street.vanish(self.street.now)
        self._take(self.street.now)
        self._rung.clear()
        self._linked = True
        self._facts.append(self._reconciled(restarted=True))

    def _take(self, now: float) -> None:
        facts = self._facts
        for event in self.street.advance(now):
            made = _FACTS.get(type(event))
            if made is not None:
                if self._linked:
                    facts.append(made(event))
                if type(event) is on_street.PhoneEnded:
                    self._rung.pop(event.leg, None)
            elif type(event) is on_street.AgentWants:
                self._wants.append(event)

    def _reconciled(self, *, restarted: bool) -> Reconciled:
        calls = []
        phones = []
        for leg in self.street.legs():
            if isinstance(leg, Call):
                calls.append(CallSeen(leg.id, _CALL_STATE[leg.at], leg.phone.id if leg.phone else ""))
            else:
                agent, call = self._rung[leg.id]
                phones.append(PhoneSeen(leg.id, _PHONE_STATE[leg.at], agent, leg.call.id if leg.call else call))
        return Reconciled(self.server, tuple(calls), tuple(phones), restarted)

    # --- wishes

    def _dial(self, wish: Dial) -> None:
        if not self._linked:
            self._facts.append(CallNotPlaced(wish.call, "the link is down"))
            return
        number, trunk = dialled(wish.dial)
        message_s = self.street.scenario.customers.message_s if wish.drop_prompt else 0.0
        self.street.originate_customer(
            wish.call, number, wish.ring_s, wish.wait_s, self.street.now, drop_s=message_s, trunk=trunk
        )

    def _offer(self, wish: OfferCall) -> None:
        self._ring(wish, wish.call, nailed_up=False)

    def _call_phone(self, wish: CallPhone) -> None:
        self._ring(wish, "", nailed_up=True)

    def _ring(self, wish: OfferCall | CallPhone, call: str, *, nailed_up: bool) -> None:
        if not self._linked:
            self._facts.append(PhoneEnded(wish.leg, channel=False, because="the link is down"))
            return
        self._rung[wish.leg] = (wish.agent, call)
        self.street.originate_phone(wish.leg, dialled(wish.phone)[1], wish.ring_s, nailed_up, self.street.now)

    def _connect(self, wish: Connect) -> None:
        if not self._linked:
            return
        trouble = self.street.bridge(wish.call, wish.leg, self.street.now)
        if trouble is not None:
            self._take(self.street.now)
            self._facts.append(ConnectFailed(wish.call, wish.leg, trouble))

    def _hang_up(self, wish: HangUp) -> None:
        if self._linked:
            self.street.hang_up(wish.leg, self.street.now)

    def _drop(self, wish: Drop) -> None:
        if self._linked:
            self.street.drop(wish.call, self.street.now)
