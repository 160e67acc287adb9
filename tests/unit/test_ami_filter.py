"""The shipped AMI user hears what the daemon reads, and little else: each further event is one more packet a call (O05)."""

from __future__ import annotations

import re
from pathlib import Path

from dialerd.adapters.asterisk.reading import WANTED

SHIPPED = Path(__file__).parents[2] / "config" / "asterisk" / "manager_dialerd.conf"
ONLY_WHERE_A_DIALPLAN_USES_THEM = {"DTMFEnd", "AsyncAGIStart", "AsyncAGIExec", "AsyncAGIEnd"}


def test_O05_the_shipped_filter_passes_what_is_read_and_nothing_that_every_call_tells_in_vain() -> None:
    passes = re.findall(r"^eventfilter\(name\((\w+)\)\) =$", SHIPPED.read_text(), re.MULTILINE)
    assert len(passes) == len(set(passes))
    assert set(passes) - ONLY_WHERE_A_DIALPLAN_USES_THEM == WANTED | {"FullyBooted", "Shutdown"}
