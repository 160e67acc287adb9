"""Troubles of a configuration: where it is, what was found there and what is allowed (O01).

Never shows the value of a secret, and never lets a file's control characters reach a terminal or a log.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LIMIT = 200
"""Errors told of one configuration, and warnings as many; there may be a hundred thousand."""
_LONGEST = 60
_LISTED = 12
_READ = 200
_PASSWORD_IN_URL = re.compile(r"(://[^:/@\s]*:)[^@\s]*(@|(?<=.{190})$)")
_WORDS = re.compile(r"[^a-z]+")
_SECRET_WORDS = re.compile(r"secrets?|passwords?|passwd|passphrase|passcode|pass|pwd|tokens?|credentials?|apikey")


@dataclass(frozen=True, slots=True)
class Trouble:
    """One fault of the configuration, printed as `file:line: key: found ..., allowed: ...`.

    `line` is 0 if the whole file is meant, `key` is empty if no key is, `allowed` is empty if `found` says it all.
    A `warning` does not keep the daemon from starting.
    """

    file: str
    line: int
    key: str
    found: str
    allowed: str
    warning: bool = False

    def __str__(self) -> str:
        where = clean(self.file, 4096) + (f":{self.line}" if self.line else "")
        words = f"found {self.found}" + (f", allowed: {self.allowed}" if self.allowed else "")
        return ": ".join(part for part in (where, "warning" if self.warning else "", self.key, words) if part)


class Wrong(Exception):
    """The configuration cannot be used; `troubles` are all that was found, in the order of files and lines."""

    def __init__(self, troubles: Sequence[Trouble]) -> None:
        super().__init__(troubles)
        self.troubles = list(troubles)

    def __str__(self) -> str:
        return "\n".join(str(trouble) for trouble in self.troubles)


def clean(text: str, longest: int = _LONGEST) -> str:
    """`text` fit for one line of a terminal or a log: escapes for what cannot be printed, cut at `longest` characters."""
    cut = text if len(text) <= longest else text[:longest] + "..."
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in cut)


def quoted(text: str, longest: int = _LONGEST) -> str:
    """`text` in double quotes, clean and cut, without the password of an address such as mqtt://user:password@host."""
    shown = text if longest > _READ else text[:_READ]
    if "://" in shown:
        shown = _PASSWORD_IN_URL.sub(r"\1***\2", shown[:_READ])
    return f'"{clean(shown, longest)}"'


def path_text(path: str) -> str:
    """A file's path in double quotes, clean and whole."""
    return quoted(path, 4096)


def key_text(path: Iterable[str]) -> str:
    """The key as it is printed: its parts joined by dots; a part with a space or a strange character is quoted."""
    return ".".join(part if re.fullmatch(r"[\w@.+-]{1,64}", part) else quoted(part) for part in path)


def is_secret(path: Iterable[str]) -> bool:
    """Whether a value under this key must not be shown: a part of the key is a word such as secret or password."""
    for part in path:
        words = _WORDS.split(part[:200].lower())
        if any(_SECRET_WORDS.fullmatch(word) for word in (*words, "".join(words))):
            return True
    return False


def listed(names: Iterable[str]) -> str:
    """`names` in one line, at most 12 of them."""
    every = [clean(name) for name in names]
    more = f" and {len(every) - _LISTED} more" if len(every) > _LISTED else ""
    return ", ".join(every[:_LISTED]) + more


def near(found: str, among: Iterable[str]) -> str | None:
    """The name that was probably meant by `found`, if one is like it."""
    if len(found) > 100:
        return None
    by_small: dict[str, str] = {}
    for name in among:
        by_small.setdefault(name.lower(), name)
    close = difflib.get_close_matches(found.lower().replace("-", "_"), by_small, n=1, cutoff=0.6)
    close = close or difflib.get_close_matches(found.lower(), by_small, n=1, cutoff=0.6)
    return by_small[close[0]] if close else None


def one_of(found: str, names: Sequence[str], none: str) -> str:
    """What is allowed instead of `found`: the name that was probably meant, else the list; `none` if there are no names."""
    if not names:
        return none
    meant = near(found, names)
    if meant is None:
        return listed(names)
    some = listed(names) if len(names) <= _LISTED else f"one of {len(names)}"
    return f"{some}; did you mean {clean(meant)}?"


def in_order(troubles: Iterable[Trouble], main: str) -> list[Trouble]:
    """`troubles` by file and line, those of the file `main` first."""
    return sorted(troubles, key=lambda trouble: (trouble.file != main, trouble.file, trouble.line))


def cut(troubles: Iterable[Trouble]) -> list[Trouble]:
    """`troubles` without repetitions: at most LIMIT errors and LIMIT warnings, and a last one if there were more."""
    every = list(dict.fromkeys(troubles))
    errors = [trouble for trouble in every if not trouble.warning]
    warnings = [trouble for trouble in every if trouble.warning]
    kept = {*errors[:LIMIT], *warnings[:LIMIT]}
    if len(kept) == len(every):
        return every
    more = Trouble(every[0].file, 0, "", f"more troubles than these {len(kept)}", "none", warning=not errors)
    return [*(trouble for trouble in every if trouble in kept), more]
