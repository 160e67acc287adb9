"""The MQTT broker goes away while a campaign runs: dialing goes on, and when it is back so are commands and states.

Never a broker but the test's own, run by the configuration and the access rules of config/mosquitto.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contract.mqtt_people import ROOT, Person, broker_with, error, person, result, sample_acl
from tests.crash.bookkeeping import await_finished, check_books, check_street
from tests.crash.daemon_that_returns import DaemonThatReturns
from tests.crash.street_process import StreetProcess
from tests.crash.street_scenario import MAX_ATTEMPTS, busy_street
from tests.doubles.mosquitto import Broker

pytestmark = [pytest.mark.crash, pytest.mark.broker]

ENDS: dict[str, Callable[[Broker], None]] = {"stopped": Broker.stop, "killed": Broker.kill}


def mqtt_status(daemon: DaemonThatReturns) -> dict[str, Any]:
    """How the daemon says it stands with its broker."""
    status: dict[str, Any] = daemon.ask("daemon.status")["status"]["mqtt"]
    return status


async def ask(ann: Person, command: str, id_: str, **args: Any) -> bytes:
    """The newest answer to a command by MQTT."""
    topic = f"{ROOT}/reply/ann/{id_}"
    heard = len(ann.on(topic))
    await ann.ask(f"ann/{command}", json.dumps({"id": id_, **args}))
    return (await ann.hears(topic, heard + 1))[-1]


async def told(ann: Person, campaign: str, state: str) -> None:
    """Wait until the retained state of a campaign says so; it is published once a second at most."""
    topic, seen = f"{ROOT}/state/campaign/{campaign}", 0
    while True:
        heard = await ann.hears(topic, seen + 1)
        seen = len(heard)
        if json.loads(heard[-1])["why"]["state"] == state:
            return


@pytest.mark.timeout(180)
@pytest.mark.parametrize("end", ENDS)
async def test_O08_a_broker_that_goes_away_holds_up_no_call(tmp_path: Path, end: str) -> None:
    began = time.monotonic()
    with broker_with(sample_acl()) as broker, StreetProcess(tmp_path, busy_street("nailed_up"), speed=10) as street:
        people = {"ann": {"roles": ["owner", "admin", "supervisor"]}}
        mqtt = {"host": broker.host, "port": broker.port, "username": "dialerd", "password_file": "mqtt.password"}
        daemon = street.daemon(tmp_path / "house", mqtt=mqtt, people=people)
        daemon.secret("dialerd-secret", "mqtt.password")
        with daemon:
            daemon.until(lambda: mqtt_status(daemon)["connected"], "the broker is connected")
            street.open_shop(daemon, 40)
            async with person(broker, "ann") as ann:
                assert result(await ask(ann, "campaign/why", "1", campaign=street.campaign))["state"] == "running"
                paused = result(await ask(ann, "campaign/pause", "2", campaign=street.campaign))
                assert paused["state"] == "paused"
                result(await ask(ann, "campaign/resume", "3", campaign=street.campaign))
            ENDS[end](broker)
            daemon.until(lambda: not mqtt_status(daemon)["connected"], "daemon.status says that the broker is away")
            why = mqtt_status(daemon)["status"]
            assert why, "and why"
            before, talked = street.invites(), len(street.books()["pairs"])
            daemon.until(lambda: street.invites() >= before + 10, "dialing goes on")
            daemon.until(lambda: len(street.books()["pairs"]) >= talked + 5, "customers are bridged")
            assert daemon.ask("campaign.why", campaign=street.campaign)["factor"] != "link"
            daemon.ask("campaign.pause", campaign=street.campaign, note="by the local socket")
            assert daemon.log.count("mqtt.link") >= 2
            broker.start()
            daemon.until(lambda: mqtt_status(daemon)["connected"], "the broker is connected again")
            async with person(broker, "ann", f"{ROOT}/reply/ann/#", f"{ROOT}/state/#") as ann:
                assert json.loads((await ann.hears(f"{ROOT}/state/daemon"))[-1])["state"] == "online"
                for agent in street.agents:
                    assert json.loads((await ann.hears(f"{ROOT}/state/agent/{agent}"))[-1])["agent"] == agent
                await told(ann, street.campaign, "paused")
                # an id of before is known still, a new one is carried out
                assert result(await ask(ann, "campaign/pause", "2", campaign=street.campaign)) == paused
                refused = error(await ask(ann, "campaign/start", "4", campaign=street.campaign))
                assert refused["code"] == "illegal_move"
                result(await ask(ann, "campaign/resume", "5", campaign=street.campaign))
                await told(ann, street.campaign, "running")
            await asyncio.to_thread(await_finished, daemon, street.campaign)
            figures = check_books(daemon, street.campaign, street.books()["invites"], MAX_ATTEMPTS)
            check_street(street.books(), daemon.attempts(street.campaign))
            assert figures.outcomes.get("lost", 0) == 0
            print(f"\n{end} ({why}): {figures}; {time.monotonic() - began:.0f} s in all")
