"""Who is in which group (C06): members join and leave.

Never holds members: a group may have a million, and they are in the store alone.
"""

from __future__ import annotations

from dialerd.campaigns.live import Live
from dialerd.model import intents as i
from dialerd.model.rows import MemberRow


def write_members(live: Live, intent: i.WriteMembers) -> None:
    """Members join a group or leave it."""
    for member in intent.members:
        live.mark(MemberRow(intent.kind, intent.group, member, live.now, intent.principal, intent.active))
