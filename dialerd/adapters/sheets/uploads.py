"""Lists that come over the control channel in pieces, each a file of the daemon's own until it is read.

Never takes a piece out of its place, from somebody else, or beyond what was said at the beginning.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
from pathlib import Path

import msgspec

from dialerd.adapters.sheets.limits import too_large
from dialerd.adapters.sheets.spool_folder import no_space
from dialerd.model.errors import Refusal
from dialerd.model.instants import Instant
from dialerd.ports.sheets import Spooled

AT_ONCE = 40
"""Uploads that are there at a time."""
OF_ONE = 8
"""And of one principal."""


class _Upload(msgspec.Struct):
    """One upload. `got`: bytes that are there."""

    by: str
    name: str
    size: int
    path: Path
    touched: Instant
    got: int = 0
    whole: bool = False


class Uploads:
    """The uploads there are. May be used from several threads."""

    def __init__(self, folder: Path, at_most: int) -> None:
        """`at_most`: bytes of one."""
        self._folder = folder
        self._at_most = at_most
        self._known: dict[str, _Upload] = {}
        self._lock = threading.Lock()

    def begin(self, by: str, name: str, size: int, now: Instant) -> str:
        """See ImportFiles.begin_upload."""
        if size > self._at_most:
            raise too_large("bytes", size, self._at_most)
        with self._lock:
            if len(self._known) >= AT_ONCE or sum(each.by == by for each in self._known.values()) >= OF_ONE:
                raise Refusal("busy", "too many uploads are there already: import or drop some", "upload")
            upload = f"upload-{secrets.token_hex(8)}"
            path = self._folder / upload
            try:
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
            except OSError as trouble:
                raise no_space(trouble) from None
            self._known[upload] = _Upload(by, name, size, path, now)
        return upload

    def append(self, upload: str, by: str, at: int, data: bytes, now: Instant) -> int:
        """See ImportFiles.append_upload."""
        with self._lock:
            one = self._of(upload, by)
            if one.whole:
                raise Refusal("illegal_state", f"{upload} is whole already", "upload")
            if at > one.got:
                raise Refusal("bad_argument", f"byte {at} is not the next: some are missing", "at", one.got)
            if at + len(data) > one.size:
                because = f"{at + len(data)} bytes, it was to have {one.size}"
                raise Refusal("bad_argument", because, "data", one.size)
            if at + len(data) > one.got:
                self._write(one, at, data)
                one.got = at + len(data)
            one.touched = now
            return one.got

    @staticmethod
    def _write(one: _Upload, at: int, data: bytes) -> None:
        left = memoryview(data)
        try:
            descriptor = os.open(one.path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                while left:
                    written = os.pwrite(descriptor, left, at)
                    left, at = left[written:], at + written
            finally:
                os.close(descriptor)
        except OSError as trouble:
            raise no_space(trouble) from None

    def end(self, upload: str, by: str, sha256: str, now: Instant) -> int:
        """See ImportFiles.end_upload."""
        with self._lock:
            one = self._of(upload, by)
            if one.got != one.size:
                because = f"{one.got} of {one.size} bytes are there"
                raise Refusal("illegal_state", because, "upload", one.got)
            if sha256 and not one.whole:
                with one.path.open("rb") as file:
                    found = hashlib.file_digest(file, "sha256").hexdigest()
                if found != sha256.lower():
                    raise Refusal("bad_argument", "what came is not what was sent: upload it again", "sha256", found)
            one.whole, one.touched = True, now
            return one.size

    def file(self, upload: str, by: str) -> Spooled:
        """See ImportFiles.uploaded."""
        with self._lock:
            one = self._of(upload, by)
            if not one.whole:
                because = f"{upload} is not whole: {one.got} of {one.size} bytes; upload.end tells that it is"
                raise Refusal("illegal_state", because, "upload")
            return Spooled(one.name, str(one.path))

    def drop(self, upload: str, by: str) -> None:
        """See ImportFiles.drop_upload."""
        with self._lock:
            one = self._of(upload, by)
            del self._known[upload]
            one.path.unlink(missing_ok=True)

    def expire(self, before: Instant) -> int:
        """Delete those that were not touched since; how many."""
        with self._lock:
            old = [upload for upload, one in self._known.items() if one.touched < before]
            for upload in old:
                self._known.pop(upload).path.unlink(missing_ok=True)
        return len(old)

    def _of(self, upload: str, by: str) -> _Upload:
        one = self._known.get(upload)
        if one is None or one.by != by:
            raise Refusal("unknown_upload", f"there is no upload {upload[:64]!r}", "upload")
        return one
