"""dialerctl as a process of its own: as a program reads it, as a person at a terminal sees it, and as another Unix user.

Never the click objects in this process: what is tested is what is typed.
"""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

PATIENCE_S = 60.0
_AS = """
import os, sys
from dialerd.cli import dialerctl
os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[1]))
sys.argv = ["dialerctl", *sys.argv[3:]]
dialerctl(prog_name="dialerctl")
"""
"""The interpreter may lie where another user cannot read: so everything is loaded before root's rights are given up."""
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Said(NamedTuple):
    """What a run came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Standard output, read as JSON."""
        assert self.code == 0, self
        found: dict[str, Any] = json.loads(self.out)
        return found


def program() -> str:
    """The installed script. Raises AssertionError when the package is not installed."""
    found = Path(sys.executable).with_name("dialerctl")
    assert found.exists(), "dialerctl is not installed beside this Python: `make venv` installs it"
    return str(found)


def dialerctl(socket: str, *words: str, stdin: bytes = b"") -> Said:
    """One run with pipes: it prints JSON."""
    done = subprocess.run([program(), "--socket", socket, *words], capture_output=True, input=stdin, timeout=PATIENCE_S)
    return Said(done.returncode, done.stdout.decode(), done.stderr.decode())


def as_user(uid: int, gid: int, socket: str, *words: str) -> Said:
    """One run as another Unix user, without further groups; only root can."""
    words = (sys.executable, "-c", _AS, str(uid), str(gid), "--socket", socket, *words)
    done = subprocess.run(words, capture_output=True, timeout=PATIENCE_S)
    return Said(done.returncode, done.stdout.decode(), done.stderr.decode())


def at_a_terminal(socket: str, *words: str) -> Said:
    """One run at a terminal of 160 columns, where it prints for eyes; colours are taken off."""
    ours, its = pty.openpty()
    environment = {**os.environ, "COLUMNS": "160", "TERM": "xterm-256color"}
    process = subprocess.Popen(
        [program(), "--socket", socket, *words], stdin=its, stdout=its, stderr=its, env=environment
    )
    os.close(its)
    said = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        said += part
    os.close(ours)
    code = process.wait(PATIENCE_S)
    return Said(code, _COLOUR.sub("", said.decode()).replace("\r\n", "\n"), "")
