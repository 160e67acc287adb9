"""What an operator says about pacing: the cap on abandoned calls, and how long a customer may wait (V04).

Never lets a cap above 10 % through, whoever asks.
"""

from __future__ import annotations

import math

import msgspec

HIGHEST_CAP = 0.10


class PacingPolicy(msgspec.Struct, frozen=True):
    """Raises ValueError, which names the field, what was found and what is allowed, if a number is out of its limits."""

    cap: float = 0.03
    """The most persons that may be abandoned, as a share of those who answer: above 0, at most 0.10."""
    max_wait_s: float = 2.0
    """Seconds that a person waits for an agent before the call is abandoned: 0 to 60."""
    rolling: int = 500
    """Any so many live answers in a row keep the cap; 0: this is not asked for. Where not one of them may be abandoned, only calls
    with an agent of their own are placed."""

    def __post_init__(self) -> None:
        _within("cap", self.cap, above=0.0, most=HIGHEST_CAP)
        _within("max_wait_s", self.max_wait_s, least=0.0, most=60.0)
        if not 0 <= self.rolling <= 100_000:
            raise ValueError(f"rolling: found {self.rolling}, allowed 0 to 100000")


def _within(field: str, found: float, *, above: float = -math.inf, least: float = -math.inf, most: float) -> None:
    if not (found > above and found >= least and found <= most):
        low = f"above {above:g}" if above > -math.inf else f"from {least:g}"
        raise ValueError(f"{field}: found {found!r}, allowed {low} up to {most:g}")
