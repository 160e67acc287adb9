"""Polish identifiers with their check digits: PESEL of a person, NIP of a taxpayer, REGON of a company (C08).

Never mends a wrong digit: what does not check is refused with the exact reason, and today is an argument.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from dialerd.model.errors import Refusal

PESEL = "a PESEL: 11 digits, the last one checks the others"
NIP = "a NIP: 10 digits, with PL, spaces and hyphens if you like; the last one checks the others"
REGON = "a REGON: 9 or 14 digits, or the old 7; the last one checks the others"

_PESEL_WEIGHTS = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)
_NIP_WEIGHTS = (6, 5, 7, 2, 3, 4, 5, 6, 7)
_REGON_WEIGHTS = (8, 9, 2, 3, 4, 5, 6, 7)
_LONG_REGON_WEIGHTS = (2, 4, 8, 5, 0, 9, 7, 3, 6, 1, 2, 4, 8)
_CENTURIES = {0: 1900, 1: 2000, 2: 2100, 3: 2200, 4: 1800}
"""Of the month's twenties in a PESEL."""
_DIGITS = frozenset("0123456789")


def check_pesel(text: str, today: date) -> str:
    """The 11 digits of a PESEL whose bearer is born by `today`; spaces and hyphens in `text` do not count.

    Raises Refusal (field `pesel`) with the reason: a character, the length, the check digit, the date of birth.
    """
    digits = _digits(text, "pesel", PESEL)
    _length(digits, (11,), "pesel", PESEL)
    expected = -_weighed(digits, _PESEL_WEIGHTS) % 10
    _last_digit(digits, expected, "pesel", PESEL)
    twenties, month = divmod(int(digits[2:4]), 20)
    try:
        born = date(_CENTURIES[twenties] + int(digits[:2]), month, int(digits[4:6]))
    except ValueError:
        written = f"{_CENTURIES[twenties] + int(digits[:2])}-{month:02d}-{digits[4:6]}"
        raise Refusal("bad_argument", f"its date of birth, {written}, is not a day", "pesel", PESEL) from None
    if born > today:
        raise Refusal("bad_argument", f"its date of birth, {born.isoformat()}, is yet to come", "pesel", PESEL)
    return digits


def check_nip(text: str) -> str:
    """The 10 digits of a NIP; spaces, hyphens and a leading PL in `text` do not count.

    Raises Refusal (field `nip`) with the reason: a character, the length, zeros only, the check digit.
    """
    plain = text.strip()
    digits = _digits(plain[2:] if plain[:2].upper() == "PL" else plain, "nip", NIP)
    _length(digits, (10,), "nip", NIP)
    _not_zeros(digits, "nip", NIP)
    rest = _weighed(digits, _NIP_WEIGHTS) % 11
    if rest == 10:
        raise Refusal("bad_argument", "no last digit can check its first nine (remainder 10)", "nip", NIP)
    _last_digit(digits, rest, "nip", NIP)
    return digits


def check_regon(text: str) -> str:
    """The 9 or 14 digits of a REGON, an old one of 7 with 00 before them; spaces and hyphens in `text` do not count.

    Raises Refusal (field `regon`) with the reason: a character, the length, zeros only, one of the two check digits.
    """
    digits = _digits(text, "regon", REGON)
    _length(digits, (7, 9, 14), "regon", REGON)
    digits = digits.zfill(9)
    _not_zeros(digits[:9], "regon", REGON)
    expected = _weighed(digits, _REGON_WEIGHTS) % 11 % 10
    if len(digits) == 14:
        # the 14's own check gives digit 5 no weight, so it alone lets a wrong first part pass
        if int(digits[8]) != expected:
            because = f"digit 9, which checks the company's part, is {digits[8]}, and {expected} is expected"
            raise Refusal("bad_argument", because, "regon", REGON)
        expected = _weighed(digits, _LONG_REGON_WEIGHTS) % 11 % 10
    _last_digit(digits, expected, "regon", REGON)
    return digits


def _digits(text: str, field: str, allowed: str) -> str:
    digits = text.strip().replace(" ", "").replace("-", "")
    if not digits:
        raise Refusal("bad_argument", "it has no digits", field, allowed)
    wrong = next((c for c in digits if c not in _DIGITS), "")  # str.isdigit would let other scripts' digits through
    if wrong:
        raise Refusal("bad_argument", f"the character {wrong!r} does not belong in it", field, allowed)
    return digits


def _length(digits: str, lengths: tuple[int, ...], field: str, allowed: str) -> None:
    if len(digits) in lengths:
        return
    needed = " or ".join(str(n) for n in lengths)
    cut = any(0 < n - len(digits) <= 2 for n in lengths)
    hint = " (a spreadsheet may have cut zeros off its front)" if cut else ""
    raise Refusal("bad_argument", f"it has {len(digits)} digits, and {needed} are needed{hint}", field, allowed)


def _not_zeros(digits: str, field: str, allowed: str) -> None:
    if not digits.strip("0"):  # zeros pass every checksum
        raise Refusal("bad_argument", "it is nothing but zeros", field, allowed)


def _last_digit(digits: str, expected: int, field: str, allowed: str) -> None:
    if int(digits[-1]) != expected:
        because = f"its last digit, which checks the others, is {digits[-1]}, and {expected} is expected"
        raise Refusal("bad_argument", because, field, allowed)


def _weighed(digits: str, weights: Sequence[int]) -> int:
    return sum(weight * int(digit) for weight, digit in zip(weights, digits, strict=False))
