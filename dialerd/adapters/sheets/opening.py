"""A source as an open file descriptor: a regular file in an import folder, or bytes in memory.

Never follows a symbolic link below a folder, never opens a device or a pipe, and never leaves the folders.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from dialerd.adapters.sheets.limits import Limits, too_large
from dialerd.model.errors import Refusal
from dialerd.ports.sheets import InFolder, Source, Spooled, Typed


def name_of(source: Source) -> str:
    """The file's own name."""
    if isinstance(source, Typed):
        return "text.csv"
    return PurePosixPath(source.path if isinstance(source, InFolder) else source.name).name


def opened(source: Source, folders: Sequence[Path], limits: Limits) -> int:
    """A descriptor to read the source from its beginning; the caller closes it. Raises Refusal (field `file`)."""
    if isinstance(source, InFolder):
        return _in_folder(source.path, folders, limits)
    if isinstance(source, Spooled):
        return _regular(Path(source.path).parent, PurePosixPath(Path(source.path).name), limits)
    data = source.text.encode("utf-8", "replace") if isinstance(source, Typed) else source.data
    if len(data) > limits.upload:
        raise too_large("bytes", len(data), limits.upload)
    if not data:
        raise Refusal("bad_file", "the file is empty", "file")
    descriptor = os.memfd_create("sheet", os.MFD_CLOEXEC)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(descriptor, left) :]
        os.lseek(descriptor, 0, os.SEEK_SET)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _in_folder(path: str, folders: Sequence[Path], limits: Limits) -> int:
    if not folders:
        raise Refusal("not_configured", "no import folder is configured", "file")
    told = [str(folder) for folder in folders]
    wanted = PurePosixPath(path)
    if not path or len(path) > 4096 or any(ord(c) < 32 or ord(c) == 127 for c in path) or ".." in wanted.parts:
        raise Refusal("bad_argument", f"{path[:200]!r} is not a path of a file in an import folder", "file", told)
    if not wanted.is_absolute():
        tried = [(folder, wanted) for folder in folders]
    else:
        tried = [(folder, wanted.relative_to(folder)) for folder in folders if wanted.is_relative_to(folder)]
    for folder, inside in tried:
        if not inside.parts:
            continue
        with suppress(FileNotFoundError):
            return _regular(folder, inside, limits)
    raise Refusal("bad_argument", f"there is no file {path[:200]!r} in the import folders", "file", told)


def _regular(folder: Path, inside: PurePosixPath, limits: Limits) -> int:
    """Open step by step, so that nothing on the way can be swapped for a link."""
    try:
        at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for n, part in enumerate(inside.parts, 1):
            last = n == len(inside.parts)
            kind = os.O_NONBLOCK | os.O_NOCTTY if last else os.O_DIRECTORY  # a pipe must not make us wait
            try:
                deeper = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | kind, dir_fd=at)
            finally:
                os.close(at)
            at = deeper
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as trouble:
        why = trouble.strerror if isinstance(trouble, OSError) else "not a name of a file"
        raise Refusal(
            "bad_argument", f"{str(inside)[:200]!r} cannot be opened: {why}; links are not followed", "file"
        ) from None
    status = os.fstat(at)
    try:
        if not stat.S_ISREG(status.st_mode):
            raise Refusal("bad_argument", f"{str(inside)[:200]!r} is not a regular file", "file")
        if status.st_size > limits.file:
            raise too_large("bytes", status.st_size, limits.file)
        if status.st_size == 0:
            raise Refusal("bad_file", "the file is empty", "file")
        os.set_blocking(at, True)
    except BaseException:
        os.close(at)
        raise
    return at
