"""A third AMI session that only listens: when each customer was called, waited, was bridged and hung up, by one clock.

Never sends an action after its login, and never reads more of an event than its name, its leg and the kind of bridge.

A process of its own (`python -m bench.watcher`, told by JSON lines), so that it measures every client alike. Times are
seconds of the monotonic clock, the same for all processes of one machine, at the moment the bytes were read.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from typing import Any

_BLANK = b"\r\n\r\n"


def _value(packet: bytes, header: bytes) -> str:
    at = packet.find(b"\r\n" + header + b": ")
    if at < 0:
        return ""
    start = at + len(header) + 4
    stop = packet.find(b"\r\n", start)
    return packet[start : stop if stop >= 0 else len(packet)].decode("ascii", "replace")


class Watcher:
    """Everything that happened to customers' legs since the last report; a leg is a customer's by its first letter."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._socket = socket.create_connection((plan["host"], plan["port"]), 10)
        self._buffer = b""
        login = f"Action: Login\r\nUsername: {plan['user']}\r\nSecret: {plan['secret']}\r\nEvents: on\r\n\r\n"
        self._socket.sendall(login.encode())
        self.begin("")

    def fileno(self) -> int:
        return self._socket.fileno()

    def begin(self, letter: str) -> None:
        """Forget; from now on legs that begin with `letter` are customers'."""
        self._letter = letter
        self.called: dict[str, float] = {}
        self.answered: dict[str, float] = {}
        self.waited: dict[str, float] = {}
        self.bridged: dict[str, float] = {}
        self.ended: dict[str, float] = {}

    def read(self) -> None:
        """Take what has come."""
        data = self._socket.recv(1 << 20)
        now = time.monotonic()
        if not data:
            raise SystemExit("watcher: Asterisk closed the session")
        *packets, self._buffer = (self._buffer + data).split(_BLANK)
        for packet in packets:
            if packet.startswith(b"Event: BridgeEnter\r\n"):
                leg = _value(packet, b"Uniqueid")
                if leg.startswith(self._letter):
                    holding = b"\r\nBridgeTechnology: holding_bridge" in packet
                    (self.waited if holding else self.bridged).setdefault(leg, now)
            elif packet.startswith(b"Event: DialBegin\r\n"):
                self._note(self.called, _value(packet, b"DestUniqueid"), now)
            elif packet.startswith(b"Event: OriginateResponse\r\n"):
                if b"\r\nResponse: Success" in packet:
                    self._note(self.answered, _value(packet, b"Uniqueid"), now)
            elif packet.startswith(b"Event: Hangup\r\n"):
                self._note(self.ended, _value(packet, b"Uniqueid"), now)

    def _note(self, at: dict[str, float], leg: str, now: float) -> None:
        if leg.startswith(self._letter):
            at.setdefault(leg, now)

    def report(self) -> dict[str, Any]:
        """All that was seen."""
        return {name: getattr(self, name) for name in ("called", "answered", "waited", "bridged", "ended")}


def _main() -> None:
    orders = sys.stdin
    watcher = Watcher(json.loads(orders.readline()))
    print(json.dumps({"watching": True}), flush=True)
    with selectors.DefaultSelector() as ready:
        ready.register(watcher, selectors.EVENT_READ)
        ready.register(orders, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                if key.fileobj is watcher:
                    watcher.read()
                    continue
                line = orders.readline()
                if not line:
                    return
                order = json.loads(line)
                if "begin" in order:
                    watcher.begin(order["begin"])
                    print(json.dumps({"begun": True}), flush=True)
                else:
                    print(json.dumps(watcher.report()), flush=True)


if __name__ == "__main__":
    _main()
