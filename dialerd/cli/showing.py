"""Replies for eyes: tables for lists, lines for one thing; JSON when a program reads.

Never changes what was said, and never lets a stranger's text steer the terminal.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dialerd.cli.terminal import json_text, say


def show(command: str, reply: dict[str, Any], as_json: bool) -> None:
    """Print a reply: results on standard output, refusals on standard error."""
    if as_json:
        say(json_text(reply if not reply.get("ok") else reply["result"]))
        if not reply.get("ok"):
            say(_safe_lines(_told(reply["error"])), err=True)
        return
    if not reply.get("ok"):
        _Console(stderr=True, highlight=False).print(f"[red]refused[/red] {escape(_safe_lines(_told(reply['error'])))}")
        return
    console = _Console(highlight=False)
    result = reply["result"]
    for key, value in result.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            console.print(_table(key, value))
        elif isinstance(value, list) and not value and len(result) == 1:
            console.print(f"no {key}")
        else:
            console.print(f"[bold]{escape(key)}[/bold]  {escape(_plain(value, key))}")


class _Console(Console):
    """One that leaves a reader who has left to the program's end."""

    def on_broken_pipe(self) -> None:
        """Raise it as any other write would."""
        raise BrokenPipeError


def _told(error: dict[str, Any]) -> str:
    allowed, field, message = error.get("allowed"), error.get("field"), error["message"]
    if field and message.startswith(f"{field}: found "):  # every fault in a line, with its field and what is allowed
        return f"{error['code']}: {message}"
    field = f"{field}: " if field else ""
    more = f" (allowed: {', '.join(map(str, allowed)) if isinstance(allowed, list) else allowed})" if allowed else ""
    return f"{error['code']}: {field}{message}{more}"


_COLUMNS = {
    "calls": ("call", "number", "state", "outcome", "agent", "because"),
    "attempts": ("call", "placed_at", "outcome", "agent", "sip", "because"),
    "leads": ("lead", "phone", "name", "state", "attempts", "last_outcome", "next_at"),
    "exports": ("job", "command", "campaign", "state", "by", "at", "rows", "file", "because"),
    "imports": ("job", "campaign", "state", "by", "rows", "added", "duplicates", "suppressed", "refused", "because"),
    "refusals": ("row", "phone", "result", "because"),
    "campaigns": ("campaign", "name", "state", "state_by", "leads"),
    "entries": ("at", "principal", "command", "subject", "note"),
    "agents": ("agent", "name", "state", "reason", "softphone", "phone_state", "after_call"),
}
"""What a table shows of each; --json tells all."""


def _table(what: str, rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    wanted = [key for key in _COLUMNS.get(what, ()) if key in rows[0]] or list(rows[0])
    keys = [key for key in wanted if any(row.get(key) not in (None, "", {}, []) for row in rows)]
    for key in keys:
        table.add_column(key, overflow="fold", no_wrap=key == keys[0])
    for row in rows:
        table.add_row(*(escape(_plain(row.get(key), key)) for key in keys))
    return table


_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)


def _plain(value: Any, key: str = "") -> str:
    if value is None:
        return "-"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(inner, name)}" for name, inner in value.items()) or "-"
    if isinstance(value, list):
        return ", ".join(_plain(inner) for inner in value) or "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str) and (key in ("until", "at") or key.endswith("_at")) and _INSTANT.fullmatch(value):
        return _on_the_wall(value)
    return _safe(str(value))


def _on_the_wall(instant: str) -> str:
    """An instant in UTC as the clock of this terminal (TZ) shows it, with its offset; seconds."""
    return datetime.fromisoformat(instant).astimezone().isoformat(sep=" ", timespec="seconds")


def _safe(text: str) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _safe_lines(text: str) -> str:
    """A reason may have several lines."""
    return "\n".join(_safe(line) for line in text.split("\n"))
