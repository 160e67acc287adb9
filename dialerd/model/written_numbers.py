"""Numbers as people and spreadsheets write them, to plain decimals: `1.234,56` and `1,234.56` are both `1234.56` (C08).

Never guesses: `1.234` is one and a bit to one country and a thousand and more to another, and is refused.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Literal, TypeAlias

from dialerd.model.errors import Refusal

DecimalMark: TypeAlias = Literal["point", "comma"]
NUMBER = "a number such as 1234.5"
MOST_DIGITS = 28
_MARKS = {"point": ".", "comma": ","}
_SPACES = str.maketrans("\u00a0\u2009\u202f\u2212", "   -")
_WRITTEN = re.compile(
    r"(?P<sign>[+-]?) ?"
    r"(?P<whole>[0-9]*|[1-9][0-9]{0,2}(?P<gap>[ .,])[0-9]{3}(?:(?P=gap)[0-9]{3})*)"
    r"(?:(?!(?P=gap))(?P<mark>[.,])(?P<part>[0-9]+))?"
)
_EITHER = re.compile(r"-?[1-9][0-9]{0,2}[.,][0-9]{3}")
"""Thousands and their mark to some, three digits of a fraction to others."""
_CUT_SHORT = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?[eE][+-]?[0-9]+")


def read_number(text: str, decimal_mark: DecimalMark | None = None) -> str:
    """`text` as a plain decimal: an optional minus, digits, a point and digits where it has a fraction, no idle zeros.

    `decimal_mark` settles only what can be read in two ways (`1.234`, `1,234`); without it that is refused. What this returns
    it reads again as the same, with every decimal mark: 1.234 comes as `1.2340` for that reason.

    Raises Refusal (no field; `allowed` in words).
    """
    raw = text.strip().translate(_SPACES)
    found = _WRITTEN.fullmatch(raw)
    if not found or not (found["whole"] or found["part"]):
        raise _unreadable(raw)
    whole, part = found["whole"], found["part"] or ""
    if found["gap"]:
        whole = whole.replace(found["gap"], "")
    elif part and _EITHER.fullmatch(f"{whole}{found['mark']}{part}"):
        if decimal_mark is None:
            because = f"it may be {whole}{part} or {whole}.{part}: nothing tells what its mark is"
            allowed = f"{whole}{part} or {whole}.{part}0, or a decimal_mark for all numbers of the field"
            raise Refusal("bad_argument", because, None, allowed)
        if found["mark"] != _MARKS[decimal_mark]:
            whole, part = whole + part, ""
    if len(whole) + len(part) > MOST_DIGITS:
        raise Refusal("bad_argument", f"it has more than {MOST_DIGITS} digits", None, NUMBER)
    return _plain("-" if found["sign"] == "-" else "", whole, part)


def plain_number(number: Decimal | float) -> str:
    """A number that is known, such as that of a spreadsheet's cell, in the form of `read_number`.

    Raises Refusal for what is not finite, or has more than 28 digits.
    """
    exact = number if isinstance(number, Decimal) else Decimal(repr(number))
    if not exact.is_finite() or len(exact.as_tuple().digits) > MOST_DIGITS or abs(exact.adjusted()) >= MOST_DIGITS:
        raise Refusal("bad_argument", f"it is not finite or has more than {MOST_DIGITS} digits", None, NUMBER)
    whole, _, part = f"{abs(exact):f}".partition(".")
    return _plain("-" if exact < 0 else "", whole, part)


def _plain(sign: str, whole: str, part: str) -> str:
    whole, part = whole.lstrip("0") or "0", part.rstrip("0")
    if not part:
        return whole if whole == "0" else sign + whole
    plain = f"{sign}{whole}.{part}"
    # three digits after the point look like thousands to half of the world: a fourth shows what they are
    return plain + "0" if _EITHER.fullmatch(plain) else plain


def _unreadable(raw: str) -> Refusal:
    allowed = NUMBER
    strange = next((c for c in raw if c not in "0123456789 .,+-"), "")
    if _CUT_SHORT.fullmatch(raw):
        because = "a spreadsheet has cut it short"
        allowed = f"{NUMBER}, from a column formatted as text"
    elif strange:
        because = f"the character {strange!r} does not belong in it"
    elif not any(c in "0123456789" for c in raw):
        because = "it has no digits"
    else:
        because = "its signs, marks and groups of three digits do not make one number"
    return Refusal("bad_argument", because, None, allowed)
