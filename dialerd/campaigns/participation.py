"""Whether leads take part (C14): the moves by their table, and the counts by campaign.

Never scans leads for a total: the counts are kept as leads move, and after a restart they come from a grouped question.
"""

from __future__ import annotations

from collections import Counter

from dialerd.campaigns import finding
from dialerd.campaigns.live import Live, next_state
from dialerd.model import intents as i
from dialerd.model import states
from dialerd.model.rows import LeadRow

SAID = tuple(state for state in states.PARTICIPATION if state != "none")
"""What a lead may say, in the order in which it goes."""
_COUNTED_IN = {
    "registered": SAID,
    "confirmed": ("confirmed", "joined"),
    "joined": ("joined",),
    "cancelled": ("cancelled",),
}


def moves_of(lead: LeadRow) -> dict[str, str]:
    """What the lead may say now, each with the kind of the table that leads there."""
    return {after: kind for kind, after in states.PARTICIPATION[lead.participation or "none"].items()}


def move_participation(live: Live, intent: i.MoveParticipation) -> None:
    """A person, or a key that the lead pressed, says that he takes part or not."""
    lead = finding.lead(live, intent.lead)
    counts = live.participations.setdefault(lead.campaign, Counter())
    after = next_state("participation", lead.id, lead.participation or "none", intent.kind)
    if lead.participation:
        counts[lead.participation] -= 1
    counts[after] += 1
    lead.participation, lead.participation_at = after, live.now
    finding.changed(live, lead)


def totals(live: Live, campaign: str) -> dict[str, int]:
    """Leads by participation, cumulative: who joined had confirmed, and all four had registered."""
    counts = live.participations.get(campaign, Counter())
    return {said: sum(counts[one] for one in among) for said, among in _COUNTED_IN.items()}
