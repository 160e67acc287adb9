"""What a committed turn wants of the outside, handed to the ports.

Never before the commit, never twice: a call that is carried out too late is told as not placed instead of sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence

from dialerd.campaigns.hopper import offered
from dialerd.campaigns.pasts import numbers_in
from dialerd.model.facts import AnyFact, CallNotPlaced, LeadsCopied, LeadSought, NewLead, PhoneEnded
from dialerd.model.intents import (
    TELEPHONY,
    Answer,
    AnyIntent,
    CallPhone,
    CopyLeads,
    Dial,
    HangUp,
    OfferCall,
    SeekLead,
    ToTelephony,
    WantLeads,
)
from dialerd.model.rows import LeadRow
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
                self._read(self._leads(intent))
            elif isinstance(intent, CopyLeads):
                self._read(self._copy(intent, committed.turn.seq))
            elif isinstance(intent, SeekLead):
                self._read(self._seek(intent, committed.turn.seq))

    def _read(self, question: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(question)
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
                due = await self._store.due(intent.campaign, now, intent.limit, intent.order)
                asked = intent.lists or intent.since is not None
                numbers = numbers_in(due.leads) if asked else []
                pasts = await self._store.pasts(numbers, intent.since, intent.lists) if numbers else []
            except StoreFailingError:
                await self._clock.wait(now + AGAIN_S, never)
                continue
            self._put(offered(intent, due, pasts))
            return

    async def _copy(self, intent: CopyLeads, as_of: int) -> None:
        """A portion of a campaign's leads, without those that the other campaign has; as of its turn, which is committed."""
        never = asyncio.Event()
        while True:
            try:
                looked = await self._store.leads(intent.source, None, intent.after, intent.limit)
                rows = [row for row in looked if row.state in intent.states]
                known = await self._store.known_phones(intent.campaign, [row.phone for row in rows])
            except StoreFailingError:
                await self._clock.wait(self._clock.now() + AGAIN_S, never)
                continue
            new = tuple(_anew(row) for row in rows if row.phone not in known)
            after = looked[-1].id if len(looked) == intent.limit else None
            there = len(rows) - len(new)
            self._put(LeadsCopied(intent.campaign, intent.after, new, after, len(looked) - len(rows), there, as_of))
            return

    async def _seek(self, intent: SeekLead, as_of: int) -> None:
        """Whether a campaign has a customer; the store knows the turn `as_of`, for it is committed."""
        never = asyncio.Event()
        while True:
            try:
                lead = await self._store.lead(intent.campaign, intent.number)
            except StoreFailingError:
                await self._clock.wait(self._clock.now() + AGAIN_S, never)
                continue
            self._put(LeadSought(intent.referral, lead, as_of))
            return

    async def aclose(self) -> None:
        """Stop reading."""
        for task in list(self._reading):
            task.cancel()
        await asyncio.gather(*self._reading, return_exceptions=True)


_ANEW = tuple(name for name in NewLead.__struct_fields__ if name != "phones")


def _anew(row: LeadRow) -> NewLead:
    """A lead as it would come from a list: what is known of the person, nothing of the calls."""
    return NewLead(**{name: getattr(row, name) for name in _ANEW}, phones=tuple(row.phones))
