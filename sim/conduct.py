"""What becomes of legs by themselves: customers ring, answer, wait, talk and hang up; phones are taken, held and let go.

Never takes a wish: `street` does, and moves legs through here.
"""

from __future__ import annotations

from sim.agenda import Agenda
from sim.agents import Crew
from sim.books import Books
from sim.callees import NEVER, cause_of
from sim.legs import At, Call, Phone
from sim.lines import Trunk
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
    Ringing,
    Waiting,
)

RUNG_HOLDS_S = 10.0
"""An agent who was rung and is not bridged is let go after so many seconds (dialer-ring)."""


class Conduct:
    """The moves of all legs of one street. They happen at the agenda's `now`."""

    def __init__(
        self, agenda: Agenda, events: list[AnyStreetEvent], books: Books, trunk: Trunk, crew: Crew, goodbye_s: float
    ) -> None:
        self._agenda = agenda
        self._events = events
        self._books = books
        self._trunk = trunk
        self._crew = crew
        self._goodbye_s = goodbye_s
        self.legs: dict[str, Call | Phone] = {}
        """All that live."""
        self.dialled: dict[str, int] = {}
        """Live calls by number."""

    # --- a customer's leg

    def await_decision(self, call: Call) -> None:
        """Plan the answer, the refusal or the caller's own timeout, whichever is first."""
        plan = call.plan
        if plan.decided_s < call.ring_s:
            act = self._answers if plan.sip == 200 else self._is_refused
            self._agenda.put(call.placed_at + plan.decided_s, act, call)
        else:
            self._agenda.put(call.placed_at + call.ring_s, self._is_not_answered, call)

    def no_channel(self, call: Call) -> None:
        """The trunk is dead: it ends before it began."""
        self.end_call(call, None, reason=0, channel=False)

    def rings(self, call: Call) -> None:
        """The first ring."""
        call.epoch += 1
        call.at = At.RINGING
        self._events.append(Ringing(self._agenda.now, call.id))
        self.await_decision(call)

    def _is_refused(self, call: Call) -> None:
        sip = call.plan.sip
        self.end_call(call, cause_of(sip), sip, 0)

    def _is_not_answered(self, call: Call) -> None:
        self.end_call(call, 19, 480, 3)

    def _answers(self, call: Call) -> None:
        now = self._agenda.now
        plan = call.plan
        call.epoch += 1
        call.at = At.HOLDING
        call.answered_at = now
        self._books.answered += 1
        if not plan.person:
            self._books.machines += 1
        self._events.append(Answered(now, call.id))
        self._events.append(Waiting(now, call.id))
        patience = plan.patience_s if plan.patience_s < plan.stays_s else plan.stays_s
        if patience <= call.wait_s:
            self._agenda.put(now + patience, self._hangs_up, call)
        else:
            self._agenda.put(now + call.wait_s, self._wait_is_over, call)

    def _hangs_up(self, call: Call) -> None:
        if not call.connected and call.at == At.HOLDING:
            self._books.hung_up += 1
            call.connected = True  # booked: the end must not count him as abandoned
        self.end_call(call, 16)

    def _wait_is_over(self, call: Call) -> None:
        self.agent_side_gone(call)

    def agent_side_gone(self, call: Call) -> None:
        """The dialplan goes on behind the holding bridge."""
        call.epoch += 1
        self._events.append(Left(self._agenda.now, call.id, call.marked))
        if call.marked:
            self.end_call(call, 16)
        else:
            self.to_message(call)

    def to_message(self, call: Call) -> None:
        """The information message, if there is one, and the end."""
        now = self._agenda.now
        call.epoch += 1
        call.at = At.DROPPING
        self._events.append(Dropped(now, call.id))
        if not call.connected:
            self._books.dropped_after_s += now - call.answered_at
        if call.drop_s > 0:
            self._agenda.put(min(now + call.drop_s, call.answered_at + call.plan.stays_s), self._message_is_over, call)
        else:
            self.end_call(call, 16)

    def _message_is_over(self, call: Call) -> None:
        self.end_call(call, 16)

    def _agent_is_done(self, call: Call) -> None:
        """The agent ends the talk: at his phone, or by his screen if the phone stays connected."""
        phone = call.phone
        assert phone is not None
        call.epoch += 1
        if not phone.nailed_up:
            self.end_phone(phone, 16)
        elif not self._crew.people:
            self.end_call(call, 16)
        else:
            now = self._agenda.now
            self._events.append(AgentWants(now, phone.agent.id, "hang_up", "", call.id))
            stays = call.answered_at + call.plan.stays_s
            follows = now + self._goodbye_s if call.plan.follows else NEVER
            if min(stays, follows) < NEVER:
                self._agenda.put(min(stays, follows), self._hangs_up, call)

    def join(self, call: Call, phone: Phone, mark: bool) -> None:
        """They talk from now on; neither of them is in another talk."""
        now = self._agenda.now
        books = self._books
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

    def end_call(
        self, call: Call, cause: int | None, sip: int | None = None, reason: int | None = None, channel: bool = True
    ) -> None:
        """The customer's leg is gone; what he talked to is set free."""
        call.epoch += 1
        phone = call.phone
        if call.at >= At.HOLDING and not call.connected:
            self._books.abandoned += 1
        self.forget_call(call)
        self._books.ends["none" if cause is None else str(cause)] += 1
        self._events.append(Ended(self._agenda.now, call.id, cause, sip, reason, channel))
        if phone is not None:
            self.set_phone_free(phone)

    def forget_call(self, call: Call) -> None:
        """Take it out of the books, without a word."""
        del self.legs[call.id]
        del self._books.live_calls[call.id]
        left = self.dialled[call.number] - 1
        if left:
            self.dialled[call.number] = left
        else:
            del self.dialled[call.number]
        if call.line:
            self._trunk.give_back()

    # --- an agent's leg

    def picks_up(self, phone: Phone) -> None:
        """The agent takes his phone."""
        self._books.offers["picked_up"] += 1
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

    def phone_unanswered(self, phone: Phone) -> None:
        """It rang for as long as it was let."""
        self._books.offers["unanswered"] += 1
        self.end_phone(phone, 19, 480, 3)
        self._crew.missed(phone.agent)

    def phone_busy(self, phone: Phone) -> None:
        """It says 486."""
        self._books.offers["busy"] += 1
        self.end_phone(phone, 17, 486, 0)
        self._crew.missed(phone.agent)

    def _phone_hangs_up(self, phone: Phone) -> None:
        self.end_phone(phone, 16)

    def set_phone_free(self, phone: Phone) -> None:
        """The customer's side ended: a nailed-up phone waits for the next, a rung one is let go."""
        self.book_talk(phone)
        phone.call = None
        if phone.nailed_up:
            self._hold_phone(phone, picked_up=False)
        else:
            self.end_phone(phone, 16)

    def end_phone(self, phone: Phone, cause: int, sip: int | None = None, reason: int | None = None) -> None:
        """The agent's leg is gone; a customer he talked with is back in his dialplan."""
        phone.epoch += 1
        call = phone.call
        self.book_talk(phone)
        self.forget_phone(phone)
        self._events.append(PhoneEnded(self._agenda.now, phone.id, cause, sip, reason))
        if call is not None:
            call.phone = phone.call = None
            self.agent_side_gone(call)

    def forget_phone(self, phone: Phone) -> None:
        """Take it out of the books, without a word; an agent whose shift goes on notices."""
        del self.legs[phone.id]
        del self._books.live_phones[phone.id]
        if phone.agent.phone == phone.id:
            phone.agent.phone = ""
            if phone.nailed_up:
                self._crew.lost_phone(phone.agent)

    def book_talk(self, phone: Phone) -> None:
        """Count the talk that ends now, if there is one."""
        if phone.call is not None and phone.at == At.TALKING:
            talk = self._agenda.now - phone.talk_from
            self._books.talk_s += talk
            self._books.agents[phone.agent.id] = self._books.agents.get(phone.agent.id, 0.0) + talk
