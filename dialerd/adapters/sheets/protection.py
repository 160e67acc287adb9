"""Whether a workbook is protected with a password: calamine does not always say so.

Never tries a password.
"""

from __future__ import annotations

import mmap
import zipfile
import zlib
from struct import unpack_from
from typing import BinaryIO

from dialerd.adapters.sheets.compound import stream_of
from dialerd.model.errors import Refusal

_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_FILE_PASS, _EOF = 0x002F, 0x000A
_MANIFEST = 5_000_000
"""Bytes of a manifest that are looked at."""


def refuse_protected(file: BinaryIO, kind: str) -> None:
    """Raises Refusal if the workbook is protected. A damaged one is left to others to tell."""
    try:
        protected = _xls(file) if kind == "xls" else kind == "ods" and _ods(file)
    except (ValueError, KeyError, IndexError, OSError, zipfile.BadZipFile, zlib.error, NotImplementedError):
        protected = False
    finally:
        file.seek(0)
    if protected:
        raise Refusal("bad_file", "the workbook is protected with a password: save it without one", "file")


def _xls(file: BinaryIO) -> bool:
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
        if whole.find(_ENCRYPTED) >= 0:  # a newer workbook inside
            return True
    book = stream_of(file.read(), ("Workbook", "Book"))
    at = 0
    while at + 4 <= len(book):
        kind, size = unpack_from("<HH", book, at)
        if kind in (_FILE_PASS, _EOF):
            return bool(kind == _FILE_PASS)
        at += 4 + size
    return False


def _ods(file: BinaryIO) -> bool:
    with zipfile.ZipFile(file) as archive, archive.open("META-INF/manifest.xml") as manifest:
        return b"encryption-data" in manifest.read(_MANIFEST)
