"""The shipped dialplan on a real Asterisk: what each context promises the daemon, and what the rig's phones do."""

from __future__ import annotations

import itertools
import socket
import time

import pytest

from tests.asterisk.rig.ami import Ami, AmiError, Message
from tests.asterisk.rig.asterisk import Rig
from tests.asterisk.rig.phones import AGENTS, CARRIER, HOSTS
from tests.asterisk.rig.root import SUITES, RigError, wanted_suite

_ids = itertools.count(1)


def _call(ami: Ami, channel: str, context: str, extension: str = "s", **variables: str) -> str:
    """Originates as the daemon does; returns the channel id."""
    call = f"call-{next(_ids):08d}"
    answer = ami.action(
        "Originate",
        {"DLR_CALL": call, "DLR_ENT": "s", **variables},
        Channel=channel,
        Context=context,
        Exten=extension,
        Priority="1",
        Async="true",
        Timeout="10000",
        ChannelId=call,
    )
    assert answer["Response"] == "Success"
    return call


def _waits(ami: Ami, call: str) -> Message:
    """The moment it may be bridged: it sits in a holding bridge."""
    return ami.wait_event("BridgeEnter", Uniqueid=call, BridgeTechnology="holding_bridge")


def _agent(ami: Ami, number: str) -> str:
    call = _call(ami, f"PJSIP/{number}", "dialer-agent", DLR_AGENT=number)
    assert _waits(ami, call)["BridgeName"] == f"dlr-agent-{number}"
    return call


def _bridge(ami: Ami, customer: str, agent: str) -> None:
    ami.action("Setvar", Channel=customer, Variable="DLR_TALK", Value="1")
    answer = ami.action("Bridge", Channel1=customer, Channel2=agent, Tone="no")
    assert answer["Response"] == "Success", answer
    for call in (customer, agent):
        ami.wait_event("BridgeEnter", Uniqueid=call, BridgeType="basic")


def test_V04_an_answered_customer_waits_in_a_bridge_named_after_the_call(ami: Ami) -> None:
    call = _call(ami, "PJSIP/71002000001@trunk", "dialer-cust")
    entered = _waits(ami, call)
    assert entered["BridgeName"] == f"dlr-cust-{call}"
    response = ami.wait_event("OriginateResponse", Uniqueid=call)
    assert (response["Response"], response["Reason"]) == ("Success", "4")
    ami.action("Hangup", Channel=call)
    assert ami.wait_event("Hangup", Uniqueid=call)["Cause"] == "16"


def test_V11_a_nailed_up_agent_serves_one_customer_after_the_other(ami: Ami) -> None:
    agent = _agent(ami, "1001")
    for number in ("71001005011", "71001005012"):  # each hangs up half a second after the answer
        ami.events.clear()
        customer = _call(ami, f"PJSIP/{number}@trunk", "dialer-cust")
        _waits(ami, customer)
        ami.events.clear()
        _bridge(ami, customer, agent)
        assert ami.wait_event("Hangup", Uniqueid=customer)["Cause"] == "16"
        assert _waits(ami, agent)["BridgeName"] == "dlr-agent-1001"
    ami.action("Hangup", Channel=agent)
    ami.wait_event("Hangup", Uniqueid=agent)


def test_V11_an_agent_who_hangs_up_frees_the_customer_and_tells_that_they_talked(ami: Ami) -> None:
    agent = _agent(ami, "1201")  # hangs up 2 s after his answer
    customer = _call(ami, "PJSIP/71001000013@trunk", "dialer-cust")
    _waits(ami, customer)
    _bridge(ami, customer, agent)
    ami.wait_event("Hangup", Uniqueid=agent)
    left = ami.wait_event("UserEvent", UserEvent="DlrCustLeft", Uniqueid=customer)
    assert (left["Call"], left["Talk"]) == (customer, "1")
    assert ami.wait_event("Hangup", Uniqueid=customer)["Cause"] == "16"


def test_V14_a_customer_nobody_comes_for_hears_the_drop_message(asterisk: Rig, ami: Ami) -> None:
    number = "70001000014"
    call = _call(ami, f"PJSIP/{number}@trunk", "dialer-cust", DLR_WAIT="1", DLR_DROP="rig/prompt")
    left = ami.wait_event("UserEvent", UserEvent="DlrCustLeft", Uniqueid=call)
    assert left["Talk"] == ""
    assert ami.wait_event("UserEvent", UserEvent="DlrDrop", Uniqueid=call)["Call"] == call
    ami.pump(1.2)
    assert asterisk.customer_heard(number)["prompt"] > 0.8
    ami.action("Hangup", Channel=call)


def test_V14_a_waiting_customer_can_be_sent_to_the_drop_message(asterisk: Rig, ami: Ami) -> None:
    number = "70001000015"
    call = _call(ami, f"PJSIP/{number}@trunk", "dialer-cust", DLR_DROP="rig/prompt")
    _waits(ami, call)
    answer = ami.action("Redirect", Channel=call, Context="dialer-drop", Exten="s", Priority="1")
    assert answer["Response"] == "Success"
    assert ami.wait_event("Hangup", Uniqueid=call)["Cause"] == "16"  # the message is over
    ami.pump(0.3)
    assert asterisk.customer_heard(number)["prompt"] > 1.8


def test_V11_a_rung_agent_waits_to_be_bridged(ami: Ami) -> None:
    call = _call(ami, "PJSIP/1002", "dialer-ring", DLR_AGENT="1002")
    assert ami.wait_event("UserEvent", UserEvent="DlrAgentAnswered", Uniqueid=call)["Agent"] == "1002"
    assert _waits(ami, call)["BridgeName"] == "dlr-ring-1002"
    ami.action("Hangup", Channel=call)


@pytest.mark.parametrize(
    ("phone", "reason", "cause"), [("1008", "0", "17"), ("1009", "3", "19" if SUITES[wanted_suite()] >= 18 else "0")]
)
def test_V10_a_busy_and_a_silent_phone_are_told_apart(ami: Ami, phone: str, reason: str, cause: str) -> None:
    call = f"phone-{phone}-00001"
    where = {"Context": "dialer-ring", "Exten": "s", "Priority": "1", "Async": "true", "Timeout": "1500"}
    ami.action("Originate", {"DLR_AGENT": phone}, Channel=f"PJSIP/{phone}", ChannelId=call, **where)
    assert ami.wait_event("OriginateResponse", Uniqueid=call)["Reason"] == reason
    assert ami.wait_event("Hangup", Uniqueid=call)["Cause"] == cause


def test_V10_a_late_phone_answers_after_two_seconds(ami: Ami) -> None:
    call = _call(ami, "PJSIP/1101", "dialer-ring", DLR_AGENT="1101")
    with pytest.raises(AmiError):
        ami.wait_event("OriginateResponse", 1.0, Uniqueid=call)
    assert ami.wait_event("OriginateResponse", Uniqueid=call)["Response"] == "Success"
    ami.action("Hangup", Channel=call)


def test_V06_agent_first_the_agents_leg_dials_the_customer(asterisk: Rig, ami: Ami) -> None:
    number = "71002005016"
    with asterisk.admin() as watching:  # the end of dialing does not pass the shipped filter
        call = _call(
            ami,
            "PJSIP/1003",
            "dialer-first",
            number,
            DLR_AGENT="1003",
            DLR_TRUNK="trunk",
            DLR_RING="20",
            DLR_REC="f.wav",
        )
        customer = ami.wait_event("DialBegin", Uniqueid=call)["DestUniqueid"]
        assert watching.wait_event("DialEnd", DestUniqueid=customer)["DialStatus"] == "ANSWER"
    done = ami.wait_event("UserEvent", UserEvent="DlrDialDone")
    assert (done["Call"], done["Status"], done["Cause"]) == (call, "ANSWER", "16")
    gone = ami.wait_event("UserEvent", UserEvent="DlrLegDone")
    assert (gone["Call"], gone["Agent"]) == (call, "1003")
    ami.wait_event("Hangup", Uniqueid=call)
    assert asterisk.recording("f.wav").exists()


def test_V06_an_agent_who_gives_up_while_it_rings_is_told_too(ami: Ami) -> None:
    call = _call(ami, "PJSIP/1201", "dialer-first", "74001000017", DLR_AGENT="1201", DLR_TRUNK="trunk", DLR_RING="20")
    assert ami.wait_event("UserEvent", UserEvent="DlrLegDone")["Call"] == call
    ami.wait_event("Hangup", Uniqueid=call)


@pytest.mark.parametrize(
    ("number", "trunk", "key"), [("76001010718", "trunk", "7"), ("77001005018", "trunk-info", "1")]
)
def test_V05_a_pressed_key_reaches_the_daemon(ami: Ami, number: str, trunk: str, key: str) -> None:
    call = _call(ami, f"PJSIP/{number}@{trunk}", "dialer-press", DLR_PROMPT="rig/prompt")
    pressed = ami.wait_event("UserEvent", UserEvent="DlrKey", Uniqueid=call)
    assert (pressed["Call"], pressed["Key"], pressed["Status"]) == (call, key, "OK")
    assert ami.wait_event("DTMFEnd", Uniqueid=call)["Digit"] == key
    assert _waits(ami, call)["BridgeName"] == f"dlr-cust-{call}"
    ami.action("Hangup", Channel=call)


def test_V05_no_key_is_told_as_a_timeout(ami: Ami) -> None:
    call = _call(ami, "PJSIP/71001000019@trunk", "dialer-press", DLR_PROMPT="beep", DLR_KEYWAIT="1")
    pressed = ami.wait_event("UserEvent", UserEvent="DlrKey", Uniqueid=call)
    assert (pressed["Key"], pressed["Status"]) == ("", "TIMEOUT")
    ami.action("Hangup", Channel=call)


@pytest.mark.parametrize(("number", "status"), [("78001000001", "HUMAN"), ("78001000002", "MACHINE")])
def test_V12_a_person_and_a_machine_are_told_apart(ami: Ami, number: str, status: str) -> None:
    call = _call(ami, f"PJSIP/{number}@trunk", "dialer-cust", DLR_AMD="1")
    said = ami.wait_event("UserEvent", UserEvent="DlrAmd", Uniqueid=call)
    assert (said["Call"], said["Status"]) == (call, status)
    _waits(ami, call)
    ami.action("Hangup", Channel=call)


def test_V07_a_caller_in_the_queue_asks_for_a_call_back_by_key(asterisk: Rig, ami: Ami) -> None:
    caller = asterisk.call_in("5001", number="41790001122", name="Jane", keys="1")
    asked = ami.wait_event("UserEvent", UserEvent="DlrCallback")
    assert (asked["Phone"], asked["Name"], asked["Dialed"]) == ("41790001122", "Jane", "5001")
    ami.wait_event("Hangup", Uniqueid=asked["Uniqueid"])
    caller.stop()


def test_V10_a_phone_that_registers_and_goes_is_told_by_its_device_state(asterisk: Rig, ami: Ami) -> None:
    with asterisk.admin() as watching:  # device states do not pass the shipped filter
        asterisk.register("2001")
        watching.wait_event("DeviceStateChange", Device="PJSIP/2001", State="NOT_INUSE")
        call = _call(ami, "PJSIP/2001", "dialer-ring", DLR_AGENT="2001")
        _waits(ami, call)
        watching.wait_event("DeviceStateChange", Device="PJSIP/2001", State="INUSE")
        ami.action("Hangup", Channel=call)
        ami.wait_event("Hangup", Uniqueid=call)
        asterisk.register("2001", 0)
        watching.wait_event("DeviceStateChange", Device="PJSIP/2001", State="UNAVAILABLE")
    with pytest.raises(RigError, match="2002 could not register"):
        asterisk.phones.register("2002", "wrong")


@pytest.mark.parametrize(
    ("code", "cause"), [("486", "17"), ("404", "1"), ("503", "34"), ("603", "21"), ("480", "19"), ("500", "38")]
)
def test_C13_the_carriers_refusal_comes_as_a_cause(ami: Ami, code: str, cause: str) -> None:
    call = _call(ami, f"PJSIP/72001{code}020@trunk", "dialer-cust")
    assert ami.wait_event("OriginateResponse", Uniqueid=call)["Response"] == "Failure"
    hangup = ami.wait_event("Hangup", Uniqueid=call)
    assert hangup["Cause"] == cause
    if SUITES[wanted_suite()] >= 20:
        assert hangup["TechCause"] == code


@pytest.mark.parametrize("number", ["123456", "81001000001", "710010000"])
def test_a_number_outside_the_language_is_refused(ami: Ami, number: str) -> None:
    call = _call(ami, f"PJSIP/{number}@trunk", "dialer-cust")
    assert ami.wait_event("Hangup", Uniqueid=call)["Cause"] == "1"


@pytest.mark.parametrize("number", ["+35271001000021", "0035271001000021", "35271001000021", "71001000021999"])
def test_a_number_may_have_a_country_code_and_more_digits(asterisk: Rig, ami: Ami, number: str) -> None:
    before = asterisk.invites().get(number, 0)
    call = _call(ami, f"PJSIP/{number}@trunk", "dialer-cust")
    _waits(ami, call)
    ami.action("Hangup", Channel=call)
    assert asterisk.invites()[number] == before + 1


def test_O08_each_call_that_reaches_the_carrier_is_counted_once(asterisk: Rig, ami: Ami) -> None:
    numbers = [f"71001002{number:06d}" for number in range(22_000, 22_100)]
    dialled = [*numbers, *numbers[:10]]
    calls = [_call(ami, f"PJSIP/{number}@trunk", "dialer-cust") for number in dialled]
    for call in calls:
        ami.wait_event("Hangup", 20, Uniqueid=call)
    found = asterisk.invites()
    assert {number: found.get(number, 0) for number in numbers} == {n: dialled.count(n) for n in numbers}


def test_O08_an_invite_that_is_sent_again_is_no_new_call(asterisk: Rig) -> None:
    number = "75001000023"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.bind(("127.0.0.1", 0))
        for call in ("one", "one", "one", "two"):
            wire.sendto(_invite(number, call, wire.getsockname()[1]), (HOSTS[CARRIER], asterisk.sip_port))
            time.sleep(0.05)
    deadline = time.monotonic() + 5
    while asterisk.invites().get(number, 0) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert asterisk.invites()[number] == 2


def _invite(number: str, call: str, port: int) -> bytes:
    lines = [
        f"INVITE sip:{number}@{HOSTS[CARRIER]} SIP/2.0",
        f"Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK-{call}",
        "From: <sip:test@127.0.0.1>;tag=1",
        f"To: <sip:{number}@{HOSTS[CARRIER]}>",
        f"Call-ID: again-{call}",
        "CSeq: 1 INVITE",
        f"Contact: <sip:test@127.0.0.1:{port}>",
        "Max-Forwards: 70",
        "Content-Length: 0",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def test_O08_a_black_hole_is_one_call_however_often_asterisk_tries(asterisk: Rig, ami: Ami) -> None:
    call = f"hole-{next(_ids):08d}"
    where = {"Context": "dialer-cust", "Exten": "s", "Priority": "1", "Async": "true", "Timeout": "2000"}
    ami.action("Originate", {}, Channel="PJSIP/75001000024@trunk", ChannelId=call, **where)
    assert ami.wait_event("OriginateResponse", Uniqueid=call)["Reason"] == "3"
    assert asterisk.invites()["75001000024"] == 1


def test_V11_calls_to_agents_phones_are_counted_too(asterisk: Rig, ami: Ami) -> None:
    before = asterisk.agent_invites().get("1004", 0)
    call = _call(ami, "PJSIP/1004", "dialer-ring", DLR_AGENT="1004")
    _waits(ami, call)
    ami.action("Hangup", Channel=call)
    assert asterisk.agent_invites()["1004"] == before + 1
    assert [invite.number for invite in asterisk.phones.invites(AGENTS)][-1] == "1004"
