"""Lists read by a process of its own: from where, how much, and what becomes of the process (C06)."""

from __future__ import annotations

import asyncio
import gc
import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import xlsxwriter

from dialerd.adapters.sheets.limits import Limits
from dialerd.adapters.sheets.reading import SheetFiles, SheetReading
from dialerd.adapters.sheets.templates import template
from dialerd.model.errors import Refusal
from dialerd.ports.sheets import HowToRead, InFolder, Mapping, RecordField, Row, Sheets, Source, Uploaded
from tests.unit.sheet_files import ods, protected, xls, xlsb, zipped

DEADLINE = 30.0
LINE = b"0912345678,Nguyen Van An\n"


def until(met: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + DEADLINE
    while not met():
        assert time.monotonic() < ends, what
        time.sleep(0.005)


def gone(pid: int) -> bool:
    """Neither running nor a zombie of ours."""
    return not Path(f"/proc/{pid}").exists()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def children() -> set[str]:
    """Of this process, zombies too."""
    tasks = Path("/proc/self/task").iterdir()
    return {pid for task in tasks for pid in (task / "children").read_text().split()}


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    gc.collect()
    before, processes = descriptors(), children()
    yield
    gc.collect()
    assert descriptors() <= before
    assert children() <= processes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "import"
    found.mkdir()
    return found


def long_list(rows: int = 200_000) -> Uploaded:
    return Uploaded("long.csv", b"phone,name\n" + LINE * rows)


def refused(files: SheetFiles, source: Source, how: HowToRead | None = None) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        files.rows(source, how or HowToRead())
    assert refusal.value.message
    return Refusal(refusal.value.code, refusal.value.message, refusal.value.field, refusal.value.allowed)


def rows(reading: SheetReading) -> list[Row]:
    return [row for batch in reading for row in batch]


# --- what is read -----------------------------------------------------------------------------------------------------


def test_it_keeps_the_promise() -> None:
    promised: Sheets = SheetFiles()
    assert promised


def test_C06_a_list_in_an_import_folder_and_an_upload_are_read_alike(folder: Path) -> None:
    data = "Số điện thoại;Họ tên\n0912345678;Nguyễn\n0913;\n".encode("utf-16")
    (folder / "june").mkdir()
    (folder / "june" / "danh sách.csv").write_bytes(data)
    files = SheetFiles([folder])
    for source in (
        InFolder("june/danh sách.csv"),
        InFolder(str(folder / "june" / "danh sách.csv")),
        InFolder("./june//danh sách.csv"),
        Uploaded("whatever", data),
    ):
        reading = files.rows(source)
        assert (reading.heading.encoding, reading.heading.separator) == ("utf-16-le", ";")
        assert reading.heading.headings == ["Số điện thoại", "Họ tên"]
        assert rows(reading) == [Row(2, ["0912345678", "Nguyễn"]), Row(3, ["0913", ""])]
        assert gone(reading.worker)


@pytest.mark.parametrize("make", [xls, xlsb, ods])
def test_C06_workbooks_by_the_worker(make: Callable[..., bytes]) -> None:
    data = make({"L": [["phone", "name"], [84912345678.0, "Lê"], ["0913", "x"]]})
    reading = SheetFiles().rows(Uploaded("x.csv", data))
    assert rows(reading) == [Row(2, ["84912345678", "Lê"]), Row(3, ["0913", "x"])]
    assert reading.heading.kind == make.__name__


def test_C06_a_preview_shows_every_sheet_with_its_heading_and_first_rows() -> None:
    data = xls({"Một": [["phone"], *[[f"09{n}"] for n in range(30)]], "Trống": [], "Hai": [[None], ["tên", "sđt"]]})
    seen = SheetFiles().sheets(Uploaded("x.xls", data))
    assert [each.heading.sheet for each in seen] == ["Một", "Trống", "Hai"]
    assert [each.heading.headings for each in seen] == [["phone"], [], ["tên", "sđt"]]
    assert [len(each.first_rows) for each in seen] == [10, 0, 0]
    assert seen[1].trouble == "there are no rows"
    assert (seen[2].heading.header_row, seen[0].heading.rows) == (2, 30)
    (only,) = SheetFiles().sheets(Uploaded("x.csv", b"phone|name\n1|2\n"))
    assert (only.heading.separator, only.first_rows) == ("|", [Row(2, ["1", "2"])])
    assert only.heading.encoding == "utf-8"


def test_C06_from_template_over_suggestion_to_leads() -> None:
    files = SheetFiles()
    fields = (RecordField("debt", "Dư nợ", "number"),)
    made = template(fields, "csv") + "0912345678,Nguyễn,0243 825 5555,,,,,,,,5000\r\n".encode()
    reading = files.rows(Uploaded("filled.csv", made))
    columns = files.placed(files.suggest(reading.heading.headings, fields), reading.heading, fields)
    (picked,) = [columns.pick(row) for row in rows(reading)]
    assert (picked.phone, picked.name, picked.phones) == ("0912345678", "Nguyễn", ["0243 825 5555"])
    assert picked.fields == {"debt": "5000"}
    assert files.template(fields, "xlsx").startswith(b"PK")


def test_C06_a_wrong_mapping_names_what_there_is() -> None:
    files = SheetFiles()
    with files.rows(Uploaded("x.csv", b"telefon;nazwa\n600123456;Jan\n")) as reading:
        with pytest.raises(Refusal) as refusal:
            files.placed(Mapping(phone="phone"), reading.heading, ())
        assert refusal.value.allowed == ["telefon", "nazwa"]
        assert files.suggest(reading.heading.headings, ()).phone == "telefon"


def test_C06_batches_are_of_bounded_size() -> None:
    reading = SheetFiles().rows(long_list(1201))
    assert [len(batch) for batch in reading] == [500, 500, 201]
    wide = Uploaded("x.csv", b"a,b\n" + (b"1," + b"x" * 30_000 + b"\n") * 100)
    assert max(len(batch) for batch in SheetFiles().rows(wide)) < 20


def test_C06_a_long_list_takes_no_memory_of_the_daemon(folder: Path) -> None:
    (folder / "long.csv").write_bytes(b"phone,name\n" + LINE * 300_000)
    tracemalloc.start()
    count = sum(len(batch) for batch in SheetFiles([folder]).rows(InFolder("long.csv")))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 300_000
    assert peak < 3_000_000


# --- from where -------------------------------------------------------------------------------------------------------


def test_C06_nothing_outside_the_import_folders_is_opened(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("phone\n0912\n")
    (folder / "inner").mkdir()
    (folder / "link.csv").symlink_to(secret)
    (folder / "away").symlink_to(tmp_path)
    (folder / "near.csv").symlink_to("inner/list.csv")
    (folder / "inner" / "list.csv").write_text("phone\n0912\n")
    (folder / "null").symlink_to("/dev/null")
    os.mkfifo(folder / "pipe.csv")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(folder / "s"))
    files = SheetFiles([folder])
    wrong = [
        "../secret.csv", "inner/../../secret.csv", "inner/../inner/list.csv", str(secret), "/etc/passwd", "/dev/zero", "link.csv",
        "away/secret.csv", "near.csv", "null", "pipe.csv", "s", "inner", "", ".", "/", "..", "no.csv", "inner/no.csv", "x\0y",
        "a\nb", "x" * 300, "x/" * 3000, "inner/list.csv/more", str(folder), f"{folder}/../secret.csv", "\udcff", "\ud800",
    ]  # fmt: skip
    for path in wrong:
        refusal = refused(files, InFolder(path))
        assert (refusal.code, refusal.field) == ("bad_argument", "file"), path
    listening.close()
    assert rows(files.rows(InFolder("inner/list.csv"))) == [Row(2, ["0912"])]


def test_C06_several_folders_and_none(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "b.csv").write_text("phone\n2\n")
    (tmp_path / "linked").symlink_to(folder)  # the operator's own link
    (folder / "a.csv").write_text("phone\n1\n")
    files = SheetFiles([tmp_path / "gone", tmp_path / "linked", other])
    assert rows(files.rows(InFolder("a.csv"))) == [Row(2, ["1"])]
    assert rows(files.rows(InFolder("b.csv"))) == [Row(2, ["2"])]
    assert rows(files.rows(InFolder(str(other / "b.csv")))) == [Row(2, ["2"])]
    assert refused(SheetFiles(), InFolder("a.csv")).code == "not_configured"


def test_C06_files_and_uploads_over_their_size_are_refused(folder: Path) -> None:
    files = SheetFiles([folder], Limits(upload=100, file=200))
    (folder / "a.csv").write_bytes(b"phone\n" + b"1\n" * 100)
    (folder / "empty.csv").write_bytes(b"")
    assert refused(files, InFolder("a.csv")).code == "too_large"
    assert refused(files, Uploaded("a.csv", bytes(101))).allowed == 100
    assert refused(files, InFolder("empty.csv")).message == "the file is empty"
    assert refused(files, Uploaded("a.csv", b"")).message == "the file is empty"


# --- too much ---------------------------------------------------------------------------------------------------------


def big_sheet(text: str, rows_: int) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        for n in range(rows_):
            sheet.write_string(n, 0, text)
    return file.getvalue()


def test_C06_a_workbook_that_needs_more_memory_than_allowed_is_refused() -> None:
    refusal = refused(SheetFiles((), Limits(memory=100_000_000)), Uploaded("x", big_sheet("x" * 10_000, 8000)))
    assert refusal.code == "too_large"
    assert "100 MB" in refusal.message


def test_C06_a_zip_bomb_that_lies_about_its_size_is_refused() -> None:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        book.add_worksheet().write_string(0, 0, "phone")
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    texts = parts["xl/sharedStrings.xml"]
    parts["xl/sharedStrings.xml"] = bomb = texts.replace(b"phone", b"A" * 400_000_000)
    honest = zipped(parts)
    lying = honest.replace(len(bomb).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    assert lying != honest
    assert len(lying) < 1_000_000
    assert refused(SheetFiles((), Limits(unpacked=100_000_000)), Uploaded("x", honest)).code == "too_large"
    files = SheetFiles((), Limits(memory=300_000_000, unpacked=100_000_000))
    refusal = refused(files, Uploaded("x", lying))
    assert refusal.code in ("too_large", "bad_file")


def test_C06_two_cells_at_the_corners_of_a_sheet_are_refused() -> None:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        sheet.write_string(0, 0, "phone")
        sheet.write_string(1_048_575, 16_383, "x")
    assert refused(SheetFiles(), Uploaded("x", file.getvalue())).code in ("too_large", "bad_file")


def test_C06_refusals_come_from_the_worker_with_their_field_and_what_is_allowed() -> None:
    files = SheetFiles()
    assert "password" in refused(files, Uploaded("x", protected())).message
    refusal = refused(files, Uploaded("x", xls({"L": [["a"]]})), HowToRead(sheet="M"))
    assert (refusal.code, refusal.field, refusal.allowed) == ("bad_argument", "sheet", ["L"])
    with pytest.raises(Refusal):
        files.sheets(Uploaded("x", protected()))


# --- the process ------------------------------------------------------------------------------------------------------


def test_C06_closing_ends_the_worker_at_once() -> None:
    reading = SheetFiles().rows(long_list())
    next(reading)
    assert not gone(reading.worker)
    reading.close()
    assert gone(reading.worker)
    assert list(reading) == []
    reading.close()


def test_C06_closing_wakes_who_waits_in_another_thread() -> None:
    reading = SheetFiles().rows(long_list())
    ended: list[str] = []

    def wait() -> None:
        for _ in reading:
            pass
        ended.append("as at the end")

    os.kill(reading.worker, signal.SIGSTOP)
    thread = threading.Thread(target=wait)
    thread.start()
    until(
        lambda: "poll" in Path(f"/proc/self/task/{thread.native_id}/wchan").read_text() or not thread.is_alive(),
        "waits",
    )
    reading.close()
    thread.join(DEADLINE)
    assert ended == ["as at the end"]
    assert gone(reading.worker)


async def test_C06_a_cancelled_import_ends_its_worker() -> None:
    reading = await asyncio.to_thread(SheetFiles().rows, long_list())
    begun = asyncio.Event()

    async def take() -> None:
        try:
            while await asyncio.to_thread(next, reading, None):
                begun.set()
        finally:
            reading.close()

    task = asyncio.get_running_loop().create_task(take())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gone(reading.worker)


def test_C06_a_reading_that_is_forgotten_leaves_no_worker() -> None:
    reading = SheetFiles().rows(long_list())
    pid = reading.worker
    del reading
    gc.collect()
    assert gone(pid)


@pytest.mark.parametrize(
    ("signal_", "code", "word"),
    [
        (signal.SIGKILL, "too_large", "memory"),
        (signal.SIGXCPU, "too_large", "processor"),
        (signal.SIGSEGV, "bad_file", "died"),
    ],
)
def test_C06_a_worker_that_dies_is_a_refusal(signal_: signal.Signals, code: str, word: str) -> None:
    reading = SheetFiles().rows(long_list())
    os.kill(reading.worker, signal_)
    with pytest.raises(Refusal) as refusal:
        list(reading)
    assert refusal.value.code == code
    assert word in refusal.value.message
    assert gone(reading.worker)
    assert list(reading) == []


def test_C06_a_worker_that_says_nothing_is_a_refusal() -> None:
    reading = SheetFiles((), Limits(silence=4.0)).rows(long_list())
    os.kill(reading.worker, signal.SIGSTOP)
    with pytest.raises(Refusal) as refusal:
        list(reading)
    assert "takes too long" in refusal.value.message
    assert gone(reading.worker)


def test_the_worker_knows_nothing_of_the_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_DAEMON", "hush")
    with SheetFiles().rows(long_list()) as reading:
        process = Path(f"/proc/{reading.worker}")
        assert b"hush" not in (process / "environ").read_bytes()
        limits = (process / "limits").read_text()
        assert f"Max address space         {Limits().memory}" in limits
        assert (process / "oom_score_adj").read_text().strip() == "1000"
        opened = {os.readlink(each) for each in (process / "fd").iterdir()}
        assert not [each for each in opened if each.startswith("socket")]


def test_C06_a_worker_does_not_outlive_a_daemon_that_was_killed() -> None:
    script = (
        "import os, signal\n"
        "from dialerd.adapters.sheets.reading import SheetFiles\n"
        "from dialerd.ports.sheets import Uploaded\n"
        f"reading = SheetFiles().rows(Uploaded('x', b'phone,name\\n' + {LINE!r} * 400_000))\n"
        "print(reading.worker, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL
    pid = int(done.stdout)
    until(lambda: gone(pid) or "(zombie)" in Path(f"/proc/{pid}/status").read_text(), "the worker ends")
