"""Exports into a folder, each written by a process of its own that is fed through a pipe.

Never formats a row in the daemon's process: the event loop only packs rows and waits for the pipe.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing, suppress
from importlib.util import find_spec
from pathlib import Path
from zoneinfo import ZoneInfoNotFoundError

import msgspec

from dialerd.adapters.exports import pdf
from dialerd.adapters.exports.folder import ExportsFolder, Unfinished
from dialerd.adapters.exports.frames import END, ROWS_IN_XLSX_SHEET, Answer, Done, Failed, Job, Refused, frame
from dialerd.adapters.exports.names import file_stem
from dialerd.adapters.exports.worker import WHOLE
from dialerd.model.errors import OurMistakeError, Refusal
from dialerd.model.instants import Instant, local
from dialerd.ports.exports import (
    COLUMNS_AT_MOST,
    Batch,
    Batches,
    Exported,
    ExportFailingError,
    Format,
    Heading,
    PrintFormat,
    PrintSheet,
    Separator,
    Table,
)

PDF_ROWS = 5_000
PDF_SECONDS = 300.0
PDF_CHARACTERS = 8_000_000
"""Of the page as HTML."""
WAITING = 20
"""Exports that may wait for their turn."""
_CELLS_AT_ONCE = 5_000
"""Cells packed before the loop does something else: about a millisecond."""
_SAID = "said"
_SAID_AT_MOST = 500
_KEPT_ENV = (
    "PATH",
    "LD_LIBRARY_PATH",
    "FONTCONFIG_FILE",
    "FONTCONFIG_PATH",
    "XDG_DATA_DIRS",
    "PYTHONDONTWRITEBYTECODE",
)
_answer: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


class FileExports:
    """`dialerd.ports.exports.Exports` in one folder."""

    def __init__(
        self,
        folder: Path,
        *,
        templates: Path | None = None,
        pdf_rows: int = PDF_ROWS,
        pdf_seconds: float = PDF_SECONDS,
        xlsx_rows: int = ROWS_IN_XLSX_SHEET,
        at_once: int = 1,
    ) -> None:
        """`templates`: a folder of the operator's own print templates, which go before ours of the same name; `pdf_rows`: rows
        of a table of few columns (pdf.CELLS bounds the cells of a wide one); `xlsx_rows`: rows of a spreadsheet's page.

        `pdf_seconds`: how long making a PDF may take once its rows are there; `at_once`: writers at a time, others wait.
        """
        self._folder = ExportsFolder(folder)
        self._templates = None if templates is None else str(templates.absolute())
        self._pdf_rows = pdf_rows
        self._pdf_seconds = pdf_seconds
        self._xlsx_rows = xlsx_rows
        self._turns = asyncio.Semaphore(at_once)
        self._most = at_once + WAITING
        self._asked = 0
        self._made = False

    async def open(self) -> int:
        """Make the folder and delete what killed writers left; how many jobs that were. Raises ExportFailingError."""
        swept = await asyncio.to_thread(self._folder.make)
        self._made = True
        return swept

    async def write_table(self, table: Table, rows: Batches, form: Format, separator: Separator = ",") -> Exported:
        """See `dialerd.ports.exports.Exports`."""
        if not 1 <= len(table.columns) <= COLUMNS_AT_MOST:
            allowed = f"1 to {COLUMNS_AT_MOST} are allowed"
            raise Refusal("bad_argument", f"a table with {len(table.columns)} columns: {allowed}", "columns")
        if form == "pdf":
            pdf.check_columns(len(table.columns))
        return await self._write(self._job(form, table=table, separator=separator), table, rows)

    async def write_sheet(self, sheet: PrintSheet, form: PrintFormat) -> Exported:
        """See `dialerd.ports.exports.Exports`."""
        if form == "pdf":
            for block in sheet.blocks:
                pdf.check_columns(len(block.columns))
                most = pdf.rows_at_most(self._pdf_rows, len(block.columns))
                if len(block.rows) > most:
                    raise pdf.too_many_rows(most)
        return await self._write(self._job(form, sheet=sheet), sheet, ())

    async def read_file(self, name: str, offset: int, length: int) -> tuple[bytes, int]:
        """See `dialerd.ports.exports.Exports`."""
        return await asyncio.to_thread(self._folder.read, name, offset, length)

    async def prune(self, before: Instant) -> int:
        """See `dialerd.ports.exports.Exports`."""
        return await asyncio.to_thread(self._folder.prune, before)

    def _job(
        self, form: Format, table: Table | None = None, sheet: PrintSheet | None = None, separator: Separator = ","
    ) -> Job:
        return Job(
            form=form,
            table=table,
            sheet=sheet,
            separator=separator,
            templates=self._templates,
            pdf_characters=PDF_CHARACTERS,
            xlsx_rows=self._xlsx_rows,
        )

    async def _write(self, job: Job, heading: Heading, rows: Batches) -> Exported:
        if not self._made:
            raise OurMistakeError("exports: not open")
        if job.form == "pdf" and find_spec("weasyprint") is None:
            raise pdf.not_installed("WeasyPrint is not installed: install dialerd with its extra, dialerd[pdf]")
        if self._asked >= self._most:
            raise Refusal("busy", f"{self._asked} exports are waiting or being written: try again later")
        self._asked += 1
        try:
            async with self._turns:
                return await self._in_folder(job, heading, rows)
        finally:
            self._asked -= 1

    async def _in_folder(self, job: Job, heading: Heading, rows: Batches) -> Exported:
        try:
            day = local(heading.generated_at, heading.zone).date().isoformat()
        except (ZoneInfoNotFoundError, ValueError, OSError):
            allowed = "an IANA name such as Asia/Ho_Chi_Minh is allowed"
            raise Refusal("bad_argument", f"{heading.zone!r} is not a time zone; {allowed}", "zone") from None
        place = self._folder.begin(file_stem(heading.name, day), job.form)
        try:
            done = await self._by_writer(job, place, rows)
            path, size = await self._publish(place)
        finally:
            # To its end even if the caller is cancelled once more: a thread's work goes on.
            await asyncio.shield(asyncio.to_thread(place.drop))
        return Exported(name=path.name, path=str(path), rows=done.rows, size=size, sheets=done.sheets, cut=done.cut)

    @staticmethod
    async def _publish(place: Unfinished) -> tuple[Path, int]:
        def publish() -> tuple[Path, int]:
            try:
                path = place.publish(WHOLE)
                return path, path.stat().st_size
            except OSError as error:
                raise ExportFailingError(f"the export could not be kept: {error.strerror or error}") from error

        publishing = asyncio.ensure_future(asyncio.to_thread(publish))
        try:
            return await asyncio.shield(publishing)
        except asyncio.CancelledError:
            with suppress(ExportFailingError):
                (await publishing)[0].unlink()
            raise

    async def _by_writer(self, job: Job, place: Unfinished, rows: Batches) -> Done:
        with (place.path / _SAID).open("wb") as said:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "dialerd.adapters.exports.worker"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=said,
                cwd=place.path,
                env=_environment(place.path),
                pass_fds=(place.lock,),
            )
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None
        assert stdout is not None
        most = None
        if job.form == "pdf" and job.table is not None:
            most = pdf.rows_at_most(self._pdf_rows, len(job.table.columns))
        feeding = asyncio.ensure_future(_feed(stdin, job, rows, most))
        answering = asyncio.ensure_future(stdout.read())
        try:
            await asyncio.wait((feeding, answering), return_when=asyncio.FIRST_COMPLETED)
            if feeding.done():
                feeding.result()  # what the rows raised is the caller's
            try:
                async with asyncio.timeout(self._pdf_seconds if job.form == "pdf" else None):
                    packed = await answering
            except TimeoutError:
                raise pdf.too_slow(self._pdf_seconds) from None
            return _done(packed, feeding, place)
        finally:
            feeding.cancel()
            answering.cancel()
            with suppress(ProcessLookupError):
                process.kill()  # an answer is its last word: nothing is lost
            stdin.close()
            await asyncio.gather(feeding, answering, return_exceptions=True)
            await process.wait()


def _done(packed: bytes, feeding: asyncio.Future[None], place: Unfinished) -> Done:
    try:
        answer: Answer | None = _answer.decode(packed)
    except msgspec.DecodeError:
        answer = None
    if isinstance(answer, Refused):
        raise answer.again()
    if isinstance(answer, Failed):
        raise ExportFailingError(f"the export could not be written: {answer.because}")
    if answer is None or not feeding.done():
        with suppress(OSError):
            said = (place.path / _SAID).read_bytes()[-_SAID_AT_MOST:].decode(errors="replace").strip().splitlines()
            raise ExportFailingError(f"the export's writer ended: {said[-1] if said else 'it was killed'}")
        raise ExportFailingError("the export's writer ended")
    return answer


async def _feed(stdin: asyncio.StreamWriter, job: Job, rows: Batches, most: int | None) -> None:
    """Send all there is. Returns early if the writer went away: its answer says why. Raises what `rows` raises."""
    columns = 1 if job.table is None else len(job.table.columns)
    size = max(1, _CELLS_AT_ONCE // columns)
    count = 0
    if not await _sent(stdin, frame(job)):
        return
    async with aclosing(_batches(rows)) as batches:
        async for batch in batches:
            for start in range(0, len(batch), size):
                portion = batch[start : start + size]
                count += len(portion)
                if most is not None and count > most:
                    raise pdf.too_many_rows(most)
                if not await _sent(stdin, frame(portion)):
                    return
    await _sent(stdin, END)


async def _sent(stdin: asyncio.StreamWriter, content: bytes) -> bool:
    try:
        stdin.write(content)
        await stdin.drain()
    except (OSError, RuntimeError):  # uvloop raises RuntimeError for a pipe that is closed
        return False
    await asyncio.sleep(0)  # drain does not wait while the pipe takes all: others go on between two portions
    return True


async def _batches(rows: Batches) -> AsyncGenerator[Batch, None]:
    if isinstance(rows, AsyncIterable):
        try:
            async for batch in rows:
                yield batch
        finally:
            if (close := getattr(rows, "aclose", None)) is not None:
                await close()
        return
    waiting = iter(rows)
    while (found := await asyncio.to_thread(next, waiting, None)) is not None:
        yield found


def _environment(folder: Path) -> dict[str, str]:
    """Nothing of the daemon's secrets; the same modules; temporary files in the job's folder."""
    kept = {name: os.environ[name] for name in _KEPT_ENV if name in os.environ}
    modules = os.pathsep.join(os.path.abspath(entry) for entry in sys.path)
    place = str(folder)
    return {**kept, "PYTHONPATH": modules, "TMPDIR": place, "HOME": place, "LC_ALL": "C.UTF-8"}
