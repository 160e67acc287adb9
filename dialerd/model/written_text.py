"""Text of one line as people type and paste it, to one spelling of the same letters (C08).

Never lets through what shows otherwise than it reads: control characters, line ends, marks that turn the writing direction.
"""

from __future__ import annotations

import re
import unicodedata

from dialerd.model.errors import Refusal

_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # control characters, tabs and line feeds among them
    "\u2028\u2029"  # line and paragraph separators
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # writing directions
    "\ufeff\ufffe\uffff"  # byte order marks and what is no character
    "\ud800-\udfff]"  # halves of characters, which no file can hold
)


def read_text(text: str, max_length: int) -> str:
    """`text` without space around it and in NFC, at most `max_length` characters long.

    Raises Refusal (no field; `allowed` in words).
    """
    plain = text.strip()
    if not plain.isascii():
        plain = unicodedata.normalize("NFC", plain)
    found = _UNSEEN.search(plain)
    if found:
        because = f"it has the control character U+{ord(found[0]):04X}"
        raise Refusal("bad_argument", because, None, f"one line of at most {max_length} characters")
    if len(plain) > max_length:
        because = f"it has {len(plain)} characters"
        raise Refusal("bad_argument", because, None, f"at most {max_length} characters")
    return plain
