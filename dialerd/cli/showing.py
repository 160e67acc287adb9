"""Replies for eyes: tables for lists, lines for one thing; JSON when a program reads.

Never changes what was said, and never lets a stranger's text steer the terminal.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table


def show(command: str, reply: dict[str, Any], as_json: bool) -> None:
    """Print a reply: results on standard output, refusals on standard error."""
    if as_json:
        print(json.dumps(reply if not reply.get("ok") else reply["result"], ensure_ascii=False, indent=2))
        if not reply.get("ok"):
            print(_told(reply["error"]), file=sys.stderr)
        return
    if not reply.get("ok"):
        Console(stderr=True, highlight=False).print(f"[red]refused[/red] {escape(_safe(_told(reply['error'])))}")
        return
    console = Console(highlight=False)
    result = reply["result"]
    for key, value in result.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            console.print(_table(key, value))
        elif isinstance(value, list) and not value and len(result) == 1:
            console.print(f"no {key}")
        else:
            console.print(f"[bold]{escape(key)}[/bold]  {escape(_plain(value))}")


def _told(error: dict[str, Any]) -> str:
    allowed = error.get("allowed")
    field = f"{error['field']}: " if error.get("field") else ""
    more = f" (allowed: {', '.join(map(str, allowed)) if isinstance(allowed, list) else allowed})" if allowed else ""
    return f"{error['code']}: {field}{error['message']}{more}"


_COLUMNS = {
    "calls": ("call", "number", "state", "outcome", "agent", "because"),
    "attempts": ("call", "placed_at", "outcome", "agent", "sip", "because"),
    "leads": ("lead", "phone", "name", "state", "attempts", "last_outcome", "next_at"),
    "campaigns": ("campaign", "name", "state", "state_by", "leads"),
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
        table.add_row(*(escape(_plain(row.get(key))) for key in keys))
    return table


def _plain(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(inner)}" for key, inner in value.items()) or "-"
    if isinstance(value, list):
        return ", ".join(_plain(inner) for inner in value) or "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _safe(str(value))


def _safe(text: str) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
