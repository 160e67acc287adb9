"""A file that the daemon made, brought through the local socket piece by piece into a file of one's own.

Never leaves half a file under the name that was asked for, and never takes a name from the daemon as a path.
"""

from __future__ import annotations

import base64
import os
import tempfile
from pathlib import Path

import click

from dialerd.cli.socket_client import ask


def fetch(socket: str, job: str, name: str, to: str) -> Path:
    """Write the file of a job to `to`, or under `name` into the folder `to`; where it is now.

    Raises click.ClickException (it cannot be had or written), NoDaemonError.
    """
    target = Path(to)
    if target.is_dir():
        target = target / Path(name).name
    try:
        descriptor, part = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    except OSError as trouble:
        raise click.ClickException(f"{target}: {trouble.strerror}") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            _pieces_into(socket, job, file.fileno())
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, target)
    except OSError as trouble:
        raise click.ClickException(f"{target}: {trouble.strerror}") from None
    finally:
        Path(part).unlink(missing_ok=True)
    return target


def _pieces_into(socket: str, job: str, descriptor: int) -> None:
    offset, more = 0, True
    while more:
        reply = ask(socket, "export.fetch", {"job": job, "offset": offset})
        if not reply.get("ok"):
            raise click.ClickException(f"the file could not be fetched: {reply['error']['message']}")
        content, more = base64.b64decode(reply["result"]["content"]), bool(reply["result"]["more"])
        left = memoryview(content)
        while left:
            left = left[os.write(descriptor, left) :]
        offset += len(content)
