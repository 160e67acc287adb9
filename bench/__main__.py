"""`python -m bench`: all measurements, or those named, in one table.

Never measures two things at once: what is measured has the machine for itself, as far as others let it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from bench import calls, events, exports, shift, turns
from bench.findings import Finding
from bench.machine import Others
from bench.report import as_page, as_text

Say = Callable[[str], None]
TURNS = 3000


def _calls(seconds: float, rounds: int, say: Say) -> list[Finding]:
    return calls.measure(seconds, rounds, say)


def _events(seconds: float, rounds: int, say: Say) -> list[Finding]:
    ours: list[float] = []
    theirs: list[float] = []
    others: list[float] = []
    with events.Feed() as feed:
        for turn in range(rounds):
            say(f"AMI events, round {turn + 1} of {rounds}")
            beside = Others()
            ours.append(feed.read_by("guarded"))
            theirs.append(feed.read_by("stock"))
            others.append(beside.so_far())
    return [Finding("AMI events read", "/s", ours, theirs, "stock panoramisk", others=others)]


def _turns(seconds: float, rounds: int, say: Say) -> list[Finding]:
    found: list[Finding] = []
    set_up, some = turns.turns_of_a_shift(TURNS)
    for synchronous in ("full", "normal"):
        ours: list[float] = []
        theirs: list[float] = []
        others: list[float] = []
        for turn in range(rounds):
            say(f"turns, synchronous: {synchronous}, round {turn + 1} of {rounds}")
            beside = Others()
            ours.append(turns.with_store(set_up, some, synchronous))
            theirs.append(turns.with_plain_sqlite(set_up, some, synchronous))
            others.append(beside.so_far())
        what = f"turns committed, synchronous: {synchronous}"
        found.append(Finding(what, "/s", ours, theirs, "plain sqlite3", others=others))
    return found


def _shift(seconds: float, rounds: int, say: Say) -> list[Finding]:
    played: list[shift.Played] = []
    others: list[float] = []
    for turn in range(rounds):
        say(f"virtual shift, round {turn + 1} of {rounds}")
        beside = Others()
        played.append(shift.play())
        others.append(beside.so_far())
    one = played[0]
    what = f"a shift of {one.hours:g} h with 20 agents and {one.calls} calls in virtual time"
    clock = [each.hours * 3600 / each.seconds for each in played]
    each_turn = [1e6 * each.seconds / each.turns for each in played]
    return [
        Finding(what, "s", [each.seconds for each in played], others=others),
        Finding("the same", "times the clock", clock, others=others),
        Finding(f"the same, each of its {one.turns} turns", "us", each_turn, others=others),
    ]


def _exports(seconds: float, rounds: int, say: Say) -> list[Finding]:
    return exports.measure(rounds, say)


MEASUREMENTS: dict[str, Callable[[float, int, Say], list[Finding]]] = {
    "calls": _calls,
    "events": _events,
    "turns": _turns,
    "shift": _shift,
    "exports": _exports,
}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--only", multiple=True, type=click.Choice(list(MEASUREMENTS)), help="Measure this alone; may be repeated."
)
@click.option("--seconds", type=click.FloatRange(1, 600), default=8.0, show_default=True, help="Of calls in a window.")
@click.option("--rounds", type=click.IntRange(1, 100), default=3, show_default=True, help="Of every measurement.")
@click.option("--write", type=click.Path(dir_okay=False), help="Write the page too, such as docs/performance.md.")
def main(only: tuple[str, ...], seconds: float, rounds: int, write: str | None) -> None:
    """Measure dialerd on this machine against clients that do less, and print one table."""

    def say(what: str) -> None:
        click.echo(what, err=True)

    findings: list[Finding] = []
    for name, measure in MEASUREMENTS.items():
        if not only or name in only:
            findings += measure(seconds, rounds, say)
    click.echo(as_text(findings))
    if write:
        chosen = "".join(f" --only {name}" for name in only)
        command = f"python -m bench --seconds {seconds:g} --rounds {rounds}{chosen}"
        Path(write).write_text(as_page(findings, command), encoding="utf-8")


if __name__ == "__main__":
    main(prog_name="python -m bench")
