"""Words for one line of an error: values cleaned, cut and quoted, and the names that were probably meant.

Never shows the value of a secret, and never lets a control character reach a terminal or a log.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

_LONGEST = 60
_LISTED = 12
_READ = 200
_PASSWORD_IN_URL = re.compile(r"(://[^:/@\s]*:)[^@\s]*(@|(?<=.{190})$)")
_WORDS = re.compile(r"[^a-z]+")
_SECRET_WORDS = re.compile(r"secrets?|passwords?|passwd|passphrase|passcode|pass|pwd|tokens?|credentials?|apikey")


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
