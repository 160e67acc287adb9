"""Intents in AMI's words: what is sent, and what no stranger's text can make of it (V04, V08, V11, O08)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.adapters.asterisk.actions import (
    Action,
    actions_of,
    hang_up,
    leg_of_hang_up,
    leg_of_originate,
    pair_of_bridge,
    unmark_talk,
)
from dialerd.adapters.asterisk.packets import checked_headers
from dialerd.model.intents import CallPhone, Connect, Dial, Drop, HangUp, OfferCall, ToTelephony

CALL = "c0a1b2c3d000000000070001"
LEG = "p0a1b2c3d000000000080001"

DIAL = Dial(
    call=CALL,
    campaign="spring",
    lead=7,
    number="+84905123456",
    server="pbx1",
    trunk="carrier",
    dial="PJSIP/84905123456@carrier",
    hotline="sales",
    caller_number="842871234567",
    caller_name="Công ty Hoa Sen",
    ring_s=30.0,
    wait_s=1.5,
    sound="music",
    drop_prompt="dialerd/sorry",
    booked="",
)
OFFER = OfferCall(LEG, "anna", "pbx1", "PJSIP/1001", CALL, 10.0, "+84905123456", "Nguyễn Văn Tý")
PHONE = CallPhone(LEG, "anna", "pbx1", "PJSIP/1001", 20.0)
CONNECT = Connect(CALL, LEG, "anna", "pbx1")


def changed(intent: Any, **fields: object) -> Any:
    return msgspec.structs.replace(intent, **fields)


def the_one(intent: ToTelephony) -> Action:
    [action] = actions_of(intent)
    return action


def values(action: Action, name: str) -> list[str]:
    return [value for header, value in action.headers if header == name]


def test_V04_a_call_is_an_asynchronous_originate_whose_channel_and_action_are_the_call() -> None:
    action = the_one(DIAL)
    assert action.id == CALL
    assert action.headers == (
        ("Action", "Originate"),
        ("Channel", "PJSIP/84905123456@carrier"),
        ("Context", "dialer-cust"),
        ("Exten", "s"),
        ("Priority", "1"),
        ("Async", "true"),
        ("Timeout", "30000"),
        ("ChannelId", CALL),
        ("CallerID", '"Công ty Hoa Sen" <842871234567>'),
        ("Variable", f"DLR_CALL={CALL}"),
        ("Variable", "DLR_WAIT=2"),
        ("Variable", "DLR_ENT=m"),
        ("Variable", "DLR_DROP=dialerd/sorry"),
    )


@pytest.mark.parametrize(
    ("wait_s", "told"), [(0.0, "1"), (0.2, "1"), (1.0, "1"), (1.01, "2"), (20, "20"), (300, "300")]
)
def test_V04_the_wait_is_told_in_whole_seconds_rounded_up_and_at_least_one(wait_s: float, told: str) -> None:
    assert f"DLR_WAIT={told}" in values(the_one(changed(DIAL, wait_s=wait_s)), "Variable")


@pytest.mark.parametrize(("sound", "letter"), [("music", "m"), ("ringing", "r"), ("silence", "s")])
def test_V04_a_waiting_customer_hears_what_the_campaign_says(sound: str, letter: str) -> None:
    assert f"DLR_ENT={letter}" in values(the_one(changed(DIAL, sound=sound)), "Variable")


@pytest.mark.parametrize(
    ("name", "number", "caller"),
    [("", "", []), ("", "+8428", ["<+8428>"]), ("Sen", "", ['"Sen" <>']), ("Sen", "8428", ['"Sen" <8428>'])],
)
def test_V08_the_hotline_is_the_caller_id(name: str, number: str, caller: list[str]) -> None:
    assert values(the_one(changed(DIAL, caller_name=name, caller_number=number)), "CallerID") == caller


def test_V11_a_softphone_rings_for_one_call() -> None:
    action = the_one(OFFER)
    assert action.id == LEG
    assert values(action, "Context") == ["dialer-ring"]
    assert values(action, "Channel") == ["PJSIP/1001"]
    assert values(action, "ChannelId") == [LEG]
    assert values(action, "Timeout") == ["10000"]
    assert values(action, "CallerID") == ['"Nguyễn Văn Tý" <+84905123456>']
    assert values(action, "Variable") == ["DLR_AGENT=anna", f"DLR_CALL={CALL}"]


def test_V11_a_softphone_is_called_for_the_shift() -> None:
    action = the_one(PHONE)
    assert values(action, "Context") == ["dialer-agent"]
    assert values(action, "Variable") == ["DLR_AGENT=anna", "DLR_ENT=m"]
    assert values(action, "CallerID") == []
    first = the_one(msgspec.structs.replace(PHONE, sound="ringing"))
    assert values(first, "Variable") == ["DLR_AGENT=anna", "DLR_ENT=r"], "agent first: he hears ringing"


def test_V04_the_talk_mark_is_set_before_the_bridge_and_the_agents_leg_is_moved_first() -> None:
    mark, bridge = actions_of(CONNECT)
    assert mark.headers == (("Action", "Setvar"), ("Channel", CALL), ("Variable", "DLR_TALK"), ("Value", "1"))
    assert bridge.headers == (("Action", "Bridge"), ("Channel1", LEG), ("Channel2", CALL), ("Tone", "no"))
    assert pair_of_bridge(bridge.id) == (CALL, LEG)
    assert pair_of_bridge(mark.id) is None
    assert values(unmark_talk(CALL), "Value") == [""]


def test_V04_hanging_up_and_dropping_name_the_channel_by_its_id() -> None:
    for action in (the_one(HangUp(LEG, "pbx1", "logout")), hang_up(LEG)):
        assert action.headers == (("Action", "Hangup"), ("Channel", LEG), ("Cause", "16"))
        assert leg_of_hang_up(action.id) == LEG
    drop = the_one(Drop(CALL, "pbx1", "nobody"))
    assert drop.headers == (
        ("Action", "Redirect"),
        ("Channel", CALL),
        ("Context", "dialer-drop"),
        ("Exten", "s"),
        ("Priority", "1"),
    )


def test_O08_a_response_is_known_by_its_action_id_alone() -> None:
    ids = [the_one(DIAL).id, the_one(OFFER).id, *(action.id for action in actions_of(CONNECT)), hang_up(LEG).id]
    assert [leg_of_originate(each) for each in ids] == [CALL, LEG, "", "", ""]
    assert [leg_of_hang_up(each) for each in ids] == ["", "", "", "", LEG]
    for strange in ("", "bridge-", f"bridge-{CALL}", f"bridge-{CALL}-x", "hangup-1", "ping"):
        assert (leg_of_originate(strange), leg_of_hang_up(strange), pair_of_bridge(strange)) == ("", "", None)


REFUSED = [
    (DIAL, "call", LEG),
    (DIAL, "call", CALL + "\n"),
    (DIAL, "call", "c1"),
    (DIAL, "number", "0905 123"),
    (DIAL, "number", "0905\r\nAction: Evil"),
    (DIAL, "dial", "PJSIP/090@carrier&PJSIP/091@carrier"),
    (DIAL, "dial", "PJSIP/090@carrier,30"),
    (DIAL, "dial", "PJSIP/090 1@carrier"),
    (DIAL, "dial", "PJSIP/090;x@carrier"),
    (DIAL, "dial", "PJSIP/090@carrier\r\nApplication: System"),
    (DIAL, "dial", "PJSIP/${SHELL(id)}@carrier"),
    (DIAL, "dial", "PJSIP"),
    (DIAL, "dial", ""),
    (DIAL, "caller_number", "Anna"),
    (DIAL, "caller_number", "8428>"),
    (DIAL, "caller_name", 'x" <911>'),
    (DIAL, "caller_name", "x\r\nVariable: A=1"),
    (DIAL, "caller_name", "x\0"),
    (DIAL, "caller_name", "x;y"),
    (DIAL, "caller_name", "x\\"),
    (DIAL, "caller_name", "x" * 81),
    (DIAL, "sound", "loud"),
    (DIAL, "drop_prompt", "sorry,noanswer"),
    (DIAL, "drop_prompt", "a&b"),
    (DIAL, "drop_prompt", "../../etc/passwd"),
    (DIAL, "drop_prompt", "x\nVariable: B=1"),
    (DIAL, "ring_s", 0.0),
    (DIAL, "ring_s", float("nan")),
    (DIAL, "ring_s", float("inf")),
    (DIAL, "wait_s", -1.0),
    (DIAL, "wait_s", float("inf")),
    (OFFER, "leg", CALL),
    (OFFER, "call", LEG),
    (OFFER, "phone", "PJSIP/1001,x"),
    (OFFER, "agent", "anna,x"),
    (OFFER, "agent", ""),
    (OFFER, "caller_number", "0905\r\n"),
    (PHONE, "phone", "Local/1@from-inside;x"),
    (PHONE, "agent", "anna)S(1"),
    (PHONE, "ring_s", 601.0),
    (CONNECT, "call", LEG),
    (CONNECT, "leg", CALL),
    (HangUp(LEG, "pbx1", ""), "leg", "PJSIP/1001-0001"),
    (HangUp(LEG, "pbx1", ""), "leg", "/^PJSIP/"),
    (Drop(CALL, "pbx1", ""), "call", LEG),
]


@pytest.mark.parametrize(("intent", "field", "bad"), REFUSED)
def test_O08_what_does_not_fit_is_refused_by_the_fields_name(intent: ToTelephony, field: str, bad: object) -> None:
    with pytest.raises(ValueError, match=f"^{field}: found ") as refusal:
        actions_of(changed(intent, **{field: bad}))
    assert "allowed" in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert "\r" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ('Nguyễn "Tý" <b>', "Nguyễn Tý b"),
        ("a\r\nVariable: X=1", "a Variable: X=1"),
        (' ";<>\\ ', None),
        ("x" * 200, "x" * 80),
    ],
)
def test_V11_a_leads_odd_name_never_keeps_the_agent_from_being_rung(name: str, shown: str | None) -> None:
    [caller] = values(the_one(changed(OFFER, caller_name=name)), "CallerID")
    assert caller == (f'"{shown}" <+84905123456>' if shown else "<+84905123456>")


strange = st.text(max_size=60) | st.text('0123456789+*#;&@/,"<>\\$(){}\r\n\0 aP', max_size=40)


@given(strange, strange, strange, strange, strange)
def test_O08_whatever_text_comes_either_one_clean_action_or_a_refusal(
    dial: str, number: str, name: str, prompt: str, lead: str
) -> None:
    rest = {"caller_number": number, "caller_name": name}
    for intent in (
        changed(DIAL, dial=f"PJSIP/{dial}", drop_prompt=prompt, number=number, **rest),
        changed(OFFER, phone=f"PJSIP/{dial}", caller_name=lead, caller_number=number),
    ):
        try:
            action = the_one(intent)
        except ValueError:
            continue
        expected = ["Action", "Channel", "Context", "Exten", "Priority", "Async", "Timeout", "ChannelId", "CallerID"]
        assert [header for header, _ in action.headers if header not in ("Variable", "CallerID")] == expected[:-1]
        checked_headers(action.headers, action.id)  # the link itself takes it
        assert all("," not in value for value in values(action, "Variable"))
        assert not set("&;, ") & set(values(action, "Channel")[0])
        for caller in values(action, "CallerID"):
            assert caller.count('"') in (0, 2)
            assert caller.count("<") == caller.count(">") == 1
