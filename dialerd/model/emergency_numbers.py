"""The emergency numbers of all countries, as phonenumbers knows them.

Never asks where a number is dialed: a private network may lead anywhere.
"""

from __future__ import annotations

import re
from functools import cache

from phonenumbers import PhoneMetadata
from phonenumbers.shortnumberinfo import SUPPORTED_SHORT_REGIONS

_LONGEST = 6
"""Digits; a test holds this against the tables of phonenumbers."""


def is_emergency_somewhere(digits: str) -> bool:
    """Whether `digits` is an emergency number of any country."""
    return len(digits) <= _LONGEST and _any().fullmatch(digits) is not None


@cache
def _any() -> re.Pattern[str]:
    """All countries' patterns in one; it takes some 20 ms to read them."""
    tables = (PhoneMetadata.short_metadata_for_region(region) for region in sorted(SUPPORTED_SHORT_REGIONS))
    patterns = {
        table.emergency.national_number_pattern
        for table in tables
        if table is not None and table.emergency is not None and table.emergency.national_number_pattern
    }
    return re.compile("|".join(f"(?:{pattern})" for pattern in sorted(patterns)), re.ASCII)
