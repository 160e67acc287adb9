"""The demonstration on the screen: agents, calls, outcomes and why it is not dialing; plain lines without a terminal.

Never asks the daemon for anything that an admin could not.
"""

from __future__ import annotations

import io
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

from rich.columns import Columns
from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from demo.house import House

_COLOURS = {
    "ready": "green",
    "on_call": "bold cyan",
    "talking": "bold cyan",
    "ringing": "yellow",
    "offered": "yellow",
    "wrap_up": "magenta",
    "not_ready": "red",
    "logged_out": "dim",
}
_OPEN = ("new", "retry", "callback", "in_progress")


class Scene:
    """How the daemon stands at one moment."""

    def __init__(self, house: House, campaign: str) -> None:
        self.why = house.ask("campaign.why", campaign=campaign)
        self.stats = house.ask("campaign.stats", campaign=campaign)
        self.agents = house.ask("agent.list")["agents"]
        self.calls = house.ask("call.list")["calls"]

    @property
    def over(self) -> bool:
        """Whether the campaign has finished."""
        return bool(self.why["state"] == "finished")

    @property
    def done(self) -> tuple[int, int]:
        """Leads that are done, and all."""
        leads: dict[str, int] = self.stats["leads"]
        return sum(n for state, n in leads.items() if state not in _OPEN), sum(leads.values())


def watch(
    house: House, campaign: str, console: Console, limit_s: float, about: str, picture: Path | None = None
) -> Scene:
    """Show the campaign until it has finished, or `limit_s` real seconds are over."""
    end = time.monotonic() + limit_s
    if picture is not None:
        _draw(house, campaign, about, picture, end)
    if not console.is_terminal:
        return _lines(house, campaign, console, end)
    with Live(console=console, refresh_per_second=8, screen=False) as live:
        while True:
            scene = Scene(house, campaign)
            live.update(_picture(scene, about))
            if scene.over or time.monotonic() > end:
                return scene
            time.sleep(0.15)


def _draw(house: House, campaign: str, about: str, picture: Path, end: float) -> None:
    """Keep the screen as an SVG when half of the leads are done."""
    while True:
        scene = Scene(house, campaign)
        done, total = scene.done
        if done * 2 >= total or time.monotonic() > end:
            canvas = Console(record=True, width=130, file=io.StringIO(), force_terminal=True)
            canvas.print(_picture(scene, about))
            drawn = re.sub(
                r"@font-face \{.*?\}", "", canvas.export_svg(title="make demo"), flags=re.DOTALL
            )  # no font from afar
            picture.write_text(drawn, encoding="utf-8")
            return
        time.sleep(0.25)


def _lines(house: House, campaign: str, console: Console, end: float) -> Scene:
    told = 0.0
    while True:
        scene = Scene(house, campaign)
        last = scene.over or time.monotonic() > end
        if last or time.monotonic() - told >= 2:
            told = time.monotonic()
            done, total = scene.done
            agents = Counter(agent["state"] for agent in scene.agents)
            people = " ".join(f"{state}={n}" for state, n in sorted(agents.items()))
            s = scene.stats
            counts = f"placed={s['placed']} connected={s['connected']} abandoned={s['abandoned']}"
            why = "calls are being placed" if scene.why["dialing"] else scene.why["because"]
            console.print(
                f"leads {done}/{total}  {counts}  calls={len(scene.calls)}  agents {people}  | {why}",
                highlight=False,
                soft_wrap=True,
            )
        if last:
            return scene
        time.sleep(0.25)


def _picture(scene: Scene, about: str) -> Group:
    done, total = scene.done
    head = Text.assemble(
        ("dialerd ", "bold"), (f"{scene.why['campaign']} ", "bold green"), f"· {scene.why['state']} · {about}"
    )
    why = (
        Text("calls are being placed", style="green")
        if scene.why["dialing"]
        else Text(scene.why["because"], style="yellow")
    )
    bar = Table.grid(padding=(0, 1))
    bar.add_row(ProgressBar(total=max(total, 1), completed=done, width=60), f"{done}/{total} leads done")
    return Group(
        head,
        bar,
        Text.assemble(("why  ", "bold"), why),
        Columns([_agents(scene.agents), Group(_figures(scene.stats), _calls(scene.calls))], padding=(0, 2)),
    )


def _agents(agents: list[dict[str, Any]]) -> Panel:
    table = Table.grid(padding=(0, 1))
    for agent in agents:
        state = agent["state"]
        shown = Text(state.replace("_", " "), style=_COLOURS.get(state, ""))
        table.add_row(agent["agent"], shown, Text(agent["reason"], style="dim"))
    return Panel(table, title="agents", width=44)


def _figures(stats: dict[str, Any]) -> Panel:
    table = Table.grid(padding=(0, 1))
    shown = ("placed", "answered", "connected", "abandoned", "busy", "no_answer", "failed", "lost")
    table.add_row(*(name.replace("_", " ") for name in shown))
    table.add_row(*(f"[bold]{stats[name]}[/bold]" for name in shown))
    return Panel(table, title="outcomes", width=78)


def _calls(calls: list[dict[str, Any]]) -> Panel:
    table = Table.grid(padding=(0, 1))
    for call in calls[:10]:
        state = Text(call["state"], style=_COLOURS.get(call["state"], ""))
        table.add_row(escape(call["number"]), state, f"→ {call['agent']}" if call["agent"] else "")
    for _ in range(10 - len(calls[:10])):
        table.add_row("", "", "")
    return Panel(table, title=f"{len(calls)} live calls", width=78)


def summary(
    scene: Scene, attempts: dict[str, int], invites: dict[str, int], console: Console, max_attempts: int
) -> bool:
    """Say what became of the campaign; False if the customers' count of calls is not the daemon's."""
    stats = scene.stats
    table = Table(title=f"{scene.why['campaign']}: {scene.why['state']}", box=None, title_justify="left")
    table.add_column("leads")
    table.add_column("", justify="right")
    for state, n in sorted(stats["leads"].items()):
        table.add_row(state.replace("_", " "), str(n))
    console.print(table)
    rate = stats["abandon_rate"]
    told = "none" if rate is None else f"{rate:.1%}"
    console.print(
        f"calls placed {stats['placed']}, answered {stats['answered']}, connected {stats['connected']}, "
        f"abandoned {stats['abandoned']} (rate {told}), busy {stats['busy']}, no answer {stats['no_answer']}, "
        f"failed {stats['failed']}, lost {stats['lost']}",
        highlight=False,
    )
    placed = {number.lstrip("+"): n for number, n in attempts.items()}
    more = {number: n for number, n in invites.items() if n > placed.get(number.lstrip("+"), 0)}
    most = max(invites.values(), default=0)
    good = not more and most <= max_attempts
    console.print(
        f"INVITEs that reached customers: {sum(invites.values())} for {sum(attempts.values())} attempts on record, "
        f"at most {most} for one number ({max_attempts} allowed): {'no call was made twice' if good else f'TOO MANY: {more}'}",
        highlight=False,
    )
    return good
