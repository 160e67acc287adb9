"""A small floor for pacers: customers, agents and lines in events of their own, driven through the pacing contract alone.

Shares no code with `sim` or with any pacer's estimates, so that it can prove either wrong.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from dialerd.pacing import contract as c


@dataclass(frozen=True)
class Floor:
    """Who works and who is called; seconds, shares."""

    agents: int
    hours: float = 8.0
    live: float | Callable[[float], float] = 0.2
    """Share of calls that a person answers; or by the seconds since the start."""
    talk_s: float | Callable[[float], float] = 110.0
    talk_cv: float = 0.9
    wrap_s: float = 15.0
    wrap_cv: float = 0.6
    ring_s: float = 11.0
    """Mean time until a person picks up."""
    ring_shape: float = 4.0
    give_up_s: float = 30.0
    """After so many seconds an unanswered call ends."""
    busy: float = 0.05
    failed: float = 0.03
    machines: float = 0.0
    detection: bool = False
    false_positives: float = 0.0
    """Persons whom the detection takes for machines."""
    sign_in_s: float = 300.0
    break_share: float = 0.0
    """Wrap-ups that end in a break."""
    break_s: float = 300.0
    max_wait_s: float = 2.0
    lines: int = 100_000
    leads: int | None = None
    leave_at_s: float | None = None
    """When `leaving` of the agents go at once."""
    leaving: int = 0
    start: float = 1.7e9


@dataclass
class Result:
    """What came of a shift."""

    signed_in_s: float = 0.0
    worked_s: float = 0.0
    talked_s: float = 0.0
    placed: int = 0
    connected: int = 0
    abandoned: int = 0
    mistaken: int = 0
    outcomes: list[int] = field(default_factory=list)
    """1 for each abandoned, 0 for each connected, in their order."""

    @property
    def occupancy(self) -> float:
        """Talk and wrap-up, as a share of the time signed in."""
        return self.worked_s / self.signed_in_s

    @property
    def abandon_rate(self) -> float:
        """Lost persons, taken for machines or abandoned, of all persons who answered."""
        return (self.abandoned + self.mistaken) / max(1, self.connected + self.abandoned + self.mistaken)

    def worst_in(self, span: int) -> int:
        """The most abandoned in any `span` answers in a row."""
        added = np.concatenate([[0], np.cumsum(self.outcomes)])
        return int((added[span:] - added[:-span]).max()) if len(added) > span else int(added[-1])


class _Shift:
    def __init__(self, floor: Floor, pacer: c.Pacer, seed: int) -> None:
        self.f, self.pacer, self.rng = floor, pacer, np.random.default_rng(seed)
        self.now = 0.0
        self.heap: list[tuple[float, int, Callable[..., None], tuple[object, ...]]] = []
        self.seq = 0
        self.ready: dict[int, float] = {}
        self.talking: dict[int, float] = {}
        self.wrap: dict[int, float] = {}
        self.ringing: dict[int, float] = {}
        self.detecting: dict[int, float] = {}
        self.waiting: dict[int, float] = {}
        self.gone: set[int] = set()
        self.signed: dict[int, float] = {}
        self.calls = 0
        self.r = Result()
        self.tally = dict.fromkeys(
            ("placed", "answered", "machines", "no_answer", "busy", "failed", "connected", "abandoned"), 0
        )
        self.dirty = False

    def at(self, delay: float, act: Callable[..., None], *given: object) -> None:
        self.seq += 1
        heapq.heappush(self.heap, (self.now + delay, self.seq, act, given))

    def tell(self, event: c.Event) -> None:
        self.pacer.observe(event, self.f.start + self.now)

    def spread(self, mean: float, cv: float) -> float:
        if cv == 0 or mean == 0:
            return mean
        s2 = math.log1p(cv * cv)
        return float(math.exp(math.log(mean) - s2 / 2 + math.sqrt(s2) * self.rng.standard_normal()))

    # agents
    def login(self, a: int) -> None:
        self.signed[a] = self.now
        self.tell(c.Login())
        self.free(a, 0.0)

    def free(self, a: int, wrap_s: float) -> None:
        self.wrap.pop(a, None)
        self.dirty = True
        if a in self.gone:
            self.sign_out(a)
            return
        if wrap_s > 0 and self.f.break_share and self.rng.random() < self.f.break_share:
            self.tell(c.Paused())
            self.at(float(self.rng.exponential(self.f.break_s)), self.free, a, 0.0)
            return
        self.tell(c.Ready(wrap_s))
        self.ready[a] = self.now
        if self.waiting:
            self.connect(next(iter(self.waiting)))

    def sign_out(self, a: int) -> None:
        self.tell(c.Logout())
        self.r.signed_in_s += self.now - self.signed.pop(a)

    def leave(self) -> None:
        for a in list(self.signed)[: self.f.leaving]:
            self.gone.add(a)
            if a in self.ready:
                del self.ready[a]
                self.sign_out(a)
        self.dirty = True

    # calls
    def place(self) -> None:
        f, rng = self.f, self.rng
        call = self.calls
        self.calls += 1
        self.tally["placed"] += 1
        self.ringing[call] = self.now
        self.tell(c.Placed())
        live = f.live(self.now) if callable(f.live) else f.live
        u = rng.random()
        if u < live or u < live + f.machines:
            ring = 1.5 + rng.gamma(f.ring_shape, (f.ring_s - 1.5) / f.ring_shape)
            if ring < f.give_up_s:
                self.at(ring, self.answer, call, u < live)
            else:
                self.at(f.give_up_s, self.unanswered, call, "no_answer", c.NoAnswer())
        elif u < live + f.machines + f.busy:
            self.at(2.0 + rng.random(), self.unanswered, call, "busy", c.Busy())
        elif u < live + f.machines + f.busy + f.failed:
            self.at(0.2 + rng.random(), self.unanswered, call, "failed", c.Failed())
        else:
            self.at(f.give_up_s, self.unanswered, call, "no_answer", c.NoAnswer())

    def unanswered(self, call: int, what: str, event: c.Event) -> None:
        del self.ringing[call]
        self.tally[what] += 1
        self.tell(event)

    def answer(self, call: int, person: bool) -> None:
        self.tally["answered"] += 1
        self.tell(c.Answered(self.now - self.ringing.pop(call)))
        if self.f.detection:
            self.detecting[call] = self.now
            self.at(1.5 + 2 * self.rng.random(), self.verdict, call, person)
        elif person:
            self.offer(call)
        else:
            self.tally["machines"] += 1
            self.tell(c.Machine())

    def verdict(self, call: int, person: bool) -> None:
        del self.detecting[call]
        if person and self.rng.random() >= self.f.false_positives:
            self.offer(call)
            return
        self.r.mistaken += person
        self.tally["machines"] += 1
        self.tell(c.Machine())

    def offer(self, call: int) -> None:
        self.tell(c.Offered())
        self.waiting[call] = self.now
        if self.ready:
            self.connect(call)
        else:
            self.at(self.f.max_wait_s, self.lose, call)

    def connect(self, call: int) -> None:
        wait = self.now - self.waiting.pop(call)
        a = next(iter(self.ready))
        del self.ready[a]
        self.talking[a] = self.now
        self.tell(c.Connected(wait))
        self.tally["connected"] += 1
        self.r.outcomes.append(0)
        mean = self.f.talk_s(self.now) if callable(self.f.talk_s) else self.f.talk_s
        self.at(self.spread(mean, self.f.talk_cv), self.talked, a)

    def lose(self, call: int) -> None:
        if call in self.waiting:
            wait = self.now - self.waiting.pop(call)
            self.tell(c.Abandoned(wait, "too_late"))
            self.tally["abandoned"] += 1
            self.r.outcomes.append(1)

    def talked(self, a: int) -> None:
        talk = self.now - self.talking.pop(a)
        self.r.talked_s += talk
        self.r.worked_s += talk
        self.tell(c.TalkEnded(talk))
        self.wrap[a] = self.now
        wrap = self.spread(self.f.wrap_s, self.f.wrap_cv)
        self.at(wrap, self.wrapped, a, wrap)

    def wrapped(self, a: int, wrap: float) -> None:
        self.r.worked_s += wrap
        self.free(a, wrap)

    # decisions
    def ages(self, since: dict[int, float]) -> c.Ages:
        return self.now - np.fromiter(since.values(), np.float64, len(since))

    def reading(self) -> c.Reading:
        in_use = len(self.ringing) + len(self.detecting) + len(self.waiting) + len(self.talking)
        gone = self.gone
        return c.Reading(
            ready=self.ages(self.ready),
            talking=self.ages({a: s for a, s in self.talking.items() if a not in gone} if gone else self.talking),
            wrap_up=self.ages({a: s for a, s in self.wrap.items() if a not in gone} if gone else self.wrap),
            ringing=self.ages(self.ringing),
            in_detection=self.ages(self.detecting),
            waiting=self.ages(self.waiting),
            free_lines=max(0, self.f.lines - in_use),
            total=c.Counts(**self.tally),
            leads_left=None if self.f.leads is None else self.f.leads - self.calls,
            persons_as_machines=self.f.false_positives,
        )

    def decide(self) -> None:
        self.dirty = False
        for _ in range(self.pacer.calls_to_place(self.reading(), self.f.start + self.now)):
            self.place()

    def tick(self) -> None:
        self.dirty = True
        self.at(1.0, self.tick)

    def run(self) -> Result:
        f = self.f
        for a in range(f.agents):
            self.at(float(self.rng.random()) * f.sign_in_s, self.login, a)
        if f.leave_at_s is not None:
            self.at(f.leave_at_s, self.leave)
        self.at(0.0, self.tick)
        end = f.hours * 3600
        while self.heap:
            when, _, act, given = heapq.heappop(self.heap)
            if when > end:
                break
            self.now = when
            act(*given)
            if self.dirty:
                self.decide()
        self.now = end
        for since in self.signed.values():
            self.r.signed_in_s += end - since
        for since in self.talking.values():
            self.r.talked_s += end - since
            self.r.worked_s += end - since
        for since in self.wrap.values():
            self.r.worked_s += end - since
        self.r.connected, self.r.abandoned, self.r.placed = self.tally["connected"], self.tally["abandoned"], self.calls
        return self.r


def shift(floor: Floor, pacer: c.Pacer, seed: int) -> Result:
    """One shift of `floor` paced by `pacer`."""
    return _Shift(floor, pacer, seed).run()
