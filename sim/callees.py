"""Customers: what becomes of one call to one number, drawn from the seed, the number and how often it was called before.

Never looks at other calls or at the daemon: the order of dialing cannot change what a number does.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate
from typing import Final

import msgspec

from sim.draws import Chance
from sim.scenario import Customers

NEVER: Final = float("inf")
TIMER_B_S: Final = 32.0
"""SIP gives up a number from which nothing is heard at all after so many seconds (cause 18, 408)."""

CAUSE_OF_SIP: Final[dict[int, int]] = {
    400: 127,
    401: 21,
    402: 21,
    403: 21,
    404: 1,
    405: 127,
    406: 127,
    408: 18,
    410: 22,
    415: 79,
    480: 19,
    484: 28,
    485: 1,
    486: 17,
    487: 127,
    488: 58,
    500: 38,
    501: 29,
    502: 27,
    503: 34,
    504: 102,
    600: 17,
    603: 21,
    604: 1,
    606: 58,
}
"""Asterisk's own mapping; what is not in it is 127 below 500 and from 600 on, else 34."""

_SCRIPT = re.compile(r"^(?:\+|00)?(?:352)?7([0-9])([0-9]{3})([0-9]{3})[0-9]{3,}$")


def cause_of(sip: int) -> int:
    """The Q.850 cause that Asterisk makes of a final SIP response."""
    return CAUSE_OF_SIP.get(sip, 34 if 500 <= sip < 600 else 127)


class Plan(msgspec.Struct, frozen=True):
    """What one call to one number comes to; seconds from the INVITE unless said."""

    rings_s: float = NEVER
    """The first ring; NEVER: none is heard."""
    decided_s: float = NEVER
    """The answer, or the refusal; NEVER: it goes on until the caller gives up."""
    sip: int = 200
    """200: it is an answer; else the final response."""
    person: bool = True
    patience_s: float = NEVER
    """From the answer, how long he waits for an agent."""
    talk_s: float = NEVER
    """From the bridge to the end of the talk."""
    customer_ends: bool = True
    """Whether the talk is ended by the customer."""
    stays_s: float = NEVER
    """From the answer, when he hangs up whatever goes on (scripted numbers)."""
    follows: bool = True
    """Whether he hangs up too if the agent is done and the line stays open."""


class Callees:
    """Everybody who can be called."""

    __slots__ = (
        "_chance",
        "_hangs_up_first",
        "_machine_pick_up",
        "_machine_talk",
        "_others",
        "_patience",
        "_pick_up",
        "_rates",
        "_scripted",
        "_setup",
        "_steps_s",
        "_talk",
    )

    def __init__(self, customers: Customers, chance: Chance) -> None:
        self._chance = chance
        self._scripted = customers.numbers == "scripted"
        rate = customers.answer_rate
        self._steps_s = [0.0] if isinstance(rate, float) else [step.from_h * 3600 for step in rate]
        self._rates = [rate] if isinstance(rate, float) else [step.rate for step in rate]
        # the shares lie end to end on [0, 1): refusals first, so that a change of the answer rate leaves them alone
        shares = [
            (customers.busy, 486),
            (customers.rejected, 603),
            (customers.unallocated, 404),
            (customers.congestion, 503),
            (customers.out_of_order, 502),
            (customers.no_response, 0),
            (customers.machine, 200),
        ]
        bounds = accumulate(share for share, _ in shares)
        self._others = [(bound, sip) for bound, (_, sip) in zip(bounds, shares, strict=True)]
        self._setup = customers.setup.sampler()
        self._pick_up = customers.pick_up.sampler()
        self._machine_pick_up = customers.machine_pick_up.sampler()
        self._patience = customers.patience.sampler()
        self._talk = customers.talk.sampler()
        self._machine_talk = customers.machine_talk.sampler()
        self._hangs_up_first = customers.hangs_up_first

    def plan(self, number: str, attempt: int, elapsed_s: float) -> Plan:
        """What call number `attempt` (from 1) to `number` comes to, `elapsed_s` after the scenario's start."""
        fate, setup, ring, patience, talk, first, _, _ = self._chance.of(f"n{number}:{attempt}")
        if self._scripted:
            script = _SCRIPT.match(number)
            if script is not None:
                return self._scripted_plan(int(script[1]), int(script[2]) / 10, int(script[3]), number[-1], talk)
        setup_s = self._setup.at(setup)
        for bound, sip in self._others:
            if fate < bound:
                if sip == 200:
                    answer = setup_s + self._machine_pick_up.at(ring)
                    talk_s = self._machine_talk.at(talk)
                    return Plan(setup_s, answer, 200, False, self._patience.at(patience), talk_s, False)
                if sip == 0:
                    return Plan()
                return Plan(NEVER, setup_s, sip)
        rate = self._rates[bisect_right(self._steps_s, elapsed_s) - 1] if len(self._rates) > 1 else self._rates[0]
        if fate < self._others[-1][0] + rate:
            return Plan(
                setup_s,
                setup_s + self._pick_up.at(ring),
                200,
                True,
                self._patience.at(patience),
                self._talk.at(talk),
                first < self._hangs_up_first,
            )
        return Plan(setup_s)

    def _scripted_plan(self, behaviour: int, after_s: float, last: int, ending: str, talk: float) -> Plan:
        if behaviour == 2:
            return Plan(0.0, after_s, last if 400 <= last < 700 else 500)
        if behaviour == 4:
            return Plan(0.0)
        if behaviour == 5:
            return Plan(NEVER, TIMER_B_S, 408)
        if behaviour == 9:
            return Plan()
        # 0, 6, 7 and 8 are heard on the rig; the street carries no sound and no keys. Who presses a key stays.
        stays_s = last / 10 if last and behaviour not in (6, 7) else NEVER
        return Plan(
            NEVER if behaviour == 3 else 0.0,
            after_s,
            200,
            behaviour != 8 or ending == "1",
            NEVER,
            self._talk.at(talk),
            False,
            stays_s,
            False,
        )
