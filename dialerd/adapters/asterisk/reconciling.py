"""Reconciling: from Asterisk's own lists of channels and bridges to one Reconciled fact about our legs.

It must never ask Asterisk anything itself, raise for a line that is wrong, or take a leg of another store for ours.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from dialerd.adapters.asterisk.packets import Packet
from dialerd.model.facts import CallSeen, PhoneSeen, Reconciled
from dialerd.model.ids import is_call, is_leg

CUSTOMER_BRIDGE = "dlr-cust-"
"""Holding bridge of a waiting customer, his leg's id behind it."""
AGENT_BRIDGE = "dlr-agent-"
"""Holding bridge of a nailed-up agent, the agent's name behind it."""
RING_BRIDGE = "dlr-ring-"
"""Holding bridge of an agent who picked up for one call, the agent's name behind it."""
DROP_CONTEXT = "dialer-drop"

_RINGING, _UP = "5", "6"  # ChannelState


@dataclass(frozen=True, slots=True)
class Alive:
    """One of our legs as the lists have it."""

    leg: str
    call: bool
    up: bool
    ringing: bool
    bridge: str
    """BridgeUniqueid, or empty."""
    held: bool
    """Whether that bridge is its holding bridge."""
    talking: bool
    """Whether that bridge is one of two parties."""
    dropping: bool
    """Whether it hears the information message."""
    agent: str
    for_call: str
    """Of an agent's leg that was rung for one call: that call."""
    seq: int
    """Place of the list's line in the order of arrival."""


def is_holding(packet: Packet) -> bool:
    """Whether a bridge (of a list, or of an event) is one where legs wait."""
    return packet.get("BridgeTechnology") == "holding_bridge"


def startup_of(status: Packet) -> str:
    """From CoreStatus: when this Asterisk was started, in its own words; empty if it does not say."""
    return f"{status.get('CoreStartupDate')} {status.get('CoreStartupTime')}".strip()


def alive_of(channels: Sequence[Packet], bridges: Sequence[Packet], is_ours: Callable[[str], bool]) -> list[Alive]:
    """Our legs, from the lines of CoreShowChannels and BridgeList; every other line is passed by."""
    names = {line.get("BridgeUniqueid"): line.get("BridgeName") for line in bridges if is_holding(line)}
    ours = [line for line in channels if line.name == "CoreShowChannel" and is_ours(line.get("Uniqueid"))]
    kinds: dict[str, set[bool]] = {}
    for line in ours:
        kinds.setdefault(line.get("BridgeId"), set()).add(is_call(line.get("Uniqueid")))
    two_party = {line.get("BridgeUniqueid") for line in bridges if line.get("BridgeType") == "basic"}
    # a bridge made between the two lists is in the first one only: a customer and an agent in it are proof enough
    two_party |= {bridge for bridge, kind in kinds.items() if len(kind) == 2 and bridge not in names}
    two_party.discard("")
    return [_alive(line, names, two_party) for line in ours]


@dataclass(frozen=True, slots=True)
class ForeignLegs:
    """How many legs another store has on this Asterisk."""

    channels: int
    phones: int
    """Those of them that are agents' softphones."""


def foreign_legs(channels: Sequence[Packet], token: str) -> dict[str, ForeignLegs]:
    """Legs of other stores than the one with `token`, by their tokens: left alone, but to be told of."""
    ids = (line.get("Uniqueid") for line in channels if line.name == "CoreShowChannel")
    found: dict[str, list[bool]] = {}
    for leg in ids:
        if is_leg(leg) and not is_leg(leg, token):
            found.setdefault(leg[1:9], []).append(is_call(leg))
    return {store: ForeignLegs(len(calls), calls.count(False)) for store, calls in found.items()}


def _alive(line: Packet, names: dict[str, str], two_party: Collection[str]) -> Alive:
    leg, bridge, state = line.get("Uniqueid"), line.get("BridgeId"), line.get("ChannelState")
    call, name = is_call(leg), names.get(bridge, "")
    variables = dict(text.partition("=")[::2] for text in line.all("ChanVariable"))
    # without channelvars in manager.conf the name of the holding bridge still tells whose leg it is
    place = name or line.get("ApplicationData").partition(",")[0]
    agent = next((place.removeprefix(kind) for kind in (AGENT_BRIDGE, RING_BRIDGE) if place.startswith(kind)), "")
    return Alive(
        leg=leg,
        call=call,
        up=state == _UP,
        ringing=state == _RINGING,
        bridge=bridge,
        held=name == CUSTOMER_BRIDGE + leg if call else name.startswith((AGENT_BRIDGE, RING_BRIDGE)),
        talking=bridge in two_party,
        dropping=line.get("Context") == DROP_CONTEXT,
        agent="" if call else variables.get("DLR_AGENT") or agent,
        for_call="" if call else variables.get("DLR_CALL", ""),
        seq=line.seq,
    )


def reconciled(
    server: str, alive: Collection[Alive], startup: str, last_startup: str | None, ended: Collection[str] = ()
) -> Reconciled:
    """The fact for `server`: what is alive, without the legs in `ended`.

    `last_startup`: what `startup_of` gave on the link before, None if there was none; a different one means that
    Asterisk itself was started anew.
    """
    lines = [line for line in alive if line.leg not in ended]
    pairs = _pairs(lines)
    return Reconciled(
        server,
        tuple(CallSeen(line.leg, _call_state(line), pairs.get(line.leg, "")) for line in lines if line.call),
        tuple(
            PhoneSeen(line.leg, _phone_state(line), line.agent, pairs.get(line.leg, line.for_call))
            for line in lines
            if not line.call
        ),
        restarted=bool(last_startup and startup and last_startup != startup),
    )


def is_end(event: Packet) -> bool:
    """Whether an event tells the end of a leg, or the half of it."""
    return event.name == "Hangup" or (event.name == "OriginateResponse" and event.get("Response").lower() != "success")


def newer_than_lists(held: Sequence[Packet], alive: Iterable[Alive], leg_of: Callable[[Packet], str]) -> list[Packet]:
    """Of the events that came since the link is up, those that may say more than the lists do, in order.

    An event that came before the line of its leg is older than that line. One that came after it may be older too,
    because events are queued inside Asterisk and lists are not: it is, if the leg enters later the bridge it is listed in.
    """
    lines = {line.leg: line for line in alive}
    newer: list[Packet] = []
    arrived: set[str] = set()
    for event in reversed(held):
        leg = leg_of(event)
        line = lines.get(leg)
        if line is not None:
            if event.seq < line.seq or (event.name == "BridgeEnter" and leg in arrived):
                continue
            if event.name == "BridgeEnter" and line.bridge and event.get("BridgeUniqueid") == line.bridge:
                arrived.add(leg)
                continue
        newer.append(event)
    newer.reverse()
    return newer


def _pairs(lines: Iterable[Alive]) -> dict[str, str]:
    """Customer's leg <-> agent's leg where both are in one two-party bridge."""
    inside: dict[str, list[Alive]] = {}
    for line in lines:
        if line.talking:
            inside.setdefault(line.bridge, []).append(line)
    pairs: dict[str, str] = {}
    for members in inside.values():
        calls = [line.leg for line in members if line.call]
        phones = [line.leg for line in members if not line.call]
        if calls and phones:
            pairs[calls[0]], pairs[phones[0]] = phones[0], calls[0]
    return pairs


def _call_state(line: Alive) -> str:
    if not line.up:
        return "ringing"
    if line.dropping:
        return "dropping"
    if line.held:
        return "waiting"
    # talking without a listed partner: he has just gone; in no bridge: on the way to the next one, an event follows
    return "talking" if line.talking else "answered"


def _phone_state(line: Alive) -> str:
    if line.held:
        return "idle"
    return "talking" if line.up and line.talking else "calling"
