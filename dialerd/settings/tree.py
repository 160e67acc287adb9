"""The configuration as one tree of values with their places, out of the main file and the campaigns' files.

Never checks a value: it finds the file, line and key of a path that somebody else complains about.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from dialerd.model.plain_words import KeyPath
from dialerd.model.wording import is_secret, key_text, quoted
from dialerd.settings.trouble import Trouble
from dialerd.settings.yaml_lines import Node


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path ends. `node` is None if the file has no such key: then `line` is that of the nearest above it."""

    file: str
    line: int
    key: str
    node: Node | None


class Tree:
    """Values by path; a path's parts are keys and the numbers of list items, all as text."""

    map_words = "keys and values, indented below it"

    def __init__(self, root: Node) -> None:
        self.root = root

    def place(self, path: Sequence[str]) -> Place:
        """Where `path` is; the key is told as it stands in its own file, so without campaigns.<id> in a campaign's file."""
        node, above, begins = self.root, self.root, 0
        found = True
        for i, part in enumerate(path):
            child = _child(node, part)
            if child is None:
                found = False
                break
            if child.file != node.file:
                begins = i + 1
            node = above = child
        return Place(above.file, above.line, key_text(path[begins:]), node if found else None)

    def follow(self, loc: Iterable[int | str]) -> tuple[KeyPath, bool]:
        """The path of a checker's location, and whether the location named a branch of a choice, which is no key."""
        node, path, choice = self.root, [], False
        for part in loc:
            if part == "[key]":
                break
            child = _child(node, str(part))
            if child is None:
                choice = True
            else:
                path.append(str(part))
                node = child
        return tuple(path), choice

    def node(self, path: Sequence[str]) -> Node | None:
        """The value at `path`, None if there is none."""
        return self.place(path).node

    def shown(self, path: Sequence[str]) -> str:
        """The value at `path` as a trouble tells it: *** for a secret, never what is inside a list or a map."""
        node = self.node(path)
        if node is None or (node.value is None and not node.written):
            return "nothing"
        if is_secret(path):
            return "***"
        if isinstance(node.value, dict):
            return "keys and values" if node.value else "an empty map"
        if isinstance(node.value, list):
            return "a list" if node.value else "an empty list"
        return quoted(node.written) if isinstance(node.value, str) or node.text else node.written

    def text(self, path: Sequence[str]) -> str:
        """A scalar as it stands in the file; empty for anything else."""
        node = self.node(path)
        return "" if node is None else node.written

    def keys(self, path: Sequence[str]) -> list[str] | None:
        """The keys of the map at `path`; None if there is no map."""
        node = self.node(path)
        return list(node.value) if node is not None and isinstance(node.value, dict) else None

    def is_one(self, path: Sequence[str]) -> bool:
        """Whether a scalar stands at `path`."""
        node = self.node(path)
        return node is not None and not isinstance(node.value, (list, dict))

    def is_quoted_number(self, path: Sequence[str]) -> bool:
        """Whether a number stands at `path` that is text by its quotes alone."""
        node = self.node(path)
        return node is not None and not node.plain and bool(re.fullmatch(r"-?[0-9][0-9.]*", node.written))

    def trouble(self, path: Sequence[str], found: str, allowed: str, warning: bool = False) -> Trouble:
        """A trouble at `path`."""
        place = self.place(path)
        return Trouble(place.file, place.line, place.key, found, allowed, warning)

    def where(self, path: Sequence[str], beside: Sequence[str]) -> str:
        """The place of `path` for a trouble at `beside`: `line 7`, with the file if it is another."""
        place, other = self.place(path), self.place(beside)
        return f"line {place.line}" if place.file == other.file else f"line {place.line} of {place.file}"

    def data(self, without: Collection[KeyPath] = ()) -> Any:
        """The values as plain dicts, lists and scalars, without the keys at the paths in `without`."""
        return _plain(self.root, (), without)


def _child(node: Node, part: str) -> Node | None:
    if isinstance(node.value, dict):
        return node.value.get(part)
    if isinstance(node.value, list) and part.isdecimal() and len(part) < 10 and int(part) < len(node.value):
        return node.value[int(part)]
    return None


def _plain(node: Node, path: KeyPath, without: Collection[KeyPath]) -> Any:
    if isinstance(node.value, dict):
        if not without:  # the usual way, without the cost of paths
            return {key: _plain(child, path, without) for key, child in node.value.items()}
        items = [((*path, key), key, child) for key, child in node.value.items()]
        return {key: _plain(child, below, without) for below, key, child in items if below not in without}
    if isinstance(node.value, list):
        return [_plain(child, path, ()) for child in node.value]
    return node.written if node.text else node.value
