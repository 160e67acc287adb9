"""O04: what the service manager hears, checked on a real datagram socket; beats are counted on a sleep that never waits.

Must never depend on how long anything takes.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dialerd.adapters.observe import systemd
from dialerd.adapters.observe.systemd import Watchdog, notify

DEADLINE_S = 5.0


class Manager:
    """The service manager's end of NOTIFY_SOCKET."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(DEADLINE_S)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)

    def hears(self) -> list[str]:
        return self._socket.recv(65_536).decode().split("\n")

    def heard_all(self) -> list[list[str]]:
        """Everything sent so far; sending on a local socket is done when `sendto` returns."""
        self._socket.setblocking(False)
        messages = []
        while True:
            try:
                messages.append(self.hears())
            except BlockingIOError:
                return messages

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    address = str(tmp_path / "notify") if request.param == "path" else f"@dialerd-test-{os.getpid()}"
    listening = Manager(address)
    yield listening
    listening.close()


class Beats:
    """A sleep that returns at once, notes what was asked for, and ends the watchdog after `count` beats."""

    def __init__(self, count: int) -> None:
        self.asked: list[float] = []
        self._count = count

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)
        if len(self.asked) == self._count:
            raise asyncio.CancelledError


class Told:
    """Takes the place of `notify` and remembers."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, ...]] = []

    def __call__(self, *lines: str) -> bool:
        self.messages.append(lines)
        return True


def counting(*answers: int | None) -> Callable[[], int | None]:
    left = iter(answers)
    return lambda: next(left)


async def beat(watchdog: Watchdog, progress: Callable[[], int | None]) -> None:
    with pytest.raises(asyncio.CancelledError):
        await watchdog.run(progress)


def watchdog(count: int, usec: str | None = "30000000", **env: str) -> tuple[Watchdog, Told, Beats]:
    told, beats = Told(), Beats(count)
    if usec is not None:
        env["WATCHDOG_USEC"] = usec
    return Watchdog(env, told, pid=77, sleep=beats, monotonic_ns=lambda: 5_000_000_123), told, beats


def test_O04_a_message_reaches_the_service_manager_as_lines(manager: Manager) -> None:
    assert notify("READY=1", "STATUS=dialing for 3 campaigns", address=manager.address) is True
    assert manager.hears() == ["READY=1", "STATUS=dialing for 3 campaigns"]


def test_O04_the_address_comes_from_the_environment_when_none_is_given(
    manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", manager.address)
    assert notify("READY=1") is True
    assert manager.hears() == ["READY=1"]


def test_O04_outside_systemd_nobody_is_told_and_nothing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert notify("READY=1") is False
    assert notify("READY=1", address="") is False


def test_O04_a_socket_that_is_gone_is_no_reason_to_stop(tmp_path: Path) -> None:
    assert notify("READY=1", address=str(tmp_path / "gone")) is False


@pytest.mark.parametrize("address", ["vsock:2:1234", "relative/notify"])
def test_O04_an_address_that_is_no_unix_socket_is_refused(address: str) -> None:
    assert notify("READY=1", address=address) is False


def test_O04_a_service_manager_that_does_not_read_cannot_hold_the_event_loop(
    manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(systemd, "SEND_TIMEOUT_S", 0.001)
    sent = 0
    while notify("WATCHDOG=1", address=manager.address):
        sent += 1
        assert sent < 100_000, "the socket never filled up"
    assert len(manager.heard_all()) == sent


def test_O04_a_campaign_name_in_the_status_cannot_add_a_message_of_its_own(manager: Manager) -> None:
    notify("STATUS=campaign x\nSTOPPING=1\r\nMAINPID=1\x00", address=manager.address)
    assert manager.hears() == ["STATUS=campaign x STOPPING=1  MAINPID=1 "]


@pytest.mark.parametrize("line", ["READY", "=1", "two words=1", ""])
def test_O04_a_line_that_is_no_assignment_is_our_own_mistake(line: str) -> None:
    with pytest.raises(ValueError, match="NAME=value"):
        notify(line, address="@nobody")


async def test_O04_the_watchdog_speaks_on_the_socket_of_its_environment(manager: Manager) -> None:
    env = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}
    dog = Watchdog(env, sleep=Beats(3))
    assert dog.ready("no campaign runs") is True
    await beat(dog, counting(1, 2, 3))
    assert manager.heard_all() == [
        ["READY=1", "STATUS=no campaign runs"],
        ["WATCHDOG=1"],
        ["WATCHDOG=1"],
        ["WATCHDOG=1"],
    ]


async def test_O04_a_beat_goes_out_at_once_and_then_every_half_interval() -> None:
    dog, told, beats = watchdog(3)
    await beat(dog, counting(1, 9, 10))
    assert told.messages == [("WATCHDOG=1",)] * 3
    assert beats.asked == [15.0, 15.0, 15.0]


async def test_O04_a_turn_loop_that_stands_still_is_not_called_alive() -> None:
    dog, told, _ = watchdog(5)
    await beat(dog, counting(7, 7, 7, 7, 7))
    assert told.messages == [("WATCHDOG=1",)]


async def test_O04_a_turn_loop_that_moves_again_is_called_alive_again() -> None:
    dog, told, _ = watchdog(5)
    seen: list[int] = []

    def progress() -> int:
        seen.append(len(told.messages))
        return (7, 7, 7, 8, 9)[len(seen) - 1]

    await beat(dog, progress)
    assert seen == [0, 1, 1, 1, 2]
    assert len(told.messages) == 3


async def test_O04_while_there_is_no_turn_loop_yet_the_event_loop_alone_is_judged() -> None:
    dog, told, _ = watchdog(4)
    await beat(dog, counting(None, None, 1, 2))
    assert told.messages == [("WATCHDOG=1",)] * 4


async def test_O04_a_short_watchdog_gives_the_idle_turn_loop_time_for_its_step() -> None:
    # Beats every 0.5 s; a loop that steps once in 2 s is well, one that does not is not.
    dog, told, beats = watchdog(6, usec="1000000")
    await beat(dog, counting(1, 1, 1, 1, 2, 2))
    assert told.messages == [("WATCHDOG=1",)] * 6
    assert set(beats.asked) == {0.5}

    dog, told, _ = watchdog(8, usec="1000000")
    await beat(dog, counting(*[1] * 8))
    assert told.messages == [("WATCHDOG=1",)] * 4


async def test_O04_a_progress_that_fails_is_our_own_mistake_and_ends_the_beat() -> None:
    dog, told, _ = watchdog(3)

    def broken() -> int:
        raise LookupError("no turn loop")

    with pytest.raises(LookupError):
        await dog.run(broken)
    assert told.messages == []


async def test_O04_without_a_watchdog_in_the_unit_no_beat_is_sent() -> None:
    dog, told, _ = watchdog(3, usec=None)
    assert dog.enabled is False
    await beat(dog, counting(1, 2, 3))
    assert told.messages == []


async def test_O04_a_watchdog_meant_for_another_process_is_left_alone() -> None:
    dog, told, _ = watchdog(3, WATCHDOG_PID="78")
    assert dog.enabled is False
    await beat(dog, counting(1, 2, 3))
    assert told.messages == []
    assert watchdog(1, WATCHDOG_PID="77")[0].enabled is True


@pytest.mark.parametrize("name", ["WATCHDOG_USEC", "WATCHDOG_PID"])
@pytest.mark.parametrize("text", ["", "0", "-1", "30s", "1.5", "٣"])
def test_O04_a_watchdog_setting_that_is_no_number_is_named(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: found .*, allowed: a whole number above 0"):
        Watchdog({name: text}, Told())


async def test_O04_while_draining_each_beat_with_progress_moves_the_stop_deadline() -> None:
    dog, told, _ = watchdog(4)
    dog.stopping("draining 12 calls")
    assert told.messages.pop(0) == ("STOPPING=1", "STATUS=draining 12 calls", "EXTEND_TIMEOUT_USEC=45000000")
    await beat(dog, counting(1, 2, 2, 2))
    assert told.messages == [("WATCHDOG=1", "EXTEND_TIMEOUT_USEC=45000000")] * 2


async def test_O04_a_drain_gets_its_time_even_if_the_unit_has_no_watchdog() -> None:
    dog, told, beats = watchdog(2, usec=None)
    dog.stopping("draining")
    told.messages.clear()
    await beat(dog, counting(1, 2))
    assert told.messages == [("EXTEND_TIMEOUT_USEC=30000000",)] * 2
    assert beats.asked == [10.0, 10.0]


def test_O04_a_long_migration_asks_for_more_time() -> None:
    dog, told, _ = watchdog(1)
    dog.extend_timeout(12.5)
    dog.status("migrating the database, step 3 of 4")
    assert told.messages == [("EXTEND_TIMEOUT_USEC=12500000",), ("STATUS=migrating the database, step 3 of 4",)]


def test_O04_a_reload_is_announced_with_its_instant_and_closed() -> None:
    dog, told, _ = watchdog(1)
    with dog.reloading(lambda: "4 campaigns"):
        assert told.messages == [("RELOADING=1", "MONOTONIC_USEC=5000000")]
    assert told.messages[1:] == [("READY=1", "STATUS=4 campaigns")]


def test_O04_a_refused_configuration_leaves_the_daemon_ready() -> None:
    dog, told, _ = watchdog(1)
    with pytest.raises(ValueError, match="line 3"), dog.reloading(lambda: "reload refused, 3 campaigns as before"):
        raise ValueError("line 3")
    assert told.messages[-1] == ("READY=1", "STATUS=reload refused, 3 campaigns as before")
