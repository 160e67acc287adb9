"""Exports beside calls: rows a second, the longest time the daemon's loop was kept from running, and memory.

Never measures a loop of its own making: it is the daemon's, with its store, its socket and calls on the simulated street.

Each reading is a daemon in a fresh process. `python -m bench.exports`, or with all others `make bench`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import click
import uvloop
import yaml

from bench.findings import Finding
from bench.machine import Others
from bench.report import as_text
from dialerd.adapters.observe.logs import configure
from dialerd.control.table import Who
from dialerd.daemon.process import Daemon
from dialerd.settings.read import read
from tests.contract.house_on_street import StreetProcess, campaign, house
from tests.doubles.daemon_process import DaemonProcess
from tests.doubles.many_leads import put_leads

Say = Callable[[str], None]
LEADS = 200_000
FORMATS = ("nothing", "csv", "xlsx", "html")
AGENTS = 24
_BEAT = 0.001
"""Seconds that the task that listens for the loop sleeps."""
_WARM_UP_S = 4.0
_NOTHING_S = 8.0
"""Seconds in which nothing is exported, to tell what the calls alone do to the loop."""
_CHECK = Who("bench", frozenset({"owner"}))


class Taken(NamedTuple):
    """One reading in a fresh process."""

    rows: float
    """Rows a second; 0 where nothing was exported."""
    worst: float
    """By how many milliseconds the loop was late at worst."""
    late: float
    """And in all but one of a thousand beats."""
    ours: float
    """The worst without the time in which the machine had no processor for the loop's thread."""
    longest: float
    """Milliseconds of processor time that its thread spent between two beats at most: what it was busy with itself, whatever
    others do on the machine."""
    own: float
    """By how many MB the daemon's memory grew, peak against peak before."""
    writer: float
    """Peak memory of the writer, MB; 0 where there was none."""
    calls: float
    """Calls placed a second meanwhile."""


def numbers() -> Iterator[str]:
    """Customers who answer after 0.1 to 0.3 s and hang up about a second later."""
    for serial in range(1000):
        for answers, hangs_up in itertools.product((1, 2, 3), range(8, 13)):
            yield f"71{answers:03d}{hangs_up:03d}{serial:03d}"


def prepare(folder: Path, street: StreetProcess, leads: int) -> DaemonProcess:
    """A house with a campaign that dials and one of so many leads, its daemon stopped."""
    agents = {str(1001 + n): {"softphone": "nailed_up"} for n in range(AGENTS) if (1001 + n) % 10 < 8}
    campaigns = {"calls": campaign(), "big": campaign(region="VN")}
    made = house(folder, street, agents, campaigns=campaigns)
    with made as daemon:
        text = "phone\n" + "\n".join(itertools.islice(numbers(), 12_000))
        daemon.ask("lead.import", campaign="calls", csv=text)
    put_leads(folder / "dialerd.sqlite3", "big", leads, at=time.time() - 3600)
    return made


async def _beside(config: str, form: str) -> Taken:
    settings = read(config, os.environ)
    configure("warning", "console", True)
    daemon = Daemon(settings, file=config, env=os.environ)
    running = asyncio.create_task(daemon.run(signals=False))
    serial = itertools.count()

    async def ask(command: str, **args: Any) -> dict[str, Any]:
        asked = asyncio.create_task(daemon.requests.ask(_CHECK, command, f"b-{next(serial)}", args))
        await asyncio.wait({asked, running}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            raise RuntimeError(f"the daemon ended: {running.exception()!r}")
        reply: dict[str, Any] = json.loads(await asked)
        if not reply["ok"]:
            raise RuntimeError(f"{command}: {reply['error']}")
        result: dict[str, Any] = reply["result"]
        return result

    while not (hasattr(daemon, "requests") and all(one.connected for one in daemon.telephony.values())):
        await asyncio.sleep(0.05)
    for agent in settings.agents:
        await ask("agent.login", agent=agent)
    for agent in settings.agents:
        await ask("agent.ready", agent=agent)
    await ask("campaign.start", campaign="calls")
    await asyncio.sleep(_WARM_UP_S)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    placed = (await ask("campaign.stats", campaign="calls"))["placed"]
    over = threading.Event()
    begun = time.perf_counter()
    work: asyncio.Task[Any]
    if form == "nothing":
        work = asyncio.create_task(asyncio.sleep(_NOTHING_S, {"rows": 0}))
    else:
        work = asyncio.create_task(ask("lead.export", campaign="big", format=form))
    writer = threading.Thread(target=_watch_writer, args=(over, most := [0.0]))
    writer.start()
    late: list[float] = []
    longest = ours = 0.0
    while not work.done():
        before, spent, queued = time.perf_counter(), time.thread_time(), _queued_s()
        await asyncio.sleep(_BEAT)
        late.append(time.perf_counter() - before - _BEAT)
        ours = max(ours, late[-1] - (_queued_s() - queued))
        longest = max(longest, time.thread_time() - spent)
    seconds = time.perf_counter() - begun
    over.set()
    writer.join()
    rows = work.result()["rows"]
    placed = (await ask("campaign.stats", campaign="calls"))["placed"] - placed
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - grown
    daemon.stop()
    daemon.stop()
    await running
    late.sort()
    at = -1 - len(late) // 1000
    return Taken(
        rows / seconds,
        1000 * late[-1],
        1000 * late[at],
        1000 * ours,
        1000 * longest,
        grown / 1000,
        most[0],
        placed / seconds,
    )


def _queued_s() -> float:
    """Seconds that this thread has waited for a processor since it began."""
    return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9


def _watch_writer(over: threading.Event, most: list[float]) -> None:
    """Peak memory of our children, in MB, into `most`. What rusage tells of a child counts in what we had when it began."""
    while not over.wait(0.2):
        with suppress(OSError):
            for task in Path("/proc/self/task").iterdir():
                for child in (task / "children").read_text().split():
                    status = Path(f"/proc/{child}/status").read_text()
                    peak = next((line for line in status.splitlines() if line.startswith("VmHWM:")), "VmHWM: 0 kB")
                    most[0] = max(most[0], int(peak.split()[1]) / 1000)


def reading(config: Path, form: str) -> Taken:
    """One reading by a fresh process. Raises RuntimeError with its last words."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.exports", "--one", str(config), form], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{form}: {done.stderr[-2000:]}")
    return Taken(*map(float, done.stdout.split()))


def measure(rounds: int, say: Say, leads: int = LEADS) -> list[Finding]:
    """Every format beside calls, and the calls alone."""
    taken: dict[str, list[Taken]] = {form: [] for form in FORMATS}
    others: dict[str, list[float]] = {form: [] for form in FORMATS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        say(f"making a store of {leads} leads")
        with StreetProcess(folder / "street", agents=AGENTS) as street:
            made = prepare(folder / "house", street, leads)
        for turn in range(rounds):
            for form in FORMATS:
                say(f"export of {form}, round {turn + 1} of {rounds}")
                beside = Others()
                shutil.copytree(made.folder, folder / "copy")
                # A street of its own: the legs that a daemon left there would be in the way of the next one's agents.
                with StreetProcess(folder / f"street-{turn}-{form}", agents=AGENTS) as street:
                    config = folder / "copy" / made.config.name
                    settings = yaml.safe_load(config.read_text())
                    settings["servers"]["pbx"]["port"] = street.port
                    config.write_text(yaml.safe_dump(settings))
                    taken[form].append(reading(config, form))
                others[form].append(beside.so_far())
                shutil.rmtree(folder / "copy")
    return [finding for form in FORMATS for finding in _told(form, taken[form], others[form], leads)]


def _told(form: str, taken: list[Taken], others: list[float], leads: int) -> Iterator[Finding]:
    calls = [one.calls for one in taken]
    if form == "nothing":
        yield Finding("calls alone: placed", "/s", calls, others=others)
        yield Finding("calls alone: longest stall of the loop", "ms", [one.worst for one in taken], others=others)
        yield Finding("calls alone: p99.9", "ms", [one.late for one in taken], others=others)
        yield Finding("calls alone: the longest stall, less waiting for a processor", "ms", [one.ours for one in taken])
        yield Finding(
            "calls alone: longest piece of work on the loop", "ms of processor", [one.longest for one in taken]
        )
        return
    what = f"{leads:,} leads as {form} beside calls"
    yield Finding(what, "rows/s", [one.rows for one in taken], others=others)
    yield Finding(f"{what}: calls placed", "/s", calls, others=others)
    yield Finding(f"{what}: longest stall of the loop", "ms", [one.worst for one in taken], others=others)
    yield Finding(f"{what}: p99.9", "ms", [one.late for one in taken], others=others)
    yield Finding(f"{what}: the longest stall, less waiting for a processor", "ms", [one.ours for one in taken])
    yield Finding(f"{what}: longest piece of work on the loop", "ms of processor", [one.longest for one in taken])
    yield Finding(f"{what}: the daemon's memory grows by", "MB", [one.own for one in taken], others=others)
    yield Finding(f"{what}: the writer's memory", "MB", [one.writer for one in taken], others=others)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rounds", type=click.IntRange(1, 100), default=3, show_default=True)
@click.option("--leads", type=click.IntRange(1000, 2_000_000), default=LEADS, show_default=True)
@click.option("--one", type=(click.Path(exists=True), click.Choice(FORMATS)), hidden=True)
def main(rounds: int, leads: int, one: tuple[str, str] | None) -> None:
    """Measure exports beside calls."""
    if one is not None:
        click.echo(" ".join(map(str, uvloop.run(_beside(*one)))))
        return
    click.echo(as_text(measure(rounds, lambda what: click.echo(what, err=True), leads)))


if __name__ == "__main__":
    main(prog_name="python -m bench.exports")
