"""The rows that an import did not take, as a CSV file that grows with it.

Never lets a spreadsheet program read a stranger's cell as a formula, and never loses a line that was written to our own death.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from dialerd.adapters.sheets.spool_folder import no_space
from dialerd.model.errors import Refusal
from dialerd.ports.import_files import Portion

OWN = ("row", "phone", "result", "reason")
"""Its first columns; the list's own cells follow."""
AT_MOST = 512_000_000
"""Bytes of a report: what is beyond is counted and not told."""


class ReportFile:
    """Keeps dialerd.ports.import_files.Report."""

    def __init__(self, folder: Path, job: str, headings: Sequence[str], harmless: Callable[[str], str]) -> None:
        self.name = f"{job}-not-taken.csv"
        self._harmless = harmless
        try:
            (folder / self.name).unlink(missing_ok=True)  # of a store that is no more: a job's id is given once
            self._descriptor = os.open(
                folder / self.name, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600
            )
        except OSError as trouble:
            raise no_space(trouble) from None
        self._left = AT_MOST
        self._write("\ufeff".encode())
        self.add([(*OWN, *headings)])

    def add(self, rows: Sequence[Sequence[str | int]]) -> None:
        """See the promise."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\r\n").writerows(
            [cell if isinstance(cell, int) else self._harmless(_plain(cell)) for cell in row] for row in rows
        )
        self._write(text.getvalue().encode("utf-8", "replace"))

    def _write(self, data: bytes) -> None:
        if len(data) > self._left:
            self._left = 0
            return
        self._left -= len(data)
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError as trouble:
            raise no_space(trouble) from None

    def close(self) -> None:
        """See the promise. May be called twice."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def _plain(text: str) -> str:
    """Without what no program shows."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text.replace("\r", "\n"))


def read_piece(folder: Path, name: str, offset: int, limit: int) -> Portion:
    """A piece of a report. Raises Refusal if it is gone."""
    try:
        descriptor = os.open(folder / Path(name).name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        raise Refusal("unknown_file", "the report is not there any more", "job") from None
    try:
        return Portion(os.pread(descriptor, limit, offset), os.fstat(descriptor).st_size)
    finally:
        os.close(descriptor)
