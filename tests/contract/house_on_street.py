"""A real daemon process, a simulated street behind AMI and the floor they share, for tests of how people steer it.

Never judges calls: the street's numbers say what happens to each (sim.scenario.Customers, `scripted`).
"""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from tests.doubles.children import Child
from tests.doubles.daemon_process import DaemonProcess

SECRET = "street"
ROOT = Path(__file__).parents[2]
STAYS, LEAVES, BUSY = "71002000", "71002010", "72001486"
"""Answers after 0.2 s and stays; answers and hangs up a second later; is busy. Three digits follow."""


class StreetProcess:
    """The street's AMI server in a process of its own; a context manager. Its phones are manned, nobody wishes anything."""

    def __init__(self, folder: Path, *, agents: int = 9, speed: float = 1.0) -> None:
        self.speed = speed
        self._folder = folder
        self._scenario = folder / "street.yaml"
        folder.mkdir(parents=True, exist_ok=True)
        scenario = {
            "name": "street",
            "hours": 24,
            "agents": {"count": agents, "people": False, "phones": "scripted"},
            "customers": {"numbers": "scripted", "talk": {"shape": "fixed", "mean_s": 3000}},
            "campaign": {"region": "none"},
        }
        self._scenario.write_text(yaml.safe_dump(scenario))
        self._child: Child | None = None
        self._control = ("127.0.0.1", 0)
        self.port = 0

    def __enter__(self) -> StreetProcess:
        command = [sys.executable, "-m", "sim.ami_server", "--scenario", str(self._scenario)]
        command += ["--speed", str(self.speed), "--user", "dialerd", "--secret", SECRET]
        child = self._child = Child(command, self._folder / "street.out", cwd=ROOT)
        end = time.monotonic() + 30
        while '"pid"' not in (said := child.said()):
            if not child.alive or time.monotonic() > end:
                child.kill()
                raise AssertionError(f"the street did not start: {said}")
            time.sleep(0.02)
        ports = json.loads(said.splitlines()[0])
        self.port, self._control = ports["port"], ("127.0.0.1", ports["control_port"])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            self._child.stop()

    def ask(self, do: str, **more: Any) -> Any:
        """What the control port answers."""
        with socket.create_connection(self._control, 20) as connection, connection.makefile("r") as answers:
            connection.sendall(json.dumps({"do": do, **more}).encode() + b"\n")
            answer = json.loads(answers.readline())
        assert answer["ok"], answer
        return answer["result"]

    def invites(self) -> dict[str, int]:
        """INVITEs that reached customers, by number."""
        found: dict[str, int] = self.ask("books")["invites"]
        return found


def campaign(**policy: Any) -> dict[str, Any]:
    """A campaign of the street; `policy` over what suits quick tests."""
    return {"name": "Spring", "trunks": ["main"], "region": "none", "max_attempts": 1, "wrap_up_s": 0, **policy}


def house(
    folder: Path, street: StreetProcess, agents: Mapping[str, dict[str, Any]] | None = None, **more: Any
) -> DaemonProcess:
    """The daemon beside the street, not started yet; `agents` by number, `more`: further keys of the configuration.

    Campaigns, trunks and the like in `more` come beside the trunk `main` and the server `pbx`.
    """
    daemon = DaemonProcess(folder, {}, speed=street.speed)
    server = {"port": street.port, "secret_file": daemon.secret(SECRET), "ping_s": 1}
    trunk = {"server": "pbx", "dial": "PJSIP/{number}@street", "lines": 30, "calls_per_second": 1000}
    people = {"1001": {}, "1002": {}} if agents is None else agents
    base: dict[str, Any] = {
        "instance": "test",
        "http": {"port": "off"},
        "logs": {"format": "console"},
        "drain": {"limit_s": 1},
        "servers": {"pbx": server},
        "trunks": {"main": trunk},
        "agents": {number: {"phone": f"PJSIP/{number}", "server": "pbx", **keys} for number, keys in people.items()},
    }
    for key, value in more.items():
        base[key] = {**base[key], **value} if isinstance(base.get(key), dict) else value
    daemon.write(base)
    return daemon
