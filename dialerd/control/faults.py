"""What is wrong with the arguments of a command, in the words of the configuration's errors: every fault at once.

Never takes a value as right that a model has refused, and never answers with more than anybody reads.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError

from dialerd.model.errors import Refusal
from dialerd.model.model_shape import ModelShape
from dialerd.model.plain_words import Fault, KeyPath, PlainWords
from dialerd.model.policies import Campaign, Floor
from dialerd.model.wording import clean, is_secret, key_text, one_of, quoted

TOLD = 20
"""Faults told of one command."""


class Arguments:
    """The values of a command as JSON gave them; keeps dialerd.model.plain_words.Given."""

    map_words = "keys and values"

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def follow(self, loc: Iterable[int | str]) -> tuple[KeyPath, bool]:
        """The path of a checker's location, and whether the location named a branch of a choice, which is no key."""
        path: list[str] = []
        choice = False
        for part in loc:
            if part == "[key]":
                break
            if self._at((*path, str(part)))[0]:
                path.append(str(part))
            else:
                choice = True
        return tuple(path), choice

    def shown(self, path: Sequence[str]) -> str:
        """The value as a fault tells it: *** for a secret, never what is inside a list or a map."""
        there, value = self._at(path)
        if not there or value is None:
            return "nothing"
        if is_secret(path):
            return "***"
        if isinstance(value, Mapping):
            return "keys and values" if value else "an empty map"
        if isinstance(value, list):
            return "a list" if value else "an empty list"
        return quoted(value) if isinstance(value, str) else clean(json.dumps(value))

    def text(self, path: Sequence[str]) -> str:
        """A scalar as JSON writes it; empty for anything else."""
        value = self._at(path)[1]
        if value is None or isinstance(value, (Mapping, list)):
            return ""
        return value if isinstance(value, str) else json.dumps(value)

    def keys(self, path: Sequence[str]) -> list[str] | None:
        """The keys of the map at `path`; None if there is no map."""
        value = self._at(path)[1]
        return list(value) if isinstance(value, Mapping) else None

    def is_one(self, path: Sequence[str]) -> bool:
        """Whether a scalar stands at `path`."""
        there, value = self._at(path)
        return there and not isinstance(value, (Mapping, list))

    def is_quoted_number(self, path: Sequence[str]) -> bool:
        """Never: what looks like a number is taken for one, with quotes or without."""
        return False

    def _at(self, path: Sequence[str]) -> tuple[bool, Any]:
        value: Any = self._values
        for part in path:
            if isinstance(value, Mapping) and part in value:
                value = value[part]
            elif isinstance(value, list) and re.fullmatch("[0-9]{1,9}", part) and int(part) < len(value):
                value = value[int(part)]
            else:
                return False, None
        return True, value


@cache
def _words(model: type[BaseModel]) -> PlainWords:
    return PlainWords(ModelShape(model))


def faults_of(wrong: ValidationError, model: type[BaseModel], values: Mapping[str, Any]) -> list[Fault]:
    """What `model` found wrong with `values`."""
    errors = wrong.errors(include_url=False, include_input=False)
    return _words(model).faults(Arguments(values), errors, TOLD)[0]


def refusal(faults: Sequence[Fault]) -> Refusal:
    """All of `faults`, one a line of the message; the first one's field, and what is allowed there, beside it."""
    lines = [_line(fault) for fault in faults[:TOLD]]
    if len(faults) > TOLD:
        lines.append(f"and more than these {TOLD}")
    first = faults[0]
    field = key_text(first.path) or None
    return Refusal("bad_argument", "\n".join(lines), field, sorted(first.names) or first.allowed or None)


def _line(fault: Fault) -> str:
    words = f"found {fault.found}" + (f", allowed: {fault.allowed}" if fault.allowed else "")
    return f"{key_text(fault.path) or 'arguments'}: {words}"


def checked_policy(
    floor: Floor,
    policy: Mapping[str, Any],
    under: str,
    against: Callable[[Campaign], Iterable[Fault]] = lambda campaign: (),
) -> Campaign:
    """A campaign's policy as a checked value whose names point at what is on the floor; `under`: the argument it is in.

    `against`: what else is wrong with a policy of the right shape. Raises Refusal with every fault.
    """
    faults: list[Fault] = []
    campaign: Campaign | None = None
    try:
        campaign = Campaign.model_validate(policy)
    except ValidationError as wrong:
        faults = faults_of(wrong, Campaign, policy)
    told = {fault.path for fault in faults}
    for path, found, allowed in floor.unknown_in(campaign or _with_names(policy)):
        if path not in told and isinstance(found, str):
            section = {"schedule": "schedules", "hotline_group": "hotline_groups"}.get(path[0], path[0])
            words = one_of(found, allowed, f"none, there is nothing under {section}")
            faults.append(Fault(path, f"{quoted(found)}, not one of {section}", words, tuple(allowed)))
    faults += () if campaign is None else [fault for fault in against(campaign) if fault.path not in told]
    if campaign is None or faults:
        raise refusal([fault._replace(path=(under, *fault.path)) for fault in faults])
    return campaign


def _with_names(policy: Mapping[str, Any]) -> Campaign:
    """The names that a wrong policy gives, and nothing else; None is no name."""

    def name(value: object) -> object:
        return value if isinstance(value, str) else None

    def names(value: object) -> list[object]:
        return [name(one) for one in value] if isinstance(value, list) else []

    return Campaign.model_construct(
        schedule=name(policy.get("schedule")),
        trunks=names(policy.get("trunks")),
        hotlines=names(policy.get("hotlines")),
        hotline_group=name(policy.get("hotline_group")),
        agents=names(policy.get("agents")),
        agent_groups=names(policy.get("agent_groups")),
    )
