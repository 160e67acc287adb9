"""What people type: `dialerd` on the host of the daemon, `dialerctl` to steer it."""

from __future__ import annotations

from dialerd.cli.daemon_commands import dialerd
from dialerd.cli.steering import dialerctl

__all__ = ["dialerctl", "dialerd"]
