"""Rows that the store told for a command, as they are in the turn in which it is judged.

Never takes what the store told for what is so now without asking whether it changed meanwhile: then StaleError.
"""

from __future__ import annotations

from dialerd.campaigns.live import Live
from dialerd.model import facts as f
from dialerd.model.errors import OurMistakeError, StaleError
from dialerd.model.rows import AttemptRow, LeadRow, SuppressionRow
from dialerd.model.states import DIALABLE


def asked(live: Live, fact: f.Asked) -> None:
    """A command comes with what the store told for it."""
    live.found = fact.found
    if fact.found is not None and fact.found.past_of:
        live.pasts.tell(fact.found.past_of, fact.found.pasts, fact.found.past_since)
    live.sure.clear()


def lead(live: Live, lead_id: int) -> LeadRow:
    """The lead as it is now. Raises StaleError if it changed since the store told, OurMistakeError if nobody asked for it."""
    row = live.leads.get(lead_id)
    if row is not None:
        return row
    found = live.found
    for row in () if found is None else found.leads:
        if row.id == lead_id:
            _still_so(live, (LeadRow, lead_id))
            return row
    raise OurMistakeError(f"lead {lead_id} is asked for and was not found before")


def found_lead(live: Live) -> LeadRow | None:
    """The lead that a command is about, None if the store has none such."""
    found = live.found
    if found is None:
        raise OurMistakeError("a lead is asked for and nothing was found before")
    return lead(live, found.leads[0].id) if found.leads else None


def attempt(live: Live, call: str) -> AttemptRow | None:
    """The attempt as it is now, live or ended; None if it was not found. Raises StaleError."""
    row = live.calls.get(call)
    if row is not None:
        return row
    for row in () if live.found is None else live.found.attempts:
        if row.id == call:
            _still_so(live, (LeadRow, row.lead))  # an attempt changes only together with its lead
            return row
    return None


def last_attempt(live: Live, lead_id: int) -> AttemptRow | None:
    """The newest attempt on the lead that was found. Raises StaleError."""
    for call in live.calls.values():
        if call.lead == lead_id:
            return call
    told = [row for row in (() if live.found is None else live.found.attempts) if row.lead == lead_id]
    if not told:
        return None
    _still_so(live, (LeadRow, lead_id))
    return max(told, key=lambda row: (row.placed_at, row.id))


def suppression(live: Live, list_name: str, number: str, channel: str) -> SuppressionRow | None:
    """The entry of a list as it is now. Raises StaleError."""
    key = (SuppressionRow, (list_name, number, channel))
    _still_so(live, key)
    for row in () if live.found is None else live.found.suppressions:
        if (row.list_name, row.number, row.channel) == key[1]:
            return row
    return None


def has_phone(live: Live, campaign: str, phone: str) -> bool:
    """Whether the campaign that a lead is to be moved to has `phone` already. Raises StaleError."""
    _still_so(live, ("phone", campaign, phone))
    return live.found is not None and phone in live.found.phones


def changed(live: Live, row: LeadRow) -> None:
    """A lead was changed by a command: it is written, and a hopper that holds it, or is about to, gets it anew."""
    live.mark(row)
    hopper = live.hoppers.get(row.campaign)
    if hopper is None or row.id in live.leads:
        return
    hopper.pass_by(row.id)
    if row.state in DIALABLE:
        hopper.comes_due(row)


def _still_so(live: Live, key: tuple[object, ...]) -> None:
    if key in live.sure:  # what changed it since is the command itself
        return
    found = live.found
    if found is None or not live.lately.still_so(key, found.as_of, live.seq):
        raise StaleError
    live.sure.add(key)
