"""Manual, preview and callback: a lead is before its agent, and his phone comes before the customer's (V01, V02, V06)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dialerd.campaigns.engine import Engine
from dialerd.model import facts as f
from dialerd.model import intents as i
from tests.doubles.desk_of_facts import Centre, every, floor, only

SOFTPHONES = ("nailed_up", "ring")


def centre(mode: str, softphone: str = "nailed_up", agents: int = 2, leads: int = 5, **policy: Any) -> Centre:
    made = Centre(floor(agents, softphone, {"mode": mode, **policy}), leads=leads)
    for agent in range(agents):
        made.agent_ready(str(1001 + agent))
    return made


def by_agent(c: Centre, command: str, agent: str = "1001", **args: Any) -> tuple[dict[str, Any], list[i.AnyIntent]]:
    """What an agent asks for himself: the reply, and what is done."""
    wanted = c.take(f.Asked(f"a{c._next()}", agent, ("agent",), command, args))
    return msgspec.json.decode(only(wanted, i.Answer).reply), wanted


def phone_up(c: Centre, wanted: list[i.AnyIntent]) -> list[i.AnyIntent]:
    """The agent's rung softphone picks up, where it was called."""
    calls = every(wanted, i.CallPhone)
    return [*wanted, *(c.take(f.PhoneRinging(calls[0].leg), f.PhoneIdle(calls[0].leg), after=1.0) if calls else [])]


def told(c: Centre) -> None:
    """Rows tell all of it: a restart finds the same."""
    again = Engine(c.rows.load("00c0ffee"))
    again.begin(c.live.seq, c.now)
    again.apply(f.Configured(c.configuration, c.packs))
    again.take_changes()
    assert again.snapshot() == c.live.snapshot()


def logs_in(c: Centre, agent: str) -> list[i.AnyIntent]:
    return c.take(f.Asked(f"in{agent}", agent, ("agent",), "agent.login", {"ready": True}))


def state(c: Centre, agent: str = "1001") -> str:
    return c.live.agents[agent].state


@pytest.mark.parametrize("softphone", SOFTPHONES)
def test_V01_an_agent_takes_the_next_lead_and_dials_when_he_is_ready(softphone: str) -> None:
    c = centre("manual", softphone)
    assert not every(c.take(after=300), i.Dial), "nothing is dialed by itself"
    reply, _ = by_agent(c, "lead.next")
    assert reply["result"]["phone"] == "5000" and reply["result"]["state"] == "previewing"
    assert reply["result"]["until"] is None
    told(c)
    assert not every(c.take(after=3600), i.Dial)
    reply, wanted = by_agent(c, "lead.dial")
    assert reply["ok"] and state(c) == "calling"
    if softphone == "ring":
        assert only(wanted, i.CallPhone).sound == "ringing" and not every(wanted, i.Dial), "his phone comes first"
    told(c)
    dial = only(phone_up(c, wanted), i.Dial)
    assert (dial.number, dial.booked) == ("5000", "1001")
    told(c)
    connect = only(c.answered(dial.call), i.Connect)
    assert connect.leg == c.live.agents["1001"].leg
    c.take(f.CallBridged(dial.call, connect.leg), after=0.1)
    assert state(c) == "on_call" and c.live.agents["1001"].lead == 0
    told(c)
    ended = c.take(f.CallEnded(dial.call, 16, None), f.PhoneIdle(connect.leg), after=60)
    assert state(c) == "wrap_up" and c.lead("5000").last_outcome == "connected"
    if softphone == "ring":
        assert [hang.leg for hang in every(ended, i.HangUp)] == [connect.leg], "his phone was up for this call alone"
    told(c)


@pytest.mark.parametrize("softphone", SOFTPHONES)
def test_V01_the_same_lead_may_be_dialed_again_until_its_attempts_are_used(softphone: str) -> None:
    c = centre("manual", softphone, max_attempts=2)
    by_agent(c, "lead.next")
    for attempt in (1, 2):
        reply, wanted = by_agent(c, "lead.dial")
        assert reply["ok"]
        dial = only(phone_up(c, wanted), i.Dial)
        wanted = c.take(f.CallRinging(dial.call), f.CallEnded(dial.call, 17, 486), after=5)
        for hang in every(wanted, i.HangUp):
            c.take(f.PhoneEnded(hang.leg, 16))
        told(c)
        assert c.lead("5000").attempts == attempt
        assert state(c) == ("previewing" if attempt == 1 else "ready")
    assert c.lead("5000").state == "exhausted"
    reply, _ = by_agent(c, "lead.dial")
    assert reply["error"]["code"] == "illegal_state"


def test_V01_a_certain_lead_is_taken_and_one_that_the_gate_refuses_is_not() -> None:
    c = centre("manual")
    row = c.lead("5003")
    found = f.Found(as_of=c.live.seq, leads=(msgspec.structs.replace(row),), past_of="5003")
    wanted = c.take(f.Asked("t", "1001", ("agent",), "lead.take", {"campaign": "spring", "phone": "5003"}, found))
    reply = msgspec.json.decode(only(wanted, i.Answer).reply)
    assert reply["result"]["phone"] == "5003" and c.live.agents["1001"].lead == row.id
    told(c)
    found = f.Found(as_of=c.live.seq, leads=(msgspec.structs.replace(row),), past_of="5003")
    wanted = c.take(f.Asked("u", "1002", ("agent",), "lead.take", {"campaign": "spring", "phone": "5003"}, found))
    assert "before agent 1001" in msgspec.json.decode(only(wanted, i.Answer).reply)["error"]["message"]


@pytest.mark.parametrize("softphone", SOFTPHONES)
def test_V02_a_lead_is_shown_for_some_seconds_and_then_dialed_by_itself(softphone: str) -> None:
    c = centre("preview", softphone, preview={"seconds": 20})
    assert [state(c, agent) for agent in ("1001", "1002")] == ["previewing"] * 2
    leads = {c.live.agents[agent].lead for agent in ("1001", "1002")}
    assert len(leads) == 2, "two agents never see the same lead"
    told(c)
    assert not every(c.take(after=19), i.CallShown)
    wanted = c.take(after=1.5)
    assert len(every(wanted, i.CallShown)) == 2
    if softphone == "ring":
        for call in every(wanted, i.CallPhone):
            wanted += c.take(f.PhoneIdle(call.leg), after=0.5)
    wanted += c.take(after=1)
    assert sorted(dial.booked for dial in every(wanted, i.Dial)) == ["1001", "1002"]
    told(c)


def test_V02_the_agent_dials_at_once_or_skips_with_a_reason() -> None:
    c = centre("preview", agents=1)
    reply, wanted = by_agent(c, "lead.dial")
    assert reply["ok"] and only(wanted, i.Dial).number == "5000"
    dial = only(wanted, i.Dial)
    c.take(f.CallEnded(dial.call, 17, 486), after=5)
    assert state(c) == "previewing" and c.live.leads[c.live.agents["1001"].lead].phone == "5001"
    reply, _ = by_agent(c, "lead.skip")
    assert reply["error"]["field"] == "reason"
    reply, _ = by_agent(c, "lead.skip", reason="a competitor")
    assert reply["ok"]
    assert c.lead("5001").next_at == pytest.approx(c.now + 3600) and c.lead("5001").state == "new"
    assert c.live.leads[c.live.agents["1001"].lead].phone == "5002", "the next one is shown at once"
    told(c)


def test_V02_leads_are_not_skipped_where_the_campaign_forbids_it() -> None:
    c = centre("preview", agents=1, preview={"skip": False})
    reply, _ = by_agent(c, "lead.skip", reason="no wish")
    assert reply["error"]["code"] == "forbidden"
    assert c.ask("lead.skip", "sam", agent="1001", reason="a supervisor may")["ok"]


@pytest.mark.parametrize("how", ["not_ready", "logout", "phone", "pause", "not_configured"])
def test_V02_a_lead_whose_agent_or_campaign_goes_away_is_put_back(how: str) -> None:
    c = centre("preview", agents=1)
    lead = c.live.agents["1001"].lead
    if how == "not_ready":
        by_agent(c, "agent.not-ready", reason="lunch")
    elif how == "logout":
        by_agent(c, "agent.logout")
    elif how == "phone":
        c.take(f.PhoneEnded(c.live.agents["1001"].leg, 16))
    elif how == "pause":
        c.ask("campaign.pause", campaign="spring")
    else:
        c.configuration = {**c.configuration, "agents": {}}
        c.take(f.Configured(c.configuration, c.packs))
    assert c.live.agents["1001"].lead == 0 and lead not in c.live.leads
    assert not every(c.take(after=60), i.Dial)
    told(c)
    if how in ("not_ready", "pause"):
        if how == "pause":
            c.ask("campaign.resume", campaign="spring")
        else:
            by_agent(c, "agent.ready")
        assert c.live.agents["1001"].lead == lead, "he gets it again"


def test_V02_the_law_is_asked_when_a_lead_is_shown_and_again_when_it_is_dialed() -> None:
    week = {day: ["08:00-08:10"] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    c = Centre(
        floor(
            1,
            "nailed_up",
            {"mode": "preview", "schedule": "short", "preview": {"seconds": 900}},
            schedules={"short": {"time_zone": "Asia/Ho_Chi_Minh", "week": week}},
        ),
        leads=2,
    )
    c.agent_ready("1001")
    assert state(c) == "previewing"
    c.take(after=650)  # 08:10 has gone by
    reply, wanted = by_agent(c, "lead.dial")
    assert reply["error"]["code"] == "not_allowed" and "calling_hours" in reply["error"]["message"]
    wanted = c.take(after=260)
    assert not every(wanted, i.Dial) and state(c) == "ready" and not c.live.agents["1001"].lead
    told(c)


@pytest.mark.parametrize("softphone", SOFTPHONES)
def test_V06_a_callback_rings_the_agent_first_and_then_the_customer(softphone: str) -> None:
    c = Centre(floor(1, softphone, {"mode": "callback"}), leads=2)
    wanted = logs_in(c, "1001")
    if softphone == "nailed_up":
        wanted = c.take(f.PhoneIdle(only(wanted, i.CallPhone).leg), after=1)
    else:
        assert not every(wanted, i.Dial)
        (call,) = every(wanted, i.CallPhone)
        wanted = c.take(f.PhoneIdle(call.leg), after=2)
    dial = only(wanted, i.Dial)
    assert (dial.number, dial.booked, state(c)) == ("5000", "1001", "calling")
    connect = only(c.answered(dial.call), i.Connect)
    c.take(f.CallBridged(dial.call, connect.leg), after=0.1)
    assert state(c) == "on_call"
    told(c)


def test_V06_an_agent_whose_phone_is_not_answered_loses_the_callback_to_the_next() -> None:
    c = Centre(floor(2, "ring", {"mode": "callback"}), leads=1)
    call = only(logs_in(c, "1001"), i.CallPhone)
    assert not every(logs_in(c, "1002"), i.CallPhone)
    wanted = c.take(f.PhoneEnded(call.leg, None, None, 3), after=30)
    assert state(c, "1001") == "not_ready"
    (second,) = every(wanted, i.CallPhone)
    dial = only(c.take(f.PhoneIdle(second.leg), after=1), i.Dial)
    assert dial.booked == "1002"
    told(c)


def test_V06_callbacks_go_before_the_calls_of_other_campaigns() -> None:
    configuration = floor(1, "nailed_up")
    configuration["campaigns"]["back"] = {**configuration["campaigns"]["spring"], "mode": "callback", "share": 0.01}
    c = Centre(configuration, leads=3)
    c.take(f.LeadsAdded("back", (f.NewLead("7000"), f.NewLead("7001")), "test", "olga"))
    c.ask("campaign.start", campaign="back")
    numbers = []
    wanted = c.agent_ready("1001")
    for _ in range(3):
        dial = only(wanted, i.Dial)
        numbers.append(dial.number)
        wanted = c.take(f.CallEnded(dial.call, 17, 486), after=2)
    assert numbers == ["7000", "7001", "5000"]


@pytest.mark.parametrize("asked", ["agent.logout", "agent.not-ready"])
def test_V10_what_he_asked_for_holds_if_his_own_phone_is_not_answered(asked: str) -> None:
    c = Centre(floor(1, "ring", {"mode": "preview"}), leads=2)
    logs_in(c, "1001")
    _, wanted = by_agent(c, "lead.dial")
    by_agent(c, asked, **({"reason": "lunch"} if asked == "agent.not-ready" else {}))
    c.take(f.PhoneEnded(only(wanted, i.CallPhone).leg, None, None, 3), after=10)
    assert state(c) == ("logged_out" if asked == "agent.logout" else "not_ready")
    assert asked == "agent.logout" or c.live.agents["1001"].reason == "lunch"
    told(c)


def test_V01_an_agent_ends_a_call_that_still_rings() -> None:
    c = centre("manual")
    by_agent(c, "lead.next")
    _, wanted = by_agent(c, "lead.dial")
    dial = only(wanted, i.Dial)
    reply, wanted = by_agent(c, "agent.hangup")
    assert reply["ok"] and only(wanted, i.HangUp).leg == dial.call
    c.take(f.CallEnded(dial.call, 16, None), after=0.2)
    assert state(c) == "previewing" and c.lead("5000").last_outcome == "cancelled"
    told(c)


def test_V01_a_lead_that_was_shown_with_a_countdown_waits_for_his_word_once_the_campaign_is_manual() -> None:
    c = centre("preview", agents=1)
    c.configuration["campaigns"]["spring"]["mode"] = "manual"
    c.take(f.Configured(c.configuration, c.packs))
    assert not every(c.take(after=60), i.CallShown)
    assert by_agent(c, "lead.dial")[0]["ok"]


def test_V11_a_lost_softphone_while_a_customer_is_called_leaves_the_call_to_another_agent() -> None:
    c = centre("manual", "ring", agents=2)
    by_agent(c, "lead.next")
    _, wanted = by_agent(c, "lead.dial")
    dial = only(phone_up(c, wanted), i.Dial)
    wanted = c.take(f.PhoneEnded(c.live.agents["1001"].leg, 16), after=1)
    assert state(c) == "not_ready" and c.live.agents["1001"].lead == 0
    assert only(wanted, i.Book).agent == "1002"
    assert only(c.answered(dial.call), i.OfferCall).agent == "1002"
    told(c)


def test_O08_a_restart_while_leads_are_shown_and_called_finds_all_of_it() -> None:
    c = centre("preview", agents=2)
    by_agent(c, "lead.dial")
    told(c)
    kept = c.rows.load("00c0ffee")
    again = Engine(kept)
    assert again.live.agents["1001"].state == "calling" and again.live.agents["1002"].state == "previewing"
    assert {again.live.agents[name].lead for name in ("1001", "1002")} <= set(again.live.leads)


def test_V10_what_an_agent_asks_for_while_his_customer_is_called_happens_after_the_call() -> None:
    c = centre("manual", agents=1)
    by_agent(c, "lead.next")
    _, wanted = by_agent(c, "lead.dial")
    dial = only(wanted, i.Dial)
    reply, _ = by_agent(c, "agent.not-ready", reason="lunch")
    assert reply["result"]["after_call"] is True and state(c) == "calling"
    c.take(f.CallEnded(dial.call, 17, 486), after=2)
    assert state(c) == "not_ready" and c.live.agents["1001"].lead == 0
    told(c)


@pytest.mark.parametrize("promised_to", ["1001", None])
@pytest.mark.parametrize("mode", ["progressive", "manual"])
def test_C11_a_recall_that_the_agent_promised_himself_is_kept_beyond_his_quota(
    mode: str, promised_to: str | None
) -> None:
    c = Centre(floor(1, "nailed_up", {"mode": mode, "quota": {"per_agent": 1}, "wrap_up_s": 0}), leads=2)
    c.agent_ready("1001")
    if mode == "manual":
        by_agent(c, "lead.next")
        by_agent(c, "lead.dial")
    (call,) = c.live.calls
    connect = only(c.answered(call), i.Connect)
    c.take(f.CallBridged(call, connect.leg), after=0.1)
    c.take(f.CallEnded(call, 16, None), f.PhoneIdle(connect.leg), after=30)
    c.take(after=1)
    found = f.Found(as_of=c.live.seq, leads=(msgspec.structs.replace(c.lead("5001")),))
    args = {"campaign": "spring", "phone": "5001", "call_at": c.now + 60}
    if promised_to:
        args["agent"] = promised_to
    wanted = c.take(f.Asked("back", "sam", ("supervisor",), "lead.callback", args, found))
    assert msgspec.json.decode(only(wanted, i.Answer).reply)["ok"]
    wanted = c.take(after=61)
    if mode == "manual":
        reply, wanted = by_agent(c, "lead.next")
        assert reply["ok"] is (promised_to is not None)
        assert reply["ok"] or reply["error"]["code"] == "quota"
    else:
        assert [dial.number for dial in every(wanted, i.Dial)] == (["5001"] if promised_to else [])
    told(c)
