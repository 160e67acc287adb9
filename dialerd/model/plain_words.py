"""What the checked models complain about, in plain words: what was found and what is allowed (O01).

Never lets a word of the checking library through, and never tells a value that belongs to a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

from pydantic_core import ErrorDetails

from dialerd.model.lead_order import MIX_PATTERN
from dialerd.model.model_shape import ModelShape
from dialerd.model.policies import NAME_PATTERN
from dialerd.model.wording import clean, is_secret, one_of

KeyPath: TypeAlias = tuple[str, ...]
"""The way to a value: keys and the numbers of list items, all as text."""

MOMENT = "a moment with its offset, such as 2026-11-21T08:00:00+07:00"
PATTERNS: Mapping[str, str] = {
    NAME_PATTERN: "letters, digits, _ and -, at most 64, a letter or digit first",
    r"^[A-Za-z0-9_.@-]{1,64}$": "letters, digits, _ . @ and -, 1 to 64",
    r"^[A-Za-z0-9]+/[^\s,;&|]*\{number\}[^\s,;&|]*$": (
        "Asterisk's dial string with {number} in it, such as PJSIP/{number}@carrier"
    ),
    r"^[0-9*#]{0,16}$": "digits, * and #, at most 16",
    r"^[A-Z]{3}$": "three capitals, such as VND",
    MIX_PATTERN: "fresh_first, retries_first, or a ratio such as 3:1, of 1 to 999 each",
    r"^\+?[0-9]{3,15}$": "3 to 15 digits, a + before them or not",
    r'^[^"<>;\\\x00-\x1f\x7f]{0,60}$': (
        "at most 60 characters, none of them a quote, an angle bracket, a semicolon, a backslash or a control character"
    ),
    r"^[A-Za-z0-9]+/[A-Za-z0-9_.@+-]{1,80}$": "a softphone as Asterisk dials it, such as PJSIP/1001",
    r"^([A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*)?$": "the name of a sound without its ending: letters, digits, _ and -, parted by /",
}
"""What a pattern of the models means to people."""


class Fault(NamedTuple):
    """One value that is wrong: where it is, what was found there, and what is allowed in words.

    `names` are the names that are allowed, where there is a list of them.
    """

    path: KeyPath
    found: str
    allowed: str
    names: tuple[str, ...] = ()


class Given(Protocol):
    """What somebody has given, by path, however it was written."""

    map_words: str
    """What a map is called where one is needed."""

    def follow(self, loc: Iterable[int | str]) -> tuple[KeyPath, bool]:
        """The path of a checker's location, and whether the location named a branch of a choice, which is no key."""

    def shown(self, path: Sequence[str]) -> str:
        """The value as a fault tells it: *** for a secret, never what is inside a list or a map."""

    def text(self, path: Sequence[str]) -> str:
        """A scalar as it was written; empty for anything else."""

    def keys(self, path: Sequence[str]) -> list[str] | None:
        """The keys of the map at `path`; None if there is no map."""

    def is_one(self, path: Sequence[str]) -> bool:
        """Whether one value stands there: neither a list, nor a map, nor nothing."""

    def is_quoted_number(self, path: Sequence[str]) -> bool:
        """Whether a number stands there that is text by its quotes alone."""


class _Case(NamedTuple):
    """A complaint about one value."""

    given: Given
    path: KeyPath
    ctx: Mapping[str, Any]
    written: str


_Words = Callable[[_Case], str]


def _always(words: str) -> _Words:
    return lambda case: words


def _bound(words: str, key: str) -> _Words:
    return lambda case: f"{words} {_figure(case.ctx.get(key))}"


def _number(words: str) -> _Words:
    return lambda case: f"{words} without quotes" if case.given.is_quoted_number(case.path) else words


def _counted(words: str, key: str, thing: str) -> _Words:
    def allowed(case: _Case) -> str:
        number = case.ctx.get(key)
        return f"{words} {number} {thing if number != 1 else thing.removesuffix('s')}"

    return allowed


def _entries(words: str, key: str) -> _Words:
    def allowed(case: _Case) -> str:
        number = case.ctx.get(key)
        return f"{words} {number} {'entry' if number == 1 else 'entries'}"

    return allowed


def _literal(case: _Case) -> str:
    names = _names_in(case.ctx)
    return one_of(case.written, names, "nothing") if case.written else ", ".join(names)


def _names_in(ctx: Mapping[str, Any]) -> list[str]:
    return re.findall(r"'([^']*)'", str(ctx.get("expected")))


def _list(case: _Case) -> str:
    return f"a list, such as [{clean(case.written)}]" if case.written else "a list"


def _map(case: _Case) -> str:
    return case.given.map_words


_DAY = _always("a day as YYYY-MM-DD")
_TRUTH = _always("true or false")

KNOWN: Mapping[str, _Words] = {
    "missing": _always("a value; this key is needed"),
    "extra_forbidden": _always("another key"),
    "string_type": _always("text"),
    "string_unicode": _always("text"),
    "string_too_short": _counted("at least", "min_length", "characters"),
    "string_too_long": _counted("at most", "max_length", "characters"),
    "int_type": _number("a whole number"),
    "int_parsing": _number("a whole number"),
    "int_parsing_size": _number("a smaller whole number"),
    "int_from_float": _number("a whole number"),
    "float_type": _number("a number"),
    "float_parsing": _number("a number"),
    "finite_number": _number("a number"),
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
    "greater_than": _bound("more than", "gt"),
    "greater_than_equal": _bound("at least", "ge"),
    "less_than": _bound("less than", "lt"),
    "less_than_equal": _bound("at most", "le"),
    "literal_error": _literal,
    "dict_type": _map,
    "model_type": _map,
    "model_attributes_type": _map,
    "list_type": _list,
    "too_short": _entries("at least", "min_length"),
    "too_long": _entries("at most", "max_length"),
    "date_type": _DAY,
    "date_parsing": _DAY,
    "date_from_datetime_parsing": _DAY,
    "date_from_datetime_inexact": _DAY,
}
"""What is allowed, by the type of the complaint; `value_error` brings our models' own words, a pattern those of PATTERNS."""


def _figure(number: object) -> str:
    return f"{number:.0f}" if isinstance(number, float) and number.is_integer() else str(number)


class PlainWords:
    """The words for the complaints of one model; `patterns`: what those of its patterns mean that are not in PATTERNS."""

    def __init__(self, shape: ModelShape, patterns: Mapping[str, str] = PATTERNS) -> None:
        self._shape = shape
        self._patterns = patterns

    def faults(self, given: Given, errors: Sequence[ErrorDetails], limit: int) -> tuple[list[Fault], list[KeyPath]]:
        """The faults that `errors` of the model are, at most `limit` and one; and the paths of all."""
        told: dict[KeyPath, list[ErrorDetails]] = {}
        choices: dict[KeyPath, list[ErrorDetails]] = {}
        for error in errors:
            loc = error["loc"]
            if error["type"] == "missing":
                path, _ = given.follow(loc[:-1])
                told.setdefault((*path, str(loc[-1])), []).append(error)
                continue
            path, choice = given.follow(loc)
            (choices if choice else told).setdefault(path, []).append(error)
        above = {path[:i] for path in choices for i in range(len(path))}
        for path, of_choice in choices.items():
            if path not in above:  # else one branch fits so far, and what is below it says more
                told.setdefault(path, []).extend(of_choice)
        every = list(told.items())
        faults = [self._fault(given, path, of_path) for path, of_path in every[: limit + 1]]
        return faults, [fault.path for fault in faults] + [path for path, _ in every[limit + 1 :]]

    def _fault(self, given: Given, path: KeyPath, errors: list[ErrorDetails]) -> Fault:
        kinds = [error["type"] for error in errors]
        if "extra_forbidden" in kinds:
            keys = self._shape.keys_at(path[:-1])
            return Fault(path, "an unknown key", one_of(path[-1], keys, "none"), tuple(keys))
        if errors[0]["loc"][-1:] == ("[key]",):
            found = "this key" if is_secret(path) else f'the key "{clean(path[-1])}"'
            return Fault(path, found, self._allowed(given, path, errors[0], "" if is_secret(path) else path[-1]))
        found = given.shown(path)
        written = given.text(path)
        length = errors[0].get("ctx", {}).get("actual_length")
        if kinds[0].startswith("string_too") and written:
            found = f"{len(written)} characters"
        elif kinds[0].startswith("too_") and length:
            found = f"{length} {'entry' if length == 1 else 'entries'}"
        if "value_error" in kinds:
            message = str(errors[kinds.index("value_error")].get("ctx", {}).get("error"))
            return _own_words(given, path, found, message)
        allowed = dict.fromkeys(self._allowed(given, path, error) for error in errors)
        names = tuple(_names_in(errors[0].get("ctx", {}))) if kinds == ["literal_error"] else ()
        return Fault(path, found, " or ".join(allowed), names)

    def _allowed(self, given: Given, path: KeyPath, error: ErrorDetails, key: str | None = None) -> str:
        kind, ctx = error["type"], error.get("ctx", {})
        if kind in ("float_type", "float_parsing") and self._shape.is_moment(path):
            return MOMENT
        if kind == "string_pattern_mismatch":
            pattern = str(ctx.get("pattern"))
            return self._patterns.get(pattern, f"text of the form {pattern}")
        words = KNOWN.get(kind)
        if words is None:
            return f"something else ({kind.replace('_', ' ')})"
        written = "" if is_secret(path) else given.text(path) if key is None else key
        return words(_Case(given, path, ctx, written))


def _own_words(given: Given, path: KeyPath, found: str, message: str) -> Fault:
    """A message of our models, `what is wrong; what is allowed` or only what is wrong, and the path it means."""
    named = _named_below(given, path, re.findall(r"[A-Za-z0-9_-]+", message))
    if named:
        path = (*path, *named)
        found = given.shown(path)
    wrong, _, allowed = message.partition("; ")
    allowed = re.sub(r"^allowed: |,? (is|are) allowed(?=,|$)", "", allowed)
    return Fault(path, f"{found}: {wrong}" if given.is_one(path) else wrong, allowed)


def _named_below(given: Given, path: KeyPath, words: list[str]) -> tuple[str, ...]:
    """The path to the key, here or one level below, that a message about a whole map names."""
    keys = given.keys(path) or []
    for word in words:
        if word in keys:
            return (word,)
    for key in keys:
        below = given.keys((*path, key)) or ()
        for word in words:
            if word in below:
                return (key, word)
    return ()
