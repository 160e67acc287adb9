"""Tables for the promise of exports, and what is found in the folder afterwards."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pypdf
import python_calamine

from dialerd.adapters.exports.writing import FileExports
from dialerd.ports.exports import (
    Batch,
    Column,
    Table,
)

AT = 1795248000.0  # 2026-11-21T08:00:00Z
NAME = "Nguyễn Thị Ngọc Ánh"
LETTERS = "àáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵ"
DEADLINE = 60.0


async def opened(folder: Path, **settings: float) -> FileExports:
    exports = FileExports(folder, **settings)  # type: ignore[arg-type]
    await exports.open()
    return exports


def table(columns: int = 3, name: str = "leads Khách hàng") -> Table:
    kinds = [Column("Tên"), Column("Điện thoại", "phone"), Column("Hẹn gọi lại", "moment")]
    more = [Column(f"Trường {number}") for number in range(columns - 3)]
    return Table(
        name=name,
        title="Khách hàng tháng 11",
        generated_at=AT,
        zone="Asia/Ho_Chi_Minh",
        language="vi",
        columns=(*kinds, *more)[:columns],
        filters=("trạng thái: mới",),
    )


def some(count: int, columns: int = 3) -> Batch:
    return [(f"{NAME} {number}", "+84912345678", AT, *("x",) * (columns - 3)) for number in range(count)]


async def portions(*batches: Batch) -> AsyncIterator[Batch]:
    for batch in batches:
        yield batch
        await asyncio.sleep(0)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def until(happened: Callable[[], object]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not happened():
            await asyncio.sleep(0.01)


def read(path: Path) -> list[str]:
    """The first column of the rows, by a program that is not ours."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [line[0] for line in csv.reader(file)][1:]
    if path.suffix == ".xlsx":
        return [str(line[0]) for line in python_calamine.load_workbook(str(path)).get_sheet_by_index(0).to_python()][1:]
    if path.suffix == ".html":
        text = path.read_text("utf-8")
    else:
        text = " ".join(" ".join(page.extract_text().split()) for page in pypdf.PdfReader(path).pages)
    return [f"{NAME} {number}" for number in range(10) if f"{NAME} {number}" in text]


def writer_in(folder: Path) -> int | None:
    """The pid of the process that works in one of the jobs' folders."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "cwd").readlink().parent == folder:
                    return int(entry.name)
            except OSError:
                continue
    return None
