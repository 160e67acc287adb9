"""When a busy agent is ready again, by how long he has talked or been in wrap-up: survival given the age (V04).

Never takes the time since the talk began for no information: talks are not memoryless.
"""

from __future__ import annotations

import numpy as np

from dialerd.pacing.hazards import Floats, Hazard

TALK_S = 1800
WRAP_S = 600
"""Ages that are told apart; older ones are as the oldest."""
_MEAN_TALK_S = 150.0
_MEAN_WRAP_S = 25.0
_PRIOR_TALKS = 4.0
"""What the first beliefs are worth, in talks; they are longer than usual, so that the start is careful."""
_BREAK_MEMORY = 300.0
_AHEAD_S = 150
"""Seconds ahead that are looked at at most."""


def _edges(size: int, dense: int, growth: float) -> list[int]:
    """Ages at which bins begin: each second at first, then ever wider."""
    found = [0]
    while found[-1] < size:
        last = found[-1]
        found.append(last + 1 if last < dense else max(last + 2, int(last * growth)))
    return found[:-1]


def _lived(size: int, mean_s: float, weight: float) -> Floats:
    found: Floats = weight * np.exp(-(np.arange(size) + 0.5) / mean_s)
    return found


_KNOTS = np.asarray(_edges(TALK_S, 8, 1.09), dtype=np.intp)
"""Ages of a talk for which the tables have a row."""
_ROW = np.searchsorted(_KNOTS, np.arange(TALK_S), side="right") - 1


class AgentsBusy:
    """Learns from every reading and every talk and wrap-up that ends; `look_ahead` makes the tables a decision reads."""

    __slots__ = ("_breaks", "_ended_at", "_last", "talk", "talk_free", "wrap", "wrap_free")

    def __init__(self) -> None:
        talk, wrap = _lived(TALK_S, _MEAN_TALK_S, _PRIOR_TALKS), _lived(WRAP_S, _MEAN_WRAP_S, _PRIOR_TALKS)
        self.talk = Hazard(talk / _MEAN_TALK_S, talk, _edges(TALK_S, 1, 1.18), memory=1500.0)
        self.wrap = Hazard(wrap / _MEAN_WRAP_S, wrap, _edges(WRAP_S, 40, 1.2), memory=1500.0)
        self._breaks = [0.1, 4.0]
        self._ended_at: float | None = None
        self._last: float | None = None
        self.talk_free = np.zeros((_KNOTS.size, 1))
        self.wrap_free = np.zeros((WRAP_S, 1))

    def talk_ended(self, talk_s: float, now: float) -> None:
        """A talk is over; wrap-up begins."""
        self._ended_at = now
        self.talk.ended(talk_s, 1.0 if self._last is None else now - self._last)

    def ready(self, wrap_s: float, now: float) -> None:
        """A wrap-up is over, and the agent takes calls again; `wrap_s` of 0 counts if a talk has just ended."""
        if wrap_s <= 0.0 and self._ended_at != now:
            return  # he has signed in, or comes from a break
        self.wrap.ended(wrap_s, 1.0 if self._last is None else now - self._last)
        self._came(0.0)

    def went(self) -> None:
        """An agent takes no more calls for now."""
        self._came(1.0)

    def _came(self, on_break: float) -> None:
        kept = 1.0 - 1.0 / _BREAK_MEMORY
        self._breaks = [kept * self._breaks[0] + on_break, kept * self._breaks[1] + 1.0]

    @property
    def break_share(self) -> float:
        """Agents who do not come back after their wrap-up, as a share of all who end one."""
        return min(0.5, self._breaks[0] / self._breaks[1])

    @property
    def mean_talk_s(self) -> float:
        """The mean of a talk, by what is believed of each age."""
        return _mean(self.talk.cumulative())

    @property
    def mean_wrap_s(self) -> float:
        """The mean of a wrap-up."""
        return _mean(self.wrap.cumulative())

    def seen(self, talking: Floats, wrap_up: Floats, now: float, step_s: float) -> None:
        """The floor as it is now, `step_s` after it was last seen."""
        if step_s > 0.0:
            self.talk.lived(talking, step_s)
            self.wrap.lived(wrap_up, step_s)
        self._last = now

    def look_ahead(self, until_s: Floats) -> None:
        """Make the tables anew: the chance to be ready within each of `until_s` seconds, by age."""
        self.talk.reshape()
        self.wrap.reshape()
        stays = 1.0 - self.break_share
        until = np.minimum(until_s, _AHEAD_S - 1.0)
        wrap_left = np.exp(-_longer(self.wrap.cumulative()))
        seconds = np.arange(wrap_left.size, dtype=np.float64)
        ages = np.arange(WRAP_S, dtype=np.float64)
        still = np.interp(ages[:, None] + until[None, :], seconds, wrap_left)
        self.wrap_free = stays * (1.0 - still / np.maximum(wrap_left[:WRAP_S, None], 1e-12))
        ahead = int(until.max()) + 1
        hazard = _longer(self.talk.cumulative())
        left = np.exp(-(hazard[_KNOTS[:, None] + np.arange(ahead + 1)[None, :]] - hazard[_KNOTS][:, None]))
        over = left[:, :-1] - left[:, 1:]
        rest = until[None, :] - (np.arange(ahead) + 0.5)[:, None]
        wrapped = np.where(rest > 0.0, 1.0 - np.interp(rest, seconds, wrap_left), 0.0)
        self.talk_free = stays * (over @ wrapped)

    def numbers(self) -> list[float]:
        """What was learned beside the hazards."""
        return list(self._breaks)

    def take(self, numbers: list[float]) -> None:
        """Know what `numbers()` told."""
        self._breaks = [max(0.0, numbers[0]), max(1e-6, numbers[1])]


def _mean(hazard: Floats) -> float:
    """The area under the survival; beyond the last age it goes on as it was there."""
    left = np.exp(-hazard)
    steps = np.diff(hazard)
    within = np.where(steps > 1e-9, (left[:-1] - left[1:]) / np.maximum(steps, 1e-9), left[:-1])
    return float(within.sum() + left[-1] / max(float(steps[-1]), 1e-6))


def _longer(hazard: Floats) -> Floats:
    """The hazard added up, and on beyond its last age as it was there."""
    last = hazard[-1] - hazard[-2]
    return np.concatenate([hazard, hazard[-1] + last * np.arange(1.0, _AHEAD_S + 1.0)])


def talk_row(ages: Floats) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """The rows of `talk_free` for agents who have talked so long."""
    found: np.ndarray[tuple[int], np.dtype[np.intp]] = _ROW[np.minimum(ages, TALK_S - 1).astype(np.intp)]
    return found


def wrap_row(ages: Floats) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """The rows of `wrap_free` for agents who have been in wrap-up so long."""
    return np.minimum(ages, WRAP_S - 1).astype(np.intp)
