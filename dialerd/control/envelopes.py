"""What a command comes in, whatever the channel: strict JSON read into arguments, its id, and the reply to one that is not.

Must never let through a doubled key, NUL, half a surrogate pair, NaN or bottomless nesting, nor raise but BadPayload.
"""

from __future__ import annotations

import json
from typing import NoReturn

MAX_PAYLOAD = 16 * 1024 * 1024
MAX_DEPTH = 32
ID_ALLOWED = "a string of 1 to 64 printable characters"
OBJECT_ALLOWED = "a JSON object of arguments, UTF-8, each key once"


class BadPayload(Exception):
    """A payload that is no command: `field` is the place, `allowed` what would do."""

    def __init__(self, message: str, field: str, allowed: str) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.allowed = allowed


def read_arguments(payload: bytes, limit: int = MAX_PAYLOAD) -> dict[str, object]:
    """The JSON object in `payload`; raises BadPayload. `limit` is in bytes."""
    if len(payload) > limit:
        raise BadPayload(f"found {len(payload)} bytes", "payload", f"at most {limit} bytes")
    if b"\0" in payload:
        raise BadPayload("found a NUL byte", "payload", OBJECT_ALLOWED)
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadPayload(f"not UTF-8 at byte {error.start}", "payload", OBJECT_ALLOWED) from None
    try:
        value = json.loads(text, object_pairs_hook=_each_key_once, parse_constant=_no_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        message = f"not JSON: {error.msg} at line {error.lineno} column {error.colno}"
        raise BadPayload(message, "payload", OBJECT_ALLOWED) from None
    except RecursionError:
        raise BadPayload("nested too deep", "payload", f"at most {MAX_DEPTH} levels") from None
    except ValueError:  # an integer of more digits than Python turns into a number
        raise BadPayload("a number is too long", "payload", "numbers of at most 4300 digits") from None
    if not isinstance(value, dict):
        raise BadPayload(f"found a JSON {_kind(value)}", "payload", OBJECT_ALLOWED)
    _check_texts(value)
    return value


def take_id(arguments: dict[str, object]) -> str | None:
    """Takes the reserved key `id` out of the arguments; None when it is absent; raises BadPayload."""
    if "id" not in arguments:
        return None
    found = arguments.pop("id")
    if not isinstance(found, str):
        raise BadPayload(f"found a JSON {_kind(found)}", "id", ID_ALLOWED)
    if not 1 <= len(found) <= 64:
        raise BadPayload(f"found {len(found)} characters", "id", ID_ALLOWED)
    if not found.isprintable():
        raise BadPayload("found a character that cannot be printed", "id", ID_ALLOWED)
    return found


def error_reply(
    request_id: str, code: str, message: str, field: str | None = None, allowed: str | None = None
) -> bytes:
    """The answer to a request that was not carried out."""
    error = {"code": code, "message": message, "field": field, "allowed": allowed}
    return json.dumps({"id": request_id, "ok": False, "error": error}, ensure_ascii=False).encode("utf-8", "replace")


def _each_key_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise BadPayload(f"the key {_shown(key)} stands twice", _shown(key), "each key once")
            seen.add(key)
    return result


def _no_constant(name: str) -> NoReturn:
    raise BadPayload(f"found {name}", "payload", "numbers as JSON has them")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise BadPayload(f"the number {_shown(text)} is too large", "payload", "numbers below 1.8e308")
    return number


_Chain = tuple["_Chain", "str | int"] | None


def _check_texts(arguments: dict[str, object]) -> None:
    """Refuses NUL and half surrogates (both can be written as escapes) in any key or text, and deep nesting."""
    rest: list[tuple[object, int, _Chain]] = [(arguments, 1, None)]
    while rest:
        value, depth, place = rest.pop()
        if isinstance(value, str):
            _check_text(value, place)
        elif isinstance(value, dict | list):
            if depth > MAX_DEPTH:
                raise BadPayload("nested too deep", _place(place), f"at most {MAX_DEPTH} levels")
            if isinstance(value, dict):
                for key, inner in value.items():
                    _check_text(key, place)
                    rest.append((inner, depth + 1, (place, key)))
            else:
                rest.extend((inner, depth + 1, (place, index)) for index, inner in enumerate(value))


def _check_text(text: str, place: _Chain) -> None:
    if "\0" in text:
        raise BadPayload("found a NUL character", _place(place), "text without NUL")
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise BadPayload("found half of a surrogate pair", _place(place), "whole Unicode characters") from None


def _place(chain: _Chain) -> str:
    parts: list[str] = []
    while chain is not None:
        chain, part = chain
        parts.append(f"[{part}]" if isinstance(part, int) else f".{_shown(part)}")
    return "".join(reversed(parts)).lstrip(".")[:128] or "payload"


def _shown(text: str) -> str:
    """A stranger's text fit for a message: printable and short."""
    short = text if len(text) <= 40 else f"{text[:40]}..."
    return short if short.isprintable() else ascii(short)[1:-1]


def _kind(value: object) -> str:
    if value is None:
        return "null"
    for kind, name in ((bool, "boolean"), (int | float, "number"), (str, "string"), (list, "array"), (dict, "object")):
        if isinstance(value, kind):
            return name
    return "value"
