"""A daemon and people around a real mosquitto run by the very ACL and configuration of config/mosquitto.

Never a broker but the test's own, and never a wait without an end.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import hashlib
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from dialerd.adapters.mqtt.bus import MqttBus
from dialerd.adapters.mqtt.intake import Request
from dialerd.adapters.mqtt.link import NODELAY
from tests.doubles.mosquitto import Broker

SAMPLES = Path(__file__).parents[2] / "config" / "mosquitto"
PEOPLE = ("dialerd", "ann", "bob")
ROOT = "dialerd/main"
PATIENCE_S = 20.0


def password_file() -> str:
    """mosquitto's own format: PBKDF2-HMAC-SHA512, 101 rounds; the password is the name followed by `-secret`."""
    lines = []
    for name in PEOPLE:
        salt = hashlib.sha256(name.encode()).digest()[:12]
        key = hashlib.pbkdf2_hmac("sha512", f"{name}-secret".encode(), salt, 101)
        lines.append(f"{name}:$7$101${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}")
    return "\n".join(lines) + "\n"


def sample_configuration() -> str:
    """config/mosquitto/mosquitto.conf with the paths of the test; the listener is the double's, on loopback too."""
    text = (SAMPLES / "mosquitto.conf").read_text()
    for there, here in (
        ("\nlistener 1883 127.0.0.1\n", "\n"),
        ("/etc/mosquitto/dialerd.passwd\nacl_file", "@DIR@/passwd\nacl_file"),
        ("acl_file /etc/mosquitto/dialerd.acl", "acl_file @DIR@/acl"),
        ("persistence_location /var/lib/mosquitto/", "persistence_location @DIR@/"),
    ):
        assert text.count(there) == 1, there
        text = text.replace(there, here)
    return text


def sample_acl(*office: str) -> str:
    """config/mosquitto/acl with these people in the office in place of the sample's; Ann and Bob if none are named."""
    text = (SAMPLES / "acl").read_text()
    section = "user lan\ntopic read dialerd/+/event/#\ntopic read dialerd/+/state/#\n"
    assert text.count(section) == 1
    return text.replace(section, "".join(section.replace("lan", name, 1) for name in office or ("ann", "bob")))


def broker_with(acl: str) -> Broker:
    return Broker(sample_configuration(), {"passwd": password_file(), "acl": acl})


def sample_broker() -> Iterator[Broker]:
    """The fixture `broker`: mosquitto by the samples."""
    with broker_with(sample_acl()) as running:
        yield running


def no_complaints(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The fixture `quiet`: neither asyncio nor the library complains of lost exceptions or a pile of pending calls."""
    yield
    gc.collect()
    complaints = [record for record in caplog.records if record.name in ("asyncio", "mqtt")]
    assert [record.getMessage() for record in complaints if record.levelname in ("WARNING", "ERROR")] == []


async def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE_S:g} s: {what}"
        await asyncio.sleep(0.01)


class Daemon:
    """A bus with a daemon around it that answers every request with its own principal, command and arguments."""

    def __init__(self, port: int, **options: Any) -> None:
        self.requests: list[Request] = []
        self.statuses: list[tuple[bool, str]] = []
        self.answers = True
        given: dict[str, Any] = {
            "instance": "main",
            "host": "127.0.0.1",
            "port": port,
            "username": "dialerd",
            "password": "dialerd-secret",
            "tls": None,
            "client_id": "dialerd-main",
            "on_request": self._on_request,
            "on_status": lambda up, why: self.statuses.append((up, why)),
            "daemon_state": lambda: b'{"state":"online"}',
            "backoff_s": (0.05, 0.2),
        }
        self.bus = MqttBus(**{**given, **options})
        self._task: asyncio.Task[None] | None = None

    def _on_request(self, request: Request) -> None:
        self.requests.append(request)
        if self.answers:
            result = {"principal": request.principal, "command": request.command, "args": request.args}
            request.reply(json.dumps({"id": request.id, "ok": True, "result": result}).encode())

    @property
    def up(self) -> bool:
        return bool(self.statuses) and self.statuses[-1][0]

    async def __aenter__(self) -> Daemon:
        self._task = asyncio.create_task(self.bus.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Cancels, as the daemon does at its end; a fault of the bus itself comes out here."""
        if self._task is not None:
            task, self._task = self._task, None
            task.cancel()
            await asyncio.wait({task})
            if not task.cancelled():
                task.result()

    async def back(self, times: int) -> None:
        """Waits until it has connected again that many times."""
        await until(lambda: self.bus.counters.reconnects >= times and self.up, f"back {times} times")

    async def connected(self) -> Daemon:
        await until(lambda: self.up, f"connected: {self.statuses}")
        return self


@asynccontextmanager
async def running(port: int, **options: Any) -> AsyncIterator[Daemon]:
    async with Daemon(port, **options) as daemon:
        yield await daemon.connected()


class Person:
    """Somebody with an MQTT 5 client; hears what it subscribed to."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self.client = client
        self.heard: list[aiomqtt.Message] = []

    async def listen(self) -> None:
        async for message in self.client.messages:
            self.heard.append(message)

    def on(self, topic: str) -> list[bytes]:
        return [bytes(message.payload) for message in self.heard if message.topic.value == topic]

    async def hears(self, topic: str, count: int = 1) -> list[bytes]:
        await until(lambda: len(self.on(topic)) >= count, f"{count} on {topic}; heard {self.topics()}")
        return self.on(topic)

    def topics(self) -> list[str]:
        return [message.topic.value for message in self.heard]

    async def ask(self, command: str, payload: str | bytes, *, retain: bool = False, **properties: Any) -> None:
        """Publishes to its own command topic; `response` and `correlation` are the MQTT 5 properties."""
        given = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if "response" in properties:
            given.ResponseTopic = properties["response"]
        if "correlation" in properties:
            given.CorrelationData = properties["correlation"]
        await self.client.publish(f"{ROOT}/cmd/{command}", payload, 1, retain, given)


@asynccontextmanager
async def person(broker: Broker, name: str, *topics: str, **options: Any) -> AsyncIterator[Person]:
    client = aiomqtt.Client(
        "127.0.0.1",
        broker.port,
        username=name,
        password=f"{name}-secret",
        protocol=aiomqtt.ProtocolVersion.V5,
        socket_options=NODELAY,
        **options,
    )
    client.pending_calls_threshold = 1_000_000
    async with client:
        one = Person(client)
        for topic in topics or (f"{ROOT}/reply/{name}/#",):
            await client.subscribe(topic, qos=1)
        listening = asyncio.create_task(one.listen())
        try:
            yield one
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


@asynccontextmanager
async def lasting_listener(broker: Broker) -> AsyncIterator[Person]:
    """Somebody whose session outlives its connection: the broker keeps what came meanwhile."""
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 600
    options = {"identifier": "ann-1", "clean_start": False, "properties": properties}
    async with person(broker, "ann", f"{ROOT}/event/#", **options) as ann:
        yield ann


def accepted_in_backlog(port: int) -> bool:
    """Whether the kernel shows an established connection to the port on loopback."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[2] == f"0100007F:{port:04X}" and row[3] == "01" for row in rows)


def result(payload: bytes) -> dict[str, Any]:
    answer = json.loads(payload)
    assert answer["ok"] is True, answer
    found: dict[str, Any] = answer["result"]
    return found


def error(payload: bytes) -> dict[str, Any]:
    answer = json.loads(payload)
    assert answer["ok"] is False, answer
    found: dict[str, Any] = answer["error"]
    return found
