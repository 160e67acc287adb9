"""A spreadsheet's cell as the text that people meant.

Never makes up what a spreadsheet has lost: it is warned of instead.
"""

from __future__ import annotations

import datetime as dt
import unicodedata

from dialerd.ports.sheets import Warned

KEPT_DIGITS = 15
"""A spreadsheet keeps so many digits of a number."""


def cell_text(cell: object) -> str:
    """Dates and times as ISO 8601, durations as H:MM:SS, numbers without a needless `.0`, true and false."""
    if isinstance(cell, str):
        return cell if cell.isascii() else unicodedata.normalize("NFC", cell)
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, dt.datetime | dt.date | dt.time):
        return cell.isoformat()
    if isinstance(cell, dt.timedelta):
        seconds = round(abs(cell).total_seconds())
        sign = "-" if cell < dt.timedelta() else ""
        return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return str(cell)


def warned_of(cell: object) -> Warned | None:
    """What a number cell may have lost."""
    if isinstance(cell, bool) or not isinstance(cell, int | float) or cell < 0 or not float(cell).is_integer():
        return None
    digits = str(int(cell))
    if len(digits) > KEPT_DIGITS:
        return "digits_lost"
    mobile = len(digits) == 9 and digits[0] in "35789"
    fixed = len(digits) == 10 and digits[0] == "2"
    return "leading_zero_lost" if mobile or fixed else None
