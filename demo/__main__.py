"""`python -m demo`: a progressive campaign from one command, live in the terminal.

Never needs anything installed by hand: the street is built in; --asterisk takes the real Asterisk of the test rig.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import click
from rich.console import Console

from demo.house import House, HouseError
from demo.stage import Stage
from demo.street_stage import StreetStage
from demo.watching import summary, watch
from sim.scenario import ScenarioError, read_scenario


@click.command()
@click.option("--asterisk", is_flag=True, help="On a real Asterisk with SIPp phones, in real time.")
@click.option("--scenario", default="demo", show_default=True, help="A scenario of sim/scenarios, or a YAML file.")
@click.option(
    "--speed", type=click.FloatRange(0.1, 200), default=40.0, show_default=True, help="Times as fast as the wall clock."
)
@click.option("--seed", type=int, default=None, help="Other customers.")
@click.option("--limit", type=float, default=600.0, show_default=True, help="Seconds after which it ends in any case.")
@click.option(
    "--picture",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="Keep the screen at half time as SVG.",
)
def main(asterisk: bool, scenario: str, speed: float, seed: int | None, limit: float, picture: Path | None) -> None:
    """Run a campaign and show it."""
    console = Console()
    try:
        stage = _stage(asterisk, scenario, seed, speed)
    except ScenarioError as wrong:
        raise click.ClickException(str(wrong)) from None
    try:
        good = _play(stage, console, limit, picture)
    except HouseError as trouble:
        raise click.ClickException(str(trouble)) from None
    sys.exit(0 if good else 1)


def _stage(asterisk: bool, scenario: str, seed: int | None, speed: float) -> Stage:
    if asterisk:
        from demo.asterisk_stage import AsteriskStage

        return AsteriskStage()
    return StreetStage(read_scenario(scenario), scenario, seed, speed)


def _play(stage: Stage, console: Console, limit: float, picture: Path | None) -> bool:
    with stage, House(stage.floor, stage.secret, stage.speed) as house:
        report = house.ask("lead.import", campaign=stage.campaign, csv=stage.leads_csv)
        console.print(f"{report['added']} leads imported; calling on {stage.about}")
        stage.begin(house.ask)
        house.ask("campaign.start", campaign=stage.campaign)
        scene = watch(house, stage.campaign, console, limit, stage.about, picture)
        attempts: Counter[str] = Counter()
        after = ""
        while calls := house.ask("call.list", campaign=stage.campaign, ended=True, after=after, limit=1000)["calls"]:
            attempts.update(call["number"] for call in calls)
            after = calls[-1]["call"]
        good = summary(scene, attempts, stage.invites(), console, stage.floor.campaigns[stage.campaign].max_attempts)
        if not scene.over:
            console.print(f"the campaign was not finished after {limit:g} s: {scene.why['because']}")
        return good and scene.over


if __name__ == "__main__":
    main()
