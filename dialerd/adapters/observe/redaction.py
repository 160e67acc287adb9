"""What may stand in a log line: one walk over a value that takes out secrets, phone numbers and forged lines.

It must never raise, whatever it is given, and never let a secret through because masking of numbers is switched off.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from itertools import islice
from numbers import Integral, Real
from pathlib import PurePath
from uuid import UUID

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]
"""What orjson and the console write without asking back."""

HIDDEN = "***"
KEPT_DIGITS = 3
SMALLEST_PHONE = 10**7
"""A whole number under a phone's key is a count or an extension below this, a subscriber from here on."""

# One line of the journal holds 48 KiB; a longer one is cut, and what follows the cut looks like a line of its own.
LONGEST_TEXT = 4_096
LONGEST_TRACEBACK = 12_288
LONGEST_COLLECTION = 64
DEEPEST = 6
MOST_VALUES = 2_000
"""Of one event, all levels together."""

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET_ANYWHERE = re.compile(
    r"secret|passw|passphrase|passcode|pwd|token|authori[sz]ation|credential|cookie|api_?key|private_?key|signature"
)
_SECRET_WORDS = frozenset({"pass", "pin", "bearer", "auth"})
_PHONE_WORD = re.compile(
    r"number|phone|telephone|tel|mobile|msisdn|caller|callerid|callee|called|calling|diall?ed|cli|ani|dnis|did|exten"
    r"|extension|subscriber|recipient|sender|destination"
)
_PHONE_KEYS = frozenset({"to", "from"})  # whole keys only: time_to_answer is no phone

# Every repetition is bounded or possessive: a stranger's text must not make the search slow.
_SECRET_IN_TEXT = re.compile(
    r"""(?ix)
    \b(?P<name>
        [\w-]{0,32}(?:secret|passw(?:or)?d|passphrase|passcode|pwd|token|authori[sz]ation|api[_-]?key|private[_-]?key)
      | pass | pin | auth | set-cookie | cookie
    )
    (?P<sign>["']?\s{0,4}[:=]\s{0,4})
    (?:(?:bearer|basic|digest)\s{1,4})?
    (?:"[^"]*"|'[^']*'|[^\s,;&]++)
    """
)
_SECRET_IN_URL = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]{0,15}://)[^\s/]*@", re.IGNORECASE)
_BEARER = re.compile(r"\bbearer\s{1,4}[\w.~+/=-]{8,}+", re.IGNORECASE)

# `keep` is what must stay readable though it is full of digits: UUIDs, ids of Asterisk (seconds.serial), the serial at
# the end of a channel's name, dates.
_READABLE_OR_PHONE = r"""(?x)
    (?P<keep>
        [0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}
      | (?<!\d)[12]\d{9}\.\d{1,9}(?!\d)
      | (?<=-)000[0-9a-f]{5}(?![0-9a-zA-Z])
      | (?<!\d)(?:19|20)\d\d-[01]\d-[0-3]\d(?!\d)
    )
    | \+\d(?:(?!-000[0-9a-f]{5}(?![0-9a-zA-Z]))[ ().\-]{0,2}\d){5,}+
    | (?<!\d)\(?0\d{1,3}\)?(?:[ .\-]\d{2,4}){2,4}(?!\d)
"""
_NUMBER_IN_TEXT = re.compile(
    _READABLE_OR_PHONE
    + r"""
    | (?<![\w.])\d{8,}+(?![a-fA-F])
    | (?:(?<=[a-zA-Z_])|(?<=[a-zA-Z]\.))\d{9,}+
    """
)
_NUMBER_UNDER_PHONE_KEY = re.compile(_READABLE_OR_PHONE + r"| \d{4,}+")
_DIGITS = re.compile(r"\d")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]|$)")
_CLOCK = re.compile(r"\d{1,2}:\d\d(?::\d\d)?$")
_LETTERS = re.compile(r"[^\W\d_]")
_PHONE_VALUE = re.compile(r"[+(]{0,2}\d(?:[ ().\-/]{0,2}\d){3,}")


def _escapes() -> dict[int, str]:
    """Characters that end a line, move a cursor or turn the reading direction, and how they are shown instead."""
    raw = [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
    return {code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" for code in raw} | {
        0x09: "\\t",
        0x0A: "\\n",
        0x0D: "\\r",
    }


_ESCAPES = _escapes()
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


_SAID_BY_STR = (BaseException, date, time, timedelta, Decimal, UUID, PurePath, IPv4Address, IPv6Address)
"""Types whose `str` says more to an engineer than their `repr`."""


class Redaction:
    """The rules for one daemon. `mask_numbers` hides phone numbers; secrets and line breaks always go."""

    def __init__(self, mask_numbers: bool) -> None:
        self._mask_numbers = mask_numbers
        # Keys are nearly always the few that stand in the source; bounded, because some come from strangers' data.
        self._key = lru_cache(maxsize=4_096)(self._read_key)

    def event(self, event: Mapping[str, object]) -> dict[str, Plain]:
        """A log event with every key and value fit to be written; never raises."""
        return _Walk(self).pairs(event.items(), False, 0)

    def traceback(self, text: str) -> str:
        """A traceback: its line breaks stay (the writer indents them), its end is kept if it is too long."""
        if len(text) > LONGEST_TRACEBACK:
            text = f"[{len(text) - LONGEST_TRACEBACK} characters left out]\n" + text[-LONGEST_TRACEBACK:]
        return "\n".join(self.text(line) for line in text.split("\n"))

    def text(self, text: str, phone: bool = False) -> str:
        """One text on one line; `phone` says that it stands under a phone number's key."""
        if type(text) is not str:
            text = str.__str__(text)  # orjson takes no subclass as a key
        if len(text) > LONGEST_TEXT:
            text = text[:LONGEST_TEXT] + f"[{len(text) - LONGEST_TEXT} characters left out]"
        # A surrogate (bytes of Asterisk that are no UTF-8) would make orjson refuse the whole line.
        if not text.isascii():
            text = text.encode("utf-8", "backslashreplace").decode("utf-8")
        text = _without_secrets(text)
        if self._mask_numbers and _DIGITS.search(text):
            text = _without_phone(text) if phone else _NUMBER_IN_TEXT.sub(_mask_or_keep, text)
        return text if _BREAKS.search(text) is None else text.translate(_ESCAPES)

    def key(self, key: object) -> tuple[str, bool, bool]:
        """A key as it is shown; whether its value is a secret; whether it is a phone number to mask."""
        return self._key(key if isinstance(key, str) else _shown(key))

    def _read_key(self, raw: str) -> tuple[str, bool, bool]:
        return self.text(raw), _is_secret(raw), self._mask_numbers and _is_phone(raw)


class _Walk:
    """One way through one event; ends even in a list that holds itself."""

    def __init__(self, rules: Redaction) -> None:
        self._rules = rules
        self._left = MOST_VALUES

    def pairs(self, pairs: Iterable[tuple[object, object]], phone: bool, depth: int) -> dict[str, Plain]:
        clean: dict[str, Plain] = {}
        for key, value in pairs:
            if len(clean) >= LONGEST_COLLECTION:
                clean["..."] = "left out"
                break
            name, secret, of_phone = self._rules.key(key)
            if name in clean:  # two numbers that look alike once masked
                name = f"{name}#{len(clean)}"
            if secret:
                clean[name] = value if value is None or isinstance(value, bool) else HIDDEN
            else:
                clean[name] = self.value(value, phone or of_phone, depth)
        return clean

    def value(self, value: object, phone: bool, depth: int) -> Plain:
        """`phone` says that the key, or one above it, is a phone number's."""
        self._left -= 1
        if depth >= DEEPEST or self._left < 0:
            return "..."
        if isinstance(value, Enum):
            return self.value(value.value, phone, depth + 1)
        if isinstance(value, str):
            return self._rules.text(value, phone)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            if not -(2**63) <= value < 2**64:
                return f"<whole number of {value.bit_length()} bits>"  # orjson stops at 64
            return _masked(str(value)) if phone and abs(value) >= SMALLEST_PHONE else int(value)
        if isinstance(value, float):
            return float(value)
        if isinstance(value, bytes | bytearray):
            return self._rules.text(bytes(value[:LONGEST_TEXT]).decode("utf-8", "backslashreplace"), phone)
        try:
            return self._composite(value, phone, depth + 1)
        except Exception as failure:  # noqa: BLE001 - a strange object in a log call must not stop a turn
            return f"<{type(value).__name__}: {type(failure).__name__}>"

    def _composite(self, value: object, phone: bool, depth: int) -> Plain:
        if isinstance(value, Mapping):
            return self.pairs(value.items(), phone, depth)
        if isinstance(value, list | tuple | set | frozenset):
            items = [self.value(item, phone, depth) for item in islice(value, LONGEST_COLLECTION)]
            return [*items, "..."] if len(value) > LONGEST_COLLECTION else items
        kind: type = type(value)
        names = _field_names(kind)
        if names is not None:
            pairs = self.pairs(((name, getattr(value, name)) for name in names), phone, depth)
            return {"type": kind.__name__, **pairs}
        if isinstance(value, Integral):  # numpy's
            return self.value(int(value), phone, depth)
        if isinstance(value, Real):
            return float(value)
        return self._rules.text(_shown(value), phone)


def _without_secrets(text: str) -> str:
    if "://" in text:
        text = _SECRET_IN_URL.sub(rf"\g<scheme>{HIDDEN}@", text)
    if ":" in text or "=" in text:
        text = _SECRET_IN_TEXT.sub(rf"\g<name>\g<sign>{HIDDEN}", text)
    return _BEARER.sub(f"Bearer {HIDDEN}", text) if " " in text else text


def _without_phone(text: str) -> str:
    # `from` and `to` also bound spans of time.
    if _DATE.match(text) or _CLOCK.match(text):
        return text
    if _LETTERS.search(text):  # a SIP address, a channel
        return _NUMBER_UNDER_PHONE_KEY.sub(_mask_or_keep, text)
    return _PHONE_VALUE.sub(lambda found: _masked(found[0]), text)


def _mask_or_keep(found: re.Match[str]) -> str:
    return found[0] if found["keep"] is not None else _masked(found[0])


def _masked(number: str) -> str:
    digits = "".join(_DIGITS.findall(number))
    return HIDDEN + digits[-KEPT_DIGITS:]


def _is_secret(key: str) -> bool:
    flat = key.lower().replace("-", "_")
    return _SECRET_ANYWHERE.search(flat) is not None or not _SECRET_WORDS.isdisjoint(_words(key))


def _is_phone(key: str) -> bool:
    return key.lower() in _PHONE_KEYS or any(_PHONE_WORD.fullmatch(word.removesuffix("s")) for word in _words(key))


def _words(key: str) -> list[str]:
    """`CallerIDNum` and `caller_id-num` both give caller, id, num."""
    return [word.lower() for word in _WORDS.findall(key)]


@lru_cache(maxsize=1_024)
def _field_names(kind: type) -> tuple[str, ...] | None:
    """The fields of a dataclass, a msgspec struct or a pydantic model; None for any other type."""
    if is_dataclass(kind):
        return tuple(field.name for field in fields(kind))
    for attribute in ("__struct_fields__", "model_fields"):
        names = getattr(kind, attribute, None)
        if isinstance(names, tuple | dict):
            return tuple(names)
    return None


def _shown(value: object) -> str:
    try:
        return str(value) if isinstance(value, _SAID_BY_STR) else repr(value)
    except Exception:  # noqa: BLE001 - a __repr__ that fails must not stop a turn
        return f"<{type(value).__name__} that cannot be shown>"
