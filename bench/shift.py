"""The whole day of twenty agents in virtual time: the daemon's exchange against the street, without waiting.

Never a measurement of a daemon: there is no Asterisk, no disk and no network in it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from sim.driver import Shift
from sim.rows_kept import RowsKept
from sim.scenario import read_scenario

SCENARIO = "shift8h"


@dataclass(frozen=True)
class Played:
    """One shift that was played."""

    hours: float
    seconds: float
    turns: int
    calls: int


def play() -> Played:
    """Play the shift once."""
    scenario = read_scenario(SCENARIO)
    began = time.perf_counter()
    shift = Shift(scenario, RowsKept())
    shift.run()
    seconds = time.perf_counter() - began
    return Played(scenario.hours, seconds, shift.turns, shift.live.tallies[scenario.name].placed)
