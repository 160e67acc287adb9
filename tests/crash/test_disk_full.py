"""The store's disk is full while a campaign runs: nothing leaves, all is said and answered, and nothing is lost.

Never a disk but the test's own.
"""

from __future__ import annotations

import itertools
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.crash.bookkeeping import await_finished, check_books, check_street
from tests.crash.daemon_that_returns import DaemonThatReturns
from tests.crash.full_disk import DISKS, Disk, SmallDisk, SmallFiles, may_mount
from tests.crash.street_process import StreetProcess
from tests.crash.street_scenario import MAX_ATTEMPTS, busy_street
from tests.doubles.daemon_process import RefusedError

pytestmark = pytest.mark.crash

TOO_LATE = "decided too long ago"
SPEED = 10.0


def scenario() -> dict[str, Any]:
    """Short talks and few calls a second: most turns are woken by a slot of the trunk, and dial."""
    given = busy_street("nailed_up")
    given["customers"]["talk"] = {"mean_s": 15, "cv": 0.5}
    given["lines"] = {"told_lines": 30, "told_calls_per_second": 2}
    return given


class Asked(threading.Thread):
    """A command given while the disk is full; `result` or `error` is its answer."""

    def __init__(self, daemon: DaemonThatReturns, command: str, id_: str, **args: Any) -> None:
        super().__init__(daemon=True)
        self.result: dict[str, Any] | None = None
        self.error: dict[str, Any] = {}
        self._ask = (daemon, command, id_, args)
        self.start()

    def run(self) -> None:
        daemon, command, id_, args = self._ask
        try:
            self.result = daemon.ask(command, id_=id_, **args)
        except RefusedError as refused:
            self.error = refused.error

    def again(self) -> dict[str, Any]:
        """The answer to the same command with the same id."""
        daemon, command, id_, args = self._ask
        return daemon.ask(command, id_=id_, **args)


def pid_of(daemon: DaemonThatReturns) -> int:
    assert daemon.process is not None
    return daemon.process.pid


def failing(daemon: DaemonThatReturns) -> str:
    found: str = daemon.ask("daemon.status")["status"]["store_failing"]
    return found


def fill(disk: Disk, daemon: DaemonThatReturns) -> None:
    """Fill the disk and wait until the daemon says so."""
    disk.fill(pid_of(daemon))
    daemon.until(lambda: failing(daemon), "daemon.status says that the store fails")
    assert disk.words in failing(daemon)


def make_room(disk: Disk, street: StreetProcess, daemon: DaemonThatReturns) -> None:
    """Make room and wait until dialing goes on by itself."""
    before = street.invites()
    disk.make_room(pid_of(daemon))
    daemon.until(lambda: not failing(daemon), "the store is written again")
    daemon.until(lambda: street.invites() > before, "dialing goes on")


def nothing_leaves(street: StreetProcess, daemon: DaemonThatReturns, before: int) -> None:
    """No INVITE, while whoever asks is told how things stand."""
    assert street.invites() == before
    why = daemon.ask("campaign.why", campaign=street.campaign)
    assert (why["factor"], why["dialing"]) == ("store", False)
    assert "cannot be written" in why["because"]
    assert daemon.attempts(street.campaign)
    assert daemon.leads(street.campaign)
    assert len(daemon.ask("agent.list")["agents"]) == len(street.agents)
    assert daemon.running


@pytest.mark.timeout(240)
@pytest.mark.parametrize("kind", DISKS)
def test_O08_a_full_disk_holds_up_calls_and_loses_none(
    tmp_path: Path, kind: type[SmallDisk] | type[SmallFiles]
) -> None:
    began = time.monotonic()
    with kind(tmp_path) as disk, StreetProcess(tmp_path, scenario(), speed=SPEED) as street:
        store = {"path": str(disk.folder / "dialerd.sqlite3")}
        with street.daemon(tmp_path / "house", store=store) as daemon:
            street.open_shop(daemon, 80)
            daemon.until(street.bridged, "somebody talks")
            fill(disk, daemon)
            daemon.until(lambda: "store.failing" in daemon.log, "the log says that the store fails")
            before = street.invites()
            asked = [
                Asked(daemon, "agent.not-ready", "pause", agent=street.agents[0], reason="coffee"),
                Asked(daemon, "lead.add", "one-more", campaign=street.campaign, phone="+84919999999"),
            ]
            while any(each.is_alive() for each in asked):
                nothing_leaves(street, daemon, before)
            assert [each.error["code"] for each in asked] == ["not_committed_yet"] * 2
            assert all(disk.words in each.error["message"] for each in asked)
            make_room(disk, street, daemon)
            daemon.until(lambda: "store.writes_again" in daemon.log, "the log says that it is well again")
            assert asked[0].again()["agent"] == street.agents[0]
            assert asked[1].again()["added"] == 1
            daemon.ask("agent.ready", agent=street.agents[0])
            for rounds in itertools.count(1):
                late = [a for a in daemon.attempts(street.campaign) if TOO_LATE in a["because"]]
                if late or rounds > 12:
                    break
                fill(disk, daemon)
                before = street.invites()
                end = time.monotonic() + 6 / SPEED
                while time.monotonic() < end:
                    nothing_leaves(street, daemon, before)
                make_room(disk, street, daemon)
            assert {attempt["outcome"] for attempt in late} == {"not_placed"}
            await_finished(daemon, street.campaign)
            figures = check_books(daemon, street.campaign, street.books()["invites"], MAX_ATTEMPTS)
            check_street(street.books(), daemon.attempts(street.campaign))
            assert figures.leads == 81
            print(f"\n{kind.__name__}: full {rounds} times; {figures}; {time.monotonic() - began:.0f} s in all")


@pytest.mark.timeout(180)
@pytest.mark.parametrize("kind", [SmallDisk] if may_mount() else [SmallFiles])
def test_O08_a_daemon_killed_while_the_disk_is_full_goes_on_when_there_is_room(
    tmp_path: Path, kind: type[SmallDisk] | type[SmallFiles]
) -> None:
    with kind(tmp_path) as disk, StreetProcess(tmp_path, scenario(), speed=SPEED) as street:
        store = {"path": str(disk.folder / "dialerd.sqlite3")}
        with street.daemon(tmp_path / "house", store=store) as daemon:
            street.open_shop(daemon, 60)
            starts: list[str] = []
            talking = 0
            for _ in range(3):
                daemon.until(street.bridged, "somebody talks")
                fill(disk, daemon)
                daemon.stand_by()
                before = street.invites()
                talking += len(street.bridged())
                daemon.kill()
                said = len(daemon.log)
                daemon.launch()
                daemon.until_logged(" ready ", said)
                if kind is SmallDisk:
                    assert disk.words in (failing(daemon) if daemon.running else daemon.log[said:])
                    assert street.invites() == before
                starts.append("started" if daemon.running else "refused to start")
                if daemon.running:
                    disk.make_room(pid_of(daemon))
                else:
                    disk.make_room(0)
                    daemon.start()
                daemon.until(lambda: daemon.linked, "it is linked")
                street.await_invites(daemon, before + 1)
            assert talking, "nobody talked at any kill"
            daemon.dismiss()
            await_finished(daemon, street.campaign)
            figures = check_books(daemon, street.campaign, street.books()["invites"], MAX_ATTEMPTS)
            check_street(street.books(), daemon.attempts(street.campaign))
            print(f"\nkilled while full ({', '.join(starts)}), {talking} talked: {figures}")
