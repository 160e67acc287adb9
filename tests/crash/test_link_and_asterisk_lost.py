"""The AMI link is cut, silent, slow, refused and forgetful, and Asterisk dies: nobody is called twice, all is on record.

Never judges how fast a link comes back: only that dialing waits for it, says so, and goes on by itself.
"""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.asterisk.rig.asterisk import Rig
from tests.crash.asterisk_house import AGENTS, HouseOnAsterisk, leads_on_asterisk
from tests.crash.bookkeeping import await_finished, check_books, check_street
from tests.crash.seeds import new_seed
from tests.crash.street_process import StreetProcess
from tests.crash.street_scenario import MAX_ATTEMPTS, busy_street
from tests.crash.troubles import LOST, Trouble, draw

pytestmark = pytest.mark.crash

ROUNDS, TROUBLES = 6, 4
"""The daemon is killed between rounds: a link that flaps is given longer and longer pauses, a new process begins anew."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("softphone", ["nailed_up", "ring"])
def test_O08_a_link_in_every_trouble_loses_nothing_and_calls_nobody_twice(tmp_path: Path, softphone: str) -> None:
    seed = new_seed()
    chance = random.Random(seed)
    began = time.monotonic()
    with (
        StreetProcess(tmp_path, busy_street(softphone), speed=15, seed=seed) as street,
        street.daemon(tmp_path / "house") as daemon,
    ):
        street.open_shop(daemon, 60)
        daemon.until(street.bridged, "somebody talks")
        for _ in range(ROUNDS):
            daemon.stand_by()
            for trouble in draw(chance, TROUBLES):
                street.fault(**trouble)
                time.sleep(chance.random() * 0.6)
            daemon.until(lambda: daemon.linked, "the link is back")
            daemon.kill()
            daemon.start()
        daemon.dismiss()
        street.fault("delay_responses", by_s=0)
        await_finished(daemon, street.campaign, 150)
        figures = check_books(daemon, street.campaign, street.books()["invites"], MAX_ATTEMPTS)
        check_street(street.books(), daemon.attempts(street.campaign))
        print(f"{softphone}: {ROUNDS * TROUBLES} troubles; {figures}; {time.monotonic() - began:.0f} s in all")


def without_events(folder: Path, softphone: str, seed: int) -> str:
    """A campaign during which events get lost, and its figures."""
    began = time.monotonic()
    folder.mkdir()
    with (
        StreetProcess(folder, busy_street(softphone), speed=15, seed=seed) as street,
        street.daemon(folder / "house") as daemon,
    ):
        street.open_shop(daemon, 40)
        daemon.until(street.bridged, "somebody talks")
        for trouble in LOST:
            street.fault(**trouble)
            street.await_invites(daemon, street.invites() + 3, 100)  # twice missing from a list is gone: 30 to 60 s
        await_finished(daemon, street.campaign, 200)
        figures = check_books(daemon, street.campaign, street.books()["invites"], MAX_ATTEMPTS)
        assert street.books()["misuses"] == {}
        assert street.books()["live_calls"] == {}
    return f"{softphone}: {figures}; {time.monotonic() - began:.0f} s in all"


@pytest.mark.timeout(300)
def test_O08_events_that_never_come_leave_no_lead_in_progress(tmp_path: Path) -> None:
    seed = new_seed()
    with ThreadPoolExecutor(2) as pool:  # side by side: most of it is waiting
        runs = [pool.submit(without_events, tmp_path / how, how, seed) for how in ("nailed_up", "ring")]
        for run in runs:
            print(run.result())


LINK_TROUBLES: dict[str, tuple[tuple[Trouble, ...], str]] = {
    "cut, nobody listens": (({"kind": "cut", "how": "abort", "down_s": 3.0},), "cannot reach"),
    "login refused": (
        ({"kind": "refuse_logins", "times": 1}, {"kind": "cut", "how": "close", "down_s": 0.0}),
        "login refused",
    ),
    "half-open": (({"kind": "stall", "for_s": 14.0},), "no sign of life"),
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("trouble", LINK_TROUBLES)
def test_O08_while_the_link_is_down_nothing_is_dialed_and_why_says_so(tmp_path: Path, trouble: str) -> None:
    faults, words = LINK_TROUBLES[trouble]
    with (
        StreetProcess(tmp_path, busy_street("nailed_up"), speed=10, seed=3) as street,
        street.daemon(tmp_path / "house") as daemon,
    ):
        street.open_shop(daemon, 200)
        daemon.until(street.bridged, "somebody talks")
        for fault in faults:
            street.fault(**fault)

        def told() -> bool:
            why = daemon.ask("campaign.why", campaign=street.campaign)
            status = daemon.ask("daemon.status")["status"]["servers"]["street"]
            return why["factor"] == "link" and why["because"] != "" and words in status

        daemon.until(told, f"campaign.why names the link, daemon.status {words!r}")
        before = street.invites(), len(daemon.attempts(street.campaign))
        assert daemon.ask("campaign.why", campaign=street.campaign)["dialing"] is False
        assert daemon.ask("trunk.list")["trunks"][0]["link"].startswith("down: ")

        def back() -> bool:
            attempts = len(daemon.attempts(street.campaign))
            linked = daemon.linked
            assert linked or attempts == before[1], "a call was decided while the link was down"
            return linked

        daemon.until(back, "the link is back")
        daemon.until(lambda: street.invites() > before[0], "dialing goes on by itself")
        daemon.ask("campaign.stop", campaign=street.campaign)
        await_finished(daemon, street.campaign)
        print("\n", check_books(daemon, street.campaign, street.books()["invites"], MAX_ATTEMPTS, over=False))
        check_street(street.books(), daemon.attempts(street.campaign))


@pytest.mark.timeout(120)
@pytest.mark.parametrize("killed", [False, True], ids=["the link comes back", "the daemon is killed too"])
def test_O08_a_hang_up_that_was_lost_with_the_link_is_asked_again(tmp_path: Path, killed: bool) -> None:
    scenario = busy_street("nailed_up")
    scenario["customers"]["talk"] = {"shape": "fixed", "mean_s": 80_000}
    with (
        StreetProcess(tmp_path, scenario, speed=10, seed=3) as street,
        street.daemon(tmp_path / "house") as daemon,
    ):
        street.open_shop(daemon, 30)
        daemon.until(lambda: len(street.bridged()) == len(street.agents), "everybody talks")
        call, agent = next(iter(street.bridged().items()))
        daemon.stand_by()
        street.fault("cut_at_action", action="Hangup", when="before")
        street.fault("cut_at_action", action="Hangup", when="before")
        daemon.ask("agent.hangup", agent=agent)
        if killed:
            daemon.kill()
            daemon.start(linked=False)
        daemon.until(lambda: call not in street.bridged(), "the call is over")

        def on_record() -> tuple[str, str]:
            found = next(attempt for attempt in daemon.attempts(street.campaign) if attempt["call"] == call)
            return found["outcome"], found["agent"]

        daemon.until(lambda: on_record() == ("connected", agent), "and on record as a talk")


LOSSES = {
    "restarted": ("Asterisk is shutting down", "cannot reach"),
    "killed": ("connection lost", "closed the connection", "cannot reach"),
    "frozen": ("no sign of life",),
}
"""What befalls Asterisk, and the words for it in daemon.status."""


@pytest.mark.asterisk
@pytest.mark.timeout(180)
@pytest.mark.parametrize("loss", LOSSES)
def test_O08_asterisk_lost_during_live_calls_leaves_nothing_open(tmp_path: Path, loss: str) -> None:
    began = time.monotonic()
    with Rig() as rig:
        rig.start_phones()
        with HouseOnAsterisk(rig, tmp_path / "house") as daemon:
            daemon.begin_campaign(leads_on_asterisk(27))
            daemon.until(lambda: len(daemon.bridged()) >= 4, "four talk")
            bridged = daemon.bridged()
            {"restarted": rig.stop, "killed": rig.kill9, "frozen": rig.freeze}[loss]()

            def told() -> bool:
                status = daemon.ask("daemon.status")["status"]["servers"]["pbx"]
                return daemon.why()["factor"] == "link" and any(words in status for words in LOSSES[loss])

            daemon.until(told, "daemon.status and campaign.why say what is wrong")
            assert daemon.why()["because"].startswith("no AMI link to pbx: ")
            before = sum(rig.invites().values())
            on_record = len(daemon.attempts("spring"))
            if loss == "frozen":
                rig.thaw()
            else:
                rig.start()
            daemon.until(lambda: daemon.linked, "the link is back")
            daemon.until(lambda: sum(rig.invites().values()) > before, "dialing goes on by itself")
            at_loss = daemon.attempts("spring")[:on_record]
            lost = [agent["agent"] for agent in daemon.ask("agent.list")["agents"] if agent["state"] == "not_ready"]
            nailed_up = {agent for agent, how in AGENTS.items() if how == "nailed_up"}
            if loss == "frozen":
                assert lost == []
            else:  # their phones are off the hook, or were hung up while they rang: each says when he is there again
                assert loss == "restarted" or set(lost) <= nailed_up
                for agent in lost:
                    daemon.ask("agent.ready", agent=agent)
                    daemon.until_at_work(agent)
            if (
                loss == "restarted"
            ):  # leads that were refused by a dying Asterisk rest for a minute: not waited for here
                daemon.ask("campaign.stop", campaign="spring")
            await_finished(daemon, "spring")
            over = loss != "restarted"
            figures = check_books(daemon, "spring", rig.invites(), daemon.max_attempts, over=over)
            outcomes = {attempt["call"]: attempt["outcome"] for attempt in daemon.attempts("spring")}
            assert {outcomes[call] for call in bridged} == {"connected"}
            if loss == "killed":
                assert {outcomes[a["call"]] for a in at_loss if a["connected_at"] is None} <= {
                    "lost",
                    "abandoned",
                    "busy",
                    "congestion",
                }
            print(f"\n{loss}: {len(bridged)} talked; {figures}; {time.monotonic() - began:.0f} s in all")
