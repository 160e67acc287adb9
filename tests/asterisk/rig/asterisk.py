"""A real Asterisk of the test's own, configured from the files operators get in config/asterisk/.

Never listens elsewhere than on loopback, installs nothing, and leaves no process behind.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

from tests.asterisk.rig import sound
from tests.asterisk.rig.ami import Ami
from tests.asterisk.rig.phones import AGENTS, CARRIER, HOSTS, Phones
from tests.asterisk.rig.root import RigError, find_root, wanted_suite
from tests.doubles.children import Child
from tests.doubles.loopback_ports import PortBlock

HOST = "127.0.0.1"
SHIPPED = Path(__file__).resolve().parents[3] / "config" / "asterisk"
_CONF = Path(__file__).parent / "conf"
_AMI, _SIP, _EAR, _DEAD, _RTP = 1, 2, 3, 4, 11
"""Offsets in the rig's block of ports, whose base is odd; sound ports begin at an even one."""
_EMPTY = ("acl", "ccss", "features", "pjproject", "queuerules", "udptl")
"""Configuration files Asterisk complains about when they are not there, and is content with when they say nothing."""
_BOOT_S = 20.0


class Rig:
    """One Asterisk instance with its phones; a context manager.

    `suite`: sid (Asterisk 22) or bullseye (16); None asks DIALERD_TEST_ASTERISK_SUITE. `agents`: phones 1001...;
    `crowd`: phones 30001... for load. `ports`: how many ports it may use (two for each channel with sound).
    `sound`: customers 71... and the crowd speak as long as they are connected; nobody hears them.
    Ports, directory and secrets stay the same through stop, restart and kill9. Raises RigError when the root is missing.
    """

    ami_host = HOST
    ami_user = "dialerd"
    admin_user = "rig"

    def __init__(
        self, suite: str | None = None, agents: int = 50, crowd: int = 0, ports: int = 2000, sound: bool = False
    ) -> None:
        if not 0 <= agents <= 99:
            raise RigError(f"agents: {agents} phones cannot be had, 0 to 99 (1001 to 1099) can; `crowd` has more")
        self.root = find_root(suite or wanted_suite())
        self.agents = [str(1001 + number) for number in range(agents)]
        self.agents += [str(first + n) for first in (1101, 1201) for n in range(10)]
        self.agents += [str(1300 + digit) for digit in range(10)]
        self.agents += [str(30001 + number) for number in range(crowd)]
        self.registering = [str(2001 + number) for number in range(5)]
        self.ami_secret = secrets.token_hex(16)
        self.admin_secret = secrets.token_hex(16)
        self.phone_password = "pw"
        servers = [(socket.SOCK_STREAM, HOST, _AMI), (socket.SOCK_DGRAM, HOST, _SIP)]
        servers += [(socket.SOCK_DGRAM, host, offset) for host in HOSTS.values() for offset in (_SIP, _EAR)]
        self._block = PortBlock(ports, servers)
        base, self._last_port = self._block.base, self._block.base + self._block.count - 1
        self.ami_port = base + _AMI
        self.sip_port = base + _SIP
        self._dead_port = base + _DEAD
        self._first_rtp = base + _RTP
        # Short, because the path of a Unix socket has room for 107 bytes.
        self.directory = Path(tempfile.mkdtemp(prefix="dialerd-rig-"))
        (self.directory / "phones").mkdir()
        self.phones = Phones(
            self.directory / "phones",
            self.sip_port,
            base + _SIP,
            base + _EAR,
            (self._first_rtp, self._last_port),
            sound,
        )
        self._child: Child | None = None

    def __enter__(self) -> Rig:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---------------------------------------------------------------------------------------------------- Asterisk

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.alive

    @property
    def pid(self) -> int:
        """Asterisk's. Raises RigError when it does not run."""
        if self._child is None or not self._child.alive:
            raise RigError("Asterisk does not run")
        return self._child.pid

    def start(self) -> None:
        """Writes the configuration, starts Asterisk and waits until it is fully booted. Raises RigError if it is not."""
        if self.running:
            return
        self._configure()
        # glibc otherwise keeps the memory of every call that ever was.
        memory = {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "1048576", "MALLOC_TOP_PAD_": "131072"}
        self._child = Child(
            [*self.root.argv, "-C", str(self._etc / "asterisk.conf"), "-f"],
            self.directory / "console",
            cwd=self.directory,
            environment={**os.environ, **memory},
        )
        deadline = time.monotonic() + _BOOT_S
        while not self._booted():
            if not self._child.alive or time.monotonic() > deadline:
                self.kill9()
                raise RigError(f"Asterisk did not boot: {self._child.said()}\n{self.log()[-2000:]}")
            time.sleep(0.02)
        if self.phones.running:
            self._await_trunk()

    def stop(self) -> None:
        """An orderly end: SIGTERM; calls are hung up, AMI clients get Shutdown and EOF. The phones go on."""
        if self._child is not None:
            self._child.stop()

    def kill9(self) -> None:
        """SIGKILL: nobody is told anything. The phones go on."""
        if self._child is not None:
            self._child.kill()

    def freeze(self) -> None:
        """SIGSTOP: alive, and silent on every socket, until `thaw`."""
        if self._child is None:
            return
        self._child.send(signal.SIGSTOP)
        deadline = time.monotonic() + _BOOT_S
        while not _all_stopped(self._child.pid):  # a thread that runs on another core stops when it is told
            if time.monotonic() > deadline:
                raise RigError("Asterisk does not stop")
            time.sleep(0.005)

    def thaw(self) -> None:
        if self._child is not None:
            self._child.send(signal.SIGCONT)

    def restart(self) -> None:
        self.stop()
        self.start()

    def close(self) -> None:
        """Stops everything and gives back ports and directory (kept if DIALERD_RIG_KEEP is set)."""
        self.phones.stop()
        self.thaw()
        self.stop()
        self._block.release()
        if not os.environ.get("DIALERD_RIG_KEEP"):
            shutil.rmtree(self.directory, ignore_errors=True)

    def cli(self, command: str) -> str:
        """The output of one CLI command. Raises RigError when Asterisk does not answer."""
        done = subprocess.run(
            [*self.root.argv, "-C", str(self._etc / "asterisk.conf"), "-rx", command],
            capture_output=True,
            text=True,
            timeout=30,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            raise RigError(f"{command!r}: {done.stdout}{done.stderr}")
        return done.stdout

    def ami(self, timeout_s: float = 10.0) -> Ami:
        """A blocking session with the daemon's own rights."""
        return Ami(HOST, self.ami_port, self.ami_user, self.ami_secret, timeout_s)

    def admin(self, timeout_s: float = 10.0) -> Ami:
        """A blocking session with every right, for what the daemon is refused."""
        return Ami(HOST, self.ami_port, self.admin_user, self.admin_secret, timeout_s)

    def log(self) -> str:
        """Notices, warnings and errors since the first start."""
        path = self.directory / "log" / "full"
        return path.read_text(errors="replace") if path.exists() else ""

    def recording(self, name: str) -> Path:
        """Where a recording of that name (as given in DLR_REC) lies; complete once its channel has hung up."""
        return self.directory / "spool" / "monitor" / name

    # ------------------------------------------------------------------------------------------------------ phones

    def start_phones(self) -> None:
        """Starts carrier and agents' phones, and waits until the trunk can be called. Raises RigError if it cannot."""
        self.phones.start()
        if self.running:
            self._await_trunk()

    def stop_phones(self) -> None:
        """All phones go without a word, in the middle of their calls."""
        self.phones.stop()

    def invites(self) -> dict[str, int]:
        """Number as dialled -> calls that reached the carrier since the rig was made; a retransmission is no call."""
        return self.phones.counts(CARRIER)

    def agent_invites(self) -> dict[str, int]:
        """Agent's number -> calls that reached his phone since the rig was made."""
        return self.phones.counts(AGENTS)

    def customer_heard(self, number: str, since: float = 0.0) -> dict[str, float]:
        """Seconds of each tone that reached that customer's phone in his newest call; see Phones.heard."""
        return self.phones.heard(number, CARRIER, since)

    def agent_heard(self, number: str, since: float = 0.0, which: int = -1) -> dict[str, float]:
        """Seconds of each tone that reached that agent's phone in its newest call, or in `which`; see Phones.heard."""
        return self.phones.heard(number, AGENTS, since, which)

    def register(self, number: str, expires_s: int = 300) -> None:
        """Registers one of `registering` (0 seconds: it goes). Raises RigError when it is refused."""
        self.phones.register(number, f"{self.phone_password}{number}", expires_s)

    def call_in(
        self, extension: str, number: str = "41790001122", name: str = "Jane", keys: str = "", talk_s: float = 3.0
    ) -> Child:
        """Someone calls Asterisk from the carrier's side (5001: the queue, 6001: echo) and presses `keys`."""
        return self.phones.call_in(extension, number, name, keys, talk_s)

    # --------------------------------------------------------------------------------------------------- internals

    @property
    def _etc(self) -> Path:
        return self.directory / "etc"

    def _booted(self) -> bool:
        """Asked only once the control socket is there: the question itself costs a process."""
        if not (self.directory / "run" / "asterisk.ctl").exists():
            return False
        try:
            self.cli("core waitfullybooted")
            with socket.create_connection((HOST, self.ami_port), 1):
                return True
        except (RigError, OSError):
            return False

    def _await_trunk(self) -> None:
        deadline = time.monotonic() + _BOOT_S
        for trunk in ("trunk", "trunk-b"):
            self.cli(f"pjsip qualify {trunk}")
            while "Avail " not in self.cli(f"pjsip show aor {trunk}"):
                if time.monotonic() > deadline:
                    raise RigError(f"{trunk} did not become available:\n{self.cli('pjsip show contacts')}")
                time.sleep(0.02)

    def _configure(self) -> None:
        for name in ("etc", "run", "log", "spool/monitor", "spool/outgoing", "lib/agi-bin", "data/sounds/rig", "moh"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        (self.directory / "run" / "asterisk.ctl").unlink(missing_ok=True)  # of one that was killed
        for link, target in (("sounds/en", self.root.sounds), ("documentation", self.root.documentation)):
            path = self.directory / "data" / link
            if not path.is_symlink():
                path.symlink_to(target)
        for file, name, seconds in (("moh/tune", "music", 10.0), ("data/sounds/rig/prompt", "prompt", 2.0)):
            samples = sound.tone(sound.TONES[name], seconds)
            (self.directory / f"{file}.ulaw").write_bytes(sound.to_ulaw(samples))
        carrier = f"{HOSTS[CARRIER]}:{self.sip_port}"
        marks = {
            "@DIR@": str(self.directory),
            "@MODULES@": str(self.root.modules),
            "@AMI_PORT@": str(self.ami_port),
            "@SIP_PORT@": str(self.sip_port),
            "@RIG_SECRET@": self.admin_secret,
            "@CARRIER@": carrier,
            "@DEAD@": f"{HOSTS[CARRIER]}:{self._dead_port}",
            "@RTP_FIRST@": str(self._first_rtp),
            "@RTP_LAST@": str(self._last_port),
            "@PHONES@": self._phone_sections(),
        }
        for name in _EMPTY:
            (self._etc / f"{name}.conf").write_text("")
        for source in _CONF.glob("*.conf"):
            text = source.read_text()
            for mark, value in marks.items():
                text = text.replace(mark, value)
            (self._etc / source.name).write_text(text)
        own = {
            "CHANGE-THIS-SECRET": self.ami_secret,
            "CHANGE-THIS-PASSWORD": f"{self.phone_password}2001",
            "192.0.2.10:5060": carrier,
            "192.0.2.10 ": f"{HOSTS[CARRIER]} ",
            # A registration is sent from another port than the phone listens at.
            "rewrite_contact = yes": "rewrite_contact = no",
            # A test has not half a minute to learn that a trunk died.
            "qualify_frequency = 30": "qualify_frequency = 2",
            "qualify_timeout = 3.0": "qualify_timeout = 1.0",
        }
        unused = set(own)
        for source in SHIPPED.glob("*.conf"):
            text = source.read_text()
            for old, new in own.items():
                if old in text:
                    unused.discard(old)
                    text = text.replace(old, new)
            (self._etc / source.name).write_text(text)
        if unused:
            raise RigError(f"config/asterisk/ no longer has {', '.join(sorted(unused))}: what the rig puts its own for")

    def _phone_sections(self) -> str:
        agents = f"{HOSTS[AGENTS]}:{self.sip_port}"
        lines = [
            f"[{number}](phone)\naors = {number}\n[{number}]\ntype = aor\ncontact = sip:{number}@{agents}\n"
            for number in self.agents
        ]
        lines += [
            f"[{number}](dialerd-agent)\naors = {number}\nauth = {number}\n[{number}](dialerd-agent-aor)\n"
            f"[{number}](dialerd-agent-auth)\nusername = {number}\npassword = {self.phone_password}{number}\n"
            for number in self.registering[1:]  # the first is the shipped sample itself
        ]
        return "".join(lines)


def _all_stopped(pid: int) -> bool:
    """Whether every thread of a process is stopped."""
    threads = [(task / "stat").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    return all(stat.rpartition(")")[2].split()[0] in "Tt" for stat in threads)
