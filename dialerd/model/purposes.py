"""What a contact is for, as rule packs tell it apart.

Never guesses: a purpose is what the campaign says of itself.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, get_args

Purpose: TypeAlias = Literal["marketing", "service", "debt", "survey"]
PURPOSES: Final[tuple[Purpose, ...]] = get_args(Purpose)
PLAIN: Final = "plain"
"""The rule pack without a rule: a campaign that names none has it."""
