"""Telephone numbers of leads: from what people type to E.164, and which may never be dialed.

Never guesses a country: the default region is the campaign's, and a number that does not fit is refused with the reason.
"""

from __future__ import annotations

import re

import phonenumbers
from phonenumbers import PhoneNumberType, shortnumberinfo

from dialerd.model.errors import Refusal

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
_AS_DIALED = re.compile(r"\+?[0-9]{3,20}")
_PUNCTUATION = re.compile(r"[ ().\-/]")

AS_DIALED = "none"
"""The region of a private network: numbers are kept as they are dialed, unchecked but for being digits."""


def normalise(text: str, region: str) -> str:
    """The E.164 form (`+84912345678`) of `text`, read in `region` (ISO 3166 letters) when it has no country code.

    With region `none` the number is kept as dialed: digits, a leading plus allowed, nothing checked against a country.

    Raises Refusal (field `phone`) for what is no number, is too short or long, or must never be dialed by machine
    (emergency, short, premium, toll-free and shared cost numbers).
    """
    raw = text.strip()
    if _FLOAT.fullmatch(raw):  # a spreadsheet made a number of it
        raw = re.split("[.,]", raw)[0]
    if _CUT_SHORT.fullmatch(raw):
        cut = "a number that a spreadsheet has cut short: format its column as text there"
        raise Refusal("bad_phone", f"{raw[:64]!r} is {cut}", "phone")
    if len(raw) > 64 or any(ord(c) < 32 for c in raw):
        raise Refusal("bad_phone", "not a telephone number: too long or with control characters", "phone")
    if region == AS_DIALED:
        plain = _PUNCTUATION.sub("", raw)
        if not _AS_DIALED.fullmatch(plain):
            raise Refusal("bad_phone", f"{raw!r} is not a number: 3 to 20 digits are allowed", "phone")
        return plain
    digits = re.sub(r"\D", "", raw)
    if 0 < len(digits) <= 6 and not raw.startswith("+"):
        kind = "an emergency number" if shortnumberinfo.is_emergency_number(digits, region) else "a short number"
        raise Refusal("never_dialed", f"{raw!r} is {kind} in {region} and is never dialed", "phone")
    try:
        number = phonenumbers.parse("+" + digits[2:] if raw.startswith("00") else raw, region)
    except phonenumbers.NumberParseException as trouble:
        raise Refusal("bad_phone", f"{raw!r} is not a telephone number: {trouble}", "phone") from None
    if not phonenumbers.is_valid_number(number):
        country = phonenumbers.region_code_for_country_code(number.country_code or 0)
        raise Refusal("bad_phone", f"{raw!r} is not a number in use in {country}", "phone")
    kind = _REFUSED_TYPES.get(phonenumbers.number_type(number), "")
    if kind:
        raise Refusal("never_dialed", f"{raw!r} is {kind} and is never dialed", "phone")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def is_e164(text: str) -> bool:
    """Whether `text` is `+` and 7 to 15 digits."""
    return _E164.fullmatch(text) is not None


def masked(number: str) -> str:
    """`number` with all but the last three digits hidden, for logs."""
    return re.sub(r"\d(?=\d{3})", "*", number)
