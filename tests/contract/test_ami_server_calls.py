"""The street's AMI server against what a real Asterisk 22 sent for the same flows (recorded traces, docs/asterisk.md).

Never a duration: the tests wait for packets, with a deadline.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sim.ami_server import AmiServer
from tests.contract.raw_ami import STORY, USERS_AND_STORY, RawAmi, names, value, values
from tests.unit.street_cases import FIXED, scenario

C1, C2 = "c00000001000000000010000", "c00000001000000000020000"
P1, P2 = "p00000001000000000010000", "p00000001000000000020000"


@pytest.fixture
async def server() -> AsyncIterator[AmiServer]:
    talk = {**FIXED, "mean_s": 3000}  # so that no talk ends by itself while a test looks
    async with AmiServer(scenario(customers={"talk": talk}), speed=5, users=USERS_AND_STORY) as made:
        yield made


@pytest.fixture
async def ami(server: AmiServer) -> AsyncIterator[RawAmi]:
    session = await RawAmi.logged_in(server.port, *STORY)
    yield session
    await session.close()


async def talking(ami: RawAmi, number: str = "71005000001", context: str = "dialer-agent") -> None:
    """C1 talks with agent 1001."""
    ami.originate(C1, number)
    await ami.event("BridgeEnter", C1)
    ami.call_phone(P1, "1001", context, C1 if context == "dialer-ring" else "")
    await ami.event("BridgeEnter", P1)
    ami.send("Setvar", Channel=C1, Variable="DLR_TALK", Value=1)
    answer = await ami.ask("Bridge", Channel1=C1, Channel2=P1, Tone="no")
    assert answer == [("Response", "Success"), answer[1], ("Message", "Channels have been bridged")]
    await ami.event("BridgeEnter", P1, BridgeType="basic")


async def test_V11_an_agent_logs_in_as_in_the_trace(ami: RawAmi) -> None:
    ami.call_phone(P1, "1001")
    await ami.event("BridgeEnter", P1)
    assert ami.events(P1) == [
        "DialBegin",
        "Newstate",
        "DialState",
        "Newstate",
        "DialEnd",
        "OriginateResponse",
        "BridgeEnter",
    ]
    enter = await ami.event("BridgeEnter", P1)
    assert value(enter, "BridgeTechnology") == "holding_bridge"
    assert value(enter, "BridgeName") == "dlr-agent-1001"
    assert value(enter, "Context") == "dialer-agent"
    assert values(enter, "ChanVariable") == ["DLR_CALL=", "DLR_AGENT=1001"]


async def test_V03_the_headers_of_a_customers_events_are_those_of_asterisk_in_their_order(ami: RawAmi) -> None:
    action_id = ami.originate(C1, "71005000001")
    enter = await ami.event("BridgeEnter", C1)
    head = ["Event", "Privilege", "SystemName"]
    caller = ["CallerIDNum", "CallerIDName", "ConnectedLineNum", "ConnectedLineName", "Language", "AccountCode"]
    place = ["Context", "Exten", "Priority", "Uniqueid", "Linkedid", "ChanVariable", "ChanVariable"]
    channel = ["Channel", "ChannelState", "ChannelStateDesc", *caller, *place]
    bridge = ["Uniqueid", "Type", "Technology", "Creator", "Name", "NumChannels", "VideoSourceMode"]
    assert names(enter) == [*head, *("Bridge" + n for n in bridge), *channel]
    assert names(await ami.event("Newstate", C1)) == head + channel
    assert names(await ami.event("DialBegin", C1)) == [*head, *("Dest" + n for n in channel), "DialString"]
    assert names(await ami.event("DialEnd", C1)) == [*head, *("Dest" + n for n in channel), "DialStatus"]
    answer = await ami.event("OriginateResponse", C1)
    named = value(answer, "Channel")
    assert answer == [
        ("Event", "OriginateResponse"),
        ("Privilege", "call,all"),
        ("SystemName", "street"),
        ("ActionID", action_id),
        ("Response", "Success"),
        ("Channel", named),
        ("Context", "dialer-cust"),
        ("Exten", "s"),
        ("Reason", "4"),
        ("Uniqueid", C1),
        ("CallerIDNum", "431"),
        ("CallerIDName", "Acme"),
        (f"ChanVariable({named})", f"DLR_CALL={C1}"),
        (f"ChanVariable({named})", "DLR_AGENT="),
    ]
    assert value(enter, "BridgeName") == f"dlr-cust-{C1}"


async def test_V03_customer_hangs_up_first_as_in_the_trace(ami: RawAmi) -> None:
    await talking(ami, "71005080001")
    hangup = await ami.event("Hangup", C1)
    assert value(hangup, "Cause") == "16"
    assert value(hangup, "Cause-txt") == "Normal Clearing"
    assert "TechCause" not in names(hangup)
    assert value(hangup, "Linkedid") in (C1, P1)
    assert ami.events(C1)[-4:] == ["BridgeLeave", "BridgeEnter", "BridgeLeave", "Hangup"]
    back = await ami.wait(
        lambda p: p[0] == ("Event", "BridgeEnter") and ("Uniqueid", P1) in p and p in ami.packets[-2:], "idle again"
    )
    assert value(back, "BridgeName") == "dlr-agent-1001"


async def test_V03_our_hangup_of_the_customer_leaves_the_nailed_up_agent_idle(ami: RawAmi) -> None:
    await talking(ami)
    answer = await ami.ask("Hangup", Channel=C1, Cause=16)
    assert value(answer, "Message") == "Channel Hungup"
    await ami.event("Hangup", C1)
    await ami.wait(lambda p: p in ami.packets[-1:] and p[0] == ("Event", "BridgeEnter"), "the agent waits again")
    assert "Hangup" not in ami.events(P1)


async def test_V11_the_agents_phone_hangs_up_and_the_dialplan_ends_the_customer(ami: RawAmi) -> None:
    await talking(ami)
    ami.send("Hangup", Channel=P1)
    await ami.event("Hangup", C1)
    left = await ami.event("UserEvent", C1, UserEvent="DlrCustLeft")
    assert left[-3:] == [("UserEvent", "DlrCustLeft"), ("Call", C1), ("Talk", "1")]
    assert ami.events(P1)[-2:] == ["BridgeLeave", "Hangup"]
    assert ami.events(C1)[-3:] == ["BridgeLeave", "UserEvent", "Hangup"]


async def test_V04_abandoned_by_redirect_as_in_the_trace(ami: RawAmi) -> None:
    ami.originate(C1, "71005000001", ("DLR_DROP=sorry",))
    await ami.event("BridgeEnter", C1)
    answer = await ami.ask("Redirect", Channel=C1, Context="dialer-drop", Exten="s", Priority=1)
    assert value(answer, "Message") == "Redirect successful"
    await ami.event("Hangup", C1)
    assert ami.events(C1)[-3:] == ["BridgeLeave", "UserEvent", "Hangup"]
    drop = await ami.event("UserEvent", C1)
    assert (value(drop, "UserEvent"), value(drop, "Call"), value(drop, "Context")) == ("DlrDrop", C1, "dialer-drop")


async def test_V04_nobody_comes_and_the_dialplan_itself_drops_after_dlr_wait(ami: RawAmi) -> None:
    ami.originate(C1, "71005000001", ("DLR_WAIT=1",))
    await ami.event("Hangup", C1)
    assert ami.events(C1)[-4:] == ["BridgeLeave", "UserEvent", "UserEvent", "Hangup"]
    left = await ami.event("UserEvent", C1, UserEvent="DlrCustLeft")
    assert value(left, "Talk") == ""
    await ami.event("UserEvent", C1, UserEvent="DlrDrop")


async def test_V04_ring_the_agents_one_rings_out_one_is_busy_one_answers(ami: RawAmi, server: AmiServer) -> None:
    ami.originate(C1, "71005000001")
    await ami.event("BridgeEnter", C1)
    ami.call_phone(P1, "1009", "dialer-ring", C1, Timeout=2000)
    rang_out = await ami.event("OriginateResponse", P1)
    assert (value(rang_out, "Response"), value(rang_out, "Reason")) == ("Failure", "3")
    assert value(rang_out, "Channel") == "PJSIP/1009"
    hangup = await ami.event("Hangup", P1)
    assert (value(hangup, "Cause"), value(hangup, "TechCause")) == ("19", "480")
    assert "DialEnd" not in ami.events(P1)

    ami.call_phone(P2, "1008", "dialer-ring", C1)
    busy = await ami.event("OriginateResponse", P2)
    assert (value(busy, "Response"), value(busy, "Reason")) == ("Failure", "0")
    hangup = await ami.event("Hangup", P2)
    assert (value(hangup, "Cause"), value(hangup, "TechCause")) == ("17", "486")
    assert value(await ami.event("DialEnd", P2), "DialStatus") == "BUSY"

    third = "p00000001000000000030000"
    ami.call_phone(third, "1003", "dialer-ring", C1)
    enter = await ami.event("BridgeEnter", third)
    assert value(enter, "BridgeName") == "dlr-ring-1003"
    answered = await ami.event("UserEvent", third)
    assert answered[-3:] == [("UserEvent", "DlrAgentAnswered"), ("Agent", "1003"), ("Call", C1)]
    ami.send("Setvar", Channel=C1, Variable="DLR_TALK", Value=1)
    await ami.ask("Bridge", Channel1=C1, Channel2=third)
    ami.send("Hangup", Channel=C1)
    await ami.event("Hangup", third)
    await ami.event("Hangup", C1)
    assert server.street.books.pairs == [(C1, "1003")]


@pytest.mark.parametrize(
    ("number", "cause", "text", "sip", "status"),
    [
        ("72001486001", "17", "User busy", "486", "BUSY"),
        ("72001603001", "21", "Call Rejected", "603", "NOANSWER"),
        ("72001404001", "1", "Unallocated (unassigned) number", "404", "NOANSWER"),
        ("72001503001", "34", "Circuit/channel congestion", "503", "CONGESTION"),
        ("72001410001", "22", "Number changed", "410", "NOANSWER"),
    ],
)
async def test_V03_a_refused_call_says_cause_and_code(
    ami: RawAmi, number: str, cause: str, text: str, sip: str, status: str
) -> None:
    action_id = ami.originate(C1, number)
    hangup = await ami.event("Hangup", C1)
    assert hangup[-3:] == [("Cause", cause), ("Cause-txt", text), ("TechCause", sip)]
    failed = await ami.event("OriginateResponse", C1)
    assert value(failed, "ActionID") == action_id
    assert (value(failed, "Response"), value(failed, "Reason")) == ("Failure", "0")
    assert value(failed, "Channel") == f"PJSIP/{number}@street"
    assert value(await ami.event("DialEnd", C1), "DialStatus") == status


async def test_V03_not_answered_within_the_timeout(ami: RawAmi) -> None:
    ami.originate(C1, "74000000001", Timeout=3000)
    hangup = await ami.event("Hangup", C1)
    assert (value(hangup, "Cause"), value(hangup, "TechCause")) == ("19", "480")
    assert value(await ami.event("OriginateResponse", C1), "Reason") == "3"
    assert "DialEnd" not in ami.events(C1)
    ami.originate(C2, "79000000001", Timeout=3000)
    await ami.event("Hangup", C2)
    assert "Newstate" not in ami.events(C2)


async def test_V03_our_hangup_of_a_ringing_call_keeps_the_cause(ami: RawAmi) -> None:
    ami.originate(C1, "74000000001")
    await ami.event("Newstate", C1)
    ami.send("Hangup", Channel=C1, Cause=26)
    hangup = await ami.event("Hangup", C1)
    assert hangup[-2:] == [("Cause", "26"), ("Cause-txt", "Answered elsewhere")]
    assert value(await ami.event("DialEnd", C1), "DialStatus") == "NOANSWER"
    assert value(await ami.event("OriginateResponse", C1), "Reason") == "0"


@pytest.mark.parametrize("dial", ["PJSIP/71005000001@elsewhere", "PJSIP/@street", "SIP/71005000001@street"])
async def test_V03_where_no_channel_can_be_made_only_originate_response_comes(ami: RawAmi, dial: str) -> None:
    ami.originate(C1, "x", Channel=dial)
    failed = await ami.event("OriginateResponse", C1)
    assert (value(failed, "Response"), value(failed, "Reason")) == ("Failure", "0")
    await ami.ask("Ping")
    assert ami.events(C1) == ["OriginateResponse"]


async def test_V09_a_dead_trunk_makes_no_channel_and_no_invite() -> None:
    dead = scenario(lines={"outages": [{"from_s": 0, "until_s": 1000}]})
    async with AmiServer(dead, speed=20, users=USERS_AND_STORY) as server:
        ami = await RawAmi.logged_in(server.port, *STORY)
        ami.originate(C1, "71005000001")
        await ami.event("OriginateResponse", C1, Response="Failure", Reason="0")
        await ami.ask("Ping")
        assert ami.events(C1) == ["OriginateResponse"]
        assert server.street.books.invites == {}
        await ami.close()


async def test_O08_an_id_in_use_fails_with_the_living_calls_id_and_leaves_it_alone(ami: RawAmi) -> None:
    ami.originate(C1, "71005000001")
    await ami.event("BridgeEnter", C1)
    second = ami.originate(C1, "71005000002")
    failed = await ami.event("OriginateResponse", C1, Response="Failure")
    assert value(failed, "ActionID") == second
    assert len(await ami.listing("CoreShowChannels", "CoreShowChannelsComplete")) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Context": "nowhere"}, "Extension does not exist."),
        ({"Exten": "t"}, "Extension does not exist."),
        ({"Priority": "x"}, "Invalid priority"),
        ({"Channel": ""}, "Channel not specified"),
        ({"ChannelId": "y" * 150}, "Uniqueid length exceeds maximum of 149"),
        ({"Application": "System"}, "Originate Access Forbidden: app or data blacklisted"),
        ({"Async": "false"}, "The street takes an Originate with Async: true only"),
    ],
)
async def test_O08_a_wrong_originate_is_refused_at_once_in_asterisks_words(
    ami: RawAmi, server: AmiServer, changes: dict[str, str], message: str
) -> None:
    action_id = ami.originate(C1, "71005000001", (), **changes)
    answer = await ami.wait(lambda p: ("ActionID", action_id) in p, "the response")
    assert answer == [("Response", "Error"), ("ActionID", action_id), ("Message", message)]
    assert server.street.books.calls == 0


async def test_V03_bridge_says_what_is_wrong_in_asterisks_words(ami: RawAmi) -> None:
    ami.originate(C1, "71005000001")
    await ami.event("BridgeEnter", C1)
    gone = await ami.ask("Bridge", Channel1="c9", Channel2=C1)
    assert value(gone, "Message") == "Channel1 does not exist: c9"
    gone = await ami.ask("Bridge", Channel1=C1, Channel2="c9")
    assert value(gone, "Message") == "Channel2 does not exist: c9"
    itself = await ami.ask("Bridge", Channel1=C1, Channel2=C1)
    assert value(itself, "Message").startswith("Unable to add Channel2 to bridge: PJSIP/street-")
    ami.call_phone(P1, "1009")
    ringing = await ami.ask("Bridge", Channel1=C1, Channel2=P1)
    assert value(ringing, "Message").startswith("Unable to add Channel2 to bridge: PJSIP/1009-")


async def test_V03_bridge_takes_a_channel_by_prefix_as_asterisk_does(ami: RawAmi) -> None:
    ami.originate("c-10", "71005000001")
    await ami.event("BridgeEnter", "c-10")
    ami.call_phone(P1, "1001")
    await ami.event("BridgeEnter", P1)
    assert value(await ami.ask("Bridge", Channel1="c-1", Channel2=P1), "Response") == "Success"
    assert value(await ami.ask("Hangup", Channel="c-1"), "Message") == "No such channel"


async def test_V03_a_second_bridge_steals_the_agent(ami: RawAmi, server: AmiServer) -> None:
    await talking(ami)
    ami.originate(C2, "71005000002")
    await ami.event("BridgeEnter", C2)
    await ami.ask("Bridge", Channel1=C2, Channel2=P1)
    await ami.event("Hangup", C1)
    assert ami.events(C1)[-3:] == ["BridgeLeave", "UserEvent", "Hangup"]
    assert server.street.books.misuses == {"took an agent away from his customer": 1}


async def test_V04_redirect_to_nowhere_says_success_and_kills_the_channel(ami: RawAmi) -> None:
    ami.originate(C1, "71005000001")
    await ami.event("BridgeEnter", C1)
    answer = await ami.ask("Redirect", Channel=C1, Context="nowhere", Exten="s", Priority=1)
    assert value(answer, "Response") == "Success"
    assert value(await ami.event("Hangup", C1), "Cause") == "16"
    assert "UserEvent" not in ami.events(C1)
    gone = await ami.ask("Redirect", Channel=C1, Context="dialer-drop", Exten="s", Priority=1)
    assert value(gone, "Message") == f"Channel does not exist: {C1}"


async def test_O08_lists_tell_who_is_where(ami: RawAmi) -> None:
    await talking(ami)
    ami.originate(C2, "74000000001")
    await ami.event("Newstate", C2)
    shown = await ami.listing("CoreShowChannels", "CoreShowChannelsComplete")
    by_id = {value(p, "Uniqueid"): p for p in shown}
    assert set(by_id) == {C1, P1, C2}
    assert value(by_id[C1], "BridgeId") == value(by_id[P1], "BridgeId") != ""
    assert value(by_id[C2], "Application") == "AppDial2"
    assert value(by_id[C2], "Context") == "from-trunk"
    assert value(by_id[C2], "BridgeId") == ""
    assert value(by_id[P1], "ApplicationData") == "dlr-agent-1001,participant,e(m)"
    assert "DLR_AGENT=1001" in values(by_id[P1], "ChanVariable")
    assert f"DLR_CALL={C1}" in values(by_id[C1], "ChanVariable")
    assert value(by_id[C1], "Duration").startswith("00:00:")

    bridges = await ami.listing("BridgeList", "BridgeListComplete")
    counts = {value(p, "BridgeName"): value(p, "BridgeNumChannels") for p in bridges}
    assert counts == {"<unknown>": "2", f"dlr-cust-{C1}": "0", "dlr-agent-1001": "0"}
    uid = value(by_id[C1], "BridgeId")
    inside = await ami.listing("BridgeInfo", "BridgeInfoComplete", BridgeUniqueid=uid)
    assert {value(p, "Uniqueid") for p in inside} == {C1, P1}

    status = await ami.listing("Status", "StatusComplete", Channel=C1, Variables="DLR_TALK,DLR_X")
    assert values(status[0], "Variable") == ["DLR_TALK=1", "DLR_X=(null)"]
    assert value(await ami.ask("Status", Channel="c9"), "Message") == "No such channel"
    core = await ami.ask("CoreStatus")
    assert value(core, "CoreCurrentCalls") == "3"
    assert value(core, "CoreProcessedCalls") == "3"


async def test_O08_variables_of_a_channel(ami: RawAmi) -> None:
    ami.originate(C1, "71005000001", ("A=1,B=2", "C=x\\,y"))
    await ami.event("BridgeEnter", C1)
    for name, text in (("A", "1"), ("B", "2"), ("C", "x,y"), ("D", "")):
        assert value(await ami.ask("Getvar", Channel=C1.upper(), Variable=name), "Value") == text
    assert value(await ami.ask("Setvar", Channel="c9", Variable="A", Value=1), "Message") == "No such channel"
    assert value(await ami.ask("Getvar", Channel="c9", Variable="A"), "Message") == "No such channel"


async def test_O08_line_breaks_in_a_value_make_no_header(ami: RawAmi) -> None:
    await ami.ask("Setvar", Variable="A", Value="1\x0bX: y")
    assert value(await ami.ask("Getvar", Variable="A"), "Value") == "1\x0bX: y"


async def test_O08_many_calls_at_once_end_in_agreement_with_the_books(ami: RawAmi, server: AmiServer) -> None:
    kinds = ["71002010", "72002486", "72000404", "71001020"]
    legs = []
    for i in range(60):
        legs.append(f"c0000000100000000{i:07d}")
        ami.originate(legs[-1], f"{kinds[i % 4]}{i:03d}")
    for leg in legs:
        await ami.event("Hangup", leg)
    books = server.street.books
    assert set(books.invites.values()) == {1}
    assert len(books.invites) == 60
    assert books.ends == {"16": 30, "17": 15, "1": 15}
    assert books.hung_up == 30
    assert len([p for p in ami.packets if p[0] == ("Event", "Hangup")]) == 60
