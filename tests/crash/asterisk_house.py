"""A daemon on the real Asterisk of the rig for tests that break things: its campaign, its agents, and who talks with whom.

Never asks the daemon who is bridged: Asterisk's own list of channels says it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from dialerd.model.ids import is_call, is_leg
from tests.asterisk.centre import CAMPAIGN, Centre
from tests.asterisk.rig.asterisk import Rig
from tests.crash.daemon_that_returns import DaemonThatReturns
from tests.crash.killing import AT_WORK

AGENTS = {
    "1001": "ring",
    "1002": "ring",
    "1003": "ring",
    "1101": "ring",
    "1011": "nailed_up",
    "1012": "nailed_up",
    "1013": "nailed_up",
    "1014": "nailed_up",
}
_SCRIPTS = ("71010060", "71005080", "71020040", "73010070", "72005486", "71010090", "71015050", "72010503", "71005060")
"""Most answer within two seconds and talk for four to nine; one in nine is busy, one finds congestion."""


def leads_on_asterisk(count: int) -> list[str]:
    """Numbers as the rig's carrier reads them."""
    return [f"{_SCRIPTS[n % len(_SCRIPTS)]}{n:03d}" for n in range(count)]


class HouseOnAsterisk(DaemonThatReturns, Centre):
    """Eight agents, one campaign that finishes by itself; use as a context."""

    max_attempts = 2

    def __init__(self, rig: Rig, folder: Path, agents: dict[str, Any] | None = None, **more: Any) -> None:
        rests = {
            outcome: {"again_after_min": 0.05}
            for outcome in (
                "busy",
                "no_answer",
                "no_response",
                "hung_up",
                "abandoned",
                "congestion",
                "lost",
                "cancelled",
            )
        }
        policy = {
            "max_attempts": self.max_attempts,
            "wrap_up_s": 0.5,
            "rest": rests | {"not_placed": {"again_after_min": 0.05}, "unknown": {"again_after_min": 0.05}},
            "finish_when_done": True,
            **more.pop("policy", {}),
        }
        super().__init__(rig, folder, AGENTS if agents is None else agents, policy, **more)

    def __enter__(self) -> Self:
        super().__enter__()
        return self

    def begin_campaign(self, numbers: list[str]) -> None:
        """Leads, agents at work, and the campaign started."""
        self.begin(numbers, *self.settings["agents"])
        assert self.ask("campaign.get", campaign=CAMPAIGN)["state"] == "running"

    def until_at_work(self, agent: str) -> None:
        """Wait until an agent is ready, or talks already."""
        self.until(lambda: self.agent(agent)["state"] in AT_WORK, f"{agent} is at work")

    def bridged(self) -> dict[str, str]:
        """Customers' legs that are bridged with an agent on Asterisk now, each with that agent."""
        inside: dict[str, dict[str, str]] = {}
        with self.rig.ami() as ami:
            for channel in ami.listing("CoreShowChannels"):
                if is_leg(channel["Uniqueid"]) and channel["BridgeId"]:
                    inside.setdefault(channel["BridgeId"], {})[channel["Uniqueid"]] = channel["Channel"]
        found: dict[str, str] = {}
        for members in inside.values():
            calls = [leg for leg in members if is_call(leg)]
            phones = [name for leg, name in members.items() if not is_call(leg)]
            if calls and phones:
                found[calls[0]] = phones[0].removeprefix("PJSIP/").split("-")[0]
        return found
