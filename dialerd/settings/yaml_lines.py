"""YAML read strictly, every value with its file and line: only what YAML 1.2 and JSON both call a number is one.

Never guesses (22:30, NO, on, 0912345678 and +84987654321 stay text), never makes an object of a tag, and never
grows without bound by aliases.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import yaml

from dialerd.model.wording import clean, key_text, one_of
from dialerd.settings.trouble import LIMIT, Trouble

LONGEST = 4 * 1024 * 1024
"""Bytes a file may have."""
DEEPEST = 40
MOST_VALUES = 500_000
"""Keys and values a file may have after its aliases are put in."""

Scalar: TypeAlias = str | int | float | bool | None
_INT = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]{0,30})(?:\.[0-9]{1,30}(?:[eE][-+]?[0-9]{1,4})?|[eE][-+]?[0-9]{1,4})")
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_TEXT_TAGS = ("!", "tag:yaml.org,2002:str")
# Line breaks of YAML 1.1 (NEL, LS, PS) are refused with the control characters: editors do not count them as lines.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")
_BREAK = re.compile(r"\r\n|\r|\n")
LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class Node:
    """A value with its place. `line` is that of its key, or its own if it has none."""

    file: str
    line: int
    value: Scalar | list[Node] | dict[str, Node]
    written: str = ""
    """A scalar as it stands in the file."""
    plain: bool = False
    """Whether a scalar stands without quotes."""
    size: int = 1
    """Values in it and below, aliases put in."""
    height: int = 0
    """Levels below it."""
    text: bool = False
    """Whether a number or a true is meant as text, because text is wanted there."""


class _Stop(Exception):
    """The rest of the file cannot be read."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble)
        self.trouble = trouble


def compose(file: str, content: bytes, loader: type[Any] = LOADER) -> tuple[Node | None, list[Trouble]]:
    """The values of the YAML document in `content`, None if it is broken, and all troubles with it.

    A document with troubles that do not break it (a key twice, a tag, an alias of nothing) is still given, so that its
    values can be checked too. An empty document is a trouble. Raises nothing.
    """
    if len(content) > LONGEST:
        return None, [Trouble(file, 0, "", f"more than {LONGEST // 1024 // 1024} MiB", "a smaller file")]
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as trouble:
        at, given = trouble.start, trouble.object  # without the byte order mark
        line = given.count(b"\n", 0, at) + 1
        return None, [Trouble(file, line, "", f"the byte 0x{given[at]:02x}, not UTF-8", "text in UTF-8")]
    strange = _CONTROL.search(text)
    if strange:
        line = len(_BREAK.findall(text, 0, strange.start())) + 1
        return None, [Trouble(file, line, "", f"the control character U+{ord(strange[0]):04X}", "printable text")]
    composer = _Composer(file, text, loader)
    try:
        root = composer.document()
    except _Stop as stop:
        return None, [*composer.troubles, stop.trouble]
    except yaml.MarkedYAMLError as trouble:
        return None, [*composer.troubles, _syntax(file, text, trouble)]
    except (yaml.YAMLError, ValueError, OverflowError):
        # the pure Python scanner lets ValueError and OverflowError out on mad escapes and version numbers
        return None, [*composer.troubles, Trouble(file, 0, "", "broken YAML", "YAML 1.2")]
    return root, composer.troubles


class _Composer:
    """Makes nodes of the parser's events."""

    def __init__(self, file: str, text: str, loader: type[Any]) -> None:
        self.file = file
        self.troubles: list[Trouble] = []
        self._events: Iterator[yaml.Event] = iter(yaml.parse(text, Loader=loader))
        self._anchors: dict[str, Node] = {}
        self._open: dict[str, int] = {}
        self._path: list[str] = []
        self._total = 0

    def document(self) -> Node | None:
        next(self._events)  # the stream's start
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            raise _Stop(self._trouble(0, "an empty file", "keys and values"))
        root = self._node(next(self._events), 0)
        next(self._events)  # the document's end
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise _Stop(self._trouble(_line(after), "a second document (---)", "one document"))
        if root.value is None:
            raise _Stop(self._trouble(0, "an empty file", "keys and values"))
        return root

    def _trouble(self, line: int, found: str, allowed: str, key: str | None = None) -> Trouble:
        path = self._path if key is None else [*self._path, key]
        return Trouble(self.file, line, key_text(path), found, allowed)

    def _tell(self, trouble: Trouble) -> None:
        if len(self.troubles) <= LIMIT:
            self.troubles.append(trouble)

    def _count(self, line: int, values: int) -> None:
        self._total += values
        if self._total > MOST_VALUES:
            raise _Stop(
                self._trouble(line, f"more than {MOST_VALUES} keys and values with the aliases put in", "fewer")
            )

    def _deep(self, line: int, depth: int) -> None:
        if depth > DEEPEST:
            raise _Stop(self._trouble(line, f"more than {DEEPEST} levels", "fewer levels"))

    def _node(self, event: yaml.Event, depth: int) -> Node:
        line = _line(event)
        self._deep(line, depth)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, line, depth)
        self._count(line, 1)
        anchor: str | None = getattr(event, "anchor", None)
        if anchor is not None:
            if anchor in self._anchors or anchor in self._open:
                first = self._open.get(anchor) or self._anchors[anchor].line
                said = f"the anchor &{clean(anchor)} twice (first on line {first})"
                self._tell(self._trouble(line, said, "another name"))
            self._open[anchor] = line
        if isinstance(event, yaml.ScalarEvent):
            node = self._scalar(event, line)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._no_tag(event, line)
            node = self._list(line, depth)
        elif isinstance(event, yaml.MappingStartEvent):
            self._no_tag(event, line)
            node = self._map(line, depth)
        else:
            raise _Stop(self._trouble(line, "broken YAML", "YAML 1.2"))
        if anchor is not None:
            self._open.pop(anchor, None)
            self._anchors[anchor] = node
        return node

    def _alias(self, event: yaml.AliasEvent, line: int, depth: int) -> Node:
        name = str(event.anchor)
        if name in self._open:
            self._tell(self._trouble(line, f"the alias *{clean(name)} inside its own anchor", "no circles"))
            return Node(self.file, line, None)
        meant = self._anchors.get(name)
        if meant is None:
            allowed = one_of(name, sorted(self._anchors), "none, no anchor stands before it")
            self._tell(self._trouble(line, f"the alias *{clean(name)} of no anchor", allowed))
            return Node(self.file, line, None)
        self._count(line, meant.size)
        self._deep(line, depth + meant.height)
        return replace(meant, line=line)

    def _no_tag(self, event: Any, line: int) -> None:
        if event.tag is not None and event.tag not in _TEXT_TAGS:
            tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
            self._tell(self._trouble(line, f"the tag {clean(tag)}", "no tags"))

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> Node:
        self._no_tag(event, line)
        written = str(event.value)
        if any("\ud800" <= c <= "\udfff" for c in written):
            self._tell(self._trouble(line, "half a character (a surrogate escape)", "whole characters"))
            return Node(self.file, line, None)
        plain = not event.style and event.tag is None
        return Node(self.file, line, _resolved(written) if plain else written, written, plain)

    def _list(self, line: int, depth: int) -> Node:
        items: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            self._path.append(str(len(items)))
            items.append(self._node(event, depth + 1))
            self._path.pop()
        return self._holding(line, items, items)

    def _map(self, line: int, depth: int) -> Node:
        items: dict[str, Node] = {}
        merged: list[Node] = []
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key_line = _line(event)
            key = self._node(event, depth + 1)
            name = key.written if not isinstance(key.value, (list, dict)) else None
            self._path.append("?" if name is None else name)
            value = self._node(next(self._events), depth + 1)
            self._path.pop()
            value.line = key_line
            if name is None:
                self._tell(self._trouble(key_line, "a key that is a list or a map", "a key that is text"))
            elif name == "<<" and key.plain:
                merged += self._merge(value)
            elif name in items:
                said = f"the key twice (first on line {items[name].line})"
                self._tell(self._trouble(key_line, said, "once", name))
            else:
                items[name] = value
        for node in merged:
            for name, value in node.value.items() if isinstance(node.value, dict) else ():
                if name not in items:
                    items[name] = value
        return self._holding(line, items, list(items.values()))

    def _holding(self, line: int, value: list[Node] | dict[str, Node], nodes: list[Node]) -> Node:
        height = 1 + max((node.height for node in nodes), default=-1)
        return Node(self.file, line, value, size=1 + sum(node.size for node in nodes), height=height)

    def _merge(self, value: Node) -> list[Node]:
        nodes = value.value if isinstance(value.value, list) else [value]
        if all(isinstance(node.value, dict) for node in nodes):
            return nodes
        self._tell(self._trouble(value.line, "something else than a map under <<", "a map or a list of maps"))
        return []


def _line(event: yaml.Event) -> int:
    mark: Any = event.start_mark
    return int(mark.line) + 1


def _resolved(written: str) -> Scalar:
    if written in _NULL:
        return None
    if written in _BOOL:
        return _BOOL[written]
    if _INT.fullmatch(written):
        return int(written)
    if _FLOAT.fullmatch(written):
        number = float(written)
        return number if math.isfinite(number) else written
    return written


def _syntax(file: str, text: str, trouble: yaml.MarkedYAMLError) -> Trouble:
    """The parser's complaint in words for somebody who does not know its parts."""
    mark: Any = trouble.problem_mark or trouble.context_mark
    if mark is None:
        return Trouble(file, 0, "", "broken YAML", "YAML 1.2")
    lines = _BREAK.split(text)
    number = min(int(mark.line), len(lines) - 1)
    here = lines[number]
    sign = here[mark.column : mark.column + 1] if number == mark.line else ""
    problem, context = str(trouble.problem or ""), str(trouble.context)
    began: Any = trouble.context_mark
    first = number + 1 if began is None else int(began.line) + 1
    begun = "" if first == number + 1 else f" (begun on line {first})"
    if sign == "\t" or "\t" in here[: len(here) - len(here.lstrip())]:
        return Trouble(file, number + 1, "", "a tab", "spaces")
    found, allowed = f"broken YAML: {clean(problem, 120)}{begun}", "YAML 1.2"
    if "mapping values are not allowed" in problem:
        found, allowed = "a colon too many, or a wrong indentation", 'text with ": " in it stands in quotes'
    elif "cannot start any token" in problem:
        found, allowed = f"text that begins with {clean(sign)}", "such text in quotes"
    elif "unexpected end of stream" in problem and "quoted" in context:
        return Trouble(file, first, "", "a quote that is not closed", "a closing quote")
    elif "expected ':'" in problem:
        return Trouble(file, first, "", "a line without a colon", "key: value")
    elif "flow" in context:
        found, allowed = f"a [ or {{ that is not closed{begun}", "a comma, or the closing ] or }"
    elif "block" in context and "expected" in problem:
        found, allowed = f"a line with another indentation{begun}", "the indentation of the lines before"
    return Trouble(file, number + 1, "", found, allowed)
