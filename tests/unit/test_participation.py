"""Whether leads take part: the legal moves and no other, and cumulative totals that are never counted by scanning (C14)."""

from __future__ import annotations

from collections import Counter

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from dialerd.campaigns.engine import Engine
from dialerd.model import facts as f
from dialerd.model import intents as i
from dialerd.model.states import PARTICIPATION
from tests.doubles.desk_of_facts import only
from tests.doubles.desk_with_store import House

SAID = ("registered", "confirmed", "joined", "cancelled")
LEGAL = {
    ("registered", "confirmed"), ("registered", "joined"), ("registered", "cancelled"),
    ("confirmed", "joined"), ("confirmed", "cancelled"), ("joined", "cancelled"),
}  # fmt: skip


def test_C14_the_table_has_the_moves_of_the_feature_and_no_other() -> None:
    moves = {(state, after) for state, kinds in PARTICIPATION.items() for after in kinds.values() if state != "none"}
    assert moves == LEGAL
    assert set(PARTICIPATION["none"].values()) == {"registered"}


@pytest.mark.parametrize("state", SAID)
@pytest.mark.parametrize("to", SAID)
def test_C14_a_person_moves_a_lead_legally_or_is_told_what_is_legal(state: str, to: str) -> None:
    house = House(leads=1)
    way = {"registered": [], "confirmed": ["confirmed"], "joined": ["joined"], "cancelled": ["cancelled"]}[state]
    for step in ["registered", *way]:
        assert house.ask("lead.set-participation", campaign="spring", phones=["5000"], to=step)["ok"]
    reply = house.ask("lead.set-participation", campaign="spring", phones=["5000"], to=to)
    if state == to:
        assert reply["result"]["unchanged"] == 1
    elif (state, to) in LEGAL:
        assert reply["result"]["moved"] == 1
        assert house.lead("5000").participation == to
        assert house.lead("5000").participation_at == house.now
    else:
        assert reply["error"]["code"] == "illegal_move"
        assert reply["error"]["allowed"] == sorted(after for before, after in LEGAL if before == state)
        assert house.lead("5000").participation == state


def test_C14_of_a_list_each_lead_that_stays_is_told() -> None:
    house = House(leads=2)
    house.ask("lead.set-participation", campaign="spring", phones=["5000"], to="registered")
    reply = house.ask("lead.set-participation", campaign="spring", phones=["5000", "5001", "5999", "5000"], to="joined")
    assert reply["result"]["moved"] == 1
    assert reply["result"]["refused"] == [
        {"phone": "5001", "because": "has not registered, allowed: registered"},
        {"phone": "5999", "because": "not a lead of the campaign"},
    ]


def test_C14_a_lead_that_waits_in_the_hopper_or_talks_keeps_what_was_said() -> None:
    house = House(leads=2)
    wanted = house.agent_ready("1001")
    call = only(wanted, i.Dial)
    other = "5001" if call.number == "5000" else "5000"
    for phone in (call.number, other):
        assert house.ask("lead.set-participation", campaign="spring", phones=[phone], to="registered")["ok"]
    wanted = house.take(f.CallEnded(call.call, cause=17), after=1.0)
    second = only(wanted, i.Dial)
    assert second.number == other
    house.take(f.CallEnded(second.call, cause=17), after=1.0)
    assert [lead.participation for lead in house.rows.leads.values()] == ["registered", "registered"]
    assert [lead.last_outcome for lead in house.rows.leads.values()] == ["busy", "busy"]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(st.lists(st.sampled_from(["5000", "5001", "5002", "5003"]), min_size=1), st.sampled_from(SAID)),
        max_size=12,
    )
)
def test_C14_totals_are_cumulative_whatever_was_said_and_survive_a_restart(said: list[tuple[list[str], str]]) -> None:
    house = House(leads=4)
    for phones, to in said:
        house.ask("lead.set-participation", campaign="spring", phones=phones, to=to)
    there = Counter(lead.participation for lead in house.rows.leads.values() if lead.participation)
    expected = {
        "registered": sum(there.values()),
        "confirmed": there["confirmed"] + there["joined"],
        "joined": there["joined"],
        "cancelled": there["cancelled"],
    }
    assert house.told("campaign.stats", campaign="spring").participation == expected
    for kept in (house.ledger.load(), house.rows.load("00c0ffee")):
        assert +Engine(kept).live.participations.get("spring", Counter()) == there
