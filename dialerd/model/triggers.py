"""Triggers: ALL of a few conditions on a ticket -> its customer joins a campaign (C16, V07).

Never fires by itself: `campaigns.referring` holds a ticket against them when it is made.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec
from pydantic import Field, model_validator

from dialerd.model.policy_words import Name, Policy

TicketChannel: TypeAlias = Literal["voice", "callback", "sms", "email", "web"]
MOST = 100
"""Triggers that may be there at once: each ticket is held against all of them."""
BY_TRIGGER = "trigger:"
"""What the source, or the action, of a lead begins with whom a trigger sent; his own tickets fire none."""


class TicketSeen(msgspec.Struct, frozen=True):
    """What conditions may ask of a ticket."""

    state: str
    channel: str
    campaign: str
    agent: str = ""
    outcome: str = ""
    disposition: str = ""


class TicketIs(Policy):
    """Conditions on a ticket; ALL that are given must hold."""

    ticket: Literal["new"] | None = None
    """new: it has just been made."""
    channel: TicketChannel | None = None
    campaign: Name | None = None
    """The campaign of its call."""
    agent: Name | None = None
    outcome: Name | None = None
    """How its call ended, such as connected, busy or no_answer."""
    disposition: Name | None = None
    """What the agent said of the contact; such a trigger fires when it was said."""

    @model_validator(mode="after")
    def _asks_for_something(self) -> TicketIs:
        if not any(value is not None for value in self.model_dump().values()):
            raise ValueError("no condition; one at least is needed, such as ticket: new")
        return self


class Trigger(Policy):
    """What makes a ticket's customer a lead of a campaign."""

    when: TicketIs
    to_campaign: Name = Field(description="the campaign that takes him")

    def fires(self, ticket: TicketSeen) -> bool:
        """Whether all its conditions hold."""
        wanted = self.when
        return (
            wanted.ticket in (None, ticket.state)
            and wanted.channel in (None, ticket.channel)
            and wanted.campaign in (None, ticket.campaign)
            and wanted.agent in (None, ticket.agent)
            and wanted.outcome in (None, ticket.outcome)
            and wanted.disposition in (None, ticket.disposition)
        )
