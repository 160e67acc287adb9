"""Sessions of the street's AMI server: logging in, several at once, dropped ones, and every fault that can be asked for.

Never a duration: the tests wait for packets, with a deadline.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sim.ami_server import AmiServer, main
from sim.ami_session import User
from sim.faults import FaultError
from tests.contract.raw_ami import DEADLINE_S, STORY, USERS_AND_STORY, RawAmi, names, value
from tests.unit.street_cases import FIXED, scenario

C1, C2 = "c00000001000000000010000", "c00000001000000000020000"
P1 = "p00000001000000000010000"
TOLD = {
    "DialBegin",
    "Newstate",
    "DialState",
    "DialEnd",
    "OriginateResponse",
    "BridgeEnter",
    "BridgeLeave",
    "Hangup",
}


@pytest.fixture
async def server() -> AsyncIterator[AmiServer]:
    async with AmiServer(scenario(), speed=20, users=USERS_AND_STORY) as made:
        yield made


@pytest.fixture
async def ami(server: AmiServer) -> AsyncIterator[RawAmi]:
    session = await RawAmi.logged_in(server.port, *STORY)
    yield session
    await session.close()


async def logged_in_when_it_listens(server: AmiServer) -> RawAmi:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            try:
                return await RawAmi.logged_in(server.port, *STORY)
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)


class ControlClient:
    """The control port."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, port: int) -> ControlClient:
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 24))

    async def read(self) -> Any:
        return json.loads(await asyncio.wait_for(self.reader.readline(), DEADLINE_S))

    async def ask(self, **asked: object) -> Any:
        self.writer.write(json.dumps(asked).encode() + b"\n")
        return await self.read()

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


# --- logging in


async def test_O08_the_banner_comes_first_and_fully_booted_after_the_login(server: AmiServer) -> None:
    ami = await RawAmi.connect(server.port)
    answer = await ami.ask("Login", Username="dialerd", Secret="dialerd")
    assert ami.banner == b"Asterisk Call Manager/11.0.0"
    assert answer[0] == ("Response", "Success")
    assert value(answer, "Message") == "Authentication accepted"
    booted = await ami.event("FullyBooted")
    assert names(booted) == ["Event", "Privilege", "Uptime", "LastReload", "Status"]
    await ami.close()


@pytest.mark.parametrize("given", [{"Secret": "wrong"}, {"Secret": ""}, {"Username": "nobody"}, {"Username": ""}])
async def test_O08_a_wrong_login_is_refused_and_the_session_ended(server: AmiServer, given: dict[str, str]) -> None:
    ami = await RawAmi.connect(server.port)
    answer = await ami.ask("Login", **{"Username": "dialerd", "Secret": "dialerd", **given})
    assert (value(answer, "Response"), value(answer, "Message")) == ("Error", "Authentication failed")
    await ami.until_ended()
    assert server.logged_in_sessions == 0


@pytest.mark.parametrize(("secret", "good"), [("dialerd", True), ("wrong", False)])
async def test_O08_login_by_md5_challenge(server: AmiServer, secret: str, good: bool) -> None:
    ami = await RawAmi.connect(server.port)
    assert value(await ami.ask("Challenge"), "Message") == "Must specify AuthType"
    challenge = value(await ami.ask("Challenge", AuthType="MD5"), "Challenge")
    key = hashlib.md5((challenge + secret).encode()).hexdigest()
    answer = await ami.ask("Login", AuthType="MD5", Username="dialerd", Key=key)
    assert (value(answer, "Response") == "Success") is good
    await ami.close()


async def test_O08_a_key_without_a_challenge_is_worth_nothing(server: AmiServer) -> None:
    ami = await RawAmi.connect(server.port)
    key = hashlib.md5(b"dialerd").hexdigest()
    answer = await ami.ask("Login", AuthType="MD5", Username="dialerd", Key=key)
    assert value(answer, "Message") == "Authentication failed"
    await ami.close()


async def test_O08_nothing_is_done_before_the_login(server: AmiServer) -> None:
    ami = await RawAmi.connect(server.port)
    assert value(await ami.ask("Ping"), "Message") == "Permission denied"
    ami.originate(C1, "71005000001")
    await ami.ask("CoreShowChannels")
    assert server.street.books.calls == 0
    await ami.close()


async def test_O08_logoff_says_goodbye_and_ends(ami: RawAmi) -> None:
    assert value(await ami.ask("Logoff"), "Response") == "Goodbye"
    await ami.until_ended()


async def test_O08_the_small_actions(ami: RawAmi) -> None:
    assert value(await ami.ask("Ping"), "Ping") == "Pong"
    assert value(await ami.ask("CoreSettings"), "AsteriskVersion").startswith("22.")
    assert value(await ami.ask("Command"), "Message") == "Permission denied"
    unknown = value(await ami.ask("Nonsense"), "Message")
    assert unknown == "Invalid/unknown command: Nonsense. Use Action: ListCommands to show available commands."
    assert "ping" in names(await ami.ask("ListCommands"))
    ami.raw(b"ActionID: nameless\r\n\r\n")
    await ami.wait(lambda p: ("ActionID", "nameless") in p, "an answer to an action without a name")


async def test_O08_actions_may_come_in_pieces_or_many_in_one(ami: RawAmi) -> None:
    for byte in b"Action: Ping\r\nActionID: slow\r\n\r\n":
        ami.raw(bytes([byte]))
        await asyncio.sleep(0)
    ami.raw(b"".join(b"Action: Ping\r\nActionID: q%d\r\n\r\n" % i for i in range(50)))
    await ami.wait(lambda p: ("ActionID", "q49") in p, "the last one")
    answered = [value(p, "ActionID") for p in ami.packets if p[0][0] == "Response"]
    assert answered[-51:] == ["slow", *(f"q{i}" for i in range(50))]


async def test_O08_a_client_that_never_ends_its_line_is_cut_off(ami: RawAmi) -> None:
    ami.raw(b"x" * 1_200_000)
    await ami.until_ended()


# --- events


async def test_O08_events_go_to_every_session_and_off_means_none(server: AmiServer, ami: RawAmi) -> None:
    second = await RawAmi.logged_in(server.port, *STORY)
    third = await RawAmi.logged_in(server.port, *STORY)
    assert value(await third.ask("Events", EventMask="off"), "Events") == "Off"
    users = await RawAmi.logged_in(server.port, *STORY)
    assert value(await users.ask("Events", EventMask="user"), "Events") == "On"
    ami.originate(C1, "71005010001", ("DLR_WAIT=1",))
    await ami.event("Hangup", C1)
    await second.event("Hangup", C1)
    assert ami.events(C1) == second.events(C1)
    await third.ask("Ping")
    await users.ask("Ping")
    assert third.events(C1) == []
    assert set(users.events(C1)) <= {"UserEvent"}
    for session in (second, third, users):
        await session.close()


async def test_O08_the_daemons_user_gets_only_what_its_filter_lets_through(server: AmiServer, ami: RawAmi) -> None:
    everything = await RawAmi.logged_in(server.port, "rig", "rig")
    daemon = await RawAmi.logged_in(server.port)
    ami.originate(C1, "72001486001")
    for session in (ami, daemon, everything):
        await session.event("Hangup", C1)
    assert {"Newchannel", "HangupRequest", "DialEnd"} <= set(everything.events(C1))
    assert not {"Newchannel", "HangupRequest"} & set(ami.events(C1))
    assert not {"Newchannel", "HangupRequest", "DialEnd"} & set(daemon.events(C1))
    await daemon.close()
    await everything.close()


async def test_O08_a_user_event_reaches_everybody(server: AmiServer, ami: RawAmi) -> None:
    second = await RawAmi.logged_in(server.port, *STORY)
    assert value(await ami.ask("UserEvent", UserEvent="Hello"), "Message") == "Event Sent"
    await second.event("UserEvent", UserEvent="Hello")
    await second.close()


async def test_O08_calls_survive_a_dropped_session_and_its_originate_is_answered_to_the_next(
    server: AmiServer, ami: RawAmi
) -> None:
    ami.call_phone(P1, "1001")
    await ami.event("BridgeEnter", P1)
    ami.originate(C1, "71300000001", ActionID="orphan", Timeout=60000)
    await ami.event("DialBegin", C1)
    await ami.close()
    second = await RawAmi.logged_in(server.port, *STORY)
    shown = await second.listing("CoreShowChannels", "CoreShowChannelsComplete")
    assert {value(p, "Uniqueid") for p in shown} == {C1, P1}
    answer = await second.event("OriginateResponse", C1)
    assert (value(answer, "ActionID"), value(answer, "Response")) == ("orphan", "Success")
    assert "DialBegin" not in second.events()
    await second.close()


async def test_O08_shuffled_events_keep_each_threads_order_and_come_in_many_orders() -> None:
    orders = set()
    async with AmiServer(scenario(), speed=100, shuffle=True, seed=5, users=USERS_AND_STORY) as server:
        ami = await RawAmi.logged_in(server.port, *STORY)
        for i in range(40):
            leg = f"c0000000100000000{i:07d}"
            ami.originate(leg, f"71002005{i:03d}")
            await ami.event("Hangup", leg)
            came = ami.events(leg)
            assert set(came) == TOLD
            assert len(came) == 9
            assert came.index("DialBegin") < came.index("DialState") < came.index("DialEnd")
            assert came.index("BridgeEnter") < came.index("BridgeLeave") < came.index("Hangup")
            orders.add(tuple(came))
        await ami.close()
    assert len(orders) > 5


# --- faults


async def test_O08_all_sessions_are_cut(server: AmiServer, ami: RawAmi) -> None:
    second = await RawAmi.logged_in(server.port, *STORY)
    server.faults.ask({"fault": "cut"})
    await ami.until_ended()
    await second.until_ended()
    again = await RawAmi.logged_in(server.port, *STORY)
    server.faults.ask({"fault": "cut", "how": "abort"})
    await again.until_ended()


async def test_O08_cut_and_nobody_listens_until_somebody_does_again(server: AmiServer, ami: RawAmi) -> None:
    ami.originate(C1, "71005000001")
    await ami.event("BridgeEnter", C1)
    server.faults.ask({"fault": "cut", "down_s": 600})
    await ami.until_ended()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", server.port)
    server.faults.ask({"fault": "cut", "down_s": 0})
    again = await logged_in_when_it_listens(server)
    assert len(await again.listing("CoreShowChannels", "CoreShowChannelsComplete")) == 1
    await again.close()


async def test_O08_a_cut_in_the_middle_of_a_packet(server: AmiServer, ami: RawAmi) -> None:
    server.faults.ask({"fault": "cut_mid_packet", "after_events": 2})
    ami.originate(C1, "71005000001")
    await ami.until_ended()
    assert ami.events(C1) == ["DialBegin", "Newstate"]
    half = ami.bytes.rsplit(b"\r\n\r\n", 1)[1]
    assert half.startswith(b"Event: DialState\r\n")
    assert server.street.call(C1) is not None


async def test_O08_half_open_nothing_comes_then_everything(server: AmiServer, ami: RawAmi) -> None:
    ami.originate(C1, "71005000001")
    await ami.event("Newstate", C1)
    server.faults.ask({"fault": "stall", "for_s": 600})
    before = len(ami.packets)
    ping = ami.send("Ping")
    late = await RawAmi.connect(server.port)
    call = server.street.call(C1)
    assert call is not None
    while not call.answered_at:
        await asyncio.sleep(0.01)
        server.catch_up()
    await asyncio.sleep(0.05)
    assert len(ami.packets) == before
    assert late.bytes == b""
    server.faults.ask({"fault": "stall", "for_s": 0})
    await ami.event("BridgeEnter", C1)
    await ami.wait(lambda p: ("ActionID", ping) in p, "the pong")
    await late.ask("Login", Username="dialerd", Secret="dialerd")
    await late.close()


@pytest.mark.parametrize("clean", [True, False])
async def test_O08_after_a_restart_no_call_is_known_and_the_start_time_is_new(server: AmiServer, clean: bool) -> None:
    ami = await RawAmi.logged_in(server.port, *STORY)
    ami.originate(C1, "71005000001")
    await ami.event("BridgeEnter", C1)
    started = value(await ami.ask("CoreStatus"), "CoreStartupTime")
    while server.clock.now() - server.street.start < 2:  # so that the next start has another second
        await asyncio.sleep(0.01)
    server.faults.ask({"fault": "restart", "clean": clean, "down_s": 0.05})
    await ami.until_ended()
    assert ("Hangup" in ami.events(C1)) is clean
    assert (ami.events()[-1] == "Shutdown") is clean
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", server.port)
    again = await logged_in_when_it_listens(server)
    assert await again.listing("CoreShowChannels", "CoreShowChannelsComplete") == []
    assert value(await again.ask("CoreStatus"), "CoreStartupTime") != started
    assert value(await again.ask("Hangup", Channel=C1), "Message") == "No such channel"
    assert server.street.books.invites == {"71005000001": 1}
    assert server.street.books.ends == ({"16": 1} if clean else {"vanished": 1})
    await again.close()


async def test_O08_responses_are_delayed_in_their_order_and_events_are_not(server: AmiServer, ami: RawAmi) -> None:
    server.faults.ask({"fault": "delay_responses", "by_s": 1.0})
    first = ami.originate(C1, "71001000001")
    second = ami.send("Ping")
    await ami.event("BridgeEnter", C1)
    assert not any(("ActionID", first) in p and p[0][0] == "Response" for p in ami.packets)
    server.faults.ask({"fault": "delay_responses", "by_s": 0})
    third = ami.send("Ping")
    await ami.wait(lambda p: ("ActionID", third) in p, "the last response")
    responses = [value(p, "ActionID") for p in ami.packets if p[0][0] == "Response"]
    assert responses[-3:] == [first, second, third]


async def test_O08_logins_are_refused_for_a_while(server: AmiServer) -> None:
    server.faults.ask({"fault": "refuse_logins", "times": 2})
    for _ in range(2):
        ami = await RawAmi.connect(server.port)
        answer = await ami.ask("Login", Username="dialerd", Secret="dialerd")
        assert value(answer, "Message") == "Authentication failed"
        await ami.close()
    await (await RawAmi.logged_in(server.port, *STORY)).close()


async def test_O08_an_event_comes_twice_or_not_at_all(server: AmiServer, ami: RawAmi) -> None:
    server.faults.ask({"fault": "repeat_event", "event": "Hangup"})
    server.faults.ask({"fault": "lose_event", "event": "OriginateResponse"})
    ami.originate(C1, "72001486001")
    await ami.event("Hangup", C1)
    ami.originate(C2, "72001486002")
    await ami.event("Hangup", C2)
    await ami.event("OriginateResponse", C2)
    assert ami.events(C1).count("Hangup") == 2
    assert "OriginateResponse" not in ami.events(C1)
    assert ami.events(C2).count("Hangup") == 1


async def test_O08_the_next_bridge_fails_and_the_one_after_it_does_not(server: AmiServer, ami: RawAmi) -> None:
    server.faults.ask({"fault": "fail_action"})
    ami.originate(C1, "71001000001")
    ami.call_phone(P1, "1001")
    await ami.event("BridgeEnter", C1)
    await ami.event("BridgeEnter", P1)
    failed = await ami.ask("Bridge", Channel1=C1, Channel2=P1)
    assert (value(failed, "Response"), value(failed, "Message")) == (
        "Error",
        "Unable to add Channel1 to bridge: PJSIP/street",
    )
    assert value(await ami.ask("Bridge", Channel1=C1, Channel2=P1), "Response") == "Success"


@pytest.mark.parametrize(("when", "calls"), [("before", 0), ("after", 1)])
async def test_O08_the_link_is_cut_as_an_originate_arrives(
    server: AmiServer, ami: RawAmi, when: str, calls: int
) -> None:
    server.faults.ask({"fault": "cut_at_action", "action": "Originate", "when": when})
    ami.originate(C1, "71005000001")
    await ami.until_ended()
    assert not any(p[0][0] == "Response" and p[1] == ("ActionID", "r2") for p in ami.packets)
    again = await RawAmi.logged_in(server.port, *STORY)
    assert len(await again.listing("CoreShowChannels", "CoreShowChannelsComplete")) == calls
    assert sum(server.street.books.invites.values()) == calls
    await again.close()


async def test_O08_an_ignored_action_is_never_answered(server: AmiServer, ami: RawAmi) -> None:
    server.faults.ask({"fault": "ignore_action", "action": "Ping"})
    lost = ami.send("Ping")
    await ami.ask("Ping")
    assert not any(("ActionID", lost) in p for p in ami.packets)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "fault: Unable to extract tag using discriminator 'fault'"),
        ({"fault": "flood"}, "Input tag 'flood' found using 'fault' does not match any of the expected tags: 'cut'"),
        ({"fault": "stall"}, "for_s: Field required"),
        ({"fault": "stall", "for_s": -1}, "for_s: Input should be greater than or equal to 0"),
        ({"fault": "cut", "sessions": 2}, "sessions: Extra inputs are not permitted"),
    ],
)
async def test_O01_a_fault_that_cannot_be_had_says_why(server: AmiServer, given: dict[str, Any], message: str) -> None:
    with pytest.raises(FaultError) as trouble:
        server.faults.ask(given)
    assert message in str(trouble.value)


# --- control port and command line


async def test_O07_the_control_port_gives_books_time_sessions_and_faults(server: AmiServer, ami: RawAmi) -> None:
    control = await ControlClient.connect(server.control_port)
    ami.originate(C1, "71001000001")
    await ami.event("BridgeEnter", C1)
    books = (await control.ask(do="books"))["result"]
    assert books["invites"] == {"71001000001": 1}
    assert books["live_calls"] == {C1: "71001000001"}
    assert books["answered"] == 1
    assert (await control.ask(do="sessions"))["result"] == 1
    assert (await control.ask(do="time"))["result"]["speed"] == 20
    assert (await control.ask(do="fault", fault="cut"))["ok"]
    await ami.until_ended()
    assert not (await control.ask(do="fault", fault="nothing"))["ok"]
    allowed = "allowed: books, fault, sessions, time, wants"
    assert allowed in (await control.ask(do="what"))["error"]
    control.writer.write(b"{]\n[1]\n")
    assert "not JSON" in (await control.read())["error"]
    assert allowed in (await control.read())["error"]
    await control.close()


async def test_V10_what_agents_want_comes_over_the_control_port_also_what_came_before() -> None:
    agents = {"count": 2, "people": True, "sign_in_s": 0, "settle": {**FIXED, "mean_s": 2}}
    async with AmiServer(scenario(agents=agents), speed=50, users=USERS_AND_STORY) as server:
        control = await ControlClient.connect(server.control_port)
        assert (await control.ask(do="wants"))["ok"]
        wants = [(await control.read())["want"] for _ in range(4)]
        assert [(w["agent"], w["what"]) for w in wants] == [
            ("1001", "login"),
            ("1002", "login"),
            ("1001", "ready"),
            ("1002", "ready"),
        ]
        await control.close()


async def test_O07_the_server_runs_as_a_program_and_leaves_its_books(tmp_path: Path) -> None:
    books = tmp_path / "books.json"
    arguments = ["--scenario", "small", "--speed", "50", "--seed", "7", "--user", "boss", "--secret", "hush"]
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sim.ami_server", *arguments, "--books", str(books), stdout=asyncio.subprocess.PIPE
    )
    assert program.stdout is not None
    ports = json.loads(await asyncio.wait_for(program.stdout.readline(), DEADLINE_S))
    assert ports["pid"] == program.pid
    ami = await RawAmi.logged_in(ports["port"], "boss", "hush")
    ami.originate(C1, "84900000001")
    await ami.event("DialBegin", C1)
    os.kill(program.pid, signal.SIGUSR1)
    while not books.exists():
        await asyncio.sleep(0.01)
    assert json.loads(books.read_text())["live_calls"] == {C1: "84900000001"}
    await ami.event("Hangup", C1)
    program.terminate()
    assert await asyncio.wait_for(program.wait(), DEADLINE_S) == 0
    last = json.loads(books.read_text())
    assert last["invites"] == {"84900000001": 1}
    assert last["live_calls"] == {}
    await ami.close()


async def test_O01_the_program_refuses_a_wrong_scenario_and_a_wrong_speed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--scenario", "nothing"]) == 2
    assert "allowed: demo" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--speed", "0"])
    assert "--speed: found 0, allowed: more than 0" in capsys.readouterr().err
    with pytest.raises(ValueError, match="speed: found -1"):
        AmiServer(scenario(), speed=-1)


async def test_O08_a_client_that_does_not_read_is_closed_and_others_go_on() -> None:
    users = {"deaf": User("x", events=None), "dialerd": User("dialerd")}
    async with AmiServer(scenario(), speed=500, users=users) as server:
        ami = await RawAmi.logged_in(server.port)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1024)
        writer.write(b"Action: Login\r\nUsername: deaf\r\nSecret: x\r\n\r\n")
        while server.logged_in_sessions < 2:
            await asyncio.sleep(0.01)
        count = 0
        while server.logged_in_sessions == 2:
            for _ in range(50):
                count += 1
                ami.originate(f"c0000000100000000{count:07d}", f"72000486{count:05d}")
            await ami.event("Hangup", f"c0000000100000000{count:07d}")
        assert value(await ami.ask("Ping"), "Ping") == "Pong"
        writer.close()
        await ami.close()
        del reader
