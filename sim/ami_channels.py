"""Channels and bridges as Asterisk shows them, and the AMI events that the street's events become.

Never decides what happens: it only gives names, numbers and headers to what the street says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid5

from sim.ami_protocol import CAUSE_TEXT, SYSTEM, AmiEvent, lines, one_line
from sim.street_events import (
    Answered,
    AnyStreetEvent,
    Bridged,
    Dropped,
    Ended,
    Left,
    PhoneEnded,
    PhoneIdle,
    PhoneRinging,
    Ringing,
    Waiting,
)

CHANNEL_VARS = ("DLR_CALL", "DLR_AGENT")
"""`channelvars` of manager.conf."""
_STATES = {0: "Down", 5: "Ringing", 6: "Up"}
_BRIDGES = UUID("5f0b1f3c-6d0a-5c57-9d6b-0d9c7a3f2b11")
_DIAL_STATUS = {17: "BUSY", 34: "CONGESTION"}

CONTEXTS = {"dialer-cust": "call", "dialer-ring": "phone", "dialer-agent": "phone", "dialer-drop": "call"}
"""The contexts of the dialplan, all with `s,1`, and whose legs they are."""


class Bridge:
    """A holding bridge (`base`) or one of two (`basic`)."""

    __slots__ = ("channels", "name", "technology", "uid")

    def __init__(self, uid: str, name: str) -> None:
        self.uid = uid
        self.name = name
        """Empty: a bridge of two, made by the Bridge action."""
        self.technology = "holding_bridge" if name else "simple_bridge"
        self.channels: list[Channel] = []

    def text(self) -> str:
        """Its headers."""
        return (
            f"BridgeUniqueid: {self.uid}\r\n"
            f"BridgeType: {'base' if self.name else 'basic'}\r\n"
            f"BridgeTechnology: {self.technology}\r\n"
            f"BridgeCreator: {'BridgeWait' if self.name else '<unknown>'}\r\n"
            f"BridgeName: {self.name or '<unknown>'}\r\n"
            f"BridgeNumChannels: {len(self.channels)}\r\n"
            "BridgeVideoSourceMode: none\r\n"
        )


class Channel:
    """One leg as Asterisk shows it."""

    def __init__(
        self, uid: str, dial: str, endpoint: str, context: str, action_id: str, caller: tuple[str, str], born: float
    ) -> None:
        self.uid = uid
        self.dial = dial
        """What stands behind the technology in the dial string."""
        self.endpoint = endpoint
        self.name = ""
        self.kind = CONTEXTS[context]
        self.home = context
        """Where its Originate sends it when it is answered."""
        self.context = "from-trunk" if self.kind == "call" else "from-agents"
        self.priority = 1
        self.action_id = action_id
        self.caller_name, self.caller_number = caller
        self.state = 0
        self.linked = uid
        self.variables: dict[str, str] = {}
        self.bridge: Bridge | None = None
        self.holding: Bridge | None = None
        """The bridge that its BridgeWait made; it stays, empty, while the channel talks in another."""
        self.application = "AppDial2"
        self.application_data = "(Outgoing Line)"
        self.born = born

    def text(self, prefix: str = "") -> str:
        """Its headers; `prefix` is `Dest` in the dial events."""
        name, number = self.caller_name or "<unknown>", self.caller_number or "<unknown>"
        p = prefix
        return (
            f"{p}Channel: {self.name}\r\n"
            f"{p}ChannelState: {self.state}\r\n"
            f"{p}ChannelStateDesc: {_STATES[self.state]}\r\n"
            f"{p}CallerIDNum: {number}\r\n"
            f"{p}CallerIDName: {name}\r\n"
            f"{p}ConnectedLineNum: {number}\r\n"
            f"{p}ConnectedLineName: {name}\r\n"
            f"{p}Language: en\r\n"
            f"{p}AccountCode: \r\n"
            f"{p}Context: {self.context}\r\n"
            f"{p}Exten: s\r\n"
            f"{p}Priority: {self.priority}\r\n"
            f"{p}Uniqueid: {self.uid}\r\n"
            f"{p}Linkedid: {self.linked}\r\n"
        ) + "".join(f"{p}ChanVariable: {v}={one_line(self.variables.get(v, ''))}\r\n" for v in CHANNEL_VARS)

    def holding_name(self) -> str:
        """The name of the bridge that its dialplan has it wait in."""
        agent, call = self.variables.get("DLR_AGENT", ""), self.variables.get("DLR_CALL", "")
        return {"dialer-cust": f"dlr-cust-{call}", "dialer-ring": f"dlr-ring-{agent}"}.get(
            self.home, f"dlr-agent-{agent}"
        )


class Switchboard:
    """All channels and bridges; one of them takes one street's events, in order."""

    def __init__(self) -> None:
        self._channels: dict[str, Channel] = {}
        self._never_made: dict[str, Channel] = {}
        self._named = 0
        self._bridged = 0
        self.processed = 0
        """Calls since the exchange started."""
        self._told: dict[type, Callable[[Any], list[AmiEvent]]] = {
            Ringing: lambda e: self._rings(self._channels[e.call]),
            PhoneRinging: lambda e: self._rings(self._channels[e.leg]),
            Answered: lambda e: self._answers(self._channels[e.call]),
            Waiting: lambda e: self._holds(self._channels[e.call]),
            PhoneIdle: self._phone_idle,
            Bridged: self._bridged_now,
            Left: self._left,
            Dropped: self._dropped,
            Ended: lambda e: self._ended(e.call, e),
            PhoneEnded: lambda e: self._ended(e.leg, e),
        }

    # --- what is there

    def channels(self) -> list[Channel]:
        """All, the oldest first."""
        return list(self._channels.values())

    def bridges(self) -> list[Bridge]:
        """All; the holding bridge of a channel that was pulled out of it is there with nobody in it."""
        found: dict[str, Bridge] = {}
        for channel in self._channels.values():
            for bridge in (channel.bridge, channel.holding):
                if bridge is not None:
                    found[bridge.uid] = bridge
        return list(found.values())

    def find(self, name: str) -> Channel | None:
        """By name or Uniqueid, exactly but for case."""
        found = self._channels.get(name)
        if found is not None:
            return found
        fold = name.lower()
        for channel in self._channels.values():
            if fold in (channel.uid.lower(), channel.name.lower()):
                return channel
        return None

    def find_by_prefix(self, name: str) -> Channel | None:
        """As the Bridge action looks: exactly, and else the first whose name or Uniqueid begins so."""
        found = self.find(name)
        if found is not None or not name:
            return found
        for channel in self._channels.values():
            if channel.name.startswith(name) or channel.uid.startswith(name):
                return channel
        return None

    def clear(self) -> None:
        """The exchange starts anew."""
        self._channels.clear()
        self._never_made.clear()
        self.processed = 0

    # --- what happens

    def begin(self, channel: Channel, made: bool) -> list[AmiEvent]:
        """An Originate went out; `made`: there is a channel."""
        self.processed += 1
        if not made:
            self._never_made[channel.uid] = channel
            return []
        channel.name = f"PJSIP/{channel.endpoint}-{self._named:08x}"
        self._named += 1
        self._channels[channel.uid] = channel
        return [
            _event("Newchannel", f"dial:{channel.uid}", channel.text()),
            _event("DialBegin", f"dial:{channel.uid}", channel.text("Dest") + lines((("DialString", channel.dial),))),
        ]

    def tell(self, event: AnyStreetEvent) -> list[AmiEvent]:
        """The AMI events of one event of the street; none for what an exchange does not see."""
        told = self._told.get(type(event))
        return told(event) if told is not None else []

    def originate_failed(self, channel: Channel, reason: int) -> AmiEvent:
        """OriginateResponse of a call that was not answered, or of an id that is in use."""
        return _event(
            "OriginateResponse",
            f"originate:{channel.uid}",
            lines(
                (
                    ("ActionID", channel.action_id),
                    ("Response", "Failure"),
                    ("Channel", f"PJSIP/{channel.dial}"),
                    ("Context", channel.home),
                    ("Exten", "s"),
                    ("Reason", reason),
                    ("Uniqueid", channel.uid),
                    ("CallerIDNum", channel.caller_number or "<unknown>"),
                    ("CallerIDName", channel.caller_name or "<unknown>"),
                )
            ),
        )

    def _rings(self, channel: Channel) -> list[AmiEvent]:
        channel.state = 5
        return [
            _event("Newstate", f"sip:{channel.uid}", channel.text()),
            _event("DialState", f"dial:{channel.uid}", channel.text("Dest") + "DialStatus: RINGING\r\n"),
        ]

    def _answers(self, channel: Channel) -> list[AmiEvent]:
        channel.state = 6
        variables = "".join(
            f"ChanVariable({channel.name}): {v}={one_line(channel.variables.get(v, ''))}\r\n" for v in CHANNEL_VARS
        )
        originate = lines(
            (
                ("ActionID", channel.action_id),
                ("Response", "Success"),
                ("Channel", channel.name),
                ("Context", channel.home),
                ("Exten", "s"),
                ("Reason", 4),
                ("Uniqueid", channel.uid),
                ("CallerIDNum", channel.caller_number or "<unknown>"),
                ("CallerIDName", channel.caller_name or "<unknown>"),
            )
        )
        told = [
            _event("Newstate", f"sip:{channel.uid}", channel.text()),
            _event("DialEnd", f"dial:{channel.uid}", channel.text("Dest") + "DialStatus: ANSWER\r\n"),
            _event("OriginateResponse", f"originate:{channel.uid}", originate + variables),
        ]
        channel.context = channel.home
        if channel.home == "dialer-ring":
            told.append(self._user_event(channel, "DlrAgentAnswered", Agent="DLR_AGENT", Call="DLR_CALL"))
        return told

    def _holds(self, channel: Channel) -> list[AmiEvent]:
        name = channel.holding_name()
        limit = channel.variables.get("DLR_WAIT") or "30"
        entertainment = channel.variables.get("DLR_ENT") or "m"
        options = {"dialer-cust": f"e({entertainment})S({limit})", "dialer-ring": "e(s)S(10)"}
        channel.priority = 5 if channel.home == "dialer-cust" else 2
        channel.application = "BridgeWait"
        channel.application_data = f"{name},participant,{options.get(channel.home, f'e({entertainment})')}"
        channel.holding = self._new_bridge(name)
        return [self._enter(channel, channel.holding)]

    def _phone_idle(self, event: PhoneIdle) -> list[AmiEvent]:
        channel = self._channels[event.leg]
        told = self._answers(channel) if event.picked_up else self._leave(channel)
        return told + self._holds(channel)

    def _bridged_now(self, event: Bridged) -> list[AmiEvent]:
        call, phone = self._channels[event.call], self._channels[event.leg]
        bridge = self._new_bridge("")
        told = self._leave(call)
        told.append(self._enter(call, bridge))
        told += self._leave(phone)
        told.append(self._enter(phone, bridge))
        if not call.variables.get("DLR_REC"):
            bridge.technology = "native_rtp"
        call.linked = phone.linked = min((phone, call), key=lambda c: c.born).uid
        return told

    def _left(self, event: Left) -> list[AmiEvent]:
        channel = self._channels[event.call]
        told = self._leave(channel)
        channel.holding = None
        channel.priority = 6
        talk = channel.variables.get("DLR_TALK", "")
        told.append(self._user_event(channel, "DlrCustLeft", Call="DLR_CALL", Talk=f"={talk}"))
        channel.priority = 8
        return told

    def _dropped(self, event: Dropped) -> list[AmiEvent]:
        channel = self._channels[event.call]
        channel.context, channel.priority = "dialer-drop", 1
        told = self._leave(channel)
        channel.holding = None
        told.append(self._user_event(channel, "DlrDrop", Call="DLR_CALL"))
        channel.priority = 2
        channel.application, channel.application_data = "Playback", channel.variables.get("DLR_DROP", "")
        return told

    def _ended(self, uid: str, event: Ended | PhoneEnded) -> list[AmiEvent]:
        never = self._never_made.pop(uid, None)
        if never is not None:
            return [self.originate_failed(never, 0)]
        channel = self._channels.pop(uid, None)
        if channel is None:
            return []
        cause = event.cause or 0
        told = []
        if channel.bridge is not None:
            beside = [c for c in channel.bridge.channels if c is not channel]
            told += self._leave(channel)
            for other in beside:
                told += self._leave(other)
        if channel.context == "dialer-drop":
            channel.priority = 3
        ending = channel.text()
        if event.sip is not None:
            told.append(_event("HangupRequest", f"sip:{uid}", ending + f"Cause: {cause}\r\nTechCause: {event.sip}\r\n"))
        if channel.state != 6:
            if event.reason != 3:
                status = _DIAL_STATUS.get(cause, "NOANSWER") if event.sip is not None else "NOANSWER"
                told.append(_event("DialEnd", f"dial:{uid}", channel.text("Dest") + f"DialStatus: {status}\r\n"))
            told.append(self.originate_failed(channel, event.reason or 0))
        ending += f"Cause: {cause}\r\nCause-txt: {CAUSE_TEXT.get(cause, 'Unknown')}\r\n"
        if event.sip is not None:
            ending += f"TechCause: {event.sip}\r\n"
        thread = "pbx" if channel.state == 6 else "dial"
        told.append(_event("Hangup", f"{thread}:{uid}", ending))
        return told

    # --- bridges

    def _new_bridge(self, name: str) -> Bridge:
        self._bridged += 1
        return Bridge(str(uuid5(_BRIDGES, str(self._bridged))), name)

    def _enter(self, channel: Channel, bridge: Bridge) -> AmiEvent:
        bridge.channels.append(channel)
        channel.bridge = bridge
        return _event("BridgeEnter", f"pbx:{channel.uid}", bridge.text() + channel.text())

    def _leave(self, channel: Channel) -> list[AmiEvent]:
        bridge = channel.bridge
        if bridge is None:
            return []
        bridge.channels.remove(channel)
        channel.bridge = None
        return [_event("BridgeLeave", f"pbx:{channel.uid}", bridge.text() + channel.text())]

    def _user_event(self, channel: Channel, name: str, **headers: str) -> AmiEvent:
        """`headers` name channel variables; a value that begins with = stands for itself."""
        values = {h: v[1:] if v.startswith("=") else channel.variables.get(v, "") for h, v in headers.items()}
        text = channel.text() + lines((("UserEvent", name), *values.items()))
        return _event("UserEvent", f"pbx:{channel.uid}", text, "user")


def _event(name: str, thread: str, text: str, privilege: str = "call") -> AmiEvent:
    head = f"Event: {name}\r\nPrivilege: {privilege},all\r\nSystemName: {SYSTEM}\r\n"
    return AmiEvent(name, thread, f"{head}{text}\r\n", privilege)


def system_event(name: str, *headers: tuple[str, object]) -> AmiEvent:
    """FullyBooted and Shutdown: of the exchange, not of a channel."""
    return AmiEvent(name, "system", lines((("Event", name), ("Privilege", "system,all"), *headers)) + "\r\n", "system")
