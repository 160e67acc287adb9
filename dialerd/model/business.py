"""What a campaign is to cost and to bring, and who answers for it (C15).

Never calculates what a person has to know: cost and revenue are as they were entered, for the house counts them its own way.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from dialerd.model.policy_words import Policy, Principal

Amount: TypeAlias = Annotated[float, Field(ge=0, le=1e15)]
"""Money, in whole and parts of the campaign's currency."""


class Business(Policy):
    """Money and the person in charge (C15); for people alone, dialing never asks for it."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "VND"
    """Of all four sums: three capitals (ISO 4217)."""
    budget: Amount | None = None
    """What may be spent."""
    expected_revenue: Amount | None = None
    """What it is to bring."""
    cost: Amount | None = None
    """What was spent until now."""
    revenue: Amount | None = None
    """What it brought until now."""
    person_in_charge: Principal | None = None
    """Who answers for it: a principal. To an admin it is as good as his own (C04)."""
