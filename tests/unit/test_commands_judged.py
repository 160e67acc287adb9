"""Commands judged in their turn: legal moves only, the legal ones named; a repeated id does nothing twice (C03, O02)."""

from __future__ import annotations

import pytest

from dialerd.control.leads import batch_subject
from dialerd.model import facts as f
from dialerd.model import intents as i
from dialerd.model import states
from dialerd.model.errors import Refusal
from dialerd.model.rows import AuditRow
from tests.doubles.desk_of_facts import Centre, every, floor, only

PERSONS = ("submit", "approve", "reject", "start", "pause", "resume", "stop", "delete")
POLICY = {"name": "Summer", "trunks": ["main"], "region": "none"}


def summer_in(state: str) -> Centre:
    """A centre whose campaign `summer` is in a state."""
    centre = Centre(start=False)
    assert centre.ask("campaign.create", campaign="summer", policy=POLICY, draft=True)["ok"]
    paths = {
        "draft": (),
        "pending": ("submit",),
        "rejected": ("submit", "reject"),
        "approved": ("submit", "approve"),
        "running": ("submit", "approve", "start"),
        "paused": ("submit", "approve", "start", "pause"),
        "finished": ("submit", "approve", "start", "stop"),
    }
    for verb in paths[state]:
        reply = centre.ask(f"campaign.{verb}", campaign="summer")
        assert reply["ok"], reply
    assert centre.live.campaigns["summer"].state == state
    return centre


@pytest.mark.parametrize("state", ["draft", "pending", "rejected", "approved", "running", "paused", "finished"])
@pytest.mark.parametrize("verb", PERSONS)
def test_C03_a_legal_move_is_made_and_an_illegal_one_refused_with_the_legal_ones(state: str, verb: str) -> None:
    centre = summer_in(state)
    reply = centre.ask(f"campaign.{verb}", campaign="summer", note="because")
    if verb in states.CAMPAIGN[state]:
        assert reply["ok"], reply
        audits = [row for turn in centre.turns for row in turn.rows if isinstance(row, AuditRow)]
        assert (audits[-1].command, audits[-1].note, audits[-1].principal) == (f"campaign.{verb}", "because", "olga")
    else:
        assert reply["error"]["code"] == "illegal_move"
        assert reply["error"]["allowed"] == [move for move in sorted(states.CAMPAIGN[state]) if move in PERSONS]
        assert centre.live.campaigns["summer"].state == state


def test_C04_a_supervisor_creates_and_cannot_launch_and_only_the_owner_approves() -> None:
    centre = Centre(start=False)
    assert centre.ask("campaign.create", "sam", campaign="summer", policy=POLICY)["ok"]
    assert centre.ask("campaign.approve", "ada", campaign="summer")["error"]["code"] == "forbidden"
    assert centre.ask("campaign.approve", "olga", campaign="summer")["ok"]
    refused = centre.ask("campaign.start", "sam", campaign="summer")["error"]
    assert (refused["code"], refused["allowed"]) == ("forbidden", ["admin", "owner"])
    error = centre.ask("campaign.start", "ada", campaign="summer")["error"]
    assert error["code"] == "unknown_campaign", "an admin sees his own"
    assert centre.ask("campaign.start", "olga", campaign="summer")["ok"]


def test_O02_a_repeated_id_gets_the_first_answer_and_nothing_is_done_twice() -> None:
    centre = Centre(start=False)
    first = centre.ask("campaign.start", id_="one", campaign="spring")
    assert centre.ask("campaign.start", id_="one", campaign="spring") == first
    assert first["ok"]
    error = centre.ask("campaign.pause", id_="one", campaign="spring")["error"]
    assert (error["code"], error["field"]) == ("id_used", "id"), "an id is one command"
    assert centre.live.campaigns["spring"].state == "running"
    assert centre.ask("campaign.start", "ada", id_="one", campaign="spring")["ok"] is False, (
        "ids are each principal's own"
    )


def test_V04_an_abandon_rate_above_ten_percent_is_refused() -> None:
    centre = Centre(start=False)
    error = centre.ask("campaign.create", campaign="x", policy={**POLICY, "max_abandon_rate": 0.11})["error"]
    assert error["field"] == "policy.max_abandon_rate"


def test_a_policy_that_names_what_is_not_configured_is_refused() -> None:
    centre = Centre(start=False)
    error = centre.ask("campaign.create", campaign="x", policy={**POLICY, "trunks": ["main", "other"]})["error"]
    assert (error["field"], error["allowed"]) == ("policy.trunks.1", ["main"])


@pytest.mark.parametrize(
    ("command", "args", "field"),
    [
        ("campaign.start", {}, "campaign"),
        ("campaign.start", {"campaign": "nowhere"}, "campaign"),
        ("campaign.start", {"campaign": "spring", "notes": "x"}, "notes"),
        ("campaign.start", {"campaign": "../spring"}, "campaign"),
        ("campaign.start", {"campaign": 5}, "campaign"),
        ("agent.not-ready", {"agent": "1001"}, "reason"),
        ("agent.ready", {"agent": "9999"}, "agent"),
        ("call.hangup", {"call": "c-none"}, "call"),
    ],
)
def test_bad_arguments_name_the_field(command: str, args: dict[str, object], field: str) -> None:
    centre = Centre(start=False)
    before = centre.exchange.engine.snapshot()
    error = centre.ask(command, **args)["error"]
    assert error["field"] == field, error
    assert centre.exchange.engine.snapshot() == before, "nothing is half done"


def test_an_unknown_argument_says_what_may_have_been_meant() -> None:
    error = Centre(start=False).ask("campaign.start", campaign="spring", nots="x")["error"]
    assert "did you mean note?" in error["message"]


def test_V10_an_agent_moves_himself_and_nobody_else() -> None:
    centre = Centre()
    assert centre.ask("agent.login", "1001")["ok"]
    assert centre.ask("agent.login", "1001", agent="1002")["error"]["code"] == "forbidden"
    assert centre.ask("agent.login", "sam", agent="1002")["ok"]
    assert centre.ask("agent.login", "1001")["error"]["code"] == "illegal_state"


def test_C01_a_campaign_whose_end_has_passed_is_not_started() -> None:
    centre = Centre(start=False)
    policy = {**POLICY, "ends_at": "2020-01-01T00:00:00+07:00"}
    centre.ask("campaign.create", campaign="old", policy=policy)
    centre.ask("campaign.approve", campaign="old")
    assert centre.ask("campaign.start", campaign="old")["error"]["code"] == "over"


def test_O01_a_campaign_kept_in_a_file_is_changed_there() -> None:
    error = Centre().ask("campaign.update", campaign="spring", policy={"max_attempts": 9})["error"]
    assert error["code"] == "from_file"


def test_C03_a_changed_policy_holds_at_once_and_is_audited() -> None:
    centre = summer_in("running")
    assert centre.ask("campaign.update", campaign="summer", policy={"max_attempts": 7, "lines": None})["ok"]
    assert centre.live.policies["summer"].max_attempts == 7
    assert (
        centre.ask("campaign.update", campaign="summer", policy={"max_attempts": 0})["error"]["field"]
        == "policy.max_attempts"
    )
    assert centre.live.policies["summer"].max_attempts == 7


def test_V10_an_answer_tells_the_state_after_the_command() -> None:
    centre = Centre(floor(softphone="ring"), start=False)
    assert centre.ask("agent.login", "1001", ready=True)["result"]["state"] == "ready"
    assert centre.ask("agent.not-ready", "1001", reason="lunch")["result"]["state"] == "not_ready"
    assert centre.ask("agent.logout", "1001")["result"]["state"] == "logged_out"


def test_O01_an_agent_whose_softphone_becomes_nailed_up_is_called_and_becomes_ready_again() -> None:
    centre = Centre(floor(agents=2, softphone="ring"), leads=3, start=False)
    centre.ask("agent.login", "1001", ready=True)
    wanted = centre.take(f.Configured(floor(agents=2, softphone="nailed_up")))
    phone = only(wanted, i.CallPhone)
    assert centre.live.agents["1001"].state == "connecting"
    centre.take(f.PhoneIdle(phone.leg))
    assert centre.live.agents["1001"].state == "ready"
    assert centre.ask("agent.ready", "1001")["ok"]


def test_O01_an_agent_taken_out_of_the_configuration_is_logged_out_and_comes_back_logged_out() -> None:
    centre = Centre(leads=3)
    dial = only(centre.agent_ready("1001"), i.Dial)
    centre.agent_ready("1002")
    connect = only(centre.answered(dial.call), i.Connect)
    centre.take(f.CallBridged(dial.call, connect.leg))
    wanted = centre.take(f.Configured({**floor(), "agents": {}}))
    assert centre.live.agents["1002"].state == "logged_out"
    assert len(every(wanted, i.HangUp)) >= 1
    assert centre.live.agents["1001"].state == "on_call", "a call runs to its end"
    centre.take(f.PhoneIdle(connect.leg), f.CallEnded(dial.call, cause=16), after=20)
    centre.take(after=10)
    assert centre.live.agents["1001"].state == "logged_out"
    centre.take(f.Configured(floor()))
    assert centre.ask("agent.login", "1001", ready=True)["ok"]


def test_O01_a_campaign_taken_out_of_the_configuration_is_paused_and_says_so() -> None:
    centre = Centre(leads=3)
    centre.take(f.Configured({**floor(), "campaigns": {}}))
    row = centre.live.campaigns["spring"]
    assert (row.state, row.state_by, row.note) == ("paused", "configuration", "taken out of the configuration")
    assert not every(centre.agent_ready("1001"), i.Dial)
    assert centre.ask("campaign.resume", campaign="spring")["error"]["code"] == "not_configured"
    centre.take(f.Configured(floor()))
    assert centre.ask("campaign.resume", campaign="spring")["ok"]


def finished(**campaign: object) -> Centre:
    """The campaign `spring`, which finishes when its leads are done, has called its only lead in vain."""
    centre = Centre(floor(agents=1, campaign={"finish_when_done": True, "max_attempts": 1, **campaign}), leads=1)
    dial = only(centre.agent_ready("1001"), i.Dial)
    centre.take(f.CallEnded(dial.call, cause=17))
    assert centre.live.campaigns["spring"].state == "finished"
    return centre


def test_C03_a_finished_campaign_with_nothing_left_to_dial_is_not_started_for_nothing() -> None:
    centre = finished()
    error = centre.ask("campaign.start", campaign="spring")["error"]
    assert (error["code"], error["field"]) == ("no_leads", "campaign")
    assert error["message"] == (
        "spring cannot start again: it finishes when none of its leads is left to dial, and none is: add leads first"
    )
    assert centre.live.campaigns["spring"].state == "finished"


def test_C06_leads_given_to_a_finished_campaign_wait_and_are_dialed_when_it_is_started_again() -> None:
    centre = finished()
    assert batch_subject(centre.live, "spring") == "none", "an import is not refused"
    centre.add_leads(1, first=6000)
    assert not every(centre.take(after=60), i.Dial)
    centre.now += 1
    wanted = centre.take(f.Asked("again", "olga", ("owner",), "campaign.start", {"campaign": "spring"}))
    wanted += centre.take(after=1)
    assert only(wanted, i.Dial).number == "6000"


def test_C06_a_rejected_campaign_takes_no_leads() -> None:
    with pytest.raises(Refusal, match="summer was rejected: it takes no leads"):
        batch_subject(summer_in("rejected").live, "summer")


def test_C03_a_campaign_that_was_stopped_before_it_had_leads_may_start_and_wait_for_them() -> None:
    centre = Centre(floor(campaign={"finish_when_done": True}))
    assert centre.ask("campaign.stop", campaign="spring")["ok"]
    assert centre.ask("campaign.start", campaign="spring")["ok"]
    assert centre.live.campaigns["spring"].state == "running"
