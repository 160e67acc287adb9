"""What is asked of pasts, do-not-call lists and refusals on SQLite, on one connection, synchronously.

Never writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from dialerd.adapters.storage.cells import REFUSAL, SUPPRESSION
from dialerd.adapters.storage.contact_reading import ContactReading
from dialerd.adapters.storage.legal_statements import NUMBERS_AT_ONCE, legal_statements
from dialerd.model.instants import Instant
from dialerd.model.pasts import ListEntry, Past, PastCall
from dialerd.model.rows import RefusalRow, SuppressionRow

SQL = legal_statements("sqlite")


class LegalReading(ContactReading):
    """The questions of `dialerd.ports.legal_store.LegalStore`. All raise StoreFailingError if the database cannot be read."""

    def pasts(self, numbers: Sequence[str], since: Instant | None, lists: bool) -> list[Past]:
        """Of `numbers`, those that have a past."""
        calls: dict[str, list[PastCall]] = {}
        entries: dict[str, list[ListEntry]] = {}
        with self._asking("read pasts of numbers"):
            self.connection.execute("BEGIN")  # one snapshot for both questions
            try:
                for asked in _portions(numbers):
                    if since is not None:
                        values = SQL.calls_to.values(**asked, since=since)
                        for cells in self.connection.execute(SQL.calls_to.sql, values):
                            number, id_, at, campaign, purpose, outcome, answered_by, connected_at = cells
                            call = PastCall(id_, at, campaign, purpose, outcome, answered_by, connected_at is not None)
                            calls.setdefault(number, []).append(call)
                    if lists:
                        values = SQL.entries_for.values(**asked)
                        for cells in self.connection.execute(SQL.entries_for.sql, values):
                            entries.setdefault(cells[0], []).append(ListEntry(*cells[1:]))
            finally:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
        return [
            Past(number, tuple(calls.get(number, ())), tuple(entries.get(number, ())))
            for number in dict.fromkeys(numbers)
            if number in calls or number in entries
        ]

    def entries(self, list_name: str, channel: str, numbers: Sequence[str]) -> list[SuppressionRow]:
        """The entries of these numbers in one list."""
        found: list[SuppressionRow] = []
        with self._asking("read a do-not-call list"):
            for asked in _portions(numbers):
                found += self._rows(SUPPRESSION, SQL.entries, **asked, list_name=list_name, channel=channel)
        return found

    def refusal(self, lead: int) -> RefusalRow | None:
        """The gate's last refusal of a lead."""
        return next(iter(self._ask(REFUSAL, SQL.refusal, lead=lead)), None)


def _portions(numbers: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The numbers, each once, as values of as many statements as are needed."""
    every = list(dict.fromkeys(numbers))
    for start in range(0, len(every), NUMBERS_AT_ONCE):
        some = every[start : start + NUMBERS_AT_ONCE]
        some += some[-1:] * (NUMBERS_AT_ONCE - len(some))
        yield {f"number_{i}": number for i, number in enumerate(some)}
