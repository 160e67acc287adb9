"""`dialerd`: run the daemon, check a configuration, print the documents made from the tables.

Never starts the daemon with a configuration that has an error.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from dialerd import __version__
from dialerd.cli.terminal import Program, json_text, say
from dialerd.compliance.pack_words import document
from dialerd.control.asyncapi import asyncapi
from dialerd.control.reference import reference
from dialerd.control.state_diagrams import state_diagrams
from dialerd.model.instants import iso
from dialerd.runtime.replaying import BadJournalError, replay
from dialerd.settings.check import check as check_configuration
from dialerd.settings.packs import look_at_packs
from dialerd.settings.trouble import Wrong

DEFAULT_CONFIG = "/etc/dialerd/dialerd.yaml"


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dialerd")
def dialerd() -> None:
    """A dialer daemon for contact centres on Asterisk."""


@dialerd.command()
@click.argument("config", default=DEFAULT_CONFIG)
@click.option(
    "--speed",
    type=click.FloatRange(0.1, 1000),
    default=1.0,
    help="Seconds of the daemon's clock in one second: only for a simulated street that runs as fast.",
)
@click.option(
    "--since",
    type=float,
    default=None,
    help="With --speed: the Unix time from which that clock runs; a daemon started again goes on in it.",
)
def run(config: str, speed: float, since: float | None) -> None:
    """Run the daemon until it is stopped (SIGTERM drains, SIGHUP reloads)."""
    for descriptor in (0, 1, 2):  # closed by whoever started us: the event loop must not take their numbers
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    from dialerd.daemon.assembly import CannotStartError
    from dialerd.daemon.process import run as run_daemon

    try:
        run_daemon(config, speed=speed, since=since)
    except Wrong as wrong:
        say(str(wrong), err=True)
        sys.exit(2)
    except CannotStartError as trouble:
        say(f"dialerd: {trouble}", err=True)
        sys.exit(1)


@dialerd.command()
@click.argument("config", default=DEFAULT_CONFIG)
def check(config: str) -> None:
    """Print every error of a configuration as file:line: key: found ..., allowed ...; exit 0 only if there is none."""
    checked = check_configuration(config, os.environ)
    for trouble in checked.troubles:
        say(str(trouble), err=not trouble.warning)
    for line in checked.summary:
        say(line)
    sys.exit(0 if checked.good else 2)


@dialerd.command("replay")
@click.argument("journal", type=click.Path(dir_okay=False, exists=True))
def replay_journal(journal: str) -> None:
    """Decide a journal's turns again from its facts; exit 1 and show the first turn that differs."""
    try:
        with Path(journal).open("rb") as lines:
            replayed = replay(lines)
    except BadJournalError as wrong:
        say(f"{journal}: {wrong}", err=True)
        sys.exit(2)
    if replayed.difference is None:
        say(f"{replayed.turns} turns decided again, all the same")
        return
    turn = replayed.difference.recorded
    say(f"{replayed.turns} turns the same; turn {turn.seq} at {iso(turn.at)} differs")
    say(f"facts: {', '.join(map(str, turn.facts))}")
    say(replayed.difference.because)
    sys.exit(1)


@dialerd.command("asyncapi")
def print_asyncapi() -> None:
    """Print the AsyncAPI document of the MQTT channel, made from the command table."""
    say(json_text(asyncapi()))


@dialerd.command("commands")
def print_reference() -> None:
    """Print the reference of all commands (docs/control.md), made from the command table."""
    say(reference(), end="")


@dialerd.command("rules")
@click.option("--packs", type=click.Path(), default=None, help="A folder of your own rule packs: the packs_dir.")
def print_rules(packs: str | None) -> None:
    """Print all legal rules in plain words (docs/rules.md), made from the rule packs; exit 2 if one of yours is wrong."""
    found, troubles = look_at_packs(packs)
    for trouble in troubles:
        say(str(trouble), err=True)
    if troubles:
        sys.exit(2)
    say(document(found.values()), end="")


@dialerd.command("states")
def print_states() -> None:
    """Print the state diagrams (docs/states.md), made from the state tables."""
    say(state_diagrams(), end="")
