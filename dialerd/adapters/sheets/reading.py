"""The keeper of the promise `Sheets`: every file is opened here and read by a worker process.

Never parses a stranger's bytes itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dialerd.adapters.sheets import columns, headings, templates
from dialerd.adapters.sheets.frames import Batch, Begun, Preview, Task
from dialerd.adapters.sheets.limits import Limits
from dialerd.adapters.sheets.opening import name_of, opened
from dialerd.adapters.sheets.worker_process import Worker
from dialerd.model.errors import Refusal
from dialerd.ports.sheets import Format, Heading, HowToRead, Mapping, RecordField, Row, SheetSeen, Source

_AS_IT_IS = HowToRead()


class SheetReading:
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
        self._heading = said.heading

    @property
    def heading(self) -> Heading:
        """What was known before the rows."""
        return self._heading

    @property
    def worker(self) -> int:
        """The worker's process id."""
        return self._worker.pid

    def __iter__(self) -> SheetReading:
        return self

    def __next__(self) -> list[Row]:
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
        if isinstance(said, Batch):
            return said.rows
        self._worker.close()
        raise StopIteration

    def __enter__(self) -> SheetReading:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it at once, from any thread."""
        self._worker.close()


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

    def _worker(self, source: Source, how: HowToRead, *, preview: bool) -> Worker:
        descriptor = opened(source, self._folders, self._limits)
        return Worker(Task(descriptor, name_of(source), preview, how, self._limits))

    def suggest(self, names: Sequence[str], fields: Sequence[RecordField]) -> Mapping:
        """The mapping that headings suggest."""
        return headings.suggest(names, fields)

    def placed(self, mapping: Mapping, heading: Heading, fields: Sequence[RecordField]) -> columns.PlacedColumns:
        """A mapping as columns. Raises Refusal."""
        return columns.placed(mapping, heading, fields)

    def template(self, fields: Sequence[RecordField], kind: Format) -> bytes:
        """An empty list to fill in."""
        return templates.template(fields, kind)
