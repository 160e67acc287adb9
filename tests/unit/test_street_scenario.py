"""Scenarios: the ones that come with the project are right, and a wrong one says key, what was found, what is allowed.

Never a scenario that is played.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dialerd.model.phones import AS_DIALED, normalise
from dialerd.model.policies import Floor
from sim.scenario import (
    OVERSEER,
    STREET,
    ScenarioError,
    check_scenario,
    floor_of,
    leads_of,
    read_scenario,
    scenario_names,
)


@pytest.mark.parametrize("name", scenario_names())
def test_O07_every_scenario_makes_a_floor_that_the_daemon_takes(name: str) -> None:
    scenario = read_scenario(name)
    floor = floor_of(scenario)
    assert floor.unknown_names() == []
    assert Floor.model_validate_json(floor.model_dump_json()) == floor
    assert set(floor.servers) == {STREET}
    assert set(floor.trunks) == {STREET}
    assert len(floor.agents) == scenario.agents.count
    assert all(floor.people[agent].roles == ["agent"] for agent in floor.agents)
    assert "owner" in floor.people[OVERSEER].roles
    assert floor.campaigns == {name: scenario.campaign}


@pytest.mark.parametrize("name", scenario_names())
def test_C06_every_scenarios_leads_are_numbers_that_its_campaign_takes(name: str) -> None:
    scenario = read_scenario(name)
    leads = leads_of(scenario)
    assert leads
    assert len({lead.phone for lead in leads}) == len(leads)
    for lead in [*leads[:50], *leads[:: max(1, len(leads) // 50)], leads[-1]]:
        assert normalise(lead.phone, scenario.campaign.region) == lead.phone


def test_O07_scripted_leads_carry_their_script() -> None:
    scenario = read_scenario("scripted")
    assert scenario.campaign.region == AS_DIALED
    phones = [lead.phone for lead in leads_of(scenario)]
    assert phones[:2] == ["71005020001", "71005020002"]
    assert sum(1 for phone in phones if phone.startswith("72005486")) == 5


WRONG: list[tuple[Any, str]] = [
    ([1], "scenario: found list, allowed: a mapping of keys"),
    ({}, "name: missing"),
    ({"name": "x", "hourz": 1}, "hourz: unknown key; allowed: about, agents, campaign"),
    ({"name": "x", "leads": {"cnt": 3}}, "leads.cnt: unknown key; allowed: count, first, numbers, scripts"),
    ({"name": "x", "agents": {"count": -1}}, "agents.count: found -1, input should be greater than or equal to 0"),
    ({"name": "x", "agents": {"softphone": "x"}}, "agents.softphone: found 'x', input should be 'ring' or 'nailed_up'"),
    ({"name": "x", "customers": {"answer_rate": 0.9, "busy": 0.2}}, "customers: the shares add up to 1.14"),
    ({"name": "x", "customers": {"answer_rate": [{"from_h": 1, "rate": 0.2}]}}, "must begin at from_h 0"),
    (
        {"name": "x", "customers": {"talk": {"mean": 3}}},
        "customers.talk.mean: unknown key; allowed: cv, least_s, mean_s",
    ),
    (
        {"name": "x", "lines": {"outages": [{"from_s": 5, "until_s": 5}]}},
        "lines.outages.0: until_s must be after from_s",
    ),
    ({"name": "x", "campaign": {"trunks": ["t"]}}, "campaigns.x.trunks.0: found 't', allowed: street"),
    ({"name": "x", "campaign": {"schedule": "no"}}, "campaigns.x.schedule: found 'no', allowed: none"),
    ({"name": "x", "campaign": {"ring_s": 3}}, "campaign.ring_s: found 3, input should be greater than or equal to 15"),
    ({"name": "x", "campaign": 3}, "campaign: found 3"),
    (
        {"name": "x", "leads": {"scripts": {"71005020": 3}}},
        "leads.scripts: found 71005020, allowed: with +352 before it, or campaign.region none",
    ),
    ({"name": "x", "leads": {"scripts": {"81005020": 3}}}, "leads.scripts.81005020"),
]


@pytest.mark.parametrize(("given", "message"), WRONG)
def test_O01_a_wrong_scenario_names_the_key_what_was_found_and_what_is_allowed(given: Any, message: str) -> None:
    with pytest.raises(ScenarioError) as trouble:
        check_scenario(given)
    assert message in str(trouble.value)


def test_O01_every_fault_of_a_scenario_is_told_at_once() -> None:
    with pytest.raises(ScenarioError) as trouble:
        check_scenario({"name": "x y", "hours": -1, "agents": {"count": "many"}})
    assert [line.split(":")[0] for line in str(trouble.value).split("\n")] == ["name", "hours", "agents.count"]


def test_O01_a_scenario_that_does_not_exist_names_those_that_do() -> None:
    with pytest.raises(ScenarioError, match="found 'nothing', allowed: demo, scripted, shift8h, small, or a YAML file"):
        read_scenario("nothing")


def test_O01_a_file_that_cannot_be_read_or_is_no_yaml_is_told(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="cannot be read"):
        read_scenario(tmp_path / "none.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("name: [")
    with pytest.raises(ScenarioError, match="cannot be read"):
        read_scenario(broken)


def test_O07_a_scenario_of_ones_own_is_read_from_a_file(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("name: own\nhours: 2\nleads: {count: 3}\n")
    scenario = read_scenario(str(own))
    assert (scenario.name, scenario.hours, len(leads_of(scenario))) == ("own", 2, 3)
    assert scenario.campaign.trunks == [STREET]
