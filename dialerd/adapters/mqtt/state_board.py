"""The present state of every subject, for retained topics: the latest value wins, at most one sending a second each.

Must never forget a value that the broker has not got, nor send one subject twice within the interval.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

INTERVAL_S = 1.0
MUTE_S = 60.0
MAX_TRIES = 3


@dataclass(slots=True)
class _Subject:
    value: bytes | None
    version: int
    settled: int
    next_at: float
    queued: bool
    tries: int


class StateBoard:
    """Subjects by tail. Times are seconds of one monotonic clock, given by the caller; None as a value clears."""

    def __init__(self, interval_s: float = INTERVAL_S) -> None:
        self._interval_s = interval_s
        self._subjects: dict[str, _Subject] = {}
        self._due: list[tuple[float, int, str]] = []
        self._pushed = 0
        self._suspects: set[str] = set()
        self._unsettled: set[str] = set()

    def __len__(self) -> int:
        """How many subjects are known (cleared ones until the broker has cleared them too)."""
        return len(self._subjects)

    @property
    def suspects(self) -> bool:
        """Whether a subject was under way when a connection broke and has not been settled since."""
        return bool(self._suspects)

    @property
    def unsettled(self) -> bool:
        """Whether the broker lacks the latest value of some subject."""
        return bool(self._unsettled)

    def put(self, tail: str, value: bytes | None, now: float) -> None:
        """Makes `value` the latest one of the subject; None clears."""
        subject = self._subjects.get(tail)
        if subject is None:
            subject = self._subjects[tail] = _Subject(value, 1, 0, now, queued=False, tries=0)
        else:
            subject.value = value
            subject.version += 1
        self._unsettled.add(tail)
        self._queue(tail, subject, now)

    def has(self, tail: str) -> bool:
        """Whether a subject has a value."""
        subject = self._subjects.get(tail)
        return subject is not None and subject.value is not None

    def take(self, now: float) -> tuple[str, bytes | None, int] | None:
        """The next subject that is due: its tail, value and version; None when none is due yet."""
        while self._due and self._due[0][0] <= now:
            _, _, tail = heapq.heappop(self._due)
            subject = self._subjects[tail]
            subject.queued = False
            if subject.version == subject.settled:  # cleared at the broker, and its interval is over
                del self._subjects[tail]
                continue
            subject.next_at = now + self._interval_s
            return tail, subject.value, subject.version
        return None

    def next_due(self) -> float | None:
        """When the next subject becomes due; None when nothing waits."""
        return self._due[0][0] if self._due else None

    def settle(self, tail: str, version: int, now: float) -> None:
        """The broker has answered for this version (it took it, or refused it by name: there is nothing to repeat)."""
        subject = self._subjects.get(tail)
        if subject is None:
            return
        subject.tries = 0
        self._suspects.discard(tail)
        subject.settled = max(subject.settled, version)
        if subject.settled != subject.version:
            return
        self._unsettled.discard(tail)
        if subject.value is None:
            self._queue(tail, subject, now)  # comes back once more, to be forgotten after the interval

    def unanswered(self, tail: str, now: float) -> bool:
        """The connection broke while this subject was under way. True: it broke so too often, silent for a minute."""
        subject = self._subjects.get(tail)
        if subject is None:
            return False
        subject.tries += 1
        self._suspects.add(tail)
        if subject.tries < MAX_TRIES:
            return False
        subject.tries = MAX_TRIES - 1
        subject.next_at = now + MUTE_S
        self._suspects.discard(tail)
        return True

    def send_all(self, now: float) -> None:
        """A new connection: every present state is to be sent again (the broker may have lost it)."""
        self._due.clear()
        for tail, subject in self._subjects.items():
            if subject.value is not None:
                subject.settled = 0
                self._unsettled.add(tail)
            subject.queued = False
            self._queue(tail, subject, now)

    def hurry(self, now: float) -> None:
        """The end is near: what waits only for its interval is due now."""
        self._due.clear()
        for tail, subject in self._subjects.items():
            if tail in self._unsettled and not subject.tries:
                subject.next_at = now
            if subject.queued:
                subject.queued = False
                self._queue(tail, subject, now)

    def _queue(self, tail: str, subject: _Subject, now: float) -> None:
        if subject.queued:
            return
        subject.queued = True
        self._pushed += 1
        heapq.heappush(self._due, (max(now, subject.next_at), self._pushed, tail))
