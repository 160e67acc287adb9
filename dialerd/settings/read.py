"""Reads dialerd.yaml and the campaigns' files into Settings, with all errors at once (O01).

Never opens a secret, never writes, and never gives Settings that any check refused.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dialerd.model.plain_words import KeyPath
from dialerd.model.policies import NAME_PATTERN, Floor
from dialerd.model.wording import path_text, quoted
from dialerd.settings.campaign_packs import fit, gather_packs
from dialerd.settings.files import Unreadable, read_bytes
from dialerd.settings.mail import Mail
from dialerd.settings.plain_words import PATTERNS, in_plain_words
from dialerd.settings.references import references
from dialerd.settings.shape import Mqtt, Settings, Tls
from dialerd.settings.tree import Tree
from dialerd.settings.trouble import Trouble, Wrong, cut, in_order
from dialerd.settings.yaml_lines import LONGEST, Node, compose

_ENDINGS = (".yaml", ".yml")
_SOCKET_LONGEST = 107
"""Bytes of a Unix socket's path: sun_path holds 108 with its end."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at a configuration gives. `settings` is None if there are errors; `tree` if nothing could be read.

    `rest` are the settings without what is wrong in its own shape, to look around with and never to run with; None if
    there is no such thing. `broken` are the sections and entries of sections that are wrong or left out.
    """

    settings: Settings | None
    troubles: list[Trouble]
    tree: Tree | None
    rest: Settings | None = None
    broken: frozenset[KeyPath] = frozenset()


def read(path: str | os.PathLike[str], env: Mapping[str, str]) -> Settings:
    """The checked configuration in `path`, with the campaigns of its campaigns_dir, every path in it made absolute.

    `env` gives STATE_DIRECTORY and RUNTIME_DIRECTORY. Raises Wrong with all errors; warnings are told by `check` only.
    """
    looked = look(path, env)
    if looked.settings is None:
        raise Wrong([trouble for trouble in looked.troubles if not trouble.warning])
    return looked.settings


def look(path: str | os.PathLike[str], env: Mapping[str, str]) -> Looked:
    """The configuration in `path` and all troubles of its shape, warnings too. Raises nothing for bad input."""
    file = os.fsdecode(path)
    folder = Path(os.path.abspath(file)).parent if "\0" not in file else Path()
    root, troubles = _composed(file)
    if root is None:
        return Looked(None, cut(troubles), None)
    tree = Tree(root)
    troubles += _gather_campaigns(tree, os.path.dirname(file), folder)
    taken = {(trouble.file, trouble.line) for trouble in troubles}
    packs = gather_packs(tree, os.path.dirname(file))
    rest, wrong, broken = _shaped(tree)
    if rest is not None:
        wrong += fit(rest, tree, packs, broken)
    troubles += [trouble for trouble in wrong if (trouble.file, trouble.line) not in taken]
    troubles += packs.troubles
    if rest is not None:
        rest = _settled(rest, folder, env).with_packs(packs.good)
        if not broken & {("store",), ("socket",)}:
            troubles += _too_long(rest, tree)
    refused = any(not trouble.warning for trouble in troubles)
    return Looked(None if refused else rest, cut(in_order(troubles, file)), tree, rest, broken)


def _composed(file: str) -> tuple[Node | None, list[Trouble]]:
    try:
        content = read_bytes(file, LONGEST)
    except Unreadable as trouble:
        return None, [Trouble(file, 0, "", str(trouble), "a YAML file")]
    root, troubles = compose(file, content)
    if root is not None and not isinstance(root.value, dict):
        troubles.append(Trouble(file, root.line, "", Tree(root).shown(()), "keys and values"))
        root = None
    return root, troubles


# --- campaigns in files of their own


def _gather_campaigns(tree: Tree, shown_folder: str, folder: Path) -> list[Trouble]:
    """Puts the campaigns of campaigns_dir into the tree."""
    named = tree.node(("campaigns_dir",))
    if named is None or not isinstance(named.value, str) or not named.value or not isinstance(tree.root.value, dict):
        return []  # none, or of a wrong shape, which the check of the shape tells
    section = tree.root.value.setdefault("campaigns", Node(tree.root.file, named.line, {}))
    if section.value is None:
        section.value = {}
    if not isinstance(section.value, dict):
        return []
    section.value = dict(section.value)  # an alias may share it
    troubles: list[Trouble] = []
    try:
        names = sorted(os.listdir(folder / named.value))
    except (OSError, ValueError) as trouble:
        words = trouble.strerror if isinstance(trouble, OSError) and trouble.strerror else "no path"
        return [
            tree.trouble(("campaigns_dir",), f"{quoted(named.value)} ({words})", "a folder that this user may read")
        ]
    for name in names:
        stem, ending = os.path.splitext(name)
        if ending not in _ENDINGS or name.startswith("."):
            continue
        file = os.path.join(shown_folder, named.value, name)
        if not _is_name(stem):
            troubles.append(
                Trouble(file, 0, "", f"a campaign's file named {quoted(name)}", f"{PATTERNS[NAME_PATTERN]}, then .yaml")
            )
            continue
        root, wrong = _composed(file)
        troubles += wrong
        if root is None:
            continue
        first = section.value.get(stem)
        if first is not None:
            found = f"the campaign {stem} twice (first in {first.file}:{first.line})"
            troubles.append(Trouble(file, root.line, "", found, "once"))
            continue
        section.value[stem] = root
    return troubles


def _is_name(text: str) -> bool:
    return (
        len(text) <= 64 and text.isascii() and text[:1].isalnum() and text.replace("-", "").replace("_", "").isalnum()
    )


# --- the shape


def _shaped(tree: Tree) -> tuple[Settings | None, list[Trouble], frozenset[KeyPath]]:
    """The settings without what is wrong, the troubles of the shape and between the parts, and the wrong parts' paths."""
    settings, troubles, paths = _validated(tree, ())
    if settings is not None:
        return settings, references(settings, tree), frozenset()
    # The rest is checked all the same, so that all errors are told at once: first without the fields that are wrong, then
    # without what cannot do without them.
    wrong = frozenset(paths)
    without: set[KeyPath] = set()
    depth = 3
    while paths and all(paths):
        without.update(path[:depth] if path[0] in Floor.model_fields else path[:1] for path in paths)
        rest, _, paths = _validated(tree, without)
        if rest is not None:
            broken = frozenset(path[:2] for path in without)
            return rest, troubles + references(rest, tree, broken, wrong), broken
        depth = 2
    return None, troubles, frozenset()


def _validated(tree: Tree, without: Collection[KeyPath]) -> tuple[Settings | None, list[Trouble], list[KeyPath]]:
    """Settings, or troubles and the paths of their values."""
    while True:
        try:
            return Settings.model_validate_json(json.dumps(tree.data(without)), strict=True), [], []
        except ValidationError as trouble:
            errors = trouble.errors(include_url=False, include_input=False)
        except OverflowError:
            return None, *_overflow(tree, without)
        taken = [_take_as_text(tree, error["loc"]) for error in errors if error["type"] == "string_type"]
        if not any(taken):
            return None, *in_plain_words(tree, errors)


def _take_as_text(tree: Tree, loc: tuple[int | str, ...]) -> bool:
    """Where text is wanted, a number or a true without quotes is text as it is written; whether one was made so."""
    path, _ = tree.follow(loc)
    node = tree.node(path)
    if node is None or node.text or not node.plain or not isinstance(node.value, (int, float)):
        return False
    node.text = True
    return True


def _overflow(tree: Tree, without: Collection[KeyPath]) -> tuple[list[Trouble], list[KeyPath]]:
    """The part that made a check run over, such as a moment of the year 1 with an offset."""
    data: dict[str, Any] = tree.data(without)
    for section in Floor.model_fields:
        part = data.get(section)
        for key, value in part.items() if isinstance(part, dict) else ():
            try:
                Settings.model_validate_json(json.dumps({section: {key: value}}), strict=True)
            except ValidationError:
                continue
            except OverflowError:
                path = (section, key)
                return [tree.trouble(path, "a moment or number out of range", "years 1970 to 3000")], [path]
    return [tree.trouble((), "a moment or number out of range", "years 1970 to 3000")], [()]


# --- paths


def _settled(settings: Settings, folder: Path, env: Mapping[str, str]) -> Settings:
    """`settings` with every path absolute."""
    state = folder / env.get("STATE_DIRECTORY", "").split(":")[0]
    store = settings.store.model_copy(update={"path": _absolute(state, settings.store.path)})
    runtime = env.get("RUNTIME_DIRECTORY", "").split(":")[0]
    beside = folder / runtime if runtime else Path(store.path).parent
    exports = settings.exports
    files = state if env.get("STATE_DIRECTORY") else Path(store.path).parent
    servers = {
        key: server.model_copy(update={"secret_file": _optional(folder, server.secret_file)})
        for key, server in settings.servers.items()
    }
    return settings.model_copy(
        update={
            "store": store,
            "socket": settings.socket.model_copy(update={"path": _absolute(beside, settings.socket.path)}),
            "exports": exports.model_copy(
                update={
                    "folder": _absolute(files, exports.folder),
                    "templates": _optional(folder, exports.templates),
                }
            ),
            "imports": settings.imports.model_copy(
                update={"work_folder": _absolute(files, settings.imports.work_folder)}
            ),
            "servers": servers,
            "mqtt": None if settings.mqtt is None else _settled_mqtt(settings.mqtt, folder),
            "mail": None if settings.mail is None else _settled_mail(settings.mail, folder),
            "campaigns_dir": _optional(folder, settings.campaigns_dir),
            "packs_dir": _optional(folder, settings.packs_dir),
        }
    )


def _settled_mqtt(mqtt: Mqtt, folder: Path) -> Mqtt:
    tls = mqtt.tls
    if tls is not None:
        tls = tls.model_copy(update={name: _optional(folder, getattr(tls, name)) for name in Tls.model_fields})
    return mqtt.model_copy(update={"tls": tls, "password_file": _optional(folder, mqtt.password_file)})


def _settled_mail(mail: Mail, folder: Path) -> Mail:
    return mail.model_copy(
        update={name: _optional(folder, getattr(mail, name)) for name in ("ca_file", "password_file")}
    )


def _absolute(folder: Path, path: str) -> str:
    return os.path.normpath(folder / path)


def _optional(folder: Path, path: str | None) -> str | None:
    return None if path is None else _absolute(folder, path)


def _too_long(settings: Settings, tree: Tree) -> Iterator[Trouble]:
    length = len(os.fsencode(settings.socket.path))
    if length > _SOCKET_LONGEST:
        found = f"a path of {length} bytes ({path_text(settings.socket.path)})"
        yield tree.trouble(("socket", "path"), found, f"at most {_SOCKET_LONGEST} bytes for a Unix socket")
