"""The MQTT bus against a real mosquitto with the very ACL and configuration of config/mosquitto."""

from __future__ import annotations

import asyncio
import base64
import gc
import hashlib
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
import uvloop
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from dialerd.adapters.mqtt.arguments import MAX_PAYLOAD, read_arguments
from dialerd.adapters.mqtt.bus import MqttBus
from dialerd.adapters.mqtt.intake import Request
from dialerd.adapters.mqtt.link import NODELAY
from tests.contract.scripted_mqtt_broker import HANG_UP, SILENT, ScriptedBroker
from tests.doubles.mosquitto import Broker

pytestmark = pytest.mark.broker

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


def sample_acl() -> str:
    return (SAMPLES / "acl").read_text()


def broker_with(acl: str) -> Broker:
    return Broker(sample_configuration(), {"passwd": password_file(), "acl": acl})


@pytest.fixture
def broker() -> Iterator[Broker]:
    with broker_with(sample_acl()) as running:
        yield running


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Neither asyncio nor the library has a reason to complain: no lost exceptions, no pile of pending calls."""
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


class TestCommands:
    async def test_O02_an_answer_comes_to_the_response_topic_with_the_correlation_data(self, broker: Broker) -> None:
        async with running(broker.port) as daemon, person(broker, "ann") as ann:
            await ann.ask(
                "ann/campaign/start", '{"campaign":"c1"}', response=f"{ROOT}/reply/ann/rr/1", correlation=b"\x01\x02"
            )
            payload = (await ann.hears(f"{ROOT}/reply/ann/rr/1"))[0]
            assert result(payload) == {"principal": "ann", "command": "campaign.start", "args": {"campaign": "c1"}}
            assert json.loads(payload)["id"] == "0102"
            assert getattr(ann.heard[0].properties, "CorrelationData", None) == b"\x01\x02"
            assert daemon.bus.counters.requests == 1

    async def test_O02_an_answer_comes_to_the_default_topic_under_the_id_of_the_payload(self, broker: Broker) -> None:
        async with running(broker.port), person(broker, "ann") as ann:
            await ann.ask("ann/lead/add", '{"id":"r-1","phone":"+84912345678"}')
            payload = (await ann.hears(f"{ROOT}/reply/ann/r-1"))[0]
            assert json.loads(payload)["id"] == "r-1"
            assert result(payload)["args"] == {"phone": "+84912345678"}

    async def test_O02_mosquitto_rr_works_out_of_the_box(self, broker: Broker) -> None:
        async with running(broker.port):
            process = await asyncio.create_subprocess_exec(
                *("mosquitto_rr", "-h", "127.0.0.1", "-p", str(broker.port), "-V", "5", "-W", "15", "-q", "1"),
                *("-u", "ann", "-P", "ann-secret", "-m", '{"verbose":true}'),
                *("-t", f"{ROOT}/cmd/ann/daemon/status", "-e", f"{ROOT}/reply/ann/shell"),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            said, complaint = await process.communicate()
            assert process.returncode == 0, complaint
            assert result(said)["command"] == "daemon.status"

    async def test_O02_requests_without_an_id_get_one_each(self, broker: Broker) -> None:
        async with running(broker.port) as daemon, person(broker, "ann") as ann:
            for _ in range(2):
                await ann.ask("ann/call/list", "{}")
            await until(lambda: len(ann.heard) == 2, "two answers")
            ids = {request.id for request in daemon.requests}
            assert len(ids) == 2
            assert set(ann.topics()) == {f"{ROOT}/reply/ann/{one}" for one in ids}

    async def test_O02_long_correlation_data_give_the_same_id_each_time(self, broker: Broker) -> None:
        async with running(broker.port) as daemon, person(broker, "ann") as ann:
            for correlation in (b"x" * 200, b"x" * 200, b"y" * 200):
                await ann.ask("ann/call/list", "{}", correlation=correlation)
            await until(lambda: len(daemon.requests) == 3, "three requests")
            first, again, other = (request.id for request in daemon.requests)
            assert first == again != other
            assert len(first) == 64

    async def test_O02_a_second_reply_to_one_request_is_not_sent(self, broker: Broker) -> None:
        async with running(broker.port) as daemon, person(broker, "ann") as ann:
            await ann.ask("ann/call/list", '{"id":"1"}')
            await ann.hears(f"{ROOT}/reply/ann/1")
            daemon.requests[0].reply(b"again")
            await ann.ask("ann/call/list", '{"id":"2"}')
            await ann.hears(f"{ROOT}/reply/ann/2")
            assert len(ann.on(f"{ROOT}/reply/ann/1")) == 1

    async def test_O02_an_import_of_megabytes_and_what_follows_it_keep_their_order(self, broker: Broker) -> None:
        async with running(broker.port) as daemon, person(broker, "ann") as ann:
            rows = [{"phone": f"+8491{number:07d}", "name": "Trần Thị Bưởi"} for number in range(60_000)]
            await asyncio.gather(
                ann.ask("ann/lead/import", json.dumps({"id": "big", "rows": rows})),
                ann.ask("ann/lead/list", '{"id":"small"}'),
            )
            await until(lambda: len(daemon.requests) == 2, "both")
            assert [request.id for request in daemon.requests] == ["big", "small"]
            assert daemon.requests[0].args == {"rows": rows}

    async def test_O02_thousands_of_commands_arrive_each_once_and_in_order(self, broker: Broker) -> None:
        async with running(broker.port) as daemon, person(broker, "ann") as ann:
            for begin in range(0, 2000, 100):
                await asyncio.gather(
                    *(ann.ask("ann/lead/get", f'{{"id":"{number}"}}') for number in range(begin, begin + 100))
                )
            await until(lambda: len(ann.heard) == 2000, "2000 answers")
            assert [request.id for request in daemon.requests] == [str(number) for number in range(2000)]


class TestIdentity:
    async def test_O02_command_under_another_name_never_reaches_the_daemon(self, broker: Broker) -> None:
        async with running(broker.port) as daemon, person(broker, "ann") as ann:
            for topic in ("bob/campaign/start", "dialerd/campaign/start", "an/campaign/start", "anna/campaign/start"):
                await ann.ask(topic, '{"id":"forged"}')
            await ann.ask("ann/campaign/start", '{"id":"honest"}')
            await ann.hears(f"{ROOT}/reply/ann/honest")
            assert [(request.principal, request.id) for request in daemon.requests] == [("ann", "honest")]

    async def test_O02_anonymous_and_wrong_passwords_are_refused(self, broker: Broker) -> None:
        for username, password in ((None, None), ("ann", "bob-secret"), ("nobody", "nobody-secret")):
            client = aiomqtt.Client(
                "127.0.0.1",
                broker.port,
                username=username,
                password=password,
                protocol=aiomqtt.ProtocolVersion.V5,
            )
            with pytest.raises(aiomqtt.MqttError, match=r"(?i)not authori[sz]ed|bad user"):
                async with client:
                    pass

    async def test_O02_a_daemon_with_a_wrong_password_says_so_and_goes_on(self, broker: Broker) -> None:
        async with Daemon(broker.port, password="wrong") as daemon:
            await until(lambda: bool(daemon.statuses), "a status")
            up, why = daemon.statuses[0]
            assert not up
            assert "authorized" in why.lower()

    async def test_O02_people_hear_only_their_own_replies_and_cannot_play_the_daemon(self, broker: Broker) -> None:
        async with (
            running(broker.port) as daemon,
            person(broker, "ann") as ann,
            person(broker, "bob", f"{ROOT}/reply/#", f"{ROOT}/cmd/#", f"{ROOT}/event/#", f"{ROOT}/state/#") as bob,
        ):
            for topic in ("event/call/1/forged", "state/forged", "reply/bob/forged", "reply/ann/forged"):
                await ann.client.publish(f"{ROOT}/{topic}", b"forged", 1)
            await ann.ask("ann/campaign/list", '{"id":"1"}')
            await ann.hears(f"{ROOT}/reply/ann/1")
            await bob.ask("bob/campaign/list", '{"id":"2"}')
            await bob.hears(f"{ROOT}/reply/bob/2")
            daemon.bus.publish_event("call/7/ended", b"{}")
            await bob.hears(f"{ROOT}/event/call/7/ended")
            assert set(bob.topics()) == {
                f"{ROOT}/state/daemon",
                f"{ROOT}/reply/bob/2",
                f"{ROOT}/event/call/7/ended",
            }

    async def test_O02_nobody_can_have_an_answer_sent_to_somebody_elses_topic(self, broker: Broker) -> None:
        async with running(broker.port) as daemon, person(broker, "ann") as ann, person(broker, "bob") as bob:
            await ann.ask(
                "ann/campaign/list", '{"id":"1"}', response=f"{ROOT}/reply/bob/gift", correlation=b"my-correlation"
            )
            fault = error((await ann.hears(f"{ROOT}/reply/ann/1"))[0])
            assert (fault["code"], fault["field"]) == ("bad_request", "response_topic")
            assert f"{ROOT}/reply/ann/" in fault["allowed"]
            assert getattr(ann.heard[0].properties, "CorrelationData", None) == b"my-correlation"
            await bob.ask("bob/campaign/list", '{"id":"2"}')
            await bob.hears(f"{ROOT}/reply/bob/2")
            assert bob.topics() == [f"{ROOT}/reply/bob/2"]
            assert [request.principal for request in daemon.requests] == ["bob"]

    async def test_O02_nobody_reads_commands_by_taking_over_the_daemons_session(self, broker: Broker) -> None:
        async with running(broker.port) as daemon, person(broker, "bob") as bob:
            async with person(broker, "ann", identifier="dialerd-main", clean_start=False) as thief:
                await until(lambda: not daemon.up, "thrown out")
                await bob.ask("bob/campaign/list", '{"id":"secret"}')
            await daemon.connected()
            await bob.hears(f"{ROOT}/reply/bob/secret")
            assert [topic for topic in thief.topics() if "/cmd/" in topic] == []

    async def test_O02_by_the_stricter_rules_agents_hear_only_of_themselves(self) -> None:
        text, stricter = sample_acl().split("# --- stricter")
        for line in ("pattern read dialerd/+/event/#\n", "pattern read dialerd/+/state/#\n"):
            assert text.count(line) == 1
            text = text.replace(line, "")
        lines = [line.removeprefix("#   ") for line in stricter.splitlines() if line.startswith("#   ")]
        acl = text + "\n".join(lines).replace("user supervisor", "user bob") + "\n"
        heard_by_all = (f"{ROOT}/event/#", f"{ROOT}/state/#")
        with broker_with(acl) as broker:
            async with (
                running(broker.port) as daemon,
                person(broker, "ann", *heard_by_all) as ann,
                person(broker, "bob", *heard_by_all) as bob,
            ):
                for tail in ("agent/bob/login", "call/1/ended", "agent/ann/login"):
                    daemon.bus.publish_event(tail, b"{}")
                await bob.hears(f"{ROOT}/event/agent/ann/login")
                await ann.hears(f"{ROOT}/event/agent/ann/login")
                assert len(bob.topics()) == 4
                assert set(ann.topics()) == {f"{ROOT}/state/daemon", f"{ROOT}/event/agent/ann/login"}


class Busy:
    """Holds the reading of a long payload in its thread until `go`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.began, self.go = threading.Event(), threading.Event()
        monkeypatch.setattr("dialerd.adapters.mqtt.intake.read_arguments", self._read)
        self.payload = json.dumps({"id": "big", "rows": "x" * 300_000})

    def _read(self, payload: bytes, limit: int = MAX_PAYLOAD) -> dict[str, object]:
        if threading.current_thread() is not threading.main_thread():
            self.began.set()
            assert self.go.wait(PATIENCE_S)
        return read_arguments(payload, limit)


class TestFlood:
    async def test_O02_commands_beyond_the_backlog_are_answered_busy(
        self, broker: Broker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("dialerd.adapters.mqtt.link.BACKLOG_MESSAGES", 3)
        busy = Busy(monkeypatch)
        async with running(broker.port) as daemon, person(broker, "ann") as ann:
            await ann.ask("ann/lead/import", busy.payload)
            await until(busy.began.is_set, "reading the long one")
            for number in range(5):
                await ann.ask("ann/lead/list", f'{{"id":"{number}"}}')
            for number in (3, 4):
                assert error((await ann.hears(f"{ROOT}/reply/ann/{number}"))[0])["code"] == "busy"
            busy.go.set()
            await until(lambda: len(daemon.requests) == 4, "the others")
            assert [request.id for request in daemon.requests] == ["big", "0", "1", "2"]

    async def test_O02_commands_not_carried_out_at_the_end_are_answered_so(
        self, broker: Broker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        busy = Busy(monkeypatch)
        async with person(broker, "ann") as ann:
            async with running(broker.port) as daemon:
                await ann.ask("ann/lead/import", busy.payload, correlation=b"\x01")
                await until(busy.began.is_set, "reading the long one")
                await ann.ask("ann/lead/list", '{"id":"small"}')
                published = daemon.bus.counters.published
                daemon.bus.publish_event("campaign/c1/started", b"{}")
                await until(lambda: daemon.bus.counters.published > published, "what the broker sent before came too")
                await daemon.stop()
            busy.go.set()
            for name in ("01", "small"):
                assert error((await ann.hears(f"{ROOT}/reply/ann/{name}"))[0])["code"] == "unavailable"
            assert daemon.requests == []


class TestBadInput:
    @pytest.mark.parametrize(
        ("topic", "payload", "field"),
        [
            ("ann/campaign/start", "{nonsense", "payload"),
            ("ann/campaign/start", "[]", "payload"),
            ("ann/campaign/start", b'{"a":"\xff"}', "payload"),
            ("ann/campaign/start", b'{"a":"\0"}', "payload"),
            ("ann/campaign/start", '{"a":1,"a":2}', "a"),
            ("ann/campaign/start", '{"id":7}', "id"),
            ("ann/campaign/start", "", "payload"),
            ("ann/campaign", "{}", "topic"),
            ("ann", "{}", "topic"),
            ("ann/campaign/start/now", "{}", "topic"),
            ("ann/Campaign/start", "{}", "topic"),
        ],
    )
    async def test_O02_a_bad_request_is_told_what_is_wrong_and_the_next_one_works(
        self, broker: Broker, topic: str, payload: str | bytes, field: str
    ) -> None:
        async with running(broker.port) as daemon, person(broker, "ann") as ann:
            await ann.ask(topic, payload, correlation=b"\xaa")
            fault = error((await ann.hears(f"{ROOT}/reply/ann/aa"))[0])
            assert (fault["code"], fault["field"]) == ("bad_request", field)
            assert fault["message"]
            assert fault["allowed"]
            await ann.ask("ann/campaign/list", '{"id":"next"}')
            await ann.hears(f"{ROOT}/reply/ann/next")
            assert (daemon.bus.counters.refused, daemon.bus.counters.requests) == (1, 1)

    async def test_O02_a_payload_over_16_MiB_is_refused_with_an_answer(self, broker: Broker) -> None:
        async with running(broker.port) as daemon, person(broker, "ann", timeout=PATIENCE_S) as ann:
            for size in (16 * 2**20 + 1, 32 * 2**20):
                await ann.ask("ann/lead/import", b"x" * size, correlation=b"\x01")
            for payload in await ann.hears(f"{ROOT}/reply/ann/01", 2):
                fault = error(payload)
                assert (fault["field"], fault["allowed"]) == ("payload", "at most 16777216 bytes")
            exactly = b'{"id":"most","rows":"' + b"x" * (16 * 2**20 - 23) + b'"}'
            assert len(exactly) == 16 * 2**20
            await ann.ask("ann/lead/import", exactly)
            await until(lambda: [request.id for request in daemon.requests] == ["most"], "the largest allowed")

    async def test_O02_what_the_daemon_says_beyond_the_limit_is_not_sent(self, broker: Broker) -> None:
        async with running(broker.port, max_payload=1000) as daemon, person(broker, "ann") as ann:
            daemon.answers = False
            await ann.ask("ann/report/hotline", '{"id":"1"}')
            await until(lambda: len(daemon.requests) == 1, "asked")
            daemon.requests[0].reply(b"x" * 1001)
            assert error((await ann.hears(f"{ROOT}/reply/ann/1"))[0])["code"] == "too_long"
            daemon.bus.publish_event("campaign/c1/started", b"x" * 1001)
            daemon.bus.publish_state("campaign/c1", b"x" * 1001)
            assert daemon.bus.counters.denied == 2
            assert "1001 bytes" in daemon.statuses[-1][1]

    async def test_O02_an_id_with_odd_characters_is_answered_under_a_harmless_topic(self, broker: Broker) -> None:
        async with running(broker.port), person(broker, "ann") as ann:
            await ann.ask("ann/lead/list", json.dumps({"id": "../bob/#+ ậ"}))
            payload = (await ann.hears(f"{ROOT}/reply/ann/..%2Fbob%2F%23%2B%20%E1%BA%AD"))[0]
            assert json.loads(payload)["id"] == "../bob/#+ ậ"

    async def test_O02_a_retained_command_is_never_carried_out(self, broker: Broker) -> None:
        async with person(broker, "ann") as ann:
            await ann.ask("ann/campaign/start", '{"id":"old"}', retain=True)
            async with running(broker.port) as daemon:
                fault = error((await ann.hears(f"{ROOT}/reply/ann/old"))[0])
                assert fault["field"] == "retain"
                await ann.ask("ann/campaign/stop", '{"id":"live"}', retain=True)
                await ann.hears(f"{ROOT}/reply/ann/live")
                for topic in ("ann/campaign/start", "ann/campaign/stop"):
                    await ann.ask(topic, "", retain=True)  # clears it; nothing to answer
                await ann.ask("ann/campaign/list", '{"id":"next"}')
                await ann.hears(f"{ROOT}/reply/ann/next")
                assert [request.id for request in daemon.requests] == ["next"]
                assert daemon.bus.counters.retained == 4
                assert len(ann.heard) == 3


class TestEventsAndStates:
    async def test_O02_states_are_retained_and_events_are_not(self, broker: Broker) -> None:
        async with running(broker.port) as daemon:
            daemon.bus.publish_state("campaign/c1", b'{"state":"running"}')
            daemon.bus.publish_event("campaign/c1/started", b"{}")
            await until(lambda: daemon.bus.counters.published == 3, "all acknowledged")
            async with person(broker, "ann", f"{ROOT}/event/#", f"{ROOT}/state/#") as late:
                await late.hears(f"{ROOT}/state/campaign/c1")
                await late.hears(f"{ROOT}/state/daemon")
                daemon.bus.publish_event("campaign/c1/paused", b"{}")
                await late.hears(f"{ROOT}/event/campaign/c1/paused")
                assert f"{ROOT}/event/campaign/c1/started" not in late.topics()

    async def test_O02_a_hundred_values_of_one_state_are_merged_and_the_last_one_stands(self, broker: Broker) -> None:
        async with running(broker.port) as daemon, person(broker, "ann", f"{ROOT}/state/#") as ann:
            for number in range(100):
                daemon.bus.publish_state("campaign/c1", str(number).encode())
                await asyncio.sleep(0)
            await until(lambda: b"99" in ann.on(f"{ROOT}/state/campaign/c1"), "the last value")
            assert len(ann.on(f"{ROOT}/state/campaign/c1")) == 2
            daemon.bus.publish_state("campaign/c1", None)
            await until(lambda: ann.on(f"{ROOT}/state/campaign/c1")[-1] == b"", "cleared")
            async with person(broker, "bob", f"{ROOT}/state/#") as late:
                await late.hears(f"{ROOT}/state/daemon")
                assert f"{ROOT}/state/campaign/c1" not in late.topics()

    async def test_O02_offline_stands_after_an_orderly_end_and_all_that_waited_is_out(self, broker: Broker) -> None:
        async with person(broker, "ann", f"{ROOT}/event/#", f"{ROOT}/state/#") as ann:
            async with running(broker.port) as daemon:
                for number in range(500):
                    daemon.bus.publish_event(f"lead/{number}/dialed", b"{}")
                daemon.bus.publish_state("campaign/c1", b"1")
                daemon.bus.publish_state("campaign/c1", b"2")
            await ann.hears(f"{ROOT}/state/daemon", 2)
            assert ann.on(f"{ROOT}/state/daemon") == [b'{"state":"online"}', b'{"state":"offline"}']
            assert ann.topics()[-1] == f"{ROOT}/state/daemon"
            assert sum("/event/lead/" in topic for topic in ann.topics()) == 500
            assert ann.on(f"{ROOT}/state/campaign/c1")[-1] == b"2"

    async def test_O02_offline_stands_when_the_daemon_dies(self, broker: Broker) -> None:
        program = (
            "import asyncio, sys\n"
            "from dialerd.adapters.mqtt.bus import MqttBus\n"
            "async def main():\n"
            "    await MqttBus(instance='main', host='127.0.0.1', port=int(sys.argv[1]), username='dialerd',\n"
            "        password='dialerd-secret', tls=None, client_id='dialerd-main', on_request=lambda request: None,\n"
            "        on_status=lambda up, why: None, daemon_state=lambda: b'online').run()\n"
            "asyncio.run(main())\n"
        )
        async with person(broker, "ann", f"{ROOT}/state/#") as ann:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", program, str(broker.port)),
                cwd=Path(__file__).parents[2],
            )
            try:
                await ann.hears(f"{ROOT}/state/daemon")
            finally:
                process.kill()
                await process.wait()
            assert (await ann.hears(f"{ROOT}/state/daemon", 2))[-1] == b'{"state":"offline"}'


class TestBrokerAway:
    async def test_O02_the_daemon_starts_and_works_on_without_a_broker(self, broker: Broker) -> None:
        broker.stop()
        async with Daemon(broker.port) as daemon:
            await until(lambda: bool(daemon.statuses), "a status")
            assert not daemon.up
            daemon.bus.publish_event("campaign/c1/started", b"early")
            daemon.bus.publish_state("campaign/c1", b"early")
            broker.start()
            await daemon.connected()
            async with person(broker, "ann", f"{ROOT}/state/#") as ann:
                assert await ann.hears(f"{ROOT}/state/campaign/c1") == [b"early"]
            assert daemon.bus.counters.reconnects == 0

    async def test_O02_after_the_broker_lost_everything_all_states_stand_again(self, broker: Broker) -> None:
        async with running(broker.port) as daemon:
            daemon.bus.publish_state("campaign/c1", b"running")
            daemon.bus.publish_state("campaign/c2", b"running")
            await until(lambda: daemon.bus.counters.published == 3, "states out")
            broker.kill()  # nothing saved: the retained states are gone
            await until(lambda: not daemon.up, "noticed")
            for number in range(50):
                daemon.bus.publish_event(f"lead/{number}/dialed", str(number).encode())
            daemon.bus.publish_state("campaign/c2", None)
            daemon.bus.publish_state("campaign/c3", b"running")
            broker.start()
            async with person(broker, "ann", f"{ROOT}/state/#") as ann:
                await daemon.connected()
                await ann.hears(f"{ROOT}/state/campaign/c1")
                await ann.hears(f"{ROOT}/state/campaign/c3")
                await until(lambda: daemon.bus.counters.published >= 3 + 50 + 3, "all acknowledged")
                assert b"running" not in ann.on(f"{ROOT}/state/campaign/c2")
            async with person(broker, "ann") as ann:
                await ann.ask("ann/campaign/list", '{"id":"after"}')
                await ann.hears(f"{ROOT}/reply/ann/after")
            assert daemon.bus.counters.reconnects == 1
            assert daemon.bus.counters.dropped == 0

    @pytest.mark.parametrize(("queue_limit", "first"), [(10_000, 0), (10, 15)])
    async def test_O02_events_of_the_gap_arrive_in_order_and_beyond_the_queue_the_oldest_are_missing(
        self, broker: Broker, queue_limit: int, first: int
    ) -> None:
        async with running(broker.port, queue_limit=queue_limit) as daemon:
            async with lasting_listener(broker):
                pass
            broker.stop()  # orderly: the listener's session is saved, so that nobody need be quicker than the daemon
            await until(lambda: not daemon.up, "noticed")
            for number in range(25):
                daemon.bus.publish_event(f"lead/{number}/dialed", str(number).encode())
            assert daemon.bus.counters.dropped == first
            broker.start()
            async with lasting_listener(broker) as ann:
                await until(lambda: len(ann.heard) >= 25 - first, "the events of the gap")
                assert [bytes(message.payload) for message in ann.heard] == [str(n).encode() for n in range(first, 25)]

    async def test_O02_commands_sent_while_the_daemon_is_away_are_waiting_for_it(self, broker: Broker) -> None:
        async with running(broker.port):
            pass
        async with person(broker, "ann") as ann:
            await ann.ask("ann/campaign/list", '{"id":"waited"}')
            async with running(broker.port) as daemon:
                await ann.hears(f"{ROOT}/reply/ann/waited")
                assert len(daemon.requests) == 1

    async def test_O02_a_frozen_broker_is_noticed_and_the_bus_recovers(self, broker: Broker) -> None:
        async with running(broker.port, keepalive_s=1) as daemon:
            os.kill(broker.pid, signal.SIGSTOP)
            try:
                await until(lambda: not daemon.up, "noticed without a word from the broker")
                daemon.bus.publish_event("campaign/c1/paused", b"{}")
                failures = len(daemon.statuses)
                await until(lambda: len(daemon.statuses) > failures, "tries again: TCP connects, but no CONNACK comes")
            finally:
                os.kill(broker.pid, signal.SIGCONT)
            await daemon.connected()
            async with person(broker, "ann") as ann:
                await ann.ask("ann/campaign/list", '{"id":"after"}')
                await ann.hears(f"{ROOT}/reply/ann/after")

    @pytest.mark.parametrize("waiting", [0, 500])
    async def test_O02_the_bus_ends_soon_even_when_the_broker_is_frozen(self, broker: Broker, waiting: int) -> None:
        async with running(broker.port) as daemon:
            os.kill(broker.pid, signal.SIGSTOP)
            try:
                for number in range(waiting):
                    daemon.bus.publish_event(f"lead/{number}/dialed", b"{}")
                async with asyncio.timeout(PATIENCE_S / 2):
                    await daemon.stop()
            finally:
                os.kill(broker.pid, signal.SIGCONT)
        async with person(broker, "ann", f"{ROOT}/state/#") as ann:
            await until(lambda: ann.on(f"{ROOT}/state/daemon")[-1:] == [b'{"state":"offline"}'], "offline, or the will")

    async def test_O02_the_bus_ends_at_once_while_it_waits_for_a_frozen_broker(self, broker: Broker) -> None:
        os.kill(broker.pid, signal.SIGSTOP)
        try:
            async with Daemon(broker.port) as daemon:
                await until(lambda: accepted_in_backlog(broker.port), "TCP is up, CONNACK does not come")
                async with asyncio.timeout(5):  # the wait for CONNACK would last 10
                    await daemon.stop()
        finally:
            os.kill(broker.pid, signal.SIGCONT)

    async def test_O02_nothing_of_a_session_is_left_behind(self, broker: Broker) -> None:
        def sockets() -> int:
            names = []
            for name in os.listdir("/proc/self/fd"):
                with suppress(OSError):
                    names.append(os.readlink(f"/proc/self/fd/{name}"))
            return sum(name.startswith("socket:") for name in names)

        before, tasks = sockets(), len(asyncio.all_tasks())
        async with running(broker.port) as daemon:
            for times in range(3):
                broker.restart()
                await until(lambda times=times: daemon.bus.counters.reconnects > times and daemon.up, "back")  # type: ignore[misc]
        broker.stop()
        async with Daemon(broker.port) as daemon:
            await until(lambda: bool(daemon.statuses), "refused")
        await until(lambda: sockets() <= before and len(asyncio.all_tasks()) <= tasks, "sockets and tasks are gone")


class TestRefusedByTheBroker:
    async def test_O02_an_event_the_acl_forbids_is_counted_and_told_and_the_rest_goes_on(self) -> None:
        acl = sample_acl().replace("topic write dialerd/+/event/#\n", "")
        assert acl != sample_acl()
        with broker_with(acl) as broker:
            async with running(broker.port) as daemon, person(broker, "ann") as ann:
                for number in range(30):
                    daemon.bus.publish_event(f"lead/{number}/dialed", b"{}")
                await until(lambda: daemon.bus.counters.denied == 30, "denied")
                told = [why for up, why in daemon.statuses if "refused a message" in why]
                assert len(told) == 1
                assert "0x87" in told[0]
                await ann.ask("ann/campaign/list", '{"id":"1"}')
                await ann.hears(f"{ROOT}/reply/ann/1")
                assert daemon.bus.counters.reconnects == 0

    async def test_O02_a_refused_subscription_is_reported_and_tried_again(self) -> None:
        async with ScriptedBroker() as broker:
            broker.suback = 0x87
            async with Daemon(broker.port) as daemon:
                await until(lambda: any("subscription" in why for _, why in daemon.statuses), "told")
                assert not daemon.up
                daemon.bus.publish_event("campaign/c1/started", b"{}")
                await until(lambda: f"{ROOT}/event/campaign/c1/started" in broker.published, "events still go out")
                broker.suback = 1
                await daemon.connected()
                assert broker.connections == 1

    @pytest.mark.parametrize("code", [HANG_UP, 0x95], ids=["hangs up", "answers with a code MQTT forbids there"])
    async def test_O02_a_message_over_which_connections_break_is_given_up_and_the_rest_arrives(self, code: int) -> None:
        async with ScriptedBroker() as broker:
            broker.puback[f"{ROOT}/event/poison"] = code
            async with Daemon(broker.port) as daemon:
                for name in ("a", "poison", "b"):
                    daemon.bus.publish_event(name, b"{}")
                await until(lambda: any("gave up" in why for _, why in daemon.statuses), "told")
                await daemon.connected()
                await until(lambda: f"{ROOT}/event/b" in broker.published, "the rest")
                assert broker.connections == 4
                assert daemon.bus.counters.dropped == 1

    @pytest.mark.parametrize("topic", ["state/daemon", "event/lost"])
    async def test_O02_the_bus_takes_no_leave_while_offline_is_not_acknowledged(self, topic: str) -> None:
        """Without a DISCONNECT the broker publishes the will, which says the same."""
        async with ScriptedBroker() as broker:
            async with running(broker.port) as daemon:
                await until(lambda: daemon.bus.counters.published == 1, "online is acknowledged")
                broker.puback[f"{ROOT}/{topic}"] = SILENT
                for _ in range(20):
                    daemon.bus.publish_event("lost", b"{}")
            assert broker.farewells == 0
            broker.puback.clear()
            async with running(broker.port):
                pass
            await until(lambda: broker.farewells == 1, "an orderly DISCONNECT")

    async def test_O02_a_message_that_is_never_acknowledged_ends_the_session(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("dialerd.adapters.mqtt.bus.PUBACK_S", 0.2)
        async with ScriptedBroker() as broker:
            broker.puback[f"{ROOT}/event/lost"] = SILENT
            async with running(broker.port) as daemon:
                daemon.bus.publish_event("lost", b"{}")
                await until(lambda: any("acknowledged" in why for _, why in daemon.statuses), "noticed")
                broker.puback.clear()
                await until(lambda: broker.published.count(f"{ROOT}/event/lost") >= 2 and daemon.up, "sent again")


class TestTlsAndLoops:
    async def test_O02_the_bus_speaks_tls_and_checks_the_brokers_name(self, tmp_path: Path) -> None:
        openssl = shutil.which("openssl")
        assert openssl, "openssl is missing"
        subprocess.run(
            [
                *(openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=broker"),
                *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"),
            ],
            cwd=tmp_path,
            check=True,
            capture_output=True,
        )
        files = {"passwd": password_file(), "acl": sample_acl()}
        files |= {name: (tmp_path / name).read_text() for name in ("cert.pem", "key.pem")}
        with Broker(f"certfile @DIR@/cert.pem\nkeyfile @DIR@/key.pem\n{sample_configuration()}", files) as broker:
            trusting = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
            async with running(broker.port, tls=trusting) as daemon:
                daemon.bus.publish_event("campaign/c1/started", b"x" * 200_000)
                await until(lambda: daemon.bus.counters.published == 2, "acknowledged")
            async with Daemon(broker.port, tls=ssl.create_default_context()) as daemon:
                await until(lambda: bool(daemon.statuses), "a status")
                assert "certificate" in daemon.statuses[0][1].lower()

    def test_O02_the_bus_runs_under_uvloop(self, broker: Broker) -> None:
        async def round_trip() -> None:
            async with running(broker.port), person(broker, "ann") as ann:
                await ann.ask("ann/campaign/list", '{"id":"1"}')
                await ann.hears(f"{ROOT}/reply/ann/1")

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(round_trip())

    async def test_O02_a_fault_of_the_daemon_in_on_request_is_not_taken_for_a_lost_broker(self, broker: Broker) -> None:
        def fails(_: Request) -> None:
            raise ZeroDivisionError

        task: asyncio.Task[None]
        async with person(broker, "ann") as ann:
            daemon = Daemon(broker.port, on_request=fails)
            task = asyncio.create_task(daemon.bus.run())
            await daemon.connected()
            await ann.ask("ann/campaign/list", "{}")
            with pytest.raises(ZeroDivisionError):
                async with asyncio.timeout(PATIENCE_S):
                    await task


@pytest.mark.parametrize(
    ("option", "found"),
    [
        ("instance", "a/b"),
        ("client_id", "a+b"),
        ("host", ""),
        ("port", 0),
        ("keepalive_s", 0),
        ("session_expiry_s", -1),
        ("max_payload", 0),
        ("queue_limit", 0),
        ("backoff_s", (2.0, 1.0)),
    ],
)
def test_O02_options_out_of_range_are_named(option: str, found: object) -> None:
    options: dict[str, Any] = {"port": 1883, option: found}
    with pytest.raises(ValueError, match=option):
        Daemon(**options)
