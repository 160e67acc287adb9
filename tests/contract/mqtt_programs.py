"""The programs that come with mosquitto, as people on a shell use them: mosquitto_pub, mosquitto_sub, mosquitto_rr.

Never the daemon's own MQTT library: what these see is what any stranger's client sees.
"""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from tests.contract.mqtt_people import sample_acl, sample_configuration
from tests.doubles.children import Child
from tests.doubles.mosquitto import Broker

ROOT = "dialerd/test"
PATIENCE_S = 20.0
_serial = itertools.count(1)


def program(name: str) -> str:
    """Its path. Raises AssertionError when it is missing."""
    found = shutil.which(name)
    assert found is not None, f"{name} is missing: `make packages` (scripts/debian-packages) installs it"
    return found


def password(name: str) -> str:
    """Everybody's password in these tests."""
    return f"{name}-secret"


def sample_broker(*names: str, strangers: tuple[str, ...] = ()) -> Broker:
    """mosquitto by config/mosquitto, with these users: a number is an agent, the others but strangers sit in the office."""
    office = [name for name in names if name != "dialerd" and not name.isdigit()]
    with tempfile.TemporaryDirectory() as folder:
        passwd = Path(folder) / "passwd"
        passwd.touch(0o600)
        for name in (*names, *strangers):
            subprocess.run(
                [program("mosquitto_passwd"), "-b", str(passwd), name, password(name)], check=True, capture_output=True
            )
        return Broker(sample_configuration(), {"passwd": passwd.read_text(), "acl": sample_acl(*office)})


class Client:
    """A user at a broker, by the shell. `version`: 5 or 311."""

    def __init__(self, broker: Broker, name: str, *, version: str = "5", secret: str | None = None) -> None:
        self.name = name
        self._at = ["-h", broker.host, "-p", str(broker.port), "-V", version, "-u", name]
        self._at += ["-P", password(name) if secret is None else secret]

    def ask(self, command: str, args: Mapping[str, Any] | str | None = None) -> dict[str, Any]:
        """The reply to a command, by mosquitto_rr; `command` as `campaign.start`, `args` as JSON or as raw text."""
        topic = f"{ROOT}/cmd/{self.name}/{command.replace('.', '/', 1)}"
        answer = f"{ROOT}/reply/{self.name}/shell-{next(_serial)}"
        text = args if isinstance(args, str) else json.dumps(args or {})
        words = [program("mosquitto_rr"), *self._at, "-q", "1", "-W", str(int(PATIENCE_S)), "-t", topic, "-e", answer]
        done = subprocess.run([*words, "-m", text], capture_output=True, text=True, timeout=PATIENCE_S + 10)
        assert done.returncode == 0, f"{command}: mosquitto_rr ended with {done.returncode}: {done.stderr}"
        reply: dict[str, Any] = json.loads(done.stdout)
        return reply

    def result(self, command: str, args: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The result of a command that has to work."""
        reply = self.ask(command, args)
        assert reply["ok"], reply
        found: dict[str, Any] = reply["result"]
        return found

    def error(self, command: str, args: Mapping[str, Any] | str | None = None) -> dict[str, Any]:
        """The error of a command that has to be refused."""
        reply = self.ask(command, args)
        assert not reply["ok"], reply
        found: dict[str, Any] = reply["error"]
        return found

    def publish(self, topic: str, text: str, *more: str) -> subprocess.CompletedProcess[str]:
        """mosquitto_pub with QoS 1 to a topic under the daemon's root; `more`: further words, such as -r."""
        words = [program("mosquitto_pub"), *self._at, "-q", "1", "-t", f"{ROOT}/{topic}", "-m", text, *more]
        return subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE_S)

    def listen(self, *topics: str) -> Listener:
        """mosquitto_sub on topics under the daemon's root; it hears by the time it is entered."""
        return Listener(self._at, topics)


class Message(NamedTuple):
    """What mosquitto_sub printed: the topic under the root, whether it was retained, the payload."""

    topic: str
    retained: bool
    payload: str

    @property
    def json(self) -> dict[str, Any]:
        """The payload read."""
        found: dict[str, Any] = json.loads(self.payload)
        return found


class Listener:
    """A mosquitto_sub; use as a context."""

    def __init__(self, at: list[str], topics: tuple[str, ...]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="dialerd-sub-")
        self._out = Path(self._folder.name) / "heard"
        # the daemon's own state is retained: when it comes, the other subscriptions of the same packet hold too
        self._words = [program("mosquitto_sub"), *at, "-q", "1", "-F", "%t\t%r\t%p"]
        self._words += [word for topic in (*topics, "state/daemon") for word in ("-t", f"{ROOT}/{topic}")]
        self._child: Child | None = None

    def __enter__(self) -> Listener:
        self._child = Child(self._words, self._out)
        self.until("state/daemon")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            self._child.stop()
        self._folder.cleanup()

    @property
    def heard(self) -> list[Message]:
        """All messages so far, in order."""
        lines = self._out.read_text(errors="replace").split("\n")[:-1] if self._out.exists() else []
        parts = [line.split("\t", 2) for line in lines]
        return [Message(p[0].removeprefix(f"{ROOT}/"), p[1] == "1", p[2]) for p in parts if len(p) == 3]

    def on(self, topic: str) -> list[Message]:
        """The messages on one topic."""
        return [message for message in self.heard if message.topic == topic]

    def until(self, topic: str, count: int = 1) -> list[Message]:
        """Wait for so many messages on a topic."""
        end = time.monotonic() + PATIENCE_S
        while len(self.on(topic)) < count:
            assert self._child is not None
            assert self._child.alive, f"mosquitto_sub ended: {self._child.said()}"
            assert time.monotonic() < end, f"not {count} on {topic}; heard {[m.topic for m in self.heard]}"
            time.sleep(0.02)
        return self.on(topic)
