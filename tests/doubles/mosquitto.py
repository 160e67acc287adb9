"""A real mosquitto on a free loopback port, run from the configuration text a test gives.

Never listens elsewhere than on loopback, and never touches a broker that runs on this machine already.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from tests.doubles.children import Child
from tests.doubles.loopback_ports import single_tcp_port

HOST = "127.0.0.1"
_ATTEMPTS = 5


class BrokerError(RuntimeError):
    """The broker could not be started; the text has its own words."""


def mosquitto_program() -> str:
    """The path of the mosquitto program. Raises BrokerError when it is missing."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise BrokerError("mosquitto is missing: `make packages` (scripts/debian-packages) installs it")
    return found


class Broker:
    """A mosquitto of the test's own; a context manager.

    `configuration` is mosquitto.conf without its `listener`: `@DIR@` in it (and in `files`) becomes the directory the
    `files` (name -> text: password file, acl file) are written to, `@PORT@` the port. The same port and directory stay
    through `stop`, `restart` and `kill`, so a client can find the broker again.
    """

    host = HOST

    def __init__(self, configuration: str, files: Mapping[str, str] | None = None) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="dialerd-broker-"))
        self.port = 0
        self._configuration = configuration
        self._files = dict(files or {})
        self._child: Child | None = None

    def __enter__(self) -> Broker:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The running broker's. Raises BrokerError when it does not run."""
        if self._child is None or not self._child.alive:
            raise BrokerError("the broker does not run")
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.alive

    @property
    def log(self) -> str:
        """What the broker wrote, all starts together."""
        path = self.directory / "mosquitto.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self, timeout_s: float = 10.0) -> None:
        """Starts it and waits until it accepts TCP. Raises BrokerError when it does not."""
        if self.running:
            return
        program = mosquitto_program()
        attempts = 1 if self.port else _ATTEMPTS
        for attempt in range(attempts):
            port = self.port or single_tcp_port(HOST)
            self._write(port)
            child = Child([program, "-c", str(self.directory / "mosquitto.conf")], self.directory / "mosquitto.log")
            self._child = child
            if self._accepts(child, port, timeout_s):
                self.port = port
                return
            child.kill()
            if attempt + 1 == attempts or "Address already in use" not in child.said():
                raise BrokerError(f"mosquitto did not start on {HOST}:{port}: {child.said() or 'it said nothing'}")

    def stop(self) -> None:
        """An orderly end: clients get a DISCONNECT or EOF, persistence is saved."""
        if self._child is not None:
            self._child.stop()

    def kill(self) -> None:
        """SIGKILL: nothing is saved, nothing is said."""
        if self._child is not None:
            self._child.kill()

    def restart(self) -> None:
        self.stop()
        self.start()

    def close(self) -> None:
        """Stops it and removes its directory."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _write(self, port: int) -> None:
        def filled(text: str) -> str:
            return text.replace("@DIR@", str(self.directory)).replace("@PORT@", str(port))

        # As root mosquitto would become another user, who may not read this directory.
        user = f"user {pwd.getpwuid(os.geteuid()).pw_name}\n"
        conf = f"listener {port} {HOST}\n{user}{filled(self._configuration)}\n"
        for name, text in {**self._files, "mosquitto.conf": conf}.items():
            path = self.directory / name
            path.write_text(filled(text))
            path.chmod(0o600)

    @staticmethod
    def _accepts(child: Child, port: int, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while child.alive and time.monotonic() < deadline:
            try:
                with socket.create_connection((HOST, port), 0.5):
                    return True
            except OSError:
                time.sleep(0.02)
        return False
