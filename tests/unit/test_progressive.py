"""Progressive dialing (V03) by hand: what the engine wants after each fact."""

from __future__ import annotations

import pytest

from dialerd.campaigns.hopper import Hopper, offered
from dialerd.campaigns.why import why
from dialerd.model import facts as f
from dialerd.model import intents as i
from dialerd.model.lead_order import Due
from tests.doubles.desk_of_facts import START, Centre, every, floor, only


def test_V03_one_call_per_ready_agent_and_never_more() -> None:
    centre = Centre(floor(agents=3), leads=20)
    assert every(centre.agent_ready("1001"), i.Dial)[0].booked == "1001"
    assert every(centre.agent_ready("1002"), i.Dial)[0].booked == "1002"
    assert not every(centre.take(after=5), i.Dial)
    assert len(centre.live.calls) == 2


def test_V03_the_next_call_is_placed_when_one_fails() -> None:
    centre = Centre(leads=5)
    first = only(centre.agent_ready("1001"), i.Dial)
    again = centre.take(f.CallEnded(first.call, cause=17, sip=486), after=3)
    second = only(again, i.Dial)
    assert second.number != first.number
    assert centre.rows.attempts[first.call].outcome == "busy"


def test_V11_nailed_up_agent_is_bridged_at_once() -> None:
    centre = Centre(leads=5)
    dial = only(centre.agent_ready("1001"), i.Dial)
    connect = only(centre.answered(dial.call), i.Connect)
    assert (connect.call, connect.agent) == (dial.call, "1001")
    centre.take(f.CallBridged(dial.call, connect.leg))
    assert centre.live.agents["1001"].state == "on_call"
    centre.take(f.PhoneIdle(connect.leg), f.CallEnded(dial.call, cause=16), after=60)
    assert centre.live.agents["1001"].state == "wrap_up"
    assert only(centre.take(after=5), i.Dial)
    assert centre.lead("5000").state == "succeeded"


def test_V11_softphone_is_rung_for_each_customer() -> None:
    centre = Centre(floor(softphone="ring"), leads=5)
    dial = only(centre.agent_ready("1001"), i.Dial)
    offer = only(centre.answered(dial.call), i.OfferCall)
    assert offer.phone == "PJSIP/1001"
    assert centre.live.agents["1001"].state == "ringing"
    connect = only(centre.take(f.PhoneIdle(offer.leg), after=3), i.Connect)
    assert connect.leg == offer.leg


def test_V04_agent_who_does_not_answer_is_put_not_ready_and_the_customer_goes_to_the_next() -> None:
    centre = Centre(floor(agents=2, softphone="ring", campaign={"agent_ring_s": 10}), leads=1)
    dial = only(centre.agent_ready("1001"), i.Dial)
    centre.agent_ready("1002")
    offer = only(centre.answered(dial.call), i.OfferCall)
    wanted = centre.take(f.PhoneEnded(offer.leg, cause=19, sip=480, reason=3), after=10)
    assert centre.live.agents["1001"].state == "not_ready"
    assert centre.live.agents["1001"].reason == "softphone was not answered"
    assert only(wanted, i.OfferCall).agent == "1002"


def test_V04_customer_waits_no_longer_than_max_wait() -> None:
    centre = Centre(floor(agents=1, softphone="ring", campaign={"max_wait_s": 4}), leads=1)
    dial = only(centre.agent_ready("1001"), i.Dial)
    offer = only(centre.answered(dial.call), i.OfferCall)
    assert centre.exchange.next_wakeup() == pytest.approx(centre.now + 4)
    wanted = centre.take(after=4)
    assert only(wanted, i.Drop).call == dial.call
    assert only(wanted, i.HangUp).leg == offer.leg
    centre.take(f.CallLeft(dial.call), f.CallEnded(dial.call, cause=16), after=3)
    assert centre.rows.attempts[dial.call].outcome == "abandoned"
    assert centre.live.tallies["spring"].abandoned == 1
    assert centre.live.agents["1001"].state == "ready"


@pytest.mark.parametrize(("waited", "outcome"), [(1.0, "hung_up"), (3.0, "abandoned")])
def test_a_customer_who_hangs_up_within_two_seconds_is_not_abandoned(waited: float, outcome: str) -> None:
    centre = Centre(floor(agents=1, softphone="ring"), leads=1)
    dial = only(centre.agent_ready("1001"), i.Dial)
    offer = only(centre.answered(dial.call), i.OfferCall)
    wanted = centre.take(f.CallEnded(dial.call, cause=16), after=waited)
    assert centre.rows.attempts[dial.call].outcome == outcome
    assert only(wanted, i.HangUp).leg == offer.leg, "the agent's phone stops ringing"


def test_an_agent_who_leaves_while_his_call_rings_is_replaced_by_the_next_ready_one() -> None:
    centre = Centre(floor(agents=2), leads=3)
    dial = only(centre.agent_ready("1001"), i.Dial)
    centre.ask("agent.not-ready", "1001", reason="lunch")
    assert centre.live.calls[dial.call].booked == ""
    wanted = centre.agent_ready("1002")
    assert only(wanted, i.Book) == i.Book(dial.call, "1002")
    assert not every(wanted, i.Dial), "the call in flight is his: no second one is placed"


def test_V14_calls_nobody_can_take_any_more_ring_fifteen_seconds_and_are_ended() -> None:
    centre = Centre(floor(agents=1), leads=3)
    dial = only(centre.agent_ready("1001"), i.Dial)
    centre.take(f.CallRinging(dial.call), after=1)
    centre.ask("agent.logout", "1001")
    assert not every(centre.take(after=13), i.HangUp)
    assert only(centre.take(after=1), i.HangUp).leg == dial.call
    centre.take(f.CallEnded(dial.call, cause=16))
    assert centre.rows.attempts[dial.call].outcome == "cancelled"


def test_V09_lines_of_the_trunk_are_never_exceeded() -> None:
    trunks = {"main": {"server": "pbx", "dial": "PJSIP/{number}@main", "lines": 2, "calls_per_second": 100}}
    centre = Centre(floor(agents=4, trunks=trunks), leads=10)
    for agent in ("1001", "1002", "1003", "1004"):
        centre.agent_ready(agent)
        centre.take(after=1)
    assert len(centre.live.calls) == 2
    assert why(centre.live, "spring")["factor"] == "trunk_lines"


def test_V09_lines_of_the_campaign_are_never_exceeded() -> None:
    centre = Centre(floor(agents=3, campaign={"lines": 1}), leads=10)
    for agent in ("1001", "1002"):
        centre.agent_ready(agent)
    assert len(centre.live.calls) == 1
    assert why(centre.live, "spring")["factor"] == "campaign_lines"


def test_V09_calls_per_second_of_the_trunk_are_kept() -> None:
    trunks = {"main": {"server": "pbx", "dial": "PJSIP/{number}@main", "lines": 20, "calls_per_second": 2}}
    centre = Centre(floor(agents=3, trunks=trunks), leads=10)
    for agent in ("1001", "1002", "1003"):
        centre.agent_ready(agent)
    assert len(centre.live.calls) == 1
    assert centre.exchange.next_wakeup() == pytest.approx(centre.now + 0.5)
    assert len(every(centre.take(after=0.5), i.Dial)) == 1
    assert len(every(centre.take(after=0.5), i.Dial)) == 1


def test_C10_maximum_attempts_and_rest_between_them() -> None:
    rest = {"no_answer": {"again_after_min": 30}}
    centre = Centre(floor(agents=1, campaign={"max_attempts": 2, "rest": rest}), leads=1)
    first = only(centre.agent_ready("1001"), i.Dial)
    centre.take(f.CallRinging(first.call))
    centre.take(f.CallEnded(first.call, cause=19, reason=3), after=30)
    lead = centre.lead("5000")
    assert (lead.state, lead.next_at) == ("retry", centre.now + 1800)
    assert why(centre.live, "spring")["factor"] == "resting"
    assert centre.exchange.next_wakeup() == lead.next_at
    assert not every(centre.take(after=1799), i.Dial)
    second = only(centre.take(after=1), i.Dial)
    centre.take(f.CallEnded(second.call, cause=17), after=9)
    assert centre.lead("5000").state == "exhausted"
    assert not every(centre.take(after=1e6), i.Dial)


@pytest.mark.parametrize(
    ("ended", "outcome", "state"),
    [
        ({"cause": 17, "sip": 486}, "busy", "retry"),
        ({"cause": 21, "sip": 603}, "rejected", "retry"),
        ({"cause": 1, "sip": 404}, "unallocated", "failed"),
        ({"cause": 22, "sip": 410}, "changed", "failed"),
        ({"cause": 28, "sip": 484}, "bad_format", "failed"),
        ({"cause": 34, "sip": 503}, "congestion", "retry"),
        ({"cause": 19, "sip": 480, "reason": 3}, "no_response", "retry"),
        ({"cause": None, "channel": False, "reason": 0}, "not_placed", "retry"),
    ],
)
def test_the_outcome_decides_what_becomes_of_the_lead(ended: dict[str, int], outcome: str, state: str) -> None:
    centre = Centre(leads=1)
    dial = only(centre.agent_ready("1001"), i.Dial)
    centre.take(f.CallEnded(dial.call, **ended), after=5)  # type: ignore[arg-type]
    attempt = centre.rows.attempts[dial.call]
    assert (attempt.outcome, attempt.cause, attempt.sip) == (outcome, ended.get("cause"), ended.get("sip"))
    assert centre.lead("5000").state == state
    assert centre.lead("5000").attempts == (0 if outcome == "not_placed" else 1)


def test_a_call_that_was_never_sent_uses_up_no_attempt_but_rests_the_lead_ever_longer() -> None:
    centre = Centre(floor(agents=1, campaign={"max_attempts": 1}), leads=1)
    wanted = centre.agent_ready("1001")
    rests = []
    for _ in range(5):
        dial = only(wanted, i.Dial)
        centre.take(f.CallNotPlaced(dial.call, "link is down"))
        rests.append(centre.lead("5000").next_at - centre.now)
        wanted = centre.take(after=rests[-1])
    assert rests == [60, 120, 300, 900, 900]
    assert centre.lead("5000").attempts == 0


def test_the_same_number_in_two_campaigns_is_never_called_at_once() -> None:
    other = {"name": "Other", "trunks": ["main"], "region": "none"}
    centre = Centre(floor(agents=2, campaigns={"other": other}), leads=1)
    centre.take(f.LeadsAdded("other", (f.NewLead("5000"),), "test", "olga"))
    centre.ask("campaign.start", campaign="other")
    first = only(centre.agent_ready("1001"), i.Dial)
    wanted = centre.agent_ready("1002")
    assert not every(wanted, i.Dial)
    assert only(wanted, i.Refuse).rule == "live_call"
    centre.take(f.CallEnded(first.call, cause=17), after=1)
    assert only(centre.take(after=60), i.Dial).number == "5000"


def test_C01_a_campaign_started_early_waits_and_runs_by_itself_and_stops_at_its_end() -> None:
    dates = {"starts_at": START + 600, "ends_at": START + 1200}
    centre = Centre(floor(campaign=dates), leads=50)
    assert not every(centre.agent_ready("1001"), i.Dial)
    assert why(centre.live, "spring")["factor"] == "not_yet"
    assert centre.exchange.next_wakeup() == START + 600
    centre.now = START + 600
    dial = only(centre.take(), i.Dial)
    centre.take(f.CallEnded(dial.call, cause=17), after=10)
    centre.now = START + 1200
    centre.take()
    assert centre.live.campaigns["spring"].state == "finished"
    assert centre.live.lead_states["spring"]["new"] > 0


def test_C02_nothing_is_dialed_outside_working_hours() -> None:
    schedules = {"office": {"time_zone": "Asia/Ho_Chi_Minh", "week": {"mon": ["08:00-08:10", "13:00-17:00"]}}}
    centre = Centre(floor(agents=1, campaign={"schedule": "office"}, schedules=schedules), leads=50)
    dial = only(centre.agent_ready("1001"), i.Dial)
    wanted = centre.take(f.CallEnded(dial.call, cause=17), after=600)
    assert not every(wanted, i.Dial)
    found = why(centre.live, "spring")
    assert (found["factor"], found["until"]) == ("hours", "2026-11-23T06:00:00.000Z")
    assert centre.exchange.next_wakeup() == START + 5 * 3600
    centre.now = START + 5 * 3600
    assert only(centre.take(), i.Dial)


def test_V10_what_an_agent_asks_for_during_a_call_happens_after_it() -> None:
    centre = Centre(leads=2)
    dial = only(centre.agent_ready("1001"), i.Dial)
    connect = only(centre.answered(dial.call), i.Connect)
    centre.take(f.CallBridged(dial.call, connect.leg))
    assert centre.ask("agent.not-ready", "1001", reason="lunch")["result"]["after_call"] is True
    centre.take(f.PhoneIdle(connect.leg), f.CallEnded(dial.call, cause=16), after=30)
    centre.take(after=5)
    agent = centre.live.agents["1001"]
    assert (agent.state, agent.reason) == ("not_ready", "lunch")


def test_a_nailed_up_softphone_lost_mid_call_leaves_the_agent_not_ready_after_wrap_up() -> None:
    centre = Centre(leads=2)
    dial = only(centre.agent_ready("1001"), i.Dial)
    connect = only(centre.answered(dial.call), i.Connect)
    centre.take(f.CallBridged(dial.call, connect.leg))
    centre.take(f.PhoneEnded(connect.leg, cause=16), f.CallEnded(dial.call, cause=16), after=30)
    assert centre.live.agents["1001"].state == "wrap_up"
    assert not every(centre.take(after=5), i.Dial)
    assert centre.live.agents["1001"].state == "not_ready"
    wanted = centre.take(f.Asked("r", "1001", ("agent",), "agent.ready", {}))
    phone = only(wanted, i.CallPhone)
    assert only(centre.take(f.PhoneIdle(phone.leg)), i.Dial)


def test_a_bridge_that_fails_gives_the_customer_to_the_agent_again_while_he_is_there() -> None:
    centre = Centre(leads=2)
    dial = only(centre.agent_ready("1001"), i.Dial)
    connect = only(centre.answered(dial.call), i.Connect)
    wanted = centre.take(f.ConnectFailed(dial.call, connect.leg, "Unable to add Channel1 to bridge"))
    assert centre.live.agents["1001"].state in ("ready", "ringing")
    assert only(wanted, i.Connect).call == dial.call


def test_a_leg_of_ours_that_lives_though_its_attempt_has_ended_is_hung_up() -> None:
    centre = Centre(leads=2)
    dial = only(centre.agent_ready("1001"), i.Dial)
    centre.take(f.CallEnded(dial.call, cause=17))
    wanted = centre.take(f.CallWaiting(dial.call))
    assert only(wanted, i.HangUp).leg == dial.call
    assert centre.live.oddities["waiting"] == 1


def test_O08_a_draining_daemon_places_no_new_call_and_serves_those_in_progress() -> None:
    centre = Centre(leads=5)
    dial = only(centre.agent_ready("1001"), i.Dial)
    centre.take(f.DrainBegan("stopped"))
    assert only(centre.answered(dial.call), i.Connect)
    assert not every(centre.agent_ready("1002"), i.Dial)
    assert why(centre.live, "spring")["factor"] == "draining"


def test_nothing_is_heard_of_a_call_and_it_is_ended_as_lost() -> None:
    centre = Centre(leads=1)
    dial = only(centre.agent_ready("1001"), i.Dial)
    wanted = centre.take(after=90)
    assert only(wanted, i.GiveUp).call == dial.call
    assert only(wanted, i.HangUp).leg == dial.call
    assert centre.rows.attempts[dial.call].outcome == "lost"


def test_finish_when_done_finishes_a_campaign_without_leads_left() -> None:
    centre = Centre(floor(agents=1, campaign={"finish_when_done": True, "max_attempts": 1}), leads=1)
    dial = only(centre.agent_ready("1001"), i.Dial)
    centre.take(f.CallEnded(dial.call, cause=17))
    assert centre.live.campaigns["spring"].state == "finished"


def test_V08_hotlines_are_shown_in_turn() -> None:
    hotlines = {"a": {"number": "+841", "name": "A"}, "b": {"number": "+8425"}}
    hotlines["a"]["number"] = "+84281"
    centre = Centre(floor(agents=1, campaign={"hotlines": ["a", "b"]}, hotlines=hotlines), leads=3)
    first = only(centre.agent_ready("1001"), i.Dial)
    second = only(centre.take(f.CallEnded(first.call, cause=17), after=1), i.Dial)
    assert [(d.hotline, d.caller_number) for d in (first, second)] == [("a", "+84281"), ("b", "+8425")]


def test_a_configuration_without_the_server_of_a_live_call_ends_it_as_lost() -> None:
    centre = Centre(leads=2)
    dial = only(centre.agent_ready("1001"), i.Dial)
    servers = {**floor(), "servers": {"other": {}}, "trunks": {}, "campaigns": {}}
    servers["agents"] = {"1001": {"phone": "PJSIP/1001", "server": "other"}}
    centre.take(f.Configured(servers))
    assert centre.rows.attempts[dial.call].outcome == "lost"
    assert why(centre.live, "spring")["factor"] == "paused", "its campaign went with it"


def test_a_clock_set_back_does_not_stop_the_dialing() -> None:
    centre = Centre(leads=3)
    centre.live.trunk_last["main"] = centre.now + 3600
    assert only(centre.agent_ready("1001"), i.Dial)


def test_leads_that_an_answer_told_of_too_late_are_asked_for_again() -> None:
    centre = Centre(leads=3, start=False)
    leads = list(centre.rows.leads.values())
    hopper = Hopper()

    def asked(turn: int) -> i.WantLeads:
        question = hopper.question("spring", centre.now, turn)
        hopper.ask(question, centre.now)
        return question

    def answer(question: i.WantLeads) -> bool:
        return hopper.fill(leads, offered(question, Due(leads, None)), centre.now)

    assert answer(asked(1))
    assert hopper.leads == 3
    late = asked(2)
    hopper.forget()  # the policy changed while an answer was on its way
    assert not answer(late)
    assert hopper.empty
    assert hopper.asks_at() <= centre.now, "else nobody would ask for them any more"
    again = asked(3)
    hopper.take(leads[0].id)  # it was changed by a command while an answer was on its way
    assert answer(again)
    assert [lead.id for lead in hopper.all()] == [lead.id for lead in leads[1:]]
    assert hopper.asks_at() <= centre.now
    assert answer(asked(4))
    assert hopper.leads == 3


def test_O08_an_agent_whose_phone_was_rung_while_nobody_was_there_to_bridge_him_stays_ready() -> None:
    centre = Centre(floor(agents=1, softphone="ring"), leads=2)
    dial = only(centre.agent_ready("1001"), i.Dial)
    offer = only(centre.answered(dial.call), i.OfferCall)
    centre.take(f.LinkLost("pbx", "reset by peer"))
    # he picked up, waited for the bridge as long as the dialplan lets him, and was sent away
    ended = f.PhoneEnded(offer.leg, cause=16)
    centre.take(ended, f.Reconciled("pbx", (f.CallSeen(dial.call, "waiting"),), ()), after=12)
    assert centre.live.agents["1001"].state in ("ready", "ringing")
