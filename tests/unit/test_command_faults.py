"""A wrong command is told in the words of a wrong configuration: every fault, its field, what was found, what is allowed (O02)."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from dialerd.control.commands import COMMANDS
from dialerd.control.faults import TOLD, checked_policy
from dialerd.control.table import parse
from dialerd.model.errors import Refusal
from dialerd.model.policies import Campaign, Floor
from dialerd.settings.read import look
from tests.unit.test_settings_words import BAD, FULL, JARGON, paths, unquoted

_SHARED = ("servers", "trunks", "hotlines", "hotline_groups", "schedules", "agents", "agent_groups")
FLOOR = Floor.model_validate({name: FULL[name] for name in _SHARED})
POLICY: dict[str, Any] = FULL["campaigns"]["c"]


def refused(policy: dict[str, Any]) -> Refusal:
    with pytest.raises(Refusal) as found:
        checked_policy(FLOOR, policy, "policy")
    return found.value


def refused_at_all(policy: dict[str, Any]) -> Refusal | None:
    try:
        checked_policy(FLOOR, policy, "policy")
    except Refusal as refusal:
        return refusal
    return None


def test_O02_every_fault_of_a_policy_is_told_at_once() -> None:
    refusal = refused(
        {
            "ring_s": 5,
            "trunks": ["t", "viettel", "a b"],
            "hotlines": ["sales"],
            "mode": "progresive",
            "colour": "red",
            "rest": {"busi": {"again_after_min": 1}, "busy": {"again_after_min": "soon"}},
            "starts_at": "2026-01-01T00:00:00",
            "schedule": "office",
        }
    )
    assert sorted(refusal.message.splitlines()) == [
        "policy.colour: found an unknown key, allowed: "
        + refused({**POLICY, "colour": 1}).message.split("allowed: ")[1],
        'policy.hotlines.0: found "sales", not one of hotlines, allowed: h',
        'policy.mode: found "progresive", allowed: manual, preview, progressive, predictive, callback; did you mean progressive?',
        "policy.name: found nothing, allowed: a value; this key is needed",
        'policy.rest.busy.again_after_min: found "soon", allowed: a number',
        "policy.ring_s: found 5, allowed: at least 15",
        'policy.schedule: found "office", not one of schedules, allowed: s',
        'policy.starts_at: found "2026-01-01T00:00:00": a moment needs its offset, such as 2026-11-21T08:00:00+07:00',
        'policy.trunks.1: found "viettel", not one of trunks, allowed: t',
        'policy.trunks.2: found "a b", allowed: letters, digits, _ and -, at most 64, a letter or digit first',
    ]
    assert (refusal.code, refusal.field) == ("bad_argument", "policy.name")


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("mode", "auto", ["callback", "manual", "predictive", "preview", "progressive"]),
        ("colour", "red", sorted(Campaign.model_fields)),
        ("trunks", ["viettel"], ["t"]),
        ("ring_s", 5, "at least 15"),
        ("trunks", [], "at least 1 entry"),
    ],
)
def test_O02_what_is_allowed_stands_beside_the_message_for_programs(key: str, value: Any, allowed: object) -> None:
    refusal = refused({**POLICY, key: value})
    assert refusal.allowed == allowed
    assert str(refusal.field).startswith(f"policy.{key}")


@pytest.mark.parametrize("path", list(paths(POLICY)), ids=lambda path: ".".join(map(str, path)))
def test_O02_whatever_stands_under_a_key_of_a_policy_is_right_or_told_in_plain_words(path: tuple[Any, ...]) -> None:
    for bad in BAD:
        policy = copy.deepcopy(POLICY)
        inner: Any = policy
        for part in path[:-1]:
            inner = inner[part]
        inner[path[-1]] = bad
        refusal = refused_at_all(policy)
        if refusal is None:
            continue
        assert refusal.field is not None
        assert refusal.field.startswith("policy.")
        for line in refusal.message.splitlines():
            words = unquoted(line.partition(": ")[2]).replace("Asterisk's dial string", "")
            assert line.isprintable()
            assert not JARGON.search(words), line


@pytest.mark.parametrize("entry", COMMANDS.values(), ids=lambda entry: entry.name)
def test_O02_whatever_stands_under_an_argument_is_right_or_told_in_plain_words(entry: Any) -> None:
    for name in entry.args.model_fields:
        for bad in BAD:
            with pytest.raises(Refusal) as found:
                parse(entry, {name: bad, "zz": 1})
            for line in found.value.message.splitlines():
                assert not JARGON.search(unquoted(line.partition(": ")[2])), line


@pytest.mark.parametrize(
    ("key", "value"), [("ring_s", 5), ("trunks", ["viettel"]), ("mode", "auto"), ("region", "XX"), ("lines", [])]
)
def test_O02_a_command_and_a_file_are_told_the_same(key: str, value: Any, tmp_path: Any) -> None:
    (tmp_path / "d.yaml").write_text(
        json.dumps({**FULL, "campaigns": {"c": {**POLICY, key: value}}, "campaigns_dir": None})
    )
    (of_file,) = [t for t in look(tmp_path / "d.yaml", {}).troubles if t.key.startswith(f"campaigns.c.{key}")]
    words = f"found {of_file.found}, allowed: {of_file.allowed}"
    assert refused({**POLICY, key: value}).message == f"{of_file.key.replace('campaigns.c', 'policy')}: {words}"


def test_O02_of_a_thousand_faults_not_all_are_told() -> None:
    lines = refused({**POLICY, "hotlines": [f"no{n}" for n in range(1000)]}).message.splitlines()
    assert len(lines) == TOLD + 1
    assert lines[-1] == f"and more than these {TOLD}"


def test_O02_a_policy_that_is_right_is_taken() -> None:
    assert checked_policy(FLOOR, POLICY, "policy").ring_s == 30
    assert checked_policy(FLOOR, {**POLICY, "lines": "7"}, "policy").lines == 7, "a shell gives texts"
