"""The keeper of the promise `Sheets`: every file is opened here and read by a worker process.

Never parses a stranger's bytes itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Generic, Self, TypeVar

import msgspec

from dialerd.adapters.sheets import columns, headings, templates
from dialerd.adapters.sheets.checking_contacts import ContactChecker
from dialerd.adapters.sheets.checking_leads import LeadChecker
from dialerd.adapters.sheets.frames import Batch, Begun, Checked, CheckedContacts, Preview, Task
from dialerd.adapters.sheets.limits import Limits
from dialerd.adapters.sheets.opening import name_of, opened
from dialerd.adapters.sheets.typed_text import FEW_CHARACTERS, TypedReading
from dialerd.adapters.sheets.worker_process import Worker
from dialerd.model.contact_check import ContactGiven
from dialerd.model.errors import Refusal
from dialerd.model.facts import NewLead
from dialerd.ports.sheets import (
    AnyChecking,
    AnyMapping,
    Checking,
    ContactChecking,
    ContactMapping,
    ContactReading,
    Format,
    Heading,
    HowToRead,
    LeadReading,
    Mapping,
    RecordField,
    Row,
    Rows,
    SheetSeen,
    Source,
    Typed,
)

_AS_IT_IS = HowToRead()


_T = TypeVar("_T")


class _Hearing(Generic[_T]):
    """A reading under way. Its worker ends with it: at the end, at an error, at `close`, or when it is forgotten."""

    def __init__(self, worker: Worker) -> None:
        """Raises Refusal if the file cannot be read."""
        self._worker = worker
        try:
            said = worker.hear()
            if not isinstance(said, Begun):
                raise Refusal("bad_file", "the reading process began with no heading", "file")
        except BaseException:
            worker.close()
            raise
        self._begun = said

    @property
    def heading(self) -> Heading:
        """What was known before the rows."""
        return self._begun.heading

    @property
    def worker(self) -> int:
        """The worker's process id."""
        return self._worker.pid

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> _T:
        if self._worker.closed:
            raise StopIteration
        try:
            said = self._worker.hear()
        except BaseException:
            ended = self._worker.closed
            self._worker.close()
            if ended:
                raise StopIteration from None
            raise
        if isinstance(said, Batch | Checked | CheckedContacts):
            return self._rows(said)
        self._worker.close()
        raise StopIteration

    def _rows(self, said: Batch | Checked | CheckedContacts) -> _T:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it at once, from any thread."""
        self._worker.close()


class SheetReading(_Hearing[list[Row]]):
    """Rows."""

    def _rows(self, said: Batch | Checked | CheckedContacts) -> list[Row]:
        assert isinstance(said, Batch)
        return said.rows


class _ListRead(_Hearing[Rows[_T]]):
    """Rows, checked."""

    @property
    def mapping(self) -> AnyMapping:
        """The mapping that holds."""
        assert self._begun.mapping is not None
        return self._begun.mapping


class LeadsRead(_ListRead[NewLead]):
    """Rows as leads."""

    def _rows(self, said: Batch | Checked | CheckedContacts) -> Rows[NewLead]:
        assert isinstance(said, Checked)
        return said.rows


class ContactsRead(_ListRead[ContactGiven]):
    """Rows as contacts."""

    def _rows(self, said: Batch | Checked | CheckedContacts) -> Rows[ContactGiven]:
        assert isinstance(said, CheckedContacts)
        return said.rows


class SheetFiles:
    """Lists in the import folders and in uploads."""

    def __init__(self, folders: Sequence[Path] = (), limits: Limits | None = None) -> None:
        """`folders` are absolute and belong to the operator; what is below them is a stranger's."""
        self._folders = tuple(folders)
        self._limits = limits or Limits()

    def sheets(self, source: Source, how: HowToRead = _AS_IT_IS) -> list[SheetSeen]:
        """The sheets with headings and first rows. Blocks; raises Refusal."""
        worker = self._worker(source, how, preview=True)
        try:
            said = worker.hear()
        finally:
            worker.close()
        if not isinstance(said, Preview):
            raise Refusal("bad_file", "the reading process answered something else", "file")
        return said.sheets

    def rows(self, source: Source, how: HowToRead = _AS_IT_IS) -> SheetReading:
        """Begin to read. Blocks until the heading is known; raises Refusal."""
        return SheetReading(self._worker(source, how, preview=False))

    def leads(self, source: Source, how: HowToRead, checking: Checking) -> LeadReading:
        """Begin to read a list as leads. Blocks until the heading is known; raises Refusal."""
        if isinstance(source, Typed) and len(source.text) <= FEW_CHARACTERS:
            return TypedReading(source.text, how, lambda heading: LeadChecker(checking, heading), self._limits)
        return LeadsRead(self._worker(source, how, preview=False, checking=checking))

    def contacts(self, source: Source, how: HowToRead, checking: ContactChecking) -> ContactReading:
        """The same for contacts."""
        if isinstance(source, Typed) and len(source.text) <= FEW_CHARACTERS:
            return TypedReading(source.text, how, lambda heading: ContactChecker(checking, heading), self._limits)
        return ContactsRead(self._worker(source, how, preview=False, checking=checking))

    def _worker(self, source: Source, how: HowToRead, *, preview: bool, checking: AnyChecking | None = None) -> Worker:
        if isinstance(source, Typed):
            how = msgspec.structs.replace(how, encoding="utf-8")
        descriptor = opened(source, self._folders, self._limits)
        return Worker(Task(descriptor, name_of(source), preview, how, self._limits, checking))

    def suggest(self, names: Sequence[str], fields: Sequence[RecordField]) -> Mapping:
        """The mapping that headings suggest."""
        return headings.suggest(names, fields)

    def suggest_contacts(self, names: Sequence[str]) -> ContactMapping:
        """The same for contacts."""
        return headings.suggest_contacts(names)

    def placed(self, mapping: Mapping, heading: Heading, fields: Sequence[RecordField]) -> columns.PlacedColumns:
        """A mapping as columns. Raises Refusal."""
        return columns.placed(mapping, heading, fields)

    def template(self, fields: Sequence[RecordField], kind: Format) -> bytes:
        """An empty list of leads to fill in."""
        return templates.template(fields, kind)

    def contact_template(self, kind: Format) -> bytes:
        """The same for contacts."""
        return templates.contact_template(kind)
