"""Lists imported into a real daemon while a campaign of calls goes on: rows a second, memory, and the longest stall.

Never measures an idle daemon: calls are placed before, during and after, and what they feel is in the table.

`python -m bench.imports` (`make bench-import`). It makes its own lists, in the folder for temporary files.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import xlsxwriter
import yaml

from bench.calls import percentile
from bench.machine import Others, size
from tests.contract.house_on_street import StreetProcess, house
from tests.doubles.daemon_process import DaemonProcess

CALLS, LISTS = "calls", "lists"
HEADINGS = ("Số điện thoại", "Họ tên", "Địa chỉ", "Email", "Dư nợ", "Ghi chú")
AGENTS = 30
BEFORE_S = 15.0
"""Seconds of calls alone, for comparison."""
POLL_S = 0.4
PAGE = Path(__file__).parents[1] / "docs" / "performance-import.md"
Say = Callable[[str], None]
_BARE_CSV = """
import csv, sys
with open(sys.argv[1], encoding="utf-8", newline="") as file:
    print(sum(1 for _ in csv.reader(file)))
"""
_IDLE = """
import sys, time
while True:
    end, worst = time.perf_counter() + 1, 0.0
    while (now := time.perf_counter()) < end:
        time.sleep(0.01)
        worst = max(worst, time.perf_counter() - now - 0.01)
    print(worst * 1000, flush=True)
"""
_BARE_XLSX = """
import sys
from python_calamine import CalamineWorkbook
print(sum(1 for _ in CalamineWorkbook.from_path(sys.argv[1]).get_sheet_by_index(0).iter_rows()))
"""


def _cells(n: int) -> tuple[str, ...]:
    return (
        f"090{n:07d}",
        f"Nguyễn Văn {n}",
        f"{n} Lê Lợi, Hà Nội",
        f"kh{n}@example.vn",
        str(n % 5000),
        f"ghi chú {n % 100}",
    )


def make_csv(path: Path, first: int, rows: int) -> None:
    """A CSV list with one bad row in a thousand."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(HEADINGS) + "\n")
        for n in range(first, first + rows):
            cells = ("123", *_cells(n)[1:]) if n % 1000 == 7 else _cells(n)
            file.write(",".join(f'"{cell}"' if "," in cell else cell for cell in cells) + "\n")


def make_xlsx(path: Path, first: int, rows: int) -> None:
    """The same as a workbook."""
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADINGS)
        for at, n in enumerate(range(first, first + rows), 1):
            cells = ("123", *_cells(n)[1:]) if n % 1000 == 7 else _cells(n)
            for column, cell in enumerate(cells):
                sheet.write_string(at, column, cell)


def bare(path: Path) -> float:
    """Seconds that the library alone takes to read the file."""
    script = _BARE_CSV if path.suffix == ".csv" else _BARE_XLSX
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", script, str(path)], check=True, capture_output=True)
    return time.perf_counter() - begun


def peak_mb(pid: int) -> float:
    """The process's peak memory; 0 when it is gone."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1000
    except OSError:
        return 0.0
    return 0.0


def now_mb(pid: int) -> float:
    """The process's memory now."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1000
    return 0.0


def worker_of(pid: int) -> int | None:
    """The daemon's reading process, while it lives."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            children = (task / "children").read_text().split()
        except OSError:
            continue
        for child in children:
            try:
                if b"sheets.worker" in Path(f"/proc/{child}/cmdline").read_bytes():
                    return int(child)
            except OSError:
                continue
    return None


@dataclass
class Seen:
    """What was seen in one phase."""

    seconds: float = 0.0
    loop_ms: list[float] = field(default_factory=list)
    """The worst of each second."""
    turn_ms: list[float] = field(default_factory=list)
    daemon_mb: float = 0.0
    worker_mb: float = 0.0
    placed: float = 0.0
    """Calls a second."""
    waits_ms: list[float] = field(default_factory=list)
    """From picking up to hearing an agent, sorted."""
    idle_ms: list[float] = field(default_factory=list)
    """By how much a process that does nothing was late at worst in each second: what the machine does to anybody."""
    report: dict[str, Any] = field(default_factory=dict)


def _waited_ms(call: dict[str, Any]) -> float:
    begun, ended = (datetime.fromisoformat(call[name]) for name in ("answered_at", "connected_at"))
    return 1000 * (ended - begun).total_seconds()


class Watch:
    """Looks at the daemon twice a second, in a thread, until it is left."""

    def __init__(self, daemon: DaemonProcess) -> None:
        assert daemon.process is not None
        self._daemon = daemon
        self._pid = daemon.process.pid
        self._over = threading.Event()
        self.seen = Seen()

    def __enter__(self) -> Seen:
        self._last = self._calls("")[1]
        self._begun = time.perf_counter()
        self._idle = subprocess.Popen([sys.executable, "-c", _IDLE], stdout=subprocess.PIPE, text=True)
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self.seen

    def __exit__(self, *_: object) -> None:
        seen = self.seen
        seen.seconds = time.perf_counter() - self._begun
        calls = self._calls(self._last)[0]
        seen.placed = len(calls) / seen.seconds
        seen.waits_ms = sorted(map(_waited_ms, filter(lambda call: call["connected_at"], calls)))
        time.sleep(1.1)  # the last second's figures
        self._over.set()
        self._thread.join()
        self._idle.terminate()
        seen.idle_ms = [float(line) for line in self._idle.communicate()[0].split()]

    def _calls(self, after: str) -> tuple[list[dict[str, Any]], str]:
        """The calls placed after the one with that id, and the last one's id."""
        found: list[dict[str, Any]] = []
        while page := self._daemon.ask("call.list", campaign=CALLS, ended=True, after=after, limit=1000)["calls"]:
            found += page
            after = page[-1]["call"]
        return found, after

    def _look(self) -> None:
        while not self._over.wait(POLL_S):
            stalls = self._daemon.ask("daemon.status")["status"]["stalls"]
            self.seen.loop_ms.append(stalls["loop_last_second_ms"])
            self.seen.turn_ms.append(stalls["turn_last_second_ms"])
            self.seen.daemon_mb = max(self.seen.daemon_mb, now_mb(self._pid))
            worker = worker_of(self._pid)
            if worker is not None:
                self.seen.worker_mb = max(self.seen.worker_mb, peak_mb(worker))


@contextmanager
def centre(folder: Path, lists: Path) -> Iterator[DaemonProcess]:
    """A daemon beside the street with agents at work and a campaign that dials without end."""
    street = BusyStreet(folder / "street", agents=AGENTS)
    with street:
        policy = {"name": "Calls", "trunks": ["main"], "region": "none", "wrap_up_s": 0, "max_attempts": 1}
        more = {"name": "Lists", "trunks": ["main"], "region": "VN"}
        people = {str(1001 + n): {"softphone": "nailed_up", "campaigns": [CALLS]} for n in range(AGENTS)}
        daemon = house(
            folder / "house",
            street,
            people,
            campaigns={CALLS: policy, **dict.fromkeys((f"{LISTS}-csv", f"{LISTS}-xlsx", f"{LISTS}-all"), more)},
            imports={"folders": [str(lists)]},
        )
        with daemon:
            text = "phone\n" + "".join(f"{2_000_000 + n}\n" for n in range(60_000))
            daemon.ask("lead.import", campaign=CALLS, csv=text)
            for agent in people:
                daemon.ask("agent.login", agent=agent, ready=True)
            daemon.ask("campaign.start", campaign=CALLS)
            daemon.until(
                lambda: daemon.ask("campaign.stats", campaign=CALLS)["connected"] > AGENTS, "calls are connected", 60
            )
            yield daemon


class BusyStreet(StreetProcess):
    """A street on which everybody picks up soon and talks for a few seconds."""

    def __init__(self, folder: Path, *, agents: int) -> None:
        super().__init__(folder, agents=agents)
        scenario = yaml.safe_load(self._scenario.read_text())
        scenario["customers"] = {
            "numbers": "drawn",
            "answer_rate": 0.9,
            "busy": 0.05,
            "rejected": 0.0,
            "unallocated": 0.0,
            "setup": {"mean_s": 0.2},
            "pick_up": {"mean_s": 0.8},
            "talk": {"mean_s": 2.0},
        }
        self._scenario.write_text(yaml.safe_dump(scenario))


def measure(rows: int, excel_rows: int, say: Say) -> list[tuple[str, Seen, float]]:
    """Each phase by its name, what was seen, and the bare library's seconds (0: nothing was read)."""
    with tempfile.TemporaryDirectory(prefix="dialerd-bench-") as name:
        folder = Path(name)
        lists = folder / "lists"
        lists.mkdir()
        say(f"making lists of {rows} and {excel_rows} rows")
        make_csv(lists / "list.csv", 0, rows)
        make_xlsx(lists / "list.xlsx", 0, excel_rows)
        make_all = min(rows, 100_000)
        with (lists / "all.csv").open("w", encoding="utf-8") as file:
            file.write(",".join(HEADINGS) + "\n")
            file.writelines(",".join(cell.replace(",", "") for cell in _cells(n)) + "\n" for n in range(make_all))
        bare_s = {path: bare(lists / path) for path in ("list.csv", "list.xlsx", "all.csv")}
        found: list[tuple[str, Seen, float]] = []
        with centre(folder, lists) as daemon:
            say("calls alone")
            with Watch(daemon) as seen:
                time.sleep(BEFORE_S)
            found.append(("calls alone", seen, 0.0))
            for what, file_name, campaign, more in (
                (f"CSV, {rows:,} rows", "list.csv", f"{LISTS}-csv", {}),
                (f"xlsx, {excel_rows:,} rows", "list.xlsx", f"{LISTS}-xlsx", {}),
                (f"CSV, {make_all:,} rows, all or nothing", "all.csv", f"{LISTS}-all", {"all_or_nothing": True}),
                (f"CSV, {rows:,} rows, all there already", "list.csv", f"{LISTS}-csv", {}),
            ):
                say(what)
                with Watch(daemon) as seen:
                    seen.report = _import(daemon, campaign, file_name, more)
                found.append((what, seen, bare_s[file_name]))
                say(told(what, seen, bare_s[file_name]))
    return found


def _import(daemon: DaemonProcess, campaign: str, name: str, more: dict[str, Any]) -> dict[str, Any]:
    job = daemon.ask("lead.import", campaign=campaign, file=name, wait=False, **more)["job"]
    row: dict[str, Any]
    while True:
        (row,) = [one for one in daemon.ask("import.list", limit=20)["imports"] if one["job"] == job]
        if row["state"] != "running":
            break
        time.sleep(0.2)
    if row["state"] != "done":
        raise RuntimeError(f"the import ended {row['state']}: {row['because']}")
    return row


HEAD = (
    "what", "rows/s", "of the bare library", "loop late", "idle process late", "longest turn", "daemon", "worker",
    "calls placed", "picked up to connected, p50 / p99",
)  # fmt: skip


def _spread(seconds: list[float]) -> str:
    """The worst of a usual second, of all but one in ten, and of all."""
    ordered = sorted(seconds)
    parts = (percentile(ordered, 0.5), percentile(ordered, 0.9), ordered[-1]) if ordered else ()
    return " / ".join(f"{part:.0f}" for part in parts) + " ms"


def cells(what: str, seen: Seen, bare_s: float) -> tuple[str, ...]:
    """A row of the table."""
    rows = seen.report.get("rows", 0)
    speed = f"{rows / seen.seconds:,.0f}" if rows else ""
    share = f"{100 * bare_s / seen.seconds:.1f} % of {rows / bare_s:,.0f}" if rows else ""
    return (
        what,
        speed,
        share,
        _spread(seen.loop_ms),
        _spread(seen.idle_ms),
        _spread(seen.turn_ms),
        f"{seen.daemon_mb:.0f} MB",
        f"{seen.worker_mb:.0f} MB" if seen.worker_mb else "",
        f"{seen.placed:.1f}/s",
        f"{percentile(seen.waits_ms, 0.5):.0f} / {percentile(seen.waits_ms, 0.99):.0f} ms" if seen.waits_ms else "",
    )


def told(what: str, seen: Seen, bare_s: float) -> str:
    """A row in words, for the terminal."""
    counts = {name: seen.report[name] for name in ("rows", "added", "duplicates", "refused") if name in seen.report}
    row = "  ".join(f"{h}: {c}" for h, c in zip(HEAD[1:], cells(what, seen, bare_s)[1:], strict=True) if c)
    return f"{what}: {row}  {counts}"


def page(found: list[tuple[str, Seen, float]], command: str, others: float) -> str:
    """docs/performance-import.md."""
    lines = [f"| {' | '.join(HEAD)} |", "|" + "---|" * len(HEAD)]
    lines += [f"| {' | '.join(cells(*one))} |" for one in found]
    return "\n".join(
        [
            "# How fast lists come in, and what calls feel of it",
            "",
            "Made by",
            "",
            f"    {command}",
            "",
            f"The machine: {size()}; others kept {others:.2f} processors busy.",
            "",
            *lines,
            "",
            _HOW,
        ]
    )


_HOW = f"""\
- A real daemon (store on disk, `synchronous: full`, no broker) beside the built-in street: {AGENTS} nailed-up agents, customers who
  pick up within a second and talk for two. The street is a process of its own on the same machine and takes most of a core.
- A list has six columns and one bad row in a thousand. Rows a second are from the command to the last lead on the disk: read,
  phones normalised, fields checked, looked up in the campaign, added, indexed, in the journal.
- **The bare library** (`csv`, `calamine`) only reads the same file in a process of its own and keeps nothing: the limit.
- **Loop late**: by how much a timer of 10 ms in the daemon was late at worst in a second; **longest turn**: of a second, with its
  commit, for which a call's event waits. Both are the daemon's own figures (`daemon.status`, `dialerd_loop_stall_seconds`,
  `dialerd_turn_longest_seconds`). Each is told for a usual second (the median), for all but one second in ten, and for the worst.
  **Idle process late** is the same timer in a process that does nothing, at the same time: what the machine does to anybody.
- **Daemon** and **worker**: peak memory, seen twice a second. **Picked up to connected**: what customers of that phase waited for
  an agent, the street's own time to tell of it included.
"""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rows", type=click.IntRange(1000, 1_000_000), default=1_000_000, show_default=True)
@click.option("--excel-rows", type=click.IntRange(1000, 1_000_000), default=None, help="Default: a fifth of --rows.")
@click.option("--write", is_flag=True, help="Write docs/performance-import.md too.")
def main(rows: int, excel_rows: int | None, write: bool) -> None:
    """Measure imports beside calls."""
    excel = max(1000, rows // 5) if excel_rows is None else excel_rows
    beside = Others()
    found = measure(rows, excel, lambda what: click.echo(what, err=True))
    command = "python -m bench.imports --write" + ("" if rows == 1_000_000 else f" --rows {rows}")
    made = page(found, command, beside.so_far())
    click.echo(made)
    if write:
        PAGE.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main(prog_name="python -m bench.imports")
