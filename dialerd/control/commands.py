"""The table itself: every command by its name.

Never edited for one way in only: a command that is here is on MQTT, on the socket, in the documents and in the tests.
"""

from __future__ import annotations

from types import MappingProxyType

from dialerd.control import agents, campaigns, leads, lines, process
from dialerd.control.table import Table

COMMANDS: Table = MappingProxyType(
    {entry.name: entry for resource in (campaigns, leads, agents, lines, process) for entry in resource.COMMANDS}
)
