"""Agents whose softphones stay connected for the shift, on a real Asterisk: log-in, lost phones, log-out."""

from __future__ import annotations

from pathlib import Path

from tests.asterisk.centre import CAMPAIGN, Centre
from tests.asterisk.rig.asterisk import Rig

STAYS = "71003000"


def hang_up_phone(centre: Centre, phone: str) -> None:
    """The softphone's leg ends as if its cable was pulled: neither the agent nor the daemon asked for it."""
    (channel,) = centre.channels(f"PJSIP/{phone}")
    with centre.rig.admin() as admin:
        assert admin.action("Hangup", Channel=channel)["Response"] == "Success"


def test_V11_one_call_to_the_softphone_lasts_for_the_shift(asterisk: Rig, tmp_path: Path) -> None:
    numbers = [f"70003010{n}" for n in (921, 922, 923)]
    before = asterisk.agent_invites().get("1305", 0)
    with Centre(asterisk, tmp_path, {"1305": "nailed_up"}) as centre:
        centre.ask("agent.login", agent="1305")
        assert centre.until_agent("1305", "not_ready")["phone_state"] == "idle"
        assert centre.why()["agents_free"] == 0  # connected, and not ready yet
        centre.ask("agent.ready", agent="1305")
        centre.add(numbers)
        centre.ask("campaign.start", campaign=CAMPAIGN)
        for number in numbers:
            assert centre.until_call(number, "ended")["agent"] == "1305"
            heard = asterisk.customer_heard(number)
            assert set(heard) - {"music"} == {"agent-5", "sound"}
        assert centre.until_agent("1305", "ready")["phone_state"] == "idle"
        assert asterisk.agent_invites()["1305"] - before == 1
        assert set(asterisk.agent_heard("1305")) == {"music", "customer-1", "customer-2", "customer-3", "sound"}
        centre.ask("agent.logout", agent="1305")
        centre.until_channels(lambda names: not names, "his phone is hung up")
        agent = centre.until_no_phone("1305")
        assert (agent["state"], agent["after_call"]) == ("logged_out", "")


def test_V11_a_phone_lost_in_a_call_ends_the_call_and_his_readiness(asterisk: Rig, tmp_path: Path) -> None:
    first, second = STAYS + "924", STAYS + "925"
    with Centre(asterisk, tmp_path, {"1306": "nailed_up"}, {"wrap_up_s": 1}) as centre:
        centre.begin([first, second], "1306")
        centre.until_call(first, "talking")
        hang_up_phone(centre, "1306")
        call = centre.until_call(first, "ended")
        assert (call["outcome"], call["agent"]) == ("connected", "1306")
        agent = centre.until_agent("1306", "not_ready")  # after his wrap-up
        assert "softphone" in agent["reason"]
        assert agent["phone_state"] == ""
        centre.until_channels(lambda names: not names, "both are hung up")
        assert len(centre.attempts(CAMPAIGN)) == 1
        assert centre.why()["factor"] == "no_ready_agent"
        centre.ask("agent.ready", agent="1306")  # his phone is called again, and then he is ready
        talk = centre.until_call(second, "talking")
        assert talk["agent"] == "1306"
        centre.ask("agent.hangup", agent="1306")
        centre.until_call(second, "ended")


def test_V11_a_phone_lost_between_calls_takes_no_call(asterisk: Rig, tmp_path: Path) -> None:
    """1202 hangs up by himself two seconds after he answered the call for the shift."""
    number = STAYS + "926"
    with Centre(asterisk, tmp_path, {"1202": "nailed_up"}) as centre:
        centre.log_in("1202")
        agent = centre.until_agent("1202", "not_ready")
        assert (agent["reason"], agent["phone_state"]) == ("softphone hung up", "")
        centre.add([number])
        centre.ask("campaign.start", campaign=CAMPAIGN)
        centre.until(lambda: centre.why()["factor"] == "no_ready_agent", "nobody is ready")
        assert "not ready" in centre.why()["because"]
        assert centre.attempts(CAMPAIGN) == []


def test_V03_a_phone_lost_while_the_customer_rings_leaves_him_to_another(asterisk: Rig, tmp_path: Path) -> None:
    """The call was placed for 1307, whose phone goes; 1308 is logged in meanwhile and gets the customer."""
    number = "70020000927"  # rings for two seconds
    with Centre(asterisk, tmp_path, {"1307": "nailed_up", "1308": "nailed_up"}) as centre:
        centre.begin([number], "1307")
        centre.until_call(number, "ringing")
        hang_up_phone(centre, "1307")
        centre.until_agent("1307", "not_ready")
        centre.log_in_without_waiting("1308")
        call = centre.until_call(number, "talking")
        assert call["agent"] == "1308"
        centre.until(lambda: asterisk.customer_heard(number).get("agent-8", 0) > 0.3, "the customer hears 1308")
        centre.ask("agent.hangup", agent="1308")
        assert centre.until_call(number, "ended")["outcome"] == "connected"


def test_V11_a_softphone_that_is_busy_at_log_in_leaves_the_agent_not_ready(asterisk: Rig, tmp_path: Path) -> None:
    with Centre(asterisk, tmp_path, {"1018": "nailed_up", "2005": "nailed_up"}) as centre:
        for agent, reason in (("1018", "softphone is busy"), ("2005", "softphone cannot be reached")):
            centre.ask("agent.login", agent=agent, ready=True)
            found = centre.until_agent(agent, "not_ready")
            assert reason in found["reason"]
            assert found["phone_state"] == ""


def test_V11_log_out_while_the_phone_is_being_called_stops_its_ringing(asterisk: Rig, tmp_path: Path) -> None:
    with Centre(asterisk, tmp_path, {"1019": "nailed_up"}) as centre:
        centre.ask("agent.login", agent="1019", ready=True)
        centre.until_channels(lambda names: len(names) == 1, "his phone rings", "PJSIP/1019")
        assert centre.agent("1019")["state"] == "connecting"
        centre.ask("agent.logout", agent="1019")
        centre.until_channels(lambda names: not names, "his phone does not ring any more")
        assert centre.until_no_phone("1019")["state"] == "logged_out"


def test_V10_log_out_during_a_call_hangs_up_the_phone_after_it(asterisk: Rig, tmp_path: Path) -> None:
    number = STAYS + "928"
    with Centre(asterisk, tmp_path, {"1309": "nailed_up"}, {"wrap_up_s": 1}) as centre:
        centre.begin([number], "1309")
        call = centre.until_call(number, "talking")
        assert centre.ask("agent.logout", agent="1309")["after_call"] is True
        assert len(centre.channels()) == 2
        centre.ask("call.hangup", call=call["call"])
        centre.until_agent("1309", "logged_out")
        centre.until_channels(lambda names: not names, "his phone is hung up")


def test_V11_not_ready_keeps_the_phone_connected(asterisk: Rig, tmp_path: Path) -> None:
    number = "71003005929"
    with Centre(asterisk, tmp_path, {"1309": "nailed_up"}) as centre:
        centre.log_in("1309")
        centre.ask("agent.not-ready", agent="1309", reason="training")
        agent = centre.until_agent("1309", "not_ready")
        assert (agent["reason"], agent["phone_state"]) == ("training", "idle")
        centre.add([number])
        centre.ask("campaign.start", campaign=CAMPAIGN)
        centre.until(lambda: centre.why()["factor"] == "no_ready_agent", "nobody is ready")
        assert len(centre.channels("PJSIP/1309")) == 1
        centre.ask("agent.ready", agent="1309")
        assert centre.until_call(number, "ended")["agent"] == "1309"
