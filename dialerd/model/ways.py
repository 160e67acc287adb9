"""How campaigns dial: the modes, and what each of them has to be told (V01-V06).

Never says when or whom to call: that is the engine's.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from dialerd.model.policy_words import Policy

Mode: TypeAlias = Literal["manual", "preview", "progressive", "predictive", "callback"]

SHOWS: Final[frozenset[str]] = frozenset({"manual", "preview", "callback"})
"""Modes in which a lead is before its agent before it is dialed."""
AGENT_FIRST: Final = SHOWS
"""Modes in which the agent's phone comes first: no customer waits for it to be picked up."""
GUARANTEED: Final[frozenset[str]] = frozenset({"manual", "preview", "progressive", "callback"})
"""Modes that keep an agent free for every call."""


class Preview(Policy):
    """How a lead is shown before it is dialed (V01, V02)."""

    seconds: Annotated[float, Field(ge=1, le=3600)] = 15
    """How long a lead is shown in preview mode before it is dialed by itself."""
    skip: bool = True
    """Whether the agent may skip a lead, with a reason, in preview mode; in manual mode he always may."""
    skip_rest_min: Annotated[float, Field(ge=0, le=525600)] = 60
    """Minutes of rest of a lead that was skipped."""
