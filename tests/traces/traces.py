"""Recorded AMI traffic as test data: packets with their times, read from the files in recorded/.

Never changes what was recorded but for one thing: an OriginateResponse gets its leg's id as ActionID, as dialerd sends it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dialerd.adapters.asterisk.packets import Packet
from dialerd.adapters.asterisk.reading import Reading
from dialerd.model.facts import AnyFact

RECORDED = Path(__file__).parent / "recorded"
EXPECTED = Path(__file__).parent / "expected"
NAMES = sorted(path.stem for path in RECORDED.glob("*.txt"))

Timed = tuple[float, Packet]


def blocks(name: str) -> Iterator[tuple[str, float, list[tuple[str, str]]]]:
    """(direction, seconds, headers) of each packet; direction is >>> (sent) or <<< (came)."""
    for block in (RECORDED / f"{name}.txt").read_text(encoding="utf-8").split("\n\n"):
        head, *lines = block.strip("\n").split("\n")
        direction, _, rest = head.partition(" ")
        if direction not in (">>>", "<<<"):
            continue
        headers = [(key.strip(), value.strip()) for key, _, value in (line.partition(":") for line in lines)]
        yield direction, float(rest.split()[0]), headers


def events(name: str) -> list[Timed]:
    """What came, in order, without responses."""
    found: list[Timed] = []
    for direction, at, headers in blocks(name):
        packet = Packet.of(headers, len(found))
        if direction == "<<<" and packet.name:
            if packet.name == "OriginateResponse":
                rest = [(key, value) for key, value in headers if key != "ActionID"]
                packet = Packet.of([*rest, ("ActionID", packet.get("Uniqueid"))], len(found))
            found.append((at, packet))
    return found


def is_customer(leg: str) -> bool:
    return leg.startswith(("cu", "call-", "gcu", "m-"))


def is_ours(leg: str) -> bool:
    """The ids that the recording programs gave: channels made by Asterisk itself have another shape."""
    if leg.endswith(";2"):  # the far half of a Local channel: dialerd has none
        return False
    return is_customer(leg) or leg.startswith(("ag", "rg", "af", "gag"))


def reading() -> Reading:
    return Reading(is_ours=is_ours, is_customer=is_customer)


def facts_of(timed: list[Timed], reader: Reading | None = None) -> list[AnyFact]:
    """All facts of a trace, timers included, as a driver would get them."""
    reader = reading() if reader is None else reader
    facts: list[AnyFact] = []
    for at, packet in timed:
        while (due := reader.next_due()) is not None and due <= at:
            facts += reader.due(due)
        facts += reader.read(packet, at)
    while (due := reader.next_due()) is not None:
        facts += reader.due(due)
    return facts


def line(fact: AnyFact) -> str:
    """A fact as one line of expected/: its name, its legs, and what differs from the default."""
    parts = [type(fact).__name__]
    for field in fact.__struct_fields__:
        value = getattr(fact, field)
        if field in ("call", "leg"):
            parts.append(value)
        elif value is not None and value is not True and value != "":
            parts.append(f"{field}={value}".replace(" ", "_"))
    return " ".join(parts)
