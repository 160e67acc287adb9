"""What a committed turn wants of the outside, handed to the ports.

Never before the commit, never twice: a call that is carried out too late is told as not placed instead of sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from dialerd.model.facts import AnyFact, CallNotPlaced, LeadsOffered, PhoneEnded
from dialerd.model.intents import (
    TELEPHONY,
    Answer,
    AnyIntent,
    CallPhone,
    Dial,
    HangUp,
    OfferCall,
    ToTelephony,
    WantLeads,
)
from dialerd.model.turn import Committed
from dialerd.ports.clock import Clock
from dialerd.ports.store import Store, StoreFailingError
from dialerd.ports.telephony import Telephony

TOO_LATE_S = 5.0
"""A call decided longer ago than this is not placed any more: hours, lines and agents may have changed."""
AGAIN_S = 1.0


class CarryOut:
    """Hands intents to telephony, leads' questions to the store, and answers to those who asked."""

    def __init__(
        self,
        telephony: Mapping[str, Telephony],
        store: Store,
        clock: Clock,
        put: Callable[[AnyFact], None],
        answer: Callable[[Answer], None],
    ) -> None:
        self._telephony = telephony
        self._store = store
        self._clock = clock
        self._put = put
        self._answer = answer
        self._reading: set[asyncio.Task[None]] = set()

    def __call__(self, committed: Committed, intents: Sequence[AnyIntent]) -> None:
        """Carry out `intents`, which are of the committed turn."""
        late = self._clock.now() - committed.turn.at > TOO_LATE_S
        for intent in intents:
            if isinstance(intent, TELEPHONY):
                self._call(intent, late)
            elif isinstance(intent, Answer):
                self._answer(intent)
            elif isinstance(intent, WantLeads):
                task = asyncio.get_running_loop().create_task(self._leads(intent))
                self._reading.add(task)
                task.add_done_callback(self._reading.discard)

    def _call(self, intent: ToTelephony, late: bool) -> None:
        if late and isinstance(intent, Dial):
            self._put(CallNotPlaced(intent.call, "decided too long ago: the store was slow"))
            return
        if late and isinstance(intent, OfferCall | CallPhone):
            self._put(PhoneEnded(intent.leg, channel=False, because="decided too long ago: the store was slow"))
            return
        if isinstance(intent, HangUp) and not intent.server:
            for server in self._telephony.values():
                server.submit(intent)
            return
        keeper = self._telephony.get(intent.server)
        if keeper is not None:
            keeper.submit(intent)
        elif isinstance(intent, Dial):
            self._put(CallNotPlaced(intent.call, f"server {intent.server} is not configured"))
        elif isinstance(intent, OfferCall | CallPhone):
            self._put(PhoneEnded(intent.leg, channel=False, because=f"server {intent.server} is not configured"))

    async def _leads(self, intent: WantLeads) -> None:
        never = asyncio.Event()
        while True:
            now = self._clock.now()
            try:
                leads, next_due = await self._store.due(intent.campaign, now, intent.limit)
            except StoreFailingError:
                await self._clock.wait(now + AGAIN_S, never)
                continue
            self._put(LeadsOffered(intent.campaign, tuple(leads), next_due))
            return

    async def aclose(self) -> None:
        """Stop reading."""
        for task in list(self._reading):
            task.cancel()
        await asyncio.gather(*self._reading, return_exceptions=True)
