"""The process that reads one file and sends its rows over a pipe (`python -m dialerd.adapters.sheets.worker`).

Never lives longer than its reading, never takes more memory or processor time than it was given, and writes no file.
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

from dialerd.adapters.sheets.csv_sheets import csv_table
from dialerd.adapters.sheets.frames import (
    TASK,
    Batch,
    Begun,
    Checked,
    CheckedContacts,
    Ended,
    Preview,
    Refused,
    Said,
    Task,
    framed,
)
from dialerd.adapters.sheets.kinds import kind_of
from dialerd.adapters.sheets.limits import Limits
from dialerd.adapters.sheets.tables import Table
from dialerd.model.errors import Refusal
from dialerd.ports.sheets import Heading, HowToRead, SheetSeen

MEMORY_SHORT = "reading it takes more memory than the {} MB allowed: save it as CSV, or in parts"
DAMAGED = "the workbook is damaged"
_STDERR = 64_000


def confine(limits: Limits) -> None:
    """Bind this process, before it sees a byte of the file. Raises OSError, ValueError if the host does not let it."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    memory = limits.memory if hard == resource.RLIM_INFINITY else min(limits.memory, hard)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.processor, limits.processor + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_STDERR, _STDERR))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):
        os.nice(10)  # calls go first
    with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as score:
        score.write("1000")  # if the host is short of memory, this is the process to end


def said_of(task: Task, file: BinaryIO) -> Iterator[Said]:
    """All that is to be said of the file. Raises Refusal."""
    kind = kind_of(file, task.limits)
    if task.preview:
        yield Preview(_seen(kind, task, file))
        return
    table = _table(kind, task, file)
    heading = table.begin(task.how.header_row, task.limits, task.how.after_row)
    if task.checking is None:
        yield Begun(heading)
        for rows in table.batches():
            yield Batch(rows)
    else:
        # Only now: the tables of telephone numbers take a while to load, and a preview does without.
        from dialerd.adapters.sheets.checkers import checker_of
        from dialerd.adapters.sheets.checking_leads import LeadChecker

        checker = checker_of(task.checking, heading)
        yield Begun(heading, checker.mapping)
        if isinstance(checker, LeadChecker):
            yield from map(Checked, checker.all(table.batches()))
        else:
            yield from map(CheckedContacts, checker.all(table.batches()))
    yield Ended()


def _table(kind: str, task: Task, file: BinaryIO) -> Table:
    if kind == "csv":
        return csv_table(file, task.how, task.limits)
    # Only now: calamine takes a while to load, and CSV does without.
    from dialerd.adapters.sheets.excel_sheets import Workbook

    return Workbook(file, kind, task.limits).tables(task.how)


def _seen(kind: str, task: Task, file: BinaryIO) -> list[SheetSeen]:
    how = HowToRead(encoding=task.how.encoding, separator=task.how.separator)
    if kind == "csv":
        return [_first(csv_table(file, how, task.limits), task.limits)]
    from dialerd.adapters.sheets.excel_sheets import Workbook

    book = Workbook(file, kind, task.limits)
    seen: list[SheetSeen] = []
    for sheet in book.sheets:
        try:
            seen.append(_first(book.table(sheet), task.limits))
        except Refusal as refusal:
            seen.append(SheetSeen(Heading(sheet.name, [], 0, 0, 0, kind), [], refusal.message))
    if all(each.trouble for each in seen):
        raise Refusal("bad_file", f"there is no sheet to read: {seen[0].trouble}", "file")
    return seen


def _first(table: Table, limits: Limits) -> SheetSeen:
    heading = table.begin(None, limits)
    return SheetSeen(heading, table.first_rows())


def main() -> None:
    """Read the task from standard input, and answer on standard output."""
    task = TASK.decode(sys.stdin.buffer.read())
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what a library prints must not get between the frames
    ends: Said
    try:
        confine(task.limits)
        with os.fdopen(task.descriptor, "rb") as file:
            for said in said_of(task, file):
                _send(out, said)
        return
    except Refusal as refusal:
        ends = Refused.of(refusal)
    except BrokenPipeError:
        return
    except MemoryError:
        ends = Refused("too_large", MEMORY_SHORT.format(task.limits.memory // 1_000_000), "file")
    except BaseException as trouble:  # noqa: BLE001 - calamine's panics are no Exception
        ends = Refused("bad_file", f"the file cannot be read: {type(trouble).__name__}: {str(trouble)[:200]}", "file")
    with suppress(BrokenPipeError):
        _send(out, ends)


def _send(out: BinaryIO, said: Said) -> None:
    left = memoryview(framed(said))
    while left:
        left = left[out.write(left) :]


if __name__ == "__main__":
    main()
