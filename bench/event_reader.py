"""One reader of the stream: the daemon's guarded link, or stock panoramisk with a callback for the same events.

Never does anything with an event but count it. A process of its own (`python -m bench.event_reader guarded|stock PORT`).
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import uvloop
from panoramisk import Manager

from bench.event_feed import LAST
from dialerd.adapters.asterisk.link import AmiLink
from dialerd.adapters.asterisk.packets import Packet
from dialerd.adapters.asterisk.reading import WANTED


class Count:
    """Events that reached a listener, and when the first and the last came."""

    def __init__(self) -> None:
        self.events = 0
        self.began = self.ended = 0.0
        self.over = asyncio.Event()

    def one(self, name: str, text: str) -> None:
        """An event of that name came; `text` is what a user's event calls itself."""
        if not self.events:
            self.began = time.perf_counter()
        self.events += 1
        if name == "UserEvent" and text == LAST:
            self.ended = time.perf_counter()
            self.over.set()


async def guarded(port: int, count: Count) -> None:
    """The daemon's link."""

    def on_event(packet: Packet) -> None:
        count.one(packet.name, packet.get("UserEvent") if packet.name == "UserEvent" else "")

    link = AmiLink(
        name="bench",
        host="127.0.0.1",
        port=port,
        username="bench",
        secret="bench",
        on_event=on_event,
        on_up=lambda: None,
        on_down=lambda why: None,
        wanted=WANTED,
        ping_every_s=60,
    )
    running = asyncio.ensure_future(link.run())
    await count.over.wait()
    await link.aclose()
    await running


async def stock(port: int, count: Count) -> None:
    """panoramisk as it is."""

    def on_event(_: Manager, event: Any) -> None:
        name = event.get("Event")
        count.one(name, event.get("UserEvent") if name == "UserEvent" else "")

    loop = asyncio.get_running_loop()
    manager = Manager(loop=loop, host="127.0.0.1", port=port, username="bench", secret="bench")
    for name in sorted(WANTED):
        manager.register_event(name, on_event)
    await manager.connect()
    await count.over.wait()
    manager.close()


async def _main(who: str, port: int) -> None:
    count = Count()
    await (guarded if who == "guarded" else stock)(port, count)
    print(json.dumps({"seconds": count.ended - count.began, "told": count.events}), flush=True)


if __name__ == "__main__":
    uvloop.run(_main(sys.argv[1], int(sys.argv[2])))
