"""The daily quota of leads of a campaign's agents (C11).

Never counts anything: `campaigns.quotas` does, in QuotaRows.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dialerd.model.policy_words import Name, Policy

Leads = Annotated[int, Field(ge=0, le=100_000)]


class Quota(Policy):
    """How many leads an agent is handed in a day; unlimited where nothing is said."""

    per_agent: Leads | None = None
    """For every agent who is not named in `each`; empty: no limit."""
    each: dict[Name, Leads | None] = Field(default_factory=dict)
    """Agent to his own quota; null: no limit for him."""

    def of(self, agent: str) -> int | None:
        """The agent's quota; None: no limit."""
        return self.each.get(agent, self.per_agent)

    @property
    def limits(self) -> bool:
        """Whether anybody is limited at all."""
        return self.per_agent is not None or any(most is not None for most in self.each.values())
