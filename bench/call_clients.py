"""The two who place the calls: the daemon as a process of its own, and the null client; handled alike.

Never measures anything: the watcher and /proc do.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from tests.asterisk.rig.asterisk import Rig
from tests.doubles.daemon_process import DaemonProcess

CAMPAIGN = "bench"


class CallClient(Protocol):
    """Places calls between `go` and `log_out`; a context, in which agents are logged in."""

    name: str
    """Who it is, for people."""
    letter: str
    """The first letter of its customers' legs."""

    @property
    def pid(self) -> int:
        """Its process."""

    def __enter__(self) -> CallClient: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def go(self) -> None:
        """Place calls from now on."""

    def log_out(self) -> None:
        """Place no more; return when calls and agents' legs are gone."""


class Talker:
    """A Python process that is told things, and tells things, as lines of JSON."""

    def __init__(self, module: str) -> None:
        self._process = subprocess.Popen([sys.executable, "-m", module], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pid = self._process.pid

    def tell(self, what: Any) -> None:
        """Tell it something."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what).encode() + b"\n")
        self._process.stdin.flush()

    def hear(self) -> Any:
        """What it says next. Raises RuntimeError when it has ended instead."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended with {self._process.wait()}")
        return json.loads(line)

    def end(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


class NullCalls:
    """The null client."""

    name = "the null client"
    letter = "n"

    def __init__(self, rig: Rig, agents: Sequence[str], numbers: Sequence[str], rate: float) -> None:
        self._plan = {
            "host": rig.ami_host,
            "port": rig.ami_port,
            "user": rig.ami_user,
            "secret": rig.ami_secret,
            "agents": list(agents),
            "numbers": list(numbers),
            "rate": rate,
        }

    @property
    def pid(self) -> int:
        """Its process."""
        return self._talker.pid

    def __enter__(self) -> NullCalls:
        self._talker = Talker("bench.null_client")
        try:
            self._talker.tell(self._plan)
            self._talker.hear()
        except BaseException:
            self._talker.end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._talker.end()

    def go(self) -> None:
        """Place calls from now on."""
        self._talker.tell("go")

    def log_out(self) -> None:
        """Place no more; return when calls and agents' legs are gone."""
        self._talker.tell("stop")
        self._talker.hear()


class DaemonCalls:
    """The daemon, with a store of its own on disk; leads are imported and agents logged in before `go`."""

    name = "dialerd"
    letter = "c"
    synchronous = "full"

    def __init__(self, rig: Rig, agents: Sequence[str], numbers: Sequence[str], rate: float) -> None:
        self._rig, self._agents, self._numbers, self._rate = rig, agents, numbers, rate

    def __enter__(self) -> DaemonCalls:
        rig = self._rig
        self._folder = tempfile.TemporaryDirectory(prefix="dialerd-bench-")
        daemon = self.daemon = DaemonProcess(Path(self._folder.name), {})
        secret = daemon.secret(rig.ami_secret)
        daemon.write(
            {
                "http": {"port": "off"},
                "logs": {"format": "console"},
                "drain": {"limit_s": 5},
                "store": {"synchronous": self.synchronous},
                "servers": {
                    "pbx": {
                        "host": rig.ami_host,
                        "port": rig.ami_port,
                        "username": rig.ami_user,
                        "secret_file": secret,
                    }
                },
                "trunks": {
                    "main": {
                        "server": "pbx",
                        "dial": "PJSIP/{number}@trunk",
                        "lines": 1000,
                        "calls_per_second": self._rate,
                    }
                },
                "agents": {
                    number: {"phone": f"PJSIP/{number}", "server": "pbx", "softphone": "nailed_up"}
                    for number in self._agents
                },
                "campaigns": {
                    CAMPAIGN: {
                        "name": "Bench",
                        "trunks": ["main"],
                        "region": "none",
                        "wrap_up_s": 0,
                        "max_attempts": 1,
                    }
                },
            }
        )
        try:
            daemon.start()
            daemon.ask("lead.import", campaign=CAMPAIGN, csv="phone\n" + "\n".join(self._numbers))
            for agent in self._agents:
                daemon.ask("agent.login", agent=agent, ready=True)
            daemon.until(lambda: self._ready() == len(self._agents), "all agents are ready")
        except BaseException:
            self._end()
            raise
        return self

    def _ready(self) -> int:
        agents: dict[str, int] = self.daemon.ask("daemon.status")["status"]["agents"]
        return agents.get("ready", 0)

    @property
    def pid(self) -> int:
        """Its process."""
        assert self.daemon.process is not None
        return self.daemon.process.pid

    def go(self) -> None:
        """Place calls from now on."""
        self.daemon.ask("campaign.start", campaign=CAMPAIGN)

    def log_out(self) -> None:
        """Place no more; return when calls and agents' legs are gone."""
        daemon = self.daemon
        daemon.ask("campaign.pause", campaign=CAMPAIGN)
        daemon.until(lambda: daemon.ask("daemon.status")["status"]["live_calls"] == 0, "the calls have ended")
        for agent in self._agents:
            daemon.ask("agent.logout", agent=agent)
        daemon.until(lambda: not self._rig.cli("core show channels concise").strip(), "the agents' legs are gone")

    def _end(self) -> None:
        try:
            self.daemon.kill()
        finally:
            self._folder.cleanup()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            sys.stderr.write(self.daemon.log[-3000:])
        self._end()


class UnsyncedCalls(DaemonCalls):
    """The daemon with a store that does not wait for the disk: what is left without that wait."""

    name = "dialerd with synchronous: normal"
    synchronous = "normal"
