"""The machine as a measurement sees it: its size, how busy others keep it, and the processor time of a process.

Never names the machine, its owner or a place on it.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Seconds of processor time (user and system) that the process has used. Raises OSError when it is gone."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def load() -> float:
    """How many processes wanted to run, averaged over the last minute: our own and everybody else's."""
    return os.getloadavg()[0]


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))


def size() -> str:
    """The machine in words: cores, memory, Python."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{cores()} cores of {platform.machine()}, {memory:.0f} GiB of memory, Python {platform.python_version()}"
