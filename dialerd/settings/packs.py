"""Reads rule packs: those that come with dialerd, and an operator's folder of packs that may extend them.

Never changes a rule silently: an operator's change of a shipped rule needs its own source and date.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files

from pydantic import ValidationError

from dialerd.compliance.pack import SECTIONS, Pack
from dialerd.model.model_shape import ModelShape
from dialerd.model.plain_words import PATTERNS, PlainWords
from dialerd.model.policies import NAME_PATTERN
from dialerd.model.wording import clean, key_text, one_of, quoted
from dialerd.settings.files import Unreadable, read_bytes
from dialerd.settings.tree import Place, Tree
from dialerd.settings.trouble import LIMIT, Trouble, Wrong, cut, in_order
from dialerd.settings.yaml_lines import LONGEST, Node, compose

_ENDINGS = (".yaml", ".yml")
_FOLDER = "dialerd/compliance/packs"
_NO_AREAS = "none, the pack has no areas"


class _PackTree(Tree):
    """A tree of an operator's file over a shipped one: keys are told whole, and lines are those of the operator's file."""

    def place(self, path: Sequence[str]) -> Place:
        found = above = super().place(path)
        for length in range(len(path) - 1, -1, -1):
            if above.file == self.root.file:
                break
            above = super().place(path[:length])
        return Place(above.file, above.line, key_text(path), found.node)


@cache
def shipped() -> Mapping[str, Pack]:
    """The packs that come with dialerd, by name. Raises Wrong only if the installation is broken."""
    packs: dict[str, Pack] = {}
    for name, root in _shipped_roots().items():
        pack, troubles = _checked(name, root)
        if pack is None:
            raise Wrong(troubles)
        packs[name] = pack
    return packs


def read_packs(folder: str | os.PathLike[str] | None) -> dict[str, Pack]:
    """The shipped packs and those of an operator's `folder` (None: no folder), by name; his own come before the shipped.

    Raises Wrong with all errors.
    """
    packs, troubles = look_at_packs(folder)
    if troubles:
        raise Wrong(troubles)
    return packs


def look_at_packs(folder: str | os.PathLike[str] | None) -> tuple[dict[str, Pack], list[Trouble]]:
    """The packs that could be read, and all that is wrong with the others. Raises nothing for bad input.

    A file's name without .yaml is the pack's name; with `extends: vn` it holds only what differs from the shipped pack.
    """
    packs = dict(shipped())
    if folder is None:
        return packs, []
    shown = os.fsdecode(folder)
    try:
        names = sorted(os.listdir(folder))
    except (OSError, ValueError) as trouble:
        words = trouble.strerror if isinstance(trouble, OSError) and trouble.strerror else "no path"
        return packs, [Trouble(shown, 0, "", f"{quoted(shown)} ({words})", "a folder that this user may read")]
    troubles: list[Trouble] = []
    first: dict[str, str] = {}
    for file_name in names:
        name, ending = os.path.splitext(file_name)
        if ending not in _ENDINGS or file_name.startswith("."):
            continue
        file = os.path.join(shown, file_name)
        if name in first:
            troubles.append(Trouble(file, 0, "", f"the pack {clean(name)} twice (first in {first[name]})", "once"))
            continue
        first[name] = file
        pack, wrong = _read(file, name)
        troubles += wrong
        if pack is not None:
            packs[name] = pack
    return packs, cut(in_order(troubles, shown))


@cache
def _shipped_roots() -> Mapping[str, Node]:
    roots: dict[str, Node] = {}
    for file in sorted(files("dialerd.compliance").joinpath("packs").iterdir(), key=lambda entry: entry.name):
        name, ending = os.path.splitext(file.name)
        if ending != ".yaml":
            continue
        root, troubles = compose(f"{_FOLDER}/{file.name}", file.read_bytes())
        if root is None or troubles:
            raise Wrong(troubles)
        roots[name] = root
    return roots


def _read(file: str, name: str) -> tuple[Pack | None, list[Trouble]]:
    if not _is_name(name):
        found = f"a pack's file named {quoted(name)}"
        return None, [Trouble(file, 0, "", found, f"{PATTERNS[NAME_PATTERN]}, then .yaml")]
    try:
        content = read_bytes(file, LONGEST)
    except Unreadable as trouble:
        return None, [Trouble(file, 0, "", str(trouble), "a YAML file")]
    root, troubles = compose(file, content)
    if root is not None and not isinstance(root.value, dict):
        troubles.append(Trouble(file, root.line, "", Tree(root).shown(()), "keys and values"))
        root = None
    if root is None:
        return None, troubles
    extended, wrong = _extended(root)
    troubles += wrong
    if extended is None:
        return None, troubles
    pack, wrong = _checked(name, extended)
    taken = {(trouble.file, trouble.line) for trouble in troubles}
    troubles += [trouble for trouble in wrong if (trouble.file, trouble.line) not in taken]
    return (None if troubles else pack), troubles


def _is_name(text: str) -> bool:
    plain = text.replace("-", "").replace("_", "")
    return len(text) <= 64 and text.isascii() and text[:1].isalnum() and plain.isalnum()


# --- extending


def _extended(root: Node) -> tuple[Node | None, list[Trouble]]:
    """The whole pack of a file that may name another to begin with."""
    assert isinstance(root.value, dict)
    over = Node(root.file, root.line, {key: node for key, node in root.value.items() if key != "extends"})
    named = root.value.get("extends")
    if named is None:
        return over, []
    roots = _shipped_roots()
    base = roots.get(named.written) if not isinstance(named.value, (list, dict)) else None
    if base is None:
        found = Tree(root).shown(("extends",))
        return None, [Trouble(root.file, named.line, "extends", found, one_of(named.written, sorted(roots), "none"))]
    return _merged(base, over), list(_unsourced(base, over))


def _merged(base: Node, over: Node) -> Node:
    """Maps key by key; anything else of `over` takes the place of what `base` has."""
    if not isinstance(base.value, dict) or not isinstance(over.value, dict):
        return over
    items = dict(base.value)
    for key, node in over.value.items():
        items[key] = _merged(items[key], node) if key in items else node
    return Node(over.file, over.line, items)


def _unsourced(base: Node, over: Node) -> Iterator[Trouble]:
    """Rules of the shipped pack that are changed without saying who says so."""
    for section in (*SECTIONS, "duties"):
        old, new = _below(base, section), _below(over, section)
        for name, rule in new.items():
            if name not in old or not isinstance(rule.value, dict):
                continue
            missing = [key for key in ("source", "as_of") if key not in rule.value]
            if missing:
                found = f"a changed rule of the shipped pack without its own {' and '.join(missing)}"
                yield Trouble(
                    rule.file, rule.line, key_text((section, name)), found, "who says so, and when he was asked"
                )


def _below(node: Node, key: str) -> Mapping[str, Node]:
    if not isinstance(node.value, dict):
        return {}
    child = node.value.get(key)
    return child.value if child is not None and isinstance(child.value, dict) else {}


# --- the shape


def _checked(name: str, root: Node) -> tuple[Pack | None, list[Trouble]]:
    """The pack, None if its shape is wrong, and what is wrong."""
    tree = _PackTree(root)
    data = tree.data()
    if "name" in data:
        return None, [tree.trouble(("name",), tree.shown(("name",)), "no name: it is the file's, without .yaml")]
    try:
        pack = Pack.model_validate_json(json.dumps({**data, "name": name}), strict=True)
    except ValidationError as trouble:
        errors = trouble.errors(include_url=False, include_input=False)
    else:
        wrong = [
            tree.trouble(path, quoted(found), one_of(found, allowed, _NO_AREAS))
            for path, found, allowed in pack.unknown_names()
        ]
        return (None if wrong else pack), wrong
    faults, _ = PlainWords(_shape()).faults(tree, errors, LIMIT)
    troubles = [
        tree.trouble(fault.path, fault.found, one_of(fault.path[0], _KEYS, "none"))
        if len(fault.path) == 1 and fault.path[0] not in _KEYS
        else tree.trouble(fault.path, fault.found, fault.allowed)
        for fault in faults
    ]
    return None, cut(in_order(troubles, root.file))


_KEYS = ("extends", *(key for key in Pack.model_fields if key != "name"))


@cache
def _shape() -> ModelShape:
    return ModelShape(Pack)
