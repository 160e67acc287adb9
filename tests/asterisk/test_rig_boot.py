"""The rig itself: it boots from the shipped samples, keeps its ports, stays on loopback and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.asterisk.rig.ami import AmiError
from tests.asterisk.rig.asterisk import SHIPPED, Rig
from tests.asterisk.rig.root import SUITES, RigError, wanted_suite

_CONTEXTS = (
    "dialer-agent",
    "dialer-cust",
    "dialer-drop",
    "dialer-ring",
    "dialer-first",
    "dialer-first-hh",
    "dialer-press",
    "dialer-queue-exit",
)


def _until(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"


@pytest.fixture(scope="module")
def fresh() -> Iterator[Rig]:
    """An instance nobody has called on yet, beside the session's."""
    with Rig() as rig:
        yield rig


def test_O01_it_boots_the_asterisk_of_the_wanted_suite(asterisk: Rig) -> None:
    said = asterisk.cli("core show version")
    assert said.startswith(f"Asterisk {SUITES[wanted_suite()]}."), said


def test_O01_the_shipped_samples_load_without_a_warning_or_an_error(fresh: Rig) -> None:
    bad = [line for line in fresh.log().splitlines() if "WARNING" in line or "ERROR" in line]
    assert bad == []
    for sample in SHIPPED.glob("*_dialerd.conf"):
        assert (fresh.directory / "etc" / sample.name).exists()


@pytest.mark.parametrize("context", _CONTEXTS)
def test_O01_each_context_comes_from_the_shipped_dialplan(fresh: Rig, context: str) -> None:
    shown = fresh.cli(f"dialplan show {context}")
    assert f"[ Context '{context}' created by 'pbx_config' ]" in shown
    if SUITES[wanted_suite()] >= 18:  # older ones do not tell the file
        assert "extensions_dialerd.conf:" in shown


def test_O01_each_module_the_samples_name_is_there_and_runs(fresh: Rig) -> None:
    lines = (SHIPPED / "modules_dialerd.conf").read_text().splitlines()
    wanted = [line.split("=")[1].strip() for line in lines if line.startswith("load")]
    shown = fresh.cli("module show")
    assert len(wanted) > 20
    assert [name for name in wanted if not any(name in line and "Running" in line for line in shown.splitlines())] == []


def test_V09_the_sample_trunk_is_qualified_and_a_dead_one_is_noticed(asterisk: Rig) -> None:
    _until(lambda: "Unavail" in asterisk.cli("pjsip show aor trunk-deadq"))
    assert "Avail" in asterisk.cli("pjsip show aor trunk")


def test_two_rigs_run_side_by_side_each_with_its_own_ports_and_secret(asterisk: Rig, fresh: Rig) -> None:
    assert {asterisk.ami_port, asterisk.sip_port}.isdisjoint({fresh.ami_port, fresh.sip_port})
    fresh.start_phones()
    with fresh.ami() as session:
        session.action(
            "Originate", Channel="PJSIP/71001000888@trunk", Context="dialer-cust", Exten="s", Priority="1", Async="true"
        )
        session.wait_event("BridgeEnter", BridgeTechnology="holding_bridge")
    assert fresh.invites() == {"71001000888": 1}
    assert "71001000888" not in asterisk.invites()


@pytest.mark.parametrize("end", ["stop", "kill9"])
def test_O08_after_a_stop_or_a_crash_it_comes_back_where_it_was(fresh: Rig, end: str) -> None:
    before, secret = fresh.ami_port, fresh.ami_secret
    with fresh.ami() as session:
        getattr(fresh, end)()
        with pytest.raises(AmiError, match="closed"):
            session.wait(lambda event: False, 5)
    with pytest.raises(ConnectionRefusedError):
        fresh.ami()
    fresh.start()
    assert (fresh.ami_port, fresh.ami_secret) == (before, secret)
    with fresh.ami() as session:
        assert session.action("Ping")["Ping"] == "Pong"


def test_O08_a_frozen_asterisk_is_silent_and_goes_on_when_thawed(fresh: Rig) -> None:
    with fresh.ami() as session:
        fresh.freeze()
        try:
            session.timeout_s = 0.3
            with pytest.raises(AmiError, match="in time"):
                session.action("Ping")
        finally:
            fresh.thaw()
        session.timeout_s = 10
        assert session.action("Ping")["Response"] == "Success"


def test_it_listens_on_loopback_only(asterisk: Rig) -> None:
    """TCP everywhere; UDP but for the resolver's two sockets, which only ask (they are on ephemeral ports)."""
    pids = [asterisk.pid, *asterisk.phones.pids]
    listening = _sockets(pids)
    assert ("udp", "127.0.0.1", asterisk.sip_port) in listening
    assert ("tcp", "127.0.0.1", asterisk.ami_port) in listening
    ephemeral = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    outside = [
        (kind, host, port)
        for kind, host, port in listening
        if not host.startswith("127.") and not (kind == "udp" and port >= ephemeral)
    ]
    assert outside == []


def _sockets(pids: list[int]) -> set[tuple[str, str, int]]:
    """(tcp or udp, address, port) of what these processes listen on."""
    inodes = set()
    for pid in pids:
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            target = os.readlink(fd)
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    found = set()
    for kind in ("tcp", "udp"):
        for line in Path(f"/proc/net/{kind}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] in inodes and fields[3] in {"0A", "07"}:
                address, port = fields[1].split(":")
                found.add((kind, socket.inet_ntoa(bytes.fromhex(address)[::-1]), int(port, 16)))
    for line in Path("/proc/net/tcp6").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[9] in inodes and fields[3] == "0A":
            found.add(("tcp", fields[1], 0))
    return found


def test_closing_leaves_no_process_and_no_directory() -> None:
    with Rig() as rig:
        rig.start_phones()
        pids = [rig.pid, *rig.phones.pids]
        directory = rig.directory
        assert len(pids) == 4
    assert [pid for pid in pids if not _gone(pid)] == []
    assert not directory.exists()


def test_a_killed_test_run_leaves_no_process() -> None:
    program = (
        "import time; from tests.asterisk.rig.asterisk import Rig\n"
        "rig = Rig(); rig.start(); rig.start_phones()\n"
        "print(rig.pid, *rig.phones.pids, rig.directory, flush=True); time.sleep(60)"
    )
    root = Path(__file__).resolve().parents[2]
    run = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=root)
    assert run.stdout is not None
    with run.stdout:
        *pids, directory = run.stdout.readline().split()
    run.send_signal(signal.SIGKILL)
    run.wait()
    _until(lambda: all(_gone(int(pid)) for pid in pids))
    subprocess.run(["rm", "-rf", directory], check=True)


def test_a_missing_root_is_an_error_that_names_what_makes_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DIALERD_ASTERISK_ROOT", str(tmp_path / "none"))
    with pytest.raises(RigError, match="make asterisk-root"):
        Rig("sid")
    with pytest.raises(RigError, match="scripts/asterisk-root bullseye"):
        Rig("bullseye")


def test_an_unknown_suite_is_an_error_that_names_the_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIALERD_TEST_ASTERISK_SUITE", "woody")
    with pytest.raises(RigError, match=r"woody.*sid, bullseye"):
        Rig()


def test_a_missing_sipp_is_an_error_that_names_what_installs_it(
    fresh: Rig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fresh.stop_phones()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RigError, match="make packages"):
        fresh.start_phones()
