"""The campaign screen (V10): open, an agent gets campaigns' calls while he is ready; closed, none."""

from __future__ import annotations

from dialerd.campaigns.why import why
from dialerd.model import facts as f
from dialerd.model import intents as i
from tests.doubles.desk_of_facts import Centre, every, floor, only


def test_V10_a_ready_agent_whose_screen_is_closed_gets_no_call_until_he_opens_it() -> None:
    centre = Centre(floor(agents=1), leads=5, start=False)
    centre.agent_ready("1001")
    assert centre.ask("agent.screen", "1001", open=False)["result"]["state"] == "ready"
    assert not every(centre.take(f.Asked("go", "olga", ("owner",), "campaign.start", {"campaign": "spring"})), i.Dial)
    found = why(centre.live, "spring")
    assert (found["factor"], found["agents_free"]) == ("screens_closed", 0)
    assert found["because"] == "every agent who is ready and free has his campaign screen closed: 1 agent"
    assert only(centre.take(f.Asked("x", "1001", ("agent",), "agent.screen", {"open": True})), i.Dial).booked == "1001"


def test_V10_a_screen_closed_while_his_call_rings_gives_it_to_the_next() -> None:
    centre = Centre(floor(agents=2), leads=5)
    dial = only(centre.agent_ready("1001"), i.Dial)
    centre.ask("agent.screen", "1001", open=False)
    assert centre.live.calls[dial.call].booked == ""
    assert only(centre.agent_ready("1002"), i.Book) == i.Book(dial.call, "1002")


def test_V10_a_new_log_in_opens_the_screen_and_a_talk_goes_on_when_it_is_closed() -> None:
    centre = Centre(floor(agents=1), leads=5)
    dial = only(centre.agent_ready("1001"), i.Dial)
    connect = only(centre.answered(dial.call), i.Connect)
    centre.take(f.CallBridged(dial.call, connect.leg))
    assert centre.ask("agent.screen", "1001", open=False)["result"]["state"] == "on_call"
    centre.take(f.PhoneIdle(connect.leg), f.CallEnded(dial.call, cause=16), after=30)
    assert not every(centre.take(after=10), i.Dial)
    assert centre.live.agents["1001"].state == "ready"
    centre.ask("agent.logout", "1001")
    centre.take(f.PhoneEnded(connect.leg, cause=16), after=1)
    assert every(centre.agent_ready("1001"), i.Dial)
    assert centre.live.agents["1001"].screen


def test_V10_only_who_is_logged_in_has_a_screen() -> None:
    centre = Centre(floor(agents=1))
    assert centre.ask("agent.screen", "1001", open=False)["error"]["code"] == "illegal_state"
    assert centre.ask("agent.screen", "1001")["error"]["field"] == "open"
