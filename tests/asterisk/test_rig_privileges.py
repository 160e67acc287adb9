"""The shipped AMI user can do what the daemon needs, and nothing that reaches the operating system."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.asterisk.rig.ami import Ami, AmiError
from tests.asterisk.rig.asterisk import SHIPPED, Rig
from tests.asterisk.rig.root import SUITES, wanted_suite

_CUSTOMER = {"Context": "dialer-cust", "Exten": "s", "Priority": "1", "Async": "true", "Timeout": "10000"}


def test_O02_the_daemons_user_logs_in_and_hears_that_asterisk_is_booted(ami: Ami) -> None:
    assert ami.banner.startswith("Asterisk Call Manager/")
    assert ami.wait_event("FullyBooted")["Status"] == "Fully Booted"


def test_O02_the_secret_of_the_sample_is_refused(asterisk: Rig) -> None:
    assert "secret = CHANGE-THIS-SECRET" in (SHIPPED / "manager_dialerd.conf").read_text()
    with pytest.raises(AmiError, match="refused: Authentication failed"):
        Ami(asterisk.ami_host, asterisk.ami_port, asterisk.ami_user, "CHANGE-THIS-SECRET")


@pytest.mark.parametrize(
    ("action", "headers"),
    [
        ("Command", {"Command": "core stop now"}),
        ("MixMonitor", {"Channel": "x", "File": "x.wav"}),
        ("Reload", {}),
        ("DBPut", {"Family": "a", "Key": "b", "Val": "c"}),
        ("GetConfig", {"Filename": "manager.conf"}),
        ("UpdateConfig", {"SrcFilename": "manager.conf", "DstFilename": "manager.conf"}),
        ("Filter", {"Operation": "Add", "Filter": "Event: Newexten"}),
        ("PJSIPShowEndpoints", {}),
    ],
)
def test_O04_the_daemons_user_is_refused(ami: Ami, action: str, headers: dict[str, str]) -> None:
    answer = ami.action(action, None, **headers)
    assert (answer["Response"], answer["Message"]) == ("Error", "Permission denied")


@pytest.mark.parametrize("application", ["System", "TrySystem", "Exec", "AGI", "EAGI", "MixMonitor"])
def test_O04_no_originate_runs_a_command(ami: Ami, application: str) -> None:
    answer = ami.action(
        "Originate", Channel="PJSIP/71001000001@trunk", Application=application, Data="touch /nowhere", Async="true"
    )
    assert answer["Response"] == "Error"
    assert "Forbidden" in answer["Message"]


@pytest.mark.parametrize(
    "action",
    ["CoreStatus", "CoreSettings", "Ping", "QueueSummary"],
)
def test_O02_the_daemons_user_may_ask(ami: Ami, action: str) -> None:
    assert ami.action(action)["Response"] == "Success"


@pytest.mark.parametrize("action", ["CoreShowChannels", "BridgeList", "Status", "DeviceStateList", "QueueStatus"])
def test_O02_the_daemons_user_may_list(ami: Ami, action: str) -> None:
    ami.listing(action)


_THIRD_ARGUMENT = "x.wav\\,\\,touch {mark} #"  # MixMonitor's third argument is a command; "\\," is AMI's way to say ","
_OTHER_BRANCH = 'a\\" & 0 & \\"x):System(touch {mark} #'  # out of the quotes, and into ExecIf's other branch


@pytest.mark.parametrize(
    ("context", "extension", "variable", "value"),
    [
        ("dialer-cust", "s", "DLR_REC", _THIRD_ARGUMENT),
        ("dialer-cust", "s", "DLR_REC", _OTHER_BRANCH),
        ("dialer-press", "s", "DLR_REC", _THIRD_ARGUMENT),
        ("dialer-first", "72001486001", "DLR_REC", _THIRD_ARGUMENT),
        ("dialer-drop", "s", "DLR_DROP", _OTHER_BRANCH),
    ],
)
def test_V13_a_name_given_with_a_call_never_becomes_a_command(
    asterisk: Rig, ami: Ami, tmp_path: Path, context: str, extension: str, variable: str, value: str
) -> None:
    """Each of these made the file before the dialplan filtered names, on 22 and 16."""
    mark = tmp_path / "mark"
    call = f"evil-{context}-{len(value):08d}"
    more = {"DLR_CALL": call, "DLR_KEYWAIT": "1", "DLR_ENT": "s", "DLR_PROMPT": "beep"}
    where = {**_CUSTOMER, "Context": context, "Exten": extension}
    variables = {**more, "DLR_TRUNK": "trunk", "DLR_RING": "5", variable: value.format(mark=mark)}
    answer = ami.action("Originate", variables, Channel="PJSIP/71001000002@trunk", ChannelId=call, **where)
    assert answer["Response"] == "Success"
    ami.wait(lambda event: event.get("Uniqueid") == call and event.get("Event") in {"BridgeEnter", "Hangup"})
    ami.action("Hangup", Channel=call)  # unless it has ended by itself
    ami.wait_event("Hangup", Uniqueid=call)
    ami.pump(0.3)  # a command starts at the recording's end
    assert list(tmp_path.iterdir()) == []


def test_V13_a_recording_may_be_named_in_any_script(asterisk: Rig, ami: Ami) -> None:
    call, name = "named-000000001", "2026/Nguyễn_Đ+1-a.wav"
    variables = {"DLR_CALL": call, "DLR_REC": name}
    ami.action("Originate", variables, Channel="PJSIP/71001005005@trunk", ChannelId=call, **_CUSTOMER)
    ami.wait_event("Hangup", Uniqueid=call)
    assert asterisk.recording(name).exists()


def test_O05_only_the_events_of_the_shipped_filter_arrive(ami: Ami) -> None:
    call = "filter-0000000001"
    ami.action("Originate", {"DLR_CALL": call}, Channel="PJSIP/71001005003@trunk", ChannelId=call, **_CUSTOMER)
    ami.wait_event("Hangup", Uniqueid=call)
    ami.pump(0.2)
    text = (SHIPPED / "manager_dialerd.conf").read_text()
    wanted = set(re.findall(r"^eventfilter\(name\((\w+)\)\)", text, re.MULTILINE))
    seen = {event["Event"] for event in ami.events}
    assert {"Newstate", "DialBegin", "BridgeEnter", "OriginateResponse", "Hangup"} <= seen
    if SUITES[wanted_suite()] >= 20:  # 16 does not know this form of filter: everything of the classes comes
        assert seen <= wanted
    assert not seen & {"Newexten", "VarSet", "SuccessfulAuth"}  # classes dialplan and security are not read


def test_O02_every_channel_event_carries_the_call_it_belongs_to(ami: Ami) -> None:
    call = "chanvar-000000001"
    ami.action("Originate", {"DLR_CALL": call}, Channel="PJSIP/71001005004@trunk", ChannelId=call, **_CUSTOMER)
    assert f"DLR_CALL={call}" in ami.wait_event("BridgeEnter", Uniqueid=call).all("ChanVariable")
    assert f"DLR_CALL={call}" in ami.wait_event("Hangup", Uniqueid=call).all("ChanVariable")
