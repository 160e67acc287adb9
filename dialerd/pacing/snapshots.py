"""What a pacer has learned as a plain dict of numbers, and back: so that a daemon that is started anew does not begin cold.

Never believes a snapshot that is of another version, too old, from the future, or has a number that cannot be.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from dialerd.model.instants import Instant
from dialerd.pacing.agents_busy import TALK_S, WRAP_S
from dialerd.pacing.calls_in_flight import SIZE_S
from dialerd.pacing.hazards import Hazard

VERSION = 1
OLDEST_S = 14 * 86400.0
"""A snapshot that was made longer ago tells of other lists and other people."""
_HALF_LIFE_S = 2 * 86400.0
"""What was learned this long ago weighs half."""
_AHEAD_S = 60.0
"""So far may the clock have been set back since."""
_LEVEL = 11
_LARGEST = 1e9
_HAZARDS = {"picked_up": SIZE_S, "given_up": SIZE_S, "talk": TALK_S, "wrap": WRAP_S}
_LENGTHS = {
    "version": 1,
    "saved_at": 1,
    "calls": 4,
    "agents": 2,
    **{f"{name}_{what}": size for name, size in _HAZARDS.items() for what in ("ends", "lived_s")},
    **{f"{name}_level": _LEVEL for name in _HAZARDS},
}

Snapshot = dict[str, list[float]]


def of_hazard(name: str, hazard: Hazard) -> Snapshot:
    """A hazard's part of a snapshot; zeros at the end are left out."""
    return {
        f"{name}_ends": _shortened(hazard.ends.tolist()),
        f"{name}_lived_s": _shortened(hazard.lived_s.tolist()),
        f"{name}_level": hazard.level.numbers(),
    }


def into_hazard(name: str, hazard: Hazard, snapshot: Mapping[str, Sequence[float]], kept: float) -> None:
    """Fill a fresh hazard; `kept` (0 to 1) is what its counts weigh now."""
    ends, lived = snapshot[f"{name}_ends"], snapshot[f"{name}_lived_s"]
    hazard.ends[: len(ends)] = ends
    hazard.lived_s[: len(lived)] = lived
    hazard.ends *= kept
    hazard.lived_s *= kept
    hazard.reshape()
    hazard.level.take(list(snapshot[f"{name}_level"]))


def checked(given: Mapping[str, object], now: Instant) -> dict[str, list[float]]:
    """`given` as numbers that can be believed at `now`. Raises ValueError: the field, what was found and what is allowed."""
    missing = sorted({*_LENGTHS, "budget"} - set(given))
    if missing:
        raise ValueError(f"{missing[0]}: found nothing, allowed a list of numbers")
    found = {field: _numbers(field, given[field]) for field in (*_LENGTHS, "budget")}
    for field, most in _LENGTHS.items():
        whole = field.endswith(("_ends", "_lived_s"))
        if len(found[field]) > most or (not whole and len(found[field]) != most):
            raise ValueError(f"{field}: found {len(found[field])} numbers, allowed {most}")
    if found["version"] != [VERSION]:
        raise ValueError(f"version: found {found['version'][0]:g}, allowed {VERSION}")
    age = now - found["saved_at"][0]
    if not -_AHEAD_S <= age <= OLDEST_S:
        raise ValueError(f"saved_at: found {age:.0f} s ago, allowed {-_AHEAD_S:.0f} to {OLDEST_S:.0f}")
    for field, numbers in found.items():
        if not field.endswith("_level") and min(numbers, default=0.0) < 0.0:
            raise ValueError(f"{field}: found {min(numbers):g}, allowed 0 or more")
    if len(found["budget"]) < 3:
        raise ValueError(f"budget: found {len(found['budget'])} numbers, allowed 3 or more")
    return found


def weight(snapshot: Mapping[str, Sequence[float]], now: Instant) -> float:
    """What the counts of a checked snapshot weigh at `now`: 1 if it is fresh."""
    return float(0.5 ** (max(0.0, now - snapshot["saved_at"][0]) / _HALF_LIFE_S))


def _numbers(field: str, given: object) -> list[float]:
    if not isinstance(given, list | tuple):
        raise ValueError(f"{field}: found {type(given).__name__}, allowed a list of numbers")
    for number in given:
        if (
            isinstance(number, bool)
            or not isinstance(number, int | float)
            or not math.isfinite(number)
            or abs(number) > 1e12
        ):
            raise ValueError(f"{field}: found {str(number)[:40]!r}, allowed finite numbers")
        if field not in ("saved_at", "version") and abs(number) > _LARGEST:
            raise ValueError(f"{field}: found {number:g}, allowed up to {_LARGEST:g}")
    return [float(number) for number in given]


def _shortened(numbers: list[float]) -> list[float]:
    end = len(numbers)
    while end and numbers[end - 1] == 0.0:
        end -= 1
    return [round(number, 4) for number in numbers[:end]]
