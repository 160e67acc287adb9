"""Rows of a lead list read a second: by the worker process, in a thread of the daemon, and by the bare library.

Never reads a file of somebody else: it makes a list of its own in the folder for temporary files.

Beside each reading an event loop counts the longest time that it was kept from running. `python -m bench.sheets`.
"""

from __future__ import annotations

import asyncio
import csv
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import click
import uvloop
import xlsxwriter

from bench.findings import Finding
from bench.machine import Others
from bench.report import as_text
from dialerd.adapters.sheets.csv_sheets import csv_table
from dialerd.adapters.sheets.excel_sheets import Workbook
from dialerd.adapters.sheets.limits import Limits
from dialerd.adapters.sheets.reading import SheetFiles
from dialerd.ports.sheets import HowToRead, InFolder, Row

Say = Callable[[str], None]
ROWS = 1_000_000
HEADINGS = ("Số điện thoại", "Họ tên", "Địa chỉ", "Ngày sinh", "Ghi chú", "Mã")
_BEAT = 0.001
"""Seconds that the loop beside it sleeps."""


def _cells(n: int) -> tuple[str, ...]:
    return f"09{n:08d}", f"Nguyễn Văn {n}", f"{n} Lê Lợi, Hà Nội", "1990-01-01", f"ghi chú {n % 100}", str(n)


def make(folder: Path, rows: int) -> None:
    """`quoted.csv`, `plain.csv` and `list.xlsx` with so many leads."""
    with (folder / "quoted.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADINGS)
        writer.writerows(map(_cells, range(rows)))
    with (folder / "plain.csv").open("w", encoding="utf-8", newline="") as file:
        file.write(";".join(HEADINGS) + "\n")
        file.writelines(";".join(_cells(n)) + "\n" for n in range(rows))
    with xlsxwriter.Workbook(folder / "list.xlsx", {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADINGS)
        for n in range(rows):
            for at, cell in enumerate(_cells(n)):
                sheet.write_string(n + 1, at, cell)


def _in_process(path: Path) -> Iterator[list[Row]]:
    return SheetFiles([path.parent]).rows(InFolder(path.name))


def _in_thread(path: Path) -> Iterator[list[Row]]:
    with path.open("rb") as file:
        limits = Limits()
        if path.suffix == ".csv":
            table = csv_table(file, HowToRead(), limits)
        else:
            table = Workbook(file, "xlsx", limits).tables(HowToRead())
        table.begin(None, limits)
        yield from table.batches()


def _nothing(path: Path) -> Iterator[list[Row]]:
    """What the machine alone does to a loop in three seconds."""
    time.sleep(3)
    yield from ()


WAYS = {"process": _in_process, "thread": _in_thread}
_ALL_WAYS = {**WAYS, "nothing": _nothing}
_BARE_CSV = """
import csv, sys
with open(sys.argv[1], encoding="utf-8", newline="") as file:
    print(sum(1 for _ in csv.reader(file, delimiter=sys.argv[2])))
"""
_BARE_XLSX = """
import sys
from python_calamine import CalamineWorkbook
print(sum(1 for _ in CalamineWorkbook.from_path(sys.argv[1]).get_sheet_by_index(0).iter_rows()))
"""


def bare(path: Path) -> float:
    """Seconds that the library alone takes, in a process of its own, nothing being kept."""
    script = _BARE_CSV if path.suffix == ".csv" else _BARE_XLSX
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", script, str(path), ";" if path.stem == "plain" else ","], check=True, capture_output=True
    )
    return time.perf_counter() - begun


async def _beside(path: Path, way: str) -> tuple[int, float, float, float]:
    """Rows, seconds, and by how many seconds the loop was late: at worst, and in all but one of a hundred beats."""
    done = threading.Event()

    def read() -> int:
        try:
            return sum(len(batch) for batch in _ALL_WAYS[way](path))
        finally:
            done.set()

    begun = time.perf_counter()
    reading = asyncio.get_running_loop().run_in_executor(None, read)
    late: list[float] = []
    while not done.is_set():
        before = time.perf_counter()
        await asyncio.sleep(_BEAT)
        late.append(time.perf_counter() - before - _BEAT)
    late.sort()
    return await reading, time.perf_counter() - begun, late[-1], late[-1 - len(late) // 100]


class Taken(NamedTuple):
    """One reading in a fresh process."""

    speed: float
    """Rows a second."""
    worst: float
    """By how many milliseconds the loop beside it was late at worst."""
    late: float
    """And in all but one of a hundred beats."""
    own: float
    """Peak memory of the process with the loop, MB."""
    worker: float


def read_beside(path: Path, way: str) -> Taken:
    """Read the list, with an event loop beside it."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.sheets", "--one", str(path), way], check=True, capture_output=True, text=True
    )
    rows, seconds, worst, late, own, worker = map(float, done.stdout.split())
    return Taken(rows / seconds, worst * 1000, late * 1000, own, worker)


def measure(rounds: int, say: Say, rows: int = ROWS) -> list[Finding]:
    """Every file by every way."""
    found: list[Finding] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        say(f"making lists of {rows} leads")
        make(folder, rows)
        for file in ("plain.csv", "quoted.csv", "list.xlsx"):
            taken: dict[str, list[Taken]] = {way: [] for way in _ALL_WAYS}
            theirs: list[float] = []
            others: list[float] = []
            for turn in range(rounds):
                say(f"{file}, round {turn + 1} of {rounds}")
                beside = Others()
                for way, readings in taken.items():
                    readings.append(read_beside(folder / file, way))
                theirs.append(rows / bare(folder / file))
                others.append(beside.so_far())
            for way, each in taken.items():
                told = f"{file}, read by a {way}" if way in WAYS else f"while {file} is not read"
                if way in WAYS:
                    found.append(
                        Finding(told, "rows/s", [one.speed for one in each], theirs, "the bare library", others=others)
                    )
                    found.append(
                        Finding(f"{told}: peak memory of the daemon", "MB", [one.own for one in each], others=others)
                    )
                if way == "process":
                    found.append(Finding(f"{told}: of the worker", "MB", [one.worker for one in each], others=others))
                found.append(
                    Finding(f"{told}: a loop beside is late, worst", "ms", [one.worst for one in each], others=others)
                )
                found.append(Finding(f"{told}: p99", "ms", [one.late for one in each], others=others))
    return found


def _one(path: Path, way: str) -> None:
    rows, seconds, worst, late = uvloop.run(_beside(path, way))
    own, worker = (resource.getrusage(who).ru_maxrss / 1000 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    click.echo(f"{rows} {seconds} {worst} {late} {own} {worker}")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rounds", type=click.IntRange(1, 100), default=3, show_default=True)
@click.option("--rows", type=click.IntRange(1000, 1_000_000), default=ROWS, show_default=True)
@click.option("--one", type=(click.Path(exists=True), click.Choice(list(_ALL_WAYS))), hidden=True)
def main(rounds: int, rows: int, one: tuple[str, str] | None) -> None:
    """Measure the reading of lead lists."""
    if one is not None:
        _one(Path(one[0]), one[1])
        return
    click.echo(as_text(measure(rounds, lambda what: click.echo(what, err=True), rows)))


if __name__ == "__main__":
    main(prog_name="python -m bench.sheets")
