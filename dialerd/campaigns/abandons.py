"""Answered calls counted as the abandon rules of a campaign's pack count them, period by period (V04, V14).

Never a rate that was not counted from the period's beginning: then it is not known, and only calls with an agent go on.
"""

from __future__ import annotations

from collections.abc import Mapping

from dialerd.campaigns.laws import law_of
from dialerd.campaigns.live import Live
from dialerd.compliance.abandon_rule import Tally, period, rate
from dialerd.compliance.pack import AbandonRule
from dialerd.model.rows import AbandonRow, AttemptRow
from dialerd.pacing.contract import Window


def connected(live: Live, call: AttemptRow) -> None:
    """A customer and an agent talk: in time, or too late for the rule."""
    for _, key, rule in law_of(live, call.campaign).abandon:
        waited = live.now - (live.now if call.answered_at is None else call.answered_at)
        _count(live, call.campaign, key, rule, "connected" if waited <= rule.agent_within_s else "abandoned")


def ended(live: Live, call: AttemptRow) -> None:
    """A customer who had answered is gone, and nobody talked with him."""
    if call.answered_at is None or call.connected_at is not None:
        return
    for _, key, rule in law_of(live, call.campaign).abandon:
        in_time = call.outcome == "hung_up" and live.now - call.answered_at <= rule.agent_within_s
        _count(live, call.campaign, key, rule, "hung_up" if in_time else "abandoned")


def _count(live: Live, campaign: str, key: str, rule: AbandonRule, field: str) -> None:
    row = _current(live, campaign, key, rule)
    setattr(row, field, getattr(row, field) + 1)
    live.mark(row)


def _current(live: Live, campaign: str, key: str, rule: AbandonRule) -> AbandonRow:
    """The row of the present period; a new one is whole if the rule was counted all the time before."""
    row = live.abandons.get((campaign, key))
    if row is not None and row.start <= live.now < row.end:
        return row
    return _begin(live, campaign, key, rule, whole=row is not None)


def _begin(live: Live, campaign: str, key: str, rule: AbandonRule, *, whole: bool) -> AbandonRow:
    pack = law_of(live, campaign).pack
    began = live.campaigns[campaign].began_at
    found = period(rule, None if pack is None else pack.zone, live.now if began is None else began, live.now)
    row = AbandonRow(campaign, key, found.start, found.end, whole=whole)
    live.abandons[campaign, key] = row
    return row


def begin(live: Live, campaign: str, *, anew: bool = False) -> None:
    """See to it that the rules of a campaign's pack are counted from now on. `anew`: it had another pack or purpose until now.

    What was answered before, and not counted by this rule, makes the present period one whose rate is not known.
    """
    nothing_before = live.tallies[campaign].answered == 0
    for _, key, rule in law_of(live, campaign).abandon:
        row = live.abandons.get((campaign, key))
        if row is None:
            live.mark(_begin(live, campaign, key, rule, whole=nothing_before))
        elif anew and not nothing_before and row.whole:
            row = row if row.start <= live.now < row.end else _begin(live, campaign, key, rule, whole=False)
            row.whole = False
            live.mark(row)


def windows(live: Live, campaign: str) -> tuple[Window, ...]:
    """The present period of each abandon rule, as pacers want it."""
    found: list[Window] = []
    for _, key, rule in law_of(live, campaign).abandon:
        row = live.abandons.get((campaign, key))
        if row is None or not row.start <= live.now < row.end:
            found.append(Window(live.now, rule.max_percent / 100, known=row is not None))
            continue
        told = Tally(abandoned=row.abandoned, connected=row.connected, hung_up=row.hung_up)
        share = rate(rule, told)
        found.append(Window(row.start, rule.max_percent / 100, share.answered, share.abandoned, known=row.whole))
    return tuple(found)


def tallies(live: Live, campaign: str) -> Mapping[str, Tally]:
    """The counts of the present period by the rule's name; without those that are not known."""
    found: dict[str, Tally] = {}
    for name, key, _ in law_of(live, campaign).abandon:
        row = live.abandons.get((campaign, key))
        if row is None:
            continue
        if not row.start <= live.now < row.end:
            found[name] = Tally()  # nothing was answered yet in the period that has begun since
        elif row.whole:
            found[name] = Tally(abandoned=row.abandoned, connected=row.connected, hung_up=row.hung_up)
    return found
