"""A call centre for a test: the real daemon on the real Asterisk of the rig, its agents' phones and its customers.

Never decides what a call should have come to: the dialled number says that, and the test compares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.asterisk.rig.asterisk import Rig
from tests.doubles.daemon_process import DaemonProcess

CAMPAIGN = "spring"


class Centre(DaemonProcess):
    """A daemon linked to `rig`, with one campaign; use as a context.

    `agents`: number to how his softphone is used (`ring`, `nailed_up`), or to all keys of an agent. `policy`: keys of the
    campaign. `more`: further keys of the configuration, laid over these.
    """

    def __init__(
        self,
        rig: Rig,
        folder: Path,
        agents: Mapping[str, str | dict[str, Any]],
        policy: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> None:
        self.rig = rig
        super().__init__(folder, {})
        people = {
            number: {"phone": f"PJSIP/{number}", "server": "pbx"}
            | ({"softphone": how} if isinstance(how, str) else how)
            for number, how in agents.items()
        }
        server = {
            "host": rig.ami_host,
            "port": rig.ami_port,
            "username": rig.ami_user,
            "secret_file": self.secret(rig.ami_secret),
        }
        campaign = {
            "name": "Spring",
            "trunks": ["main"],
            "region": "none",
            "ring_s": 15,
            "max_attempts": 1,
            "max_wait_s": 60,
            "wrap_up_s": 0,
            **(policy or {}),
        }
        trunk = {"server": "pbx", "dial": "PJSIP/{number}@trunk", "lines": 30, "calls_per_second": 50}
        base: dict[str, Any] = {
            "instance": "test",
            "http": {"port": "off"},
            "logs": {"format": "console"},
            "drain": {"limit_s": 5},
            "servers": {"pbx": server},
            "trunks": {"main": trunk},
            "agents": people,
            "campaigns": {CAMPAIGN: campaign},
        }
        for key, value in more.items():
            base[key] = {**base.get(key, {}), **value} if isinstance(value, dict) else value
        self.write(base)

    def __enter__(self) -> Centre:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            super().__exit__(kind, error, trace)
        finally:
            self._clear()

    def _clear(self) -> None:
        """Calls go on when their daemon stops; the next test's must be the only ones."""
        if self.rig.running:
            with self.rig.admin() as admin:
                for channel in admin.listing("CoreShowChannels"):
                    admin.action("Hangup", Channel=channel["Channel"])
            self.until_channels(lambda names: not names, "Asterisk is as before")

    # --- people

    def add(self, numbers: Sequence[str], name: str = "") -> dict[str, Any]:
        """Import leads, in this order."""
        report = self.ask(
            "lead.import",
            campaign=CAMPAIGN,
            csv="phone,name\n" + "".join(f"{number},{name or f'Customer {number}'}\n" for number in numbers),
        )
        assert report["added"] == len(numbers), report
        return report

    def log_in(self, *agents: str) -> None:
        """Log agents in and wait until each is ready, one after the other: the first is the longest idle."""
        for agent in agents:
            self.ask("agent.login", agent=agent, ready=True)
            self.until_agent(agent, "ready")

    def log_in_without_waiting(self, agent: str) -> None:
        """Log an agent in who may get a customer before he is ever seen ready."""
        self.ask("agent.login", agent=agent, ready=True)

    def begin(self, numbers: Sequence[str], *agents: str) -> None:
        """Leads, agents at work, and the campaign started."""
        self.add(numbers)
        self.log_in(*agents)
        self.ask("campaign.start", campaign=CAMPAIGN)

    # --- how things stand

    def agent(self, number: str) -> dict[str, Any]:
        """One agent as people see him."""
        return next(row for row in self.ask("agent.list")["agents"] if row["agent"] == number)

    def call(self, number: str) -> dict[str, Any] | None:
        """The newest attempt on a lead, alive or over; None before the first."""
        found = [row for row in self.attempts(CAMPAIGN) if row["number"] == number]
        return found[-1] if found else None

    def attempts_over(self, campaign: str) -> list[dict[str, Any]]:
        """All attempts on record, once none is alive there: the live state is ahead of the record by one commit."""
        self.until(lambda: all(row["state"] == "ended" for row in self.attempts(campaign)), "all attempts are over")
        return self.attempts(campaign)

    def until_agent(self, number: str, state: str, within_s: float = 30.0) -> dict[str, Any]:
        """Wait until an agent is in a state; the agent."""
        self.until(lambda: self.agent(number)["state"] == state, f"agent {number} is {state}", within_s)
        return self.agent(number)

    def until_no_phone(self, number: str) -> dict[str, Any]:
        """Wait until the daemon knows that an agent's softphone has no leg any more; the agent."""
        self.until(lambda: self.agent(number)["phone_state"] == "", f"{number}'s phone has no leg")
        return self.agent(number)

    def until_call(self, number: str, state: str, within_s: float = 30.0) -> dict[str, Any]:
        """Wait until the newest attempt on a lead is in a state; the attempt."""

        def there() -> bool:
            call = self.call(number)
            return call is not None and call["state"] == state

        self.until(there, f"the call to {number} is {state}", within_s)
        call = self.call(number)
        assert call is not None
        return call

    def why(self) -> dict[str, Any]:
        """What limits the campaign now."""
        return self.ask("campaign.why", campaign=CAMPAIGN)

    def stats(self) -> dict[str, Any]:
        """The campaign's counts."""
        return self.ask("campaign.stats", campaign=CAMPAIGN)

    # --- how Asterisk stands

    def channels(self, containing: str = "") -> list[str]:
        """Names of the live channels whose name holds `containing`."""
        lines = self.rig.cli("core show channels concise").splitlines()
        return [name for name in (line.split("!")[0] for line in lines if "!" in line) if containing in name]

    def until_channels(self, wanted: Callable[[list[str]], bool], what: str, containing: str = "") -> None:
        """Wait for a condition on Asterisk's own channels."""
        self.until(lambda: wanted(self.channels(containing)), what)
