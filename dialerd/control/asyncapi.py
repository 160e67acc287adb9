"""The AsyncAPI document of the MQTT channel, made from the command table (O02).

Never written by hand, and never describes what the daemon does not do.
"""

from __future__ import annotations

from typing import Any

from dialerd import __version__
from dialerd.control.commands import COMMANDS

_ERROR = {
    "type": "object",
    "required": ["id", "ok", "error"],
    "properties": {
        "id": {"type": "string"},
        "ok": {"const": False},
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "field": {"type": ["string", "null"]},
                "allowed": {},
            },
        },
    },
}
_EVENTS = {
    "call": "A call's new state, under the call's id: dialing, ringing, answered, waiting, offered, connecting, talking, ended",
    "agent": "An agent's new state, under his number",
    "campaign": "A campaign's new state, under its id",
}


def asyncapi() -> dict[str, Any]:
    """The document, AsyncAPI 3.0."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    schemas: dict[str, Any] = {"error": _ERROR}
    for entry in COMMANDS.values():
        key = entry.name.replace(".", "_").replace("-", "_")
        args = entry.args.model_json_schema(ref_template=f"#/components/schemas/{key}_{{model}}")
        result = entry.result.model_json_schema(
            mode="serialization", ref_template=f"#/components/schemas/{key}_{{model}}"
        )
        for schema in (args, result):
            for name, inner in schema.pop("$defs", {}).items():
                schemas[f"{key}_{name}"] = inner
        args.setdefault("properties", {})["id"] = {
            "type": "string",
            "maxLength": 64,
            "description": "the command's id: the same id gets the first answer again and does nothing twice",
        }
        reply = {
            "type": "object",
            "required": ["id", "ok", "result"],
            "properties": {"id": {"type": "string"}, "ok": {"const": True}, "result": result},
        }
        channels[key] = {
            "address": f"dialerd/{{instance}}/cmd/{{principal}}/{entry.resource}/{entry.verb}",
            "parameters": _parameters("instance", "principal"),
            "messages": {"command": {"payload": args}},
        }
        channels[f"{key}_reply"] = {
            "address": "dialerd/{instance}/reply/{principal}/{id}",
            "parameters": _parameters("instance", "principal", "id"),
            "messages": {"reply": {"payload": {"oneOf": [reply, {"$ref": "#/components/schemas/error"}]}}},
        }
        operations[key] = {
            "action": "receive",
            "summary": entry.summary,
            "description": f"Roles: {', '.join(sorted(entry.roles))}.",
            "channel": {"$ref": f"#/channels/{key}"},
            "reply": {
                "address": {"location": "$message.header#/responseTopic"},
                "channel": {"$ref": f"#/channels/{key}_reply"},
            },
        }
    for resource, about in _EVENTS.items():
        channels[f"event_{resource}"] = {
            "address": f"dialerd/{{instance}}/event/{resource}/{{id}}/{{what}}",
            "description": about,
            "parameters": _parameters("instance", "id", "what"),
            "messages": {"event": {"payload": {"type": "object", "required": ["at"]}}},
        }
        operations[f"event_{resource}"] = {"action": "send", "channel": {"$ref": f"#/channels/event_{resource}"}}
    for resource in ("campaign", "agent"):
        channels[f"state_{resource}"] = {
            "address": f"dialerd/{{instance}}/state/{resource}/{{id}}",
            "description": "How it stands now; retained, at most one a second",
            "parameters": _parameters("instance", "id"),
            "messages": {"state": {"payload": {"type": "object"}}},
        }
        operations[f"state_{resource}"] = {"action": "send", "channel": {"$ref": f"#/channels/state_{resource}"}}
    channels["state_daemon"] = {
        "address": "dialerd/{instance}/state/daemon",
        "description": "online or offline (last will), retained",
        "parameters": _parameters("instance"),
        "messages": {"state": {"payload": {"type": "object", "required": ["state"]}}},
    }
    operations["state_daemon"] = {"action": "send", "channel": {"$ref": "#/channels/state_daemon"}}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "dialerd", "version": __version__, "license": {"name": "Apache-2.0"}},
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"schemas": schemas},
    }


def _parameters(*names: str) -> dict[str, Any]:
    about = {
        "instance": "the daemon's name in its configuration",
        "principal": "the user at the broker; its ACL lets nobody use another's",
        "id": "the command's or the subject's id",
        "what": "the new state",
    }
    return {name: {"description": about[name]} for name in names}
