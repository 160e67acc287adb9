"""The reference of all commands, as Markdown for docs/control.md.

Never written by hand: a test compares the file in docs with what is made here.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from dialerd.control.commands import COMMANDS
from dialerd.control.permissions_shown import permissions_shown
from dialerd.control.table import Command

_HEAD = """# The control channel

Made from the command table by `dialerd commands`; do not edit.

Every operation is one entry of one table, reachable in two ways:

* **From a shell on the host** (no broker needed): `dialerctl RESOURCE VERB ARGUMENTS`, e.g. `dialerctl campaign why spring`.
  The kernel proves the Unix user; root and the daemon's own user may do everything, others what `socket.users` and
  `socket.groups` of the configuration give them.
* **By MQTT**: publish the arguments as a JSON object to `dialerd/<instance>/cmd/<principal>/<resource>/<verb>`. The broker's
  ACL lets a user publish only under its own name (`config/mosquitto/acl`), and `people` of the configuration gives it its roles.
  The reply goes to the MQTT 5 response topic with its correlation data, else to `dialerd/<instance>/reply/<principal>/<id>`.

A reply is `{"id", "ok": true, "result"}` or `{"id", "ok": false, "error": {"code", "message", "field", "allowed"}}`. A command that
changes something is answered after it is on disk. Give it an `id`: the same id gets the first answer again and does nothing twice.

Events are published under `dialerd/<instance>/event/<resource>/<id>/<what>`, states (retained) under
`dialerd/<instance>/state/<resource>/<id>`; `dialerd asyncapi` prints the AsyncAPI document.
"""


def reference() -> str:
    """All commands by resource."""
    parts = [_HEAD, permissions_shown(list(COMMANDS.values()))]
    resource = ""
    for entry in COMMANDS.values():
        if entry.resource != resource:
            resource = entry.resource
            parts.append(f"\n## {resource}\n")
        parts.append(_entry(entry))
    return "\n".join(parts).rstrip() + "\n"


def _entry(entry: Command[Any]) -> str:
    lines = [f"### {entry.name}", "", f"{entry.summary}. Roles: {', '.join(sorted(entry.roles))}.", ""]
    lines += _fields("argument", entry.args)
    lines += _fields("result", entry.result)
    return "\n".join(lines)


def _fields(heading: str, model: type[BaseModel]) -> list[str]:
    schema = model.model_json_schema(mode="validation" if heading == "argument" else "serialization")
    properties: dict[str, Any] = schema.get("properties", {})
    if not properties:
        return []
    required = set(schema.get("required", ()))
    lines = [f"| {heading} | type | |", "|---|---|---|"]
    for name, about in properties.items():
        needed = "required. " if heading == "argument" and name in required else ""
        text = needed + str(about.get("description", "")).replace("\n", " ").replace("|", "\\|")
        lines.append(f"| `{name}` | {_type(about)} | {text.strip()} |")
    return [*lines, ""]


def _type(about: dict[str, Any]) -> str:
    if "enum" in about:
        return ", ".join(map(str, about["enum"]))
    if "anyOf" in about:
        return " or ".join(dict.fromkeys(_type(part) for part in about["anyOf"]))
    if "$ref" in about:
        return str(about["$ref"]).rsplit("/", 1)[-1]
    if about.get("type") == "array":
        return f"list of {_type(about.get('items', {}))}"
    return str(about.get("type", "any"))
