"""The keeper of the promise `ImportFiles`: uploads, staged leads and reports in one folder of the daemon's own.

Never leaves behind what a killed daemon had under way and no job needs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from dialerd.adapters.sheets.report_file import ReportFile, read_piece
from dialerd.adapters.sheets.spool_folder import REPORTS, STAGED, UPLOADS, made
from dialerd.adapters.sheets.staging import StagingFile, staged
from dialerd.adapters.sheets.uploads import Uploads
from dialerd.model.facts import NewLead
from dialerd.model.instants import Instant
from dialerd.ports.import_files import Portion, StagedHead
from dialerd.ports.sheets import Spooled


class ImportFolder:
    """Uploads, staged leads and reports."""

    def __init__(self, folder: Path, *, upload_at_most: int, harmless: Callable[[str], str]) -> None:
        """`upload_at_most`: bytes; `harmless`: a text that no spreadsheet program calculates."""
        self._folder = folder
        self._harmless = harmless
        self._uploads = Uploads(folder / UPLOADS, upload_at_most)
        self._pruning = threading.Lock()

    def open(self, needed: Collection[str]) -> None:
        """See the promise."""
        made(self._folder)
        for path in (*(self._folder / UPLOADS).iterdir(), *(self._folder / STAGED).iterdir()):
            if path.name not in needed:
                path.unlink(missing_ok=True)

    def begin_upload(self, by: str, name: str, size: int, now: Instant) -> str:
        """See the promise."""
        return self._uploads.begin(by, name, size, now)

    def append_upload(self, upload: str, by: str, at: int, data: bytes, now: Instant) -> int:
        """See the promise."""
        return self._uploads.append(upload, by, at, data, now)

    def end_upload(self, upload: str, by: str, sha256: str, now: Instant) -> int:
        """See the promise."""
        return self._uploads.end(upload, by, sha256, now)

    def uploaded(self, upload: str, by: str) -> Spooled:
        """See the promise."""
        return self._uploads.file(upload, by)

    def drop_upload(self, upload: str, by: str) -> None:
        """See the promise."""
        self._uploads.drop(upload, by)

    def expire(self, uploads_before: Instant, reports_before: Instant) -> int:
        """See the promise. A report is as old as its file."""
        dropped = self._uploads.expire(uploads_before)
        with self._pruning:
            for path in (self._folder / REPORTS).iterdir():
                if path.lstat().st_mtime < reports_before:
                    path.unlink(missing_ok=True)
                    dropped += 1
        return dropped

    def stage(self, job: str) -> StagingFile:
        """See the promise."""
        return StagingFile(self._folder / STAGED, job)

    def staged(self, name: str) -> tuple[StagedHead, Iterator[list[NewLead]]]:
        """See the promise."""
        return staged(self._folder / STAGED / Path(name).name)

    def drop_staged(self, name: str) -> None:
        """See the promise."""
        (self._folder / STAGED / Path(name).name).unlink(missing_ok=True)

    def report(self, job: str, headings: Sequence[str]) -> ReportFile:
        """See the promise."""
        return ReportFile(self._folder / REPORTS, job, headings, self._harmless)

    def read_report(self, name: str, offset: int, limit: int) -> Portion:
        """See the promise."""
        return read_piece(self._folder / REPORTS, name, offset, limit)
