"""The writer's process: reads a job and rows on its standard input, writes one file in its folder, answers on its output.

Never goes on without the daemon: when its input ends too early, it ends.
"""

from __future__ import annotations

import os
import select
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO

import jinja2
import msgspec

from dialerd.adapters.exports.frames import Answer, Done, Failed, Job, Refused, read_batches, read_job
from dialerd.model.errors import Refusal

WHOLE = "whole"
"""The file's name in the job's folder, which is the working directory."""
_GONE = 3
_NICE = 10
_FIRST_TO_GO = "800"


def write(job: Job, stream: IO[bytes], folder: Path) -> Done:
    """Write the job's file. Raises Refusal, OSError, EOFError, ValueError, jinja2.TemplateError."""
    path = folder / WHOLE
    if job.sheet is not None:
        from dialerd.adapters.exports import html

        pieces = html.render_sheet(job.sheet, job.templates)
        if job.form == "pdf":
            from dialerd.adapters.exports import pdf

            pdf.write_pdf(path, pieces, job.pdf_characters)
        else:
            html.write_html(path, pieces)
        return Done(rows=0)
    if job.table is None:
        raise ValueError("a job is a table or a print sheet")
    return _write_table(job, stream, path)


def _write_table(job: Job, stream: IO[bytes], path: Path) -> Done:
    table = job.table
    assert table is not None
    # Each format's libraries are loaded for it alone: a CSV is there before WeasyPrint were loaded.
    if job.form == "csv":
        from dialerd.adapters.exports.csv_text import write_csv

        return write_csv(path, table, read_batches(stream), job.separator)
    if job.form == "xlsx":
        from dialerd.adapters.exports.xlsx import write_xlsx

        return write_xlsx(path, table, read_batches(stream), job.xlsx_rows)
    from dialerd.adapters.exports import html

    count = [0]
    batches = html.counted(read_batches(stream), count)
    if job.form == "html":
        html.write_html(path, html.render_table(table, batches))
        return Done(rows=count[0])
    from dialerd.adapters.exports import pdf

    pdf.weasyprint()  # refused before rows are read for nothing
    rows = list(batches)
    pdf.write_pdf(path, html.render_table(table, rows, pdf.widths(table, rows)), job.pdf_characters)
    return Done(rows=count[0])


def _end_with_daemon() -> None:
    """End when the daemon does, whatever is being done: it keeps our input open until it has its answer."""
    gone = select.poll()
    gone.register(0, 0)  # asks for nothing, and is told of a hang-up all the same

    def watch() -> None:
        gone.poll()
        os._exit(_GONE)

    threading.Thread(target=watch, name="daemon-there", daemon=True).start()


def _kept(path: Path) -> None:
    """On the disk before it gets its name: a file with a name is whole after a power cut too."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def main() -> None:
    """Do one job. What it did not foresee goes to standard error as a traceback, with exit code 1."""
    os.umask(0o077)
    with suppress(OSError):  # a service manager may forbid it
        os.nice(_NICE)
    with suppress(OSError):  # where memory ends, an export ends, not the daemon
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO)
    _end_with_daemon()
    answers = os.dup(1)
    os.dup2(2, 1)  # a library that prints would speak into the answer
    folder = Path.cwd()
    answer: Answer
    try:
        done = write(read_job(sys.stdin.buffer), sys.stdin.buffer, folder)
        _kept(folder / WHOLE)
        answer = done
    except EOFError:
        os._exit(_GONE)
    except Refusal as refusal:
        allowed = [str(one) for one in refusal.allowed] if isinstance(refusal.allowed, list) else None
        answer = Refused(refusal.code, refusal.message, refusal.field, allowed)
    except jinja2.TemplateSyntaxError as error:
        answer = Failed(f"template {error.name}, line {error.lineno}: {error.message}")
    except jinja2.TemplateError as error:
        answer = Failed(f"a template: {error.message}")
    except OSError as error:
        answer = Failed(error.strerror or str(error))
    with os.fdopen(answers, "wb") as out:
        out.write(msgspec.msgpack.encode(answer))


if __name__ == "__main__":
    main()
