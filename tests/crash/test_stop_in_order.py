"""Stopping and reloading on a real Asterisk: talks are finished or left alive, and a wrong file changes nothing.

Never judges how long an order takes: only what is alive, on record and logged when it is carried out.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.asterisk.rig.asterisk import Rig
from tests.crash.asterisk_house import AGENTS, HouseOnAsterisk, leads_on_asterisk
from tests.crash.bookkeeping import FINAL, await_finished, check_books
from tests.crash.killing import AT_WORK
from tests.doubles.daemon_process import RefusedError

pytestmark = [pytest.mark.crash, pytest.mark.asterisk]

STAYS = "71005000"
"""Answers after half a second and never hangs up."""


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as asterisk:
        asterisk.start_phones()
        yield asterisk


def talkers(count: int) -> list[str]:
    return [f"{STAYS}{n:03d}" for n in range(count)]


def house(rig: Rig, tmp_path: Path, limit_s: float, agents: dict[str, Any] | None = None) -> HouseOnAsterisk:
    return HouseOnAsterisk(rig, tmp_path / "house", agents, drain={"limit_s": limit_s})


def talking(daemon: HouseOnAsterisk) -> dict[str, str]:
    """Calls that talk as the daemon has it, each with its agent."""
    calls = daemon.ask("call.list", limit=1000)["calls"]
    return {call["call"]: call["agent"] for call in calls if call["state"] == "talking"}


def ended(daemon: HouseOnAsterisk) -> int:
    """Wait until the process has ended; its exit status."""
    daemon.until(lambda: not daemon.running, "the daemon has ended", 60)
    assert daemon.process is not None
    return int(daemon.process.returncode)


@pytest.mark.timeout(120)
def test_O04_sigterm_lets_talks_finish_and_begins_no_call(rig: Rig, tmp_path: Path) -> None:
    with house(rig, tmp_path, 60) as daemon:
        daemon.begin_campaign(leads_on_asterisk(60))
        daemon.until(lambda: len(daemon.bridged()) >= 4, "four talk")
        bridged = daemon.bridged()
        daemon.signal(signal.SIGTERM)
        daemon.until(lambda: daemon.why()["factor"] == "draining", "campaign.why says that it is drained")
        placed = {call["call"] for call in daemon.attempts("spring")}
        assert daemon.ask("daemon.status")["status"]["draining"]
        assert ended(daemon) == 0
        assert daemon.bridged() == {}, "the talks are over"
        assert daemon.channels("@trunk") == []
        assert "draining" in daemon.log
        daemon.start()
        daemon.ask("campaign.pause", campaign="spring")
        outcomes = {call["call"]: call["outcome"] for call in daemon.attempts("spring") if call["call"] in placed}
        assert {outcomes[call] for call in bridged} == {"connected"}
        assert "lost" not in outcomes.values(), "every call was seen to its end"
        agents = {row["agent"]: row["state"] for row in daemon.ask("agent.list")["agents"]}
        assert set(agents.values()) <= AT_WORK, "who was at work is at work"
        daemon.ask("campaign.stop", campaign="spring")
        await_finished(daemon, "spring")
        print("\n", check_books(daemon, "spring", rig.invites(), daemon.max_attempts, over=False))


@pytest.mark.timeout(120)
@pytest.mark.parametrize("end", ["the limit is over", "a second SIGTERM"])
def test_O04_talks_outlive_a_stop_that_does_not_wait_for_them(rig: Rig, tmp_path: Path, end: str) -> None:
    with house(rig, tmp_path, 3600 if end == "a second SIGTERM" else 1) as daemon:
        daemon.begin_campaign(talkers(len(AGENTS)))
        daemon.until(lambda: len(talking(daemon)) == len(AGENTS), "everybody talks")
        bridged = daemon.bridged()
        assert len(bridged) == len(AGENTS)
        daemon.signal(signal.SIGTERM)
        if end == "a second SIGTERM":
            daemon.until(lambda: daemon.why()["factor"] == "draining", "it drains")
            assert daemon.bridged() == bridged
            daemon.signal(signal.SIGTERM)
        assert ended(daemon) == 0
        assert daemon.bridged() == bridged, "Asterisk goes on with them"
        daemon.start()
        daemon.until(lambda: talking(daemon) == bridged, "all of them are adopted")
        for call in bridged:
            daemon.ask("call.hangup", call=call)
        await_finished(daemon, "spring")
        figures = check_books(daemon, "spring", rig.invites(), daemon.max_attempts)
        assert figures.outcomes == {"connected": len(AGENTS)}
        print(f"\n{end}: {len(bridged)} adopted; {figures}")


@pytest.mark.timeout(120)
def test_O01_sighup_reads_the_configuration_again_and_keeps_calls(rig: Rig, tmp_path: Path) -> None:
    with house(rig, tmp_path, 5, {"1001": "ring", "1011": "nailed_up"}) as daemon:
        daemon.begin_campaign(talkers(3))
        daemon.until(lambda: len(talking(daemon)) == 2, "two talk")
        bridged = daemon.bridged()
        new = yaml.safe_load(daemon.config.read_text())
        new["agents"]["1002"] = {"phone": "PJSIP/1002", "server": "pbx"}
        new["campaigns"]["spring"]["wrap_up_s"] = 0
        daemon.write(new)
        daemon.signal(signal.SIGHUP)
        daemon.until(lambda: len(daemon.ask("agent.list")["agents"]) == 3, "the new agent is known")
        assert "reloaded" in daemon.log
        assert daemon.bridged() == bridged
        assert talking(daemon) == bridged
        daemon.ask("agent.login", agent="1002", ready=True)
        daemon.until(lambda: len(talking(daemon)) == 3, "the new agent talks too")
        for call in talking(daemon):
            daemon.ask("call.hangup", call=call)
        await_finished(daemon, "spring")
        assert check_books(daemon, "spring", rig.invites(), daemon.max_attempts).outcomes == {"connected": 3}


BROKEN: dict[str, tuple[str, str]] = {
    "a wrong value": ("    wrap_up_s: 0.5\n", "    wrap_up_s: soon\n"),
    "an unknown key": ("    wrap_up_s: 0.5\n", "    wrap_up_seconds: 1\n"),
    "a name of nothing": ("    - main\n", "    - mainn\n"),
    "no YAML": ("trunks:\n  main:\n", "trunks: [\n  main:\n"),
}
"""What is in the file, and what somebody writes instead."""


@pytest.mark.timeout(120)
def test_O01_a_broken_file_is_refused_with_its_line_and_the_old_one_holds(rig: Rig, tmp_path: Path) -> None:
    with house(rig, tmp_path, 5, {"1001": "ring", "1011": "nailed_up"}) as daemon:
        daemon.begin_campaign(talkers(4))
        daemon.until(lambda: len(talking(daemon)) == 2, "two talk")
        bridged = daemon.bridged()
        good = daemon.config.read_text()
        policy = daemon.ask("campaign.get", campaign="spring")["policy"]
        for what, (old, new) in BROKEN.items():
            assert good.count(old) == 1, what
            daemon.config.write_text(good.replace(old, new))
            line = good[: good.index(old)].count("\n") + 1
            said = len(daemon.log)
            daemon.signal(signal.SIGHUP)
            told = daemon.until_logged("reload.refused", said)
            # what follows an opened bracket is at fault from some later line on
            lines = range(line, line + 1) if what != "no YAML" else range(line, good.count("\n") + 2)
            assert any(f"dialerd.yaml:{n}:" in told for n in lines), told
            with pytest.raises(RefusedError) as refused:
                daemon.ask("daemon.reload")
            assert refused.value.error["code"] == "bad_configuration"
            assert daemon.ask("campaign.get", campaign="spring")["policy"] == policy
            assert daemon.bridged() == bridged == talking(daemon)
        daemon.config.write_text(good)
        daemon.ask("daemon.reload")
        for call in bridged:
            daemon.ask("call.hangup", call=call)
        daemon.until(lambda: len(set(talking(daemon)) - set(bridged)) == 2, "dialing goes on under the old one")
        for call in talking(daemon):
            daemon.ask("call.hangup", call=call)
        await_finished(daemon, "spring")
        assert check_books(daemon, "spring", rig.invites(), daemon.max_attempts).outcomes == {"connected": 4}
        assert {lead["state"] for lead in daemon.leads("spring")} <= FINAL
