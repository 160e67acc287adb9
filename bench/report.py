"""The table as text for a terminal and as docs/performance.md.

Never says more than the run that it is made from showed.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.findings import BUSY, HEADINGS, Finding, rows
from bench.machine import size

_HOW = """\
Each figure is the median of its rounds, with the least and the most in brackets; a ratio is the median of the ratios
of pairs that were measured one after the other in the same run. Absolute figures hold for that machine and that hour
only; look at the ratios.

- **The null client** places the same calls with nothing but panoramisk on uvloop: Originate, wait for the customer's
  BridgeEnter, Setvar and Bridge, and keep book of who is free. It has no store, no rules, no commands and no figures.
  It is a process of its own, as the daemon is.
- **Calls** go to a real Asterisk with SIPp customers who answer at once and hang up after a second, to nailed-up
  agents without wrap-up time, more of them than the rate needs. Leads are imported and agents logged in before; two
  seconds of calls come before the window. The daemon runs as it is shipped: a store on disk, `synchronous: full`, and
  no broker.
- **Processor time** is what the process used in the window (user and system); the ratio is to what Asterisk used in
  the same window. A call of a second without sound is the least work that a call can be for Asterisk, and all of a
  dialer's: those rows compare the work per call and have no goal. The goal is set to short calls that carry sound.
- **From answer to bridged**: a third AMI session that only listens sees the customer answer, enter his holding bridge,
  and then the bridge with his agent, by its own clock. *Waiting to bridged* is the part of it that is the client's own:
  the daemon takes a turn and writes it there, the null client does neither. What the disk has to confirm (*one durable
  page*) is confirmed beside that: for the next calls placed, not for the customer who waits; with `synchronous: normal`
  nothing is.
- **AMI events**: a recorded stream comes over loopback TCP as fast as it is read; both readers listen to the events
  the daemon wants.
- **Turns**: the first turns of a simulated shift, one commit each, against sqlite3 executing the same statements,
  whose values are ready.
- **The shift** is the daemon's exchange in virtual time, without Asterisk, disk or network.
"""


def as_text(findings: Sequence[Finding]) -> str:
    """The table for a terminal."""
    table = [HEADINGS, *rows(findings)]
    widths = [max(len(line[column]) for line in table) for column in range(len(HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in table]
    return "\n".join([*lines, "", _about(findings), *_missed(findings)]).replace("**", "")


def as_page(findings: Sequence[Finding], command: str) -> str:
    """docs/performance.md."""
    table = [_line(HEADINGS), "|" + "---|" * len(HEADINGS), *(_line(row) for row in rows(findings))]
    missed = [f"- {line}" for line in _missed(findings)] or ["- none"]
    parts = [
        "# Performance",
        "",
        "Made by",
        "",
        f"    {command}",
        "",
        _about(findings),
        "",
        *table,
        "",
        "Goals that were missed:",
        "",
        *missed,
        "",
        "## How it is measured",
        "",
        _HOW,
    ]
    return "\n".join(parts)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _about(findings: Sequence[Finding]) -> str:
    others = [share for each in findings for share in each.others]
    told = f"{size()}"
    if others:
        told += f"; others kept {min(others):.2f} to {max(others):.2f} processors busy"
    told += "."
    if any(each.busy for each in findings):
        told += f" Rows with more than {BUSY:g} are marked, and doubtful."
    return f"The machine: {told}"


def _missed(findings: Sequence[Finding]) -> list[str]:
    return [
        f"{each.what}: {each.ratio:.2f}, {each.goal.sense} {each.goal.ratio:g} was the goal"
        for each in findings
        if each.missed and each.goal is not None and each.ratio is not None
    ]
