"""Addresses of people for letters, and the languages that letters are written in.

Never lets through an address that could end a line of SMTP or of a letter's head.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator

Language: TypeAlias = Literal["en", "vi"]

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_LONGEST = 254


def _email(text: str) -> str:
    local, at, domain = text.rpartition("@")
    if not at or len(text) > _LONGEST or len(local) > 64 or not _LOCAL.fullmatch(local):
        raise ValueError("not an e-mail address; one such as an.nguyen@example.vn is allowed, in ASCII")
    if not all(_LABEL.fullmatch(label) for label in domain.split(".")):
        raise ValueError("the part after @ must be the name of a host; letters beyond ASCII are written as xn--...")
    return text


Email = Annotated[str, AfterValidator(_email)]
"""An e-mail address in ASCII without quotes, comments and address literals, at most 254 characters."""
