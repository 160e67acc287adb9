"""Presses one key on a call: sends it to Asterisk's sound port as RFC 4733 events.

Never needs root rights, which SIPp's own way (raw sockets) does.

Run as `python press.py KEY FROM-HOST TO-HOST TO-PORT`.
"""

from __future__ import annotations

import socket
import struct
import sys
import time

_KEYS = "0123456789*#"
_EVENT = 101
_STEP_S = 0.02
_STEP = 160


def press(key: str, here: str, there: tuple[str, int]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind((here, 0))
        sequence, at, source = 1, 0, 0x0D1A1E12

        def send(kind: int, marker: int, payload: bytes, stamp: int) -> None:
            nonlocal sequence
            phone.sendto(struct.pack(">BBHII", 0x80, marker << 7 | kind, sequence, stamp, source) + payload, there)
            sequence += 1
            time.sleep(_STEP_S)

        for _ in range(8):  # Asterisk trusts a new source of sound only after a few packets
            send(0, 0, b"\xff" * _STEP, at)
            at += _STEP
        for step in range(1, 9):  # 160 ms of key, then its end three times: a lost packet loses no key
            last = step >= 6
            duration = min(step, 6) * _STEP
            send(_EVENT, int(step == 1), struct.pack(">BBH", _KEYS.index(key), 0x80 * last | 10, duration), at)


if __name__ == "__main__":
    press(sys.argv[1], sys.argv[2], (sys.argv[3], int(sys.argv[4])))
