"""Leads copied from one campaign to another, a portion a turn (C19).

Never holds more than a portion, and never copies anybody who is not to be called again. Where a copy stands is a row of its
own (`named`, kind `copy`, by the campaign that takes them), so a daemon that is started again goes on with it.
"""

from __future__ import annotations

from dialerd.campaigns.admitting import admit
from dialerd.campaigns.lately import TURNS
from dialerd.campaigns.live import Live
from dialerd.model import facts as f
from dialerd.model import intents as i
from dialerd.model import states
from dialerd.model.rows import NamedRow

KIND = "copy"
PORTION = 500
"""Leads looked at for one turn."""
WHICH: dict[str, tuple[str, ...]] = {
    "new": ("new",),
    "all": tuple(sorted(set(states.LEAD) - {"failed", "do_not_call_back", "blocked", "dnc"})),
}
"""States of the leads that are copied: those not called yet, or all who may still be called. They begin anew."""


def under_way(live: Live, campaign: str) -> NamedRow | None:
    """The copy into a campaign that is not over yet."""
    row = live.named.get(KIND, {}).get(campaign)
    return row if row is not None and row.active else None


def begin_copy(live: Live, intent: i.BeginCopy) -> None:
    """A copy begins; only one into a campaign at a time."""
    policy = {"source": intent.source, "leads": intent.leads, "after": 0, "copied": 0, "left_out": 0, "there": 0}
    who = (intent.principal, live.now)
    row = NamedRow(KIND, intent.campaign, policy, *who, *who)
    live.named.setdefault(KIND, {})[row.id] = row
    live.mark(row)
    live.copies[row.id] = None


def next_portion(live: Live) -> i.CopyLeads | None:
    """The next portion of a copy that waits for nothing else."""
    for campaign in live.copies:
        policy = live.named[KIND][campaign].policy
        return i.CopyLeads(campaign, policy["source"], WHICH[policy["leads"]], policy["after"], PORTION)
    return None


def copy_leads(live: Live, intent: i.CopyLeads) -> None:
    """The portion was asked for."""
    del live.copies[intent.campaign]


def leads_copied(live: Live, fact: f.LeadsCopied) -> None:
    """A portion was read; with the last one the copy is over, and the audit trail tells what it brought."""
    row = under_way(live, fact.campaign)
    if row is None or row.policy["after"] != fact.begin:
        live.odd("leads_copied")
        return
    if live.seq - fact.as_of > TURNS:  # who is there already may have changed too long ago to be remembered: ask again
        live.copies[row.id] = None
        return
    gone = live.campaigns[row.id].state == "deleted"
    source = row.policy["source"]
    new = 0 if gone else sum(admit(live, row.id, lead, f"copy:{source}") is not None for lead in fact.leads)
    after = row.policy["after"] if fact.after is None else fact.after
    copied, left_out = row.policy["copied"] + new, row.policy["left_out"] + fact.left_out
    there = row.policy["there"] + fact.there + len(fact.leads) - new
    row.policy = {**row.policy, "after": after, "copied": copied, "left_out": left_out, "there": there}
    row.changed_at = live.now
    if gone or fact.after is None:
        row.active = False
        told = f"{copied} from {source}; {left_out} left out, {there} there already" + (", deleted meanwhile" * gone)
        live.note(row.created_by, "lead.copied", row.id, told)
    else:
        live.copies[row.id] = None
    live.mark(row)
