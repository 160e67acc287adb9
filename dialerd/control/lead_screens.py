"""What an agent's screen shows of a lead: the record, earlier calls, what to say, what may be said of him (C08, C12, C13).

Never more than the call needs: the numbers and words of other people's leads are not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dialerd.campaigns.live import Live
from dialerd.campaigns.named import dispositions_of, script_of
from dialerd.control.leads import lead_view
from dialerd.control.lines import call_view
from dialerd.model.instants import iso
from dialerd.model.rows import AgentRow, AttemptRow, LeadRow

EARLIER = 20
"""Earlier calls that are shown, the newest ones."""


def screen(live: Live, call: AttemptRow, lead: LeadRow, attempts: Sequence[AttemptRow] | None) -> dict[str, Any]:
    """All of it as JSON takes it. `attempts`: those on the lead, oldest first; None: they cannot be read now."""
    head = {"agent": call.agent, "call": call.id, "state": call.state, "until": None}
    return {**head, **_lead(live, lead, attempts, call.id), "answers": call.answers}


def screen_of_shown(
    live: Live, agent: AgentRow, lead: LeadRow, attempts: Sequence[AttemptRow] | None
) -> dict[str, Any]:
    """The same of a lead that is before an agent and not dialed yet; `until`: when it is dialed by itself."""
    until = None if agent.lead_until is None else iso(agent.lead_until)
    head = {"agent": agent.id, "call": "", "state": "shown", "until": until}
    return {**head, **_lead(live, lead, attempts, ""), "answers": {}}


def _lead(live: Live, lead: LeadRow, attempts: Sequence[AttemptRow] | None, call: str) -> dict[str, Any]:
    policy = live.policies[lead.campaign]
    found = script_of(live, policy)
    return {
        "campaign": lead.campaign,
        "campaign_name": policy.name,
        "lead": lead_view(live, lead).model_dump(mode="json"),
        "fields": [
            {
                "name": field.name,
                "label": field.shown,
                "kind": field.kind,
                "choices": field.choices,
                "required": field.required,
                "editable": field.editable,
                "value": lead.fields.get(field.name, ""),
            }
            for field in policy.fields
        ],
        "history": None
        if attempts is None
        else [call_view(row).model_dump(mode="json") for row in attempts if row.id != call][-EARLIER:],
        "script": None if found is None else {"id": found[0], **found[1].model_dump(mode="json")},
        "dispositions": [
            {
                "id": name,
                "title": one.title,
                "recontact": one.recontact,
                "needs_time": one.recontact and one.recall_after_min is None,
                "within_days": one.recall_within_days,
                "private": one.private,
                "closes": one.ends,
                "success": one.success,
            }
            for name, one in dispositions_of(live, policy).items()
            if "answered" in one.outcomes or one.needs_no_call
        ],
    }
