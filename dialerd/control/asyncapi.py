"""The AsyncAPI document of the MQTT channel, made from the command table (O02).

Never written by hand, and never describes what the daemon does not do.
"""

from __future__ import annotations

import re
from typing import Any, get_args

from dialerd import __version__
from dialerd.control.commands import COMMANDS
from dialerd.model.notices import NoticeKind

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
    "agent": "An agent's new state, under his number; `lead`: the lead he is offered or talks with, his fields and earlier calls, "
    "the script and the dispositions that may be given",
    "campaign": "A campaign's new state, under its id",
    "hotline": "A hotline's new state, under its name: well, warned, resting, quarantined, disabled",
    "job": "An import or export, under its id: running, progress (with its counts), done, failed, cancelled",
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
    for key, address, about, to in (
        ("event_notice", "event/notice/{principal}", "A notice to one person", False),
        ("event_campaign_notice", "event/campaign/{id}/notice/{what}", "A notice, with all whom it goes to", True),
    ):
        names = re.findall(r"\{([a-z]+)\}", address)
        channels[key] = {
            "address": f"dialerd/{{instance}}/{address}",
            "description": about,
            "parameters": _parameters("instance", *names),
            "messages": {"notice": {"payload": _notice(to)}},
        }
        operations[key] = {"action": "send", "channel": {"$ref": f"#/channels/{key}"}}
    for resource in ("campaign", "agent", "hotline"):
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


def _notice(to: bool) -> dict[str, Any]:
    texts = {
        "at": "when, ISO 8601",
        "notice": "the same for all the people it goes to",
        "kind": "what happened",
        "campaign": "the campaign's id",
        "name": "the campaign's name",
        "by": "who did it: a principal, clock or configuration",
        "note": "a person's note or the reason",
    }
    properties: dict[str, Any] = {name: {"type": "string", "description": about} for name, about in texts.items()}
    properties["kind"]["enum"] = list(get_args(NoticeKind))
    if to:
        properties["to"] = {"type": "array", "items": {"type": "string"}, "description": "principals"}
    return {"type": "object", "required": list(properties), "properties": properties}


def _parameters(*names: str) -> dict[str, Any]:
    about = {
        "instance": "the daemon's name in its configuration",
        "principal": "the user at the broker; its ACL lets nobody use another's",
        "id": "the command's or the subject's id",
        "what": "the new state",
    }
    return {name: {"description": about[name]} for name in names}
