"""Exports as a promise: whole files by a process beside, or none (C18)."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pytest
import python_calamine
import uvloop

from dialerd.adapters.exports.writing import FileExports
from dialerd.model.errors import OurMistakeError, Refusal
from dialerd.ports.exports import (
    FORMATS,
    Batch,
    Column,
    ExportFailingError,
    Exports,
    Format,
    Table,
)
from tests.contract.exports_cases import (
    AT,
    DEADLINE,
    NAME,
    left,
    opened,
    portions,
    read,
    some,
    table,
    until,
    writer_in,
)


@pytest.fixture(autouse=True)
def no_lost_exceptions(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """asyncio says so when a future's exception was never fetched or a callback raised: that is a fault here."""
    yield
    faults = [record.getMessage() for record in caplog.get_records("call") if record.name == "asyncio"]
    assert [fault for fault in faults if "slow" not in fault and "Using selector" not in fault] == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "exports"


@pytest.mark.parametrize("form", FORMATS)
async def test_C18_a_table_becomes_a_file_of_the_daemons_user_alone(folder: Path, form: Format) -> None:
    exports: Exports = await opened(folder)
    done = await exports.write_table(table(), portions(some(2), [], some(4)[2:]), form)
    path = Path(done.path)
    assert done.name == path.name == f"leads-Khach-hang-2026-11-21.{form}"
    assert left(folder) == [done.name]
    assert (done.rows, done.size, done.sheets, done.cut) == (4, path.stat().st_size, 1, 0)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert path.stat().st_nlink == 1
    assert read(path) == [f"{NAME} {number}" for number in range(4)]


async def test_C18_a_plain_generator_will_do_for_rows(folder: Path) -> None:
    def rows() -> Iterator[Batch]:
        yield some(1)
        yield []
        yield some(3)[1:]

    exports = await opened(folder)
    assert read(Path((await exports.write_table(table(), rows(), "csv")).path)) == [f"{NAME} {n}" for n in range(3)]


async def test_C18_the_same_export_again_is_another_file(folder: Path) -> None:
    exports = await opened(folder, at_once=2)
    done = await asyncio.gather(*(exports.write_table(table(), [some(n)], "csv") for n in range(1, 5)))
    assert left(folder) == sorted(one.name for one in done)
    assert len(set(left(folder))) == 4
    assert [len(read(Path(one.path))) for one in done] == [1, 2, 3, 4]


async def test_C18_texts_that_no_file_can_hold_are_replaced(folder: Path) -> None:
    exports = await opened(folder)
    told = Table(name="\ud800", title="a\ud800", generated_at=AT, zone="UTC", columns=(Column("\udfff"),))
    done = await exports.write_table(told, [[["a\ud800b"], [2**70], ["c"]]], "csv")
    assert done.name == "export-2026-11-21.csv"
    assert read(Path(done.path)) == ["a\ufffdb", str(2**70), "c"]


# --- cancelled, failing, killed


@pytest.mark.parametrize("form", FORMATS)
async def test_C18_a_cancelled_export_leaves_nothing(folder: Path, form: Format) -> None:
    exports = await opened(folder)
    begun, closed = asyncio.Event(), asyncio.Event()

    async def rows() -> AsyncIterator[Batch]:
        try:
            yield some(3000)
            begun.set()
            await asyncio.Event().wait()
        finally:
            closed.set()

    task = asyncio.create_task(exports.write_table(table(), rows(), form))
    await asyncio.wait_for(begun.wait(), DEADLINE)
    assert left(folder) == [f"leads-Khach-hang-2026-11-21.{form}.part"]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert left(folder) == []
    assert closed.is_set()


async def test_C18_what_the_rows_raise_reaches_the_caller_and_no_file_is_left(folder: Path) -> None:
    class StoreAwayError(Exception):
        pass

    async def rows() -> AsyncIterator[Batch]:
        yield some(10)
        raise StoreAwayError

    exports = await opened(folder)
    with pytest.raises(StoreAwayError):
        await exports.write_table(table(), rows(), "xlsx")
    assert left(folder) == []


async def test_C18_a_killed_writer_is_told_and_leaves_nothing(folder: Path) -> None:
    exports = await opened(folder)
    hold = asyncio.Event()

    async def rows() -> AsyncIterator[Batch]:
        yield some(10)
        await hold.wait()

    task = asyncio.create_task(exports.write_table(table(), rows(), "csv"))
    await until(lambda: writer_in(folder))
    pid = writer_in(folder)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(ExportFailingError, match="writer ended: it was killed"):
        await asyncio.wait_for(task, DEADLINE)
    assert left(folder) == []
    assert read(Path((await exports.write_table(table(), [some(1)], "csv")).path)) == [f"{NAME} 0"]


async def test_C18_a_writer_does_not_outlive_the_daemon(folder: Path) -> None:
    script = f"""
import asyncio
from pathlib import Path
from dialerd.adapters.exports.writing import FileExports
from dialerd.ports.exports import Column, Table
async def rows():
    yield [["x"]]
    await asyncio.Event().wait()
async def main():
    exports = FileExports(Path({str(folder)!r}))
    await exports.open()
    await exports.write_table(Table(name="x", title="x", generated_at=0.0, zone="UTC", columns=(Column("a"),)), rows(), "csv")
asyncio.run(main())
"""
    daemon = await asyncio.create_subprocess_exec(sys.executable, "-c", script)
    try:
        await until(lambda: folder.exists() and writer_in(folder))
    finally:
        daemon.kill()
        await daemon.wait()
    await until(lambda: writer_in(folder) is None)
    assert left(folder) == ["x-1970-01-01.csv.part"]
    assert await FileExports(folder).open() == 1
    assert left(folder) == []


async def test_C18_a_full_disk_is_told_in_words(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # The limit on a file's size stands for the disk: the writer inherits it, and gets an error of the same kind.
    import resource

    exports = await opened(folder)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(ExportFailingError, match="could not be written: File too large"):
            await exports.write_table(table(), [some(5000)] * 4, "csv")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert left(folder) == []


async def test_C18_a_row_without_a_cell_a_column_is_told(folder: Path) -> None:
    exports = await opened(folder)
    with pytest.raises(ExportFailingError, match="ValueError"):
        await exports.write_table(table(), [[["only one"]]], "csv")
    assert left(folder) == []


async def test_C18_too_many_exports_at_a_time_are_refused(folder: Path) -> None:
    exports = await opened(folder)
    gate = asyncio.Event()

    async def rows() -> AsyncIterator[Batch]:
        await gate.wait()
        yield some(1)

    tasks = [asyncio.create_task(exports.write_table(table(), rows(), "csv")) for _ in range(21)]
    await asyncio.sleep(0)
    with pytest.raises(Refusal, match="21 exports") as refused:
        await exports.write_table(table(), rows(), "csv")
    assert refused.value.code == "busy"
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    gate.set()
    assert (await exports.write_table(table(), rows(), "csv")).rows == 1


async def test_C18_exports_that_were_not_opened_are_our_own_mistake(folder: Path) -> None:
    with pytest.raises(OurMistakeError):
        await FileExports(folder).write_table(table(), [some(1)], "csv")


async def test_C18_an_unknown_zone_or_no_column_is_refused(folder: Path) -> None:
    exports = await opened(folder)
    wrong = Table(name="x", title="x", generated_at=AT, zone="../Mars", columns=(Column("a"),))
    with pytest.raises(Refusal, match="is not a time zone") as refused:
        await exports.write_table(wrong, [], "csv")
    assert refused.value.field == "zone"
    with pytest.raises(Refusal, match="0 columns"):
        await exports.write_table(table(columns=0), [], "csv")


async def test_C18_the_writer_is_told_nothing_of_the_daemons_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMI_SECRET", "hush")
    exports = await opened(folder)
    found: list[bytes] = []

    async def rows() -> AsyncIterator[Batch]:
        yield some(1)
        await until(lambda: writer_in(folder))
        found.append(Path(f"/proc/{writer_in(folder)}/environ").read_bytes())

    await exports.write_table(table(), rows(), "csv")
    assert b"PYTHONPATH=" in found[0]
    assert b"hush" not in found[0]


async def test_C18_a_workbook_of_more_rows_than_a_page_holds_has_a_second_page(folder: Path) -> None:
    exports = await opened(folder)
    told = Table(name="x", title="Số", generated_at=AT, zone="UTC", columns=(Column("số", "number"),))
    batches = ([[number] for number in range(start, start + 5000)] for start in range(0, 1_050_000, 5000))
    done = await exports.write_table(told, batches, "xlsx")
    book = python_calamine.load_workbook(done.path)
    assert (done.rows, done.sheets) == (1_050_000, 2)
    assert book.sheet_names == ["Số", "Số 2", "About"]
    first, second = book.get_sheet_by_index(0).to_python(), book.get_sheet_by_index(1).to_python()
    assert (len(first), first[0], first[1], first[-1]) == (1_048_576, ["số"], [0], [1_048_574])
    assert (len(second), second[0], second[1], second[-1]) == (1_426, ["số"], [1_048_575], [1_049_999])


async def test_C18_old_files_are_pruned(folder: Path) -> None:
    exports = await opened(folder)
    done = await exports.write_table(table(), [some(1)], "csv")
    written = Path(done.path).stat().st_mtime
    assert await exports.prune(written) == 0
    assert await exports.prune(written + 1) == 1
    assert left(folder) == []


async def test_C18_a_workbook_by_the_writer_is_one_that_excel_libraries_read(folder: Path) -> None:
    exports = await opened(folder)
    done = await exports.write_table(table(), [some(3)], "xlsx")
    page = openpyxl.load_workbook(done.path).worksheets[0]
    assert [cell.data_type for cell in page[2]] == ["s", "s", "d"]
    assert page.freeze_panes == "A2"


@pytest.mark.parametrize(
    "promise",
    [
        test_C18_the_same_export_again_is_another_file,
        test_C18_what_the_rows_raise_reaches_the_caller_and_no_file_is_left,
        test_C18_a_killed_writer_is_told_and_leaves_nothing,
        test_C18_a_row_without_a_cell_a_column_is_told,
    ],
)
def test_C18_the_same_under_uvloop(promise: Callable[[Path], Coroutine[object, object, None]], folder: Path) -> None:
    """The daemon's own loop: its pipes and processes end otherwise than those of asyncio's."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(promise(folder))


@pytest.mark.parametrize("form", FORMATS)
def test_C18_a_cancelled_export_leaves_nothing_under_uvloop(form: Format, folder: Path) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(test_C18_a_cancelled_export_leaves_nothing(folder, form))
