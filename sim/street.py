"""The street: customers, agents' phones and lines as one discrete-event model, moved by wishes and by time.

Never reads a clock and never does anything for the daemon that an exchange, a carrier or a person would not do.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from sim.agenda import Agenda
from sim.agents import Crew
from sim.books import Books
from sim.callees import NEVER, Callees, Plan, cause_of
from sim.draws import Chance
from sim.legs import At, Call, Phone
from sim.lines import Trunk, Verdict
from sim.scenario import STREET, Scenario
from sim.street_events import (
    AgentWants,
    Answered,
    AnyStreetEvent,
    Bridged,
    Dropped,
    Ended,
    Left,
    PhoneEnded,
    PhoneIdle,
    PhoneRinging,
    Ringing,
    Waiting,
)

RUNG_HOLDS_S = 10.0
"""An agent who was rung and is not bridged is let go after so many seconds (dialer-ring)."""
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
        self._legs: dict[str, Call | Phone] = {}
        self._dialled: dict[str, int] = {}  # live calls by number
        self._agenda = Agenda(self.start)
        self._trunk = Trunk(scenario.lines, self.start)
        self._callees = Callees(scenario.customers, chance)
        self._crew = Crew(scenario.agents, chance, self._agenda, self._events.append, self.start, self.end)

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
        found = self._legs.get(leg)
        return found if isinstance(found, Call) else None

    def phone(self, leg: str) -> Phone | None:
        """The live agent's leg of that id."""
        found = self._legs.get(leg)
        return found if isinstance(found, Phone) else None

    def legs(self) -> list[Call | Phone]:
        """All live legs, the oldest first."""
        return list(self._legs.values())

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
        if leg in self._legs:
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
            elif number in self._dialled:
                books.misuses["number called while a call to it was alive"] += 1
                plan = _BUSY
            else:
                plan = self._callees.plan(number, attempt, now - self.start)
        call = Call(leg, number, plan, now, ring_s, wait_s)
        call.drop_s = drop_s
        call.line = verdict == "taken"
        self._legs[leg] = call
        self._dialled[number] = self._dialled.get(number, 0) + 1
        books.live_calls[leg] = number
        if verdict == "dead":
            self._agenda.put(now, self._no_channel, call)
        elif plan.rings_s < ring_s and plan.rings_s <= plan.decided_s:
            self._agenda.put(now + plan.rings_s, self._rings, call)
        else:
            self._await_decision(call)
        return verdict != "dead"

    def originate_phone(self, leg: str, agent: str, ring_s: float, nailed_up: bool, now: float) -> bool:
        """Call an agent's softphone, for one customer or for the shift. Returns whether a channel was made.

        Raises ValueError if a leg of this id is alive.
        """
        self._agenda.run(now)
        if leg in self._legs:
            raise ValueError(f"leg {leg!r} is alive already")
        who = self._crew.by_number.get(agent)
        if who is None:
            self.books.offers["not_made"] += 1
            self._events.append(PhoneEnded(now, leg, None, None, 0, False))
            return False
        phone = Phone(leg, who, nailed_up)
        self._legs[leg] = phone
        self.books.live_phones[leg] = agent
        if who.phone:
            self.books.misuses["softphone called while it was in use"] += 1
            self._agenda.put(now, self._phone_busy, phone)
            return True
        who.phone = leg
        offer = self._crew.offer(who)
        phone.at = At.RINGING
        self._events.append(PhoneRinging(now, leg))
        if offer.what == "rings" or offer.after_s >= ring_s:
            self._agenda.put(now + ring_s, self._phone_unanswered, phone)
        else:
            phone.leaves_at = now + offer.after_s + offer.stays_s
            answer = self._picks_up if offer.what == "picks_up" else self._phone_busy
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
            self._set_phone_free(customer.phone)
        if phone.call is not None:
            self.books.misuses["took an agent away from his customer"] += 1
            other = phone.call
            self._book_talk(phone)
            other.phone = phone.call = None
            self._agent_side_gone(other)
        self._join(customer, phone, mark)
        return None

    def hang_up(self, leg: str, now: float, cause: int = 16) -> bool:
        """End a leg with that cause. False if it is gone."""
        self._agenda.run(now)
        found = self._legs.get(leg)
        if found is None:
            return False
        if isinstance(found, Call):
            self._end_call(found, cause, reason=0 if found.at < At.HOLDING else None)
        else:
            if found.at < At.HOLDING:
                self.books.offers["withdrawn"] += 1
            self._end_phone(found, cause, reason=0 if found.at < At.HOLDING else None)
        return True

    def drop(self, leg: str, now: float) -> bool:
        """Send an answered customer to the information message. False if he is gone or was never there."""
        self._agenda.run(now)
        call = self.call(leg)
        if call is None or call.at < At.HOLDING:
            return False
        if call.phone is not None:
            phone, call.phone = call.phone, None
            self._set_phone_free(phone)
        self._to_message(call)
        return True

    def vanish(self, now: float) -> int:
        """Take every leg away without a word, as an exchange does that dies. Returns how many there were."""
        self._agenda.run(now)
        legs = list(self._legs.values())
        for leg in legs:
            leg.epoch += 1
            if isinstance(leg, Call):
                self._forget(leg)
                self.books.ends["vanished"] += 1
            else:
                self._book_talk(leg)
                self._forget_phone(leg)
                if leg.nailed_up and leg.at >= At.HOLDING:
                    self._crew.lost_phone(leg.agent)
        self.books.vanished += len(legs)
        return len(legs)

    # --- a customer's leg

    def _await_decision(self, call: Call) -> None:
        plan = call.plan
        if plan.decided_s < call.ring_s:
            act = self._answers if plan.sip == 200 else self._is_refused
            self._agenda.put(call.placed_at + plan.decided_s, act, call)
        else:
            self._agenda.put(call.placed_at + call.ring_s, self._is_not_answered, call)

    def _no_channel(self, call: Call) -> None:
        self._end_call(call, None, reason=0, channel=False)

    def _rings(self, call: Call) -> None:
        call.epoch += 1
        call.at = At.RINGING
        self._events.append(Ringing(self._agenda.now, call.id))
        self._await_decision(call)

    def _is_refused(self, call: Call) -> None:
        sip = call.plan.sip
        self._end_call(call, cause_of(sip), sip, 0)

    def _is_not_answered(self, call: Call) -> None:
        self._end_call(call, 19, 480, 3)

    def _answers(self, call: Call) -> None:
        now = self._agenda.now
        plan = call.plan
        call.epoch += 1
        call.at = At.HOLDING
        call.answered_at = now
        self.books.answered += 1
        if not plan.person:
            self.books.machines += 1
        self._events.append(Answered(now, call.id))
        self._events.append(Waiting(now, call.id))
        patience = plan.patience_s if plan.patience_s < plan.stays_s else plan.stays_s
        if patience <= call.wait_s:
            self._agenda.put(now + patience, self._hangs_up, call)
        else:
            self._agenda.put(now + call.wait_s, self._wait_is_over, call)

    def _hangs_up(self, call: Call) -> None:
        if not call.connected and call.at == At.HOLDING:
            self.books.hung_up += 1
            call.connected = True  # booked: the end must not count him as abandoned
        self._end_call(call, 16)

    def _wait_is_over(self, call: Call) -> None:
        self._agent_side_gone(call)

    def _agent_side_gone(self, call: Call) -> None:
        """The dialplan goes on behind the holding bridge."""
        call.epoch += 1
        self._events.append(Left(self._agenda.now, call.id, call.marked))
        if call.marked:
            self._end_call(call, 16)
        else:
            self._to_message(call)

    def _to_message(self, call: Call) -> None:
        now = self._agenda.now
        call.epoch += 1
        call.at = At.DROPPING
        self._events.append(Dropped(now, call.id))
        if not call.connected:
            self.books.dropped_after_s += now - call.answered_at
        if call.drop_s > 0:
            self._agenda.put(min(now + call.drop_s, call.answered_at + call.plan.stays_s), self._message_is_over, call)
        else:
            self._end_call(call, 16)

    def _message_is_over(self, call: Call) -> None:
        self._end_call(call, 16)

    def _agent_is_done(self, call: Call) -> None:
        """The agent ends the talk: at his phone, or by his screen if the phone stays connected."""
        phone = call.phone
        assert phone is not None
        call.epoch += 1
        if not phone.nailed_up:
            self._end_phone(phone, 16)
        elif not self._crew.people:
            self._end_call(call, 16)
        else:
            now = self._agenda.now
            self._events.append(AgentWants(now, phone.agent.id, "hang_up", "", call.id))
            stays = call.answered_at + call.plan.stays_s
            follows = now + self.scenario.agents.goodbye_s if call.plan.follows else NEVER
            if min(stays, follows) < NEVER:
                self._agenda.put(min(stays, follows), self._hangs_up, call)

    def _join(self, call: Call, phone: Phone, mark: bool) -> None:
        now = self._agenda.now
        books = self.books
        plan = call.plan
        call.epoch += 1
        phone.epoch += 1
        call.at = phone.at = At.TALKING
        call.phone, phone.call = phone, call
        call.marked = call.marked or mark
        phone.talk_from = now
        if not call.connected:
            call.connected = True
            books.connected += 1
            books.wait_s += now - call.answered_at
        books.pairs.append((call.id, phone.agent.id))
        self._events.append(Bridged(now, call.id, phone.id))
        if phone.leaves_at < NEVER:
            self._agenda.put(phone.leaves_at, self._phone_hangs_up, phone)
        ends = now + plan.talk_s
        stays = call.answered_at + plan.stays_s
        if stays <= ends:
            self._agenda.put(stays, self._hangs_up, call)
        else:
            self._agenda.put(ends, self._hangs_up if plan.customer_ends else self._agent_is_done, call)

    def _end_call(
        self, call: Call, cause: int | None, sip: int | None = None, reason: int | None = None, channel: bool = True
    ) -> None:
        call.epoch += 1
        phone = call.phone
        if call.at >= At.HOLDING and not call.connected:
            self.books.abandoned += 1
        self._forget(call)
        self.books.ends["none" if cause is None else str(cause)] += 1
        self._events.append(Ended(self._agenda.now, call.id, cause, sip, reason, channel))
        if phone is not None:
            self._set_phone_free(phone)

    def _forget(self, call: Call) -> None:
        del self._legs[call.id]
        del self.books.live_calls[call.id]
        left = self._dialled[call.number] - 1
        if left:
            self._dialled[call.number] = left
        else:
            del self._dialled[call.number]
        if call.line:
            self._trunk.give_back()

    # --- an agent's leg

    def _picks_up(self, phone: Phone) -> None:
        self.books.offers["picked_up"] += 1
        self._hold_phone(phone, picked_up=True)
        if phone.nailed_up:
            self._crew.picked_up(phone.agent)

    def _hold_phone(self, phone: Phone, *, picked_up: bool) -> None:
        now = self._agenda.now
        phone.epoch += 1
        phone.at = At.HOLDING
        self._events.append(PhoneIdle(now, phone.id, picked_up))
        ends = phone.leaves_at if phone.nailed_up else min(now + RUNG_HOLDS_S, phone.leaves_at)
        if ends < NEVER:
            self._agenda.put(ends, self._phone_hangs_up, phone)

    def _phone_unanswered(self, phone: Phone) -> None:
        self.books.offers["unanswered"] += 1
        self._end_phone(phone, 19, 480, 3)
        self._crew.missed(phone.agent)

    def _phone_busy(self, phone: Phone) -> None:
        self.books.offers["busy"] += 1
        self._end_phone(phone, 17, 486, 0)
        self._crew.missed(phone.agent)

    def _phone_hangs_up(self, phone: Phone) -> None:
        self._end_phone(phone, 16)

    def _set_phone_free(self, phone: Phone) -> None:
        """The customer's side ended: a nailed-up phone waits for the next, a rung one is let go."""
        self._book_talk(phone)
        phone.call = None
        if phone.nailed_up:
            self._hold_phone(phone, picked_up=False)
        else:
            self._end_phone(phone, 16)

    def _end_phone(self, phone: Phone, cause: int, sip: int | None = None, reason: int | None = None) -> None:
        phone.epoch += 1
        call = phone.call
        self._book_talk(phone)
        answered = phone.at >= At.HOLDING
        self._forget_phone(phone)
        self._events.append(PhoneEnded(self._agenda.now, phone.id, cause, sip, reason))
        if call is not None:
            call.phone = phone.call = None
            self._agent_side_gone(call)
        if phone.nailed_up and answered:
            self._crew.lost_phone(phone.agent)

    def _forget_phone(self, phone: Phone) -> None:
        del self._legs[phone.id]
        del self.books.live_phones[phone.id]
        if phone.agent.phone == phone.id:
            phone.agent.phone = ""

    def _book_talk(self, phone: Phone) -> None:
        if phone.call is not None and phone.at == At.TALKING:
            talk = self._agenda.now - phone.talk_from
            self.books.talk_s += talk
            self.books.agents[phone.agent.id] = self.books.agents.get(phone.agent.id, 0.0) + talk
