"""Groups of hotlines and agents in the configuration: names that point at nothing are told with their place (O01, V08, C16)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.test_settings_read import GOOD, errors, settings

GROUPS = "hotline_groups:\n  south: [sales]\nagent_groups:\n  day: [an]\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("group", "campaign", "said"),
    [
        ("hotline_groups:\n  south: [sale]\n", "", 'hotline_groups.south.0: found "sale", not one of hotlines'),
        ("agent_groups:\n  day: [an, bo]\n", "", 'agent_groups.day.1: found "bo", not one of agents'),
        (GROUPS, "hotline_group: north", 'campaigns.hanoi.hotline_group: found "north", not one of hotline_groups'),
        (GROUPS, "agents: [bo]", 'campaigns.hanoi.agents.0: found "bo", not one of agents'),
        (GROUPS, "agent_groups: [night]", 'campaigns.hanoi.agent_groups.0: found "night", not one of agent_groups'),
        ("hotline_groups:\n  all: [sales]\n", "", "hotline_groups.all"),
        ("limits: {calls: 0}\n", "", "limits.calls: found 0"),
        ("limits: {call: 5}\n", "", "limits.call: found an unknown key"),
    ],
)
def test_O01_a_wrong_name_or_limit_is_told_with_its_place(group: str, campaign: str, said: str) -> None:
    text = group + GOOD.replace("    hotlines: [sales]\n", f"    hotlines: [sales]\n    {campaign}\n")
    assert any(said in error for error in errors(text)), errors(text)


def test_O01_groups_that_fit_are_taken() -> None:
    more = "    hotlines: [sales]\n    hotline_group: south\n    agent_groups: [day]\n    share: 3\n"
    made = settings(GROUPS + "limits: {calls: 5}\n" + GOOD.replace("    hotlines: [sales]\n", more))
    campaign = made.campaigns["hanoi"]
    assert (campaign.hotline_group, campaign.agent_groups, campaign.share) == ("south", ["day"], 3)
    assert made.limits.calls == 5
