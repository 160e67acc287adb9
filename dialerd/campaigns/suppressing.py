"""Do-not-call lists (C20): numbers put on them and taken off, lists replaced as a whole, and leads that meet them.

Never takes a number off a list because another version of it is on its way: what holds, holds until the new one is whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set

from dialerd.campaigns.dossiers import suppressed
from dialerd.campaigns.live import Live
from dialerd.campaigns.pasts import Known, numbers_of
from dialerd.compliance.do_not_call import Suppressed, barred_by
from dialerd.model import facts as f
from dialerd.model import intents as i
from dialerd.model.instants import Instant
from dialerd.model.pasts import REFUSALS, REGISTER, ListEntry
from dialerd.model.rows import DncListRow, LeadRow, RefusalRow, SuppressionRow
from dialerd.model.states import DIALABLE, after
from dialerd.model.states import LEAD as LEAD_STATES

RULE = "do_not_call"
"""The gate's name of its rule about lists."""


def suppress(live: Live, intent: i.Suppress) -> None:
    """One number is put on a list, or taken off it."""
    row = SuppressionRow(
        intent.list_name,
        intent.number,
        intent.channel,
        live.now,
        intent.principal,
        intent.because,
        intent.until,
        intent.active,
    )
    _put(live, row)
    if intent.refused:
        said_no(live, (row.number,), row.by, row.because)


def said_no(live: Live, numbers: Iterable[str], by: str, because: str) -> None:
    """The called party does not want to be called on these numbers: on record for the rules about refusals."""
    for number in numbers:
        _put(live, SuppressionRow(REFUSALS, number, "all", live.now, by, because, live.now))


def _put(live: Live, row: SuppressionRow) -> None:
    its = _list(live, row.list_name, row.channel)
    row.version = max(its.version, its.coming)
    _changed(live, its, row.by, 1 if row.active else -1)
    live.mark(row)
    live.lately.note((SuppressionRow, (row.list_name, row.number, row.channel)), live.seq)
    if row.active:
        entry = ListEntry(row.list_name, row.channel, row.at, row.until, row.version)
        live.pasts.listed(row.number, entry)
        bar_waiting(live, {row.number})
    else:
        live.pasts.unlisted(row.number, row.list_name, row.channel)


def numbers_listed(live: Live, fact: f.NumbersListed) -> None:
    """A batch of an import: they hold from now on, also those of a version that is not whole yet."""
    its = _list(live, fact.list_name, fact.channel)
    if fact.version and fact.version != its.coming:
        live.odd("numbers_listed")  # another import of the list was begun since
        return
    version = max(its.version, its.coming)
    entry = ListEntry(fact.list_name, fact.channel, live.now, fact.until, version)
    for number in fact.numbers:
        row = SuppressionRow(
            fact.list_name, number, fact.channel, live.now, fact.principal, fact.because, fact.until, True, version
        )
        live.mark(row)
        live.pasts.listed(number, entry)
    if fact.version:
        its.came += len(fact.numbers)
        live.mark(its)
    else:
        _changed(live, its, fact.principal, len(fact.numbers))
    bar_waiting(live, frozenset(fact.numbers))


def list_comes(live: Live, fact: f.ListComes) -> None:
    """A new version of a list begins to be imported."""
    its = _list(live, fact.list_name, fact.channel)
    its.coming, its.came = max(fact.version, its.version + 1), 0
    live.mark(its)


def list_replaced(live: Live, fact: f.ListReplaced) -> None:
    """The new version is whole: from this turn on older entries are none any more."""
    its = _list(live, fact.list_name, fact.channel)
    if fact.version != its.coming:
        live.odd("list_replaced")
        return
    its.version, its.coming = fact.version, 0
    its.numbers, its.came, its.as_of = its.came, 0, fact.as_of
    its.at, its.by = live.now, fact.principal
    live.mark(its)


def _list(live: Live, list_name: str, channel: str) -> DncListRow:
    its = live.dnc.get((list_name, channel))
    if its is None:
        if not live.dnc:  # until now nobody asked the store for entries
            for hopper in live.hoppers.values():
                hopper.forget()
        its = live.dnc[list_name, channel] = DncListRow(list_name, channel)
        live.mark(its)
    return its


def _changed(live: Live, its: DncListRow, by: str, more: int) -> None:
    its.numbers = max(0, its.numbers + more)
    its.at, its.by = live.now, by
    live.mark(its)


# --- leads that meet a list


def bar_offered(live: Live, fact: f.LeadsOffered) -> None:
    """Leads that have come into a hopper, though a list bars their number for good, leave it again."""
    hopper = live.hoppers[fact.campaign]
    for lead in fact.leads:
        row = hopper.row(lead.id)
        if row is not None and _entry(live, row) is not None:
            hopper.take(row.id)
            bar(live, row)


def bar_waiting(live: Live, numbers: Set[str]) -> None:
    """Leads in hoppers with one of these numbers are done with at once, if a list bars them for good."""
    for hopper in live.hoppers.values():
        for lead in [lead for lead in hopper.all() if not numbers.isdisjoint(numbers_of(lead))]:
            if _entry(live, lead) is not None:
                hopper.take(lead.id)
                bar(live, lead)


def bar(live: Live, lead: LeadRow, *, kept: bool = False) -> bool:
    """Move a lead to where a list that bars one of his numbers for good sends him; False if none does.

    `kept`: the refusal is on record already.
    """
    entry = _entry(live, lead)
    if entry is None:
        return False
    kind = kind_of(entry.list_name)
    if lead.state not in DIALABLE or after(LEAD_STATES, lead.state, kind) is None:
        return False
    if not kept:
        keep(live, lead, RULE, f"on the do-not-call list {entry.list_name}", None)
    live.move_lead(lead, kind)
    return True


def kind_of(list_name: str) -> str:
    """The kind of the lead table for a lead on that list: `blocked` by our own, `dnc` by the operator's."""
    return "register" if list_name == REGISTER else "block"


def _entry(live: Live, lead: LeadRow) -> Suppressed | None:
    """The entry that bars one of a lead's numbers for good in his campaign's channel; None if none does."""
    channel = live.policies[lead.campaign].channel
    for entry in _entries(live, lead):
        barring = barred_by((entry,), channel, live.now)
        if barring is not None and barring.until is None:
            return barring
    return None


def _entries(live: Live, lead: LeadRow) -> Iterator[Suppressed]:
    for number in numbers_of(lead):
        known: Known | None = live.pasts.known.get(number)
        yield from suppressed(live, lead.campaign, known) or ()


def keep(live: Live, lead: LeadRow, rule: str, because: str, until: Instant | None) -> None:
    """Keep a refusal as a record."""
    lead.refusals += 1
    live.mark(RefusalRow(lead.id, lead.campaign, live.now, rule, because, until, lead.refusals))
    live.mark(lead)
