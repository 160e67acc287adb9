"""Numbers as they were dialed years ago: Vietnamese mobiles of eleven digits, and the zero that Poland dialed first (C06).

Never touches a number that has its form of today, and never decides that an old Vietnamese number still has its owner.
"""

from __future__ import annotations

import re

# 15 September 2018: the operator's prefix gets a digit shorter, the last seven digits stay
VN_2018 = (
    {"120": "70", "121": "79", "122": "77", "126": "76", "128": "78"}  # MobiFone
    | {"123": "83", "124": "84", "125": "85", "127": "81", "129": "82"}  # VinaPhone
    | {f"16{n}": f"3{n}" for n in range(2, 10)}  # Viettel
    | {"186": "56", "188": "58", "199": "59"}  # Vietnamobile, Gmobile
)
_VN_ABROAD = re.compile(r"(?:\+|00)840?(1[0-9]{2})([0-9]{7})")
_VN_AT_HOME = re.compile(r"(?:0|840?)(1[0-9]{2})([0-9]{7})")
_PL_ABROAD = re.compile(r"(?:\+|00)480([1-9][0-9]{8})")
_PL_AT_HOME = re.compile(r"(?:48)?0([1-9][0-9]{8})")


def vietnamese_of_before_2018(digits: str, region: str) -> str | None:
    """The number of today (`+84394567890`) of a Vietnamese mobile of before 2018 in `digits`; None: it is none.

    `digits` has a leading plus or none, and else digits only: 0169..., and with the country code 84169... in region VN, and
    +84169... or 0084169... everywhere. Without either the number has ten digits and could be another.
    """
    found = _VN_ABROAD.fullmatch(digits) or (_VN_AT_HOME.fullmatch(digits) if region == "VN" else None)
    if found is None or found[1] not in VN_2018:
        return None
    return f"+84{VN_2018[found[1]]}{found[2]}"


def polish_without_zero(digits: str, region: str) -> str | None:
    """The number of today of a Polish one in `digits` that has the zero which was dialed first until 2009; None: it is none."""
    found = _PL_ABROAD.fullmatch(digits) or (_PL_AT_HOME.fullmatch(digits) if region == "PL" else None)
    return f"+48{found[1]}" if found else None
