"""Scripts (C12): made in the configuration or by command, a default one, and the answers of each call."""

from __future__ import annotations

from typing import Any

from dialerd.model import facts as f
from dialerd.model.rows import AuditRow, NamedRow
from tests.doubles.desk_of_facts import floor
from tests.doubles.desk_with_store import House

SCRIPT: dict[str, Any] = {
    "name": "Survey",
    "questions": [
        {"name": "happy", "ask": "Happy?", "kind": "choice", "choices": ["yes", "no"], "required": True},
        {"name": "age", "ask": "How old?", "kind": "number", "min": 18, "max": 120},
        {"name": "since", "ask": "Since when?", "kind": "date", "max": "today", "required": True},
    ],
}


def house(campaign: dict[str, Any] | None = None, **scripts: Any) -> House:
    h = House(floor(2, "nailed_up", {"wrap_up_s": 60, **(campaign or {})}, scripts=scripts), leads=2)
    h.agent_ready("1001")
    return h


def talk(h: House) -> str:
    h.take(after=1.0)
    call = next(iter(h.live.calls))
    h.answered(call)
    h.take(f.CallBridged(call, h.live.agents["1001"].leg), after=1.0)
    return call


def test_C12_answers_are_kept_with_the_call_canonical_and_validated() -> None:
    h = house({"script": "survey"}, survey=SCRIPT)
    call = talk(h)
    result = h.ask("lead.answer-script", "1001", answers={"happy": "YES", "age": "1 000"})
    assert result["error"]["field"] == "answers.age"
    assert h.rows.attempts[call].answers == {}, "nothing of a wrong lot is kept"
    result = h.ask("lead.answer-script", "1001", answers={"happy": "YES", "age": "42"})["result"]
    assert (result["answers"], result["open"], result["script"]) == ({"happy": "yes", "age": "42"}, ["since"], "survey")
    h.take(f.CallEnded(call, cause=16), after=10.0)
    error = h.ask("lead.answer-script", "1001", answers={"age": ""}, whole=True)["error"]
    assert (error["field"], "since" in error["message"]) == ("answers", True)
    result = h.ask("lead.answer-script", "1001", answers={"since": "1.2.2020", "age": ""}, whole=True)["result"]
    assert result["answers"] == {"happy": "yes", "since": "2020-02-01"}
    attempt = h.rows.attempts[call]
    assert (attempt.answers, attempt.state) == ({"happy": "yes", "since": "2020-02-01"}, "ended")
    assert h.ledger.attempt(call) == attempt
    assert len([row for row in h.rows_of(AuditRow) if row.command == "lead.answer-script"]) == 2


def test_C12_a_question_that_the_script_does_not_ask_is_refused() -> None:
    h = house({"script": "survey"}, survey=SCRIPT)
    talk(h)
    error = h.ask("lead.answer-script", "1001", answers={"weight": "80"})["error"]
    assert (error["field"], error["allowed"]) == ("answers.weight", "happy, age, since")


def test_C12_a_campaign_without_a_script_has_the_default_one() -> None:
    h = house(default=SCRIPT)
    talk(h)
    assert h.ask("lead.answer-script", "1001", answers={"happy": "no"})["result"]["script"] == "default"
    bare = house()
    talk(bare)
    assert bare.ask("lead.answer-script", "1001", answers={"happy": "no"})["error"]["code"] == "unknown_script"


def test_C12_another_agent_answers_nothing_and_after_its_time_nobody() -> None:
    h = house({"dispose_within_min": 1}, default=SCRIPT)
    call = talk(h)
    assert h.ask("lead.answer-script", "1002", call=call, answers={"happy": "no"})["error"]["code"] == "forbidden"
    h.take(f.CallEnded(call, cause=16), after=10.0)
    h.take(after=61.0)
    assert h.ask("lead.answer-script", "1001", call=call, answers={"happy": "no"})["error"]["code"] == "too_late"
    assert h.ask("lead.answer-script", "sam", call=call, answers={"happy": "no"})["ok"]


def test_C12_scripts_are_made_changed_and_deleted_by_command() -> None:
    h = house(filed=SCRIPT)
    assert h.ask("script.create", "sam", script="filed", content=SCRIPT)["error"]["code"] == "exists"
    assert h.ask("script.update", "sam", script="filed", content={"greeting": "Hi"})["error"]["code"] == "from_file"
    error = h.ask("script.create", "sam", script="mine", content={**SCRIPT, "questions": [{"name": "x", "ask": ""}]})[
        "error"
    ]
    assert error["field"].startswith("content.questions")
    assert h.ask("script.create", "sam", script="mine", content=SCRIPT)["ok"]
    assert h.ask("script.update", "sam", script="mine", content={"greeting": "Xin chào"})["ok"]
    found = {one.name: one for one in h.told("script.list").found}
    assert (found["mine"].source, found["mine"].policy["greeting"], found["filed"].source) == (
        "command",
        "Xin chào",
        "file",
    )
    h.ask("campaign.create", "sam", campaign="new", policy={"name": "N", "trunks": ["main"], "script": "mine"})
    error = h.ask("script.delete", "sam", script="mine")["error"]
    assert (error["code"], "new" in error["message"]) == ("illegal_state", True)
    assert h.ask("campaign.update", campaign="new", policy={"script": None})["ok"]
    assert h.ask("script.delete", "sam", script="mine")["ok"]
    assert "mine" not in h.live.scripts
    assert h.rows_of(NamedRow)[-1].active is False
    assert h.ask("script.update", "sam", script="mine", content={"greeting": "x"})["error"]["code"] == "unknown_script"
    assert h.ask("script.create", "sam", script="mine", content=SCRIPT)["ok"], "its name may be given again"


def test_C12_a_campaign_names_scripts_and_dispositions_that_there_are() -> None:
    h = house(survey=SCRIPT)
    policy = {"name": "N", "trunks": ["main"], "script": "surwey"}
    error = h.ask("campaign.create", campaign="new", policy=policy)["error"]
    assert (error["field"], error["allowed"]) == ("policy.script", ["survey"])
    error = h.ask("campaign.create", campaign="new", policy={**policy, "script": None, "dispositions": ["sold"]})[
        "error"
    ]
    assert (error["field"], error["allowed"]) == ("policy.dispositions.0", [])


def test_C12_scripts_made_by_command_are_there_after_a_restart() -> None:
    from dialerd.campaigns.engine import Engine

    h = house()
    h.ask("script.create", "sam", script="mine", content=SCRIPT)
    again = Engine(h.ledger.load())
    again.apply(f.Configured(h.configuration))
    assert again.live.scripts.keys() == {"mine"}
