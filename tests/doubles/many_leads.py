"""Many leads in a store without the hours that an import of so many would take: written as the daemon's own turns.

Never to be used on a store that a daemon has open.
"""

from __future__ import annotations

from pathlib import Path

from dialerd.adapters.storage.ledger import SyncLedger
from dialerd.model.facts import Woke
from dialerd.model.rows import CounterRow, LeadRow, Row
from dialerd.model.turn import Committed, Turn

AT_ONCE = 5000
LEADS = "lead"
"""The counter of leads."""


def put_leads(store: Path, campaign: str, count: int, *, at: float, state: str = "new", next_at: float = 0.0) -> None:
    """Add `count` leads to a campaign that is there: numbers +84700000001 and on, joining a millisecond apart from `at`."""
    ledger = SyncLedger(str(store), "normal")
    ledger.open()
    try:
        kept = ledger.load()
        last = next((row.value for row in kept.counters if row.name == LEADS), 0)
        made = [
            LeadRow(
                last + n,
                campaign,
                f"+847{last + n:08d}",
                state,
                at + n / 1000,
                next_at,
                name=f"Nguyễn Văn {n}",
                email=f"khach{n}@example.vn",
                address=f"{n} Lê Lợi, Huế",
                fields={"city": "Huế", "note": f"ghi chú {n % 100}", "plan": "basic"},
                source="list.csv",
            )
            for n in range(1, count + 1)
        ]
        seq = kept.seq
        for start in range(0, count, AT_ONCE):
            portion = made[start : start + AT_ONCE]
            seq += 1
            rows: tuple[Row, ...] = (*portion, CounterRow(LEADS, portion[-1].id))
            ledger.commit([Committed(Turn(seq, at, (Woke(),), ()), rows)])
    finally:
        ledger.close()
