"""The one writer: takes the facts that wait, lets the exchange turn, commits, and only then lets anything leave.

Never loses a fact or a turn: while the store cannot be written it holds the turn, tries again and says so.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from dialerd.model.facts import (
    AnyFact,
    CallAnswered,
    CallBridged,
    CallEnded,
    CallRinging,
    PhoneEnded,
    PhoneIdle,
    PhoneRinging,
    Woke,
)
from dialerd.model.instants import FAR, Instant
from dialerd.model.intents import AnyIntent
from dialerd.model.turn import Committed
from dialerd.ports.clock import Clock
from dialerd.ports.store import Store, StoreFailingError
from dialerd.runtime.exchange import Exchange
from dialerd.runtime.lasting import SERVING, must_last, serving
from dialerd.runtime.leaving import Leaving, Written

AT_ONCE = 2000
"""Facts taken in one turn at most."""
BEAT_S = 1.0
"""Seconds, at most, between two signs of life of the loop."""
LINGER_S = 0.020
"""Facts that nobody waits for may wait this long for company: fewer commits for the same truth."""
UNHURRIED = frozenset({CallRinging, CallAnswered, CallBridged, CallEnded, PhoneRinging, PhoneIdle, PhoneEnded})
"""Kinds of facts that nobody waits for, as long as no customer waits for an agent."""
DUE_LINGER_S = 0.005
"""So long may that wait which is due by time alone, such as the next call: two calls that go out together are answered together
too, and then one customer waits for the other's turn."""
RETRY_S = (0.1, 0.2, 0.5, 1.0, 2.0)


class TurnLoop:
    """Facts in by `put`; committed turns out to `carry_out`, in order."""

    def __init__(
        self,
        exchange: Exchange,
        store: Store,
        clock: Clock,
        carry_out: Callable[[Committed, Sequence[AnyIntent]], None],
        on_turn: Callable[[Committed, float], None] = lambda committed, seconds: None,
    ) -> None:
        self.exchange = exchange
        self.beats = 0
        """Advances at least once a second while the loop is well."""
        self.turns = 0
        self.turn_s = 0.0
        """Seconds that the last turn took, with its commit: so long others waited."""
        self.committed = exchange.seq
        """The last turn that the store has."""
        self._store = store
        self._clock = clock
        self._carry_out = carry_out
        self._on_turn = on_turn
        self._inbox: deque[tuple[AnyFact, asyncio.Future[None] | None]] = deque()
        self._woken = asyncio.Event()
        self._linger: asyncio.TimerHandle | None = None
        self._failing: dict[str, str] = {}
        self._leaving = Leaving(self._harden, carry_out)

    @property
    def failing(self) -> str:
        """Why the store cannot be written; empty while it can."""
        return next(iter(self._failing.values()), "")

    @property
    def depth(self) -> int:
        """Facts that wait."""
        return len(self._inbox)

    def put(self, fact: AnyFact) -> None:
        """A fact from the outside; taken in the next turn."""
        self._inbox.append((fact, None))
        if type(fact) in UNHURRIED and not self.exchange.engine.live.waiting:
            if self._linger is None and not self._woken.is_set():
                self._linger = asyncio.get_running_loop().call_later(LINGER_S, self._woken.set)
        else:
            self._woken.set()

    async def settle(self, fact: AnyFact) -> None:
        """Put a fact and return when its turn is committed."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._inbox.append((fact, done))
        self._woken.set()
        await done

    async def run(self) -> None:
        """Turn for ever. Ends by being cancelled, or by OurMistakeError or LiveAttemptError: then the daemon must stop."""
        leaving = asyncio.get_running_loop().create_task(self._leaving.run())
        leaving.add_done_callback(lambda _: self._woken.set())
        try:
            while not leaving.done():
                await self._once()
            await leaving
        finally:
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)

    async def _once(self) -> None:
        due = self.exchange.next_wakeup()
        at_latest = FAR if due is None else due + DUE_LINGER_S
        await self._clock.wait(min(self._clock.now() + BEAT_S, at_latest), self._woken)
        self.beats += 1
        now = self._clock.now()
        if not self._woken.is_set() and now < at_latest:
            return
        self._woken.clear()
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        if self._inbox or (due is not None and due <= now):
            await self._turn(now)

    async def _turn(self, now: Instant) -> None:
        began = asyncio.get_running_loop().time()
        taken = [self._inbox.popleft() for _ in range(min(AT_ONCE, len(self._inbox)))]
        committed = self.exchange.take([fact for fact, _ in taken] or [Woke()], now)
        took_s = await self._commit(committed)
        self.turn_s = asyncio.get_running_loop().time() - began
        turn = committed.turn
        waited_for = [done for _, done in taken if done is not None]
        intents: Sequence[AnyIntent] = turn.intents
        urgent = serving(turn)
        if urgent:
            self._carry_out(committed, urgent)
            intents = [intent for intent in intents if not isinstance(intent, SERVING)]
        self._leaving.put(Written(committed, intents, waited_for, bool(waited_for) or must_last(turn)))
        self._on_turn(committed, took_s)
        if len(taken) == AT_ONCE:
            self._woken.set()
        await self._leaving.room()

    async def _commit(self, committed: Committed) -> float:
        """Write a turn; the seconds that took."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        await self._until_it_works(lambda: self._store.commit((committed,)), "store")
        self.turns += 1
        self.committed = self.exchange.seq
        return loop.time() - began

    async def _harden(self) -> None:
        await self._until_it_works(self._store.harden, "disk")

    async def _until_it_works(self, write: Callable[[], Awaitable[None]], what: str) -> None:
        tries = 0
        while True:
            try:
                await write()
            except StoreFailingError as trouble:
                self._failing[what] = str(trouble)
                never = asyncio.Event()
                pause = RETRY_S[min(tries, len(RETRY_S) - 1)]
                tries += 1
                self.beats += 1
                await self._clock.wait(self._clock.now() + pause, never)
                continue
            self._failing.pop(what, None)
            return
