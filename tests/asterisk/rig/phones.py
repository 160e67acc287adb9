"""The rig's phones: SIPp as carrier with all customers and as the agents' softphones, and the ear beside them.

Never uses another address than loopback. What a number does is told in `scenarios`.
"""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.asterisk.rig import scenarios, single_calls, sound
from tests.asterisk.rig.root import RigError
from tests.doubles.children import Child

CARRIER, AGENTS = "carrier", "agents"
HOSTS = {CARRIER: "127.0.0.2", AGENTS: "127.0.0.3"}
_SIDES = [CARRIER, AGENTS]
_HERE = Path(__file__).parent
_INVITE = re.compile(r"^INVITE (\S+) (\S+) (\d*) .*?(\d{9,}\.\d+)\s*$", re.MULTILINE)
_HEARD = np.dtype([("at", "<f8"), ("side", "u1"), ("port", "<u2"), ("sound", "u1", (160,))])
_READY_S = 10.0


@dataclass(frozen=True, slots=True)
class Invite:
    """A call that reached a phone: Unix time, SIP Call-ID, number as dialled, Asterisk's sound port for it."""

    at: float
    call_id: str
    number: str
    audio_port: int


def sipp_program() -> str:
    """The path of SIPp. Raises RigError when it is missing."""
    found = shutil.which("sipp")
    if found is None:
        raise RigError("sipp is missing: `make packages` (scripts/debian-packages) installs it (Debian: sip-tester)")
    return found


class Phones:
    """SIPp processes and their logs, in `directory`. Ports are the same on each of `HOSTS`."""

    def __init__(
        self,
        directory: Path,
        asterisk_port: int,
        sip_port: int,
        ear_port: int,
        rtp: tuple[int, int],
        all_speak: bool = False,
    ) -> None:
        self.directory = directory
        self.sip_port = sip_port
        self._asterisk = f"127.0.0.1:{asterisk_port}"
        self._ear_port = ear_port
        self._rtp = rtp
        self._all_speak = all_speak
        self._children: dict[str, Child] = {}
        self._starts = 0

    @property
    def running(self) -> bool:
        return bool(self._children)

    @property
    def pids(self) -> list[int]:
        return [child.pid for child in self._children.values() if child.alive]

    def start(self) -> None:
        """Starts what does not run. Raises RigError when a program is missing or does not come up."""
        if self.running:
            return
        media = self.directory / "sounds"
        sound.write_sounds(media)
        self._starts += 1
        listeners = [f"{HOSTS[side]}:{self._ear_port}" for side in _SIDES]
        self._children["ear"] = Child(
            [sys.executable, "-S", "-E", str(_HERE / "ear.py"), str(self._heard(self._starts)), *listeners],
            self.directory / "ear.out",
        )
        for name, text in (
            (CARRIER, scenarios.carrier(media, self._ear_port, self._all_speak)),
            (AGENTS, scenarios.agents(media, self._ear_port, self._all_speak)),
        ):
            scenario = self.directory / f"{name}.xml"
            scenario.write_text(text)
            self._children[name] = Child(
                [
                    *self._argv(scenario, HOSTS[name]),
                    *("-nd", "-p", str(self.sip_port), "-mp", str(self._rtp[0])),
                    *("-recv_timeout", "7200000"),  # calls last as long as they last
                    *("-trace_logs", "-log_file", str(self._log(name, self._starts))),
                    *("-trace_err", "-error_file", str(self.directory / f"{name}-{self._starts}.err")),
                ],
                self.directory / f"{name}.out",
                cwd=self.directory,
            )
        self._await_ready()

    def stop(self) -> None:
        for child in self._children.values():
            child.kill()  # SIPp takes SIGTERM as a wish to finish its calls first
        self._children = {}

    def invites(self, side: str = CARRIER) -> list[Invite]:
        """Every call that reached `side` since the first start, in order; a retransmission is no call.

        Raises RigError when a phone has died.
        """
        self._must_live()
        found: dict[str, Invite] = {}
        for number in range(1, self._starts + 1):
            log = self._log(side, number)
            text = log.read_text(errors="replace") if log.exists() else ""
            for call_id, dialled, port, at in _INVITE.findall(text):
                found.setdefault(call_id, Invite(float(at), call_id, dialled, int(port or 0)))
        return list(found.values())

    def counts(self, side: str = CARRIER) -> dict[str, int]:
        """Number as dialled -> calls that reached `side`."""
        return dict(Counter(invite.number for invite in self.invites(side)))

    def heard(self, number: str, side: str, since: float = 0.0, which: int = -1) -> dict[str, float]:
        """Seconds of each tone (`sound.TONES`, and `sound`) that a call to `number` brought to that phone.

        `which`: 0 is the first call to it, -1 the newest. `since` (Unix time) leaves out what came before. Only
        phones with sound are listened to: customers 70... and 78..., agents 13xx. Raises RigError when that number was
        not called, or a phone has died.
        """
        invites = self.invites(side)
        mine = [invite for invite in invites if invite.number == number]
        if not mine:
            raise RigError(f"no call to {number!r} reached the {side}")
        call = mine[which]
        later = [other.at for other in invites if other.audio_port == call.audio_port and other.at > call.at]
        parts = [np.fromfile(self._heard(number), dtype=_HEARD) for number in range(1, self._starts + 1)]
        heard = np.concatenate(parts)
        picked = heard[
            (heard["side"] == _SIDES.index(side))
            & (heard["port"] == call.audio_port)
            & (heard["at"] >= max(call.at, since))
            & (heard["at"] < min([*later, float("inf")]))
        ]
        return sound.tones_in(sound.from_ulaw(picked["sound"].reshape(-1)))

    def call_in(self, extension: str, number: str, name: str, keys: str, talk_s: float) -> Child:
        """Someone calls `extension` from the carrier's side, presses `keys` (a second before each), then talks."""
        scenario = self.directory / f"caller-{time.monotonic_ns()}.xml"
        scenario.write_text(single_calls.caller(keys, int(talk_s * 1000)))
        return self._once(
            scenario, CARRIER, "-s", extension, "-key", "caller_number", number, "-key", "caller_name", name
        )

    def register(self, number: str, password: str, expires_s: int = 300) -> None:
        """That phone (20xx) registers at the agents' address; 0 seconds: it goes. Raises RigError when refused."""
        scenario = self.directory / f"register-{number}.xml"
        scenario.write_text(single_calls.registration(number, password))
        keys = ["-key", "contact_port", str(self.sip_port), "-key", "expires", str(expires_s)]
        child = self._once(scenario, AGENTS, *keys, defaults=True)  # a second 401 ends it
        deadline = time.monotonic() + _READY_S
        while child.alive and time.monotonic() < deadline:
            time.sleep(0.02)
        if child.exit_code != 0:
            child.kill()
            raise RigError(f"phone {number} could not register: {child.said()}")

    def _once(self, scenario: Path, side: str, *more: str, defaults: bool = False) -> Child:
        # Without -p SIPp looks for a free port; one call, then it ends by itself.
        argv = [*self._argv(scenario, HOSTS[side]), "-m", "1", *([] if defaults else ["-nd"]), *more, self._asterisk]
        child = Child(argv, scenario.with_suffix(".out"), cwd=self.directory)
        self._children[scenario.stem] = child
        return child

    @staticmethod
    def _argv(scenario: Path, host: str) -> list[str]:
        # SIPp's control socket would else be bound to every interface.
        return [sipp_program(), "-sf", str(scenario), "-nostdin", "-i", host, "-mi", host, "-ci", host]

    def _log(self, side: str, start: int) -> Path:
        return self.directory / f"{side}-{start}.log"

    def _heard(self, start: int) -> Path:
        """A file of each start: one that was cut short leaves half a record at its end."""
        return self.directory / f"heard-{start}.bin"

    def _must_live(self) -> None:
        """Counts of a phone that died would be wrong without a word. Raises RigError."""
        for name in ("ear", CARRIER, AGENTS):
            child = self._children.get(name)
            if child is not None and not child.alive:
                errors = self.directory / f"{name}-{self._starts}.err"
                text = child.said() + (errors.read_text(errors="replace")[-1000:] if errors.exists() else "")
                raise RigError(f"{name} ended by itself (exit code {child.exit_code}): {text}")

    def _await_ready(self) -> None:
        deadline = time.monotonic() + _READY_S
        waiting = dict(self._children)
        while waiting:
            for name, child in list(waiting.items()):
                if not child.alive:
                    self.stop()
                    raise RigError(f"{name} did not start: {child.said() or f'exit code {child.exit_code}'}")
                if self._ready(name, child):
                    del waiting[name]
            if time.monotonic() > deadline:
                self.stop()
                raise RigError(f"did not come up in {_READY_S:.0f} s: {', '.join(waiting)}")
            time.sleep(0.01)

    def _ready(self, name: str, child: Child) -> bool:
        if name == "ear":
            return "listening" in child.said()
        address = bytes(reversed([int(part) for part in HOSTS[name].split(".")])).hex().upper()
        return f" {address}:{self.sip_port:04X} " in Path("/proc/net/udp").read_text()
