"""Names of files and of spreadsheet pages, made from texts of strangers.

Never lets through what a file system, a shell, a header or a spreadsheet program reads as anything but a name.
"""

from __future__ import annotations

import re
import unicodedata

_LONGEST = 80
_UNSAFE = re.compile(r"[^A-Za-z0-9_]+")
# Letters that do not come apart into a plain letter and an accent.
_PLAIN = str.maketrans({"đ": "d", "Đ": "D", "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "ß": "ss", "æ": "ae", "Æ": "AE"})

SHEET_LONGEST = 31
_NOT_IN_SHEETS = re.compile(r"[\[\]:*?/\\\x00-\x1f\x7f]")


def file_stem(text: str, day: str) -> str:
    """`text` in plain letters with `day` behind it, e.g. `khach-hang-2026-11-21`; `export-...` if nothing is left of it.

    A day behind it keeps a name from being one that Windows has for a device, and it begins neither with `-` nor `.`.
    """
    apart = unicodedata.normalize("NFKD", text.translate(_PLAIN)).encode("ascii", "ignore").decode()
    plain = _UNSAFE.sub("-", apart).strip("-_")[:_LONGEST].strip("-_")
    return f"{plain or 'export'}-{day}"


def sheet_name(text: str, taken: set[str], fallback: str) -> str:
    """A name for a spreadsheet page that Excel takes: 31 units of UTF-16 at most, none of `taken`, which it joins.

    `taken` holds names in lower case: Excel does not tell `Leads` from `leads`.
    """
    name = " ".join(_NOT_IN_SHEETS.sub(" ", text).split()).strip("'").strip()
    if not name or name.lower() == "history":
        name = fallback
    number = 1
    while True:
        ending = "" if number == 1 else f" {number}"
        tried = cut_units(name, SHEET_LONGEST - len(ending)).rstrip(" '") + ending
        if tried.lower() not in taken:
            taken.add(tried.lower())
            return tried
        number += 1


def cut_units(text: str, units: int) -> str:
    """The beginning of `text` that fits into `units` units of UTF-16, as spreadsheets count; no letter is cut in two."""
    if len(text) * 2 <= units:
        return text
    return text.encode("utf-16-le", "replace")[: units * 2].decode("utf-16-le", "ignore")


def count_units(text: str) -> int:
    """Units of UTF-16 in `text`."""
    return len(text) + sum(1 for letter in text if letter > "\uffff")
