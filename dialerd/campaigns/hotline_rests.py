"""A hotline that fails by its own fault rests, longer each time; the leads of its failed calls are spared (V08).

Never blames a hotline for what befalls all hotlines of a trunk, nor for a number that refuses every caller.

Its own fault is: the carrier says that it may not call with this number, or wants to be logged in (401/407); calls refused
before they rang (Q.850 21, SIP 403) while others get through on the same trunk; or too many calls told to be unwanted or
blocked (607/608).
"""

from __future__ import annotations

import re

from dialerd.campaigns import hotlines
from dialerd.campaigns.hotline_book import Blocked, Streak
from dialerd.campaigns.live import Live
from dialerd.model.rows import AttemptRow, HotlineRow, LeadRow

REST_MIN = (1.0, 5.0, 15.0, 60.0, 240.0)
"""Minutes of rest after the 1st, 2nd, ... failure in a row."""
REFUSED_LEAST = 3
"""Calls refused one after the other before the hotline is blamed; one that rested before is blamed at once."""
OTHERS_S = 60.0
"""Seconds before the first refusal in which another hotline's call on the trunk counts as getting through beside it."""
BLOCKED_OF = 100
"""Newest calls in which 607 and 608 are counted."""
BLOCKED_LEAST = 3
BLOCKED_SHARE = 0.05
SPARED_AT_MOST = 3
"""Refused calls in a row that a lead is spared: after them it is the number that refuses."""

_NOT_ALLOWED = re.compile(
    r"\b(caller[ -]?id|cli|calling (number|party)|from number|originating number)\b.{0,40}"
    r"\b(not (allowed|permitted|authori[sz]ed|valid)|invalid|forbidden|rejected|denied|unauthori[sz]ed|unallocated)\b",
    re.IGNORECASE | re.ASCII,
)
_LOGIN = frozenset({401, 407})
_BLOCKED_SIP = 608
_DECLINED_SIP = 603
_THROUGH = frozenset({"connected", "abandoned", "hung_up", "busy", "no_answer"})


def after_call(live: Live, call: AttemptRow, lead: LeadRow) -> bool:
    """See what a call that is over says of its hotline. Whether its attempt does not count and the lead is to be called again.

    To be asked when the call's outcome is set, and before the lead is moved.
    """
    row = live.hotlines.rows.get(call.hotline)
    if row is None:
        return False
    rang = call.ringing_at is not None or call.answered_at is not None
    streak = live.hotlines.streaks.setdefault(call.trunk, {}).setdefault(call.hotline, Streak())
    blocked = _count_blocked(live, call)
    if rang or call.outcome in _THROUGH:
        _got_through(live, row, streak)
    own_words = not rang and _NOT_ALLOWED.search(call.because) is not None
    login = not rang and call.sip in _LOGIN
    refused = not rang and call.outcome == "rejected" and call.sip != _DECLINED_SIP
    if refused and lead.last_outcome != "rejected":  # else it may be the number that refuses everybody
        streak.since = streak.since if streak.refused else live.now
        streak.refused += 1
    blame = ""
    if own_words:
        blame = f"the carrier does not let it call: {call.because[:200]}"
    elif login:
        blame = f"the carrier wants to be logged in (SIP {call.sip})"
    elif refused and lead.last_outcome != "rejected" and _others_get_through(live, call, row, streak):
        told = f"SIP {call.sip}" if call.sip else f"cause {call.cause}"
        blame = f"{streak.refused} calls refused ({told}) while others get through on trunk {call.trunk}"
    elif blocked:
        blame = blocked
    if blame and hotlines.may_be_shown(row):
        _rest(live, row, blame)
    if rang:
        return False
    if own_words or login:
        return True
    doubtful = refused or (call.sip == _BLOCKED_SIP and call.outcome == "unwanted")
    return doubtful and lead.faults < SPARED_AT_MOST and len(hotlines.named(live, call.campaign)) > 1


def _got_through(live: Live, row: HotlineRow, streak: Streak) -> None:
    streak.refused = 0
    streak.through_at = live.now
    if row.failures and hotlines.may_be_shown(row):
        row.failures = 0
        row.because = ""
        hotlines.changed(live, row)


def _others_get_through(live: Live, call: AttemptRow, row: HotlineRow, streak: Streak) -> bool:
    if streak.refused < (1 if row.failures else REFUSED_LEAST):
        return False
    on_trunk = live.hotlines.streaks[call.trunk]
    return any(
        other.through_at > 0 and other.through_at >= streak.since - OTHERS_S
        for name, other in on_trunk.items()
        if name != call.hotline
    )


def _count_blocked(live: Live, call: AttemptRow) -> str:
    """Count the call; the words of blame if too many of the newest were unwanted or blocked."""
    seen = live.hotlines.blocked.setdefault(call.hotline, Blocked())
    seen.calls += 1
    if call.outcome == "unwanted":
        seen.unwanted += 1
        if seen.unwanted >= BLOCKED_LEAST and seen.unwanted >= BLOCKED_SHARE * seen.calls:
            return f"{seen.unwanted} of its newest {seen.calls} calls were called unwanted or blocked (607/608)"
    if seen.calls >= BLOCKED_OF:
        seen.calls //= 2
        seen.unwanted //= 2
    return ""


def _rest(live: Live, row: HotlineRow, because: str) -> None:
    row.failures += 1
    row.rested_until = live.now + REST_MIN[min(row.failures, len(REST_MIN)) - 1] * 60
    row.because = because
    for on_trunk in live.hotlines.streaks.values():
        if row.id in on_trunk:
            on_trunk[row.id].refused = 0
    live.hotlines.blocked.pop(row.id, None)
    hotlines.changed(live, row)
    live.note("dialerd", "hotline.rest", row.id, because)
