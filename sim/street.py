"""The street: customers, agents' phones and lines as one discrete-event model, moved by wishes and by time.

Never reads a clock and never does anything for the daemon that an exchange, a carrier or a person would not do.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from sim.agenda import Agenda
from sim.agents import Crew
from sim.books import Books
from sim.callees import NEVER, Callees, Plan
from sim.conduct import Conduct
from sim.draws import Chance
from sim.legs import At, Call, Phone
from sim.lines import Trunk, Verdict
from sim.scenario import STREET, Scenario
from sim.street_events import AnyStreetEvent, PhoneEnded, PhoneRinging

_BUSY = Plan(NEVER, 0.2, 486)
_CONGESTION = Plan(NEVER, 0.0, 503)

Trouble: TypeAlias = Literal["no call", "no phone", "call not up", "phone not up"]


class Street:
    """One street. Wishes come with the present instant, events leave by `advance`; instants never go back."""

    def __init__(self, scenario: Scenario, seed: int | None = None, start: float | None = None) -> None:
        """`seed` and `start` (an Instant): the scenario's own if not given."""
        self.scenario = scenario
        self.start = scenario.start if start is None else start
        self.end = self.start + scenario.hours * 3600
        """When the agents' shift is over; the street goes on as long as it is asked to."""
        chance = Chance(scenario.seed if seed is None else seed)
        self.books = Books()
        self._events: list[AnyStreetEvent] = []
        self._agenda = Agenda(self.start)
        self._trunk = Trunk(scenario.lines, self.start)
        self._callees = Callees(scenario.customers, chance)
        self._crew = Crew(scenario.agents, chance, self._agenda, self._events.append, self.start, self.end)
        self._conduct = Conduct(
            self._agenda, self._events, self.books, self._trunk, self._crew, scenario.agents.goodbye_s
        )

    # --- time

    @property
    def now(self) -> float:
        """The instant that the street got to."""
        return self._agenda.now

    def next_time(self) -> float | None:
        """When something happens next if nobody wishes anything; None: never."""
        return self._agenda.now if self._events else self._agenda.next_time()

    def advance(self, now: float) -> list[AnyStreetEvent]:
        """All that happened up to and at `now`, in order. Raises ValueError if time goes back."""
        self._agenda.run(now)
        events = self._events[:]
        self._events.clear()
        return events

    # --- what is there

    def call(self, leg: str) -> Call | None:
        """The live customer's leg of that id."""
        found = self._conduct.legs.get(leg)
        return found if isinstance(found, Call) else None

    def phone(self, leg: str) -> Phone | None:
        """The live agent's leg of that id."""
        found = self._conduct.legs.get(leg)
        return found if isinstance(found, Phone) else None

    def legs(self) -> list[Call | Phone]:
        """All live legs, the oldest first."""
        return list(self._conduct.legs.values())

    @property
    def lines_used(self) -> tuple[int, int]:
        """Calls at once that the carrier carries: now, and the most there ever were."""
        return self._trunk.used, self._trunk.most

    # --- wishes

    def originate_customer(
        self,
        leg: str,
        number: str,
        ring_s: float,
        wait_s: float,
        now: float,
        *,
        drop_s: float = 0.0,
        trunk: str = STREET,
    ) -> bool:
        """Call a customer by `trunk`; `drop_s` is the length of the information message. Returns whether a channel was made.

        Raises ValueError if a leg of this id is alive.
        """
        self._agenda.run(now)
        if leg in self._conduct.legs:
            raise ValueError(f"leg {leg!r} is alive already")
        books = self.books
        books.calls += 1
        verdict: Verdict = self._trunk.take(now) if trunk == STREET and number else "dead"
        if verdict == "dead":
            plan = _CONGESTION
        else:
            attempt = books.invites.get(number, 0) + 1
            books.invites[number] = attempt
            if verdict == "full":
                plan = _CONGESTION
            elif number in self._conduct.dialled:
                books.misuses["number called while a call to it was alive"] += 1
                plan = _BUSY
            else:
                plan = self._callees.plan(number, attempt, now - self.start)
        call = Call(leg, number, plan, now, ring_s, wait_s)
        call.drop_s = drop_s
        call.line = verdict == "taken"
        self._conduct.legs[leg] = call
        self._conduct.dialled[number] = self._conduct.dialled.get(number, 0) + 1
        books.live_calls[leg] = number
        if verdict == "dead":
            self._agenda.put(now, self._conduct.no_channel, call)
        elif plan.rings_s < ring_s and plan.rings_s <= plan.decided_s:
            self._agenda.put(now + plan.rings_s, self._conduct.rings, call)
        else:
            self._conduct.await_decision(call)
        return verdict != "dead"

    def originate_phone(self, leg: str, agent: str, ring_s: float, nailed_up: bool, now: float) -> bool:
        """Call an agent's softphone, for one customer or for the shift. Returns whether a channel was made.

        Raises ValueError if a leg of this id is alive.
        """
        self._agenda.run(now)
        if leg in self._conduct.legs:
            raise ValueError(f"leg {leg!r} is alive already")
        who = self._crew.by_number.get(agent)
        if who is None:
            self.books.offers["not_made"] += 1
            self._events.append(PhoneEnded(now, leg, None, None, 0, False))
            return False
        phone = Phone(leg, who, nailed_up)
        self._conduct.legs[leg] = phone
        self.books.live_phones[leg] = agent
        if who.phone:
            self.books.misuses["softphone called while it was in use"] += 1
            self._agenda.put(now, self._conduct.phone_busy, phone)
            return True
        who.phone = leg
        offer = self._crew.offer(who)
        phone.at = At.RINGING
        self._events.append(PhoneRinging(now, leg))
        if offer.what == "rings" or offer.after_s >= ring_s:
            self._agenda.put(now + ring_s, self._conduct.phone_unanswered, phone)
        else:
            phone.leaves_at = now + offer.after_s + offer.stays_s
            answer = self._conduct.picks_up if offer.what == "picks_up" else self._conduct.phone_busy
            self._agenda.put(now + offer.after_s, answer, phone)
        return True

    def mark_talk(self, leg: str, now: float, talks: bool = True) -> bool:
        """Tell the customer's dialplan that he talks, or not (Setvar DLR_TALK). False if he is gone."""
        self._agenda.run(now)
        call = self.call(leg)
        if call is None:
            return False
        call.marked = talks
        return True

    def bridge(self, call: str, leg: str, now: float, *, mark: bool = True) -> Trouble | None:
        """Put a customer and an agent's leg into one bridge; `mark` tells the dialplan too. Returns what is wrong.

        As Asterisk does, it takes an agent away from the customer he talks with.
        """
        self._agenda.run(now)
        customer, phone = self.call(call), self.phone(leg)
        if customer is None:
            return "no call"
        if phone is None:
            return "no phone"
        if customer.at < At.HOLDING:
            self.books.misuses["bridged a customer who had not answered"] += 1
            return "call not up"
        if phone.at < At.HOLDING:
            self.books.misuses["bridged an agent's phone that was not answered"] += 1
            return "phone not up"
        if customer.phone is phone:
            return None
        if customer.phone is not None:
            self._conduct.set_phone_free(customer.phone)
        if phone.call is not None:
            self.books.misuses["took an agent away from his customer"] += 1
            other = phone.call
            self._conduct.book_talk(phone)
            other.phone = phone.call = None
            self._conduct.agent_side_gone(other)
        self._conduct.join(customer, phone, mark)
        return None

    def hang_up(self, leg: str, now: float, cause: int = 16) -> bool:
        """End a leg with that cause. False if it is gone."""
        self._agenda.run(now)
        found = self._conduct.legs.get(leg)
        if found is None:
            return False
        if isinstance(found, Call):
            self._conduct.end_call(found, cause, reason=0 if found.at < At.HOLDING else None)
        else:
            if found.at < At.HOLDING:
                self.books.offers["withdrawn"] += 1
            self._conduct.end_phone(found, cause, reason=0 if found.at < At.HOLDING else None)
        return True

    def drop(self, leg: str, now: float) -> bool:
        """Send an answered customer to the information message. False if he is gone or was never there."""
        self._agenda.run(now)
        call = self.call(leg)
        if call is None or call.at < At.HOLDING:
            return False
        if call.phone is not None:
            phone, call.phone = call.phone, None
            self._conduct.set_phone_free(phone)
        self._conduct.to_message(call)
        return True

    def vanish(self, now: float) -> int:
        """Take every leg away without a word, as an exchange does that dies. Returns how many there were."""
        self._agenda.run(now)
        legs = list(self._conduct.legs.values())
        for leg in legs:
            leg.epoch += 1
            if isinstance(leg, Call):
                self._conduct.forget_call(leg)
                self.books.ends["vanished"] += 1
            else:
                self._conduct.book_talk(leg)
                self._conduct.forget_phone(leg)
        self.books.vanished += len(legs)
        return len(legs)
