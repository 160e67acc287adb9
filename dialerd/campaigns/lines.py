"""Lines: what trunks, campaigns and the whole house have left for one more call, ordinary calls counted in (V09).

Never places a call, and never takes what it was told of ordinary calls for exact: it may be seconds old.
"""

from __future__ import annotations

from dialerd.campaigns.live import Live
from dialerd.model import facts as f
from dialerd.model.policies import Floor, Trunk


def ordinary_calls(live: Live, fact: f.OrdinaryCalls) -> None:
    """Apply what a server told of ordinary calls on its trunks."""
    mine = {name: n for name, n in fact.calls.items() if _on(live.floor, name, fact.server)}
    live.ordinary.told(live.floor, mine)


def _on(floor: Floor, trunk: str, server: str) -> bool:
    return trunk in floor.trunks and floor.trunks[trunk].server == server


def trunk_line_free(live: Live, name: str, trunk: Trunk) -> bool:
    """Whether the trunk has a line for one more call."""
    return live.trunk_lines[name] + live.ordinary.held(name, trunk) < trunk.lines


def trunk_lines_left(live: Live, name: str, trunk: Trunk) -> int:
    """How many more calls the trunk has lines for; below 0 where ordinary calls hold too many."""
    return int(trunk.lines - live.trunk_lines[name] - live.ordinary.held(name, trunk))


def ceilings_left(live: Live, campaign: str) -> list[int]:
    """How many more calls the campaign's own ceiling and the house's allow, where there are any."""
    own, house = live.policies[campaign].lines, live.floor.limits.calls
    left = [] if own is None else [own - live.campaign_lines[campaign]]
    return left if house is None else [*left, house - len(live.calls) - live.ordinary.total]


def campaign_line_free(live: Live, campaign: str) -> bool:
    """Whether the campaign is below its own ceiling of calls."""
    ceiling = live.policies[campaign].lines
    return ceiling is None or live.campaign_lines[campaign] < ceiling


def house_line_free(live: Live) -> bool:
    """Whether all campaigns together are below the house's ceiling."""
    ceiling = live.floor.limits.calls
    return ceiling is None or len(live.calls) + live.ordinary.total < ceiling
