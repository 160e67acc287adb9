"""What one durable write costs on this disk: the part of a commit that no program can save.

Never more than a few thousand small writes to a temporary file.
"""

from __future__ import annotations

import os
import tempfile
import time

WRITES = 300
PAGE = 4096


def sync_seconds() -> list[float]:
    """Seconds of each of some appended pages until it was durable (write and fdatasync), sorted."""
    found: list[float] = []
    with tempfile.TemporaryFile(prefix="dialerd-bench-") as file:
        for _ in range(WRITES):
            began = time.perf_counter()
            os.write(file.fileno(), bytes(PAGE))
            os.fdatasync(file.fileno())
            found.append(time.perf_counter() - began)
            time.sleep(0.002)
    return sorted(found)
