"""What each AMI action does on the street and what Asterisk answers to it.

Never writes to a socket: it returns the response, and the server sends it and what follows from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from sim.ami_channels import CONTEXTS, Bridge, Channel, Switchboard
from sim.ami_protocol import (
    AMI_VERSION,
    SYSTEM,
    VERSION,
    Action,
    AmiEvent,
    error,
    lines,
    listing,
    one_line,
    response,
    seconds_as_clock,
    success,
)
from sim.lines import dialled
from sim.street import Street

_CALLER = re.compile(r'^\s*(?:"(?P<quoted>[^"]*)"|(?P<plain>[^<]*?))\s*<(?P<number>[^>]*)>\s*$')
_PAIR = re.compile(r"(?:[^,\\]|\\.?)+", re.DOTALL)
_ESCAPED = re.compile(r"\\(.?)", re.DOTALL)
_UNIQUEID_LIMIT = 149
_DEFAULT_RING_S = 30.0
_DEFAULT_WAIT_S = 30.0
_NOT_ALLOWED = frozenset(
    [
        "command",
        "mixmonitor",
        "reload",
        "dbput",
        "dbdel",
        "getconfig",
        "updateconfig",
        "createconfig",
        "filter",
        "moduleload",
        "aocmessage",
        "pjsipshowendpoints",
        "pjsipshowcontacts",
        "dialplanextensionadd",
    ]
)
"""Actions that the recommended write classes refuse."""


class AmiActions:
    """The exchange's side of all sessions: one street, one switchboard."""

    def __init__(self, street: Street, switchboard: Switchboard, clock: Callable[[], float]) -> None:
        self._street = street
        self._board = switchboard
        self._clock = clock
        self.started = clock()
        """When the exchange started, by the street's time."""
        self._anonymous = 0
        self._globals: dict[str, str] = {}
        self.happened: list[AmiEvent] = []
        """Events that actions made at once; the server takes them."""
        self._table: dict[str, Callable[[Action], str]] = {
            "ping": self._ping,
            "corestatus": self._core_status,
            "coresettings": self._core_settings,
            "coreshowchannels": self._core_show_channels,
            "bridgelist": self._bridge_list,
            "bridgeinfo": self._bridge_info,
            "status": self._status,
            "originate": self._originate,
            "bridge": self._bridge,
            "redirect": self._redirect,
            "hangup": self._hangup,
            "setvar": self._setvar,
            "getvar": self._getvar,
            "userevent": self._user_event,
            "listcommands": self._list_commands,
        }

    def answer(self, action: Action) -> str:
        """Do the action; the response as text."""
        handler = self._table.get(action.name)
        if handler is not None:
            return handler(action)
        if not action.name:
            return error(action, "Missing action in request")
        if action.name in _NOT_ALLOWED:
            return error(action, "Permission denied")
        return error(
            action,
            f"Invalid/unknown command: {one_line(action.get('action'))}."
            " Use Action: ListCommands to show available commands.",
        )

    def restarted(self) -> None:
        """The exchange started anew just now."""
        self.started = self._clock()
        self._board.clear()
        self._globals.clear()
        self.happened.clear()

    @property
    def uptime_s(self) -> int:
        """Seconds since the exchange started, by the street's time."""
        return int(self._clock() - self.started)

    # --- about the exchange

    def _ping(self, action: Action) -> str:
        return response("Success", action, ("Ping", "Pong"), ("Timestamp", f"{self._clock():.6f}"))

    def _core_status(self, action: Action) -> str:
        at = datetime.fromtimestamp(self.started, UTC)
        day, hour = at.strftime("%Y-%m-%d"), at.strftime("%H:%M:%S")
        return response(
            "Success",
            action,
            ("CoreStartupDate", day),
            ("CoreStartupTime", hour),
            ("CoreReloadDate", day),
            ("CoreReloadTime", hour),
            ("CoreCurrentCalls", len(self._board.channels())),
            ("CoreProcessedCalls", self._board.processed),
        )

    def _core_settings(self, action: Action) -> str:
        return response(
            "Success",
            action,
            ("AMIversion", AMI_VERSION),
            ("AsteriskVersion", VERSION),
            ("SystemName", SYSTEM),
            ("CoreMaxCalls", 0),
            ("CoreMaxLoadAvg", "0.000000"),
            ("CoreRunUser", ""),
            ("CoreRunGroup", ""),
            ("CoreMaxFilehandles", 20000),
            ("CoreRealTimeEnabled", "No"),
            ("CoreCDRenabled", "No"),
            ("CoreHTTPenabled", "No"),
            ("SoundsSearchCustomDir", "No"),
        )

    def _list_commands(self, action: Action) -> str:
        return response("Success", action, *((name, "The street knows it.") for name in sorted(self._table)))

    # --- lists

    def _core_show_channels(self, action: Action) -> str:
        given = lines((("ActionID", action.id),)) if action.id else ""
        items = []
        for channel in self._board.channels():
            tail = lines(
                (
                    ("Application", channel.application),
                    ("ApplicationData", channel.application_data),
                    ("Duration", seconds_as_clock(self._clock() - channel.born)),
                    ("BridgeId", channel.bridge.uid if channel.bridge else ""),
                )
            )
            items.append(f"Event: CoreShowChannel\r\n{given}{channel.text()}{tail}")
        return listing(action, "Channels will follow", items, "CoreShowChannelsComplete")

    def _bridge_list(self, action: Action) -> str:
        given = lines((("ActionID", action.id),)) if action.id else ""
        items = [f"Event: BridgeListItem\r\n{given}{bridge.text()}" for bridge in self._board.bridges()]
        return listing(action, "Bridge listing will follow", items, "BridgeListComplete")

    def _bridge_info(self, action: Action) -> str:
        uid = action.get("BridgeUniqueid")
        found: Bridge | None = next((b for b in self._board.bridges() if b.uid == uid), None)
        if found is None:
            return error(action, "Bridge not found")
        given = lines((("ActionID", action.id),)) if action.id else ""
        items = [f"Event: BridgeInfoChannel\r\n{given}{channel.text()}" for channel in found.channels]
        return listing(action, "Bridge channel listing will follow", items, "BridgeInfoComplete", found.text())

    def _status(self, action: Action) -> str:
        channels = self._board.channels()
        if action.get("Channel"):
            found = self._board.find(action.get("Channel"))
            if found is None:
                return error(action, "No such channel")
            channels = [found]
        wanted = [name for name in action.get("Variables").split(",") if name]
        given = lines((("ActionID", action.id),)) if action.id else ""
        items = []
        for channel in channels:
            tail = lines(
                (
                    ("Type", "PJSIP"),
                    ("DNID", ""),
                    ("TimeToHangup", 0),
                    ("BridgeID", channel.bridge.uid if channel.bridge else ""),
                    ("Application", channel.application),
                    ("Data", channel.application_data),
                    ("Seconds", int(self._clock() - channel.born)),
                    *(("Variable", f"{name}={channel.variables.get(name, '(null)')}") for name in wanted),
                )
            )
            items.append(f"Event: Status\r\nPrivilege: Call\r\n{channel.text()}{tail}{given}")
        last = lines((("Items", len(items)),))
        return listing(action, "Channel status will follow", items, "StatusComplete", last)

    # --- calls

    def _originate(self, action: Action) -> str:
        dial, context = action.get("Channel"), action.get("Context")
        uid = action.get("ChannelId")
        if not dial:
            return error(action, "Channel not specified")
        if len(uid) > _UNIQUEID_LIMIT:
            return error(action, f"Uniqueid length exceeds maximum of {_UNIQUEID_LIMIT}")
        if action.get("Application"):
            return error(action, "Originate Access Forbidden: app or data blacklisted")
        priority, timeout = action.get("Priority", "1"), action.get("Timeout", "30000")
        if not priority.isdecimal():
            return error(action, "Invalid priority")
        if not timeout.isdecimal():
            return error(action, "Invalid timeout")
        if context not in CONTEXTS or context == "dialer-drop" or action.get("Exten") != "s" or priority != "1":
            return error(action, "Extension does not exist.")
        if action.get("Async").lower() not in ("true", "yes", "1", "on", "t", "y"):
            return error(action, "The street takes an Originate with Async: true only")
        if not uid:
            self._anonymous += 1
            uid = f"{SYSTEM}-{int(self.started)}.{self._anonymous}"
        answer = success(action, "Originate successfully queued")
        now = self._clock()
        technology, _, rest = dial.partition("/")
        number, endpoint = dialled(dial)
        channel = Channel(uid, rest, endpoint, context, action.id, _caller(action.get("CallerID")), now)
        channel.variables = _variables(action.all("Variable"))
        ring_s = int(timeout) / 1000 or _DEFAULT_RING_S
        alive = self._street.call(uid) or self._street.phone(uid)
        if alive is not None or technology.upper() != "PJSIP":
            self.happened.append(self._board.originate_failed(channel, 0))
        elif channel.kind == "call":
            drop_s = self._street.scenario.customers.message_s if channel.variables.get("DLR_DROP") else 0.0
            wait_s = _number(channel.variables.get("DLR_WAIT", ""), _DEFAULT_WAIT_S)
            made = self._street.originate_customer(uid, number, ring_s, wait_s, now, drop_s=drop_s, trunk=endpoint)
            self.happened += self._board.begin(channel, made)
        else:
            made = self._street.originate_phone(uid, endpoint, ring_s, context == "dialer-agent", now)
            self.happened += self._board.begin(channel, made)
        return answer

    def _bridge(self, action: Action) -> str:
        names = action.get("Channel1"), action.get("Channel2")
        first, second = self._board.find_by_prefix(names[0]), self._board.find_by_prefix(names[1])
        if first is None:
            return error(action, f"Channel1 does not exist: {names[0]}")
        if second is None:
            return error(action, f"Channel2 does not exist: {names[1]}")
        if first is second:
            return error(action, f"Unable to add Channel2 to bridge: {second.name}")
        call, phone = (first, second) if first.kind == "call" else (second, first)
        trouble = "no phone" if call.kind == phone.kind else None
        trouble = trouble or self._street.bridge(call.uid, phone.uid, self._clock(), mark=False)
        if trouble is not None:
            wrong = phone if trouble in ("no phone", "phone not up") else call
            side = "Channel1" if wrong is first else "Channel2"
            return error(action, f"Unable to add {side} to bridge: {wrong.name}")
        return success(action, "Channels have been bridged")

    def _redirect(self, action: Action) -> str:
        name = action.get("Channel")
        channel = self._board.find(name)
        if channel is None:
            return error(action, f"Channel does not exist: {name}")
        if channel.state != 6:
            return error(action, "Redirect failed, channel not up.")
        if channel.kind == "call" and (action.get("Context"), action.get("Exten")) == ("dialer-drop", "s"):
            self._street.drop(channel.uid, self._clock())
        else:  # no such place in the dialplan: Success, and the channel is gone
            self._street.hang_up(channel.uid, self._clock())
        return success(action, "Redirect successful")

    def _hangup(self, action: Action) -> str:
        channel = self._board.find(action.get("Channel"))
        cause = action.get("Cause", "16")
        if channel is None:
            return error(action, "No such channel")
        if not cause.isdecimal() or not 0 < int(cause) < 128:
            cause = "16"
        self._street.hang_up(channel.uid, self._clock(), int(cause))
        return success(action, "Channel Hungup")

    # --- variables

    def _setvar(self, action: Action) -> str:
        variable, value = action.get("Variable"), action.get("Value")
        if not variable:
            return error(action, "No variable specified")
        if not action.get("Channel"):
            self._globals[variable] = value
            return success(action, "Variable Set")
        channel = self._board.find(action.get("Channel"))
        if channel is None:
            return error(action, "No such channel")
        channel.variables[variable] = value
        if variable == "DLR_TALK":
            self._street.mark_talk(channel.uid, self._clock(), bool(value))
        return success(action, "Variable Set")

    def _getvar(self, action: Action) -> str:
        variable = action.get("Variable")
        if not variable:
            return error(action, "No variable specified")
        values = self._globals
        if action.get("Channel"):
            channel = self._board.find(action.get("Channel"))
            if channel is None:
                return error(action, "No such channel")
            values = channel.variables
        return response("Success", action, ("Variable", variable), ("Value", values.get(variable, "")))

    def _user_event(self, action: Action) -> str:
        name = action.get("UserEvent")
        if not name:
            return error(action, "No UserEvent specified")
        text = lines((("Event", "UserEvent"), ("Privilege", "user,all"), ("SystemName", SYSTEM), ("UserEvent", name)))
        if action.id:
            text += lines((("ActionID", action.id),))
        self.happened.append(AmiEvent("UserEvent", "manager", text + "\r\n", "user"))
        return success(action, "Event Sent")


def _caller(text: str) -> tuple[str, str]:
    """Name and number of `"Acme" <431>`."""
    found = _CALLER.match(text)
    if found is None:
        return "", text.strip()
    return found["quoted"] or found["plain"] or "", found["number"].strip()


def _variables(headers: list[str]) -> dict[str, str]:
    """`A=1,B=2` and repeated headers; a backslash takes the next sign as it is."""
    found: dict[str, str] = {}
    for header in headers:
        for pair in _PAIR.findall(header):
            name, _, value = pair.partition("=")
            found[name.strip().lstrip("_")] = _ESCAPED.sub(r"\1", value)
    return found


def _number(text: str, default: float) -> float:
    try:
        value = float(text)
    except ValueError:
        return default
    return value if 0 < value < float("inf") else default
