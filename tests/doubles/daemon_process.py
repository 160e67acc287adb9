"""The real daemon as a process of its own: started, asked, killed and started again by tests.

Never left running: it dies with the test, and its last words are shown when something fails.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from dialerd.cli.socket_client import NoDaemonError, ask
from tests.doubles.children import is_over, must_not_outlive


class RefusedError(Exception):
    """A command was refused; `error` is the reply's."""

    def __init__(self, command: str, error: dict[str, Any]) -> None:
        super().__init__(f"{command}: {error}")
        self.error = error


class DaemonProcess:
    """A daemon on a configuration (a mapping) in a folder; the folder outlives its processes.

    `start` returns when it answers on its socket (and, with `linked`, when every server is connected).
    """

    def __init__(
        self, folder: Path, settings: dict[str, Any], *, speed: float = 1.0, env: dict[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.speed = speed
        self.since = time.time()
        """From when its fast clock runs, in all its processes."""
        self.config = folder / "dialerd.yaml"
        self.socket = str(folder / "dialerd.sock")
        self.log_file = folder / "daemon.log"
        self.env = {**os.environ, **(env or {})}
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self.write({"http": {"port": "off"}, "logs": {"format": "console"}, "drain": {"limit_s": 5}, **settings})

    def write(self, settings: dict[str, Any]) -> None:
        """Write the configuration anew."""
        self.settings = settings
        self.config.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")

    def secret(self, text: str, name: str = "ami.secret") -> str:
        """A file that holds a secret; its name for the configuration."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return name

    # --- the process

    def start(self, *, linked: bool = True, within_s: float = 30.0) -> DaemonProcess:
        """Start it and wait until it answers."""
        if self.process is not None:
            is_over(self.process)
        self.process = self.spawn()

        def answers() -> bool:
            if self.process is None or self.process.poll() is not None:
                raise AssertionError(f"the daemon ended:\n{self.log[-3000:]}")
            try:
                servers = self.ask("daemon.status")["status"]["servers"]
            except NoDaemonError:
                return False
            return not linked or all(status.startswith("connected") for status in servers.values())

        self.until(answers, "the daemon answers", within_s)
        return self

    @property
    def arguments(self) -> list[str]:
        """What follows `dialerd` on its command line."""
        return ["run", str(self.config), "--speed", str(self.speed), "--since", str(self.since)]

    def spawn(self) -> subprocess.Popen[bytes]:
        """A new process of it, which may not answer yet."""
        with self.log_file.open("ab") as log:
            command = [sys.executable, "-m", "dialerd", *self.arguments]
            process = subprocess.Popen(command, stdout=log, stderr=log, env=self.env)
        must_not_outlive(process)
        return process

    @property
    def log(self) -> str:
        """All it has logged so far."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """SIGKILL: no farewell."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            is_over(self.process)

    def signal(self, sign: signal.Signals) -> None:
        """Send a signal."""
        assert self.process is not None
        self.process.send_signal(sign)

    def stop(self, within_s: float = 30.0) -> int:
        """SIGTERM, and wait; its exit status."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(within_s)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"the daemon did not stop:\n{self.log[-3000:]}") from None
        is_over(self.process)
        return int(self.process.returncode)

    def __enter__(self) -> DaemonProcess:
        try:
            return self.start()
        except BaseException:
            self.kill()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            sys.stderr.write(f"--- the daemon's last words\n{self.log[-4000:]}\n")
        if error is not None or not self.running:
            self.kill()
        else:
            self.stop()

    # --- asking

    def ask(self, command: str, *, id_: str | None = None, **args: Any) -> dict[str, Any]:
        """The result of a command by the local socket. Raises RefusedError, NoDaemonError."""
        reply = ask(self.socket, command, args, id_=id_, timeout_s=60)
        if not reply["ok"]:
            raise RefusedError(command, reply["error"])
        result: dict[str, Any] = reply["result"]
        return result

    def attempts(self, campaign: str | None = None) -> list[dict[str, Any]]:
        """All attempts on record."""
        found: list[dict[str, Any]] = []
        after = ""
        while page := self.ask("call.list", campaign=campaign, ended=True, after=after, limit=1000)["calls"]:
            found += page
            after = page[-1]["call"]
        return found

    def leads(self, campaign: str) -> list[dict[str, Any]]:
        """All leads of a campaign."""
        found: list[dict[str, Any]] = []
        after = 0
        while page := self.ask("lead.list", campaign=campaign, after=after, limit=1000)["leads"]:
            found += page
            after = page[-1]["lead"]
        return found

    def until(self, holds: Callable[[], object], what: str, within_s: float = 30.0) -> None:
        """Wait for a condition. Fails with what it was and the daemon's last words."""
        end = time.monotonic() + within_s
        while not holds():
            if time.monotonic() > end:
                raise AssertionError(f"not within {within_s:g} s: {what}\n{self.log[-3000:]}")
            time.sleep(0.03)
