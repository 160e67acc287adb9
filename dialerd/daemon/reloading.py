"""What of a configuration read anew holds at once, and what only a restart can change.

Never lets a part be told of settings that it was not made with.
"""

from __future__ import annotations

from dialerd.campaigns import packs
from dialerd.model.facts import Configured
from dialerd.settings.shape import Settings

_MADE_ONCE = ("instance", "store", "mqtt", "mail", "socket", "http", "exports", "imports")
"""Keys whose parts are made once, at the start."""


def configured(settings: Settings) -> Configured:
    """The fact that these settings hold, with all that a replay needs of them: the floor and every rule pack."""
    return Configured(settings.floor().model_dump(mode="json"), packs.told(settings.packs))


def reloaded(old: Settings, new: Settings) -> tuple[Settings, list[str]]:
    """The settings that hold from now on, and the changed keys that need a restart.

    Servers that are new are in them; a changed or removed one is kept as it was.
    """
    needs_restart = [key for key in _MADE_ONCE if getattr(new, key) != getattr(old, key)]
    changed = [name for name in new.servers if name in old.servers and new.servers[name] != old.servers[name]]
    needs_restart += [f"servers.{name}" for name in (*changed, *sorted(set(old.servers) - set(new.servers)))]
    kept = {key: getattr(old, key) for key in _MADE_ONCE}
    return new.model_copy(update={**kept, "servers": {**new.servers, **old.servers}}), needs_restart
