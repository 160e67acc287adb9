"""The rows of a simulated daemon, kept in memory: what a shift needs of a store, without SQL.

Never a substitute for the store's contract: whoever wants that gives the driver a real ledger.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from dialerd.campaigns.hotline_book import HOURS_KEPT
from dialerd.campaigns.rebuilding import Kept
from dialerd.model.instants import Instant
from dialerd.model.lead_order import DEFAULT_ORDER, Due, LeadOrder
from dialerd.model.pasts import Past
from dialerd.model.rows import (
    AbandonRow,
    AgentRow,
    AttemptRow,
    CampaignRow,
    CounterRow,
    DncListRow,
    HotlineHourRow,
    HotlineRow,
    JobRow,
    LeadRow,
    NamedRow,
    QuotaRow,
    ReferralRow,
    RefusalRow,
    SuppressionRow,
    TallyRow,
)
from dialerd.model.states import DIALABLE
from dialerd.model.turn import Committed
from sim.leads_in_order import LeadsInOrder
from sim.legal_rows import LegalRows

R = TypeVar(
    "R",
    CampaignRow,
    TallyRow,
    AgentRow,
    CounterRow,
    JobRow,
    NamedRow,
    ReferralRow,
    QuotaRow,
    HotlineRow,
    HotlineHourRow,
)


class RowsKept:
    """The newest of every row, and the leads of each campaign in the order in which they are due."""

    def __init__(self) -> None:
        self.leads: dict[int, LeadRow] = {}
        self.attempts: dict[str, AttemptRow] = {}
        self._by_phone: dict[tuple[str, str], int] = {}
        self._others: dict[type, dict[Any, Any]] = {}
        self._seq = 0
        self._in_order = LeadsInOrder(self.leads)
        self.legal = LegalRows()

    def commit(self, batch: Sequence[Committed]) -> None:
        """Keep what the turns changed."""
        for committed in batch:
            self._seq = committed.turn.seq
            for row in committed.rows:
                match row:
                    case LeadRow():
                        kept = msgspec.structs.replace(row)
                        self.leads[row.id] = kept
                        self._by_phone[kept.campaign, kept.phone] = kept.id
                        self._in_order.put(kept)
                    case AttemptRow():
                        self.attempts[row.id] = msgspec.structs.replace(row)
                        self.legal.put(row)
                    case SuppressionRow() | RefusalRow() | DncListRow() | AbandonRow():
                        self.legal.put(row)
                    case HotlineHourRow():
                        key = (row.hotline, row.campaign, row.hour)
                        self._others.setdefault(HotlineHourRow, {})[key] = msgspec.structs.replace(row)
                    case CampaignRow() | AgentRow() | JobRow() | HotlineRow():
                        self._others.setdefault(type(row), {})[row.id] = msgspec.structs.replace(row)
                    case ReferralRow():
                        self._others.setdefault(ReferralRow, {})[row.id] = msgspec.structs.replace(row)
                    case QuotaRow():
                        self._others.setdefault(QuotaRow, {})[row.campaign, row.agent, row.day] = (
                            msgspec.structs.replace(row)
                        )
                    case NamedRow():
                        self._others.setdefault(NamedRow, {})[row.kind, row.id] = msgspec.structs.replace(row)
                    case TallyRow():
                        self._others.setdefault(TallyRow, {})[row.campaign] = msgspec.structs.replace(row)
                    case CounterRow():
                        self._others.setdefault(CounterRow, {})[row.name] = msgspec.structs.replace(row)

    def load(self, token: str) -> Kept:
        """Copies of all rows that live state is rebuilt from, as a store tells them."""

        def copies(kind: type[R]) -> list[R]:
            return [msgspec.structs.replace(row) for row in self._others.get(kind, {}).values()]

        live = [msgspec.structs.replace(row) for row in self.attempts.values() if row.live]
        in_play = {row.lead for row in live} | {row.lead for row in copies(AgentRow) if row.lead}
        states = Counter((lead.campaign, lead.state) for lead in self.leads.values())
        open_leads = [lead for lead in self.leads.values() if lead.state in DIALABLE]
        last: dict[str, Instant] = {}
        for row in self.attempts.values():
            last[row.trunk] = max(row.placed_at, last.get(row.trunk, 0.0))
        hours = copies(HotlineHourRow)
        newest = max((row.hour for row in hours), default=0)
        return Kept(
            token,
            self._seq,
            copies(CampaignRow),
            copies(TallyRow),
            copies(AgentRow),
            live,
            [msgspec.structs.replace(self.leads[lead]) for lead in sorted(in_play)],
            copies(CounterRow),
            [(campaign, state, count) for (campaign, state), count in states.items()],
            list(last.items()),
            hotlines=copies(HotlineRow),
            hotline_hours=[row for row in hours if row.hour >= newest - HOURS_KEPT],
            named=copies(NamedRow),
            quotas=sorted(copies(QuotaRow), key=lambda row: row.day),
            participations=[
                (*where, count)
                for where, count in Counter(
                    (lead.campaign, lead.participation) for lead in self.leads.values() if lead.participation
                ).items()
            ],
            open_lists=[
                (*where, count)
                for where, count in Counter((lead.campaign, lead.list_name) for lead in open_leads).items()
            ],
            private_to=sorted({(lead.campaign, lead.private_to) for lead in open_leads if lead.private_to}),
            dnc=self.legal.lists(),
            abandons=self.legal.abandons(),
            refused=[
                (*where, count)
                for where, count in Counter(
                    (lead.campaign, lead.refused_by) for lead in self.leads.values() if lead.refused_by
                ).items()
            ],
            jobs=[row for row in copies(JobRow) if row.state == "running"],
            referrals=[row for row in copies(ReferralRow) if row.state == "waiting"],
        )

    def lead(self, campaign: str, phone: str) -> LeadRow | None:
        """The lead with that phone in the campaign."""
        return self.leads.get(self._by_phone.get((campaign, phone), 0))

    def pasts(self, numbers: Sequence[str], since: Instant | None, lists: bool) -> list[Past]:
        """Of `numbers`, those that have a past."""
        return self.legal.pasts(numbers, since, lists)

    def due(self, campaign: str, now: Instant, limit: int, order: LeadOrder = DEFAULT_ORDER) -> Due:
        """Up to `limit` leads that may be dialed, in the order of dialing."""
        return self._in_order.due(campaign, now, limit, order)
