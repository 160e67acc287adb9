"""The table itself: every command by its name.

Never edited for one way in only: a command that is here is on MQTT, on the socket, in the documents and in the tests.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from dialerd.control import (
    agents,
    audit,
    campaign_copies,
    campaign_list,
    campaigns,
    contact_import,
    contacts,
    dispositions,
    dnc,
    explaining,
    exports,
    filters,
    groups,
    hotlines,
    imports,
    lead_adding,
    lead_editing,
    lead_search,
    lead_states,
    leads,
    leads_from_contacts,
    lines,
    participation,
    process,
    scripts,
    shown_leads,
    tickets,
    uploads,
)
from dialerd.control.table import Command, Table

_ENTRIES: tuple[Command[Any], ...] = tuple(
    entry
    for resource in (
        campaigns,
        campaign_copies,
        campaign_list,
        leads,
        lead_adding,
        imports,
        uploads,
        explaining,
        leads_from_contacts,
        lead_search,
        lead_editing,
        participation,
        lead_states,
        shown_leads,
        agents,
        lines,
        hotlines,
        process,
        audit,
        exports,
        dispositions,
        scripts,
        dnc,
        contacts,
        contact_import,
        groups,
        filters,
        tickets,
    )
    for entry in resource.COMMANDS
)
_RESOURCES = list(dict.fromkeys(entry.resource for entry in _ENTRIES))

COMMANDS: Table = MappingProxyType(
    {entry.name: entry for entry in sorted(_ENTRIES, key=lambda entry: _RESOURCES.index(entry.resource))}
)
