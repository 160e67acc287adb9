"""The promise of ports.telephony as tests: every keeper of it (a real Asterisk, the simulated street) passes the same.

Never knows a keeper: what it needs of one is the Street below.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import pytest

from dialerd.model.causes import outcome_unanswered
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
    Fact,
    LinkLost,
    PhoneEnded,
    PhoneIdle,
    PhoneRinging,
    PhoneSeen,
    Reconciled,
)
from dialerd.model.ids import CALL, PHONE, leg_id
from dialerd.model.intents import CallPhone, Connect, Dial, Drop, HangUp, OfferCall
from dialerd.ports.telephony import Telephony

Kind = TypeVar("Kind", bound=Fact)

SERVER = "pbx1"
TOKEN = "0a1b2c3d"


class Street(Protocol):
    """One keeper of the promise under test, and the people at its other end. Its server is SERVER, its token TOKEN."""

    @property
    def telephony(self) -> Telephony:
        """Where intents go."""

    @property
    def facts(self) -> list[AnyFact]:
        """Everything told so far, in order."""

    def customer(self, habit: str) -> str:
        """A dial string whose customer: answers (after ringing, and stays), leaves (answers, hangs up a second later),
        busy, rejects, unallocated, congested, rings (for ever), silent (not even rings), dead (a trunk known to be down),
        unknown (a trunk that is none)."""

    def softphone(self, habit: str) -> str:
        """A dial string whose phone: answers, leaves (answers, hangs up two seconds later), busy, rings (for ever)."""

    async def until(self, seen: Callable[[], bool], within_s: float) -> bool:
        """Go on until `seen`, or for `within_s` seconds; whether it was seen."""

    async def cut(self) -> None:
        """Cut the link; it stays cut. Calls go on."""

    async def mend(self) -> None:
        """Let the link come back."""


def _legs(fact: Fact) -> list[str]:
    return [leg for leg in (getattr(fact, "call", ""), getattr(fact, "leg", "")) if leg]


class Play:
    """What a test says and sees."""

    def __init__(self, street: Street) -> None:
        self.street = street
        self._legs = 0

    def id(self, kind: str) -> str:
        self._legs += 1
        return leg_id(kind, TOKEN, 7, self._legs)

    @property
    def facts(self) -> list[AnyFact]:
        return self.street.facts

    def of(self, leg: str) -> list[AnyFact]:
        """What was told of one leg."""
        return [fact for fact in self.facts if leg in _legs(fact)]

    async def until(self, seen: Callable[[], bool], what: str, within_s: float = 10.0) -> None:
        if not await self.street.until(seen, within_s):
            pytest.fail(f"{what} was not told within {within_s:g} s; told: {self.facts}")

    async def see(self, *wanted: AnyFact) -> None:
        """Wait until each of these facts was told."""
        await self.until(lambda: all(fact in self.facts for fact in wanted), f"{wanted}")

    async def see_kind(self, kind: type[Kind], leg: str = "", since: int = 0) -> Kind:
        """Wait for the first fact of that kind (of that leg) after the first `since` facts."""

        def found() -> Sequence[Kind]:
            told = self.facts[since:]
            return [fact for fact in told if isinstance(fact, kind) and (not leg or leg in _legs(fact))]

        await self.until(lambda: bool(found()), f"{kind.__name__} of {leg or 'the server'}")
        return found()[0]

    def dial(self, habit: str, *, ring_s: float = 20.0, wait_s: float = 30.0, prompt: str = "") -> str:
        call = self.id(CALL)
        self.street.telephony.submit(
            Dial(
                call=call,
                campaign="spring",
                lead=1,
                number="84905123456",
                server=SERVER,
                trunk="trunk",
                dial=self.street.customer(habit),
                hotline="sales",
                caller_number="84287123456",
                caller_name="Hoa Sen",
                ring_s=ring_s,
                wait_s=wait_s,
                sound="music",
                drop_prompt=prompt,
                booked="",
            )
        )
        return call

    def offer(self, call: str, habit: str, *, ring_s: float = 20.0) -> str:
        leg = self.id(PHONE)
        phone = self.street.softphone(habit)
        self.street.telephony.submit(
            OfferCall(leg, "anna", SERVER, phone, call, ring_s, "84905123456", "Nguyễn Văn Tý")
        )
        return leg

    def call_phone(self, habit: str = "answers") -> str:
        leg = self.id(PHONE)
        self.street.telephony.submit(CallPhone(leg, f"agent-{leg[-4:]}", SERVER, self.street.softphone(habit), 20.0))
        return leg

    def connect(self, call: str, leg: str) -> None:
        self.street.telephony.submit(Connect(call, leg, "anna", SERVER))

    def hang_up(self, leg: str) -> None:
        self.street.telephony.submit(HangUp(leg, SERVER, "the test wants it"))

    async def waiting(self, habit: str = "answers", **rest: float) -> str:
        """A customer who waits."""
        call = self.dial(habit, **rest)  # type: ignore[arg-type]
        await self.see(CallWaiting(call))
        return call

    async def idle(self, habit: str = "answers") -> str:
        """A nailed-up agent who is idle."""
        leg = self.call_phone(habit)
        await self.see(PhoneIdle(leg))
        return leg

    async def talking(self, customer: str = "answers", agent: str = "answers") -> tuple[str, str]:
        """A nailed-up agent and a customer who talk."""
        leg = await self.idle(agent)
        call = await self.waiting(customer)
        self.connect(call, leg)
        await self.see(CallBridged(call, leg))
        return call, leg

    def idles(self, leg: str) -> int:
        return self.of(leg).count(PhoneIdle(leg))

    async def returned(self, leg: str, idles: int = 1) -> None:
        """Wait until the agent, who was idle `idles` times before, is so once more."""
        await self.until(lambda: self.idles(leg) == idles + 1, f"the return of {leg}")

    def check(self) -> None:
        """What holds after every test: one end for each leg at most, and nothing after it."""
        ended: Counter[str] = Counter()
        for fact in self.facts:
            legs = _legs(fact)
            if isinstance(fact, CallEnded | PhoneEnded | CallNotPlaced):
                ended[legs[0]] += 1
            elif not isinstance(fact, ConnectFailed):
                assert not [leg for leg in legs if ended[leg]], f"{fact} after the end"
        assert set(ended.values()) <= {1}


class TelephonySuite:
    """Inherit it beside a fixture `street` that gives a Street whose server is reconciled and has no legs."""

    @pytest.fixture
    def play(self, street: Street) -> Play:
        return Play(street)

    async def test_V04_a_customer_rings_answers_and_waits(self, play: Play) -> None:
        call = await play.waiting()
        assert play.of(call) == [CallRinging(call), CallAnswered(call), CallWaiting(call)]
        play.hang_up(call)
        end = await play.see_kind(CallEnded, call)
        assert end.cause == 16
        play.check()

    async def test_V04_the_customer_ends_the_talk_and_the_nailed_up_agent_is_idle_again(self, play: Play) -> None:
        call, leg = await play.talking("leaves")
        end = await play.see_kind(CallEnded, call)
        assert end.cause == 16
        await play.returned(leg)
        play.check()

    async def test_V04_the_agents_application_ends_the_talk(self, play: Play) -> None:
        call, leg = await play.talking()
        play.hang_up(call)
        await play.see_kind(CallEnded, call)
        await play.returned(leg)
        assert not [fact for fact in play.of(leg) if isinstance(fact, PhoneEnded)]
        play.check()

    async def test_V11_the_agents_phone_ends_the_talk_and_both_legs(self, play: Play) -> None:
        call, leg = await play.talking(agent="leaves")
        phone = await play.see_kind(PhoneEnded, leg)
        end = await play.see_kind(CallEnded, call)
        assert (phone.cause, end.cause) == (16, 16)
        play.check()

    async def test_V11_one_nailed_up_agent_serves_one_customer_after_the_other(self, play: Play) -> None:
        leg = await play.idle()
        for turn in (1, 2, 3):
            call = await play.waiting()
            play.connect(call, leg)
            await play.see(CallBridged(call, leg))
            play.hang_up(call)
            await play.see_kind(CallEnded, call)
            await play.returned(leg, turn)
        play.check()

    @pytest.mark.parametrize(
        ("habit", "outcome"),
        [
            ("busy", "busy"),
            ("rejects", "rejected"),
            ("unallocated", "unallocated"),
            ("congested", "congestion"),
            ("rings", "no_answer"),
            ("silent", "no_response"),
            ("dead", "not_placed"),
            ("unknown", "not_placed"),
        ],
    )
    async def test_V04_a_call_that_nobody_answers_ends_with_what_became_of_it(
        self, play: Play, habit: str, outcome: str
    ) -> None:
        call = play.dial(habit, ring_s=1.0)
        end = await play.see_kind(CallEnded, call)
        rang = CallRinging(call) in play.facts
        assert outcome_unanswered(end.cause, end.sip, end.reason, rang, end.channel) == outcome
        assert CallAnswered(call) not in play.facts
        assert end.channel == (outcome != "not_placed")
        play.check()

    async def test_V11_a_rung_agent_picks_up_and_talks(self, play: Play) -> None:
        call = await play.waiting()
        leg = play.offer(call, "answers")
        await play.see(PhoneIdle(leg))
        assert play.of(leg)[:2] == [PhoneRinging(leg), PhoneIdle(leg)]
        play.connect(call, leg)
        await play.see(CallBridged(call, leg))
        play.hang_up(call)
        await play.see_kind(CallEnded, call)
        await play.see_kind(PhoneEnded, leg)
        play.check()

    async def test_V04_a_rung_agent_who_does_not_pick_up_or_is_busy_leaves_the_customer_waiting(
        self, play: Play
    ) -> None:
        call = await play.waiting()
        ringing = play.offer(call, "rings", ring_s=1.0)
        busy = play.offer(call, "busy")
        no_answer, engaged = await play.see_kind(PhoneEnded, ringing), await play.see_kind(PhoneEnded, busy)
        assert no_answer.reason == 3
        assert engaged.cause == 17
        leg = play.offer(call, "answers")
        await play.see(PhoneIdle(leg))
        play.connect(call, leg)
        await play.see(CallBridged(call, leg))
        assert play.of(call)[-1] == CallBridged(call, leg)
        play.check()

    async def test_V04_a_customer_who_gives_up_waiting_and_the_offer_that_is_withdrawn(self, play: Play) -> None:
        call = await play.waiting("leaves")
        leg = play.offer(call, "rings")
        await play.see(PhoneRinging(leg))
        end = await play.see_kind(CallEnded, call)
        assert end.cause == 16
        play.hang_up(leg)
        await play.see_kind(PhoneEnded, leg)
        play.check()

    async def test_V04_connecting_a_customer_who_has_gone_fails_and_the_agent_stays_idle(self, play: Play) -> None:
        leg = await play.idle()
        call = await play.waiting()
        play.hang_up(call)
        await play.see_kind(CallEnded, call)
        play.connect(call, leg)
        failed = await play.see_kind(ConnectFailed)
        assert (failed.call, failed.leg) == (call, leg)
        assert failed.because
        other = await play.waiting()
        play.connect(other, leg)
        await play.see(CallBridged(other, leg))
        play.check()

    async def test_V04_connecting_an_agent_who_has_gone_fails_and_the_customer_waits_on(self, play: Play) -> None:
        leg, other = await play.idle(), await play.idle()
        call = await play.waiting()
        play.hang_up(leg)
        await play.see_kind(PhoneEnded, leg)
        play.connect(call, leg)
        failed = await play.see_kind(ConnectFailed)
        assert (failed.call, failed.leg) == (call, leg)
        play.connect(call, other)
        await play.see(CallBridged(call, other))
        play.check()

    async def test_O08_a_hangup_at_the_moment_of_a_connect_is_never_lost(self, play: Play) -> None:
        other = await play.idle()
        for _ in range(5):
            leg = await play.idle()
            call = await play.waiting()
            play.hang_up(leg)
            play.connect(call, leg)
            await play.see_kind(PhoneEnded, leg)
            await play.until(
                lambda call=call: isinstance(play.of(call)[-1], ConnectFailed | CallEnded),  # type: ignore[misc]
                "a failed connect, or the end of both legs",
            )
            if isinstance(play.of(call)[-1], ConnectFailed):  # the customer waits on
                idles = play.idles(other)
                play.connect(call, other)
                await play.see(CallBridged(call, other))
                play.hang_up(call)
                await play.see_kind(CallEnded, call)
                await play.returned(other, idles)
        for _ in range(5):
            idles = play.idles(other)
            call = await play.waiting()
            play.connect(call, other)
            play.hang_up(call)
            await play.see_kind(CallEnded, call)
            await play.returned(other, idles)
        play.check()

    async def test_V14_a_dropped_customer_leaves_and_ends(self, play: Play) -> None:
        call = await play.waiting()
        play.street.telephony.submit(Drop(call, SERVER, "nobody is free"))
        end = await play.see_kind(CallEnded, call)
        assert play.of(call) == [CallRinging(call), CallAnswered(call), CallWaiting(call), CallLeft(call), end]
        play.check()

    async def test_V14_a_customer_whom_nobody_takes_is_let_go_without_the_daemon(self, play: Play) -> None:
        call = await play.waiting(wait_s=1.0)
        end = await play.see_kind(CallEnded, call)
        assert play.of(call) == [CallRinging(call), CallAnswered(call), CallWaiting(call), CallLeft(call), end]
        play.check()

    async def test_V14_a_failed_connect_does_not_cost_the_customer_his_message(self, play: Play) -> None:
        leg = await play.idle()
        call = await play.waiting(wait_s=2.0)
        play.hang_up(leg)
        await play.see_kind(PhoneEnded, leg)
        play.connect(call, leg)
        await play.see_kind(ConnectFailed, call)
        await play.see_kind(CallEnded, call)
        assert CallLeft(call) in play.facts
        play.check()

    async def test_O08_a_hangup_right_after_the_dial_ends_the_call(self, play: Play) -> None:
        calls = []
        for _ in range(10):
            calls.append(play.dial("rings"))
            play.hang_up(calls[-1])
        legs = [play.call_phone("rings") for _ in range(5)]
        for leg in legs:
            play.hang_up(leg)
        for call in calls:
            await play.see_kind(CallEnded, call)
        for leg in legs:
            await play.see_kind(PhoneEnded, leg)
        play.check()

    async def test_O08_a_lost_link_is_told_and_what_lives_is_reconciled(self, play: Play) -> None:
        talking, with_agent = await play.talking()
        idle = await play.idle()
        waiting = await play.waiting()
        gone = await play.waiting("leaves")
        ringing = play.dial("rings")
        rung = play.offer(waiting, "rings")
        await play.see(CallRinging(ringing), PhoneRinging(rung))

        await play.street.cut()
        await play.see_kind(LinkLost)
        assert isinstance(play.facts[-1], LinkLost)
        before = len(play.facts)
        refused = play.dial("answers")
        leg = play.offer(waiting, "answers")
        play.connect(waiting, idle)
        play.hang_up(ringing)
        not_placed, not_rung = play.facts[before:]
        assert isinstance(not_placed, CallNotPlaced)
        assert not_placed.call == refused
        assert isinstance(not_rung, PhoneEnded)
        assert (not_rung.leg, not_rung.channel) == (leg, False)
        # the customer who leaves does so meanwhile: nobody can be told
        await play.street.until(lambda: False, 1.5)

        since = len(play.facts)
        await play.street.mend()
        seen = await play.see_kind(Reconciled, since=since)
        assert play.facts[since] is seen
        assert not seen.restarted
        assert seen.server == SERVER
        assert {line.call: line for line in seen.calls} == {
            talking: CallSeen(talking, "talking", with_agent),
            waiting: CallSeen(waiting, "waiting"),
            ringing: CallSeen(ringing, "ringing"),
        }
        assert gone not in {line.call for line in seen.calls}
        assert {line.leg: (line.state, line.call) for line in seen.phones} == {
            with_agent: ("talking", talking),
            idle: ("idle", ""),
            rung: ("calling", waiting),
        }
        assert all(isinstance(line, PhoneSeen) and line.agent for line in seen.phones)

        play.connect(waiting, idle)
        await play.see(CallBridged(waiting, idle))
        idles = play.idles(with_agent)
        for leg in (talking, waiting, ringing, rung):
            play.hang_up(leg)
        for call in (talking, waiting, ringing):
            await play.see_kind(CallEnded, call)
        await play.see_kind(PhoneEnded, rung)
        await play.returned(with_agent, idles)
        play.check()

    async def test_O08_each_of_many_calls_at_once_ends_exactly_once(self, play: Play) -> None:
        habits = ["leaves", "busy", "rejects", "unallocated", "dead", "unknown", "congested", "rings"]
        calls = [play.dial(habits[number % len(habits)], ring_s=1.0) for number in range(48)]
        await play.until(
            lambda: sum(isinstance(fact, CallEnded) for fact in play.facts) >= len(calls), "the end of every call", 20.0
        )
        assert Counter(fact.call for fact in play.facts if isinstance(fact, CallEnded)) == Counter(calls)
        play.check()
