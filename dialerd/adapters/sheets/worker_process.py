"""The daemon's end of a reading worker: started, listened to, and ended with the reading.

Never leaves a process or a descriptor behind, and never waits for a worker that says nothing.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import subprocess
import sys
import threading
import weakref
from contextlib import suppress
from typing import IO

import msgspec

from dialerd.adapters.sheets.frames import LENGTH, MAX_FRAME, SAID, Refused, Said, Task, framed
from dialerd.adapters.sheets.limits import Limits
from dialerd.adapters.sheets.worker import MEMORY_SHORT
from dialerd.model.errors import Refusal

_PIPE = 1 << 20
"""Bytes that a worker may be ahead."""


class Worker:
    """One worker process. `hear` from one thread at a time; `close` from any."""

    def __init__(self, task: Task) -> None:
        """Start it; the task's descriptor is its own from now on. Raises Refusal if it cannot be started."""
        self._limits: Limits = task.limits
        self._closed = threading.Event()
        self._hearing = threading.Lock()
        self._last_words = os.memfd_create("worker-stderr", os.MFD_CLOEXEC)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "dialerd.adapters.sheets.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._last_words,
                bufsize=0,
                pass_fds=(task.descriptor,),
                env={"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "LC_ALL": "C.UTF-8"},
                start_new_session=True,
            )
        except OSError as trouble:
            os.close(self._last_words)
            raise Refusal("cannot_read_now", f"no reading process can be started: {trouble.strerror}") from None
        finally:
            os.close(task.descriptor)
        # Whoever forgets to close must not leave a process that waits for us to read.
        self._finally = weakref.finalize(self, _end, self._process, self._last_words)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._out: IO[bytes] = self._process.stdout
        with suppress(OSError):
            fcntl.fcntl(self._out.fileno(), fcntl.F_SETPIPE_SZ, _PIPE)
        self._poll = select.poll()
        self._poll.register(self._out.fileno(), select.POLLIN)
        with suppress(BrokenPipeError):
            self._process.stdin.write(framed(task)[LENGTH:])
        self._process.stdin.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def closed(self) -> bool:
        """Whether it was ended by `close`."""
        return self._closed.is_set()

    def hear(self) -> Said:
        """The next it says. Raises Refusal if it refuses, says nothing for too long, or is dead."""
        with self._hearing:
            said = self._hear()
        if isinstance(said, Refused):
            raise said.refusal()
        return said

    def _hear(self) -> Said:
        if self.closed:
            raise _stopped()
        try:
            length = int.from_bytes(self._exactly(LENGTH), "big")
            if length > MAX_FRAME:
                raise Refusal("bad_file", "the reading process said something that is no answer", "file")
            return SAID.decode(self._exactly(length))
        except msgspec.DecodeError:
            raise Refusal("bad_file", "the reading process said something that is no answer", "file") from None

    def _exactly(self, size: int) -> bytearray:
        found = bytearray(size)
        left = memoryview(found)
        while left:
            if not self._poll.poll(self._limits.silence * 1000):
                raise Refusal("bad_file", f"reading it takes too long: no row in {self._limits.silence:g} s", "file")
            got = os.readv(self._out.fileno(), [left])
            if not got:
                raise self._dead()
            left = left[got:]
        return found

    def _dead(self) -> Refusal:
        code = self._process.wait()
        words = os.pread(self._last_words, 2000, 0).decode("utf-8", "replace")
        if self.closed:
            return _stopped()
        if code == -signal.SIGXCPU:
            seconds = self._limits.processor
            return Refusal("too_large", f"reading it takes more than {seconds} s of processor time", "file")
        if code == -signal.SIGKILL or "memory" in words.lower():  # the host's end to it, or the allocator's
            return Refusal("too_large", MEMORY_SHORT.format(self._limits.memory // 1_000_000), "file")
        last = words.strip().splitlines()[-1:] or [f"exit code {code}"]
        return Refusal("bad_file", f"the reading process died: {last[0][:200]}", "file")

    def close(self) -> None:
        """End it now, and give its descriptors back. Does nothing the second time."""
        self._closed.set()
        with suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        with self._hearing:  # who waits there is woken by the end of the pipe
            self._finally()


def _stopped() -> Refusal:
    return Refusal("stopping", "the reading was ended")


def _end(process: subprocess.Popen[bytes], last_words: int) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
    os.close(last_words)
