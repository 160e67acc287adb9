"""The shell's end of the local socket: one question, one answer.

Never opens the store: what the daemon does not tell is not known here.
"""

from __future__ import annotations

import json
import socket
from typing import Any


class NoDaemonError(Exception):
    """Nobody answers on the socket; the message says why."""


def ask(
    path: str, command: str, args: dict[str, Any], *, id_: str | None = None, timeout_s: float = 600
) -> dict[str, Any]:
    """The daemon's reply to one command. Raises NoDaemonError."""
    asked = {"command": command, "args": args} | ({"id": id_} if id_ else {})
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout_s)
            connection.connect(path)
            connection.sendall(json.dumps(asked).encode() + b"\n")
            with connection.makefile("rb") as answers:
                line = answers.readline()
    except OSError as trouble:
        raise NoDaemonError(f"no daemon answers on {path}: {trouble.strerror or trouble}") from None
    if not line:
        raise NoDaemonError(f"the daemon on {path} closed the connection without an answer")
    reply: dict[str, Any] = json.loads(line)
    return reply
