"""Checked leads of an all-or-nothing import on the disk, from when all were found good until the last one is added.

Never takes a file for whole that is not: its head is written last, and its frames are counted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from dialerd.adapters.sheets.spool_folder import no_space, sync_folder
from dialerd.model.errors import Refusal
from dialerd.model.facts import NewLead
from dialerd.ports.import_files import StagedHead

_LENGTH = 4
_WHOLE = ".staged"
_encode = msgspec.msgpack.Encoder().encode
_leads = msgspec.msgpack.Decoder(list[NewLead]).decode
_head = msgspec.msgpack.Decoder(StagedHead).decode


class StagingFile:
    """Keeps dialerd.ports.import_files.Staging: frames with a length before each, the head in a file beside them."""

    def __init__(self, folder: Path, job: str) -> None:
        self.name = f"{job}{_WHOLE}"
        self._folder = folder
        try:
            self._file = (folder / f"{job}.part").open("xb")
        except OSError as trouble:
            raise no_space(trouble) from None

    def add(self, leads: Sequence[NewLead]) -> None:
        """See the promise."""
        frame = _encode(leads)
        try:
            self._file.write(len(frame).to_bytes(_LENGTH, "big") + frame)
        except OSError as trouble:
            raise no_space(trouble) from None

    def finish(self, head: StagedHead) -> None:
        """See the promise."""
        body = _encode(head)
        try:
            # Backwards: whoever reads finds the head's length at the end.
            self._file.write(body + len(body).to_bytes(_LENGTH, "big"))
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            Path(self._file.name).rename(self._folder / self.name)
            sync_folder(self._folder)
        except OSError as trouble:
            raise no_space(trouble) from None

    def drop(self) -> None:
        """See the promise."""
        self._file.close()
        Path(self._file.name).unlink(missing_ok=True)
        (self._folder / self.name).unlink(missing_ok=True)


def staged(path: Path) -> tuple[StagedHead, Iterator[list[NewLead]]]:
    """The head and the frames. Raises Refusal if the file is gone or damaged."""
    try:
        with path.open("rb") as file:
            file.seek(-_LENGTH, os.SEEK_END)
            size = int.from_bytes(file.read(_LENGTH), "big")
            end = file.seek(-_LENGTH - size, os.SEEK_END)
            head = _head(file.read(size))
    except (OSError, ValueError, msgspec.DecodeError) as trouble:
        raise _damaged(trouble) from None
    return head, _frames(path, end)


def _frames(path: Path, end: int) -> Iterator[list[NewLead]]:
    with path.open("rb") as file:
        while file.tell() < end:
            try:
                size = int.from_bytes(file.read(_LENGTH), "big")
                yield _leads(file.read(size))
            except (OSError, msgspec.DecodeError) as trouble:
                raise _damaged(trouble) from None


def _damaged(trouble: Exception) -> Refusal:
    return Refusal("staged_gone", f"the leads that were checked and not added yet cannot be read any more: {trouble}")
