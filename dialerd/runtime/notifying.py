"""Notices on their way: at once on the bus, and by letter until a server has taken it or a day is over (C05).

Never loses a waiting notice by a restart, never writes a letter anew that may be there already, and never stops the
daemon for a mail server's sake.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, Protocol

import msgspec

from dialerd.campaigns import notice_texts
from dialerd.model.instants import FAR, Instant, iso
from dialerd.model.mail_addresses import Language
from dialerd.model.notices import NoticeRow
from dialerd.ports.clock import Clock
from dialerd.ports.mailer import Delivery, Letter, Mailer
from dialerd.ports.store import StoreFailingError

FIRST_PAUSE_S = 60.0
LONGEST_PAUSE_S = 3600.0
PATIENCE_S = 86400.0
"""A letter that no server has taken for so long is given up."""
AGAIN_S = 1.0
"""Seconds between tries at a store that fails."""
LOOK_S = 600.0
"""At least so often the store is asked what is due."""
AT_ONCE = 500
"""Rows read at once."""
IN_ONE_LETTER = 200
FAREWELL_S = 3.0
"""Real seconds that a letter under way gets when the daemon stops: cut off, it might go twice."""
MINUTE_S, HOUR_S = 60.0, 3600.0

Say = Callable[[str, str, Mapping[str, object]], None]
"""Takes a log's level, event and facts."""


class NoticeKeeper(Protocol):
    """What is needed of the store. The rows themselves are first written with their turns."""

    async def due_notices(self, now: Instant, limit: int) -> tuple[list[NoticeRow], Instant | None]:
        """Up to `limit` rows whose state is `waiting` and whose next_at has come, by (next_at, letter, id), and when the
        next beyond `now` is due (None: none is). Raises StoreFailingError."""

    async def waiting_notices(self) -> int:
        """How many rows wait. Raises StoreFailingError."""

    async def save_notices(self, rows: Sequence[NoticeRow]) -> None:
        """Write state, tries, next_at, letter and last_error of rows that are there, in one transaction.

        Durable when it returns. Raises StoreFailingError: nothing was written."""


class Reach(msgspec.Struct, frozen=True):
    """Where and in which language a person reads letters."""

    email: str
    language: Language = "en"


class Rate:
    """At most `most` in any `span` of seconds."""

    def __init__(self, most: int, span: float) -> None:
        self._most = most
        self._span = span
        self._taken: deque[Instant] = deque()

    def opens(self, now: Instant) -> Instant:
        """When the next may go: `now` or later."""
        while self._taken and self._taken[0] <= now - self._span:
            self._taken.popleft()
        return now if len(self._taken) < self._most else self._taken[-self._most] + self._span

    def take(self, now: Instant) -> None:
        """One goes."""
        self._taken.append(now)

    @property
    def idle(self) -> bool:
        """Whether nothing is counted."""
        return not self._taken


class Notifying:
    """`told` takes the notices of every committed turn, `run` sends the letters."""

    def __init__(
        self,
        keeper: NoticeKeeper,
        clock: Clock,
        publish_event: Callable[[str, bytes], None],
        mailer: Mailer | None,
        reach: Callable[[str], Reach | None],
        *,
        token: str,
        instance: str = "main",
        zone: str = "UTC",
        per_minute: int = 30,
        per_person_per_hour: int = 20,
        say: Say = lambda level, event, facts: None,
    ) -> None:
        """`publish_event`: the message bus's; `reach`: a principal's address now, None if there is none.

        `token`: the store's; `zone`: of times in letters.
        """
        self._keeper = keeper
        self._clock = clock
        self._publish_event = publish_event
        self._mailer = mailer
        self._reach = reach
        self._token = token
        self._instance = instance
        self._zone = zone
        self._say = say
        self._rate = Rate(per_minute, MINUTE_S)
        self._per_person = per_person_per_hour
        self._rates: dict[str, Rate] = {}
        self._woken = asyncio.Event()
        self._unsaved: dict[str, NoticeRow] = {}
        """Rows whose news the store could not take yet; nothing is sent until it has."""
        self._away_until: Instant = 0.0
        self._away = 0
        """Tries in a row at a server that was away."""
        self._queued = 0
        self._sent = 0
        self._given_up = 0
        self._last_error = ""
        self._last_error_at: Instant | None = None

    def told(self, rows: Iterable[NoticeRow]) -> None:
        """The notices of a turn that is committed: publish them, and let their letters go."""
        for notice, group in groupby(rows, key=lambda row: row.notice):
            people = list(group)
            row = people[0]
            about = {
                "at": iso(row.at),
                "notice": notice,
                "kind": row.kind,
                "campaign": row.campaign,
                "name": row.name,
                "by": row.by,
                "note": row.note,
            }
            everybody = msgspec.json.encode({**about, "to": [person.to for person in people]})
            self._publish_event(f"campaign/{row.campaign}/notice/{row.kind}", everybody)
            for person in people:
                self._publish_event(f"notice/{person.to}", msgspec.json.encode(about))
                if person.state == "waiting":
                    self._queued += 1
                    self._woken.set()

    def status(self) -> dict[str, Any]:
        """For daemon.status: what waits, what was done since start, and the last trouble."""
        return {
            "configured": self._mailer is not None,
            "queued": self._queued,
            "sent": self._sent,
            "given_up": self._given_up,
            "last_error": self._last_error,
            "last_error_at": iso(self._last_error_at) if self._last_error_at is not None else None,
            "server_away_until": iso(self._away_until) if self._away else None,
        }

    async def run(self) -> None:
        """Send letters for ever; ends by being cancelled. Only to be run with a mailer."""
        while True:
            self._woken.clear()
            until = await self._look()
            await self._clock.wait(min(until, self._clock.now() + LOOK_S), self._woken)

    async def aclose(self) -> None:
        """Let go of the server; after `run` has ended."""
        if self._mailer is not None:
            await self._mailer.aclose()

    async def _look(self) -> Instant:
        """Send all that is due now; when there is to be looked again."""
        while True:
            now = self._clock.now()
            if self._away_until > now:
                return self._away_until
            if not await self._save(()):
                return now + AGAIN_S
            try:
                rows, next_at = await self._keeper.due_notices(now, AT_ONCE)
                self._queued = await self._keeper.waiting_notices()
            except StoreFailingError as trouble:
                self._trouble(f"the store cannot be read: {trouble}")
                return now + AGAIN_S
            if not rows:
                return next_at if next_at is not None else FAR
            for letter in _letters(rows, whole=len(rows) < AT_ONCE):
                now = self._clock.now()
                opens = self._rate.opens(now)
                if opens > now:
                    return opens
                await self._one(letter, now)
                if self._unsaved:
                    return now + AGAIN_S
                if self._away_until > now:
                    return self._away_until

    async def _one(self, rows: list[NoticeRow], now: Instant) -> None:
        """Try one letter, or put it off for the person's sake."""
        to = rows[0].to
        reach = self._reach(to)
        if reach is None:
            await self._give_up(rows, f"{to} has no e-mail address any more")
            return
        if not rows[0].letter:
            opens = self._rate_of(to, now).opens(now)
            if opens > now:
                for row in rows:
                    row.next_at = opens
                await self._save(rows)
                return
            for row in rows:
                row.letter = rows[0].id
            if not await self._save(rows):
                return
        self._rate.take(now)
        await _to_its_end(self._try(self._written(rows, reach), rows))

    async def _try(self, letter: Letter, rows: list[NoticeRow]) -> None:
        assert self._mailer is not None
        delivery = await self._mailer.send(letter)
        if delivery.outcome == "accepted":
            self._rate_of(rows[0].to, self._clock.now()).take(self._clock.now())
        await self._after(rows, delivery)

    def _written(self, rows: Sequence[NoticeRow], reach: Reach) -> Letter:
        return Letter(
            f"{self._token}-{rows[0].letter}",
            reach.email,
            notice_texts.subject(rows, reach.language, self._instance),
            notice_texts.text(rows, reach.language, self._instance, self._zone),
            rows[-1].at,
        )

    async def _after(self, rows: list[NoticeRow], delivery: Delivery) -> None:
        now = self._clock.now()
        to, letter = rows[0].to, rows[0].letter
        self._away = self._away + 1 if delivery.away else 0
        self._away_until = now + _pause(self._away) if delivery.away else 0.0
        if delivery.outcome == "accepted":
            for row in rows:
                row.state, row.last_error = "sent", ""
            self._sent += len(rows)
            self._say("info", "notice.sent", {**_traced(letter), "to": to, "notices": len(rows)})
            await self._save(rows)
            return
        self._trouble(delivery.because)
        for row in rows:
            row.tries += 1
            row.last_error = delivery.because
        over = rows[0].at + PATIENCE_S
        if delivery.outcome == "refused":
            await self._give_up(rows, delivery.because)
        elif now >= over:
            await self._give_up(rows, f"a day of tries is over, the last: {delivery.because}")
        else:
            # The last try comes when the day is over, not up to an hour before.
            next_at = min(now + _pause(rows[0].tries), over)
            for row in rows:
                row.next_at = next_at
            facts = {**_traced(letter), "to": to, "until": iso(next_at), "because": delivery.because}
            self._say("warning", "notice.put_off", facts)
            await self._save(rows)

    async def _give_up(self, rows: list[NoticeRow], because: str) -> None:
        for row in rows:
            row.state, row.last_error = "given_up", because
            facts = {**_traced(row.id), "to": row.to, "kind": row.kind, "campaign": row.campaign, "because": because}
            self._say("error", "notice.given_up", facts)
        self._given_up += len(rows)
        self._trouble(because)
        await self._save(rows)

    async def _save(self, rows: Iterable[NoticeRow]) -> bool:
        """Write rows, and those that could not be written before; whether the store has them all."""
        self._unsaved.update((row.id, row) for row in rows)
        if not self._unsaved:
            return True
        try:
            await self._keeper.save_notices(list(self._unsaved.values()))
        except StoreFailingError as trouble:
            self._trouble(f"the store cannot be written: {trouble}")
            return False
        self._unsaved.clear()
        return True

    def _rate_of(self, to: str, now: Instant) -> Rate:
        if len(self._rates) > 1000:
            for rate in self._rates.values():
                rate.opens(now)
            self._rates = {person: rate for person, rate in self._rates.items() if not rate.idle}
        return self._rates.setdefault(to, Rate(self._per_person, HOUR_S))

    def _trouble(self, because: str) -> None:
        self._last_error, self._last_error_at = because, self._clock.now()


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Await `work`; cancelled, let it have FAREWELL_S more, so that a letter that was taken is known as sent."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=FAREWELL_S)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise


def _traced(row_id: str) -> dict[str, object]:
    """A row's id for a log, in parts: as a whole it would be masked as a telephone number."""
    turn, place, number = row_id.split("-")
    return {"turn": int(turn), "place": f"{int(place)}-{int(number)}"}


def _pause(tries: int) -> float:
    """Seconds to wait after so many tries in vain: one minute, doubled each time, one hour at most."""
    return float(min(FIRST_PAUSE_S * 2.0 ** min(tries - 1, 10), LONGEST_PAUSE_S))


def _letters(rows: Sequence[NoticeRow], *, whole: bool) -> list[list[NoticeRow]]:
    """Rows in the letters they stand in, or now will; the longest due first. `whole`: the rows are all that is due.

    If not, the last letter of those tried before may lack some of its rows: it waits for the next look.
    """
    found: dict[tuple[str, str, int], list[NoticeRow]] = {}
    fresh: dict[str, int] = {}
    for row in rows:
        if row.letter:
            found.setdefault((row.to, row.letter, 0), []).append(row)
        else:
            count = fresh[row.to] = fresh.get(row.to, 0) + 1
            found.setdefault((row.to, "", (count - 1) // IN_ONE_LETTER), []).append(row)
    last = rows[-1]
    if not whole and last.letter and len(found) > 1:
        del found[last.to, last.letter, 0]
    letters = list(found.values())
    for letter in letters:
        letter.sort(key=lambda row: row.id)
    return letters
