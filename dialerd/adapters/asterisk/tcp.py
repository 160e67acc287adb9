"""What an AMI link wants of its TCP connection: actions leave at once, and what was not delivered is thrown away for good.

It must never leave bytes to the kernel that would reach Asterisk after the link was given up.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

WRITE_LIMIT = 1 << 20
"""Bytes Asterisk may leave unread before nothing more is sent."""
_NO_LINGER = struct.pack("ii", 1, 0)  # on, 0 s: closing resets the connection


def prepare(transport: asyncio.Transport) -> None:
    """Before the first byte: no action waits for the next one, and a reader that stopped reading is noticed."""
    transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    transport.set_write_buffer_limits(high=WRITE_LIMIT)


def reset(transport: asyncio.Transport) -> None:
    """Throw away what Asterisk has not got yet, also in the kernel, which would go on delivering for minutes: an
    Originate must not reach it when the network heals and nobody waits for that call any more."""
    with contextlib.suppress(OSError, ValueError):  # it is closed already; uvloop says ValueError
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()
