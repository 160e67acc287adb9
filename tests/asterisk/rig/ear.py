"""The ear: a process that keeps every sound packet Asterisk sends to the rig's talking phones.

Never answers a packet and never judges one: `sound.py` does, afterwards.

Run as `python ear.py FILE HOST:PORT...`; each address is one side (0, 1, ...). It writes records of `RECORD` and says
"listening" when it is ready. The phones' SDP points here, so what is in FILE is what a phone would have heard.
"""

from __future__ import annotations

import select
import socket
import struct
import sys
import time

RECORD = struct.Struct("<dBH160s")
"""Unix time of arrival, side, Asterisk's port (one a channel), 20 ms of u-law."""
_HEADER = 12
_PCMU = 0
_BUFFER = 4 << 20
_FLUSH_S = 0.1
"""Whoever asks what was heard gets it this late."""


def listen(path: str, addresses: list[tuple[str, int]]) -> None:
    sides = {}
    for side, address in enumerate(addresses):
        ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        ear.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        ear.bind(address)
        ear.setblocking(False)
        sides[ear] = side
    with open(path, "ab", buffering=1 << 16) as out:
        print("listening", flush=True)
        flushed = time.monotonic()
        while True:
            ready, _, _ = select.select(list(sides), [], [], _FLUSH_S)
            if time.monotonic() - flushed >= _FLUSH_S:
                out.flush()
                flushed = time.monotonic()
            for ear in ready:
                for _ in range(64):  # the other side gets its turn
                    try:
                        packet, (_, port) = ear.recvfrom(2048)
                    except BlockingIOError:
                        break
                    if len(packet) >= _HEADER + 160 and packet[1] & 0x7F == _PCMU:
                        out.write(RECORD.pack(time.time(), sides[ear], port, packet[_HEADER : _HEADER + 160]))


if __name__ == "__main__":
    listen(sys.argv[1], [(host, int(port)) for host, port in (word.rsplit(":", 1) for word in sys.argv[2:])])
