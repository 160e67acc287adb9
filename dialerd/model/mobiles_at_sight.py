"""The usual mobile numbers of Vietnam and Poland known at sight, so that a list of a million is read in seconds (C06).

Never answers what phonenumbers would not: its patterns are those of phonenumbers' own tables, and what they leave open is None.
"""

from __future__ import annotations

import re
from functools import cache

from phonenumbers import PhoneMetadata

_HOMES = {"VN": "84", "PL": "48"}
_REFUSED = ("premium_rate", "toll_free", "shared_cost", "uan", "voicemail")
_TIDY = re.compile(r"\+?[0-9]+(?:[ .-][0-9]+)*")
_GAPS = str.maketrans("", "", " .-")


def mobile_at_sight(text: str, region: str) -> str | None:
    """The E.164 form of `text` if it is plainly a mobile number of Vietnam or Poland; None: that takes a longer look.

    `text` has no space around it and is not the fraction (`912345678.0`) that spreadsheets make of numbers.
    """
    if not text.isdigit():
        if not _TIDY.fullmatch(text):
            return None
        text = text.translate(_GAPS)
    found = _mobiles(region).fullmatch(text)
    if found is None:
        return None
    return f"+{found['abroad']}" if found["abroad"] else f"+{_HOMES[region]}{found['home']}"


@cache
def _mobiles(region: str) -> re.Pattern[str]:
    """Mobile numbers as they are written in `region`: with + or 00 and a country code, at home also without."""
    abroad = "|".join(f"{code}{_pattern(home)}" for home, code in _HOMES.items())
    # at home a zero may stand first: Vietnam dials it, Poland did
    at_home = f"(?:{_HOMES[region]}|0)?(?P<home>{_pattern(region)})" if region in _HOMES else "(?P<home>(?!))"
    return re.compile(rf"(?:\+|00)(?P<abroad>{abroad})|{at_home}", re.ASCII)


def _pattern(home: str) -> str:
    table = PhoneMetadata.metadata_for_region(home)
    mobile, *others = (getattr(table, kind, None) for kind in ("mobile", *_REFUSED))
    if mobile is None or not mobile.national_number_pattern:
        return "(?!)"
    refused = "|".join(desc.national_number_pattern for desc in others if desc and desc.national_number_pattern)
    return (rf"(?!(?:{refused})\Z)" if refused else "") + f"(?:{mobile.national_number_pattern})"
