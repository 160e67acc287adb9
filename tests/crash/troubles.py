"""Troubles of a link that a test can have, drawn from a seed: cuts of every kind, silence, slowness, refusals.

Never a trouble that loses an event on a link that stays up: those are in LOST, for who wants them.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

Trouble = dict[str, Any]
"""A fault of sim.faults: `kind` and its keys."""

_ACTIONS = ("Originate", "Bridge", "Setvar", "Hangup")
_CUTS: tuple[Callable[[random.Random], Trouble], ...] = (
    lambda chance: {"kind": "cut", "how": chance.choice(("close", "abort")), "down_s": chance.choice((0.0, 0.3, 0.8))},
    lambda chance: {"kind": "cut_mid_packet", "after_events": chance.randrange(12)},
    lambda chance: {
        "kind": "cut_at_action",
        "action": chance.choice(("Originate", "Originate", "Bridge", "Setvar")),
        "when": chance.choice(("before", "after")),
    },
)
_OTHERS: tuple[Callable[[random.Random], Trouble], ...] = (
    lambda chance: {"kind": "stall", "for_s": chance.random() * 1.5},
    lambda chance: {"kind": "delay_responses", "by_s": chance.choice((0.0, 0.05, 0.4))},
    lambda chance: {"kind": "fail_action", "action": chance.choice(_ACTIONS), "times": chance.randrange(1, 4)},
    lambda chance: {"kind": "shuffle", "on": chance.random() < 0.7},
    lambda chance: {
        "kind": "repeat_event",
        "event": chance.choice(("Hangup", "OriginateResponse", "BridgeEnter", "Newstate")),
        "times": chance.randrange(1, 6),
    },
)
LOST: tuple[Trouble, ...] = (
    {"kind": "lose_event", "event": "Hangup", "times": 15},
    {"kind": "lose_event", "event": "OriginateResponse", "times": 4},
    {"kind": "lose_event", "event": "Newstate", "times": 5},
    {"kind": "lose_event", "event": "DialBegin", "times": 3},
    {"kind": "lose_event", "event": "UserEvent", "times": 2},
    {"kind": "ignore_action", "action": "Originate", "times": 2},
    {"kind": "ignore_action", "action": "Bridge", "times": 1},
)
"""Events that never come and actions that nobody answers, though the link stays up."""


def draw(chance: random.Random, count: int) -> list[Trouble]:
    """So many troubles, every second one a cut."""
    return [chance.choice(_CUTS if n % 2 else _OTHERS)(chance) for n in range(count)]
