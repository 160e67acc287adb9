"""A daemon of one's own for a while: its configuration in a folder, the process, and a way to ask it.

Never leaves a process or a folder behind.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from dialerd.cli.socket_client import NoDaemonError, ask
from dialerd.model.policies import Floor

START_S = 20.0


class HouseError(Exception):
    """The daemon did not start or refused something; the message has its last words."""


class House:
    """Use as a context: inside, the daemon runs and answers."""

    def __init__(self, floor: Floor, secret: str, speed: float = 1.0) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="dialerd-demo-")
        self.folder = Path(self._folder.name)
        self.socket = str(self.folder / "dialerd.sock")
        self._speed = speed
        (self.folder / "ami.secret").write_text(secret)
        os.chmod(self.folder / "ami.secret", 0o600)
        settings: dict[str, Any] = {
            "instance": "demo",
            "http": {"port": "off"},
            "logs": {"format": "console", "level": "info"},
            "drain": {"limit_s": 2},
            **floor.model_dump(mode="json", exclude_defaults=True),
        }
        for server in settings["servers"].values():
            server["secret_file"] = "ami.secret"
        (self.folder / "dialerd.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """What the daemon logged."""
        return (self.folder / "log").read_text(errors="replace")

    def __enter__(self) -> House:
        with (self.folder / "log").open("wb") as log:
            command = [
                sys.executable,
                "-m",
                "dialerd",
                "run",
                str(self.folder / "dialerd.yaml"),
                "--speed",
                str(self._speed),
            ]
            self._process = subprocess.Popen(command, stderr=log, stdout=log)  # noqa: S603  our own interpreter and file
        end = time.monotonic() + START_S
        while True:
            try:
                servers = self.ask("daemon.status")["status"]["servers"]
                if all(status.startswith("connected") for status in servers.values()):
                    return self
            except (NoDaemonError, HouseError):
                pass
            if self._process.poll() is not None or time.monotonic() > end:
                words = self.log[-2000:]
                self.__exit__(None, None, None)
                raise HouseError(f"the daemon did not start:\n{words}")
            time.sleep(0.05)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._folder.cleanup()

    def ask(self, command: str, **args: Any) -> dict[str, Any]:
        """The result of a command. Raises HouseError for a refusal, NoDaemonError while nobody answers."""
        reply = ask(self.socket, command, args, timeout_s=60)
        if not reply["ok"]:
            raise HouseError(f"{command}: {reply['error']['message']}")
        result: dict[str, Any] = reply["result"]
        return result
