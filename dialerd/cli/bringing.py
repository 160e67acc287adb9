"""Files between the shell and the daemon: a local list brought to it in pieces, and what it answers as base64 saved.

Never sends a file's path, and never takes a name from the daemon as one.
"""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

import click

from dialerd.cli.socket_client import ask

PIECE = 700_000
"""Bytes of a file in one request; as base64 it stays below 1 MB."""


def bring(socket: str, file: str) -> str:
    """Upload a local file; the upload's id. Raises click.ClickException (it cannot be read, or is refused), NoDaemonError."""
    path = Path(file)
    digest = hashlib.sha256()
    try:
        with path.open("rb") as source:
            size = os.fstat(source.fileno()).st_size
            upload = _asked(socket, "upload.begin", {"name": path.name[:200], "size": size})["upload"]
            at = 0
            while piece := source.read(PIECE):
                digest.update(piece)
                data = base64.b64encode(piece).decode()
                at = _asked(socket, "upload.append", {"upload": upload, "at": at, "data": data})["got"]
    except OSError as trouble:
        raise click.ClickException(f"{file}: {trouble.strerror}") from None
    _asked(socket, "upload.end", {"upload": upload, "sha256": digest.hexdigest()})
    return str(upload)


def _asked(socket: str, command: str, args: dict[str, Any]) -> dict[str, Any]:
    reply = ask(socket, command, args)
    if not reply.get("ok"):
        raise click.ClickException(f"the file could not be brought: {reply['error']['message']}")
    result: dict[str, Any] = reply["result"]
    return result


def save(socket: str, command: str, args: dict[str, Any], result: dict[str, Any], to: str) -> Path:
    """Write the content of an answer, and of the pieces that follow it, to `to` or into the folder `to`; where it is now."""
    target = Path(to)
    if target.is_dir():
        target = target / Path(result["file"]).name
    try:
        descriptor, part = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    except OSError as trouble:
        raise click.ClickException(f"{target}: {trouble.strerror}") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            content = base64.b64decode(result["content"])
            file.write(content)
            offset = result.get("offset", 0) + len(content)
            while result.get("more"):
                result = _asked(socket, command, {**args, "offset": offset})
                content = base64.b64decode(result["content"])
                file.write(content)
                offset += len(content)
        os.replace(part, target)
    except OSError as trouble:
        raise click.ClickException(f"{target}: {trouble.strerror}") from None
    finally:
        Path(part).unlink(missing_ok=True)
    return target
