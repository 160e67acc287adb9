"""Ports on loopback that nobody else will take: below the kernel's ephemeral range, held for as long as they are needed.

Never hands out an ephemeral port: while its server is down for a restart, any client's own socket could sit on it.
"""

from __future__ import annotations

import errno
import random
import socket
from collections.abc import Iterable

FIRST, LAST = 10_000, 32_000
BLOCK = 1_000
"""Ports a block; a holder takes as many neighbouring blocks as it needs."""
_SINGLE_FIRST, _SINGLE_LAST = 7_000, 9_999


def is_free(kind: socket.SocketKind, host: str, port: int) -> bool:
    """Whether nothing is bound there now. `kind`: SOCK_STREAM or SOCK_DGRAM."""
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind == socket.SOCK_STREAM:  # a server may take a port whose old connections are in TIME_WAIT
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as trouble:
            if trouble.errno != errno.EADDRINUSE:
                raise
            return False
    return True


def single_tcp_port(host: str = "127.0.0.1") -> int:
    """A TCP port that is free now; the taker must try another if somebody was quicker.

    Raises OSError when none is free.
    """
    ports = list(range(_SINGLE_FIRST, _SINGLE_LAST + 1))
    random.shuffle(ports)
    for port in ports:
        if is_free(socket.SOCK_STREAM, host, port):
            return port
    raise OSError(errno.EADDRINUSE, f"no free TCP port on {host} between {_SINGLE_FIRST} and {_SINGLE_LAST}")


class PortBlock:
    """Neighbouring blocks of ports, the same on several loopback addresses, held until `release`.

    The first port of each block is bound as the sign that it is taken: the kernel takes the sign away however the
    holder ends. `count` ports beginning at `base` are usable. Raises OSError when no such block is free.
    """

    def __init__(self, ports: int, must_be_free: Iterable[tuple[socket.SocketKind, str, int]]) -> None:
        """`must_be_free`: (kind, host, offset from base) of every port a server will be bound to."""
        wanted = -(-(ports + 1) // BLOCK)
        checks = list(must_be_free)
        self._signs: list[socket.socket] = []
        starts = list(range(FIRST, LAST - wanted * BLOCK + 1, BLOCK))
        for start in starts:
            if self._take(start, wanted):
                self.base = start + 1
                self.count = wanted * BLOCK - wanted
                if all(is_free(kind, host, self.base + offset) for kind, host, offset in checks):
                    return
                self.release()
        raise OSError(errno.EADDRINUSE, f"no {wanted} neighbouring blocks of {BLOCK} ports free from {FIRST} to {LAST}")

    def _take(self, start: int, wanted: int) -> bool:
        for number in range(wanted):
            sign = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._signs.append(sign)
            try:
                sign.bind(("127.0.0.1", start + number * BLOCK))
            except OSError as trouble:
                self.release()
                if trouble.errno != errno.EADDRINUSE:
                    raise
                return False
        return True

    def release(self) -> None:
        for sign in self._signs:
            sign.close()
        self._signs = []
