"""contact.import: contacts from a CSV text, batch by batch beside the turns (C06).

Never stops at a bad row: it is told with its number and the reason, and the next is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import islice
from typing import Any, Literal, NamedTuple

from pydantic import Field

from dialerd.control.contact_values import COLUMNS, changed, new_contact, refuse_made
from dialerd.control.csv_rows import CsvRow, csv_rows
from dialerd.control.long_commands import Finished, Planned, Progress
from dialerd.control.table import MAKERS, Args, Command, Desk, Result, Who
from dialerd.model.errors import Refusal
from dialerd.model.facts import ContactsRead
from dialerd.model.policies import Region
from dialerd.model.rows import ContactRow
from dialerd.ports.store import Store

MAX_CSV = 12_000_000
BATCH = 200
"""Contacts of one turn."""
TOLD = 100
"""Refused rows told one by one."""
_MEANS = {"pid": "code", "type": "kind", "telephone": "phone", "e-mail": "email"}


class Import(Args):
    """Contacts from a CSV text."""

    csv: str = Field(max_length=MAX_CSV)
    """A heading line, then one contact a line; comma, semicolon or tab. Headings: code (or pid), kind (or type), name, phone,
    email, address, status, industry, channel, owner, tags (parted by semicolons); any other column is a further field."""
    existing: Literal["skip", "update"] = "skip"
    """What becomes of a contact that is there already, by its code or, without one, by its phone."""
    region: Region = "VN"
    """Where a phone without a country code belongs; none: as it is dialed."""
    dry_run: bool = False
    """Only report what would be added, changed and refused."""


class RowRefused(Result):
    """A row that was not taken, and why."""

    row: int
    """The line's number in the text, the heading being 1."""
    code: str
    field: str
    because: str


class Imported(Result):
    """What became of an import's rows."""

    rows: int
    added: int
    updated: int
    duplicates: int
    """Contacts that were there already, or twice in the text."""
    refused: int
    refusals: list[RowRefused]
    """The first hundred."""
    dry_run: bool


class _Checked(NamedTuple):
    row: int
    contact: ContactRow | None
    """As a new one; None: it is refused."""
    values: dict[str, Any]
    told: RowRefused | None


def _check(line: CsvRow, region: str) -> _Checked:
    values: dict[str, Any] = {}
    fields: dict[str, str] = {}
    for heading, cell in line.cells.items():
        name = heading.casefold()
        name = _MEANS.get(name, name)
        if name in COLUMNS:
            values[name] = cell
        else:
            fields[heading] = cell
    code = values.pop("code", "")
    if fields:
        values["fields"] = fields
    try:
        if line.trouble:
            raise Refusal("bad_argument", line.trouble, "csv")
        return _Checked(line.number, new_contact(code, values, region), values, None)
    except Refusal as refusal:
        because = refusal.message[:300]
        told = RowRefused(row=line.number, code=code[:64], field=refusal.field or "", because=because)
        return _Checked(line.number, None, values, told)


def _some(lines: Iterator[CsvRow], region: str) -> list[_Checked]:
    return [_check(line, region) for line in islice(lines, BATCH)]


class _Importing:
    """One import under way."""

    def __init__(self, store: Store, who: Who, args: Import) -> None:
        self._store = store
        self._who = who
        self._args = args
        self._seen: set[str] = set()
        self.report = Imported(rows=0, added=0, updated=0, duplicates=0, refused=0, refusals=[], dry_run=args.dry_run)

    async def run(self, progress: Progress) -> Finished:
        report = self.report
        lines = await asyncio.to_thread(csv_rows, self._args.csv, "csv")
        while batch := await asyncio.to_thread(_some, lines, self._args.region):
            report.rows += len(batch)
            as_of = progress.as_of
            contacts = await self._sort(batch)
            if contacts and not self._args.dry_run:
                await progress.settle(ContactsRead(tuple(contacts), as_of, self._who.principal))
            progress.tell(rows=report.rows, added=report.added, updated=report.updated)
        counts = {name: getattr(report, name) for name in ("rows", "added", "updated", "duplicates", "refused")}
        return Finished(report, counts)

    async def _sort(self, batch: list[_Checked]) -> list[ContactRow]:
        """Those of a batch that are to be written."""
        good = [(one, one.contact) for one in batch if one.contact is not None]
        for one in batch:
            if one.told is not None:
                self._refuse(one.told)
        by_code = {row.id: row for row in await self._store.contacts_by_id([row.id for _, row in good if row.id])}
        phones = [row.phone for _, row in good if row.phone and not row.id]
        by_phone = {row.phone: row for row in reversed(await self._store.contacts_by_phone(phones))}
        found: list[ContactRow] = []
        for one, row in good:
            there = by_code.get(row.id) if row.id else by_phone.get(row.phone)
            key = there.id if there is not None else row.id or row.phone
            if key and key in self._seen:
                self.report.duplicates += 1
                continue
            if key:
                self._seen.add(key)
            if there is None:
                try:
                    refuse_made(row.id)
                except Refusal as refusal:
                    self._refuse(RowRefused(row=one.row, code=row.id, field="code", because=refusal.message))
                    continue
                self.report.added += 1
                found.append(row)
            elif self._args.existing == "update":
                self.report.updated += 1
                found.append(changed(there, one.values, self._args.region))
            else:
                self.report.duplicates += 1
        return found

    def _refuse(self, told: RowRefused) -> None:
        self.report.refused += 1
        if len(self.report.refusals) < TOLD:
            self.report.refusals.append(told)


def _plan(desk: Desk, who: Who, args: Import) -> Planned:
    csv_rows(args.csv, "csv")  # a text that is none is refused before anything begins
    return Planned("import", "", _Importing(desk.store, who, args).run)


COMMANDS: tuple[Command[Any], ...] = (
    Command("contact.import", "Contacts from a CSV text", MAKERS, Import, Imported, "job", plan=_plan),
)
