"""Dispositions (C13): what an agent says of a contact, and all that follows from it; private leads, recalls, lists, moves."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from dialerd.model import facts as f
from dialerd.model import intents as i
from dialerd.model.causes import OUTCOMES
from dialerd.model.dispositions import Disposition, contact_of
from dialerd.model.instants import iso
from dialerd.model.rows import AuditRow, SuppressionRow
from dialerd.model.states import DIALABLE, LEAD
from tests.doubles.desk_of_facts import every, floor
from tests.doubles.desk_with_store import House

DISPOSITIONS: dict[str, Any] = {
    "sale": {"title": "Sold", "success": True},
    "no": {"title": "Not interested", "closes": True},
    "later": {"title": "Call later", "recontact": True, "recall_within_days": 7},
    "soon": {"title": "Call soon", "recontact": True, "recall_after_min": 30},
    "mine": {"title": "My own recall", "recontact": True, "recall_after_min": 60, "private": True},
    "never": {"title": "Never again", "blacklist": "own"},
    "angry": {"title": "Leave alone", "not_again_days": 30},
    "upgrade": {"title": "For the other team", "move_to": "autumn"},
    "machine": {"title": "Voice mail", "outcomes": ["no_answer", "busy"]},
    "remark": {"title": "A remark", "needs_no_call": True},
    "paid": {"title": "Paid already", "success": True, "needs_no_call": True},
}


def house(leads: int = 2, campaign: dict[str, Any] | None = None, **more: Any) -> House:
    """A house with two campaigns; the first dials, and agent 1001 is ready."""
    configuration = floor(2, "nailed_up", {"wrap_up_s": 60, **(campaign or {})}, dispositions=DISPOSITIONS, **more)
    autumn = {"name": "Autumn", "trunks": ["main"], "region": "none"}
    configuration["campaigns"]["autumn"] = autumn
    made = House(configuration, leads=leads)
    made.agent_ready("1001")
    return made


def talk(house: House) -> str:
    """Agent 1001 talks with the next customer; the call's id."""
    call = next(iter(house.live.calls.values()), None)
    if call is None:
        house.take(after=1.0)
        call = next(iter(house.live.calls.values()))
    house.answered(call.id)
    house.take(f.CallBridged(call.id, house.live.agents["1001"].leg), after=1.0)
    assert house.live.agents["1001"].state == "on_call"
    return call.id


def hang_up(house: House, call: str) -> None:
    house.take(f.CallEnded(call, cause=16), f.PhoneIdle(house.live.agents["1001"].leg), after=30.0)


def give(house: House, disposition: str, principal: str = "1001", **args: Any) -> dict[str, Any]:
    reply = house.ask("lead.dispose", principal, disposition=disposition, **args)
    assert reply["ok"], reply
    result: dict[str, Any] = reply["result"]
    return result


def refused(house: House, disposition: str, principal: str = "1001", **args: Any) -> dict[str, Any]:
    reply = house.ask("lead.dispose", principal, disposition=disposition, **args)
    assert not reply["ok"], reply
    error: dict[str, Any] = reply["error"]
    return error


# --- what may be configured


@pytest.mark.parametrize("key", ["send_sms", "send_email"])
def test_C13_an_action_that_does_not_exist_yet_is_refused_when_it_is_configured(key: str) -> None:
    with pytest.raises(ValidationError, match=f"{key} is not available yet"):
        Disposition.model_validate({"title": "x", key: "welcome"})
    error = house().ask("disposition.create", "sam", disposition="hello", effect={"title": "x", key: "welcome"})[
        "error"
    ]
    assert error["code"] == "bad_argument"
    assert "not available yet" in error["message"]


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ({"recontact": True, "closes": True}, "either called again or done with"),
        ({"recontact": True, "blacklist": "own"}, "either called again or done with"),
        ({"recontact": True, "not_again_days": 3}, "called again or left alone"),
        ({"recall_after_min": 5}, "recontact: true is needed"),
        ({"recall_within_days": 5}, "recontact: true is needed"),
        ({"private": True, "success": True}, "nobody works it any more"),
        ({"outcomes": []}, "at least 1"),
        ({"outcomes": ["fax"]}, "answered"),
        ({"not_again_days": 0}, "greater than or equal to 1"),
    ],
)
def test_C13_a_disposition_that_contradicts_itself_is_refused(policy: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Disposition.model_validate({"title": "x", **policy})


def test_C13_every_outcome_of_a_call_is_a_contact_that_dispositions_know() -> None:
    assert {contact_of(outcome) for outcome in OUTCOMES} == {"answered", "no_answer", "busy", "error"}


# --- said during the call, in wrap-up and later


@pytest.mark.parametrize(
    ("disposition", "state"),
    [("sale", "succeeded"), ("no", "do_not_call_back"), ("soon", "callback"), ("never", "blocked"), ("angry", "retry")],
)
@pytest.mark.parametrize("when", ["on the call", "in wrap-up", "later"])
def test_C13_a_disposition_moves_the_lead_whenever_it_is_given(disposition: str, state: str, when: str) -> None:
    h = house()
    call = talk(h)
    if when == "on the call":
        assert give(h, disposition)["state"] == state
        assert h.lead("5000").state == "in_progress", "as long as the call lives"
        hang_up(h, call)
    else:
        hang_up(h, call)
        assert h.lead("5000").state == "succeeded", "without a word it was connected"
        if when == "later":
            h.take(after=61.0)
            assert h.live.agents["1001"].state == "ready"
        assert give(h, disposition, call=call)["state"] == state
    lead = h.lead("5000")
    assert (lead.state, lead.disposition) == (state, disposition)
    attempt = h.rows.attempts[call]
    assert (attempt.disposition, attempt.disposed_by, attempt.outcome) == (disposition, "1001", "connected")


def test_C13_a_call_without_a_disposition_keeps_what_its_outcome_made_of_it() -> None:
    h = house()
    hang_up(h, talk(h))
    h.take(after=3600)
    assert h.lead("5000").state == "succeeded"
    assert h.lead("5000").disposition == ""


def test_C11_a_disposition_ends_the_wrap_up_unless_the_agent_stays() -> None:
    h = house()
    call = talk(h)
    hang_up(h, call)
    assert h.live.agents["1001"].state == "wrap_up"
    give(h, "sale", stay=True)
    assert h.live.agents["1001"].state == "wrap_up"
    give(h, "no", call=call)
    assert h.live.agents["1001"].state == "ready"


def test_C13_a_supervisors_disposition_leaves_the_agent_in_his_wrap_up() -> None:
    h = house()
    call = talk(h)
    hang_up(h, call)
    give(h, "sale", "sam", call=call)
    assert h.live.agents["1001"].state == "wrap_up"


def test_C13_after_the_time_for_it_only_a_supervisor_gives_a_disposition() -> None:
    h = house(campaign={"dispose_within_min": 5})
    call = talk(h)
    hang_up(h, call)
    h.take(after=5 * 60 + 1)
    error = refused(h, "sale", call=call)
    assert error["code"] == "too_late"
    assert "more than 5 minutes ago" in error["message"]
    assert give(h, "sale", "sam", call=call)["state"] == "succeeded"


def test_C13_an_agent_says_nothing_of_anothers_call() -> None:
    h = house()
    call = talk(h)
    assert refused(h, "sale", "1002", call=call)["code"] == "forbidden"
    assert refused(h, "sale", "1002")["code"] == "unknown_call"
    assert refused(h, "sale", "1002", campaign="spring", phone="5001")["code"] == "forbidden"


def test_C13_a_disposition_must_be_the_campaigns() -> None:
    h = house(campaign={"dispositions": ["sale", "no"]})
    call = talk(h)
    error = refused(h, "soon")
    assert (error["code"], error["field"], error["allowed"]) == ("unknown_disposition", "disposition", ["no", "sale"])
    assert h.rows.attempts[call].disposition == ""


def test_C13_a_disposition_must_be_for_the_outcome() -> None:
    h = house(campaign={"rest": {"no_answer": {"again_after_min": 60}}})
    call = next(iter(h.live.calls))
    h.take(f.CallRinging(call), after=1.0)
    h.take(f.CallEnded(call, cause=19), after=30.0)
    error = refused(h, "sale", "sam", call=call)
    assert (error["code"], error["allowed"]) == ("illegal_state", ["answered"])
    assert give(h, "machine", "sam", call=call)["state"] == "retry", "a remark: the lead stays as it is"
    assert refused(h, "machine", call=talk(h))["code"] == "illegal_state"


def test_C13_while_it_rings_nothing_can_be_said_of_a_call() -> None:
    h = house()
    call = next(iter(h.live.calls))
    assert refused(h, "sale", "sam", call=call)["code"] == "illegal_state"


def test_C13_a_required_field_comes_before_any_disposition() -> None:
    h = house(campaign={"fields": [{"name": "contract", "required": True, "editable": True}]})
    call = talk(h)
    error = refused(h, "sale")
    assert (error["code"], error["field"]) == ("bad_argument", "fields")
    assert "contract" in error["message"]
    assert h.ask("lead.update", "1001", campaign="spring", phone="5000", fields={"contract": "A1"})["ok"]
    assert give(h, "sale")["call"] == call


# --- recalls


def test_C13_a_recall_needs_its_time_within_its_days_and_is_kept_as_consent() -> None:
    h = house()
    call = talk(h)
    assert refused(h, "later")["field"] == "call_at"
    for wrong in (h.now + 8 * 86400, h.now - 3600):
        error = refused(h, "later", call_at=wrong)
        assert (error["field"], error["code"]) == ("call_at", "bad_argument")
        assert error["allowed"].endswith(iso(h.now + 7 * 86400))
    at = h.now + 2 * 86400
    assert give(h, "later", call_at=at)["next_at"] == iso(at)
    hang_up(h, call)
    lead = h.lead("5000")
    assert (lead.state, lead.next_at) == ("callback", at)
    said = [row for row in h.rows_of(AuditRow) if row.command == "lead.dispose"]
    assert [row.subject for row in said] == ["lead 1"]
    assert f"asked to be called at {iso(at)}" in said[0].note


def test_C13_an_automatic_recall_is_dialed_when_its_minutes_are_over() -> None:
    h = house(leads=1)
    call = talk(h)
    give(h, "soon")
    hang_up(h, call)
    h.take(after=61.0)
    assert not h.live.calls
    h.take(after=1800.0)
    h.take(after=1.0)
    assert [one.lead for one in h.live.calls.values()] == [1]


def test_C13_a_promised_recall_has_an_attempt_even_when_all_were_used() -> None:
    h = house(leads=1, campaign={"max_attempts": 1})
    call = talk(h)
    give(h, "soon")
    hang_up(h, call)
    h.take(after=1900.0)
    h.take(after=1.0)
    assert len(h.live.calls) == 1


def test_C13_a_private_recall_goes_to_that_agent_alone() -> None:
    h = house(leads=1)
    call = talk(h)
    assert give(h, "mine")["private_to"] == "1001"
    hang_up(h, call)
    h.ask("agent.not-ready", "1001", reason="lunch")
    h.agent_ready("1002")
    h.take(after=3700.0)
    h.take(after=1.0)
    assert not h.live.calls, "the other agent is free, and the lead is not his"
    assert h.lead("5000").private_to == "1001"
    h.ask("agent.ready", "1001")
    h.take(after=1.0)
    h.take(after=1.0)
    assert [one.booked for one in h.live.calls.values()] == ["1001"]


def test_C13_a_supervisor_names_the_agent_for_whom_a_lead_is() -> None:
    h = house()
    call = talk(h)
    hang_up(h, call)
    assert refused(h, "mine", "sam", call=call, agent="1009")["code"] == "unknown_agent"
    assert refused(h, "soon", "sam", call=call, agent="1002")["field"] == "agent"
    assert give(h, "mine", "sam", call=call, agent="1002")["private_to"] == "1002"


# --- lists and other campaigns


def entries(h: House) -> list[tuple[str, str, str, float | None, bool]]:
    last: dict[Any, SuppressionRow] = {}
    for row in h.rows_of(SuppressionRow):
        if row.list_name in ("own", "campaign:spring"):
            last[row.list_name, row.number, row.channel] = row
    return [(row.list_name, row.number, row.channel, row.until, row.active) for row in last.values()]


def test_C13_a_blacklist_takes_all_his_numbers_for_good() -> None:
    h = house(leads=0)
    h.take(f.LeadsAdded("spring", (f.NewLead("5000", phones=("6000", "7000")),), "test", "olga"))
    h.take(after=1.0)
    hang_up(h, talk(h))
    assert give(h, "never")["state"] == "blocked"
    assert entries(h) == [("own", number, "all", None, True) for number in ("5000", "6000", "7000")]


def test_C10_do_not_call_for_days_rests_the_lead_and_is_kept_in_a_list_with_its_end() -> None:
    h = house(leads=1)
    call = talk(h)
    hang_up(h, call)
    at = h.now
    assert give(h, "angry")["next_at"] == iso(at + 30 * 86400)
    assert entries(h) == [("campaign:spring", "5000", "voice", at + 30 * 86400, True)]
    lead = h.lead("5000")
    assert (lead.state, lead.next_at) == ("retry", at + 30 * 86400)


def test_C13_what_is_said_instead_takes_the_entry_of_the_first_word_back() -> None:
    h = house()
    hang_up(h, talk(h))
    give(h, "never", stay=True)
    assert give(h, "sale")["state"] == "succeeded"
    assert entries(h) == [("own", "5000", "all", None, False)]


def test_C20_a_shorter_word_never_shortens_an_entry_that_is_there() -> None:
    h = house()
    call = talk(h)
    until = h.now + 365 * 86400
    h.take(f.NumbersListed("campaign:spring", "voice", ("5000",), "olga", "by letter", until))
    give(h, "angry")
    hang_up(h, call)
    assert entries(h)[0][3] == until
    give(h, "sale", call=call)
    assert entries(h)[0][3:] == (until, True), "and it is not taken back with the word"


def test_C13_a_lead_moves_to_another_campaign_once() -> None:
    h = house()
    call = talk(h)
    hang_up(h, call)
    assert give(h, "upgrade", stay=True)["state"] == "do_not_call_back"
    moved = [row for row in h.rows.leads.values() if row.campaign == "autumn"]
    assert [(row.phone, row.state) for row in moved] == [("5000", "new")]
    assert give(h, "upgrade", stay=True)["again"] is True
    give(h, "sale", stay=True)
    give(h, "upgrade")
    assert len([row for row in h.rows.leads.values() if row.campaign == "autumn"]) == 1


def test_C13_the_same_word_twice_is_done_once() -> None:
    h = house()
    call = talk(h)
    hang_up(h, call)
    give(h, "never", stay=True)
    audits, listed = len(h.rows_of(AuditRow)), len(h.rows_of(SuppressionRow))
    assert give(h, "never", stay=True)["again"] is True
    assert (len(h.rows_of(AuditRow)), len(h.rows_of(SuppressionRow))) == (audits, listed)


def test_C13_of_an_older_call_nothing_is_said_any_more() -> None:
    h = house(leads=1)
    first = talk(h)
    give(h, "soon")
    hang_up(h, first)
    h.take(after=1900.0)
    h.take(after=1.0)
    second = talk(h)
    error = refused(h, "sale", "sam", call=first)
    assert (error["code"], second in error["message"]) == ("illegal_state", False)
    assert give(h, "sale", "sam", call=second)["state"] == "succeeded"


def test_C13_a_disposition_that_needs_no_call_is_given_by_his_account_manager() -> None:
    h = house(leads=3)
    assert refused(h, "sale", "sam", campaign="spring", phone="5002")["code"] == "illegal_state"
    assert refused(h, "paid", "1001", campaign="spring", phone="5002")["code"] == "forbidden"
    assert h.ask("lead.update", "sam", campaign="spring", phone="5002", owner="1001")["ok"]
    result = give(h, "paid", "1001", campaign="spring", phone="5002")
    assert (result["state"], result["call"]) == ("succeeded", "")


# --- the store's word may be old


def test_O08_what_the_store_told_before_the_lead_changed_is_asked_for_anew() -> None:
    h = house(leads=3)
    old = h.asked("lead.hold", campaign="spring", phone="5002")
    assert h.ask("lead.set-state", campaign="spring", phone="5002", state="succeeded")["ok"]
    (answer,) = every(h.take(old), i.Answer)
    assert answer.reply == "", "no answer: the command comes again with what is so now"
    assert h.lead("5002").state == "succeeded"
    assert ("olga", answer.id) not in h.live.replies
    assert h.ask("lead.hold", id_=answer.id, campaign="spring", phone="5002")["error"]["code"] == "illegal_move"


def test_O08_a_held_lead_is_not_dialed_though_an_answer_of_the_store_still_has_it() -> None:
    h = house(leads=0)
    h.ask("agent.not-ready", "1001", reason="lunch")
    h.add_leads(2)
    assert h.live.hoppers["spring"].row(1) is not None
    assert h.ask("lead.hold", campaign="spring", phone="5000")["ok"]
    assert h.live.hoppers["spring"].row(1) is None
    h.ask("agent.ready", "1001")
    h.take(after=1.0)
    assert [call.lead for call in h.live.calls.values()] == [2]


# --- nothing illegal, nobody lost


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_C13_whatever_is_said_in_whatever_order_no_lead_is_lost_or_in_an_illegal_state(data: st.DataObject) -> None:
    h = house(leads=4)
    for _ in range(data.draw(st.integers(3, 14))):
        step = data.draw(st.sampled_from(["talk", "end", "say", "say", "say", "move", "wait"]))
        agent = h.live.agents["1001"]
        if step == "talk" and agent.state == "ready" and h.live.calls:
            talk(h)
        elif step == "end" and agent.state == "on_call":
            hang_up(h, agent.call)
        elif step == "wait":
            h.take(after=data.draw(st.sampled_from([1.0, 61.0, 2000.0, 90000.0])))
        elif step == "say":
            args: dict[str, Any] = {}
            if data.draw(st.booleans()):
                args["call_at"] = h.now + data.draw(st.sampled_from([60.0, 86400.0, 9 * 86400.0]))
            if data.draw(st.booleans()):
                args |= {"campaign": "spring", "phone": str(data.draw(st.integers(5000, 5003)))}
            elif agent.last_call or agent.call:
                args["call"] = agent.call or agent.last_call
            else:
                continue
            who, said = data.draw(st.sampled_from(["sam", "1001"])), data.draw(st.sampled_from(sorted(DISPOSITIONS)))
            h.ask("lead.dispose", who, disposition=said, **args)
        elif step == "move":
            state = data.draw(st.sampled_from(sorted(LEAD)))
            at = {"call_at": h.now + 3600} if state == "callback" else {}
            h.ask("lead.set-state", campaign="spring", phone=str(data.draw(st.integers(5000, 5003))), state=state, **at)
        check(h)


def check(h: House) -> None:
    leads = [row for row in h.rows.leads.values() if row.campaign == "spring"]
    assert len(leads) == 4, "nobody is lost, nobody comes twice"
    in_calls = {call.lead for call in h.live.calls.values()}
    for row in leads:
        assert row.state in LEAD
        assert (row.state == "in_progress") == (row.id in in_calls)
        if row.state in DIALABLE:
            assert row.next_at < 32503680000.0, "a lead to be called has a time"
        assert h.ledger.lead_by_id(row.id) == row
    counts = h.live.lead_states["spring"]
    for state in LEAD:
        assert counts[state] == sum(row.state == state for row in leads)
