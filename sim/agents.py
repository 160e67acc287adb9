"""Agents: when they log in, rest and leave, whether they take their phone, and what they ask of the daemon.

Never tells the daemon anything itself: a wish goes out as an event, and whoever drives the street carries it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from sim.agenda import Agenda
from sim.draws import Chance, Spread
from sim.scenario import Agents
from sim.street_events import AgentWants, AnyStreetEvent, Want

BUSY_S = 0.2
"""A busy phone says so after so many seconds."""
_SCRIPTED_PICK_UP_S = 0.3
_SCRIPTED_LATE_S = 2.0
_SCRIPTED_STAY_S = 2.0


class Offer(msgspec.Struct, frozen=True):
    """What becomes of one call to an agent's phone."""

    what: Literal["picks_up", "busy", "rings"]
    after_s: float = 0.0
    stays_s: float = float("inf")
    """From picking up, when he hangs up whatever goes on."""


class Agent:
    """One agent and his softphone."""

    __slots__ = ("breaks", "epoch", "here", "id", "offers", "on_shift", "pauses", "phone")

    def __init__(self, number: str, here: bool) -> None:
        self.id = number
        self.epoch = 0
        self.on_shift = here
        self.here = here
        """Whether he sits by his phone."""
        self.phone = ""
        """The live leg of his softphone; it has one line."""
        self.offers = 0
        self.breaks = 0
        self.pauses = 0


class Crew:
    """All agents of a street."""

    def __init__(
        self,
        agents: Agents,
        chance: Chance,
        agenda: Agenda,
        say: Callable[[AnyStreetEvent], None],
        start: float,
        end: float,
    ) -> None:
        """`say` takes what they want; the shift is from `start` to `end`."""
        self._policy = agents
        self._chance = chance
        self._agenda = agenda
        self._say = say
        self._settle = agents.settle.sampler()
        self._pick_up = agents.pick_up.sampler()
        self._back = agents.back.sampler()
        self._break_length = agents.break_length.sampler()
        per_hour = agents.breaks_per_hour
        self._work = Spread(shape="exponential", mean_s=3600 / per_hour).sampler() if per_hour > 0 else None
        self._nailed_up = agents.softphone == "nailed_up"
        self.people = agents.people
        """Whether they act by themselves; if not, nobody carries what they want."""
        self.by_number = {number: Agent(number, not agents.people) for number in agents.numbers()}
        if agents.people:
            for agent in self.by_number.values():
                agenda.put(start + agents.sign_in_s * self._draw(agent, "sign_in", 0)[0], self._log_in, agent)
                agenda.put(end, self._log_out, agent)

    def offer(self, agent: Agent) -> Offer:
        """What becomes of the call to his phone that is made now."""
        agent.offers += 1
        if self._policy.phones == "scripted":
            return _scripted(agent.id)
        fate, after, *_ = self._draw(agent, "offer", agent.offers)
        if not agent.here:
            return Offer("rings")
        if fate < self._policy.busy:
            return Offer("busy", BUSY_S)
        if fate < self._policy.busy + self._policy.unanswered:
            return Offer("rings")
        return Offer("picks_up", self._pick_up.at(after))

    def picked_up(self, agent: Agent) -> None:
        """His nailed-up phone is connected: he makes himself ready when he has settled."""
        if self.people:
            self._pause_then(agent, self._settle.at(self._pause(agent)), self._be_ready)

    def missed(self, agent: Agent) -> None:
        """A call to his phone came to nothing: the daemon may have put him not ready, and he finds out later."""
        if self.people and not self._nailed_up:
            self._pause_then(agent, self._back.at(self._pause(agent)), self._be_ready)

    def lost_phone(self, agent: Agent) -> None:
        """His nailed-up phone was cut off, or never connected: he finds out later and logs in again."""
        if self.people and agent.on_shift:
            self._pause_then(agent, self._back.at(self._pause(agent)), self._log_in_again)

    def _draw(self, agent: Agent, what: str, nth: int) -> tuple[float, ...]:
        return self._chance.of(f"a{agent.id}:{what}:{nth}")

    def _pause(self, agent: Agent) -> float:
        agent.pauses += 1
        return self._draw(agent, "pause", agent.pauses)[0]

    def _pause_then(self, agent: Agent, pause_s: float, act: Callable[[Agent], None]) -> None:
        self._agenda.put(self._agenda.now + pause_s, act, agent)

    def _want(self, agent: Agent, what: Want, reason: str = "") -> None:
        self._say(AgentWants(self._agenda.now, agent.id, what, reason))

    def _log_in(self, agent: Agent) -> None:
        agent.on_shift = agent.here = True
        self._want(agent, "login")
        if not self._nailed_up:
            self._pause_then(agent, self._settle.at(self._pause(agent)), self._be_ready)
        self._plan_break(agent)

    def _log_in_again(self, agent: Agent) -> None:
        if agent.on_shift and agent.here and not agent.phone:
            self._want(agent, "login")
            self._pause_then(agent, self._settle.at(self._pause(agent)), self._be_ready)

    def _be_ready(self, agent: Agent) -> None:
        if agent.on_shift and agent.here:
            self._want(agent, "ready")

    def _plan_break(self, agent: Agent) -> None:
        if self._work is not None:
            agent.breaks += 1
            work_s = self._work.at(self._draw(agent, "break", agent.breaks)[0])
            self._pause_then(agent, work_s, self._go_on_break)

    def _go_on_break(self, agent: Agent) -> None:
        if not agent.on_shift:
            return
        _, length, why, *_ = self._draw(agent, "break", agent.breaks)
        reasons = self._policy.break_reasons
        agent.here = False
        self._want(agent, "not_ready", reasons[int(why * len(reasons))])
        self._pause_then(agent, self._break_length.at(length), self._come_back)

    def _come_back(self, agent: Agent) -> None:
        if not agent.on_shift:
            return
        agent.here = True
        if self._nailed_up and not agent.phone:
            self._log_in_again(agent)
        else:
            self._want(agent, "ready")
        self._plan_break(agent)

    def _log_out(self, agent: Agent) -> None:
        if agent.on_shift:
            agent.on_shift = agent.here = False
            self._want(agent, "logout")


def _scripted(number: str) -> Offer:
    if len(number) == 4 and number.startswith("10"):
        if number.endswith("9"):
            return Offer("rings")
        if number.endswith("8"):
            return Offer("busy", BUSY_S)
    late = len(number) == 4 and number.startswith("11")
    stays_s = _SCRIPTED_STAY_S if len(number) == 4 and number.startswith("12") else float("inf")
    return Offer("picks_up", _SCRIPTED_LATE_S if late else _SCRIPTED_PICK_UP_S, stays_s)
