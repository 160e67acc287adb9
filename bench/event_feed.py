"""An Asterisk that only tells: after the login a recorded stream of events, as fast as the reader takes them.

Never carries anything out. A process of its own (`python -m bench.event_feed`, told by JSON lines).
"""

from __future__ import annotations

import json
import socket
import sys

from tests.traces.traces import blocks

RECORDING = "final_flows"
LAST = "LastOfTheStream"


def recorded() -> tuple[bytes, int]:
    """The events of one recording, as bytes, and how many they are."""
    events = [
        headers
        for direction, _, headers in blocks(RECORDING)
        if direction == "<<<" and headers[0][0] == "Event" and headers[0][1] != "FullyBooted"
    ]
    text = "".join("".join(f"{name}: {value}\r\n" for name, value in headers) + "\r\n" for headers in events)
    return text.encode(), len(events)


def _serve(door: socket.socket, stream: bytes, rounds: int) -> None:
    connection, _ = door.accept()
    with connection:
        connection.sendall(b"Asterisk Call Manager/11.0.0\r\n")
        asked = b""
        while b"\r\n\r\n" not in asked:
            asked += connection.recv(4096)
        action_id = next(line[10:] for line in asked.split(b"\r\n") if line.lower().startswith(b"actionid: "))
        connection.sendall(
            b"Response: Success\r\nActionID: " + action_id + b"\r\nMessage: Authentication accepted\r\n\r\n"
        )
        connection.sendall(b"Event: FullyBooted\r\nPrivilege: system,all\r\nStatus: Fully Booted\r\n\r\n")
        for _ in range(rounds):
            connection.sendall(stream)
        connection.sendall(f"Event: UserEvent\r\nUserEvent: {LAST}\r\n\r\n".encode())
        while connection.recv(4096):
            pass


def _main() -> None:
    stream, events = recorded()
    wanted = int(json.loads(sys.stdin.readline())["events"])
    rounds = -(-wanted // events)
    with socket.create_server(("127.0.0.1", 0)) as door:
        print(json.dumps({"port": door.getsockname()[1], "events": rounds * events + 1}), flush=True)
        while sys.stdin.readline():
            _serve(door, stream, rounds)


if __name__ == "__main__":
    _main()
