"""The state tables hold together: every state can be reached, none is a trap, and every move is one that the engine makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialerd.campaigns.applying import APPLY
from dialerd.campaigns.in_flight import move_call
from dialerd.campaigns.live import Live
from dialerd.campaigns.presence import move_agent
from dialerd.model import facts, intents, states
from dialerd.model.errors import OurMistakeError
from dialerd.model.rows import AgentRow, AttemptRow

FINAL = {
    "call": {"ended"},
    "agent": set(),
    "campaign": {"deleted"},
    "lead": set(),  # by a person's word any of them is called again
    "participation": {"cancelled"},
    "ticket": {"closed"},
}


@pytest.mark.parametrize("name", states.TABLES)
def test_every_state_is_reached_and_only_final_ones_have_no_way_out(name: str) -> None:
    table = states.TABLES[name]
    reached = {next(iter(table))}
    while more := {after for state in reached for after in table[state].values()} - reached:
        reached |= more
    assert reached == set(table)
    assert {state for state, moves in table.items() if not moves} == FINAL[name]


@pytest.mark.parametrize("name", states.TABLES)
def test_every_move_leads_to_a_state_of_the_table(name: str) -> None:
    table = states.TABLES[name]
    for moves in table.values():
        assert set(moves.values()) <= set(table)


@pytest.mark.parametrize("state", states.CALL)
@pytest.mark.parametrize("kind", sorted({kind for moves in states.CALL.values() for kind in moves}))
def test_a_call_moves_as_the_table_says_and_otherwise_it_is_our_mistake(state: str, kind: str) -> None:
    live = Live("00c0ffee")
    call = AttemptRow("c", "x", 1, "5", "pbx", "main", "", state, 0.0)
    live.calls[call.id] = call
    live.trunk_lines["main"] = live.campaign_lines["x"] = 1
    after = states.CALL[state].get(kind)
    if after is None:
        with pytest.raises(OurMistakeError, match=f"is {state}: {kind} is illegal"):
            move_call(live, call, kind)
        assert call.state == state
    else:
        move_call(live, call, kind)
        assert call.state == after


@pytest.mark.parametrize("state", states.AGENT)
@pytest.mark.parametrize("kind", sorted({kind for moves in states.AGENT.values() for kind in moves}))
def test_an_agent_moves_as_the_table_says_and_otherwise_it_is_our_mistake(state: str, kind: str) -> None:
    live = Live("00c0ffee")
    agent = live.agents["1001"] = AgentRow("1001", state, 0.0)
    after = states.AGENT[state].get(kind)
    if after is None:
        with pytest.raises(OurMistakeError):
            move_agent(live, agent, kind)
        assert agent.state == state
    else:
        move_agent(live, agent, kind)
        assert agent.state == after


def test_every_fact_and_every_intent_has_its_entry() -> None:
    words = {
        kind
        for module, ground in ((facts, facts.Fact), (intents, intents.Intent))
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, ground) and kind is not ground
    }
    assert set(APPLY) == words


def test_docs_show_the_tables_as_they_are() -> None:
    from dialerd.control.state_diagrams import state_diagrams

    drawn = Path(__file__).parents[2] / "docs" / "states.md"
    assert drawn.read_text(encoding="utf-8") == state_diagrams(), "run `make docs`"
