"""Commands over a real mosquitto: who may ask, what is answered, what is refused."""

from __future__ import annotations

import asyncio
import json
import subprocess
import threading

import aiomqtt
import pytest

from dialerd.control.envelopes import MAX_PAYLOAD, read_arguments
from tests.contract.mqtt_people import (
    PATIENCE_S,
    ROOT,
    Daemon,
    broker_with,
    error,
    no_complaints,
    person,
    result,
    running,
    sample_acl,
    sample_broker,
    until,
)
from tests.doubles.mosquitto import Broker

pytestmark = pytest.mark.broker
broker = pytest.fixture(sample_broker)
quiet = pytest.fixture(autouse=True)(no_complaints)


class TestCommands:
    async def test_O02_an_answer_comes_to_the_response_topic_with_the_correlation_data(self, broker: Broker) -> None:
        async with running(broker.port) as daemon, person(broker, "ann") as ann:
            await ann.ask(
                "ann/campaign/start", '{"campaign":"c1"}', response=f"{ROOT}/reply/ann/rr/1", correlation=b"\x01\x02"
            )
            payload = (await ann.hears(f"{ROOT}/reply/ann/rr/1"))[0]
            assert result(payload) == {"principal": "ann", "command": "campaign.start", "args": {"campaign": "c1"}}
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

    async def test_O02_the_same_correlation_data_never_make_two_commands_one(self, broker: Broker) -> None:
        async with running(broker.port) as daemon, person(broker, "ann") as ann:
            for correlation in (b"2", b"2", b"x" * 200):
                await ann.ask("ann/call/list", "{}", correlation=correlation)
            await until(lambda: len(daemon.requests) == 3, "three requests")
            assert len({request.id for request in daemon.requests}) == 3

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
                await thief.client.subscribe(f"{ROOT}/reply/ann/#", 1)  # its SUBACK comes after what came before
            assert [topic for topic in thief.topics() if "/cmd/" in topic] == []
            await daemon.connected()
            await bob.ask("bob/campaign/list", '{"id":"after"}')
            await bob.hears(f"{ROOT}/reply/bob/after")

    async def test_O02_by_the_sample_agents_hear_only_of_themselves_and_the_office_of_all(self) -> None:
        heard_by_all = (f"{ROOT}/event/#", f"{ROOT}/state/#")
        with broker_with(sample_acl("bob")) as broker:
            async with (
                running(broker.port) as daemon,
                person(broker, "ann", *heard_by_all) as ann,
                person(broker, "bob", *heard_by_all) as bob,
            ):
                for tail in ("agent/bob/login", "agent/anna/login", "call/1/ended", "agent/ann/login"):
                    daemon.bus.publish_event(tail, b"{}")
                for tail in ("campaign/c1", "agent/bob", "agent/ann"):
                    daemon.bus.publish_state(tail, b"{}")
                for person_heard in (ann, bob):
                    await person_heard.hears(f"{ROOT}/event/agent/ann/login")
                    await person_heard.hears(f"{ROOT}/state/agent/ann")
                assert len(bob.topics()) == 8
                assert set(ann.topics()) == {
                    f"{ROOT}/state/daemon",
                    f"{ROOT}/event/agent/ann/login",
                    f"{ROOT}/state/agent/ann",
                }


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
