"""Commands that bring a file to the daemon in pieces, by the socket or the broker, for lead.import and contact.import (C06).

Never takes a piece for another principal's file, and never holds a file in memory.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from typing import Any

from pydantic import Field

from dialerd.control.table import MAKERS, Args, Command, Desk, Result, Who
from dialerd.model.errors import Refusal

PIECE = 1_048_576
"""Bytes of a piece, before base64."""


class Begin(Args):
    """A file to come."""

    name: str = Field(min_length=1, max_length=200)
    """Its name, only to be told."""
    size: int = Field(ge=1, le=2**40)
    """Bytes."""


class Append(Args):
    """A piece of it."""

    upload: str = Field(max_length=64)
    at: int = Field(ge=0, le=2**40)
    """The byte at which the piece begins. A piece sent again does no harm; one beyond a gap is refused."""
    data: str = Field(min_length=1, max_length=PIECE * 4 // 3 + 4)
    """Base64 of at most 1 MiB."""


class End(Args):
    """It is whole."""

    upload: str = Field(max_length=64)
    sha256: str = Field("", pattern="^([0-9a-fA-F]{64})?$")
    """The file's digest in hexadecimal digits; empty: it is not compared."""


class WhichUpload(Args):
    """One upload."""

    upload: str = Field(max_length=64)


class Upload(Result):
    """How far an upload is. It is kept for a day, and until the daemon stops."""

    upload: str
    got: int
    """Bytes that are there: the next piece begins here."""


async def _begin(desk: Desk, who: Who, args: Begin) -> Upload:
    begin = desk.lists.files.begin_upload
    return Upload(upload=await asyncio.to_thread(begin, who.principal, args.name, args.size, desk.now), got=0)


async def _append(desk: Desk, who: Who, args: Append) -> Upload:
    got = await asyncio.to_thread(_put, desk, who, args)
    return Upload(upload=args.upload, got=got)


def _put(desk: Desk, who: Who, args: Append) -> int:
    try:
        data = base64.b64decode(args.data, validate=True)
    except (binascii.Error, ValueError):
        raise Refusal("bad_argument", "data: found what is no base64", "data", "base64 with padding") from None
    if len(data) > PIECE:
        raise Refusal("bad_argument", f"data: {len(data)} bytes in one piece", "data", PIECE)
    return desk.lists.files.append_upload(args.upload, who.principal, args.at, data, desk.now)


async def _end(desk: Desk, who: Who, args: End) -> Upload:
    end = desk.lists.files.end_upload
    return Upload(
        upload=args.upload, got=await asyncio.to_thread(end, args.upload, who.principal, args.sha256, desk.now)
    )


async def _drop(desk: Desk, who: Who, args: WhichUpload) -> Upload:
    await asyncio.to_thread(desk.lists.files.drop_upload, args.upload, who.principal)
    return Upload(upload=args.upload, got=0)


COMMANDS: tuple[Command[Any], ...] = (
    Command("upload.begin", "Announce a file that comes in pieces", MAKERS, Begin, Upload, "read", read=_begin),
    Command("upload.append", "A piece of a file", MAKERS, Append, Upload, "read", read=_append),
    Command("upload.end", "Say that a file is whole", MAKERS, End, Upload, "read", read=_end),
    Command("upload.drop", "Delete a file that was brought", MAKERS, WhichUpload, Upload, "read", read=_drop),
)
