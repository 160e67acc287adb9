"""Telephone numbers of leads: from what people type to E.164, and which may never be dialed.

Never guesses a country: the default region is the campaign's, and a number that does not fit is refused with the reason.
"""

from __future__ import annotations

import re

import phonenumbers
from phonenumbers import PhoneNumberType, shortnumberinfo

from dialerd.model.emergency_numbers import is_emergency_somewhere
from dialerd.model.errors import Refusal
from dialerd.model.mobiles_at_sight import mobile_at_sight
from dialerd.model.old_numbers import polish_without_zero, vietnamese_of_before_2018

_REFUSED_TYPES = {
    PhoneNumberType.PREMIUM_RATE: "a premium rate number",
    PhoneNumberType.TOLL_FREE: "a toll-free number",
    PhoneNumberType.SHARED_COST: "a shared cost number",
    PhoneNumberType.UAN: "a company's universal number",
    PhoneNumberType.VOICEMAIL: "a voicemail access number",
}
_FLOAT = re.compile(r"\+?[0-9]+[.,]0+")
_CUT_SHORT = re.compile(r"[0-9]+(?:[.,][0-9]+)?[eE][+-]?[0-9]+")
"""What a spreadsheet makes of a long number, such as 8.49123E+10: the last digits are gone, and it would be somebody else's."""
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_AS_DIALED = re.compile(r"[0-9]{3,20}")
_PUNCTUATION = re.compile(r"[ ().\-]")
_BETWEEN_NUMBERS = re.compile(r"[,;/|&\\\uff0c\uff1b\uff0f\u3001]+")
_EXTENSION = re.compile(r"(?<=[0-9)])[,;]? ?(?:ext\.?|x|#) ?[=:.]? ?[0-9]{1,7}\Z", re.IGNORECASE)
_TROUBLES = {
    phonenumbers.NumberParseException.INVALID_COUNTRY_CODE: "its country code is of no country",
    phonenumbers.NumberParseException.TOO_LONG: "it has too many digits",
    phonenumbers.NumberParseException.TOO_SHORT_NSN: "it has too few digits",
    phonenumbers.NumberParseException.TOO_SHORT_AFTER_IDD: "it has too few digits",
}
_CONTROL = re.compile(r"[\x00-\x1f]")
_LETTER = re.compile(r"[^\W\d_]")
_LONGEST = 64

AS_DIALED = "none"
"""The region of a private network: numbers are kept as they are dialed, unchecked but for being digits."""
MOST_FURTHER_PHONES = 10
"""Further phones of one lead."""


def normalise(text: str, region: str, *, migrate_2018: bool = False) -> str:
    """The E.164 form (`+84912345678`) of `text`, read in `region` (ISO 3166 letters) when it has no country code.

    With region `none` the number is kept as dialed: its digits, without a leading plus, nothing checked against a country.
    `migrate_2018` turns Vietnamese mobiles of eleven digits (0169...) into those they became in 2018; one so old may have another
    owner by now.

    Raises Refusal (field `phone`) for what is no number, is several, is too short or long, or must never be dialed by machine
    (emergency, short, premium, toll-free and shared cost numbers).
    """
    raw = text.strip()
    if "." in raw and _FLOAT.fullmatch(raw):  # a spreadsheet made a number of it
        raw = raw.split(".")[0]
    return (None if region == AS_DIALED else mobile_at_sight(raw, region)) or by_the_book(raw, region, migrate_2018)


def by_the_book(text: str, region: str, migrate_2018: bool = False) -> str:
    """`normalise` without what is known at sight: the same for every text, but it takes twenty times as long."""
    raw = text.strip()
    if _FLOAT.fullmatch(raw):
        raw = re.split("[.,]", raw)[0]
    if _CUT_SHORT.fullmatch(raw):
        cut = "a number that a spreadsheet has cut short: format its column as text there"
        raise Refusal("bad_phone", f"{raw[:_LONGEST]!r} is {cut}", "phone")
    if len(raw) > _LONGEST or _CONTROL.search(raw):
        raise Refusal("bad_phone", "not a telephone number: too long or with control characters", "phone")
    _one_number(raw)
    return _as_dialed(raw) if region == AS_DIALED else _e164(raw, region, migrate_2018)


def split_phones(text: str, region: str, *, migrate_2018: bool = False) -> tuple[str, ...]:
    """The further phones of a lead (C07) in a column of their own, parted by semicolons, each normalised and none twice.

    Raises Refusal (field `phones`) that names each one which is refused.
    """
    found: dict[str, None] = {}
    wrong: list[str] = []
    parts = [part.strip() for part in text.split(";")]
    parts = [part for part in parts if part]
    if len(parts) > MOST_FURTHER_PHONES:
        raise Refusal("bad_phone", f"{len(parts)} further phones, at most {MOST_FURTHER_PHONES} are allowed", "phones")
    for part in parts:
        try:
            found[normalise(part, region, migrate_2018=migrate_2018)] = None
        except Refusal as refusal:
            wrong.append(refusal.message)
    if wrong:
        raise Refusal("bad_phone", "; ".join(wrong), "phones")
    return tuple(found)


def is_e164(text: str) -> bool:
    """Whether `text` is `+` and 7 to 15 digits."""
    return _E164.fullmatch(text) is not None


def masked(number: str) -> str:
    """`number` with all but the last three digits hidden, for logs."""
    return re.sub(r"\d(?=\d{3})", "*", number)


def _one_number(raw: str) -> None:
    """Refuses what may be two numbers in one cell: run together they are a stranger's, and to dial the first is to guess."""
    parts = _BETWEEN_NUMBERS.split(raw)
    if len(parts) > 1:
        parts = [part for part in _BETWEEN_NUMBERS.split(_EXTENSION.sub("", raw)) if re.search(r"\d", part)]
    if len(parts) > 1 or raw.count("+") > 1:
        raise _several(raw)


def _several(raw: str) -> Refusal:
    return Refusal(
        "bad_phone", f"{raw!r} may be several numbers: one is allowed, its digits without marks between", "phone"
    )


def _may_be_several(parts: list[str]) -> bool:
    """Whether digits parted by spaces may be numbers each: 7100 7101, but not 0912 345 678."""
    sizes = [size for size in (sum(c.isdigit() for c in part) for part in parts) if size]
    return len(sizes) > 1 and (min(sizes) >= 4 or (len(sizes) == 2 and sizes[0] == sizes[1] >= 3))


def _as_dialed(raw: str) -> str:
    digits = _PUNCTUATION.sub("", raw).removeprefix("+")  # +7100 and 7100 are one telephone
    if not _AS_DIALED.fullmatch(digits):
        raise Refusal("bad_phone", f"{raw!r} is not a number: 3 to 20 digits are allowed", "phone")
    if " " in raw and _may_be_several(raw.split()):
        raise _several(raw)
    if is_emergency_somewhere(digits):
        raise Refusal("never_dialed", f"{raw!r} is an emergency number and is never dialed", "phone")
    return digits


def _e164(raw: str, region: str, migrate_2018: bool) -> str:
    text = _EXTENSION.sub("", raw[4:] if raw[:4].lower() == "tel:" else raw)
    if _LETTER.search(text):  # phonenumbers would dial a name by the letters on the keys
        raise Refusal("bad_phone", f"{raw!r} is not a telephone number: letters are not allowed", "phone")
    digits = re.sub(r"\D", "", text)
    if 0 < len(digits) <= 6 and "+" not in text:
        kind = "an emergency number" if shortnumberinfo.is_emergency_number(digits, region) else "a short number"
        raise Refusal("never_dialed", f"{raw!r} is {kind} in {region} and is never dialed", "phone")
    compact = "+" + digits if "+" in text else digits
    was = vietnamese_of_before_2018(compact, region)
    today = (was if migrate_2018 else None) or polish_without_zero(compact, region)
    try:
        number = phonenumbers.parse(today or ("+" + digits[2:] if text.startswith("00") else text), region)
        kind_of_number = phonenumbers.number_type(number)
    except phonenumbers.NumberParseException as trouble:
        if _may_be_several(text.split()):
            raise _several(raw) from None
        because = _TROUBLES.get(trouble.error_type, "its digits are not one number")
        raise Refusal("bad_phone", f"{raw!r} is not a telephone number: {because}", "phone") from None
    if kind_of_number == PhoneNumberType.UNKNOWN:
        if _may_be_several(text.split()):
            raise _several(raw)
        country = phonenumbers.region_code_for_country_code(number.country_code or 0)
        hint = "" if was is None else ", but a mobile of before 2018"
        raise Refusal("bad_phone", f"{raw!r} is not a number in use in {country}{hint}", "phone")
    kind = _REFUSED_TYPES.get(kind_of_number, "")
    if kind:
        raise Refusal("never_dialed", f"{raw!r} is {kind} and is never dialed", "phone")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
