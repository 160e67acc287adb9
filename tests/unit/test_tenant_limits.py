"""Limits of calls: of the whole house, and ordinary calls counted in on trunks (V09)."""

from __future__ import annotations

from typing import Any

import pytest

from dialerd.campaigns.why import why
from dialerd.model import facts as f
from dialerd.model import intents as i
from dialerd.model.limits import channel_prefix
from dialerd.model.policies import Floor
from tests.doubles.desk_of_facts import Centre, every, floor


def house(
    agents: int = 6, *, trunk: dict[str, Any] | None = None, trunks: dict[str, Any] | None = None, **more: Any
) -> Centre:
    """Two campaigns with enough leads and agents; the trunk has ten lines."""
    main = {"server": "pbx", "dial": "PJSIP/{number}@main", "lines": 10, "calls_per_second": 1000, **(trunk or {})}
    other = {"name": "Autumn", "trunks": ["main"], "region": "none"}
    centre = Centre(
        floor(agents=agents, campaigns={"autumn": other}, trunks={"main": main, **(trunks or {})}, **more), leads=100
    )
    centre.take(f.LeadsAdded("autumn", tuple(f.NewLead(str(9000 + n)) for n in range(100)), "test", "olga"))
    centre.ask("campaign.start", campaign="autumn")
    for n in range(agents):
        centre.agent_ready(str(1001 + n))
    centre.take(after=1)
    return centre


def end_one(centre: Centre) -> None:
    """The oldest call is over."""
    centre.take(f.CallEnded(next(iter(centre.live.calls)), cause=17, sip=486), after=1)
    centre.take(after=1)


def test_V09_all_campaigns_together_never_have_more_calls_than_the_house_may() -> None:
    centre = house(limits={"calls": 4})
    for _ in range(20):
        assert len(centre.live.calls) == 4
        end_one(centre)
    found = why(centre.live, "spring")
    assert (found["factor"], found["because"]) == (
        "house_lines",
        "the house may have no more than 4 calls: 4 calls of campaigns",
    )
    assert why(centre.live, "autumn")["factor"] == "house_lines"
    assert {call.campaign for call in centre.live.calls.values()} == {"spring", "autumn"}


def test_V09_ordinary_calls_are_counted_in_as_they_come_and_go() -> None:
    centre = house(trunk={"count_ordinary": True}, limits={"calls": 6})
    centre.take(f.OrdinaryCalls("pbx", {"main": 2}))
    assert len(centre.live.calls) == 6, "calls in progress are never ended for it"
    for _ in range(2):
        end_one(centre)
    assert len(centre.live.calls) == 4
    assert "4 calls of campaigns, 2 held by ordinary calls" in why(centre.live, "spring")["because"]
    wanted = centre.take(f.OrdinaryCalls("pbx", {"main": 0}), after=1)
    assert every(wanted, i.Dial)
    centre.take(after=1)
    assert len(centre.live.calls) == 6


def test_V09_the_lines_of_a_trunk_are_shared_with_ordinary_calls() -> None:
    centre = house(trunk={"count_ordinary": True, "lines": 5})
    assert len(centre.live.calls) == 5
    centre.take(f.OrdinaryCalls("pbx", {"main": 3}))
    for _ in range(6):
        end_one(centre)
    assert len(centre.live.calls) == 2
    assert why(centre.live, "spring")["because"] == (
        "no line of trunk main is free: 2 lines in use, 3 held by ordinary calls or kept for them"
    )


def test_V09_reserved_lines_are_left_free_and_more_only_if_more_are_held() -> None:
    centre = house(trunk={"ordinary_lines": 7, "count_ordinary": True})
    assert len(centre.live.calls) == 3
    centre.take(f.OrdinaryCalls("pbx", {"main": 5}))
    end_one(centre)
    assert len(centre.live.calls) == 3
    centre.take(f.OrdinaryCalls("pbx", {"main": 9}))
    for _ in range(3):
        end_one(centre)
    assert len(centre.live.calls) == 1


def test_V09_the_reserve_is_part_of_what_the_house_may_use() -> None:
    centre = house(trunk={"ordinary_lines": 4}, limits={"calls": 6})
    assert len(centre.live.calls) == 2


def test_V09_two_trunks_on_one_endpoint_have_the_same_ordinary_calls() -> None:
    twin = {"server": "pbx", "dial": "PJSIP/9{number}@main", "count_ordinary": True}
    centre = house(trunk={"count_ordinary": True}, trunks={"twin": twin}, limits={"calls": 6})
    centre.take(f.OrdinaryCalls("pbx", {"main": 3, "twin": 3}))
    assert centre.live.ordinary.total == 3
    configuration = {
        **centre.configuration,
        "trunks": {**centre.configuration["trunks"], "twin": {**twin, "dial": "PJSIP/{number}@b"}},
    }
    centre.take(f.Configured(configuration))
    assert centre.live.ordinary.total == 6


def test_V09_counts_that_are_not_asked_for_any_more_or_of_another_server_are_passed_by() -> None:
    centre = house(trunk={"count_ordinary": True})
    centre.take(f.OrdinaryCalls("elsewhere", {"main": 9}), f.OrdinaryCalls("pbx", {"gone": 9}))
    assert centre.live.ordinary.total == 0
    centre.take(f.OrdinaryCalls("pbx", {"main": 9}))
    assert centre.live.ordinary.total == 9
    centre.take(f.Configured(floor(agents=6)))
    assert centre.live.ordinary.total == 0


@pytest.mark.parametrize(
    ("dial", "prefix"),
    [
        ("PJSIP/{number}@carrier", "PJSIP/carrier-"),
        ("pjsip/9{number}@car-b", "PJSIP/car-b-"),
        ("SIP/carrier/{number}", "SIP/carrier-"),
        ("PJSIP/carrier/sip:{number}@198.51.100.7", "PJSIP/carrier-"),
        ("IAX2/peer/{number}", "IAX2/peer-"),
        ("DAHDI/g1/{number}", ""),
        ("Local/{number}@out", ""),
    ],
)
def test_V09_the_names_of_a_trunk_s_channels_begin_as_its_dial_string_says(dial: str, prefix: str) -> None:
    assert channel_prefix(dial) == prefix


def test_V09_what_cannot_be_counted_or_leaves_no_line_is_refused() -> None:
    dahdi = {"server": "pbx", "dial": "DAHDI/g1/{number}", "count_ordinary": True}
    with pytest.raises(ValueError, match="needs a dial string that names its endpoint"):
        Floor.model_validate(floor(trunks={"t": dahdi}))
    with pytest.raises(ValueError, match="ordinary_lines must be below lines, which is 4"):
        Floor.model_validate(floor(trunks={"t": {**dahdi, "count_ordinary": False, "lines": 4, "ordinary_lines": 4}}))
