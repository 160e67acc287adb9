"""A busy street for tests that break things: ten agents, customers who answer often and talk for a while, short rests.

Never a scenario of its own behaviour to be judged: only enough of everything to be in the middle of it at any instant.
"""

from __future__ import annotations

from typing import Any

MAX_ATTEMPTS = 3
_REST_MIN = 0.2
_RESTING = (
    "busy",
    "no_answer",
    "no_response",
    "hung_up",
    "abandoned",
    "congestion",
    "lost",
    "cancelled",
    "unknown",
    "not_placed",
)


def busy_street(softphone: str, **campaign: Any) -> dict[str, Any]:
    """The scenario, its agents' phones used so (`ring`, `nailed_up`); `campaign`: keys of its policy over these."""
    return {
        "name": "spring",
        "hours": 24,
        "agents": {"count": 10, "softphone": softphone, "people": False, "pick_up": {"mean_s": 2, "cv": 0.3}},
        "customers": {
            "answer_rate": 0.6,
            "busy": 0.08,
            "unallocated": 0.03,
            "congestion": 0.02,
            "pick_up": {"mean_s": 5, "cv": 0.5},
            "patience": {"shape": "exponential", "mean_s": 60},
            "talk": {"mean_s": 50, "cv": 0.5},
        },
        "leads": {"count": 4000},
        "lines": {"told_lines": 30, "told_calls_per_second": 20},
        "campaign": {
            "ring_s": 15,
            "max_wait_s": 40,
            "wrap_up_s": 3,
            "max_attempts": MAX_ATTEMPTS,
            "drop_prompt": "dialerd/sorry",
            "finish_when_done": True,
            "rest": {outcome: {"again_after_min": _REST_MIN} for outcome in _RESTING} | {"rejected": {}},
            **campaign,
        },
    }
