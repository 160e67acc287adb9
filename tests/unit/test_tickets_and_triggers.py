"""Account managers, tickets of calls, and triggers that send a ticket's customer to a campaign, once at a time (C16, V07)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dialerd.campaigns.engine import Engine
from dialerd.campaigns.rebuilding import nothing_kept
from dialerd.model import facts as f
from dialerd.model import intents as i
from dialerd.model.rows import AttemptRow, ReferralRow, TicketRow
from dialerd.runtime.exchange import Exchange
from tests.doubles.desk_of_facts import floor, only
from tests.doubles.desk_with_store import House


def house(leads: int = 1, **campaign: Any) -> House:
    """`spring` dials; `back` takes the customers whom triggers send."""
    back = {"name": "Call back", "trunks": ["main"], "region": "none", **campaign.pop("back", {})}
    configuration = floor(campaign={"wrap_up_s": 0, **campaign})
    configuration["campaigns"]["back"] = back
    return House(configuration, leads=leads)


def talk(centre: House, wanted: list[Any] | None = None) -> str:
    """An agent is ready, his customer picks up and they talk; the call's id."""
    dial = only(centre.agent_ready("1001") if wanted is None else wanted, i.Dial)
    connect = only(centre.answered(dial.call), i.Connect)
    centre.take(f.CallBridged(dial.call, connect.leg), after=0.2)
    return dial.call


def tickets(centre: House) -> list[TicketRow]:
    return list({row.id: row for row in centre.rows_of(TicketRow)}.values())


def referrals(centre: House) -> list[tuple[str, str]]:
    """(campaign, state) of each, as it is now."""
    return [(row.campaign, row.state) for row in {row.id: row for row in centre.rows_of(ReferralRow)}.values()]


# --- account manager


@pytest.mark.parametrize(("option", "owner"), [("on_contact", "1001"), ("none", "")])
def test_C16_the_first_agent_who_talks_becomes_the_account_manager(option: str, owner: str) -> None:
    centre = house(account_manager=option)
    call = talk(centre)
    assert centre.lead("5000").owner == owner
    centre.take(f.CallEnded(call, cause=16), after=30)
    assert centre.lead("5000").owner == owner


def test_C16_the_account_manager_is_the_agents_principal_and_is_not_replaced() -> None:
    configuration = floor(campaign={"account_manager": "on_contact"})
    configuration["agents"]["1001"]["principal"] = "ada"
    centre = House(configuration, leads=0)
    centre.take(f.LeadsAdded("spring", (f.NewLead("5000"), f.NewLead("5001", owner="olga")), "test", "olga"))
    asked = f.Asked("in", "ada", ("agent",), "agent.login", {"agent": "1001", "ready": True})
    ready = only(centre.take(asked), i.CallPhone)
    call = talk(centre, centre.take(f.PhoneIdle(ready.leg), after=0.1))
    centre.take(f.CallEnded(call, cause=16), f.PhoneIdle(ready.leg), after=30)
    talk(centre, centre.take(after=60))
    assert {centre.lead("5000").owner, centre.lead("5001").owner} == {"ada", "olga"}


# --- tickets


@pytest.mark.parametrize(("option", "talked", "busy"), [("none", 0, 0), ("each_call", 1, 1), ("connected", 1, 0)])
def test_C16_a_call_leaves_one_ticket_as_its_campaign_wants(option: str, talked: int, busy: int) -> None:
    centre = house(tickets=option)
    call = talk(centre)
    assert tickets(centre) == []
    centre.take(f.CallEnded(call, cause=16), after=30)
    assert len(tickets(centre)) == talked
    for ticket in tickets(centre):
        assert (ticket.state, ticket.attempt, ticket.agent, ticket.number) == ("new", call, "1001", "5000")
        made = next(turn for turn in centre.turns if ticket in turn.rows)
        ended = [row.state for row in made.rows if isinstance(row, AttemptRow) and row.id == call]
        assert ended == ["ended"], "in the call's own turn"
    leg = centre.live.agents["1001"].leg
    centre.add_leads(1, first=6000)
    dial = only(centre.take(f.PhoneIdle(leg), after=1), i.Dial)
    centre.take(f.CallEnded(dial.call, cause=17), after=5)
    assert len(tickets(centre)) == talked + busy


def test_C16_a_call_that_was_never_sent_leaves_no_ticket() -> None:
    centre = house(tickets="each_call")
    dial = only(centre.agent_ready("1001"), i.Dial)
    centre.take(f.CallNotPlaced(dial.call, "the link was down"))
    assert tickets(centre) == []


def test_C16_a_ticket_is_taken_up_and_closed_and_nothing_after_that() -> None:
    centre = house()
    number = centre.ask("ticket.create", number="0912 345 678", subject="asks for a call")["result"]["ticket"]
    assert centre.ask("ticket.open", ticket=number)["result"] == {"ticket": number, "state": "open"}
    assert centre.ask("ticket.close", "sam", ticket=number, note="done")["ok"]
    shown = centre.told("ticket.get", ticket=number)
    assert (shown.state, shown.closed_by, shown.note, shown.number) == ("closed", "sam", "done", "+84912345678")
    error = centre.ask("ticket.close", ticket=number)["error"]
    assert (error["code"], error["allowed"]) == ("illegal_move", [])
    assert centre.ask("ticket.open", ticket=99)["error"]["code"] == "unknown_ticket"


def test_C16_an_agent_is_not_told_of_tickets_of_campaigns_that_he_does_not_serve() -> None:
    configuration = floor(campaign={"tickets": "each_call"})
    configuration["agents"]["1002"]["campaigns"] = []
    centre = House(configuration, leads=1)
    centre.take(f.CallEnded(only(centre.agent_ready("1001"), i.Dial).call, cause=17), after=5)
    assert centre.ask("ticket.close", "1002", ticket=1)["error"]["code"] == "unknown_ticket"
    assert centre.ask("ticket.close", "1001", ticket=1)["ok"]


# --- triggers


CALLBACK = {"ticket": "new", "channel": "callback"}


def test_V07_a_new_callback_ticket_makes_its_caller_a_lead_of_the_callback_campaign() -> None:
    centre = house()
    assert centre.ask("trigger.create", trigger="inbound", when=CALLBACK, to_campaign="back")["ok"]
    number = centre.ask("ticket.create", number="7001", name="Ân", region="none")["result"]["ticket"]
    lead = centre.lead("7001")
    assert (lead.campaign, lead.name, lead.source, lead.action) == ("back", "Ân", "trigger:inbound", f"ticket {number}")
    assert [(one.state, one.lead) for one in centre.told("ticket.get", ticket=number).sent] == [("added", lead.id)]


def test_V07_a_customer_is_there_once_at_a_time() -> None:
    centre = house()
    centre.ask("trigger.create", trigger="inbound", when=CALLBACK, to_campaign="back")
    for _ in range(3):
        centre.ask("ticket.create", number="7001", region="none")
    assert referrals(centre) == [("back", "added"), ("back", "there"), ("back", "there")]
    assert [lead.campaign for lead in centre.rows.leads.values()].count("back") == 1


def test_V07_whoever_was_reached_is_called_again_and_a_bad_number_is_not() -> None:
    centre = house(tickets="connected", leads=2)
    centre.ask("trigger.create", trigger="inbound", when=CALLBACK, to_campaign="spring")
    call = talk(centre)
    centre.take(f.CallEnded(call, cause=16), after=30)
    reached = centre.rows.leads[centre.rows.attempts[call].lead]
    assert reached.state == "succeeded"
    centre.ask("ticket.create", number=reached.phone, region="none")
    assert referrals(centre) == [("spring", "again")]
    again = centre.rows.leads[reached.id]
    assert (again.state, again.action) == ("callback", "trigger:inbound")
    assert again.attempts == 0
    assert again.next_at <= centre.now
    bad = only(centre.take(f.PhoneIdle(centre.live.agents["1001"].leg), after=1), i.Dial)
    if bad.lead == reached.id:
        bad = only(centre.take(f.CallEnded(bad.call, cause=17), after=1), i.Dial)
    centre.take(f.CallEnded(bad.call, cause=1), after=1)
    assert centre.rows.leads[bad.lead].state == "failed"
    centre.ask("ticket.create", number=bad.number, region="none")
    assert referrals(centre) == [("spring", "again"), ("spring", "refused")]


def test_C16_all_conditions_have_to_hold() -> None:
    centre = house(tickets="each_call", leads=2)
    centre.ask("trigger.create", trigger="busy", when={"outcome": "busy", "campaign": "spring"}, to_campaign="back")
    centre.ask("trigger.create", trigger="never", when={"outcome": "busy", "campaign": "back"}, to_campaign="back")
    first = only(centre.agent_ready("1001"), i.Dial)
    second = only(centre.take(f.CallEnded(first.call, cause=19), after=30), i.Dial)
    assert referrals(centre) == []
    centre.take(f.CallEnded(second.call, cause=17), after=5)
    assert referrals(centre) == [("back", "added")]


def test_C16_a_disposition_that_is_given_after_the_call_fires_its_trigger() -> None:
    configuration = floor(campaign={"tickets": "connected", "wrap_up_s": 60})
    configuration["campaigns"]["back"] = {"name": "Back", "trunks": ["main"], "region": "none"}
    configuration["dispositions"] = {"interested": {"title": "Interested"}}
    centre = House(configuration, leads=1)
    when = {"ticket": "new", "disposition": "interested"}
    centre.ask("trigger.create", trigger="warm", when=when, to_campaign="back")
    call = talk(centre)
    centre.take(f.CallEnded(call, cause=16), after=30)
    assert referrals(centre) == []
    reply = centre.ask("lead.dispose", "1001", call=call, disposition="interested")
    assert reply["ok"], reply
    assert referrals(centre) == [("back", "added")]


def test_C16_a_chain_of_triggers_is_one_long() -> None:
    """Two campaigns that send each other their customers would else call them for ever."""
    both: dict[str, Any] = {"tickets": "each_call", "rest": {"busy": {"again_after_min": 1}}}
    centre = house(**both, back=both)
    centre.ask("trigger.create", trigger="there", when={"ticket": "new", "campaign": "spring"}, to_campaign="back")
    centre.ask("trigger.create", trigger="home", when={"ticket": "new", "campaign": "back"}, to_campaign="spring")
    centre.ask("campaign.start", campaign="back")
    dial = only(centre.agent_ready("1001"), i.Dial)
    centre.ask("campaign.pause", campaign="spring")
    wanted = centre.take(f.CallEnded(dial.call, cause=17), after=5)
    assert referrals(centre) == [("back", "added")]
    second = only(wanted, i.Dial)
    assert second.campaign == "back"
    centre.take(f.CallEnded(second.call, cause=17), after=5)
    assert len(tickets(centre)) == 2
    assert referrals(centre) == [("back", "added")], "the sent lead's ticket sends nobody"


def test_C16_a_customer_whom_the_campaign_cannot_take_is_kept_with_the_reason() -> None:
    centre = house(back={"region": "VN"})
    centre.ask("trigger.create", trigger="inbound", when=CALLBACK, to_campaign="back")
    number = centre.ask("ticket.create", number="113", region="none")
    assert number["error"]["code"] == "never_dialed"
    number = centre.ask("ticket.create", number="7001", region="none")["result"]["ticket"]
    sent = centre.told("ticket.get", ticket=number).sent
    assert [(one.state, "VN" in one.because or "number" in one.because) for one in sent] == [("refused", True)]


def test_V07_a_crash_between_the_ticket_and_the_store_loses_nobody() -> None:
    """The wish is a row of the ticket's turn: a daemon that is started anew asks the store again."""
    centre = house()
    centre.ask("trigger.create", trigger="inbound", when=CALLBACK, to_campaign="back")
    asked = centre.asked("ticket.create", number="7001", region="none")
    committed = centre.exchange.take((asked,), centre.now)
    centre.ledger.commit((committed,))
    assert only(committed.turn.intents, i.SeekLead).number == "7001"
    again = Exchange(Engine(centre.ledger.load()))
    wanted = again.take((f.Configured(centre.configuration, centre.packs),), centre.now).turn.intents
    seek = only(wanted, i.SeekLead)
    before, after = centre.exchange.engine.snapshot(), again.engine.snapshot()
    assert [before[part] for part in ("referrals", "named")] == [after[part] for part in ("referrals", "named")]
    told = again.take((f.LeadSought(seek.referral, None, again.seq),), centre.now)
    assert [row.state for row in told.rows if isinstance(row, ReferralRow)] == ["added"]
    assert again.engine.live.referrals == {}


def test_V07_an_answer_of_the_store_that_is_older_than_the_lead_is_asked_for_anew() -> None:
    centre = house(leads=0)
    centre.ask("trigger.create", trigger="inbound", when=CALLBACK, to_campaign="back")
    asked = centre.asked("ticket.create", number="7001", region="none")
    committed = centre.exchange.take((asked,), centre.now)
    centre.rows.commit((committed,))
    centre.ledger.commit((committed,))
    seek = only(committed.turn.intents, i.SeekLead)
    added = f.LeadsAdded("back", (f.NewLead("7001"),), "lead.add", "olga")  # another way in was faster
    centre.take(added, f.LeadSought(seek.referral, None, committed.turn.seq))
    assert referrals(centre) == [("back", "there")]
    assert [lead.phone for lead in centre.rows.leads.values()].count("7001") == 1


def test_C16_a_trigger_without_a_condition_or_to_a_campaign_that_is_not_there_is_refused() -> None:
    centre = house()
    for when, to, field in (
        ({}, "back", "when"),
        ({"chanel": "sms"}, "back", "when.chanel"),
        (CALLBACK, "gone", "campaign"),
    ):
        error = centre.ask("trigger.create", trigger="t", when=when, to_campaign=to)["error"]
        assert (error["field"] or "").startswith(field.split(".")[0]), error
    assert centre.told("trigger.list").triggers == []


def test_C16_a_deleted_trigger_fires_no_more() -> None:
    centre = house()
    centre.ask("trigger.create", trigger="inbound", when=CALLBACK, to_campaign="back")
    centre.ask("trigger.delete", trigger="inbound")
    centre.ask("ticket.create", number="7001", region="none")
    assert referrals(centre) == []


def test_O08_turns_with_tickets_and_referrals_are_decided_again_as_they_were() -> None:
    centre = house(tickets="each_call")
    centre.ask("trigger.create", trigger="again", when={"ticket": "new"}, to_campaign="back")
    call = talk(centre)
    centre.take(f.CallEnded(call, cause=16), after=30)
    assert referrals(centre) == [("back", "added")]
    again = Exchange(Engine(nothing_kept("00c0ffee")))
    for committed in centre.turns:
        turn = msgspec.json.decode(msgspec.json.encode(committed.turn), type=type(committed.turn))
        assert again.take(turn.facts, turn.at).turn == turn
