"""kill -9 in the middle of imports: counts add up, nobody twice, no row lost in silence (C06, C07, O08)."""

from __future__ import annotations

import base64
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.house_on_street import StreetProcess, campaign, house
from tests.contract.import_lists import long_csv, workbook
from tests.crash.seeds import new_seed
from tests.doubles.daemon_process import DaemonProcess

ROWS = 40_000
COMMITTED = 400
"""Rows of one turn at most: with more of them counted, one turn at least stands on the disk."""
KINDS = ("csv", "xlsx", "upload", "all_or_nothing")


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    folder = tmp_path / "lists"
    folder.mkdir()
    (folder / "list.csv").write_bytes(long_csv(0, ROWS, every_bad=500))
    (folder / "good.csv").write_bytes(long_csv(0, ROWS))
    rows: list[list[object]] = [["phone", "name"]]
    rows += [["none" if n % 500 == 499 else f"090{n:07d}", f"N {n}"] for n in range(ROWS)]
    (folder / "list.xlsx").write_bytes(workbook(("A", rows)))
    return folder


@pytest.fixture
def daemon(tmp_path: Path, lists: Path) -> Iterator[DaemonProcess]:
    with StreetProcess(tmp_path / "street") as street:
        running = house(
            tmp_path / "house",
            street,
            campaigns={"big": campaign(region="VN")},
            imports={"folders": [str(lists)]},
        )
        with running:
            yield running


def begun(daemon: DaemonProcess, lists: Path, kind: str) -> str:
    """The job of an import that was begun."""
    args: dict[str, Any] = {"campaign": "big", "wait": False}
    if kind == "upload":
        data = (lists / "list.csv").read_bytes()
        upload = daemon.ask("upload.begin", name="list.csv", size=len(data))["upload"]
        for at in range(0, len(data), 700_000):
            daemon.ask("upload.append", upload=upload, at=at, data=base64.b64encode(data[at : at + 700_000]).decode())
        daemon.ask("upload.end", upload=upload)
        args["upload"] = upload
    elif kind == "all_or_nothing":
        args |= {"file": "good.csv", "all_or_nothing": True}
    else:
        args["file"] = f"list.{kind}"
    return str(daemon.ask("lead.import", **args)["job"])


def job(daemon: DaemonProcess, id_: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in daemon.ask("import.list")["imports"] if one["job"] == id_)
    return found


def adds_up(one: dict[str, Any]) -> bool:
    return bool(one["rows"] == one["added"] + one["duplicates"] + one["suppressed"] + one["refused"])


@pytest.mark.parametrize("kind", KINDS)
def test_C06_what_a_killed_import_counted_is_what_is_there(daemon: DaemonProcess, lists: Path, kind: str) -> None:
    chance = random.Random(new_seed())
    first = begun(daemon, lists, kind)
    field = "rows" if kind == "all_or_nothing" else "added"
    daemon.until(lambda: job(daemon, first)[field] > COMMITTED, "it is under way")
    time.sleep(chance.random() * 1.0)
    daemon.kill()
    daemon.start()
    if kind == "all_or_nothing":
        daemon.until(lambda: job(daemon, first)["state"] != "running", "it is over", 60)
    after = job(daemon, first)
    leads = sum(daemon.ask("campaign.get", campaign="big")["leads"].values())
    assert adds_up(after) or kind == "all_or_nothing"
    assert after["added"] == leads
    if kind == "all_or_nothing":
        assert (after["state"], leads) in (("interrupted", 0), ("done", ROWS)), after
    else:
        assert after["state"] == "done" or (after["state"], after["because"]) == ("interrupted", "the daemon stopped")
        assert 0 < leads < ROWS or after["state"] == "done"
        if after["refused"]:
            piece = daemon.ask("import.fetch", job=first, limit=1_000_000)
            lines = base64.b64decode(piece["content"]).decode("utf-8-sig").splitlines()
            assert len(lines) - 1 >= after["refused"], "a refused row is counted and not told"
    # The same list again: the rest is added, and nobody twice.
    again = job(daemon, begun_and_over(daemon, lists, kind))
    assert again["state"] == "done"
    assert adds_up(again)
    assert again["duplicates"] == leads
    phones = [lead["phone"] for lead in daemon.leads("big")]
    wanted = ROWS if kind == "all_or_nothing" else ROWS - ROWS // 500
    assert len(phones) == len(set(phones)) == wanted


def begun_and_over(daemon: DaemonProcess, lists: Path, kind: str) -> str:
    id_ = begun(daemon, lists, kind)
    daemon.until(lambda: job(daemon, id_)["state"] != "running", "it is over", 60)
    return id_


def killed_in_the_middle(daemon: DaemonProcess, command: str, **args: Any) -> dict[str, Any]:
    """An import that a kill interrupted, as it is told after the restart."""
    id_ = daemon.ask(command, wait=False, **args)["job"]
    daemon.until(lambda: job(daemon, id_)["added"] > COMMITTED, "it is under way")
    daemon.kill()
    daemon.start()
    after = job(daemon, id_)
    assert (after["state"], after["because"]) == ("interrupted", "the daemon stopped"), "the list is too short"
    return after


def test_C06_a_killed_import_goes_on_after_the_row_to_which_it_came(daemon: DaemonProcess, lists: Path) -> None:
    """Its counts tell of the rows up to that one and of no other, and every lead of them is there."""
    first = killed_in_the_middle(daemon, "lead.import", campaign="big", file="list.csv")
    assert 1 < first["row"] <= ROWS
    assert first["rows"] == first["row"] - 1, "the heading is row 1"
    assert first["refused"] == first["rows"] // 500
    expected = {f"+8490{n:07d}" for n in range(first["rows"]) if n % 500 != 499}
    assert {lead["phone"] for lead in daemon.leads("big")} == expected
    rest = daemon.ask("lead.import", campaign="big", file="list.csv", after_row=first["row"])
    assert (rest["rows"], rest["duplicates"]) == (ROWS - first["rows"], 0)
    assert first["added"] + rest["added"] == len(daemon.leads("big")) == ROWS - ROWS // 500


def test_C06_contacts_without_code_and_phone_are_not_doubled_when_a_killed_import_goes_on(
    daemon: DaemonProcess, lists: Path
) -> None:
    """Nothing tells them apart but their row."""
    (lists / "names.csv").write_bytes(b"name\n" + b"".join(b"N %d\n" % n for n in range(ROWS)))
    first = killed_in_the_middle(daemon, "contact.import", file="names.csv")
    assert first["row"] == first["rows"] + 1 == first["added"] + 1
    rest = daemon.ask("contact.import", file="names.csv", after_row=first["row"])
    assert (rest["added"], rest["duplicates"]) == (ROWS - first["added"], 0)
    names: list[str] = []
    page: dict[str, Any] = {"after": "", "more": True}
    while page["more"]:
        page = daemon.ask("contact.list", after=page["after"], limit=1000)
        names += [contact["name"] for contact in page["contacts"]]
    assert len(names) == len(set(names)) == ROWS


def test_C06_what_was_decided_is_added_to_the_end_through_several_kills(daemon: DaemonProcess, lists: Path) -> None:
    """Once all rows were found good, no kill takes a lead from the list, and it cannot be cancelled any more."""
    chance = random.Random(new_seed())
    id_ = begun(daemon, lists, "all_or_nothing")
    daemon.until(lambda: job(daemon, id_)["added"] > 0, "it is decided and leads are being added")
    kills = 0
    while job(daemon, id_)["state"] == "running" and kills < 5:
        if not kills:
            assert job(daemon, id_)["decided"]
        daemon.kill()
        kills += 1
        daemon.start()
        time.sleep(chance.random() * 0.4)
    assert kills > 0
    daemon.until(lambda: job(daemon, id_)["state"] != "running", "it is over", 60)
    after = job(daemon, id_)
    assert (after["state"], after["added"], after["duplicates"]) == ("done", ROWS, 0)
    phones = [lead["phone"] for lead in daemon.leads("big")]
    assert len(phones) == len(set(phones)) == ROWS
    assert not list((daemon.folder / "imports" / "staged").iterdir())


def test_C06_the_one_who_waited_for_a_decided_import_learns_its_end_by_the_same_id(
    daemon: DaemonProcess, lists: Path
) -> None:
    import threading

    from dialerd.cli.socket_client import NoDaemonError

    def wait() -> None:
        try:
            daemon.ask("lead.import", id_="mine-1", campaign="big", file="good.csv", all_or_nothing=True)
        except NoDaemonError:
            return

    asker = threading.Thread(target=wait)
    asker.start()
    daemon.until(lambda: any(one["decided"] for one in daemon.ask("import.list")["imports"]), "it is decided")
    daemon.kill()
    asker.join()
    daemon.start()
    daemon.until(lambda: daemon.ask("import.list")["imports"][0]["state"] == "done", "it is over", 60)
    said = daemon.ask("lead.import", id_="mine-1", campaign="big", file="good.csv", all_or_nothing=True)
    assert (said["added"], said["duplicates"], said["rows"]) == (ROWS, 0, ROWS)
    assert len(daemon.ask("import.list")["imports"]) == 1


def test_C06_a_daemon_that_is_stopped_goes_on_with_what_was_decided(daemon: DaemonProcess, lists: Path) -> None:
    id_ = begun(daemon, lists, "all_or_nothing")
    daemon.until(lambda: job(daemon, id_)["added"] > 0, "leads are being added")
    assert daemon.stop() == 0
    daemon.start()
    daemon.until(lambda: job(daemon, id_)["state"] != "running", "it is over", 60)
    assert job(daemon, id_)["added"] == len(daemon.leads("big")) == ROWS
