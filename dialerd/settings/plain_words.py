"""What the checked models complain about, in plain words: what is allowed where the operator wrote something else (O01).

Never lets a word of the checking library through, and never tells a value that belongs to a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import ErrorDetails, core_schema

from dialerd.model.policies import NAME_PATTERN
from dialerd.settings.shape import HOST_PATTERN, MODE_PATTERN, Settings
from dialerd.settings.tree import KeyPath, Tree
from dialerd.settings.trouble import LIMIT, Trouble, clean, is_secret, one_of
from dialerd.settings.yaml_lines import Node

MOMENT = "a moment with its offset, such as 2026-11-21T08:00:00+07:00"
PATTERNS: Mapping[str, str] = {
    NAME_PATTERN: "letters, digits, _ and -, at most 64, a letter or digit first",
    r"^[A-Za-z0-9_.@-]{1,64}$": "letters, digits, _ . @ and -, 1 to 64",
    r"^[A-Za-z0-9]+/[^\s,;&|]*\{number\}[^\s,;&|]*$": (
        "Asterisk's dial string with {number} in it, such as PJSIP/{number}@carrier"
    ),
    r"^[0-9*#]{0,16}$": "digits, * and #, at most 16",
    r"^\+?[0-9]{3,15}$": "3 to 15 digits, a + before them or not",
    r'^[^"<>;\\\x00-\x1f\x7f]{0,60}$': (
        "at most 60 characters, none of them a quote, an angle bracket, a semicolon, a backslash or a control character"
    ),
    r"^[A-Za-z0-9]+/[A-Za-z0-9_.@+-]{1,80}$": "a softphone as Asterisk dials it, such as PJSIP/1001",
    r"^([A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*)?$": "the name of a sound without its ending: letters, digits, _ and -, parted by /",
    HOST_PATTERN: "the name or address of a host",
    MODE_PATTERN: "permissions as three octal digits, such as 0660",
}
"""What a pattern of the models means to people."""

_Words = Callable[[Mapping[str, Any], Node | None], str]


def _always(words: str) -> _Words:
    return lambda ctx, node: words


def _bound(words: str, key: str) -> _Words:
    return lambda ctx, node: f"{words} {_figure(ctx.get(key))}"


def _number(words: str) -> _Words:
    def allowed(ctx: Mapping[str, Any], node: Node | None) -> str:
        quoted_number = node is not None and not node.plain and re.fullmatch(r"-?[0-9][0-9.]*", node.written)
        return f"{words} without quotes" if quoted_number else words

    return allowed


def _counted(words: str, key: str, thing: str) -> _Words:
    def allowed(ctx: Mapping[str, Any], node: Node | None) -> str:
        number = ctx.get(key)
        return f"{words} {number} {thing if number != 1 else thing.removesuffix('s')}"

    return allowed


def _entries(words: str, key: str) -> _Words:
    def allowed(ctx: Mapping[str, Any], node: Node | None) -> str:
        number = ctx.get(key)
        return f"{words} {number} {'entry' if number == 1 else 'entries'}"

    return allowed


def _pattern(ctx: Mapping[str, Any], node: Node | None) -> str:
    pattern = str(ctx.get("pattern"))
    return PATTERNS.get(pattern, f"text of the form {pattern}")


def _literal(ctx: Mapping[str, Any], node: Node | None) -> str:
    names = re.findall(r"'([^']*)'", str(ctx.get("expected")))
    return one_of(node.written, names, "nothing") if node is not None and node.written else ", ".join(names)


def _list(ctx: Mapping[str, Any], node: Node | None) -> str:
    return f"a list, such as [{clean(node.written)}]" if node is not None and node.written else "a list"


_DAY = _always("a day as YYYY-MM-DD")
_TRUTH = _always("true or false")
_MAP = _always("keys and values, indented below it")

KNOWN: Mapping[str, _Words] = {
    "missing": _always("a value; this key is needed"),
    "extra_forbidden": _always("another key"),
    "string_type": _always("text"),
    "string_unicode": _always("text"),
    "string_too_short": _counted("at least", "min_length", "characters"),
    "string_too_long": _counted("at most", "max_length", "characters"),
    "string_pattern_mismatch": _pattern,
    "int_type": _number("a whole number"),
    "int_parsing": _number("a whole number"),
    "int_parsing_size": _number("a smaller whole number"),
    "int_from_float": _number("a whole number"),
    "float_type": _number("a number"),
    "float_parsing": _number("a number"),
    "finite_number": _number("a number"),
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
    "greater_than": _bound("more than", "gt"),
    "greater_than_equal": _bound("at least", "ge"),
    "less_than": _bound("less than", "lt"),
    "less_than_equal": _bound("at most", "le"),
    "literal_error": _literal,
    "dict_type": _MAP,
    "model_type": _MAP,
    "model_attributes_type": _MAP,
    "list_type": _list,
    "too_short": _entries("at least", "min_length"),
    "too_long": _entries("at most", "max_length"),
    "date_type": _DAY,
    "date_parsing": _DAY,
    "date_from_datetime_parsing": _DAY,
    "date_from_datetime_inexact": _DAY,
}
"""What is allowed, by the type of the complaint; `value_error` brings our models' own words."""


def _figure(number: object) -> str:
    return f"{number:.0f}" if isinstance(number, float) and number.is_integer() else str(number)


def in_plain_words(tree: Tree, errors: Sequence[ErrorDetails]) -> tuple[list[Trouble], list[KeyPath]]:
    """The troubles that `errors` of the models are, at most LIMIT and one; and the paths of all."""
    told: dict[KeyPath, list[ErrorDetails]] = {}
    choices: dict[KeyPath, list[ErrorDetails]] = {}
    for error in errors:
        loc = error["loc"]
        if error["type"] == "missing":
            path, _ = tree.follow(loc[:-1])
            told.setdefault((*path, str(loc[-1])), []).append(error)
            continue
        path, choice = tree.follow(loc)
        (choices if choice else told).setdefault(path, []).append(error)
    above = {path[:i] for path in choices for i in range(len(path))}
    for path, of_choice in choices.items():
        if path not in above:  # else one branch fits so far, and what is below it says more
            told.setdefault(path, []).extend(of_choice)
    every = list(told.items())
    pairs = [_trouble(tree, path, of_path) for path, of_path in every[: LIMIT + 1]]
    return [trouble for trouble, _ in pairs], [path for _, path in pairs] + [path for path, _ in every[LIMIT + 1 :]]


def _trouble(tree: Tree, path: KeyPath, errors: list[ErrorDetails]) -> tuple[Trouble, KeyPath]:
    kinds = [error["type"] for error in errors]
    if "extra_forbidden" in kinds:
        return tree.trouble(path, "an unknown key", one_of(path[-1], _keys_at(path[:-1]), "none")), path
    if errors[0]["loc"][-1:] == ("[key]",):
        found = "this key" if is_secret(path) else f'the key "{clean(path[-1])}"'
        key = Node("", 0, path[-1], "" if is_secret(path) else path[-1])
        return tree.trouble(path, found, _allowed(tree, path, errors[0], key)), path
    found = tree.shown(path)
    node = tree.node(path)
    length = errors[0].get("ctx", {}).get("actual_length")
    if kinds[0].startswith("string_too") and node is not None and node.written:
        found = f"{len(node.written)} characters"
    elif kinds[0].startswith("too_") and length:
        found = f"{length} {'entry' if length == 1 else 'entries'}"
    if "value_error" in kinds:
        return _own_words(tree, path, found, str(errors[kinds.index("value_error")].get("ctx", {}).get("error")))
    allowed = dict.fromkeys(_allowed(tree, path, error) for error in errors)
    return tree.trouble(path, found, " or ".join(allowed)), path


def _allowed(tree: Tree, path: KeyPath, error: ErrorDetails, key: Node | None = None) -> str:
    kind = error["type"]
    if kind == "float_type" and any(branch.get("format") == "date-time" for branch in _shape_at(path)):
        return MOMENT
    words = KNOWN.get(kind)
    if words is None:
        return f"something else ({kind.replace('_', ' ')})"
    node = None if is_secret(path) else key or tree.node(path)
    return words(error.get("ctx", {}), node)


def _own_words(tree: Tree, path: KeyPath, found: str, message: str) -> tuple[Trouble, KeyPath]:
    """A message of our models, `what is wrong; what is allowed` or only what is wrong, and the path it means."""
    node = tree.node(path)
    if node is not None and isinstance(node.value, dict):
        named = _named_below(node, re.findall(r"[A-Za-z0-9_-]+", message))
        if named:
            path = (*path, *named)
            node, found = tree.node(path), tree.shown(path)
    wrong, _, allowed = message.partition("; ")
    allowed = re.sub(r"^allowed: |,? (is|are) allowed(?=,|$)", "", allowed)
    scalar = node is not None and not isinstance(node.value, (list, dict))
    return tree.trouble(path, f"{found}: {wrong}" if scalar else wrong, allowed), path


def _named_below(node: Node, words: list[str]) -> tuple[str, ...]:
    """The path to the key, here or one level below, that a message about a whole map names."""
    if not isinstance(node.value, dict):
        return ()
    for word in words:
        if word in node.value:
            return (word,)
    for key, child in node.value.items():
        for word in words:
            if isinstance(child.value, dict) and word in child.value:
                return (key, word)
    return ()


class _Schema(GenerateJsonSchema):
    """JSON Schema of what may stand in the file, where the models take a moment as text too."""

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        inner = super().function_before_schema(schema)
        return {"anyOf": [{"type": "string", "format": "date-time"}, inner]}


@cache
def _schema() -> dict[str, Any]:
    return Settings.model_json_schema(schema_generator=_Schema)


def schema(section: str | None = None) -> dict[str, Any]:
    """The JSON Schema of dialerd.yaml, so that editors can help; with a section such as `Campaign`, of that part alone.

    Raises KeyError for a section that is no model of the configuration.
    """
    whole = _schema()
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    if section is None:
        return {**head, **whole}
    return {**head, **whole["$defs"][section], "$defs": whole["$defs"]}


def _branches(shape: dict[str, Any]) -> list[dict[str, Any]]:
    if "$ref" in shape:
        return _branches(_schema()["$defs"][shape["$ref"].rsplit("/", 1)[-1]])
    inner = [*shape.get("anyOf", ()), *shape.get("allOf", ())]
    return [branch for one in inner for branch in _branches(one)] if inner else [shape]


def _shape_at(path: KeyPath) -> list[dict[str, Any]]:
    shapes = _branches(_schema())
    for part in path:
        below: list[dict[str, Any]] = []
        for shape in shapes:
            inner = shape.get("properties", {}).get(part)
            for one in (inner, *shape.get("patternProperties", {}).values(), shape.get("additionalProperties")):
                if isinstance(one, dict):
                    below += _branches(one)
                    break
            if "items" in shape and part.isdecimal():
                below += _branches(shape["items"])
        shapes = below
    return shapes


def _keys_at(path: KeyPath) -> list[str]:
    return [key for shape in _shape_at(path) for key in shape.get("properties", {})]
