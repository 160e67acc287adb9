"""The predictive pacer: one more call as long as its marginal overflow is within what the abandon budget allows (V04).

Never places a call without an agent on the floor, nor fewer than one for each ready agent who has none on its way.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import exp

import msgspec
import numpy as np

from dialerd.model.instants import Instant
from dialerd.pacing import contract as c
from dialerd.pacing.agents_busy import AgentsBusy, talk_row, wrap_row
from dialerd.pacing.budget import AbandonBudget
from dialerd.pacing.calls_in_flight import PICK_UPS, CallsInFlight, row_of
from dialerd.pacing.hazards import Floats, Hazard
from dialerd.pacing.overflow import Outlook, agents_for_waiting, moments
from dialerd.pacing.policy import PacingPolicy
from dialerd.pacing.snapshots import VERSION, Snapshot, checked, into_hazard, of_hazard, weight

TABLES_S = 10.0
"""The tables are made anew after so many seconds, at most."""
_COLD_S = 2.0
"""The same while little is known."""
_WARM_ANSWERS = 100.0
_COLD_DOUBT = 0.5
"""The variance by which the first belief about answers may be wrong, as a share of its square; it fades with the answers heard."""
_COLD_ANSWERS = 30.0
_LEARN_S = 0.45
"""Readings that follow one another faster teach nothing new."""
_MOST_AT_ONCE = 2000
_ENOUGH_RECENT = 40


class Beliefs(msgspec.Struct, frozen=True):
    """What a pacer has learned, for people; doubts are standard deviations as shares of what they are about."""

    live_share: float
    """The chance that a call placed now comes to a person who wants an agent."""
    live_doubt: float
    pick_up_s: tuple[float, ...]
    """Equally likely seconds from placing a call to its person's wanting an agent."""
    talk_s: float
    talk_doubt: float
    wrap_s: float
    wrap_doubt: float
    break_share: float
    """Wrap-ups that end in a break or a logout."""
    true_over_said: float
    """Abandoned calls for each one that the thresholds foretold."""


class Predictive:
    """One campaign's pacer; raises what PacingPolicy raises for a policy out of its limits."""

    __slots__ = (
        "_agents",
        "_budget",
        "_built_at",
        "_calls",
        "_calls_next",
        "_claim",
        "_detection",
        "_free_talk",
        "_free_wrap",
        "_heard",
        "_learned_at",
        "_policy",
        "threshold",
    )

    def __init__(self, policy: PacingPolicy) -> None:
        self._policy = policy
        self._calls = CallsInFlight()
        self._agents = AgentsBusy()
        self._budget = AbandonBudget(policy)
        self._learned_at: float | None = None
        self._built_at = -1e18
        self._heard = 0.0
        self._calls_next = True
        self.threshold = 0.0
        """The marginal overflow that the last decision allowed."""
        self._tables()

    def observe(self, event: c.Event, now: Instant) -> None:
        """Learn from one event."""
        match event:
            case c.Answered(ring_s):
                self._calls.answered(ring_s, now)
                self._heard += 1.0
            case c.NoAnswer() | c.Busy() | c.Failed():
                self._calls.ended_unanswered()
            case c.Offered():
                self._calls.verdict(person=True)
                self._budget.offered(self.threshold)
            case c.Machine():
                self._calls.verdict(person=False)
            case c.Connected():
                self._budget.connected()
            case c.Abandoned():
                self._budget.abandoned(now)
            case c.TalkEnded(talk_s):
                self._agents.talk_ended(talk_s, now)
            case c.Ready(wrap_s):
                self._agents.ready(wrap_s, now)
            case c.Paused() | c.Logout():
                self._agents.went()
            case c.Placed() | c.Login():
                pass

    def calls_to_place(self, reading: c.Reading, now: Instant) -> int:
        """The largest number of calls of which each runs no more risk than the budget allows."""
        self._learn(reading, now)
        limit = min(c.most(reading), _MOST_AT_ONCE)
        if limit == 0:
            self.threshold = 0.0
            return 0
        alone = min(c.one_to_one(reading), limit)
        self.threshold = self._budget.threshold(reading)
        if self.threshold <= 0.0:
            return alone
        self._prepare(now)
        return max(alone, self._outlook(reading).largest(self.threshold, limit))

    def hang_up(self, reading: c.Reading) -> int:
        """Ringing calls that nobody is left to take."""
        return c.to_hang_up(reading)

    @property
    def beliefs(self) -> Beliefs:
        """What it believes of the floor at present."""
        picked, talk = self._calls.picked_up.level, self._agents.talk.level
        return Beliefs(
            live_share=self._calls.live_share,
            live_doubt=picked.doubt**0.5,
            pick_up_s=tuple(self._calls.pick_up_s.tolist()),
            talk_s=self._agents.mean_talk_s,
            talk_doubt=talk.doubt**0.5,
            wrap_s=self._agents.mean_wrap_s,
            wrap_doubt=self._agents.wrap.level.doubt**0.5,
            break_share=self._agents.break_share,
            true_over_said=self._budget.true_over_said,
        )

    def snapshot(self, now: Instant) -> Snapshot:
        """All that was learned, as plain numbers that JSON can hold."""
        return {
            "version": [float(VERSION)],
            "saved_at": [now],
            **{key: value for name, hazard in self._hazards() for key, value in of_hazard(name, hazard).items()},
            "calls": self._calls.numbers(),
            "agents": self._agents.numbers(),
            "budget": self._budget.numbers(),
        }

    @classmethod
    def restored(cls, policy: PacingPolicy, snapshot: Mapping[str, object], now: Instant) -> Predictive:
        """A pacer that knows what `snapshot` tells; raises ValueError if that cannot be believed at `now`."""
        numbers = checked(snapshot, now)
        kept = weight(numbers, now)
        pacer = cls(policy)
        for name, hazard in pacer._hazards():
            into_hazard(name, hazard, numbers, kept)
        pacer._calls.take(numbers["calls"])
        pacer._agents.take(numbers["agents"])
        pacer._budget.take(numbers["budget"])
        pacer._heard = sum(numbers["picked_up_ends"]) * kept
        pacer._tables()
        return pacer

    def _hazards(self) -> tuple[tuple[str, Hazard], ...]:
        calls, agents = self._calls, self._agents
        return (
            ("picked_up", calls.picked_up),
            ("given_up", calls.given_up),
            ("talk", agents.talk),
            ("wrap", agents.wrap),
        )

    def _learn(self, reading: c.Reading, now: Instant) -> None:
        if self._learned_at is None:
            self._begin(reading)
            step = 0.0
        else:
            step = now - self._learned_at
            if 0.0 <= step < _LEARN_S:
                return
            step = min(max(step, 0.0), 60.0)
        self._calls.seen(_ages(reading.ringing), _ages(reading.in_detection), now, step)
        self._agents.seen(_ages(reading.talking), _ages(reading.wrap_up), now, step)
        self._learned_at = now

    def _begin(self, reading: c.Reading) -> None:
        """The first reading: what the campaign did lately is better than no knowledge."""
        if self._heard == 0.0 and reading.recent.placed >= _ENOUGH_RECENT:
            self._calls.expect((reading.recent.answered + 2.0) / reading.recent.placed)
            self._tables()
            self._heard = min(float(reading.recent.answered), _COLD_ANSWERS)

    def _prepare(self, now: Instant) -> None:
        """Make the tables anew in turn: those of calls at one decision, those of agents at the next that finds them old."""
        age = now - self._built_at
        if age < 0.0 or age >= (_COLD_S if self._heard < _WARM_ANSWERS else TABLES_S) / 2:
            self._built_at = now
            self._calls_next = not self._calls_next
            if self._calls_next:
                self._agents_tables()
            else:
                self._calls_tables()

    def _tables(self) -> None:
        self._calls_tables()
        self._agents_tables()

    def _calls_tables(self) -> None:
        self._calls.look_ahead()
        self._claim = moments(self._calls.claim)
        self._detection = moments(self._calls.detection_claim[None, :])

    def _agents_tables(self) -> None:
        self._agents.look_ahead(self._calls.pick_up_s + self._policy.max_wait_s)
        self._free_talk = moments(self._agents.talk_free)
        self._free_wrap = moments(self._agents.wrap_free)

    def _outlook(self, reading: c.Reading) -> Outlook:
        talking = self._free_talk[talk_row(_ages(reading.talking))]
        wrap_up = self._free_wrap[wrap_row(_ages(reading.wrap_up))]
        free = [talking, wrap_up]
        if len(reading.connecting):
            free.append(np.repeat(self._free_talk[:1], len(reading.connecting), axis=0))
        claims = [self._claim[row_of(_ages(reading.ringing))]]
        if len(reading.in_detection):
            claims.append(np.repeat(self._detection, len(reading.in_detection), axis=0))
        freed = np.concatenate(free)
        if len(reading.waiting):
            soonest = float(self._calls.pick_up_s[0]) + self._policy.max_wait_s
            rate = float(freed[:, 0].sum()) / max(soonest, 0.5)
            got = agents_for_waiting(_ages(reading.waiting), len(reading.ready), rate, self._policy.max_wait_s)
            claims.append(moments(np.repeat(np.array(got)[:, None], PICK_UPS, axis=1)))
        cold = _COLD_DOUBT * exp(-self._heard / _COLD_ANSWERS)
        doubts = (self._agents.talk.level.doubt, self._calls.picked_up.level.doubt + cold)
        return Outlook(
            len(reading.ready), freed, np.concatenate(claims), self._claim[0], doubts, careful=1.0 + cold**0.5
        )


def _ages(given: c.Ages) -> Floats:
    found: Floats = np.asarray(given, dtype=np.float64)
    return np.maximum(found, 0.0) if found.size else found
