"""Progressive dialing on a real Asterisk: forty leads, four agents, and what each customer and agent really heard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.asterisk.centre import CAMPAIGN, Centre
from tests.asterisk.progressive_list import Scripted, forty_leads
from tests.asterisk.rig.asterisk import Rig

AGENTS = ("1301", "1302", "1303", "1304")
"""Softphones with a tone of their own each."""
WRAP_UP_S = 0.5
HEARD_S = 0.3
"""So much of a tone is proof, in seconds; each customer talks for two, less what a busy machine takes of it."""
_ROUNDING_S = 0.005
"""Instants are told in milliseconds."""


@pytest.mark.parametrize(("softphone", "region"), [("ring", "none"), ("nailed_up", "LU")])
def test_V03_V11_every_lead_ends_as_its_number_says(asterisk: Rig, tmp_path: Path, softphone: str, region: str) -> None:
    """With region LU the numbers pass the gate as E.164 numbers of Luxembourg; with none they are kept as they are."""
    run_forty_leads(asterisk, tmp_path, dict.fromkeys(AGENTS, softphone), region)


def run_forty_leads(rig: Rig, folder: Path, softphones: Mapping[str, str], region: str) -> None:
    """The whole run and all that must hold of it; also for another Asterisk. `softphones`: agent to how it is used."""
    leads = forty_leads(1 if region == "none" else 2)
    prefix = "+352" if region == "LU" else ""
    policy = {"region": region, "wrap_up_s": WRAP_UP_S}
    before = rig.agent_invites()
    with Centre(rig, folder, softphones, policy) as centre:
        centre.begin([prefix + lead.number for lead in leads], *AGENTS)
        centre.until(lambda: centre.why()["factor"] == "leads_done", "all leads are done", 100)
        attempts = centre.attempts_over(CAMPAIGN)
        dialled = {lead.number: prefix.removeprefix("+") + lead.number for lead in leads}
        by_number = {row["number"].removeprefix(prefix): row for row in attempts}

        assert len(attempts) == len(by_number) == len(leads)  # one attempt a lead
        assert outcomes(by_number, leads) == {lead.number: expected(lead, rig) for lead in leads}
        assert_lead_states(centre, leads, prefix)
        assert_never_more_calls_than_ready_agents(attempts)
        for lead in leads:
            if lead.early:
                assert seconds(by_number[lead.number], "placed_at", "answered_at") > 1.9  # the 183 is no answer

        invites = rig.invites()
        assert {number: invites.get(number, 0) for number in dialled.values()} == dict.fromkeys(dialled.values(), 1)
        assert_all_are_free(centre, softphones)
        assert_customers_heard_their_agents(rig, leads, by_number, dialled)
        for agent, softphone in softphones.items():
            assert_agent_heard_his_customers(rig, leads, by_number, agent, softphone, before.get(agent, 0))
        stats = centre.stats()
        assert (stats["placed"], stats["connected"], stats["abandoned"], stats["lost"]) == (40, 22, 0, 0)
        assert centre.ask("daemon.status")["status"]["oddities"] == {}

        for agent in AGENTS:
            centre.ask("agent.logout", agent=agent)
        centre.until_channels(lambda names: not names, "no channel is left on Asterisk")


def expected(lead: Scripted, rig: Rig) -> tuple[str, int | None, int | None]:
    """Outcome, cause and SIP code as they have to be recorded; the SIP code is not told by Asterisk 16."""
    return lead.outcome, lead.cause, lead.sip if rig.root.suite != "bullseye" else None


def outcomes(
    by_number: Mapping[str, dict[str, Any]], leads: Iterable[Scripted]
) -> dict[str, tuple[str, int | None, int | None]]:
    """What was recorded; the cause of our own timeout and the SIP code of a call that was answered say nothing."""
    found: dict[str, tuple[str, int | None, int | None]] = {}
    for lead in leads:
        row = by_number[lead.number]
        cause = row["cause"] if lead.cause is not None else None
        sip = row["sip"] if lead.sip is not None else None
        found[lead.number] = (row["outcome"], cause, sip)
    return found


def assert_lead_states(centre: Centre, leads: list[Scripted], prefix: str) -> None:
    """C09: reached, failed by a number that is no good, or all attempts used."""
    bad = ("unallocated", "changed", "bad_format")
    found = {row["phone"].removeprefix(prefix): (row["state"], row["attempts"]) for row in centre.leads(CAMPAIGN)}
    wanted = {
        lead.number: ("succeeded" if lead.connected else "failed" if lead.outcome in bad else "exhausted", 1)
        for lead in leads
    }
    assert found == wanted


def at(row: Mapping[str, Any], key: str) -> float:
    """An instant of an attempt."""
    return datetime.fromisoformat(row[key]).timestamp()


def seconds(row: Mapping[str, Any], start: str, end: str) -> float:
    """Between two instants of an attempt."""
    return at(row, end) - at(row, start)


def assert_never_more_calls_than_ready_agents(attempts: list[dict[str, Any]]) -> None:
    """V03: whenever a call is placed, the other live calls and the agents in wrap-up leave an agent for it."""
    for placed in attempts:
        now = at(placed, "placed_at")
        others = [row for row in attempts if row is not placed]
        alive = sum(1 for row in others if at(row, "placed_at") <= now < at(row, "ended_at") - _ROUNDING_S)
        wrapping = sum(
            1
            for row in others
            if row["connected_at"] and at(row, "ended_at") <= now < at(row, "ended_at") + WRAP_UP_S - _ROUNDING_S
        )
        assert alive + wrapping < len(AGENTS), (
            f"{placed['number']} was placed beside {alive} calls and {wrapping} in wrap-up"
        )


def assert_all_are_free(centre: Centre, softphones: Mapping[str, str]) -> None:
    """Every agent is ready, his phone as it was, and nothing else is alive on Asterisk."""
    centre.until(lambda: all(row["state"] == "ready" for row in centre.ask("agent.list")["agents"]), "all are ready")
    phones = {row["agent"]: (row["call"], row["phone_state"]) for row in centre.ask("agent.list")["agents"]}
    assert phones == {agent: ("", "idle" if how == "nailed_up" else "") for agent, how in softphones.items()}
    assert centre.ask("call.list")["calls"] == []
    assert centre.ask("trunk.list")["trunks"][0]["in_use"] == 0
    kept = list(softphones.values()).count("nailed_up")
    centre.until_channels(lambda names: len(names) == kept, f"{kept} channels are left on Asterisk")


def assert_customers_heard_their_agents(
    rig: Rig, leads: list[Scripted], by_number: Mapping[str, dict[str, Any]], dialled: Mapping[str, str]
) -> None:
    """Each customer with a voice heard the agent on record and nobody else."""
    for lead in leads:
        row = by_number[lead.number]
        assert bool(row["agent"]) is lead.connected
        if lead.speaks:
            heard = rig.customer_heard(dialled[lead.number])
            agent = f"agent-{row['agent'][-1]}"
            assert set(heard) - {"music", "sound"} == {agent}, lead.number
            assert heard[agent] > HEARD_S, (lead.number, heard)


def assert_agent_heard_his_customers(
    rig: Rig, leads: list[Scripted], by_number: Mapping[str, dict[str, Any]], agent: str, softphone: str, before: int
) -> None:
    """An agent heard his customers and nobody else: each on a call of its own if rung, else all on one."""
    mine = sorted(
        (lead for lead in leads if by_number[lead.number]["agent"] == agent),
        key=lambda lead: at(by_number[lead.number], "connected_at"),
    )
    calls = rig.agent_invites()[agent] - before
    if softphone == "nailed_up":
        assert calls == 1
        assert set(rig.agent_heard(agent)) - {"music", "sound"} == {lead.speaks for lead in mine} - {""}
        return
    assert calls == len(mine)
    for n, lead in enumerate(mine):
        heard = rig.agent_heard(agent, which=before + n)
        assert set(heard) - {"sound"} == {lead.speaks} - {""}, (agent, lead.number)
        assert not lead.speaks or heard[lead.speaks] > HEARD_S, (lead.number, heard)
