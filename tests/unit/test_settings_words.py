"""Errors are in plain words, whatever is wrong: no word of the checking library comes through (O01)."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dialerd.settings.plain_words import PATTERNS, schema
from dialerd.settings.read import look
from dialerd.settings.shape import Settings

JARGON = re.compile(
    r"input|pydantic|valid|constrained|extra|literal|string|\bdict|array|object|parsing|model|type|value error|something else|"
    r"integer|float|boolean|NoneType|None\b|Traceback|<|function|True\b|False\b",
)
FULL: dict[str, Any] = {
    "instance": "main",
    "store": {
        "path": "x.sqlite3",
        "synchronous": "full",
        "keep_turns_days": 1,
        "keep_replies_days": 1,
        "keep_deleted_days": 1,
    },
    "mqtt": {
        "host": "h",
        "port": 1883,
        "username": "u",
        "password_file": "p",
        "password_credential": "p",
        "tls": {"ca_file": "a", "cert_file": "b", "key_file": "c"},
    },
    "exports": {"folder": "e", "templates": "t", "keep_days": 1, "pdf_rows": 1, "at_once": 1},
    "imports": {
        "folders": ["/srv/lists"],
        "work_folder": "w",
        "max_mb": 1,
        "max_rows": 1000,
        "memory_mb": 256,
        "keep_days": 1,
    },
    "mail": {
        "host": "h",
        "port": 25,
        "tls": "starttls",
        "ca_file": "a",
        "username": "u",
        "password_file": "p",
        "password_credential": "p",
        "from_address": "d@example.vn",
        "from_name": "n",
        "helo": "h",
        "language": "vi",
        "time_zone": "UTC",
        "timeout_s": 1,
        "letters_per_minute": 1,
        "letters_per_person_per_hour": 1,
    },
    "socket": {"path": "s", "mode": "0660", "users": {"bob": ["ops"]}, "groups": {"staff": ["agent"]}},
    "http": {"host": "::1", "port": 9464},
    "logs": {"level": "info", "format": "json", "mask_numbers": True},
    "drain": {"limit_s": 5},
    "campaigns_dir": ".",
    "packs_dir": "packs",
    "servers": {
        "p": {"host": "h", "port": 1, "username": "u", "secret_file": "f", "secret_credential": "c", "ping_s": 1}
    },
    "trunks": {
        "t": {
            "server": "p",
            "dial": "PJSIP/{number}@c",
            "lines": 1,
            "calls_per_second": 1,
            "number_format": "e164",
            "prefix": "9",
            "ordinary_lines": 0,
            "count_ordinary": True,
        }
    },
    "hotlines": {"h": {"number": "1900", "name": "n"}},
    "hotline_groups": {"g": ["h"]},
    "agent_groups": {"g": ["a"]},
    "limits": {"calls": 1},
    "schedules": {"s": {"time_zone": "UTC", "week": {"mon": ["08:00-09:00"]}, "holidays": ["2026-01-01"]}},
    "agents": {
        "a": {"name": "n", "phone": "PJSIP/1", "server": "p", "softphone": "ring", "principal": "a", "campaigns": ["c"]}
    },
    "scripts": {
        "s": {
            "name": "n",
            "greeting": "g",
            "questions": [
                {"name": "q", "ask": "a", "kind": "choice", "choices": ["x"], "required": True, "hint": "h"},
                {"name": "n", "ask": "a", "kind": "number", "min": 1, "max": 2, "decimal_mark": "comma"},
                {"name": "t", "ask": "a", "max_length": 5},
            ],
            "farewell": "f",
        }
    },
    "dispositions": {
        "d": {
            "title": "t",
            "closes": True,
            "success": False,
            "needs_no_call": True,
            "outcomes": ["answered"],
            "move_to": "c",
            "blacklist": "own",
            "blacklist_channel": "all",
            "not_again_days": 1,
            "not_again_in": "own",
            "refusal": True,
            "recontact": False,
            "recall_after_min": None,
            "recall_within_days": None,
            "private": False,
        },
    },
    "people": {"a": {"roles": ["agent"], "email": "a@example.vn", "language": "en"}},
    "campaigns": {
        "c": {
            "name": "n",
            "description": "d",
            "channel": "voice",
            "mode": "progressive",
            "preview": {"seconds": 15, "skip": True, "skip_rest_min": 60},
            "starts_at": "2026-01-01T00:00:00Z",
            "ends_at": "2026-01-02T00:00:00Z",
            "schedule": "s",
            "trunks": ["t"],
            "hotlines": ["h"],
            "hotline_group": "g",
            "hotline_choice": "random",
            "agents": ["a"],
            "agent_groups": ["g"],
            "share": 1,
            "region": "VN",
            "migrate_2018": False,
            "fields": [
                {
                    "name": "f",
                    "label": "l",
                    "kind": "text",
                    "required": True,
                    "editable": True,
                    "significant": True,
                    "max_length": 5,
                },
                {"name": "n", "kind": "number", "min": 1, "max": 2, "decimal_mark": "comma"},
                {"name": "c", "kind": "choice", "choices": ["x"]},
            ],
            "other_fields": "keep",
            "time_zone": "UTC",
            "script": "s",
            "dispositions": ["d"],
            "dispose_within_min": 1,
            "quota": {"per_agent": 1, "each": {"a": 1}},
            "tries_per_phone": 1,
            "lines": 1,
            "max_attempts": 1,
            "order": {"recalls": "first", "mix": "3:1", "fresh": "oldest", "retries": "earliest_due"},
            "lists": {"l": 1},
            "rest": {"busy": {"again_after_min": 1, "at_most": 1}},
            "ring_s": 30,
            "max_wait_s": 1,
            "agent_ring_s": 5,
            "wrap_up_s": 1,
            "waiting_sound": "music",
            "drop_prompt": "x",
            "max_abandon_rate": 0.01,
            "pack": "plain",
            "purpose": "marketing",
            "finish_when_done": False,
            "supervisors": ["a"],
            "account_manager": "none",
            "tickets": "none",
            "business": {
                "currency": "VND",
                "budget": 1,
                "expected_revenue": 1,
                "cost": 1,
                "revenue": 1,
                "person_in_charge": "a",
            },
        }
    },
}
BAD: list[Any] = [
    None,
    True,
    0,
    -1,
    5,
    10**17,
    0.5,
    -0.5,
    1e300,
    "",
    "x",
    "x y",
    "5",
    "0.5",
    "true",
    "x" * 5000,
    "a\nb",
    "\x1b[31m",
    "~",
    "file:x",
    [],
    [5],
    ["x y"],
    [[]],
    [None],
    ["a"] * 100,
    {},
    {"x y": 1},
    {"x": {}},
    "2026-02-30",
    "20260101",
    "2026-01-01T00:00:00",
    "24:30-25:00",
    "25:00",
]


def paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in `value`, containers too."""
    if at:
        yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in inner:
        yield from paths(below, (*at, key))


def with_value(path: tuple[Any, ...], value: Any) -> str:
    """A configuration of one section, with `value` at `path`."""
    data = {path[0]: copy.deepcopy(FULL.get(path[0]))}
    inner: Any = data
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    return json.dumps(data, ensure_ascii=False)


def unquoted(text: str) -> str:
    """`text` without what was quoted out of the file, and without names of keys."""
    return re.sub(r'"[^"]*"', "", text)


@pytest.mark.parametrize("path", list(paths(FULL)), ids=lambda path: ".".join(map(str, path)))
def test_O01_whatever_stands_under_a_key_the_error_is_in_plain_words(path: tuple[Any, ...], tmp_path: Path) -> None:
    file = tmp_path / "d.yaml"
    for bad in BAD:
        text = with_value(path, bad)
        file.write_text(re.sub(r"[\x1b]", r"\\u001b", text))
        for trouble in look(file, {}).troubles:
            said = str(trouble).removeprefix(str(tmp_path))
            assert said.isprintable()
            words = unquoted(f"{trouble.found}, {trouble.allowed}")
            words = words.replace("Asterisk's dial string", "").replace("quote, < or >", "")
            assert not JARGON.search(words), said
            assert trouble.found
            assert trouble.line > 0


@pytest.mark.parametrize(
    "path", [p for p in paths(FULL) if isinstance(p[-1], str)], ids=lambda path: ".".join(map(str, path))
)
def test_O01_a_strange_key_beside_any_key_is_told_in_plain_words(path: tuple[Any, ...], tmp_path: Path) -> None:
    file = tmp_path / "d.yaml"
    for strange in ("zz zz", "", "é", path[-1] + "s", "x" * 500):
        file.write_text(with_value((*path[:-1], strange), "z z"))
        troubles = look(file, {}).troubles
        assert any(not t.warning for t in troubles) or strange == path[-1] + "s", troubles
        for trouble in troubles:
            assert not JARGON.search(unquoted(f"{trouble.found}, {trouble.allowed}").replace("quote, < or >", "")), str(
                trouble
            )


def test_O01_the_full_sample_of_this_test_has_every_key() -> None:
    def walk(shape: dict[str, Any], value: Any, at: str) -> Iterator[str]:
        for name, inner in shape.get("properties", {}).items():
            if name not in value:
                yield f"{at}.{name}"
            else:
                for branch in (inner, *inner.get("anyOf", ())):
                    if "$ref" in branch:
                        yield from walk(schema()["$defs"][branch["$ref"].split("/")[-1]], value[name], f"{at}.{name}")
                    below = branch.get("additionalProperties")
                    below = below or next(iter(branch.get("patternProperties", {}).values()), None)
                    if isinstance(below, dict) and "$ref" in below:
                        for key, one in value[name].items():
                            yield from walk(schema()["$defs"][below["$ref"].split("/")[-1]], one, f"{at}.{name}.{key}")

    assert list(walk(schema(), FULL, "")) == []


def test_O01_every_pattern_of_the_models_has_words() -> None:
    patterns = set(re.findall(r'"pattern": ("(?:[^"\\]|\\.)*")', json.dumps(schema())))
    patterns |= set(re.findall(r'"patternProperties": \{("(?:[^"\\]|\\.)*")', json.dumps(schema())))
    found = {json.loads(pattern) for pattern in patterns}
    assert found - PATTERNS.keys() == set()
    assert PATTERNS.keys() - found == set(), "words for a pattern that no model has any more"


def test_O01_the_schema_helps_editors_with_every_key() -> None:
    whole = schema()
    assert whole["$schema"].startswith("https://json-schema.org/")
    assert whole["properties"].keys() == Settings.model_fields.keys()
    assert whole["additionalProperties"] is False
    campaign = schema("Campaign")
    assert campaign["properties"]["ring_s"]["description"].startswith("Seconds a customer's phone rings")
    assert {"type": "string", "format": "date-time"} in campaign["properties"]["starts_at"]["anyOf"][0]["anyOf"]
    json.dumps(whole)
    with pytest.raises(KeyError):
        schema("Nothing")
