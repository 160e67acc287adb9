"""O04: the service unit as systemd itself reads it, and the daemon's libraries under the filter it asks for.

Must never start or touch a service of the machine.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "systemd"
UNIT = FOLDER / "dialerd.service"
WORST_EXPOSURE = 1.5
"""Of `systemd-analyze security`, 0 (best) to 10; below 2 it says OK. What is left open is reasoned in the unit."""


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60)


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.fail(
            f"{name} is missing: install Debian's package `systemd` (apt-get install systemd); it starts nothing"
        )
    return found


def settings(section: str) -> dict[str, list[str]]:
    """Every assignment of one section of the unit, in order; a name may come several times."""
    found: dict[str, list[str]] = {}
    here = ""
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            here = line.strip("[]")
        elif here == section and line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def one(name: str, section: str = "Service") -> str:
    (value,) = settings(section)[name]
    return value


def seconds(span: str) -> int:
    """systemd's plain numbers are seconds; the unit uses no other unit."""
    return int(span)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A copy of the unit whose program exists here."""
    copy = tmp_path / "dialerd.service"
    copy.write_text(UNIT.read_text(encoding="utf-8").replace("/usr/bin/dialerd ", "/bin/true "), encoding="utf-8")
    return copy


# As systemd reads it


def test_O04_systemd_understands_every_line_of_the_unit(installed: Path) -> None:
    checked = run(tool("systemd-analyze"), "verify", "--man=no", "--recursive-errors=no", installed)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_O04_a_misspelt_setting_would_be_found(installed: Path) -> None:
    installed.write_text(
        installed.read_text(encoding="utf-8").replace("WatchdogSec=", "WatchdogSecs="), encoding="utf-8"
    )
    checked = run(tool("systemd-analyze"), "verify", "--man=no", "--recursive-errors=no", installed)
    assert "WatchdogSecs" in checked.stderr


def test_O04_systemd_finds_little_left_to_harden(installed: Path) -> None:
    limit = f"--threshold={round(WORST_EXPOSURE * 10)}"
    checked = run(tool("systemd-analyze"), "security", "--offline=true", "--no-pager", limit, installed)
    assert checked.returncode == 0, checked.stdout


def test_O04_sysusers_makes_the_account_of_the_unit() -> None:
    planned = run(tool("systemd-sysusers"), "--dry-run", FOLDER / "dialerd.sysusers")
    assert planned.returncode == 0, planned.stderr
    words = (FOLDER / "dialerd.sysusers").read_text(encoding="utf-8").splitlines()[-1].split()
    assert words[:2] == ["u", one("User")] == ["u", one("Group")]
    assert words[-1] == "/usr/sbin/nologin"


def test_O04_tmpfiles_are_read_without_a_complaint(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\ndialerd:x:990:990::/:/bin/false\n", encoding="utf-8")
    (tmp_path / "etc/group").write_text("root:x:0:\ndialerd:x:990:\n", encoding="utf-8")
    # --clean reads and checks every line and, the tree being empty, changes nothing: no right of root is needed.
    read = run(tool("systemd-tmpfiles"), "--clean", f"--root={tmp_path}", FOLDER / "dialerd.tmpfiles")
    assert (read.returncode, read.stderr) == (0, "")


def test_O04_the_secrets_files_are_closed_to_all_but_root() -> None:
    lines = [line.split() for line in (FOLDER / "dialerd.tmpfiles").read_text(encoding="utf-8").splitlines()]
    modes = {words[1]: words[2:5] for words in lines if words and not words[0].startswith("#")}
    sources = [credential.partition(":")[2] for credential in settings("Service")["LoadCredential"]]
    assert sources == ["/etc/dialerd/ami.secret", "/etc/dialerd/mqtt.password"]
    assert all(modes[source] == ["0600", "root", "root"] for source in sources)
    assert modes["/etc/dialerd"] == ["0750", "root", one("Group")]


# What it promises


def test_O04_readiness_and_the_watchdog_come_from_the_daemon_itself() -> None:
    assert one("Type") == "notify"
    assert one("NotifyAccess") == "main"
    assert seconds(one("WatchdogSec")) == 30
    assert one("ExecStart") == "/usr/bin/dialerd run /etc/dialerd/dialerd.yaml"


def test_O04_a_wrong_configuration_is_found_before_the_start() -> None:
    assert one("ExecStartPre") == "/usr/bin/dialerd check /etc/dialerd/dialerd.yaml"


def test_O04_it_is_restarted_but_not_for_ever() -> None:
    assert one("Restart") == "always"
    interval, burst = seconds(one("StartLimitIntervalSec", "Unit")), int(one("StartLimitBurst", "Unit"))
    # A daemon that falls at once must reach the limit within the interval, or the limit is none.
    assert (seconds(one("RestartSec")) + 1) * burst < interval


def test_O04_stop_drains_and_the_first_beat_comes_before_the_deadline() -> None:
    assert one("KillSignal") == "SIGTERM"
    assert one("KillMode") == "mixed"
    assert seconds(one("TimeoutStopSec")) > seconds(one("WatchdogSec"))


def test_O01_reload_is_a_signal_for_systemd_252_knows_no_notify_reload() -> None:
    assert one("ExecReload") == "/bin/kill -HUP $MAINPID"


def test_O04_secrets_come_as_credentials_and_none_by_the_environment() -> None:
    names = [credential.partition(":")[0] for credential in settings("Service")["LoadCredential"]]
    assert names == ["ami-secret", "mqtt-password"]
    assert set(settings("Service")["Environment"]) == {"PYTHONFAULTHANDLER=1", "OPENBLAS_NUM_THREADS=1"}
    assert "EnvironmentFile" not in settings("Service")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("PrivateDevices", "yes"),
        ("RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6"),
        ("LockPersonality", "yes"),
        ("RestrictRealtime", "yes"),
        ("MemoryDenyWriteExecute", "yes"),
        ("StateDirectory", "dialerd"),
        ("RuntimeDirectory", "dialerd"),
        ("UMask", "0027"),
        ("LimitCORE", "0"),
    ],
)
def test_O04_the_daemon_is_fenced_in(name: str, value: str) -> None:
    assert one(name) == value


@pytest.mark.parametrize("name", ["PrivateUsers", "ProcSubset"])
def test_O04_what_would_blind_the_local_socket_or_the_metrics_stays_off(name: str) -> None:
    assert name not in settings("Service")


# The same filter, put on a process here

SCMP_ACT_ALLOW = 0x7FFF0000
SCMP_ACT_ERRNO = 0x00050000
SCMP_CMP_EQ = 4
SCMP_CMP_MASKED_EQ = 7
PROT_WRITE, PROT_EXEC, SHM_EXEC = 2, 4, 0o100000
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}

WORKLOAD = """
import asyncio, ctypes, mmap, os, socket, sys

def refused(action, *numbers):
    try:
        action()
    except OSError as failure:
        assert failure.errno in numbers, failure
    else:
        raise SystemExit("the filter is not on: " + repr(action))

import errno
refused(lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC), errno.EPERM)
refused(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW), errno.EAFNOSUPPORT)
refused(lambda: os.sched_setaffinity(0, {0}), errno.EPERM)

import aiohttp, aiomqtt, aiosqlite, alembic, click, msgspec, numpy, orjson, panoramisk, phonenumbers, prometheus_client
import pydantic, rich, scipy.optimize, scipy.special, scipy.stats, sqlalchemy, structlog, uvloop, yaml
assert len(os.listdir("/proc/self/task")) == 1, "OpenBLAS started threads"

from dialerd.adapters.observe import endpoint, logs
from dialerd.adapters.observe.metrics import Metrics

square = numpy.random.default_rng(1).random((200, 200))
assert numpy.allclose(numpy.linalg.solve(square, square), numpy.eye(200))
assert abs(scipy.optimize.brentq(lambda x: x * x - 2, 0, 2) - 2 ** 0.5) < 1e-9
assert scipy.special.gammaln(10) > 12 and scipy.stats.norm.ppf(0.5) == 0
assert ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 7)() == 7

logs.configure("error", "json", True)

async def work():
    async with aiosqlite.connect("state.db") as store:
        await store.execute("PRAGMA journal_mode=WAL")
        await store.execute("CREATE TABLE turn (seq INTEGER PRIMARY KEY, facts BLOB)")
        await store.execute("INSERT INTO turn VALUES (1, x'00')")
        await store.commit()
    window = await endpoint.start("localhost", 0, Metrics("1"), lambda: (True, {}))
    async with aiohttp.ClientSession() as session:
        async with session.get("http://localhost:%d/metrics" % window.port) as answer:
            assert answer.status == 200 and b"process_resident_memory_bytes" in await answer.read()
    await window.stop()
    command = await asyncio.create_subprocess_exec("/bin/true")
    assert await command.wait() == 0
    server = await asyncio.start_unix_server(lambda *_: None, "control.sock")
    server.close()

with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(work())
print("done")
"""


class _Compare(ctypes.Structure):
    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("a", ctypes.c_uint64),
        ("b", ctypes.c_uint64),
    )


@cache
def seccomp() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    except OSError:
        pytest.fail("libseccomp.so.2 is missing: install Debian's package `libseccomp2`")
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_load.argtypes = [ctypes.c_void_p]
    library.seccomp_syscall_resolve_name.argtypes = [ctypes.c_char_p]
    library.seccomp_rule_add_array.argtypes = [
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.POINTER(_Compare),
    ]
    return library


@cache
def calls_of(group: str) -> frozenset[str]:
    """The system calls systemd means by `group`, its inner groups opened."""
    listed = run(tool("systemd-analyze"), "syscall-filter", group)
    assert listed.returncode == 0, listed.stderr
    names: set[str] = set()
    for line in listed.stdout.splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            names |= calls_of(word)
        elif word and not word.startswith("#"):
            names.add(word)
    return frozenset(names)


def rule(library: ctypes.CDLL, context: int, action: int, call: str, *compares: _Compare) -> None:
    number = library.seccomp_syscall_resolve_name(call.encode())
    if number == -1:  # systemd names calls this libseccomp or this processor does not have
        return
    array = (_Compare * len(compares))(*compares)
    assert library.seccomp_rule_add_array(context, action, number, len(compares), array) == 0, call


def filters() -> list[int]:
    """What SystemCallFilter, MemoryDenyWriteExecute and RestrictAddressFamilies of the unit become in the kernel."""
    library = seccomp()
    denied = SCMP_ACT_ERRNO | errno.EPERM
    assert one("SystemCallErrorNumber") == "EPERM"
    allow, deny = settings("Service")["SystemCallFilter"]
    assert deny.startswith("~")
    allowed = frozenset().union(*(calls_of(group) for group in allow.split()))
    allowed -= frozenset().union(*(calls_of(group) for group in deny.removeprefix("~").split()))
    # systemd always allows these: without them the program could not even be started.
    allowed |= calls_of("@default")
    calls = library.seccomp_init(denied)
    for call in sorted(allowed):
        rule(library, calls, SCMP_ACT_ALLOW, call)

    memory = library.seccomp_init(SCMP_ACT_ALLOW)
    both = PROT_WRITE | PROT_EXEC
    rule(library, memory, denied, "mmap", _Compare(2, SCMP_CMP_MASKED_EQ, both, both))
    rule(library, memory, denied, "mprotect", _Compare(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC))
    rule(library, memory, denied, "pkey_mprotect", _Compare(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC))
    rule(library, memory, denied, "shmat", _Compare(2, SCMP_CMP_MASKED_EQ, SHM_EXEC, SHM_EXEC))

    families = library.seccomp_init(SCMP_ACT_ALLOW)
    open_families = {FAMILIES[name] for name in one("RestrictAddressFamilies").split()}
    for family in set(range(64)) - open_families:
        unsupported = SCMP_ACT_ERRNO | errno.EAFNOSUPPORT
        rule(library, families, unsupported, "socket", _Compare(0, SCMP_CMP_EQ, family, 0))
    # The list of calls last: it does not allow a further filter.
    return [memory, families, calls]


def fenced(contexts: list[int]) -> Callable[[], None]:
    library = seccomp()

    def apply() -> None:
        for context in contexts:
            if library.seccomp_load(context) != 0:
                os._exit(99)

    return apply


def test_O04_the_libraries_of_the_daemon_work_under_the_filter_of_the_unit(tmp_path: Path) -> None:
    environment = dict(assignment.split("=", 1) for assignment in settings("Service")["Environment"])
    done = subprocess.run(
        [sys.executable, "-c", WORKLOAD],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(FOLDER.parent), **environment},
        preexec_fn=fenced(filters()),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode != 99, "this kernel takes no seccomp filter"
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
