"""Named policies that people make by command: scripts and dispositions beside those of the configuration (C12, C13),
groups, filters and triggers (C06, C16).

Never lets a name of the configuration be taken by a command: the file's one holds.
"""

from __future__ import annotations

from dialerd.campaigns.live import Live
from dialerd.model import intents as i
from dialerd.model.answers import Script
from dialerd.model.dispositions import Disposition
from dialerd.model.policies import Campaign
from dialerd.model.rows import NamedRow
from dialerd.model.triggers import Trigger

SCRIPT, DISPOSITION = "script", "disposition"
GROUP, FILTER, TRIGGER = "group", "filter", "trigger"
DEFAULT_SCRIPT = "default"
"""The script of campaigns that name none."""


def write_named(live: Live, intent: i.WriteNamed) -> None:
    rows = live.named.setdefault(intent.kind, {})
    row = rows.get(intent.id)
    if row is None:
        made = (intent.principal, live.now, intent.principal, live.now)
        row = rows[intent.id] = NamedRow(intent.kind, intent.id, intent.policy, *made)
    row.policy, row.active = intent.policy, intent.active
    row.changed_by, row.changed_at = intent.principal, live.now
    live.mark(row)
    gather(live)


def gather(live: Live) -> None:
    """Bring scripts and dispositions up to date with the configuration and the rows."""
    live.scripts = {
        **{id_: Script.model_validate(row.policy) for id_, row in _active(live, SCRIPT).items()},
        **live.floor.scripts,
    }
    live.dispositions = {
        **{id_: Disposition.model_validate(row.policy) for id_, row in _active(live, DISPOSITION).items()},
        **live.floor.dispositions,
    }
    live.triggers = {id_: Trigger.model_validate(row.policy) for id_, row in _active(live, TRIGGER).items()}


def script_of(live: Live, policy: Campaign) -> tuple[str, Script] | None:
    """The campaign's script and its name; None if it has none."""
    name = policy.script or DEFAULT_SCRIPT
    script = live.scripts.get(name)
    return None if script is None else (name, script)


def dispositions_of(live: Live, policy: Campaign) -> dict[str, Disposition]:
    """The dispositions that the campaign allows, by name."""
    if policy.dispositions == "all":
        return dict(sorted(live.dispositions.items()))
    return {name: live.dispositions[name] for name in policy.dispositions if name in live.dispositions}


def unknown_names(live: Live, policy: Campaign) -> list[tuple[tuple[str, ...], str, list[str]]]:
    """Scripts and dispositions that the campaign names and nobody made: (path of the key, what was found, what is allowed)."""
    wrong: list[tuple[tuple[str, ...], str, list[str]]] = []
    if policy.script is not None and policy.script not in live.scripts:
        wrong.append((("script",), policy.script, sorted(live.scripts)))
    for at, name in enumerate(policy.dispositions if policy.dispositions != "all" else ()):
        if name not in live.dispositions:
            wrong.append((("dispositions", str(at)), name, sorted(live.dispositions)))
    return wrong


def named(live: Live, kind: str, name: str) -> NamedRow | None:
    """The one of a kind that is there under that name."""
    row = live.named.get(kind, {}).get(name)
    return row if row is not None and row.active else None


def all_named(live: Live, kind: str) -> list[NamedRow]:
    """All of a kind that are there, by name."""
    return [row for _, row in sorted(_active(live, kind).items())]


def _active(live: Live, kind: str) -> dict[str, NamedRow]:
    return {id_: row for id_, row in live.named.get(kind, {}).items() if row.active}
