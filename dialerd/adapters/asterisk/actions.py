"""Actions: what each intent to Telephony is in AMI's words.

It must never send anything, and never let a text of a stranger become another header, variable, application or channel:
what does not fit is refused with a ValueError that names the field.
"""

from __future__ import annotations

import math
import re
from typing import Final, NamedTuple, TypeAlias

from dialerd.model.ids import LEG_LENGTH, is_call, is_leg
from dialerd.model.intents import CallPhone, Connect, Dial, Drop, HangUp, OfferCall, ToTelephony

Headers: TypeAlias = tuple[tuple[str, str], ...]

CUSTOMER_CONTEXT: Final = "dialer-cust"
AGENT_CONTEXT: Final = "dialer-agent"
RING_CONTEXT: Final = "dialer-ring"
DROP_CONTEXT: Final = "dialer-drop"

RING_LIMIT_S: Final = 600.0
WAIT_LIMIT_S: Final = 3600.0

_SOUNDS: Final = {"music": "m", "ringing": "r", "silence": "s"}
_NUMBER: Final = re.compile(r"[0-9*#+]{0,32}")
_DIAL: Final = re.compile(r"[A-Za-z0-9]+/[A-Za-z0-9_.+*#@:/=~!-]{1,200}")
_PROMPT: Final = re.compile(r"[A-Za-z0-9_/.-]{0,120}")
_AGENT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_NOT_IN_A_NAME: Final = re.compile(r'[\x00-\x1f\x7f-\x9f\u2028\u2029"<>;\\]')
_NAME_LIMIT: Final = 80


class Action(NamedTuple):
    """One AMI action and its ActionID, by which its response is known."""

    headers: Headers
    id: str


def actions_of(intent: ToTelephony) -> list[Action]:
    """The actions that carry an intent out, in the order to send them.

    Raises ValueError naming the field that cannot be sent: what was found and what is allowed.
    """
    match intent:
        case Dial():
            return [_dial(intent)]
        case OfferCall():
            return [_offer_call(intent)]
        case CallPhone():
            return [_call_phone(intent)]
        case Connect():
            return _connect(intent)
        case HangUp():
            return [hang_up(intent.leg)]
        case Drop():
            return [_drop(intent)]


def hang_up(leg: str) -> Action:
    """End a leg, by its Uniqueid."""
    _leg("leg", leg)
    return Action((("Action", "Hangup"), ("Channel", leg), ("Cause", "16")), f"hangup-{leg}")


def unmark_talk(call: str) -> Action:
    """Take back the mark that `Connect` set: the bridge failed, and this customer has talked with nobody yet."""
    return _talk_mark(call, "")


def leg_of_originate(action_id: str) -> str:
    """The leg whose Originate has this ActionID, or empty: a response to another action."""
    return action_id if is_leg(action_id) else ""


def pair_of_bridge(action_id: str) -> tuple[str, str] | None:
    """Call and agent's leg whose Bridge has this ActionID."""
    word, _, rest = action_id.partition("-")
    call, _, leg = rest.partition("-")
    return (call, leg) if word == "bridge" and is_leg(call) and is_leg(leg) else None


def leg_of_hang_up(action_id: str) -> str:
    """The leg whose Hangup has this ActionID, or empty."""
    word, _, leg = action_id.partition("-")
    return leg if word == "hangup" and is_leg(leg) else ""


def _dial(intent: Dial) -> Action:
    _call_leg("call", intent.call)
    _fits("number", intent.number, _NUMBER, "digits, *, # and +, at most 32")
    sound = _sound(intent.sound)
    prompt = _fits("drop_prompt", intent.drop_prompt, _PROMPT, "letters, digits, _ / . and -, at most 120")
    if ".." in prompt:
        raise _unfit("drop_prompt", prompt, "a path without ..")
    wait_s = max(1, math.ceil(_seconds("wait_s", intent.wait_s, 0.0, WAIT_LIMIT_S)))
    return _originate(
        intent.call,
        _fits("dial", intent.dial, _DIAL, "technology/resource, e.g. PJSIP/84900000000@carrier"),
        CUSTOMER_CONTEXT,
        intent.ring_s,
        _caller(intent.caller_name, intent.caller_number),
        ("DLR_CALL", intent.call),
        ("DLR_WAIT", str(wait_s)),
        ("DLR_ENT", sound),
        ("DLR_DROP", prompt),
    )


def _offer_call(intent: OfferCall) -> Action:
    _call_leg("call", intent.call)
    # the name is a lead's, so anybody's: one sign that cannot be shown must not leave the customer without an agent
    shown = " ".join(_NOT_IN_A_NAME.sub(" ", intent.caller_name).split())[:_NAME_LIMIT].rstrip()
    return _originate(
        _phone_leg("leg", intent.leg),
        _phone(intent.phone),
        RING_CONTEXT,
        intent.ring_s,
        _caller(shown, intent.caller_number),
        ("DLR_AGENT", _agent(intent.agent)),
        ("DLR_CALL", intent.call),
    )


def _call_phone(intent: CallPhone) -> Action:
    return _originate(
        _phone_leg("leg", intent.leg),
        _phone(intent.phone),
        AGENT_CONTEXT,
        intent.ring_s,
        "",
        ("DLR_AGENT", _agent(intent.agent)),
        ("DLR_ENT", _sound(intent.sound)),
    )


def _connect(intent: Connect) -> list[Action]:
    call, leg = _call_leg("call", intent.call), _phone_leg("leg", intent.leg)
    # The agent's leg is the first to be moved: if it has gone, the customer is not touched and waits on. The other way
    # round he is taken out of his holding bridge before Asterisk finds that there is nobody to bridge him with.
    bridge = (("Action", "Bridge"), ("Channel1", leg), ("Channel2", call), ("Tone", "no"))
    return [_talk_mark(call, "1"), Action(bridge, f"bridge-{call}-{leg}")]


def _drop(intent: Drop) -> Action:
    call = _call_leg("call", intent.call)
    place = (("Context", DROP_CONTEXT), ("Exten", "s"), ("Priority", "1"))
    return Action((("Action", "Redirect"), ("Channel", call), *place), f"drop-{call}")


def _talk_mark(call: str, value: str) -> Action:
    _call_leg("call", call)
    headers = (("Action", "Setvar"), ("Channel", call), ("Variable", "DLR_TALK"), ("Value", value))
    return Action(headers, f"talk-{call}")


def _originate(leg: str, channel: str, context: str, ring_s: float, caller: str, *variables: tuple[str, str]) -> Action:
    timeout_ms = max(1, round(1000 * _seconds("ring_s", ring_s, 0.001, RING_LIMIT_S)))
    headers = [
        ("Action", "Originate"),
        ("Channel", channel),
        ("Context", context),
        ("Exten", "s"),
        ("Priority", "1"),
        ("Async", "true"),
        ("Timeout", str(timeout_ms)),
        ("ChannelId", leg),
    ]
    if caller:
        headers.append(("CallerID", caller))
    # Asterisk splits one header into several variables at commas, and takes a backslash before a sign away
    escaped = ((name, value.replace("\\", "\\\\").replace(",", "\\,")) for name, value in variables)
    headers += [("Variable", f"{name}={value}") for name, value in escaped]
    return Action(tuple(headers), leg)


def _caller(name: str, number: str) -> str:
    _fits("caller_number", number, _NUMBER, "digits, *, # and +, at most 32")
    if _NOT_IN_A_NAME.search(name) or len(name) > _NAME_LIMIT:
        raise _unfit("caller_name", name, f'one line without " < > ; and \\, at most {_NAME_LIMIT}')
    if not name:
        return f"<{number}>" if number else ""
    return f'"{name}" <{number}>'


def _sound(text: str) -> str:
    sound = _SOUNDS.get(text)
    if sound is None:
        raise _unfit("sound", text, ", ".join(_SOUNDS))
    return sound


def _phone(text: str) -> str:
    return _fits("phone", text, _DIAL, "technology/resource, e.g. PJSIP/1001")


def _agent(text: str) -> str:
    return _fits("agent", text, _AGENT, "letters, digits, _ and -, at most 64")


def _leg(field: str, text: str) -> str:
    if len(text) != LEG_LENGTH or not is_leg(text):
        raise _unfit(field, text, "the id of a leg")
    return text


def _call_leg(field: str, text: str) -> str:
    if not is_call(_leg(field, text)):
        raise _unfit(field, text, "the id of a customer's leg")
    return text


def _phone_leg(field: str, text: str) -> str:
    if is_call(_leg(field, text)):
        raise _unfit(field, text, "the id of an agent's leg")
    return text


def _fits(field: str, text: str, pattern: re.Pattern[str], allowed: str) -> str:
    if not pattern.fullmatch(text):
        raise _unfit(field, text, allowed)
    return text


def _seconds(field: str, value: float, least: float, most: float) -> float:
    if not least <= value <= most:  # a NaN fits nowhere
        raise ValueError(f"{field}: found {value!r}; allowed are {least:g} to {most:g} seconds")
    return value


def _unfit(field: str, found: str, allowed: str) -> ValueError:
    shown = found if len(found) <= 60 else f"{found[:60]}..."
    return ValueError(f"{field}: found {shown!r}; allowed: {allowed}")
