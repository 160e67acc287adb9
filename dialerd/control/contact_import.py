"""contact.import: contacts from a list, portion by portion beside the turns, on the same way as leads (C06).

Never stops at a bad row: it is told with its number and the reason, and the next is read.
"""

from __future__ import annotations

import builtins
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from dialerd.control import list_args
from dialerd.control.contact_values import refuse_made
from dialerd.control.list_args import Column, Columns, FieldColumns, FromList, Importing, begun, how_of, source_of
from dialerd.control.list_looking import Previewed, Template, TemplateFormat, made_template, previewed
from dialerd.control.list_work import KIND, ListWork, NotTaken, Sifted, told_by_reading
from dialerd.control.long_commands import Planned, Progress
from dialerd.control.table import MAKERS, Args, Command, Desk, Who
from dialerd.model.contact_check import ContactGiven, merged, nobody
from dialerd.model.errors import Refusal
from dialerd.model.facts import ContactsRead
from dialerd.model.policies import Region
from dialerd.model.rows import ContactRow
from dialerd.ports.sheets import (
    ContactChecking,
    ContactMapping,
    ContactReading,
    ContactRows,
    HowToRead,
    RowTaken,
    Source,
)


class ColumnsOf(Args):
    """Which column is what: each is told by its heading, its letter (B) or its number (2)."""

    code: Column = ""
    """His code (PID): who has one is known by it, all others by their phone."""
    kind: Column = ""
    """person or company; an empty cell: person."""
    name: Column = ""
    phone: Column = ""
    email: Column = ""
    address: Column = ""
    status: Column = ""
    industry: Column = ""
    channel: Column = ""
    owner: Column = ""
    """His account manager, a principal."""
    tags: Column = ""
    """Words parted by semicolons."""
    fields: FieldColumns = Field(default_factory=dict)
    """A further field to its column."""
    ignore: Columns = Field(default_factory=builtins.list)
    others: Literal["keep", "ignore"] = "keep"
    """Columns not named here: kept as fields under their headings, or left out."""


class Import(Importing):
    """Contacts from a list."""

    mapping: ColumnsOf | None = None
    """Which column is what; empty: as the headings suggest (contact.import-preview shows it)."""
    existing: Literal["skip", "update"] = "skip"
    """What becomes of a contact that is there already, by its code or, without one, by its phone; an empty cell changes nothing."""
    region: Region = "VN"
    """Where a phone without a country code belongs; none: as it is dialed."""


class Imported(list_args.Imported):
    """What became of an import's rows: rows = added + updated + duplicates + refused."""

    updated: int
    """Or, in a dry run, to be updated."""


class ContactWork(ListWork[ContactGiven, ContactRow]):
    """One contact.import."""

    counted = ("rows", "added", "updated", "duplicates", "refused")
    _args: Import

    def __init__(self, desk: Desk, who: Who, args: Import, source: Source, how: HowToRead) -> None:
        super().__init__(desk, who, args)
        self._source = source
        self._how = how
        self._as_of = 0
        """The last turn that the store's answers of this portion know."""

    def _open(self) -> ContactReading:
        given = self._args.mapping
        mapping = None
        if given is not None:
            mapping = ContactMapping(**(given.model_dump() | {"ignore": tuple(given.ignore)}))
        return self._desk.lists.sheets.contacts(self._source, self._how, ContactChecking(self._args.region, mapping))

    def _fact(self, job: str, items: Sequence[ContactRow], counts: dict[str, int], row: int) -> ContactsRead:
        return ContactsRead(tuple(items), self._as_of, self._who.principal, job, counts, self._report_name, row)

    def _become(self, items: Sequence[ContactRow]) -> Mapping[str, int]:
        return Counter("updated" if row.created_at else "added" for row in items)

    def _answer(self, told: dict[str, Any]) -> Imported:
        return Imported(**told)

    async def _sift(self, progress: Progress, rows: ContactRows) -> Sifted[ContactRow]:
        """Those who are to be written, and all others told."""
        self._as_of = progress.as_of
        store = self._desk.store
        given = [row.item for row in rows.taken]
        by_code = {row.id: row for row in await store.contacts_by_id([one.code for one in given if one.code])}
        phones = [one.phone for one in given if one.phone and not one.code]
        by_phone = {row.phone: row for row in reversed(await store.contacts_by_phone(phones))}
        told = told_by_reading(rows)
        new: list[RowTaken[ContactRow]] = []
        seen: set[str] = set()
        for row in rows.taken:
            said = row.item
            there = by_code.get(said.code) if said.code else by_phone.get(said.phone)
            try:
                because = "" if there is None else self._why_not(there, seen)
                if not because:
                    new.append(RowTaken(row.number, _written(there, said), row.cells))
                    continue
                result = "duplicate"
            except Refusal as refusal:
                result, because = "refused", refusal.message
            told.append(NotTaken(row.number, said.phone or said.code, result, because, row.cells))
        told.sort(key=lambda one: one.row)
        return Sifted(new, told)

    def _why_not(self, there: ContactRow, seen: set[str]) -> str:
        if there.id in seen:
            return f"a row before it is the contact {there.id}, too"
        seen.add(there.id)
        return f"there is a contact {there.id} already" if self._args.existing == "skip" else ""


def _written(there: ContactRow | None, said: ContactGiven) -> ContactRow:
    """The contact as he will be. Raises Refusal."""
    if there is not None:
        return merged(there, said)
    refuse_made(said.code)
    return merged(nobody(said.code), said)


def _plan(desk: Desk, who: Who, args: Import) -> Planned:
    work = ContactWork(desk, who, args, source_of(desk, who, args), how_of(args))
    return Planned(KIND, "", work.run, None if args.wait else _begun)


def _begun(job: str) -> Imported:
    return Imported(updated=0, **begun(job))


async def _preview(desk: Desk, who: Who, args: FromList) -> Previewed:
    return await previewed(desk, who, args, desk.lists.sheets.suggest_contacts)


async def _template(desk: Desk, who: Who, args: TemplateFormat) -> Template:
    return await made_template("contacts", args.format, desk.lists.sheets.contact_template)


COMMANDS: tuple[Command[Any], ...] = (
    Command("contact.import", "Contacts from a list: CSV or a workbook", MAKERS, Import, Imported, "job", plan=_plan),
    Command(
        "contact.import-preview",
        "Sheets, headings and first rows of a list of contacts",
        MAKERS,
        FromList,
        Previewed,
        "read",
        read=_preview,
    ),
    Command(
        "contact.import-template",
        "An empty list of contacts to fill in",
        MAKERS,
        TemplateFormat,
        Template,
        "read",
        read=_template,
    ),
)
