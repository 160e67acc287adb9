"""Calls in flight: their moves by the state table, the lines they hold, and the agents kept for them.

Never decides what becomes of a call, and never holds one that has ended.
"""

from __future__ import annotations

from dialerd.campaigns.live import Live, index_if, next_state
from dialerd.campaigns.presence import BEFORE_TALK, set_free, unbook
from dialerd.model import states
from dialerd.model.errors import OurMistakeError
from dialerd.model.rows import AttemptRow, LeadRow


def put_call(live: Live, call: AttemptRow, lead: LeadRow) -> None:
    """Take in a live call."""
    live.calls[call.id] = call
    live.leads[lead.id] = lead
    live.numbers[call.number] = call.id
    live.trunk_lines[call.trunk] += 1
    live.campaign_lines[call.campaign] += 1
    live.trunk_last[call.trunk] = max(call.placed_at, live.trunk_last.get(call.trunk, 0.0))
    _reindex(live, call)


def call_may(call: AttemptRow, kind: str) -> bool:
    """Whether the table allows `kind` for the call now."""
    return kind in states.CALL[call.state]


def move_call(live: Live, call: AttemptRow, kind: str) -> None:
    """Move a call by a kind of the table. Raises OurMistakeError for an illegal one."""
    call.state = next_state("call", call.id, call.state, kind)
    if call.state == "ended":
        call.ended_at = live.now
        _remove(live, call)
    else:
        _reindex(live, call)
    live.mark(call)


def book(live: Live, call: AttemptRow, agent: str) -> None:
    """Keep a free agent for a call in flight. Raises OurMistakeError if he is not free."""
    if agent not in live.free:
        raise OurMistakeError(f"agent {agent} is booked for {call.id} and is not free")
    call.booked = agent
    live.mark(call)
    _reindex(live, call)


def _reindex(live: Live, call: AttemptRow) -> None:
    """Bring the indexes up to date with a live call's state."""
    index_if(live.waiting, call.id, call.state in ("waiting", "offered"))
    index_if(live.early, call.id, call.state in ("dialing", "ringing"))
    before = call.state in BEFORE_TALK
    if not before and call.booked:
        unbook(live, call)
    index_if(live.unbooked, call.id, before and not call.booked)
    if call.booked:
        live.booked[call.booked] = call.id
        booked = live.agents.get(call.booked)
        if booked is not None:
            set_free(live, booked, False)


def _remove(live: Live, call: AttemptRow) -> None:
    for index in (live.waiting, live.early, live.unbooked):
        index.pop(call.id, None)
    if call.booked:
        unbook(live, call)
        live.unbooked.pop(call.id, None)
    del live.calls[call.id]
    live.leads.pop(call.lead, None)
    if live.numbers.get(call.number) == call.id:
        del live.numbers[call.number]
    live.trunk_lines[call.trunk] -= 1
    live.campaign_lines[call.campaign] -= 1
    live.hanging.discard(call.id)
