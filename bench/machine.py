"""The machine as a measurement sees it: its size, how busy others keep it, and the processor time of a process.

Never names the machine, its owner or a place on it.
"""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Seconds of processor time (user and system) that the process has used. Raises OSError when it is gone."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


class Others:
    """How many processors somebody else keeps busy: all that runs and is not this process or one that it started."""

    def __init__(self) -> None:
        """The measurement begins."""
        self._began, self._used = time.monotonic(), _used_by_others()

    def so_far(self) -> float:
        """Processors, from the beginning to now."""
        return max(0.0, _used_by_others() - self._used) / (time.monotonic() - self._began)


def _used_by_others() -> float:
    """Seconds of processor time of everybody but this process and its descendants, with what a neighbour took away."""
    user, nice, system, _, _, _, _, stolen = map(int, Path("/proc/stat").read_text().split(maxsplit=9)[1:9])
    parents: dict[int, int] = {}
    used: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it ended just now; its parent has its time
            continue
        pid = int(folder.name)
        parents[pid] = int(fields[1])
        used[pid] = sum(map(int, fields[11:15]))  # its own, and that of children which ended
    return (user + nice + system + stolen - sum(t for pid, t in used.items() if _is_ours(pid, parents))) / _TICK


def _is_ours(pid: int, parents: dict[int, int]) -> bool:
    while pid in parents and pid != os.getpid():
        pid = parents[pid]
    return pid == os.getpid()


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))


def size() -> str:
    """The machine in words: cores, memory, Python."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{cores()} cores of {platform.machine()}, {memory:.0f} GiB of memory, Python {platform.python_version()}"
