"""The ground that all policies stand on: the frozen model, and the words that are checked alike everywhere.

Never knows a particular policy: `policies`, `record_fields` and `answers` are built from these and not the other way round.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
Name = Annotated[str, Field(pattern=NAME_PATTERN, description="letters, digits, _ and -, at most 64")]
Principal = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.@-]{1,64}$")]
"""Who gives commands: a user at the broker, or unix.USER at the local socket."""
_LINE = re.compile(r"[^\x00-\x1f\x7f]*")


def one_line(text: str) -> str:
    """`text`, if it has no control characters. Raises ValueError."""
    if not _LINE.fullmatch(text):
        raise ValueError("control characters are not allowed")
    return text


def some_lines(text: str) -> str:
    """`text`, if it has no control characters but line feeds and tabs. Raises ValueError."""
    if not _LINE.fullmatch(text.replace("\n", "").replace("\t", "")):
        raise ValueError("control characters other than line feeds and tabs are not allowed")
    return text


Line = Annotated[str, AfterValidator(one_line), Field(max_length=500)]


class Policy(BaseModel):
    """The ground of all policies: unknown keys are refused and nothing changes after it was checked."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
