"""A stream of an OLE compound file, in which old workbooks (xls) live.

Never follows a chain of sectors twice over: a damaged file ends in an error, not in a loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import unpack_from

_FREE = 0xFFFFFFFA
"""This and above are marks, no sectors."""


def stream_of(data: bytes, names: Sequence[str]) -> bytes:
    """The first stream called one of `names`. Raises ValueError, KeyError, IndexError for a damaged file."""
    if len(data) < 512:
        raise ValueError("too short for a compound file")
    shift, mini_shift = unpack_from("<HH", data, 30)
    if shift not in (9, 12) or mini_shift != 6:
        raise ValueError("sectors of an unknown size")
    size = 1 << shift
    directory_at, cutoff, mini_at = (unpack_from("<I", data, place)[0] for place in (48, 56, 60))
    fat = _fat(data, size)
    directory = _chain(data, fat, directory_at, size, size)
    mini_fat = _numbers(_chain(data, fat, mini_at, size, size)) if mini_at < _FREE else []
    root = b""
    for at in range(0, len(directory) - 127, 128):
        length, kind = unpack_from("<HB", directory, at + 64)
        name = directory[at : at + max(length - 2, 0)].decode("utf-16-le", "replace")
        start, bytes_ = unpack_from("<II", directory, at + 116)
        if kind == 5:
            root = _chain(data, fat, start, size, size) if start < _FREE else b""
        if kind == 2 and name in names:
            if bytes_ < cutoff:
                return _chain(root, mini_fat, start, 64, 0)[:bytes_]
            return _chain(data, fat, start, size, size)[:bytes_]
    raise ValueError(f"no stream named {' or '.join(names)}")


def _fat(data: bytes, size: int) -> list[int]:
    sectors = [*unpack_from("<109I", data, 76)]
    more = unpack_from("<I", data, 68)[0]
    seen: set[int] = set()
    while more < _FREE and more not in seen:
        seen.add(more)
        numbers = _numbers(_sector(data, more, size, size))
        sectors += numbers[:-1]
        more = numbers[-1]
    fat: list[int] = []
    for sector in sectors:
        if sector < _FREE:
            fat += _numbers(_sector(data, sector, size, size))
    return fat


def _sector(data: bytes, number: int, size: int, before: int) -> bytes:
    found = data[before + number * size : before + (number + 1) * size]
    if not found:
        raise ValueError("a sector beyond the end of the file")
    return found.ljust(size, b"\0")


def _chain(data: bytes, fat: Sequence[int], start: int, size: int, before: int) -> bytes:
    parts: list[bytes] = []
    at = start
    while at < _FREE:
        if len(parts) > len(fat):
            raise ValueError("sectors in a loop")
        parts.append(_sector(data, at, size, before))
        at = fat[at]
    return b"".join(parts)


def _numbers(block: bytes) -> list[int]:
    return [*unpack_from(f"<{len(block) // 4}I", block)]
