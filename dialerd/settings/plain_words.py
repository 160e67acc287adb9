"""What the checked models complain about in a file, as troubles with their places; and the schema of that file (O01).

Never finds words of its own: `dialerd.model.plain_words` has them, for commands too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from pydantic_core import ErrorDetails

from dialerd.model import plain_words
from dialerd.model.model_shape import ModelShape
from dialerd.model.plain_words import KeyPath, PlainWords
from dialerd.settings.mail import HELO_PATTERN
from dialerd.settings.shape import HOST_PATTERN, MODE_PATTERN, Settings
from dialerd.settings.tree import Tree
from dialerd.settings.trouble import LIMIT, Trouble

PATTERNS: Mapping[str, str] = {
    **plain_words.PATTERNS,
    HOST_PATTERN: "the name or address of a host",
    MODE_PATTERN: "permissions as three octal digits, such as 0660",
    HELO_PATTERN: "the name of a host: letters, digits, - and ., at most 253",
}
"""What a pattern of the configuration means to people."""


@cache
def _shape() -> ModelShape:
    return ModelShape(Settings)


def in_plain_words(tree: Tree, errors: Sequence[ErrorDetails]) -> tuple[list[Trouble], list[KeyPath]]:
    """The troubles that `errors` of the models are, at most LIMIT and one; and the paths of all."""
    faults, paths = PlainWords(_shape(), PATTERNS).faults(tree, errors, LIMIT)
    return [tree.trouble(fault.path, fault.found, fault.allowed) for fault in faults], paths


def schema(section: str | None = None) -> dict[str, Any]:
    """The JSON Schema of dialerd.yaml, so that editors can help; with a section such as `Campaign`, of that part alone.

    Raises KeyError for a section that is no model of the configuration.
    """
    whole = _shape().whole
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    if section is None:
        return {**head, **whole}
    return {**head, **whole["$defs"][section], "$defs": whole["$defs"]}
