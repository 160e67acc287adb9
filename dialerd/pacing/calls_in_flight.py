"""What becomes of a call in flight, by its age: the chance that a person of it wants an agent within some seconds (V04).

Never believes that few people answer before it has seen it: at the start 45 % do, after some 11 seconds.
"""

from __future__ import annotations

import numpy as np

from dialerd.pacing.hazards import Floats, Hazard, lived

SIZE_S = 120
"""Ages of a ringing call that are told apart; older ones are as 119 s."""
PICK_UPS = 6
"""Equally likely moments at which a new call is picked up, that a decision looks at."""
_PRIOR_CALLS = 10.0
_PRIOR_ANSWER = 0.45
_SAME_S = 5e-4
"""Two starts that differ by less are the same call's."""
_VERDICT_MEMORY = 80.0
_DETECTED_MEMORY = 200.0
_PRIOR_DETECTION_S = 2.5


def _prior() -> tuple[Floats, Floats, Floats]:
    """Pick-ups, other ends and seconds lived by age, of ten calls."""
    age = np.arange(SIZE_S) + 0.5
    picked = np.exp(-0.5 * ((age - 11.0) / 5.0) ** 2)
    picked *= _PRIOR_ANSWER / picked.sum()
    other = np.where(age < 4, 0.02, 0.0) + np.where(age > 25, 0.02, 0.0)
    alive = np.clip(1.0 - np.cumsum(picked + np.minimum(other, 0.02)), 0.02, 1.0)
    return _PRIOR_CALLS * picked, _PRIOR_CALLS * other * alive, _PRIOR_CALLS * alive


class CallsInFlight:
    """Learns from every reading and every end of a call; `look_ahead` makes the tables a decision reads."""

    __slots__ = (
        "_answered_at",
        "_detected",
        "_detected_s",
        "_ends_heard",
        "_last",
        "_starts",
        "_verdicts",
        "claim",
        "detection_claim",
        "given_up",
        "pick_up_s",
        "picked_up",
    )

    def __init__(self) -> None:
        picked, other, lived = _prior()
        edges = [*range(40), *range(40, SIZE_S, 5)]
        self.picked_up = Hazard(picked, lived, edges, memory=2000.0)
        self.given_up = Hazard(other, lived, edges, memory=6000.0, steady=True)
        self._verdicts = [2.0, 2.0]
        """Persons among the answered, and all of these: calls that were answered and then offered or not."""
        self._detected = 2.0
        self._detected_s = 0.0
        self._starts = np.empty(0)
        self._last: float | None = None
        self._answered_at: list[float] = []
        self._ends_heard = 0
        self.claim = np.zeros((SIZE_S, PICK_UPS))
        self.pick_up_s = np.zeros(PICK_UPS)
        self.detection_claim = np.zeros(PICK_UPS)
        self.look_ahead()

    def answered(self, ring_s: float, now: float) -> None:
        """A call was picked up, by a person or a machine."""
        if not 0.0 <= ring_s < SIZE_S * 10:
            return
        since = 1.0 if self._last is None else now - self._last
        self.picked_up.ended(ring_s, since)
        self.given_up.lived(np.array([ring_s]), min(since, ring_s))
        self._answered_at.append(now - ring_s)

    def ended_unanswered(self) -> None:
        """A ringing call ended otherwise; at what age shows at the next reading."""
        self._ends_heard += 1

    def verdict(self, *, person: bool) -> None:
        """An answered call turned out to be a person, or not."""
        kept = 1.0 - 1.0 / _VERDICT_MEMORY
        self._verdicts = [kept * self._verdicts[0] + person, kept * self._verdicts[1] + 1.0]
        kept = 1.0 - 1.0 / _DETECTED_MEMORY
        self._detected = kept * self._detected + 1.0
        self._detected_s *= kept

    def seen(self, ringing: Floats, in_detection: Floats, now: float, step_s: float) -> None:
        """The floor as it is now, `step_s` after it was last seen."""
        self._detected_s += step_s * in_detection.size
        starts = np.sort(now - ringing)
        if step_s > 0.0:
            for seconds in lived(ringing, step_s, SIZE_S):
                self.picked_up.add(seconds)
                self.given_up.add(seconds)
        if self._starts.size:
            self._count_ends(starts, now, step_s)
        elif self._ends_heard:
            self.given_up.ended_about(np.zeros(1), np.array([float(self._ends_heard)]))
        self._starts = starts
        self._last = now
        self._answered_at.clear()
        self._ends_heard = 0

    def _count_ends(self, starts: Floats, now: float, step_s: float) -> None:
        """Which of the calls that rang before ring no more, and were not answered."""
        still = np.sort(np.concatenate([starts, np.array(self._answered_at)])) if self._answered_at else starts
        before = self._starts
        were = np.searchsorted(before, before + _SAME_S) - np.searchsorted(before, before - _SAME_S)
        are = np.searchsorted(still, before + _SAME_S) - np.searchsorted(still, before - _SAME_S)
        gone = np.maximum(0.0, 1.0 - are / were)
        which = gone > 0.0
        if which.any():
            self.given_up.ended_about(now - before[which] - 0.5 * step_s, gone[which])
        unseen = self._ends_heard - float(gone.sum())
        if unseen > 0.0:  # placed and over between two readings
            self.given_up.ended_about(np.zeros(1), np.array([unseen]))

    def expect(self, answered_by: float) -> None:
        """Before anything was learned: begin with this share of answers among the calls placed."""
        factor = min(max(answered_by / _PRIOR_ANSWER, 0.05), 2.0)
        self.picked_up.begin_at(factor)

    @property
    def persons(self) -> float:
        """The share of persons among the calls that are answered."""
        return min(1.0, self._verdicts[0] / self._verdicts[1])

    @property
    def detection_s(self) -> float:
        """How long a call is in detection, on average over all answered ones."""
        return self._detected_s / self._detected

    def look_ahead(self) -> None:
        """Make the tables anew: when a new call is picked up, and who has claimed an agent until then, by age."""
        self.picked_up.reshape()
        self.given_up.reshape()
        picked = self.picked_up.shape * self.picked_up.level.factor
        alive = np.exp(-(self.picked_up.cumulative() + self.given_up.cumulative()))
        ends = picked + self.given_up.shape
        by_second = np.where(ends > 1e-12, picked / np.maximum(ends, 1e-12), 0.0) * (alive[:-1] - alive[1:])
        reached = np.concatenate([[0.0], np.cumsum(by_second)])
        whole = float(reached[-1])
        middles = (np.arange(PICK_UPS) + 0.5) / PICK_UPS * whole
        rings = np.interp(middles, reached, np.arange(SIZE_S + 1.0))
        delay = self.detection_s
        self.pick_up_s = rings + delay
        ages = np.arange(SIZE_S, dtype=np.float64)
        until = np.interp(ages[:, None] + rings[None, :], np.arange(SIZE_S + 1.0), reached)
        share = (until - reached[:-1, None]) / np.maximum(alive[:-1, None], 1e-9)
        self.claim = np.clip(share * self.persons, 0.0, 1.0)
        gone = 1.0 - np.exp(-self.pick_up_s / max(delay / 2, 0.25))
        self.detection_claim = self.persons * gone

    @property
    def live_share(self) -> float:
        """The chance that a call placed now comes to a person, as the tables have it."""
        return float(self.claim[0, -1]) * PICK_UPS / (PICK_UPS - 0.5)

    def numbers(self) -> list[float]:
        """What was learned beside the hazards."""
        return [*self._verdicts, self._detected, self._detected_s]

    def take(self, numbers: list[float]) -> None:
        """Know what `numbers()` told."""
        self._verdicts = [max(0.0, numbers[0]), max(1e-6, numbers[1])]
        self._detected, self._detected_s = max(1e-6, numbers[2]), max(0.0, numbers[3])


def row_of(ages: Floats) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """The rows of `claim` for calls of these ages."""
    return np.minimum(ages + 0.5, SIZE_S - 1).astype(np.intp)
