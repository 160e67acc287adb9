"""What is known of a lead: typed fields, several phones, who may change what (C07, C08), and his moves by people (C09)."""

from __future__ import annotations

from typing import Any

import pytest

from dialerd.control.lead_states import BY_PEOPLE, settable
from dialerd.model import facts as f
from dialerd.model.instants import iso
from dialerd.model.rows import AttemptRow, AuditRow
from dialerd.model.states import LEAD
from tests.doubles.desk_of_facts import floor
from tests.doubles.desk_with_store import House

FIELDS: list[dict[str, Any]] = [
    {"name": "contract", "label": "Contract no", "required": True, "significant": True},
    {"name": "born", "kind": "date", "max": "today", "editable": True},
    {"name": "pesel", "kind": "pesel"},
    {"name": "city", "kind": "choice", "choices": ["Huế", "Hà Nội"], "editable": True},
]


def house(campaign: dict[str, Any] | None = None, leads: int = 0, *, start: bool = True) -> House:
    return House(floor(2, "nailed_up", campaign), leads=leads, start=start)


def add(h: House, phone: str = "5001", **args: Any) -> dict[str, Any]:
    return h.ask("lead.add", "sam", campaign="spring", phone=phone, **args)


# --- fields


def test_C08_a_new_lead_is_read_by_the_campaigns_fields() -> None:
    h = house({"fields": FIELDS})
    fields = {"contract": "A-1", "born": "24.12.1990", "pesel": "44051401359", "city": "huế", "shoe": "42"}
    assert add(h, fields=fields)["result"]["added"] == 1
    assert h.lead("5001").fields == {
        "contract": "A-1",
        "born": "1990-12-24",
        "pesel": "44051401359",
        "city": "Huế",
        "shoe": "42",
    }
    assert "contract" in add(h, "5002", fields={"born": "1990-12-24"})["error"]["message"]
    wrong = {"contract": "A-3", "born": "2999-01-01", "pesel": "44051401358", "city": "Paris"}
    error = add(h, "5003", fields=wrong)["error"]
    assert error["code"] == "bad_argument"
    assert all(word in error["message"] for word in ("born", "pesel", "city", "Huế, Hà Nội")), "every fault at once"
    assert len(h.rows.leads) == 1


def test_C08_today_is_the_campaigns_day() -> None:
    """At 20:00 UTC it is tomorrow in Ho Chi Minh City."""
    h = house({"fields": FIELDS[1:2], "time_zone": "Asia/Ho_Chi_Minh"})
    h.take(after=19 * 3600)  # 03:00 there on the 24th, 20:00 UTC on the 23rd
    assert add(h, fields={"born": "2026-11-24"})["ok"]
    assert add(h, "5002", fields={"born": "2026-11-25"})["error"]["code"] == "bad_argument"


@pytest.mark.parametrize(("others", "kept"), [("keep", {"shoe": "42"}), ("drop", {}), ("refuse", None)])
def test_C08_values_that_are_no_field_are_kept_dropped_or_refused(others: str, kept: dict[str, str] | None) -> None:
    h = house({"other_fields": others})
    reply = add(h, fields={"shoe": "42"})
    assert reply["ok"] == (kept is not None)
    assert [row.fields for row in h.rows.leads.values()] == ([] if kept is None else [kept])


def test_C07_numbers_of_before_2018_are_taken_for_those_of_today_only_where_the_campaign_says_so() -> None:
    for migrate, phones in ((True, ["+84394567890"]), (False, [])):
        h = house({"region": "VN", "migrate_2018": migrate})
        add(h, "01694567890")
        assert [row.phone for row in h.rows.leads.values()] == phones


def test_C08_the_significant_value_is_in_views_and_lists() -> None:
    h = house({"fields": FIELDS})
    h.take(f.LeadsAdded("spring", (f.NewLead("5001", fields={"contract": "A-1"}),), "test", "olga"))
    assert h.told("lead.get", campaign="spring", phone="5001").significant == "A-1"
    assert [row.significant for row in h.told("lead.list", campaign="spring").leads] == ["A-1"]


# --- changes


def on_call(h: House) -> str:
    h.agent_ready("1001")
    h.take(after=1.0)
    call = next(iter(h.live.calls))
    h.answered(call)
    h.take(f.CallBridged(call, h.live.agents["1001"].leg), after=1.0)
    return call


def test_C08_an_agent_changes_editable_fields_of_his_own_lead_and_nothing_else() -> None:
    h = house({"fields": FIELDS}, leads=2)
    call = on_call(h)
    own = {"campaign": "spring", "phone": "5000"}
    reply = h.ask("lead.update", "1001", **own, fields={"city": "HUẾ", "born": "24/12/1990"})
    assert reply["result"]["fields"] == {"born": "1990-12-24", "city": "Huế"}
    error = h.ask("lead.update", "1001", **own, fields={"pesel": "44051401359"})["error"]
    assert (error["field"], error["allowed"]) == ("fields.pesel", "born, city")
    error = h.ask("lead.update", "1001", **own, priority=5)["error"]
    assert (error["code"], error["field"], error["allowed"]) == ("forbidden", "priority", ["born", "city"])
    assert (
        h.ask("lead.update", "1001", campaign="spring", phone="5001", fields={"city": "Huế"})["error"]["code"]
        == "forbidden"
    )
    h.take(f.CallEnded(call, cause=16), after=5.0)
    assert h.ask("lead.update", "1001", **own, fields={"city": ""})["result"]["fields"] == {"born": "1990-12-24"}
    assert h.lead("5000").fields == {"born": "1990-12-24"}


def test_C08_a_supervisor_changes_the_rest_and_every_change_is_noted() -> None:
    h = house({"fields": FIELDS}, leads=1, start=False)
    own = {"campaign": "spring", "phone": "5000"}
    result = h.ask(
        "lead.update", "sam", **own, name="An", email="an@example.vn", address="Huế", priority=7, owner="1002",
        fields={"contract": "B-2", "shoe": "41"},
    )["result"]  # fmt: skip
    assert (result["name"], result["email"], result["priority"], result["owner"]) == ("An", "an@example.vn", 7, "1002")
    assert result["fields"] == {"contract": "B-2", "shoe": "41"}
    noted = [row for row in h.rows_of(AuditRow) if row.command == "lead.update"]
    assert [(row.subject, row.note) for row in noted] == [
        ("lead 1", "address, contract, email, name, owner, priority, shoe")
    ]
    assert h.ask("lead.update", "sam", **own, name="An")["ok"]
    assert len([row for row in h.rows_of(AuditRow) if row.command == "lead.update"]) == 1, "nothing changed"
    error = h.ask("lead.update", "sam", **own, fields={"contract": ""})["error"]
    assert error["field"] == "fields.contract", "a required field is not emptied"


def test_C07_the_phone_of_a_lead_is_not_edited() -> None:
    h = house(leads=1)
    for key, words, allowed in (
        ("Phone", "is not edited", "lead.add with the other number"),
        ("phones", "are an argument of their own", "phones"),
    ):
        error = h.ask("lead.update", "sam", campaign="spring", phone="5000", fields={key: "5999"})["error"]
        assert error["field"] == f"fields.{key}"
        assert words in error["message"]
        assert error["allowed"] == allowed
    assert h.lead("5000").phone == "5000"


# --- several phones


def with_phones(**campaign: Any) -> House:
    rest = {"no_answer": {"again_after_min": 1}, "busy": {"again_after_min": 1}}
    h = house({"max_attempts": 6, "rest": rest, **campaign})
    h.take(f.LeadsAdded("spring", (f.NewLead("5000", phones=("6000", "7000")),), "test", "olga"))
    h.agent_ready("1001")
    return h


def next_call(h: House) -> AttemptRow:
    for _ in range(200):
        if h.live.calls:
            break
        h.take(after=31.0)
    return next(iter(h.live.calls.values()))


def reached(h: House) -> str:
    """The number of the next call, in which the customer talks with the agent."""
    call = next_call(h)
    h.answered(call.id)
    leg = h.live.agents["1001"].leg
    h.take(f.CallBridged(call.id, leg), after=0.1)
    h.take(f.CallEnded(call.id, cause=16), f.PhoneIdle(leg), after=30.0)
    return call.number


def dialed(h: House, *, cause: int) -> str:
    """The number of the next call, which ends so."""
    call = next_call(h)
    h.take(f.CallRinging(call.id), after=1.0)
    h.take(f.CallEnded(call.id, cause=cause), after=1.0)
    return call.number


def test_C07_an_unreached_lead_is_called_on_his_phones_in_turn() -> None:
    h = with_phones()
    assert [dialed(h, cause=19) for _ in range(5)] == ["5000", "6000", "7000", "5000", "6000"]
    assert h.told("lead.get", campaign="spring", phone="7000").number == "7000"


def test_C07_so_many_tries_go_to_each_phone_as_the_campaign_says() -> None:
    h = with_phones(tries_per_phone=2)
    assert [dialed(h, cause=cause) for cause in (19, 17, 19, 19, 17)] == ["5000", "5000", "6000", "6000", "7000"]


def test_C07_who_was_reached_is_called_back_on_the_phone_where_he_was_reached() -> None:
    h = with_phones()
    assert [dialed(h, cause=19), reached(h)] == ["5000", "6000"]
    assert h.ask("lead.callback", "sam", campaign="spring", phone="5000", call_at=iso(h.now + 600))["ok"]
    assert [dialed(h, cause=19) for _ in range(2)] == ["6000", "7000"]


def test_C07_a_bad_number_is_left_at_once_and_never_dialed_again() -> None:
    h = with_phones(max_attempts=9)
    assert [dialed(h, cause=cause) for cause in (1, 19, 1, 19, 19)] == ["5000", "6000", "7000", "6000", "6000"]
    lead = h.told("lead.get", campaign="spring", phone="5000")
    assert (lead.bad_phones, lead.state) == (["5000", "7000"], "retry")
    assert dialed(h, cause=1) == "6000"
    assert h.lead("5000").state == "failed", "no good number is left"


def test_C07_all_phones_together_have_the_campaigns_attempts() -> None:
    h = with_phones(max_attempts=2)
    assert [dialed(h, cause=1), dialed(h, cause=19)] == ["5000", "6000"]
    assert h.lead("5000").state == "exhausted"


def test_C07_a_lead_is_found_and_a_duplicate_told_by_any_of_his_phones() -> None:
    h = with_phones()
    for phone in ("5000", "6000", "7000"):
        assert h.told("lead.get", campaign="spring", phone=phone).lead == 1
    assert h.ledger.known_phones("spring", ["5000", "6000", "7000", "8000"]) == {"5000", "6000", "7000"}
    h.take(f.LeadsAdded("spring", (f.NewLead("8000", phones=("7000",)),), "test", "olga"))
    assert len(h.rows.leads) == 1


def test_C07_a_new_lead_may_have_further_phones() -> None:
    h = house()
    assert add(h, "5001", phones="5002;5001; 5003")["ok"]
    assert h.lead("5001").phones == ["5002", "5003"]
    assert add(h, "5009", phones="50x")["error"]["field"] == "phones"
    assert add(h, "5009", phones="5003")["result"]["duplicates"] == 1


# --- further phones changed by people


def update(h: House, phones: str, who: str = "sam", **args: Any) -> dict[str, Any]:
    return h.ask("lead.update", who, campaign="spring", phone="5000", phones=phones, **args)


def test_C07_further_phones_of_a_lead_are_changed_and_dialed_and_the_change_is_noted() -> None:
    h = with_phones()
    assert dialed(h, cause=19) == "5000"
    result = update(h, "8000; 6000;5000")["result"]
    assert (result["phones"], result["number"]) == (["8000", "6000"], "6000")
    assert h.told("lead.explain", campaign="spring", phone="8000").lead.phones == ["8000", "6000"]
    noted = [row.note for row in h.rows_of(AuditRow) if row.command == "lead.update"]
    assert noted == ["phones 6000; 7000 -> 8000; 6000"]
    assert update(h, "8000;6000")["ok"]
    assert len([row for row in h.rows_of(AuditRow) if row.command == "lead.update"]) == 1, "nothing changed"
    assert [dialed(h, cause=19) for _ in range(3)] == ["6000", "5000", "8000"]


def test_C07_a_phone_that_was_taken_away_is_not_dialed_and_free_for_another_lead() -> None:
    h = with_phones()
    assert dialed(h, cause=19) == "5000"
    assert update(h, "")["result"]["number"] == "5000", "6000 was to be the next"
    assert h.ledger.lead("spring", "6000") is None
    assert add(h, "6000")["result"]["added"] == 1
    assert h.ledger.lead("spring", "6000") == h.lead("6000")
    assert update(h, "6000;7000")["error"]["code"] == "exists"
    assert update(h, "7000")["ok"]
    assert add(h, "7000")["result"] == {**add(h, "7000")["result"], "added": 0, "duplicates": 1}


def test_C07_bad_phones_are_forgotten_with_the_phone_and_a_new_one_is_tried() -> None:
    h = with_phones(max_attempts=9)
    assert [dialed(h, cause=cause) for cause in (1, 1)] == ["5000", "6000"]
    result = update(h, "8000;7000")["result"]
    assert (result["bad_phones"], result["number"]) == (["5000"], "7000")
    assert dialed(h, cause=19) == "7000"
    assert h.lead("5000").number == "8000"
    result = update(h, "7000")["result"]
    assert (result["bad_phones"], result["number"]) == (["5000"], "7000")


def test_C07_a_number_is_not_taken_away_while_it_is_called() -> None:
    h = with_phones()
    assert dialed(h, cause=19) == "5000"
    call = next_call(h)
    assert call.number == "6000"
    error = update(h, "7000")["error"]
    assert (error["code"], error["field"]) == ("illegal_state", "phones")
    assert "6000 is being called now" in error["message"]
    assert update(h, "6000;9000")["ok"], "others may change"
    h.take(f.CallEnded(call.id, cause=19), after=1.0)
    assert dialed(h, cause=19) == "9000"
    assert update(h, "9000")["ok"]


@pytest.mark.parametrize(
    ("phones", "code"),
    [
        ("113", "bad_phone"),
        ("0900;x", "bad_phone"),
        (";".join(f"70{n:02d}" for n in range(11)), "bad_phone"),
        ("5001", "exists"),
        ("6001", "exists"),
    ],
)
def test_C07_further_phones_are_checked_as_at_an_import(phones: str, code: str) -> None:
    h = house(leads=1, start=False)
    h.take(f.LeadsAdded("spring", (f.NewLead("5001", phones=("6001",)),), "test", "olga"))
    error = update(h, phones)["error"]
    assert (error["code"], error["field"]) == (code, "phones")
    assert h.lead("5000").phones == []


def test_C20_a_barred_number_does_not_become_a_further_phone() -> None:
    h = house(leads=1, start=False)
    assert h.ask("dnc.add", "olga", phone="6000", region="none", because="said no")["ok"]
    error = update(h, "7000;6000")["error"]
    assert (error["code"], error["field"]) == ("suppressed", "phones")
    assert "6000 is on the do-not-call list own" in error["message"]


def test_C20_a_further_phone_that_is_barred_for_a_time_waits_for_its_end() -> None:
    """The gate knows of a number that came while the lead was at hand already."""
    h = with_phones()
    until = h.now + 7200
    assert h.ask("dnc.add", "olga", phone="8000", region="none", until=iso(until))["ok"]
    assert dialed(h, cause=19) == "5000"
    assert update(h, "8000")["result"]["number"] == "8000"
    assert h.told("lead.explain", campaign="spring", phone="5000").rule != ""
    h.take(after=7000.0)
    assert not h.live.calls
    assert dialed(h, cause=19) == "8000"
    assert h.now >= until


def test_C07_an_agent_does_not_change_phones() -> None:
    h = house({"fields": FIELDS}, leads=1)
    on_call(h)
    error = update(h, "6000", "1001")["error"]
    assert (error["code"], error["field"]) == ("forbidden", "phones")


# --- moves by people


def lead_in(state: str) -> House:
    """A house whose one lead is in a state."""
    h = house(leads=1, start=False)
    if state == "in_progress":
        h.agent_ready("1001")
        h.ask("campaign.start", campaign="spring")
        h.take(after=1.0)
    elif state == "retry":
        h.ask("lead.hold", campaign="spring", phone="5000")
        h.ask("lead.release", campaign="spring", phone="5000")
    elif state in ("blocked", "dnc"):
        row = h.live.found.leads[0] if h.live.found else h.lead("5000")
        h.live.move_lead(row, "block" if state == "blocked" else "register")
        h.take(f.Woke())
    elif state != "new":
        at = {"call_at": h.now + 60} if state == "callback" else {}
        assert h.ask("lead.set-state", campaign="spring", phone="5000", state=state, **at)["ok"]
    assert h.lead("5000").state == state
    return h


@pytest.mark.parametrize("state", LEAD)
@pytest.mark.parametrize("wanted", [*LEAD, "asleep"])
def test_C09_a_person_sets_legal_states_only_and_is_told_the_legal_ones(state: str, wanted: str) -> None:
    h = lead_in(state)
    at = {"call_at": h.now + 3600} if wanted == "callback" else {}
    reply = h.ask("lead.set-state", "sam", campaign="spring", phone="5000", state=wanted, note="because", **at)
    legal = any(kind in LEAD[state] for kind in BY_PEOPLE.get(wanted, ()))
    if legal and state != "in_progress":
        assert reply["result"]["state"] == wanted
        assert h.lead("5000").state == wanted
        (noted,) = [row for row in h.rows_of(AuditRow) if row.command == "lead.set-state"][-1:]
        assert (noted.principal, noted.subject, "because" in noted.note) == ("sam", "lead 1", True)
    else:
        error = reply["error"]
        assert error["code"] in ("illegal_state", "illegal_move")
        if state != "in_progress":
            assert error["allowed"] == settable(state)
        assert h.lead("5000").state == state


@pytest.mark.parametrize("state", LEAD)
@pytest.mark.parametrize(("verb", "kind"), [("hold", "hold"), ("release", "release"), ("reopen", "reopen")])
def test_C09_hold_release_and_reopen_follow_the_table(state: str, verb: str, kind: str) -> None:
    h = lead_in(state)
    reply = h.ask(f"lead.{verb}", "sam", campaign="spring", phone="5000")
    if kind in LEAD[state]:
        assert h.lead("5000").state == LEAD[state][kind] == reply["result"]["state"]
    else:
        assert not reply["ok"]
        assert h.lead("5000").state == state


def test_C09_a_reopened_lead_has_all_his_attempts_again() -> None:
    h = with_phones(max_attempts=1)
    dialed(h, cause=19)
    assert h.lead("5000").state == "exhausted"
    assert h.ask("lead.reopen", "sam", campaign="spring", phone="6000")["ok"]
    assert dialed(h, cause=19) == "5000"


def test_C20_a_lead_whose_number_is_on_a_list_is_not_reopened_until_it_is_taken_off() -> None:
    h = with_phones(max_attempts=1)
    dialed(h, cause=19)
    number = h.lead("5000").number
    assert h.ask("dnc.add", phone=number, region="none")["ok"]
    refusal = h.ask("lead.reopen", "sam", campaign="spring", phone="5000")["error"]
    assert refusal["code"] == "illegal_move" and refusal["allowed"] == ["dnc.remove"]
    assert h.ask("dnc.remove", phone=number, region="none")["ok"]
    assert h.ask("lead.reopen", "sam", campaign="spring", phone="5000")["ok"]


def test_C13_a_callback_at_a_time_is_kept_as_consent_and_may_be_for_one_agent() -> None:
    h = house(leads=1, start=False)
    at = h.now + 7200
    reply = h.ask(
        "lead.callback", "sam", campaign="spring", phone="5000", call_at=at, agent="1002", note="his wife said so"
    )
    assert reply["result"] == {"campaign": "spring", "lead": 1, "state": "callback", "next_at": iso(at)}
    assert (h.lead("5000").next_at, h.lead("5000").private_to) == (at, "1002")
    (noted,) = [row for row in h.rows_of(AuditRow) if row.command == "lead.callback"]
    assert noted.note == f"asked to be called at {iso(at)}, his wife said so"
    assert (
        h.ask("lead.callback", "sam", campaign="spring", phone="5000", call_at=h.now - 7200)["error"]["field"]
        == "call_at"
    )
    assert (
        h.ask("lead.callback", "sam", campaign="spring", phone="5000", call_at=at, agent="9")["error"]["code"]
        == "unknown_agent"
    )
