"""Folders of lists and files that `dialerd check` looks at: those people fill, and those the daemon makes (C06, C18).

Never makes a folder and never lists what is in one.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from dialerd.model.plain_words import KeyPath
from dialerd.model.wording import path_text
from dialerd.settings.shape import Settings
from dialerd.settings.tree import Tree
from dialerd.settings.trouble import Trouble


def folder_troubles(settings: Settings, tree: Tree, broken: frozenset[KeyPath]) -> Iterator[Trouble]:
    """What is wrong with the folders of imports and exports, for the user that asks.

    A folder that people fill may come later (a disk that is mounted): the daemon starts without it, so it is a warning. One that
    the daemon makes has to be there or possible.
    """
    if ("imports",) not in broken:
        for n, folder in enumerate(settings.imports.folders):
            yield from _read(tree, ("imports", "folders", str(n)), folder, "lists")
    if ("exports",) not in broken and settings.exports.templates is not None:
        yield from _read(tree, ("exports", "templates"), settings.exports.templates, "templates")
    if ("store",) in broken:
        return  # a relative folder begins where the store is
    for section, name, folder in (
        ("imports", "work_folder", settings.imports.work_folder),
        ("exports", "folder", settings.exports.folder),
    ):
        beside_store = os.path.dirname(folder) == os.path.dirname(settings.store.path)
        if (section,) not in broken and not (beside_store and not os.path.lexists(folder)):
            yield from _own(tree, (section, name), folder)  # of the store's own folder is told there


def _read(tree: Tree, key: KeyPath, folder: str, what: str) -> Iterator[Trouble]:
    """A folder that the daemon only reads."""
    if not os.path.lexists(folder):
        yield tree.trouble(key, f"no folder {path_text(folder)}", f"a folder of {what} that exists", warning=True)
    elif not os.path.isdir(folder):
        yield tree.trouble(key, f"{path_text(folder)}, which is not a folder", f"a folder of {what}", warning=True)
    elif not os.access(folder, os.R_OK | os.X_OK):
        found = f"the folder {path_text(folder)}, which this user may not read"
        yield tree.trouble(key, found, "a folder that he may read", warning=True)


def _own(tree: Tree, key: KeyPath, folder: str) -> Iterator[Trouble]:
    """A folder that the daemon makes for its own user alone, and writes."""
    try:
        found = os.lstat(folder)
    except FileNotFoundError:
        yield from _to_be_made(tree, key, folder)
        return
    except OSError as trouble:
        yield tree.trouble(key, f"{path_text(folder)} ({trouble.strerror})", "a folder that this user may write")
        return
    mode = stat.S_IMODE(found.st_mode)
    if not stat.S_ISDIR(found.st_mode):
        yield tree.trouble(key, f"{path_text(folder)}, which is not a folder", "a folder, or nothing there")
    elif not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        told = f"the folder {path_text(folder)}, which this user may not read and write"
        yield tree.trouble(key, told, "a folder of his own")
    elif mode & 0o077:
        told = f"the folder {path_text(folder)} of mode {mode:04o}, which lets others in"
        yield tree.trouble(key, told, "mode 0700")


def _to_be_made(tree: Tree, key: KeyPath, folder: str) -> Iterator[Trouble]:
    above = os.path.dirname(folder)
    while not os.path.lexists(above):
        above = os.path.dirname(above)
    if not os.path.isdir(above):
        told = f"no folder {path_text(folder)}, and {path_text(above)} is not a folder"
        yield tree.trouble(key, told, "a path in a folder")
    elif not os.access(above, os.W_OK | os.X_OK):
        told = f"no folder {path_text(folder)}, and {path_text(above)}, where this user may not write"
        yield tree.trouble(key, told, "a folder that exists, or one that he may make")
