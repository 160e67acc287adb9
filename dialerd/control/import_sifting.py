"""Which of a portion's leads may be added: known ones, suppressed ones and those of a list too many are told apart (C06, C20).

Never takes an answer of the store for longer than the turn that follows: who joined meanwhile is found there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from dialerd.campaigns.dossiers import holds
from dialerd.campaigns.live import Live
from dialerd.compliance.do_not_call import Suppressed, barred_by
from dialerd.control.list_work import NotTaken, Sifted, told_by_reading
from dialerd.control.table import Desk
from dialerd.model.facts import NewLead
from dialerd.model.instants import Instant
from dialerd.model.lead_order import MAX_LISTS
from dialerd.model.pasts import ListEntry
from dialerd.model.rows import SuppressionRow
from dialerd.ports.sheets import LeadRows, RowTaken


async def sift(desk: Desk, campaign: str, rows: LeadRows) -> Sifted[NewLead]:
    """Sort a portion. Raises StoreFailingError."""
    told = told_by_reading(rows)
    numbers = [number for row in rows.taken for number in (row.item.phone, *row.item.phones)]
    known = await desk.store.known_phones(campaign, numbers) if numbers else set()
    barred = await barring(desk, campaign, [number for number in numbers if number not in known])
    lists: set[str] = set()
    new: list[RowTaken[NewLead]] = []
    for row in rows.taken:
        why = _why_not(desk.live, campaign, row, known, barred, lists)
        if why is None:
            new.append(row)
        else:
            told.append(why)
    told.sort(key=lambda one: one.row)
    return Sifted(new, told)


def _why_not(
    live: Live, campaign: str, row: RowTaken[NewLead], known: set[str], barred: dict[str, str], lists: set[str]
) -> NotTaken | None:
    lead = row.item

    def told(result: str, because: str) -> NotTaken:
        return NotTaken(row.number, lead.phone, result, because, row.cells)

    for number in (lead.phone, *lead.phones):
        if number in known:
            because = "the campaign has this phone already"
            return told(
                "duplicate", because if number == lead.phone else f"the campaign has his phone {number} already"
            )
    for number in (lead.phone, *lead.phones):
        if number in barred:
            because = f"on the do-not-call list {barred[number]}"
            return told("suppressed", because if number == lead.phone else f"his phone {number} is {because}")
    name = lead.list_name
    there = live.open_lists.get(campaign, Counter())
    if name and name not in lists and name not in there:
        if len(there) + len(lists) >= MAX_LISTS:
            return told("refused", f"list: {campaign} would have more than {MAX_LISTS} lists with leads to dial")
        lists.add(name)
    return None


async def barring(desk: Desk, campaign: str, numbers: list[str]) -> dict[str, str]:
    """Those of `numbers` that must not join, as `barred_in` tells. Raises StoreFailingError."""
    if not desk.live.dnc or not numbers:
        return {}
    return barred_in(desk.live, campaign, await desk.store.suppressions_of(numbers), desk.now)


def barred_in(live: Live, campaign: str, rows: Iterable[SuppressionRow], now: Instant) -> dict[str, str]:
    """Number to list, of those that a list bars for good in the campaign's channel.

    An entry with an end bars nobody from joining: the gate waits for it.
    """
    channel = live.policies[campaign].channel
    found: dict[str, str] = {}
    for row in rows:
        entry = ListEntry(row.list_name, row.channel, row.at, row.until, row.version)
        if row.active and row.until is None and holds(live, campaign, entry):
            told = Suppressed(row.list_name, row.channel)  # type: ignore[arg-type]  # written from checked arguments
            if barred_by((told,), channel, now) is not None:
                found[row.number] = row.list_name
    return found
