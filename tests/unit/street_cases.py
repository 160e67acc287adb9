"""Small streets for the tests of the simulator.

Never more than a test needs: one scenario in code, changed by keywords.
"""

from __future__ import annotations

from typing import Any

from sim.scenario import Scenario, check_scenario
from sim.street import Street
from sim.street_events import AnyStreetEvent

FIXED = {"shape": "fixed"}


def scenario(**changes: Any) -> Scenario:
    """Scripted numbers, scripted phones that are always manned, talks of 5 s that the agent ends."""
    given: dict[str, Any] = {
        "name": "case",
        "start": 1000.0,
        "agents": {"count": 9, "people": False, "phones": "scripted"},
        "customers": {"numbers": "scripted", "talk": {**FIXED, "mean_s": 5}, "message_s": 4},
        "campaign": {"region": "none"},
    }
    for key, value in changes.items():
        given[key] = {**given[key], **value} if isinstance(given.get(key), dict) else value
    return check_scenario(given)


def street(**changes: Any) -> Street:
    return Street(scenario(**changes))


def told(events: list[AnyStreetEvent]) -> list[tuple[float, str, str]]:
    """(seconds since 1000, kind, leg or agent) of each event."""
    found = []
    for event in events:
        who = getattr(event, "call", "") or getattr(event, "leg", "") or getattr(event, "agent", "")
        if type(event).__name__ == "AgentWants":
            who = f"{event.agent} {event.what}"  # type: ignore[union-attr]
        found.append((round(event.at - 1000, 6), type(event).__name__, who))
    return found
