"""The gate's refusals, kept with the lead and counted by rule (C10, C20).

Never judges, and never lets a refused lead be asked about again at once.
"""

from __future__ import annotations

from collections import Counter

from dialerd.campaigns import showing, shown, suppressing
from dialerd.campaigns.live import Live
from dialerd.model import intents as i
from dialerd.model.errors import OurMistakeError
from dialerd.model.rows import LeadRow

FOR_GOOD = {"max_attempts": "used_up", "number": "bad_number", "lockout": "refused"}
"""Rules whose refusal without an end moves the lead out of the dialable states; for lists see `suppressing`."""
ASKED_AGAIN_S = 86400.0
"""Seconds after which a lead that any other rule refused without an end is tried again: at once would be again and again."""


def refuse(live: Live, intent: i.Refuse) -> None:
    """The gate refused a call: its lead leaves the hopper, and rests or is done with."""
    lead = live.hoppers[intent.campaign].take(intent.lead)
    agent = shown.agent_with(live, intent.lead)
    if lead is None and agent is not None:
        lead = live.leads[intent.lead]
        showing.leave(live, agent)
    if lead is None:
        raise OurMistakeError(f"lead {intent.lead} is refused and not in the hopper of {intent.campaign}")
    suppressing.keep(live, lead, intent.rule, intent.because, intent.until)
    if intent.until is None:
        if suppressing.bar(live, lead, kept=True):
            return
        kind = FOR_GOOD.get(intent.rule)
        if kind is not None:
            live.move_lead(lead, kind)
            return
    waits_for(live, lead, intent.rule)
    lead.next_at = live.now + ASKED_AGAIN_S if intent.until is None else intent.until
    live.mark(lead)
    live.lead_comes_due(lead)


def waits_for(live: Live, lead: LeadRow, rule: str) -> None:
    """The lead waits because of this rule; an empty one: of none."""
    if lead.refused_by == rule:
        return
    counts = live.refused.setdefault(lead.campaign, Counter())
    if lead.refused_by:
        counts[lead.refused_by] -= 1
    if rule:
        counts[rule] += 1
    lead.refused_by = rule
