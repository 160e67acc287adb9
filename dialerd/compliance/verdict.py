"""What the gate answers: allowed, or refused by a rule, because of something, until an instant.

Never an exception: a rule that fails is a refusal (fail closed).
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from dialerd.model.instants import Instant


class Allowed(msgspec.Struct, frozen=True):
    """The call may be placed now."""


class Refused(msgspec.Struct, frozen=True):
    """The call may not be placed now; `until` is when it may be asked again, None: never."""

    rule: str
    because: str
    until: Instant | None


Verdict: TypeAlias = Allowed | Refused
ALLOWED = Allowed()
