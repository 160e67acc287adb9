"""`python -m sim SCENARIO`: a shift in virtual time, from one command.

Never starts a process or opens a port: the daemon's own exchange runs here against the street.
"""

from __future__ import annotations

import contextlib
import hashlib
import sys
import time
from pathlib import Path
from typing import BinaryIO

import click

from dialerd.campaigns import figures
from dialerd.campaigns.why import why
from dialerd.runtime.replaying import heading
from sim.driver import STORE, Shift
from sim.rows_kept import RowsKept
from sim.scenario import ScenarioError, read_scenario, scenario_names


class Digest:
    """A journal that is written on, if there is somewhere to, and summed up."""

    def __init__(self, out: BinaryIO | None) -> None:
        self.sum = hashlib.sha256()
        self.size = 0
        self._out = out

    def write(self, data: bytes) -> int:
        """Take a line."""
        self.sum.update(data)
        self.size += len(data)
        return len(data) if self._out is None else self._out.write(data)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("scenario")
@click.option("--seed", type=int, default=None, help="Instead of the scenario's.")
@click.option("--journal", type=click.Path(dir_okay=False), default=None, help="Write every turn as a line of JSON.")
def main(scenario: str, seed: int | None, journal: str | None) -> None:
    """Play SCENARIO (a name of sim/scenarios, or a YAML file) and say what came of it."""
    try:
        played = read_scenario(Path(scenario) if Path(scenario).suffix in (".yaml", ".yml") else scenario)
    except ScenarioError as wrong:
        click.echo(f"{wrong}\nscenarios: {', '.join(scenario_names())}", err=True)
        sys.exit(2)
    with contextlib.ExitStack() as files:
        try:
            out = files.enter_context(Path(journal).open("wb")) if journal else None
        except OSError as trouble:
            raise click.ClickException(f"--journal {journal}: {trouble.strerror}") from None
        digest = Digest(out)
        digest.write(heading(STORE))
        began = time.perf_counter()
        shift = Shift(played, RowsKept(), seed=seed, journal=digest)
        shift.run()
        took = time.perf_counter() - began
    _report(shift, digest, took)


def _report(shift: Shift, digest: Digest, took: float) -> None:
    name, books = shift.scenario.name, shift.street.books
    tally = shift.live.tallies[name]
    rate = figures.abandon_rate(tally)
    signed_in = shift.scenario.agents.count * shift.scenario.hours
    found = why(shift.live, name)
    lines = [
        f"{name}: {shift.scenario.hours:g} h with {shift.scenario.agents.count} agents, seed {shift.seed}",
        f"calls {tally.placed}, answered {tally.answered}, connected {tally.connected}, abandoned {tally.abandoned} "
        f"(rate {'none' if rate is None else f'{rate:.2%}'}), busy {tally.busy}, no answer {tally.no_answer}, "
        f"failed {tally.failed}",
        f"talk {books.talk_s / 3600:.2f} h of {signed_in:g} agent hours ({books.talk_s / 3600 / signed_in:.1%})"
        if signed_in
        else "no agents",
        f"leads {found['leads']}",
        f"at the end: {found['because']}",
        f"{shift.turns} turns, journal {digest.size} bytes, sha256 {digest.sum.hexdigest()}",
        f"in {took:.2f} s: {shift.scenario.hours * 3600 / took:.0f} times as fast as the clock",
    ]
    for line in lines:
        click.echo(line)


if __name__ == "__main__":
    main(prog_name="python -m sim")
