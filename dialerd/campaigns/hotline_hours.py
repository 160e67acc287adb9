"""Figures of hotlines: each call counted at its end by hotline, campaign and hour; a look at the health now and then (V08, O06).

Never lets a quarantined hotline back: only people do.
"""

from __future__ import annotations

from dialerd.campaigns import hotlines
from dialerd.campaigns.hotline_health import RECOVERED_RATIO, Counts, Verdict, judge
from dialerd.campaigns.live import Live
from dialerd.model.causes import TRUNK_FAULTS
from dialerd.model.rows import AttemptRow, HotlineRow

LOOK_EVERY_S = 60.0
"""Seconds, at least, between two looks at a hotline's health."""
SHORT_S = 6.0
"""An answered call that is over within so many seconds is short."""
_NOT_SENT = TRUNK_FAULTS | {"lost", "cancelled"}
"""Outcomes that say nothing of what the called side thinks of the number."""


def count(live: Live, call: AttemptRow) -> None:
    """A call is over: count it, and look at its hotline if the last look was a while ago."""
    row = live.hotlines.rows.get(call.hotline)
    if row is None:
        return
    book = live.hotlines
    answered = call.answered_at is not None
    short = call.answered_at is not None and live.now - call.answered_at <= SHORT_S
    rejected = call.outcome == "rejected"
    unwanted = call.outcome == "unwanted"
    failed = call.outcome in _NOT_SENT
    hour = book.hour(call.hotline, call.campaign, int(live.now // 3600))
    hour.placed += 1
    hour.rung += answered or call.ringing_at is not None
    hour.answered += answered
    hour.short += short
    hour.rejected += rejected
    hour.unwanted += unwanted
    hour.failed += failed
    if call.connected_at is not None:
        hour.talk_s += live.now - call.connected_at
    book.add(hour, Counts(1 - failed, int(answered), int(short), int(rejected), int(unwanted)))
    live.mark(hour)
    if live.now - book.looked_at.get(row.id, 0.0) >= LOOK_EVERY_S:
        book.looked_at[row.id] = live.now
        look(live, row)


def look(live: Live, row: HotlineRow) -> None:
    """Judge a hotline by its newest hours; what changes is noted in the audit trail."""
    if row.health == "quarantined":
        return
    verdict = judge(live.hotlines.strata(row.id, row.since))
    health = verdict.health
    if health == row.health or (row.health == "warned" and health == "well" and not _recovered(verdict)):
        return
    row.health = health
    row.because = verdict.because
    hotlines.changed(live, row)
    what = {"well": "recover", "warned": "warn", "quarantined": "quarantine"}[health]
    live.note("dialerd", f"hotline.{what}", row.id, verdict.because)


def _recovered(verdict: Verdict) -> bool:
    return verdict.ratio is not None and verdict.ratio >= RECOVERED_RATIO
