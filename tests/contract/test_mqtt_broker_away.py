"""Events and states over a real mosquitto, and what happens when it is away, frozen or unwilling."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import ssl
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import uvloop

from dialerd.adapters.mqtt.intake import Request
from tests.contract.mqtt_people import (
    PATIENCE_S,
    ROOT,
    Daemon,
    accepted_in_backlog,
    broker_with,
    lasting_listener,
    no_complaints,
    password_file,
    person,
    running,
    sample_acl,
    sample_broker,
    sample_configuration,
    until,
)
from tests.contract.scripted_mqtt_broker import HANG_UP, SILENT, ScriptedBroker
from tests.doubles.mosquitto import Broker

pytestmark = pytest.mark.broker
broker = pytest.fixture(sample_broker)
quiet = pytest.fixture(autouse=True)(no_complaints)


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

    async def test_O02_states_that_nobody_knows_any_more_are_cleared_at_every_connection(self, broker: Broker) -> None:
        known = {"campaign/c1", "agent/an"}
        async with running(broker.port) as daemon:
            for tail in (*known, "campaign/c2", "agent/binh", "campaign/x/y"):
                daemon.bus.publish_state(tail, tail.encode())
            await until(lambda: daemon.bus.counters.published == 6, "all retained")
        async with running(broker.port) as daemon:
            daemon.bus.publish_state("agent/binh", b"published by this process")
            daemon.bus.keep_states(lambda tail: tail in known)
            await until(lambda: daemon.bus.counters.swept == 2, "the two that nobody knows are found")
            assert await self._retained(broker) == {*known, "agent/binh", "daemon"}
            known.discard("agent/an")
            await self._back_after_a_break(daemon, broker)
            await until(lambda: daemon.bus.counters.swept == 3, "another one at the next connection")
            assert await self._retained(broker) == {*known, "agent/binh", "daemon"}
            assert (daemon.bus.counters.refused, daemon.bus.counters.retained) == (0, 0), "no commands"

    async def test_O02_thousands_of_old_states_are_swept_and_commands_go_on(self, broker: Broker) -> None:
        async with running(broker.port) as daemon:
            for number in range(3000):
                daemon.bus.publish_state(f"campaign/c{number}", b"old")
            await until(lambda: daemon.bus.counters.published == 3001, "all retained")
        async with running(broker.port) as daemon, person(broker, "ann") as ann:
            daemon.bus.keep_states(lambda tail: tail == "campaign/c7")
            await ann.ask("ann/campaign/list", '{"id":"meanwhile"}')
            await ann.hears(f"{ROOT}/reply/ann/meanwhile")
            await until(lambda: daemon.bus.counters.swept == 2999, "all found")
            await until(lambda: daemon.bus.counters.published == 3001, "all cleared")
            assert await self._retained(broker) == {"campaign/c7", "daemon"}

    async def test_O02_a_broker_that_lets_nobody_read_states_keeps_them_and_all_else_works(self) -> None:
        acl = sample_acl().replace("topic readwrite dialerd/+/state/#", "topic write dialerd/+/state/#")
        assert acl != sample_acl()
        with broker_with(acl) as broker:
            async with running(broker.port) as daemon, person(broker, "ann") as ann:
                daemon.bus.publish_state("campaign/c1", b"old")
                daemon.bus.keep_states(lambda tail: False)
                await ann.ask("ann/campaign/list", '{"id":"1"}')
                await ann.hears(f"{ROOT}/reply/ann/1")
                assert daemon.up
                assert daemon.bus.counters.reconnects == 0

    @staticmethod
    async def _back_after_a_break(daemon: Daemon, broker: Broker) -> None:
        """The broker ends in order, so that it keeps its states, and is there again."""
        broker.restart()
        await daemon.back(1)

    @staticmethod
    async def _retained(broker: Broker) -> set[str]:
        """The subjects that have a state, seen by somebody who comes now."""
        probe = f"{ROOT}/reply/ann/probe"
        async with person(broker, "ann", f"{ROOT}/state/#", probe) as late, person(broker, "dialerd", probe) as other:
            await other.client.publish(probe, b"after them", 1)
            await late.hears(probe)
            return {m.topic.value.removeprefix(f"{ROOT}/state/") for m in late.heard if m.retain and m.payload}

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
                await daemon.back(times + 1)
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
