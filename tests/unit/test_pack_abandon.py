"""V14 and the abandon rate (V04): how it is counted in which period, how long it rings, and what the gate makes of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.compliance.abandon_rule import Period, Rate, Tally, is_within, period, rate
from dialerd.compliance.pack import AbandonRule, Pack
from dialerd.compliance.pack_conflicts import conflicts
from dialerd.model.instants import FAR
from dialerd.model.policies import Campaign
from tests.unit.pack_cases import LONDON, NEW_YORK, at, pack, past, refusal

US = pack("us").abandon["three-percent"]
GB = pack("gb").abandon["three-percent"]


@pytest.mark.parametrize(
    ("tally", "within"),
    [
        (Tally(), True),
        (Tally(abandoned=3, connected=97), True),
        (Tally(abandoned=3, connected=96), False),
        (Tally(abandoned=3, connected=96, hung_up=1), True),  # who hangs up himself was answered, and not abandoned
        (Tally(abandoned=2, machine_mistakes=1, connected=97), True),
        (Tally(abandoned=2, machine_mistakes=2, connected=97), False),  # a person taken for a machine was abandoned
        (Tally(abandoned=3, connected=197, connected_machines=101), False),  # machines are no persons
        (Tally(abandoned=1), False),
    ],
)
def test_V14_united_states_at_most_3_of_100_calls_that_a_person_answered(tally: Tally, within: bool) -> None:
    assert is_within(US, tally) is within


def test_V14_united_states_blocks_of_thirty_days_from_the_campaigns_start_and_no_sliding_window() -> None:
    start = at("2026-09-01T12:00:00-04:00")
    day = 86400.0
    assert period(US, None, start, start) == Period(start, start + 30 * day)
    assert period(US, None, start, start + 30 * day - 1) == Period(start, start + 30 * day)
    assert period(US, None, start, start + 30 * day) == Period(start + 30 * day, start + 60 * day)
    assert period(US, None, start, start - day) == Period(start, start + 30 * day)


def test_V14_united_kingdom_the_formula_of_ofcom() -> None:
    # 12 abandons, 12 persons taken for machines, 820 given to agents of which 20 were machines: 24 of 824
    tally = Tally(abandoned=12, machine_mistakes=12, connected=820, connected_machines=20)
    found = rate(GB, tally)
    assert found == Rate(24, 824)
    assert f"{found.percent:.2f}" == "2.91"
    assert is_within(GB, tally)
    # without machine detection, abandons to machines are taken off
    assert rate(GB, Tally(abandoned=12, abandoned_machines=4, connected=92)) == Rate(8, 100)


def test_V14_united_kingdom_is_measured_by_calendar_day_over_the_change_of_clocks_too() -> None:
    zone = pack("gb").zone
    noon = at("2026-10-25T12:00:00+00:00")  # twenty-five hours
    assert period(GB, zone, 0.0, noon) == Period(at("2026-10-25T00:00:00+01:00"), at("2026-10-26T00:00:00+00:00"))


def test_V14_a_whole_campaign_is_one_period() -> None:
    whole = GB.model_copy(update={"measured": "campaign"})
    assert period(whole, None, 5.0, 10.0) == Period(5.0, FAR)


def test_a_rate_of_nothing_is_no_percentage() -> None:
    assert rate(GB, Tally()).percent is None


@given(
    st.builds(
        Tally,
        abandoned=st.integers(0, 50),
        connected=st.integers(0, 900),
        hung_up=st.integers(0, 50),
        machine_mistakes=st.integers(0, 9),
        abandoned_machines=st.integers(0, 99),
        connected_machines=st.integers(0, 999),
    ),
    st.sampled_from([US, GB]),
)
def test_V14_one_more_abandoned_call_never_makes_a_bad_rate_good(tally: Tally, rule: AbandonRule) -> None:
    worse = Tally(
        tally.abandoned + 1,
        tally.connected,
        tally.hung_up,
        tally.machine_mistakes,
        tally.abandoned_machines,
        tally.connected_machines,
    )
    assert is_within(rule, tally) or not is_within(rule, worse)


@pytest.mark.parametrize(
    ("name", "number", "when"),
    [("us", NEW_YORK, "2026-11-23T12:00:00-05:00"), ("gb", LONDON, "2026-11-23T12:00:00+00:00")],
)
def test_V04_beyond_the_abandon_rate_only_calls_with_a_guaranteed_agent_go_out(
    name: str, number: str, when: str
) -> None:
    good, bad = {"three-percent": Tally(3, 97)}, {"three-percent": Tally(4, 96)}
    asked: dict[str, Any] = {"agent_guaranteed": False, "history": past()}
    assert refusal(when, number, name, **asked, abandons=good) is None
    assert refusal(when, number, name, **asked, abandons=bad) == ("abandon_rate", at(when) + 60)
    assert refusal(when, number, name, **asked, abandons=None) == ("abandon_rate", at(when) + 60)
    assert refusal(when, number, name, **asked, abandons={}) == ("abandon_rate", at(when) + 60)
    asked["agent_guaranteed"] = True
    assert refusal(when, number, name, **asked, abandons=bad) is None


@pytest.mark.parametrize("name", ["us", "gb", "de"])
def test_V14_an_unanswered_call_rings_at_least_15_s(name: str) -> None:
    assert [ringing.at_least_s for ringing in pack(name).ringing.values()] == [15]


@pytest.mark.parametrize(("name", "clock"), [("us", "greeting_end"), ("gb", "answer")])
def test_V14_agent_or_message_within_2_s_of_the_greetings_end_or_of_the_answer(name: str, clock: str) -> None:
    rule = pack(name).abandon["three-percent"]
    assert (rule.agent_within_s, rule.message_within_s, rule.clock, rule.max_percent) == (2, 2, clock, 3)


def _ringing(seconds: float) -> Pack:
    us = pack("us")
    longer = us.ringing["fifteen-seconds"].model_copy(update={"at_least_s": seconds})
    return us.model_copy(update={"ringing": {"fifteen-seconds": longer}})


def test_V14_a_campaign_that_rings_too_short_is_refused() -> None:
    when = "2026-11-23T12:00:00-05:00"
    assert refusal(when, NEW_YORK, _ringing(20), policy={"ring_s": 19}) == ("ringing_time", at(when) + 60)
    assert refusal(when, NEW_YORK, _ringing(20), policy={"ring_s": 20}) is None


def test_V14_what_a_campaign_would_do_against_its_pack_is_told_when_it_is_written() -> None:
    bad = Campaign.model_validate({"name": "x", "trunks": ["t"], "ring_s": 15, "max_abandon_rate": 0.05})
    told = [(c.field, c.found, c.warning) for c in conflicts(_ringing(20), bad)]
    assert told == [
        ("ring_s", "15", False),
        ("max_abandon_rate", "0.05", False),
        ("max_wait_s", "20", True),
        ("drop_prompt", "nothing", True),
    ]
    good = Campaign.model_validate(
        {"name": "x", "trunks": ["t"], "max_abandon_rate": 0.03, "max_wait_s": 2, "drop_prompt": "sorry"}
    )
    assert conflicts(pack("us"), good) == []
    assert conflicts(pack("us"), bad, purpose="service") == []
    assert conflicts(pack("plain"), bad) == []
