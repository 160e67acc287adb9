"""What the AMI link promises, one test a fault (features O08: nothing lost and nobody called twice through a lost AMI).

Never asserts how long something took, and never waits but for a condition with a deadline.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import re
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import uvloop

from dialerd.adapters.asterisk.answers import AmiLost, AmiTimeout
from dialerd.adapters.asterisk.link import AmiLink
from dialerd.adapters.asterisk.packets import HEADER_LIMIT, LINE_LIMIT, PACKET_LIMIT, Packet
from tests.doubles.fake_ami import BOOTED, FakeAmi, encoded, error, eventually, listing, success

AMI_SERVERS = ["fake"]
"""For the tests that make sense against any server. NAME here uses the fixture `ami_NAME`, an `AmiServer`."""

SECRET = "s3cret-of-dialerd"
ORIGINATE = [
    ("Action", "Originate"),
    ("Channel", "PJSIP/71005000001@trunk"),
    ("Context", "dialer-cust"),
    ("Exten", "s"),
    ("Priority", "1"),
    ("Async", "true"),
]
PING = [("Action", "Ping")]
LIST = [("Action", "CoreShowChannels")]


@dataclass(frozen=True)
class AmiServer:
    """Where a manager interface is, and a user with the rights asterisk.md gives the daemon."""

    host: str
    port: int
    username: str
    secret: str


class Seen:
    """Everything a link told, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []
        self.on_event: Callable[[Packet], None] = lambda _: None

    def event(self, packet: Packet) -> None:
        self.told.append(("event", packet))
        self.on_event(packet)

    def response(self, packet: Packet) -> None:
        self.told.append(("response", packet))

    def up(self) -> None:
        self.told.append(("up", None))

    def down(self, reason: str) -> None:
        self.told.append(("down", reason))

    def of(self, kind: str) -> list[Any]:
        return [what for each, what in self.told if each == kind]

    def events(self, name: str) -> list[Packet]:
        return [packet for packet in self.of("event") if packet.name == name]


@contextlib.asynccontextmanager
async def linked(server: AmiServer, *, until_up: bool = True, **options: Any) -> AsyncIterator[tuple[AmiLink, Seen]]:
    """A running link; its task must end without a fault."""
    seen = Seen()
    settings: dict[str, Any] = {
        "name": "test",
        "host": server.host,
        "port": server.port,
        "username": server.username,
        "secret": server.secret,
        "on_event": seen.event,
        "on_response": seen.response,
        "on_up": seen.up,
        "on_down": seen.down,
        "ping_every_s": 0.05,
        "reconnect_min_s": 0.01,
        "reconnect_max_s": 0.04,
        "auth_retry_min_s": 0.03,
        "auth_retry_max_s": 0.1,
    }
    link = AmiLink(**{**settings, **options})
    running = asyncio.ensure_future(link.run())
    try:
        if until_up:
            await eventually(lambda: link.connected, f"the link comes up ({link.status})")
        yield link, seen
    finally:
        await link.aclose()
        await running


@pytest.fixture
async def fake() -> AsyncIterator[FakeAmi]:
    async with FakeAmi({"dialerd": SECRET}) as ami:
        yield ami


@pytest.fixture
def ami_fake(fake: FakeAmi) -> AmiServer:
    return AmiServer(fake.host, fake.port, "dialerd", SECRET)


@pytest.fixture(params=AMI_SERVERS)
def ami_server(request: pytest.FixtureRequest) -> AmiServer:
    server = request.getfixturevalue(f"ami_{request.param}")
    assert isinstance(server, AmiServer)
    return server


async def back_again(link: AmiLink) -> None:
    """Wait for one more reconnect."""
    before = link.counters.reconnects
    await eventually(lambda: link.counters.reconnects > before, "the link is back")


def hangup(uniqueid: str) -> list[tuple[str, str]]:
    return [("Event", "Hangup"), ("Privilege", "call,all"), ("Uniqueid", uniqueid), ("Cause", "16")]


# ---- with any Asterisk ------------------------------------------------------------------------------------------------


async def test_ami_the_link_comes_up_and_says_with_whom(ami_server: AmiServer) -> None:
    async with linked(ami_server) as (link, seen):
        assert re.fullmatch(r"connected to Asterisk Call Manager/\S+", link.status)
        assert seen.told[0] == ("up", None)
        assert (await link.ask(PING)).get("ping") == "Pong"
        assert link.counters.responses > 0
        assert link.lag_s >= 0


async def test_ami_fully_booted_is_told_after_up_so_that_a_restart_can_be_seen(ami_server: AmiServer) -> None:
    async with linked(ami_server) as (_, seen):
        await eventually(lambda: seen.events("FullyBooted"), "FullyBooted is told")
        assert [kind for kind, _ in seen.told[:2]] == ["up", "event"]
        assert seen.events("FullyBooted")[0].get("Status") == "Fully Booted"


async def test_ami_a_wrong_password_backs_off_and_says_so(
    ami_server: AmiServer, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = AmiServer(ami_server.host, ami_server.port, ami_server.username, "wr0ng-one")
    caplog.set_level(logging.DEBUG)
    async with linked(wrong, until_up=False) as (link, seen):
        await eventually(lambda: caplog.text.count("login refused") >= 4, "four attempts")
        pauses = re.findall(r"login refused: Authentication failed \(.*\); trying again in (\S+) s", caplog.text)
        assert pauses[:4] == ["0.03", "0.06", "0.1", "0.1"]
        assert not link.connected
        assert seen.told == []
        with pytest.raises(AmiLost):
            await link.ask(PING)
    assert "wr0ng-one" not in caplog.text


async def test_O02_a_refused_login_names_server_user_and_where_the_secret_is_from(
    ami_server: AmiServer, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = AmiServer(ami_server.host, ami_server.port, ami_server.username, "wr0ng-one")
    async with linked(wrong, until_up=False, name="pbx1", login_source="secret_file pbx1.secret") as (link, _):
        await eventually(lambda: "login refused" in link.status, "the refusal is said")
        for said in (link.status, caplog.text):
            assert (
                f"login refused: Authentication failed (server pbx1 at {wrong.host}:{wrong.port}, AMI user 'dialerd', "
                "secret from secret_file pbx1.secret; "
            ) in said
    assert "wr0ng-one" not in caplog.text


async def test_ami_a_list_comes_whole(ami_server: AmiServer) -> None:
    async with linked(ami_server) as (link, seen):
        start, *_, end = await link.ask_list(LIST)
        assert start.success
        assert start.get("EventList") == "start"
        assert end.name == "CoreShowChannelsComplete"
        assert seen.events("CoreShowChannelsComplete") == []


async def test_ami_a_refused_list_is_its_response_alone(ami_server: AmiServer) -> None:
    async with linked(ami_server) as (link, _):
        (refusal,) = await link.ask_list([("Action", "NoSuchAction")])
        assert not refusal.success
        assert "NoSuchAction" in refusal.message


async def test_ami_the_refusal_of_a_fired_originate_is_seen(ami_server: AmiServer) -> None:
    bad = [(name, "no-such-context" if name == "Context" else value) for name, value in ORIGINATE]
    async with linked(ami_server) as (link, seen):
        assert link.send(bad, "call-1")
        await eventually(lambda: seen.of("response"), "the response")
        (response,) = seen.of("response")
        assert (response.action_id, response.success, response.message) == (
            "call-1",
            False,
            "Extension does not exist.",
        )


@pytest.mark.parametrize("value", ["Acme\r\nAction: Evil", "a\nb", "a\rb", "a\0b", "a\r\n\r\nAction: Evil\r\n\r\n"])
async def test_ami_header_injection_refused(ami_server: AmiServer, value: str) -> None:
    async with linked(ami_server) as (link, seen):
        for header in ("CallerID", "Variable"):
            with pytest.raises(ValueError, match=f"^AMI header {header}: found ") as refusal:
                link.send([*ORIGINATE, (header, value)])
            assert "Evil" not in str(refusal.value)
            with pytest.raises(ValueError, match=f"^AMI header {header}: found "):
                await link.ask([*ORIGINATE, (header, value)])
        with pytest.raises(ValueError, match="ActionID"):
            link.send(PING, action_id=value)
        assert (await link.ask(PING)).success
        assert seen.of("response") == []
        assert link.connected


@pytest.mark.parametrize("name", ["", "Call er", "CallerID:", "X\r\nAction", "Nguyễn"])
async def test_ami_what_is_no_header_name_is_refused(ami_fake: AmiServer, fake: FakeAmi, name: str) -> None:
    async with linked(ami_fake) as (link, _):
        with pytest.raises(ValueError, match="not a header name"):
            link.send([*ORIGINATE, (name, "x")])
        assert fake.actions("Originate") == []


async def test_ami_text_in_any_script_and_repeated_headers_go_there_and_back(ami_server: AmiServer) -> None:
    sent = [
        ("Action", "UserEvent"),
        ("UserEvent", "DlrTest"),
        ("Who", "Nguyễn Zażółć 🙂"),
        ("Empty", ""),
        ("Odd", "a: b"),
    ]
    async with linked(ami_server) as (link, seen):
        assert (await link.ask(sent)).success
        await eventually(lambda: seen.events("UserEvent"), "the UserEvent")
        (event,) = seen.events("UserEvent")
        assert [event.get(header) for header in ("WHO", "empty", "Odd")] == ["Nguyễn Zażółć 🙂", "", "a: b"]


async def test_ami_the_longest_line_and_the_most_headers_asterisk_takes(ami_server: AmiServer) -> None:
    event = [("Action", "UserEvent"), ("UserEvent", "DlrTest")]
    longest = "y" * (LINE_LIMIT - len("Long: "))
    async with linked(ami_server) as (link, seen):
        assert (await link.ask([*event, ("Long", longest)])).success
        await eventually(lambda: seen.events("UserEvent"), "the UserEvent")
        assert seen.events("UserEvent")[0].get("Long") == longest
        most = [*event, *((f"H{number}", "x") for number in range(HEADER_LIMIT - len(event) - 1))]
        assert (await link.ask(most)).success
        with pytest.raises(ValueError, match=f"AMI header Long: the line has {LINE_LIMIT + 1} bytes"):
            link.send([*event, ("Long", longest + "y")])
        with pytest.raises(ValueError, match=f"AMI action UserEvent: {HEADER_LIMIT + 1} headers"):
            link.send([*most, ("More", "x")])
        assert (await link.ask(PING)).success


async def test_ami_close_really_closes(ami_server: AmiServer) -> None:
    async with linked(ami_server) as (link, seen):
        link.close()
        assert not link.connected
        assert link.status == "closed"
        assert seen.told[-1] == ("down", "closed by this side")
        assert link.send(PING) is False
        told = len(seen.told)
        await link.aclose()
        assert len(seen.told) == told
        assert link.status == "closed"
        await link.run()  # ends at once
        link.close()


# ---- nothing is sent twice --------------------------------------------------------------------------------------------


async def test_ami_an_originate_is_never_sent_again_after_a_reconnect(ami_fake: AmiServer, fake: FakeAmi) -> None:
    fake.withheld.add("Originate")
    async with linked(ami_fake) as (link, seen):
        assert link.send(ORIGINATE, "fired")
        asking = asyncio.ensure_future(link.ask(ORIGINATE, action_id="asked"))
        await eventually(lambda: len(fake.actions("Originate")) == 2, "both arrive")
        fake.cut()
        with pytest.raises(AmiLost, match="Asterisk closed the connection"):
            await asking
        await eventually(lambda: len(seen.of("up")) == 2, "the link is back")
        fake.withheld.clear()
        fake.event(BOOTED)  # panoramisk would send again here
        assert (await link.ask(PING)).success
        assert [action.get("ActionID") for action in fake.actions("Originate")] == ["fired", "asked"]
        assert link.counters.reconnects == 1


async def test_ami_an_action_while_the_link_is_down_is_refused_and_never_sent_later(
    ami_fake: AmiServer, fake: FakeAmi
) -> None:
    async with linked(ami_fake) as (link, seen):
        fake.stop_listening()
        fake.cut()
        await eventually(lambda: seen.of("down"), "the loss is told")
        assert link.send(ORIGINATE) is False
        with pytest.raises(AmiLost, match="Originate was not sent"):
            await link.ask(ORIGINATE)
        await fake.listen()
        await eventually(lambda: link.connected, "the link is back")
        assert (await link.ask(PING)).success
        assert fake.actions("Originate") == []


async def test_ami_what_asterisk_does_not_read_is_not_piled_up(ami_fake: AmiServer, fake: FakeAmi) -> None:
    async with linked(ami_fake, ping_every_s=60.0) as (link, _):
        fake.freeze()
        big = [*ORIGINATE, *(("Variable", "x" * 1000) for _ in range(100))]
        sent = 0
        while link.send(big):
            sent += 1
            assert sent < 2000
            await asyncio.sleep(0)
        assert link.connected
        with pytest.raises(AmiLost, match="Asterisk does not read"):
            await link.ask(PING)


async def test_ami_what_a_dropped_link_had_not_delivered_never_arrives(ami_fake: AmiServer, fake: FakeAmi) -> None:
    fake.stop_listening()
    fake.receive_buffer = 4096
    fake.withheld.add("Originate")  # an answer would show the other side that nobody is there
    await fake.listen()
    async with linked(ami_fake, deadline_s=0.3, reconnect_min_s=3600.0, reconnect_max_s=3600.0) as (link, seen):
        fake.freeze()
        for number in range(500):
            assert link.send([*ORIGINATE, ("Variable", "x" * 500)], f"call-{number}")
        await eventually(lambda: seen.of("down"), "the link is given up")
        fake.thaw()  # now the network heals
        await eventually(lambda: not fake.sessions[0].open, "the other side sees the end")
        assert "call-499" not in [action.get("ActionID") for action in fake.actions("Originate")]


async def test_ami_nagle_does_not_hold_back_an_action(ami_fake: AmiServer, fake: FakeAmi) -> None:
    loop = asyncio.get_running_loop()
    made: list[asyncio.BaseTransport | None] = []

    class Spy(AmiLink):
        def came_up(self, version: str) -> None:
            assert self._wire is not None
            made.append(self._wire.transport)
            super().came_up(version)

    link = Spy(
        name="spy", host=fake.host, port=fake.port, username="dialerd", secret=SECRET,
        on_event=lambda _: None, on_up=lambda: None, on_down=lambda _: None,
    )  # fmt: skip
    running = loop.create_task(link.run())
    await eventually(lambda: made, "the link comes up")
    assert made[0] is not None
    assert made[0].get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    await link.aclose()
    await running


# ---- every waiter ends ------------------------------------------------------------------------------------------------


async def test_ami_an_action_nobody_answers_times_out_and_its_late_answer_is_told(
    ami_fake: AmiServer, fake: FakeAmi
) -> None:
    fake.withheld.add("Originate")
    async with linked(ami_fake) as (link, seen):
        with pytest.raises(AmiTimeout, match=r"no complete answer to Originate within 0.02 s"):
            await link.ask(ORIGINATE, deadline_s=0.02, action_id="late")
        fake.event([("Response", "Success"), ("ActionID", "late"), ("Message", "Originate successfully queued")])
        await eventually(lambda: seen.of("response"), "the late response")
        assert seen.of("response")[0].action_id == "late"
        assert link.connected


async def test_ami_an_answer_in_the_same_turn_as_the_deadline_counts(ami_fake: AmiServer, fake: FakeAmi) -> None:
    fake.withheld.add("Originate")
    async with linked(ami_fake) as (link, _):
        asking = asyncio.ensure_future(link.ask(ORIGINATE, deadline_s=0.2, action_id="close"))
        await eventually(lambda: fake.actions("Originate"), "it arrives")
        fake.sessions[0].write_now(encoded([("Response", "Success"), ("ActionID", "close")]))
        time.sleep(0.3)  # asyncio reads before it looks at the time; uvloop the other way round
        assert (await asking).success


async def test_ami_a_list_lost_in_the_middle_fails(ami_fake: AmiServer, fake: FakeAmi) -> None:
    rows = [[("Event", "CoreShowChannel"), ("Uniqueid", f"c-{number}")] for number in range(3)]
    fake.answer("CoreShowChannels", listing(rows, "CoreShowChannelsComplete", broken_off=True))
    async with linked(ami_fake) as (link, seen):
        asking = asyncio.ensure_future(link.ask_list(LIST))
        await eventually(lambda: fake.actions("CoreShowChannels"), "the list is asked for")
        fake.cut()
        with pytest.raises(AmiLost):
            await asking
        await eventually(lambda: len(seen.of("up")) == 2, "the link is back")
        assert len(fake.actions("CoreShowChannels")) == 1


async def test_ami_a_list_that_never_completes_times_out_and_its_rest_is_no_news(
    ami_fake: AmiServer, fake: FakeAmi
) -> None:
    row = [("Event", "CoreShowChannel"), ("ActionID", "slow"), ("Uniqueid", "c-1")]
    fake.answer("CoreShowChannels", listing([row], "CoreShowChannelsComplete", broken_off=True))
    async with linked(ami_fake) as (link, seen):
        with pytest.raises(AmiTimeout):
            await link.ask_list(LIST, deadline_s=0.05, action_id="slow")
        fake.event(row, [("Event", "CoreShowChannelsComplete"), ("ActionID", "slow")], hangup("c-1"))
        await eventually(lambda: seen.events("Hangup"), "the next event")
        assert seen.events("CoreShowChannel") + seen.events("CoreShowChannelsComplete") == []
        fake.event(row)  # the list is over: the same name is an event again
        await eventually(lambda: seen.events("CoreShowChannel"), "an event of that name")


async def test_ami_a_list_that_begins_after_its_deadline_is_no_news(ami_fake: AmiServer, fake: FakeAmi) -> None:
    fake.withheld.add("CoreShowChannels")
    async with linked(ami_fake) as (link, seen):
        with pytest.raises(AmiTimeout):
            await link.ask_list(LIST, deadline_s=0.02, action_id="slow")
        start = [("Response", "Success"), ("ActionID", "slow"), ("EventList", "start")]
        row = [("Event", "CoreShowChannel"), ("ActionID", "slow")]
        fake.event(start, row, [("Event", "CoreShowChannelsComplete"), ("ActionID", "slow")], hangup("c-1"))
        await eventually(lambda: seen.events("Hangup"), "the next event")
        assert [packet.name for packet in seen.of("event")] == ["FullyBooted", "Hangup"]
        assert seen.of("response") == []


async def test_ami_close_fails_what_waits(ami_fake: AmiServer, fake: FakeAmi) -> None:
    fake.withheld.add("Originate")
    async with linked(ami_fake) as (link, _):
        asking = asyncio.ensure_future(link.ask(ORIGINATE))
        await eventually(lambda: fake.actions("Originate"), "it arrives")
        link.close()
        with pytest.raises(AmiLost, match="closed by this side"):
            await asking


async def test_ami_a_waiter_that_is_cancelled_leaves_nothing_behind(ami_fake: AmiServer, fake: FakeAmi) -> None:
    fake.withheld.add("Originate")
    async with linked(ami_fake) as (link, seen):
        asking = asyncio.ensure_future(link.ask(ORIGINATE, action_id="gone"))
        await eventually(lambda: fake.actions("Originate"), "it arrives")
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        fake.event([("Response", "Success"), ("ActionID", "gone")])
        await eventually(lambda: seen.of("response"), "the response goes to on_response")
        fake.withheld.clear()
        assert (await link.ask(ORIGINATE, action_id="gone")).success  # the ActionID is free again


async def test_ami_an_action_id_in_use_is_refused(ami_fake: AmiServer, fake: FakeAmi) -> None:
    fake.withheld.add("Originate")
    async with linked(ami_fake) as (link, _):
        first = asyncio.ensure_future(link.ask(ORIGINATE, action_id="one"))
        await eventually(lambda: fake.actions("Originate"), "it arrives")
        with pytest.raises(ValueError, match="ActionID: 'one' is waited for already"):
            await link.ask(ORIGINATE, action_id="one")
        assert len(fake.actions("Originate")) == 1
        first.cancel()
        await asyncio.wait({first})


async def test_ami_a_response_that_looks_like_two_does_not_break_the_link(ami_fake: AmiServer, fake: FakeAmi) -> None:
    # panoramisk dies of "... successfully queued" without an Async header
    fake.answer("PlayDTMF", success("DTMF successfully queued"))
    async with linked(ami_fake) as (link, _):
        assert (await link.ask([("Action", "PlayDTMF"), ("Channel", "c-1"), ("Digit", "1")])).success
        assert (await link.ask(PING)).success


# ---- events -----------------------------------------------------------------------------------------------------------


async def test_ami_a_handler_that_raises_does_not_drop_the_link(
    ami_fake: AmiServer, fake: FakeAmi, caplog: pytest.LogCaptureFixture
) -> None:
    async with linked(ami_fake, wanted=frozenset({"Hangup"})) as (link, seen):

        def raises(packet: Packet) -> None:
            raise RuntimeError(f"a bug met at {packet.get('Uniqueid')}")

        seen.on_event = raises
        fake.event(*(hangup(f"c-{number}") for number in range(500)))
        await eventually(lambda: len(seen.events("Hangup")) == 500, "every event is told")
        assert link.counters.handler_errors == 500
        assert link.connected
        assert seen.of("down") == []
        assert "a bug met at c-0" in caplog.text
        assert caplog.text.count("a listener raised") < 100  # not one a event


@pytest.mark.parametrize("broken", ["on_up", "on_down", "on_response"])
async def test_ami_no_listener_can_hurt_the_link(ami_fake: AmiServer, fake: FakeAmi, broken: str) -> None:
    calls = []

    def raises(*what: object) -> None:
        calls.append(what)
        raise RuntimeError("a bug")

    listener: dict[str, Any] = {broken: raises}
    async with linked(ami_fake, **listener) as (link, seen):
        assert link.send(PING)
        fake.cut()
        await eventually(lambda: link.counters.reconnects == 1 and link.connected, "the link is back")
        assert link.send(PING)
        fake.event(hangup("c-1"))
        await eventually(lambda: calls and seen.events("Hangup"), "it goes on")


async def test_ami_events_and_responses_come_in_the_order_of_arrival(ami_fake: AmiServer, fake: FakeAmi) -> None:
    async with linked(ami_fake, wanted=frozenset({"Hangup"})) as (_, seen):
        for number in range(100):
            fake.event(hangup(f"c-{number}"), [("Response", "Success"), ("ActionID", f"c-{number}")])
        await eventually(lambda: len(seen.told) == 201, "all is told")
        kinds = [(kind, packet.get("Uniqueid") or packet.action_id) for kind, packet in seen.told[1:]]
        assert kinds == [(kind, f"c-{number}") for number in range(100) for kind in ("event", "response")]
        numbers = [packet.seq for _, packet in seen.told[1:]]
        assert numbers == sorted(set(numbers))


async def test_ami_events_nobody_wants_are_skipped_by_name_but_not_out_of_a_list(
    ami_fake: AmiServer, fake: FakeAmi
) -> None:
    rows = [[("Event", "CoreShowChannel"), ("Uniqueid", f"c-{number}")] for number in range(3)]
    fake.answer("CoreShowChannels", listing(rows, "CoreShowChannelsComplete"))
    async with linked(ami_fake, wanted=frozenset({"Hangup"})) as (link, seen):
        before = link.counters.skipped
        fake.event(*([("Event", "VarSet"), ("Variable", "A")] for _ in range(50)), hangup("c-1"))
        answer = await link.ask_list(LIST)
        assert [packet.get("Uniqueid") for packet in answer[1:-1]] == ["c-0", "c-1", "c-2"]
        assert link.counters.skipped == before + 50
        assert [packet.name for packet in seen.of("event")] == ["Hangup"]
        assert link.counters.events == 1


async def test_ami_an_originate_response_is_an_event_also_for_the_one_who_asked(
    ami_fake: AmiServer, fake: FakeAmi
) -> None:
    async with linked(ami_fake) as (link, seen):
        assert (await link.ask(ORIGINATE, action_id="call-1")).message == "Originate successfully queued"
        fake.event([("Event", "OriginateResponse"), ("ActionID", "call-1"), ("Response", "Failure"), ("Reason", "3")])
        await eventually(lambda: seen.events("OriginateResponse"), "OriginateResponse is told")
        assert seen.of("response") == []


async def test_ami_one_or_two_channel_variables_are_read_alike(ami_fake: AmiServer, fake: FakeAmi) -> None:
    one = [("Event", "Hangup"), ("ChanVariable", "DLR_CALL=1")]
    async with linked(ami_fake, wanted=frozenset({"Hangup"})) as (_, seen):
        fake.event(one, [*one, ("ChanVariable", "DLR_AGENT=")], hangup("c-1"))
        await eventually(lambda: len(seen.events("Hangup")) == 3, "three events")
        found = [packet.all("chanvariable") for packet in seen.events("Hangup")]
        assert found == [["DLR_CALL=1"], ["DLR_CALL=1", "DLR_AGENT="], []]


@pytest.mark.parametrize("step", [1, 2, 3, 7, 64])
async def test_ami_utf8_split_over_segments(ami_fake: AmiServer, fake: FakeAmi, step: int) -> None:
    fake.chop = step
    async with linked(ami_fake) as (link, seen):
        fake.event([("Event", "UserEvent"), ("CallerIDName", "Nguyễn 🙂"), ("Last", "")])
        await eventually(lambda: seen.events("UserEvent"), "the event")
        assert seen.events("UserEvent")[0].get("CallerIDName") == "Nguyễn 🙂"
        assert "Last" in seen.events("UserEvent")[0]
        assert (await link.ask(PING)).success


async def test_ami_bytes_that_are_no_text_are_replaced(ami_fake: AmiServer, fake: FakeAmi) -> None:
    async with linked(ami_fake) as (_, seen):
        fake.raw(b"Event: UserEvent\r\nWho: \xff\xfeNguy\xe1\xbb\x85n\r\nno colon here\r\nBare\nfeed: x\r\n\r\n")
        await eventually(lambda: seen.events("UserEvent"), "the event")
        assert seen.events("UserEvent")[0].get("Who") == "\ufffd\ufffdNguyễn"


async def test_ami_a_packet_that_is_neither_event_nor_response_is_counted_and_left_out(
    ami_fake: AmiServer, fake: FakeAmi
) -> None:
    async with linked(ami_fake) as (link, seen):
        fake.raw(b"What: is this\r\n\r\n\r\n\r\njunk\r\n\r\n" + encoded(hangup("c-1")))
        await eventually(lambda: seen.events("Hangup"), "the event after it")
        assert link.counters.parse_errors == 3
        assert link.connected


async def test_ami_a_packet_without_end_drops_the_link_with_a_reason(ami_fake: AmiServer, fake: FakeAmi) -> None:
    async with linked(ami_fake) as (link, seen):
        fake.raw(encoded(hangup("c-1")) + b"Event: Endless\r\nData: " + b"x" * (PACKET_LIMIT + 100))
        await eventually(lambda: seen.of("down"), "the link is dropped")
        assert seen.of("down") == [f"a packet of more than {PACKET_LIMIT} bytes came"]
        assert seen.events("Hangup")
        await eventually(lambda: link.connected, "the link is back")


async def test_ami_a_connection_closed_inside_a_packet_tells_nothing_of_it(ami_fake: AmiServer, fake: FakeAmi) -> None:
    async with linked(ami_fake) as (_, seen):
        fake.cut(encoded(hangup("c-1")) + b"Event: Hangup\r\nUniqueid: c-2\r\nCau")
        await eventually(lambda: len(seen.of("up")) == 2, "the link is back")
        fake.event(hangup("c-3"))
        await eventually(lambda: len(seen.events("Hangup")) >= 2, "the next event")
        assert [packet.get("Uniqueid") for packet in seen.events("Hangup")] == ["c-1", "c-3"]


# ---- loss and return --------------------------------------------------------------------------------------------------


async def test_ami_a_half_open_link_is_noticed(ami_fake: AmiServer, fake: FakeAmi) -> None:
    async with linked(ami_fake, deadline_s=0.3) as (_, seen):
        fake.freeze()
        await eventually(lambda: len(seen.of("up")) == 2, "the link is back")
        assert seen.of("down") == ["no sign of life for 0.3 s"]


async def test_ami_events_alone_are_no_proof_of_life_for_ever(ami_fake: AmiServer, fake: FakeAmi) -> None:
    async with linked(ami_fake, deadline_s=0.2) as (link, seen):
        fake.withheld.add("Ping")

        def talk() -> object:
            fake.event(hangup("c-1"))
            return seen.of("down")

        await eventually(talk, "the link is dropped")
        assert seen.of("down") == ["events come, but no action is answered for 0.6 s"]
        assert link.lag_s >= 0


async def test_ami_a_slow_answer_is_not_a_dead_link(ami_fake: AmiServer, fake: FakeAmi) -> None:
    async with linked(ami_fake, deadline_s=0.2) as (link, seen):
        fake.delay_s["Originate"] = 0.3  # a slow action holds up the Pings behind it, events go on
        asking = asyncio.ensure_future(link.ask(ORIGINATE, deadline_s=20.0))

        def talk() -> object:
            fake.event(hangup("c-1"))
            return asking.done()

        await eventually(talk, "the answer")
        assert (await asking).success
        assert seen.of("down") == []


@pytest.mark.parametrize("how", ["cut", "reset"])
async def test_ami_a_lost_link_comes_back(ami_fake: AmiServer, fake: FakeAmi, how: str) -> None:
    async with linked(ami_fake) as (link, seen):
        for _ in range(3):
            getattr(fake, how)()
            await back_again(link)
            assert (await link.ask(PING)).success
        assert [kind for kind, _ in seen.told if kind in ("up", "down")] == ["up", "down"] * 3 + ["up"]
        assert link.counters.reconnects == 3


async def test_ami_asterisk_that_is_not_there_yet_is_waited_for(
    ami_fake: AmiServer, fake: FakeAmi, caplog: pytest.LogCaptureFixture
) -> None:
    fake.stop_listening()
    async with linked(ami_fake, until_up=False) as (link, seen):
        await eventually(lambda: caplog.text.count("cannot reach") >= 4, "four attempts")
        pauses = re.findall(rf"cannot reach {fake.host}:{fake.port}: .*; trying again in (\S+) s", caplog.text)
        assert pauses[:4] == ["0.01", "0.02", "0.04", "0.04"]
        assert seen.told == []
        await fake.listen()
        await eventually(lambda: link.connected, "the link comes up")
        assert link.counters.reconnects == 0


async def test_O02_a_port_where_nothing_listens_is_said_at_the_first_try(
    ami_fake: AmiServer, fake: FakeAmi, caplog: pytest.LogCaptureFixture
) -> None:
    fake.stop_listening()
    words = f"cannot reach {fake.host}:{fake.port}: connection refused"
    async with linked(ami_fake, until_up=False, name="pbx1", reconnect_min_s=3600.0, reconnect_max_s=3600.0) as (
        link,
        _,
    ):
        await eventually(lambda: link.status.startswith(words), f"it is said ({link.status})")
        assert f"AMI link pbx1: {words}" in caplog.text


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ({"greeting": None}, "still connected to HERE, waiting for the greeting of an Asterisk manager after 0.02 s"),
        ({"withheld": {"Login"}}, "still logging in to Asterisk Call Manager/"),
        ({"booted": False}, "still logged in; waiting for FullyBooted (Asterisk is starting, or this user lacks read"),
    ],
)
async def test_O02_what_a_silent_server_is_waited_for_is_said_long_before_the_deadline(
    ami_fake: AmiServer, fake: FakeAmi, caplog: pytest.LogCaptureFixture, trouble: dict[str, Any], words: str
) -> None:
    for attribute, value in trouble.items():
        setattr(fake, attribute, value)
    async with linked(ami_fake, until_up=False, name="pbx1", deadline_s=3600.0, slow_s=0.02) as (link, _):
        said = f"AMI link pbx1: {words.replace('HERE', f'{fake.host}:{fake.port}')}"
        await eventually(lambda: said in caplog.text, f"{said!r} in {caplog.text!r}")
        assert not link.connected
        assert len(fake.sessions) == 1


async def test_ami_a_link_that_is_up_is_not_called_slow(
    ami_fake: AmiServer, fake: FakeAmi, caplog: pytest.LogCaptureFixture
) -> None:
    async with linked(ami_fake, slow_s=0.02) as (_, seen):
        await eventually(lambda: len(fake.actions("Ping")) >= 3, "more than slow_s goes by")
        assert seen.of("up") == [None]
    assert "still" not in caplog.text


async def test_ami_a_link_that_flaps_keeps_its_longer_pauses(
    ami_fake: AmiServer, fake: FakeAmi, caplog: pytest.LogCaptureFixture
) -> None:
    async with linked(ami_fake, reconnect_max_s=3600.0) as (link, _):
        for _ in range(3):
            fake.cut()
            await back_again(link)
        assert re.findall(r"trying again in (\S+) s", caplog.text) == ["0.01", "0.02", "0.04"]


async def test_ami_a_corrected_password_is_taken(ami_fake: AmiServer, fake: FakeAmi) -> None:
    fake.users["dialerd"] = "another"
    async with linked(ami_fake, until_up=False) as (link, _):
        await eventually(lambda: link.status.startswith("login refused: Authentication failed"), "the refusal is said")
        fake.users["dialerd"] = SECRET
        await eventually(lambda: link.connected, "the link comes up")


async def test_ami_the_secret_is_never_logged(
    ami_fake: AmiServer, fake: FakeAmi, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with linked(ami_fake) as (link, _):
        fake.reset()
        await eventually(lambda: link.counters.reconnects, "the link is back")
        assert SECRET not in repr(link) + str(link.status)
        assert "connected to" in caplog.text
    assert SECRET not in caplog.text
    with pytest.raises(ValueError, match="AMI header Secret: found a line feed") as refusal:
        AmiLink(
            name="x", host="h", port=1, username="u", secret=SECRET + "\n",
            on_event=lambda _: None, on_up=lambda: None, on_down=lambda _: None,
        )  # fmt: skip
    assert SECRET not in str(refusal.value)


async def test_ami_asterisk_going_down_is_told_in_words(ami_fake: AmiServer, fake: FakeAmi) -> None:
    async with linked(ami_fake) as (_, seen):
        fake.event([("Event", "Shutdown"), ("Shutdown", "Cleanly"), ("Restart", "False")])
        await eventually(lambda: len(seen.of("up")) == 2, "the link is back")
        fake.event([("Event", "Shutdown"), ("Shutdown", "Cleanly"), ("Restart", "True")])
        await eventually(lambda: len(seen.of("down")) == 2, "the link goes down")
        assert seen.of("down") == ["Asterisk is shutting down", "Asterisk is restarting"]
        assert len(seen.events("Shutdown")) == 2
        kinds = [kind for kind, what in seen.told if kind != "event" or what.name == "Shutdown"]
        assert kinds[:3] == ["up", "event", "down"]


async def test_ami_nothing_of_a_connection_is_told_after_its_end(ami_fake: AmiServer, fake: FakeAmi) -> None:
    shutdown = [("Event", "Shutdown"), ("Shutdown", "Cleanly"), ("Restart", "False")]
    told: list[str] = []

    def down(reason: str) -> None:
        told.append(f"{reason} / {link.status} / {link.connected}")

    async with linked(ami_fake, reconnect_min_s=3600.0, reconnect_max_s=3600.0, on_down=down) as (link, seen):
        fake.event(shutdown, BOOTED, hangup("c-1"), [("Response", "Success")])
        await eventually(lambda: told, "the link goes down")
        assert told == ["Asterisk is shutting down / Asterisk is shutting down / False"]
        await eventually(lambda: "trying again" in link.status, "it waits to come back")
        assert not link.connected
        assert [packet.name for packet in seen.of("event")] == ["FullyBooted", "Shutdown"]
        assert seen.of("response") == []
        assert len(seen.of("up")) == 1


async def test_ami_shutdown_is_noticed_also_if_nobody_wants_the_event(ami_fake: AmiServer, fake: FakeAmi) -> None:
    async with linked(ami_fake, wanted=frozenset({"Hangup"})) as (_, seen):
        fake.event([("Event", "Shutdown"), ("Shutdown", "Cleanly"), ("Restart", "False")])
        await eventually(lambda: seen.of("down"), "the link goes down")
        assert seen.of("event") == []


async def test_ami_the_link_is_not_up_before_asterisk_is_fully_booted(ami_fake: AmiServer, fake: FakeAmi) -> None:
    fake.booted = False
    async with linked(ami_fake, until_up=False) as (link, seen):
        await eventually(lambda: link.status.startswith("logged in; waiting for FullyBooted"), "the login")
        fake.event(hangup("c-1"))
        assert link.send(ORIGINATE) is False
        await eventually(lambda: len(fake.actions("Ping")) >= 2, "it is watched meanwhile")
        assert seen.told == []
        fake.event(BOOTED, hangup("c-2"))
        await eventually(lambda: seen.events("Hangup"), "the event after it")
        assert [packet.get("Uniqueid") for packet in seen.events("Hangup")] == ["c-2"]
        assert seen.told[0] == ("up", None)


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ({"greeting": None}, "no login at .* within 0.1 s"),
        ({"withheld": {"Login"}}, "no login at .* within 0.1 s"),
        ({"hang_up_on_accept": True}, "Asterisk closed the connection before the login was answered"),
        ({"greeting": b"SSH-2.0-\x1b[31mOpen\r\n"}, r"not an Asterisk manager: it said 'SSH-2.0-\?\[31mOpen'"),
        ({"greeting": b"Asterisk Call Manager/" + b"9" * 5000}, "not an Asterisk manager"),
    ],
)
async def test_ami_a_server_that_does_not_log_us_in_is_named_and_tried_again(
    ami_fake: AmiServer, fake: FakeAmi, caplog: pytest.LogCaptureFixture, trouble: dict[str, Any], words: str
) -> None:
    for attribute, value in trouble.items():
        setattr(fake, attribute, value)
    async with linked(ami_fake, until_up=False, deadline_s=0.1) as (link, seen):
        await eventually(lambda: len(fake.sessions) >= 3, "three attempts")
        await eventually(lambda: re.search(words, caplog.text), f"the reason {words!r} in {caplog.text}")
        assert not link.connected
        assert seen.told == []
        if "greeting" in trouble:
            assert fake.received == []  # no secret for a stranger


@pytest.mark.parametrize("host", ["", "no..host", "x" * 300, "127.0.0.1\0"])
async def test_ami_a_host_that_cannot_be_one_is_a_status_not_a_crash(host: str) -> None:
    async with linked(AmiServer(host, 1, "u", "s"), until_up=False) as (link, _):
        await eventually(lambda: "cannot reach" in link.status, link.status)


@pytest.mark.parametrize("port", [-1, 0, 65536])
async def test_ami_a_port_that_cannot_be_one_is_refused(port: int) -> None:
    with pytest.raises(ValueError, match=f"AMI port: found {port}; allowed are 1 to 65535"):
        async with linked(AmiServer("127.0.0.1", port, "u", "s"), until_up=False):
            pass


# ---- close ------------------------------------------------------------------------------------------------------------


async def test_ami_close_during_a_pending_reconnect_ends_it(ami_fake: AmiServer, fake: FakeAmi) -> None:
    async with linked(ami_fake, reconnect_min_s=3600.0, reconnect_max_s=3600.0) as (link, _):
        fake.cut()
        await eventually(lambda: "trying again in 3600 s" in link.status, "it waits to come back")
        await link.aclose()
        assert link.status == "closed"
        assert len(fake.sessions) == 1


@pytest.mark.parametrize("trouble", [{"greeting": None}, {"withheld": {"Login"}}, {"booted": False}])
async def test_ami_close_during_the_login_ends_it(ami_fake: AmiServer, fake: FakeAmi, trouble: dict[str, Any]) -> None:
    for attribute, value in trouble.items():
        setattr(fake, attribute, value)
    async with linked(ami_fake, until_up=False) as (link, seen):
        await eventually(lambda: fake.sessions, "it connects")
        await link.aclose()
        assert seen.told == []
        await eventually(lambda: not fake.sessions[0].open, "the connection is closed")


async def test_ami_close_in_the_first_moment_ends_it(ami_fake: AmiServer, fake: FakeAmi) -> None:
    for turns in range(8):
        async with linked(ami_fake, until_up=False) as (link, _):
            for _ in range(turns):
                await asyncio.sleep(0)
            await link.aclose()
            assert link.status == "closed"
    await eventually(lambda: not any(session.open for session in fake.sessions), "no connection is left")


async def test_ami_close_of_a_half_open_link_does_not_hang(ami_fake: AmiServer, fake: FakeAmi) -> None:
    async with linked(ami_fake, ping_every_s=60.0) as (link, _):
        fake.freeze()
        big = [*ORIGINATE, *(("Variable", "x" * 1000) for _ in range(100))]
        while link.send(big):
            await asyncio.sleep(0)
        await link.aclose()


@pytest.mark.parametrize("moment", ["up", "event", "down"])
async def test_ami_close_out_of_a_listener(ami_fake: AmiServer, fake: FakeAmi, moment: str) -> None:
    holder: list[AmiLink] = []

    def close(*_: object) -> None:
        holder[0].close()

    listener: dict[str, Any] = {f"on_{moment}": close}
    async with linked(ami_fake, until_up=False, **listener) as (link, _):
        holder.append(link)
        await eventually(lambda: fake.sessions or link.status == "closed", "it connects")
        if moment == "down":
            await eventually(lambda: link.connected, "the link comes up")
            fake.cut()
        await eventually(lambda: link.status == "closed", "the listener closes it")
        await link.aclose()
        assert link.status == "closed"
        assert len(fake.sessions) == 1


async def test_ami_a_cancelled_run_closes(ami_fake: AmiServer, fake: FakeAmi) -> None:
    async with linked(ami_fake, until_up=False) as (link, _):
        pass
    seen = Seen()
    link = AmiLink(
        name="x", host=fake.host, port=fake.port, username="dialerd", secret=SECRET,
        on_event=seen.event, on_up=seen.up, on_down=seen.down,
    )  # fmt: skip
    running = asyncio.ensure_future(link.run())
    await eventually(lambda: link.connected, "the link comes up")
    with pytest.raises(RuntimeError, match="runs already"):
        await link.run()
    assert link.connected
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert seen.of("down") == ["closed by this side"]
    await eventually(lambda: not any(session.open for session in fake.sessions), "the connection is closed")


async def test_ami_goodbye_is_said(ami_fake: AmiServer, fake: FakeAmi) -> None:
    async with linked(ami_fake):
        pass
    await eventually(lambda: fake.actions("Logoff"), "Logoff arrives")


async def test_ami_an_error_without_words_is_still_an_answer(ami_fake: AmiServer, fake: FakeAmi) -> None:
    fake.answer("Ping", error(""))
    async with linked(ami_fake) as (link, _):
        assert not (await link.ask(PING)).success
        assert link.connected


# ---- the daemon's own loop ----------------------------------------------------------------------------------------------

_ANYWHERE = {"ami_server", "ami_fake", "fake", "caplog"}
PROMISES = [
    test
    for name, test in sorted(globals().items())
    if name.startswith("test_ami_")
    and set(inspect.signature(test).parameters) <= _ANYWHERE
    and test is not test_ami_an_answer_in_the_same_turn_as_the_deadline_counts  # there a deadline goes first
]


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__.removeprefix("test_ami_"))
def test_ami_the_same_under_uvloop(promise: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> None:
    """uvloop orders timers, reads and writes within a turn otherwise than asyncio's own loop."""

    async def keep() -> None:
        async with FakeAmi({"dialerd": SECRET}) as ami:
            server = AmiServer(ami.host, ami.port, "dialerd", SECRET)
            given = {"ami_server": server, "ami_fake": server, "fake": ami, "caplog": caplog}
            await promise(**{name: given[name] for name in inspect.signature(promise).parameters})

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(keep())


@pytest.fixture(autouse=True)
def no_lost_exceptions(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """asyncio says so when a future's exception was never fetched or a callback raised: that is a fault here."""
    yield
    faults = [record.getMessage() for record in caplog.get_records("call") if record.name == "asyncio"]
    assert [fault for fault in faults if "slow" not in fault and "Using selector" not in fault] == []
