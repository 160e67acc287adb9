"""The built-in street of customers, behind a real AMI server on TCP in a process of its own.

Never shares anything with the daemon but the wire.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from typing import Any

from demo.stage import Ask
from dialerd.cli.socket_client import NoDaemonError
from sim.scenario import Scenario, floor_of, leads_of

SECRET = "street"
_VERBS = {
    "login": "agent.login",
    "ready": "agent.ready",
    "not_ready": "agent.not-ready",
    "logout": "agent.logout",
    "hang_up": "agent.hangup",
}


class StreetStage:
    """Keeps demo.stage.Stage."""

    def __init__(self, scenario: Scenario, name: str, seed: int | None, speed: float) -> None:
        self.speed = speed
        self.campaign = scenario.name
        self.secret = SECRET
        self.about = f"the built-in street, {speed:g} times as fast as the clock on the wall"
        self._scenario = scenario
        command = [
            sys.executable,
            "-m",
            "sim.ami_server",
            "--scenario",
            name,
            "--speed",
            str(speed),
            "--user",
            "dialerd",
        ]
        command += ["--secret", SECRET] + ([] if seed is None else ["--seed", str(seed)])
        self._command = command
        self._process: subprocess.Popen[str] | None = None
        self._control: socket.socket | None = None
        leads = leads_of(scenario)
        self.leads_csv = "phone,name\n" + "".join(f"{lead.phone},{lead.name}\n" for lead in leads)

    def __enter__(self) -> StreetStage:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)  # noqa: S603  our own words
        assert self._process.stdout is not None
        ports = json.loads(self._process.stdout.readline())
        self._address = ("127.0.0.1", ports["control_port"])
        self.floor = floor_of(self._scenario, port=ports["port"])
        return self

    def __exit__(self, *error: object) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.communicate()

    def begin(self, ask: Ask) -> None:
        """What the street's agents want of their screens is carried to the daemon, as their softphones' desks would."""
        self._control = socket.create_connection(self._address)
        self._control.sendall(b'{"do": "wants"}\n')
        threading.Thread(target=self._relay, args=(self._control, ask), daemon=True).start()

    @staticmethod
    def _relay(control: socket.socket, ask: Ask) -> None:
        try:
            with control.makefile("r") as lines:
                for line in lines:
                    want = json.loads(line).get("want")
                    if want is not None:
                        _carry(ask, want)
        except (OSError, ValueError):
            return  # the stage is being cleared

    def invites(self) -> dict[str, int]:
        """INVITEs by number, from the street's own books."""
        with socket.create_connection(self._address) as connection, connection.makefile("r") as answers:
            connection.sendall(b'{"do": "books"}\n')
            books: dict[str, int] = json.loads(answers.readline())["result"]["invites"]
        return books


def _carry(ask: Ask, want: dict[str, Any]) -> None:
    args = {"agent": want["agent"]}
    if want["what"] == "not_ready":
        args["reason"] = want["reason"]
    try:
        ask(_VERBS[want["what"]], **args)
    except NoDaemonError:
        return
    except Exception as refusal:  # noqa: BLE001  a desk shows the refusal to its agent and goes on
        sys.stderr.write("" if "logged in" in str(refusal) else f"agent {want['agent']}: {refusal}\n")
