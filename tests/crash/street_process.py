"""A simulated street behind a real AMI server, in a process of its own: its books, its faults, and the house it needs.

Never tells the daemon anything but by AMI.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from sim.scenario import STREET, check_scenario, floor_of, leads_of
from tests.crash.daemon_that_returns import DaemonThatReturns
from tests.doubles.children import Child

SECRET = "street"
ROOT = Path(__file__).parents[2]
START_S = 30.0


class StreetProcess:
    """Use as a context. `scenario` as in sim/scenarios; agents' phones are always manned, and nobody wishes anything."""

    def __init__(self, folder: Path, scenario: dict[str, Any], *, speed: float = 1.0, seed: int = 1) -> None:
        self.folder = folder
        self.speed = speed
        self.scenario = check_scenario(scenario)
        self.campaign = self.scenario.name
        self.agents = self.scenario.agents.numbers()
        self._file = folder / "street.yaml"
        self._file.write_text(yaml.safe_dump(scenario, sort_keys=False), encoding="utf-8")
        self._seed = seed
        self._child: Child | None = None
        self._address = ("127.0.0.1", 0)
        self.port = 0

    def __enter__(self) -> StreetProcess:
        command = [sys.executable, "-m", "sim.ami_server", "--scenario", str(self._file), "--speed", str(self.speed)]
        command += ["--seed", str(self._seed), "--user", "dialerd", "--secret", SECRET]
        child = self._child = Child(command, self.folder / "street.out", cwd=ROOT)
        end = time.monotonic() + START_S
        while "\n" not in child.said():
            if not child.alive or time.monotonic() > end:
                child.kill()
                raise AssertionError(f"the street did not start: {child.said()}")
            time.sleep(0.02)
        ports = json.loads(child.said().splitlines()[0])
        self.port, self._address = ports["port"], ("127.0.0.1", ports["control_port"])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            self._child.stop()

    # --- the control port

    def ask(self, do: str, **more: Any) -> Any:
        """What the control port answers."""
        with socket.create_connection(self._address, 20) as connection, connection.makefile("r") as answers:
            connection.sendall(json.dumps({"do": do, **more}).encode() + b"\n")
            answer = json.loads(answers.readline())
        assert answer["ok"], answer
        return answer["result"]

    def fault(self, kind: str, **more: Any) -> None:
        """Have one of sim.faults."""
        self.ask("fault", fault=kind, **more)

    def books(self) -> dict[str, Any]:
        """What customers and the carrier lived through."""
        books: dict[str, Any] = self.ask("books")
        return books

    def invites(self) -> int:
        """INVITEs that reached the carrier."""
        return sum(self.books()["invites"].values())

    def await_invites(self, daemon: DaemonThatReturns, count: int, within_s: float = 30.0) -> None:
        """Wait until so many INVITEs have reached the carrier."""
        daemon.until(lambda: self.invites() >= count, f"{count} INVITEs: dialing goes on", within_s)

    def bridged(self) -> dict[str, str]:
        """Calls that are alive and were bridged, each with the agent it was bridged with last."""
        books = self.books()
        return {call: agent for call, agent in books["pairs"] if call in books["live_calls"]}

    # --- the house beside it

    def daemon(self, folder: Path, **more: Any) -> DaemonThatReturns:
        """The daemon that calls this street; `more` are further settings."""
        floor = floor_of(self.scenario, port=self.port).model_dump(mode="json", exclude_defaults=True)
        folder.mkdir(parents=True, exist_ok=True)
        daemon = DaemonThatReturns(folder, {}, speed=self.speed)
        floor["servers"][STREET]["secret_file"] = daemon.secret(SECRET)
        floor["servers"][STREET]["ping_s"] = 1
        quiet = {"http": {"port": "off"}, "logs": {"format": "console"}, "drain": {"limit_s": 5}}
        daemon.write({**quiet, **floor, "socket": {"path": daemon.socket}, **more})
        return daemon

    def open_shop(self, daemon: DaemonThatReturns, leads: int) -> None:
        """The first leads are imported, all agents log in and are ready, and the campaign is started."""
        daemon.ask("lead.import", campaign=self.campaign, csv=self.csv(0, leads))
        for agent in self.agents:
            daemon.ask("agent.login", agent=agent, ready=True)
        daemon.ask("campaign.start", campaign=self.campaign)

    def csv(self, first: int = 0, count: int | None = None) -> str:
        """The scenario's leads as a text to import, or a part of them."""
        leads = leads_of(self.scenario)[first:][:count]
        return "phone,name\n" + "".join(f"{lead.phone},{lead.name}\n" for lead in leads)
