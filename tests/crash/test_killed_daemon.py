"""A daemon killed at random points of a running campaign loses nothing, calls nobody twice and gives up no conversation.

Never kills anything but the daemon: the street, the carrier and the phones live through it all.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.asterisk.rig.asterisk import Rig
from tests.crash.asterisk_house import AGENTS, HouseOnAsterisk, leads_on_asterisk
from tests.crash.bookkeeping import await_finished, check_books, check_street
from tests.crash.killing import AT_WORK, Killing
from tests.crash.seeds import new_seed
from tests.crash.street_process import StreetProcess
from tests.crash.street_scenario import MAX_ATTEMPTS, busy_street

pytestmark = pytest.mark.crash

KILLS = 50
BATCH = 15
"""Leads imported whenever fewer than that are left, so that the campaign runs until the last kill."""
KILLS_ON_ASTERISK = 12


@pytest.mark.timeout(400)
@pytest.mark.parametrize("softphone", ["nailed_up", "ring"])
def test_O08_a_daemon_killed_fifty_times_loses_nothing_and_calls_nobody_twice(tmp_path: Path, softphone: str) -> None:
    seed = new_seed()
    began = time.monotonic()
    with (
        StreetProcess(tmp_path, busy_street(softphone), speed=15, seed=seed) as street,
        street.daemon(tmp_path / "house") as daemon,
    ):
        killing = Killing(daemon, street.bridged, seed)
        imported = 0
        street.open_shop(daemon, 2 * BATCH)
        imported += 2 * BATCH
        daemon.until(street.bridged, "somebody talks")
        while killing.kills < KILLS:
            leads = daemon.ask("campaign.stats", campaign=street.campaign)["leads"]
            if sum(leads.get(state, 0) for state in ("new", "retry")) < BATCH:
                daemon.ask("lead.import", campaign=street.campaign, csv=street.csv(imported, BATCH))
                imported += BATCH
            killing.kill(within_s=1.2)
        daemon.dismiss()
        await_finished(daemon, street.campaign)
        figures = check_books(daemon, street.campaign, street.books()["invites"], MAX_ATTEMPTS)
        check_street(street.books(), daemon.attempts(street.campaign))
        killing.check_adopted(daemon.attempts(street.campaign))
        assert len(killing.adopted) >= KILLS, f"{killing}, seed {seed}"
        print(f"{softphone}: {killing}; {figures}; {time.monotonic() - began:.0f} s in all")


@pytest.mark.asterisk
@pytest.mark.timeout(300)
def test_O08_a_daemon_killed_over_a_real_asterisk_loses_nothing_and_calls_nobody_twice(tmp_path: Path) -> None:
    seed = new_seed()
    began = time.monotonic()
    with Rig() as rig:
        rig.start_phones()
        with HouseOnAsterisk(rig, tmp_path / "house") as daemon:
            killing = Killing(daemon, daemon.bridged, seed)
            daemon.begin_campaign(leads_on_asterisk(48))
            daemon.until(daemon.bridged, "somebody talks")
            while killing.kills < KILLS_ON_ASTERISK:
                killing.kill(within_s=2.5)
            daemon.dismiss()
            await_finished(daemon, "spring")
            figures = check_books(daemon, "spring", rig.invites(), daemon.max_attempts)
            killing.check_adopted(daemon.attempts("spring"))
            assert len(killing.adopted) >= len(AGENTS)
            print(f"Asterisk: {killing}; {figures}; {time.monotonic() - began:.0f} s in all")


@pytest.mark.timeout(90)
@pytest.mark.parametrize("softphone", ["nailed_up", "ring"])
def test_O08_a_phone_that_a_killed_daemon_never_called_is_called_again(tmp_path: Path, softphone: str) -> None:
    scenario = busy_street(softphone)
    scenario["agents"]["count"] = 1
    scenario["customers"] |= {"answer_rate": 0.95, "busy": 0.0, "unallocated": 0.0, "congestion": 0.0, "rejected": 0.0}
    with (
        StreetProcess(tmp_path, scenario, speed=15, seed=4) as street,
        street.daemon(tmp_path / "house") as daemon,
    ):

        def stands() -> str:
            state: str = daemon.ask("agent.list")["agents"][0]["state"]
            return state

        daemon.ask("lead.import", campaign=street.campaign, csv=street.csv(0, 2))
        if softphone == "nailed_up":  # the call for his shift
            street.fault("ignore_action", action="Originate")
            daemon.ask("agent.login", agent=street.agents[0], ready=True)
            daemon.until(lambda: stands() == "connecting", "his phone is being called")
        else:  # the call for a customer
            daemon.ask("agent.login", agent=street.agents[0], ready=True)
            daemon.ask("campaign.start", campaign=street.campaign)
            daemon.until(lambda: street.invites() == 1, "a customer is called")
            street.fault("ignore_action", action="Originate")
            daemon.until(lambda: stands() == "ringing", "his phone is being called")
        daemon.stand_by()
        daemon.kill()
        assert street.books()["live_phones"] == {}
        daemon.start()
        daemon.until(lambda: stands() in AT_WORK, "he is at work without a new command")
        if softphone == "nailed_up":
            daemon.ask("campaign.start", campaign=street.campaign)
        daemon.until(street.bridged, "he talks")
        await_finished(daemon, street.campaign)
        check_books(daemon, street.campaign, street.books()["invites"], MAX_ATTEMPTS)
        check_street(street.books(), daemon.attempts(street.campaign))


@pytest.mark.asterisk
@pytest.mark.timeout(120)
def test_O08_calls_that_a_killed_daemon_left_in_the_wire_are_made_once_and_not_forgotten(tmp_path: Path) -> None:
    numbers = leads_on_asterisk(8)
    rests = {"policy": {"rest": {"lost": {"again_after_min": 0.02}}, "max_attempts": 2}}
    with Rig() as rig:
        rig.start_phones()
        with HouseOnAsterisk(rig, tmp_path / "house", {str(n): "ring" for n in range(1001, 1009)}, **rests) as daemon:
            daemon.add(numbers)
            daemon.ask("campaign.start", campaign="spring")
            rig.freeze()
            for agent in daemon.settings["agents"]:
                daemon.ask("agent.login", agent=agent, ready=True)
            daemon.until(lambda: len(daemon.attempts("spring")) == len(numbers), "all calls are on record and sent")
            daemon.stand_by()
            daemon.kill()
            assert rig.invites() == {}
            daemon.start(linked=False)
            rig.thaw()
            daemon.until(lambda: daemon.linked, "Asterisk is back")
            await_finished(daemon, "spring")
            figures = check_books(daemon, "spring", rig.invites(), 2)
            daemon.until_channels(lambda channels: not channels, "no call is left on Asterisk")
            assert set(rig.invites()) == set(numbers)
            print(f"\nfrozen: {figures}")
