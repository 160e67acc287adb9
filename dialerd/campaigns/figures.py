"""A campaign's counts, kept as calls go: what the abandon rate and the reports are made of.

Never a rate: numerators and denominators are kept, and whoever shows a rate divides (nothing by nothing is no rate).
"""

from __future__ import annotations

from dialerd.campaigns.live import Live
from dialerd.model.rows import AttemptRow, TallyRow

_FIELD = {
    "busy": "busy",
    "no_answer": "no_answer",
    "no_response": "no_answer",
    "absent": "no_answer",
    "abandoned": "abandoned",
    "hung_up": "hung_up",
    "lost": "lost",
}


def placed(live: Live, campaign: str) -> None:
    """A call was placed."""
    tally = live.tallies[campaign]
    tally.placed += 1
    live.mark(tally)


def answered(live: Live, campaign: str) -> None:
    """A customer picked up."""
    tally = live.tallies[campaign]
    tally.answered += 1
    live.mark(tally)


def connected(live: Live, call: AttemptRow) -> None:
    """A customer and an agent talk."""
    tally = live.tallies[call.campaign]
    tally.connected += 1
    tally.wait_s += live.now - (call.waiting_at or live.now)
    live.mark(tally)


def ended(live: Live, call: AttemptRow) -> None:
    """A call is over."""
    tally = live.tallies[call.campaign]
    if call.connected_at is not None:
        tally.talk_s += live.now - call.connected_at
    else:
        field = _FIELD.get(call.outcome, "failed")
        setattr(tally, field, getattr(tally, field) + 1)
    live.mark(tally)


def abandon_rate(tally: TallyRow) -> float | None:
    """Abandoned of all whom an agent talked with or who were abandoned; None before the first.

    Customers who hung up in their first seconds are in neither (rules.md 1): the rate is never shown lower than it is.
    """
    live_answers = tally.abandoned + tally.connected
    return tally.abandoned / live_answers if live_answers else None
