"""Agents whose softphones are rung for each call, on a real Asterisk: who does not answer, who hangs up, who waits."""

from __future__ import annotations

import os
import pwd
from datetime import datetime
from pathlib import Path

import pytest

from tests.asterisk.centre import CAMPAIGN, Centre
from tests.asterisk.rig.asterisk import Rig

STAYS = "71003000"  # answers after 0.3 s and never hangs up


@pytest.mark.parametrize(
    ("phone", "reason", "number"),
    [
        ("1009", "softphone was not answered", STAYS + "901"),
        ("1008", "softphone is busy", STAYS + "902"),
        ("2004", "softphone cannot be reached", STAYS + "903"),
    ],
)
def test_V04_a_softphone_nobody_answers_loses_the_call_to_the_next(
    asterisk: Rig, tmp_path: Path, phone: str, reason: str, number: str
) -> None:
    """1009 rings for ever, 1008 is busy, 2004 has not registered."""
    before = asterisk.agent_invites()
    with Centre(asterisk, tmp_path, {phone: "ring", "1002": "ring"}, {"agent_ring_s": 3}) as centre:
        centre.begin([number], phone, "1002")
        call = centre.until_call(number, "talking")
        assert call["agent"] == "1002"
        assert centre.agent("1002")["state"] == "on_call"
        found = centre.agent(phone)
        assert (found["state"], found["call"], found["phone_state"]) == ("not_ready", "", "")
        assert reason in found["reason"]
        centre.until_channels(lambda names: not names, f"{phone} does not ring any more", f"PJSIP/{phone}")
        after = asterisk.agent_invites()
        assert after["1002"] - before.get("1002", 0) == 1
        assert after.get(phone, 0) - before.get(phone, 0) == (0 if phone == "2004" else 1)
        assert asterisk.invites()[number] == 1  # the customer was called once, and waited
        centre.ask("call.hangup", call=call["call"])
        assert centre.until_call(number, "ended")["outcome"] == "connected"


def test_V10_a_softphone_that_comes_back_can_take_calls_again(asterisk: Rig, tmp_path: Path) -> None:
    first, second = STAYS + "904", "71003005905"
    asterisk.register("2003", 0)
    with Centre(asterisk, tmp_path, {"2003": "ring"}, {"agent_ring_s": 3, "max_wait_s": 2}) as centre:
        centre.begin([first], "2003")
        assert "cannot be reached" in centre.until_agent("2003", "not_ready")["reason"]
        assert centre.until_call(first, "ended")["outcome"] == "abandoned"
        asterisk.register("2003")
        centre.ask("agent.ready", agent="2003")
        centre.add([second])
        assert centre.until_call(second, "ended")["agent"] == "2003"
        assert centre.until_agent("2003", "ready")["reason"] == ""
    asterisk.register("2003", 0)


def test_V11_an_agent_who_hangs_up_first_ends_the_call(asterisk: Rig, tmp_path: Path) -> None:
    """1201 hangs up two seconds after he answered; the customer would stay for ever."""
    number = STAYS + "906"
    with Centre(asterisk, tmp_path, {"1201": "ring"}, {"wrap_up_s": 2}) as centre:
        centre.begin([number], "1201")
        call = centre.until_call(number, "ended")
        assert (call["outcome"], call["agent"], call["cause"]) == ("connected", "1201", 16)
        centre.until_channels(lambda names: not names, "both are hung up")
        assert centre.agent("1201")["state"] in ("wrap_up", "ready")
        centre.until_agent("1201", "ready")


@pytest.mark.parametrize(("stays", "outcome"), [("010", "hung_up"), ("045", "abandoned")])
def test_V04_when_the_customer_hangs_up_the_agents_phone_stops_ringing(
    asterisk: Rig, tmp_path: Path, stays: str, outcome: str
) -> None:
    """1009 rings for ever; whoever waited longer than two seconds was abandoned."""
    number = f"71003{stays}907"
    before = asterisk.agent_invites().get("1009", 0)
    with Centre(asterisk, tmp_path, {"1009": "ring"}, {"agent_ring_s": 100}) as centre:
        centre.begin([number], "1009")
        centre.until_agent("1009", "ringing")
        centre.until_channels(lambda names: len(names) == 1, "his phone rings", "PJSIP/1009")
        assert centre.until_call(number, "ended")["outcome"] == outcome
        centre.until_channels(lambda names: not names, "his phone does not ring any more")
        agent = centre.until_agent("1009", "ready")
        assert (agent["call"], agent["reason"]) == ("", "")  # it was not his fault
        assert asterisk.agent_invites()["1009"] - before == 1
        assert centre.stats()[outcome] == 1


@pytest.mark.parametrize(("command", "after"), [("agent.not-ready", "not_ready"), ("agent.logout", "logged_out")])
def test_V10_what_an_agent_asks_for_during_a_call_happens_after_it(
    asterisk: Rig, tmp_path: Path, command: str, after: str
) -> None:
    number = STAYS + ("908" if after == "not_ready" else "909")
    reason = {"reason": "lunch"} if after == "not_ready" else {}
    with Centre(asterisk, tmp_path, {"1003": "ring"}) as centre:
        centre.begin([number, "71003000910"], "1003")
        call = centre.until_call(number, "talking")
        asked = centre.ask(command, agent="1003", **reason)
        assert (asked["state"], asked["after_call"]) == ("on_call", True)
        assert centre.agent("1003")["after_call"] == after.replace("logged_out", "logout")
        assert len(centre.channels()) == 2  # they talk on
        centre.ask("call.hangup", call=call["call"])
        agent = centre.until_agent("1003", after)
        assert agent["reason"] == reason.get("reason", "")
        centre.until_channels(lambda names: not names, "both are hung up")
        assert len(centre.attempts(CAMPAIGN)) == 1  # the second lead waits for him
        assert centre.why()["factor"] in ("no_ready_agent", "no_agents")


def test_V04_V14_a_customer_nobody_takes_in_time_hears_the_message_and_is_abandoned(
    asterisk: Rig, tmp_path: Path
) -> None:
    number = "70003000911"
    policy = {"agent_ring_s": 100, "max_wait_s": 2, "drop_prompt": "rig/prompt", "waiting_sound": "music"}
    with Centre(asterisk, tmp_path, {"1009": "ring"}, policy) as centre:
        centre.begin([number], "1009")
        call = centre.until_call(number, "ended")
        assert (call["outcome"], call["because"], call["connected_at"]) == ("abandoned", "no agent in time", None)
        heard = asterisk.customer_heard(number)
        assert set(heard) == {"music", "prompt", "sound"}
        assert heard["prompt"] > 1.5  # all of its two seconds
        centre.until_channels(lambda names: not names, "nothing rings any more")
        assert centre.until_agent("1009", "ready")["reason"] == ""
        stats = centre.stats()
        assert (stats["abandoned"], stats["abandon_rate"]) == (1, 1.0)
        assert centre.leads(CAMPAIGN)[0]["state"] == "exhausted"


def test_C11_wrap_up_keeps_an_agent_free_of_calls(asterisk: Rig, tmp_path: Path) -> None:
    first, second = "71003010912", "71003010913"
    with Centre(asterisk, tmp_path, {"1003": "ring"}, {"wrap_up_s": 3}) as centre:
        centre.begin([first, second], "1003")
        centre.until_agent("1003", "wrap_up")
        assert centre.ask("call.list")["calls"] == []
        assert centre.why()["agents"] == {"wrap_up": 1}
        centre.until_call(second, "ended")
        one, two = centre.attempts_over(CAMPAIGN)
        assert instant(two["placed_at"]) - instant(one["ended_at"]) >= 2.99


def test_C11_an_agent_may_be_ready_before_his_wrap_up_is_over(asterisk: Rig, tmp_path: Path) -> None:
    first, second = "71003005914", "71003005915"
    with Centre(asterisk, tmp_path, {"1003": "ring"}, {"wrap_up_s": 3600}) as centre:
        centre.begin([first, second], "1003")
        centre.until_agent("1003", "wrap_up")
        centre.ask("agent.ready", agent="1003")
        assert centre.until_call(second, "ended")["outcome"] == "connected"


def test_an_agent_or_a_supervisor_ends_a_call(asterisk: Rig, tmp_path: Path) -> None:
    """V10: agent.hangup and call.hangup end both legs, also a call that still rings."""
    talks, ends, rings = STAYS + "916", STAYS + "917", "74000000918"
    with Centre(asterisk, tmp_path, {"1003": "ring"}) as centre:
        centre.begin([talks, ends, rings], "1003")
        centre.until_call(talks, "talking")
        centre.ask("agent.hangup", agent="1003")
        centre.ask("call.hangup", call=centre.until_call(ends, "talking")["call"])
        centre.ask("call.hangup", call=centre.until_call(rings, "ringing")["call"])
        centre.until_call(rings, "ended")
        calls = {row["number"]: (row["outcome"], row["agent"]) for row in centre.attempts_over(CAMPAIGN)}
        assert calls == {talks: ("connected", "1003"), ends: ("connected", "1003"), rings: ("cancelled", "")}
        assert {row["because"] for row in centre.attempts(CAMPAIGN)} == {
            f"ended by unix.{pwd.getpwuid(os.geteuid()).pw_name}"
        }
        centre.until_channels(lambda names: not names, "all are hung up")
        centre.until_agent("1003", "ready")


def test_V04_a_customer_who_waits_gets_the_first_agent_who_comes(asterisk: Rig, tmp_path: Path) -> None:
    """The only agent does not answer; the customer waits and hears music until another is ready."""
    number = "70003000919"
    with Centre(asterisk, tmp_path, {"1009": "ring", "1302": "ring"}, {"agent_ring_s": 3}) as centre:
        centre.begin([number], "1009")
        centre.until_agent("1009", "not_ready")
        assert centre.until_call(number, "waiting")["agent"] == ""
        centre.log_in_without_waiting("1302")
        call = centre.until_call(number, "talking")
        assert call["agent"] == "1302"
        centre.until(lambda: asterisk.customer_heard(number).get("agent-2", 0) > 0.3, "the customer hears the agent")
        heard = asterisk.customer_heard(number)
        assert set(heard) == {"music", "agent-2", "sound"}
        centre.ask("call.hangup", call=call["call"])
        centre.until_call(number, "ended")


def instant(text: str) -> float:
    """Seconds since the epoch of an ISO instant."""
    return datetime.fromisoformat(text).timestamp()
