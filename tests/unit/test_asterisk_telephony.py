"""AsteriskTelephony on a link of the test's own: intents, lost links, reconciling, and hang-ups that come early (O08)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest

from dialerd.adapters.asterisk.answers import AmiTimeout
from dialerd.adapters.asterisk.counters import AmiCounters
from dialerd.adapters.asterisk.link_settings import LinkSettings
from dialerd.adapters.asterisk.packets import Packet
from dialerd.adapters.asterisk.reading import UNSEEN_S
from dialerd.adapters.asterisk.telephony import AsteriskTelephony
from dialerd.model.facts import (
    AnyFact,
    CallAnswered,
    CallBridged,
    CallEnded,
    CallNotPlaced,
    CallRinging,
    CallSeen,
    CallWaiting,
    ConnectFailed,
    LinkLost,
    PhoneEnded,
    PhoneIdle,
    PhoneSeen,
    Reconciled,
)
from dialerd.model.intents import CallPhone, Connect, Dial, Drop, HangUp, OfferCall

TOKEN = "0a1b2c3d"
CALL, CALL2, CALL3 = (f"c{TOKEN}00000000007000{place}" for place in (1, 2, 3))
LEG = f"p{TOKEN}000000000080001"
FOREIGN = "cffffffff000000000070001"

DIAL = Dial(CALL, "spring", 7, "0905", "pbx1", "t", "PJSIP/0905@t", "h", "842", "", 30.0, 5.0, "music", "", "")
OFFER = OfferCall(LEG, "anna", "pbx1", "PJSIP/1001", CALL, 10.0, "0905", "")
PHONE = CallPhone(LEG, "anna", "pbx1", "PJSIP/1001", 20.0)
CONNECT = Connect(CALL, LEG, "anna", "pbx1")

Headers = Sequence[tuple[str, str]]


class HandLink:
    """A link that the test plays by hand."""

    def __init__(self, **made_with: object) -> None:
        self.connected = False
        self.status = "not started"
        self.reads = True
        self.counters = AmiCounters()
        self.seq = 0
        self.sent: list[tuple[dict[str, str], str]] = []
        self.asked: list[str] = []
        self.lists: dict[str, list[Packet]] = {"CoreShowChannels": [], "BridgeList": []}
        self.startup = "08:00:00"
        self.trouble: Exception | None = None
        self.hold = asyncio.Event()
        self.hold.set()
        self.over = asyncio.Event()
        self.on_event: Callable[[Packet], None] = made_with["on_event"]  # type: ignore[assignment]
        self.on_response: Callable[[Packet], None] = made_with["on_response"]  # type: ignore[assignment]
        self.on_up: Callable[[], None] = made_with["on_up"]  # type: ignore[assignment]
        self.on_down: Callable[[str], None] = made_with["on_down"]  # type: ignore[assignment]

    async def run(self) -> None:
        await self.over.wait()

    def close(self) -> None:
        self.down("closed")
        self.over.set()

    async def aclose(self) -> None:
        self.close()

    def send(self, action: Headers, action_id: str | None = None) -> bool:
        if not self.connected or not self.reads:
            return False
        self.sent.append((dict(action), action_id or ""))
        return True

    def send_all(self, actions: Sequence[tuple[Headers, str | None]]) -> bool:
        return all(self.send(action, action_id) for action, action_id in actions)

    async def ask(self, action: Headers, *, deadline_s: float | None = None) -> Packet:
        self.asked.append(action[0][1])
        await self.hold.wait()
        if self.trouble is not None:
            raise self.trouble
        return self.packet(Response="Success", CoreStartupDate="2026-11-21", CoreStartupTime=self.startup)

    async def ask_list(self, action: Headers, *, deadline_s: float | None = None) -> list[Packet]:
        self.asked.append(action[0][1])
        return [self.packet(Response="Success"), *self.lists[action[0][1]], self.packet(Event="Complete")]

    def packet(self, *pairs: tuple[str, str], **headers: str) -> Packet:
        self.seq += 1
        return Packet.of([*headers.items(), *pairs], self.seq)

    def up(self) -> None:
        self.connected, self.status = True, "connected"
        self.on_up()

    def down(self, because: str) -> None:
        if self.connected:
            self.connected, self.status = False, because
            self.on_down(because)

    def event(self, name: str, leg: str, **headers: str) -> None:
        key = {"OriginateResponse": "ActionID", "DialBegin": "DestUniqueid"}.get(name, "Uniqueid")
        self.on_event(self.packet((key, leg), Event=name, **headers))

    def enters(self, leg: str, bridge: str, name: str = "") -> None:
        kind = ("base", "holding_bridge") if name else ("basic", "simple_bridge")
        headers = {"BridgeType": kind[0], "BridgeTechnology": kind[1], "BridgeUniqueid": bridge, "BridgeName": name}
        self.event("BridgeEnter", leg, ChannelState="6", **headers)

    def refuse(self, action_id: str, message: str) -> None:
        self.on_response(self.packet(Response="Error", ActionID=action_id, Message=message))

    def accept(self, action_id: str) -> None:
        self.on_response(self.packet(Response="Success", ActionID=action_id))

    def channel(self, leg: str, state: str = "6", bridge: str = "", **headers: str) -> Packet:
        given = {"Event": "CoreShowChannel", "Uniqueid": leg, "ChannelState": state, "BridgeId": bridge, **headers}
        return self.packet(
            ("ChanVariable", headers.get("call", "DLR_CALL=")), ("ChanVariable", "DLR_AGENT=anna"), **given
        )

    def bridge(self, bridge: str, name: str = "") -> Packet:
        kind = ("base", "holding_bridge") if name else ("basic", "native_rtp")
        given = {"BridgeUniqueid": bridge, "BridgeType": kind[0], "BridgeTechnology": kind[1], "BridgeName": name}
        return self.packet(Event="BridgeListItem", **given)

    def actions(self) -> list[str]:
        return [headers["Action"] for headers, _ in self.sent]


class Desk:
    """A telephony with its hand-played link, and the facts it told."""

    def __init__(self) -> None:
        self.facts: list[AnyFact] = []
        self.told = asyncio.Event()
        settings = LinkSettings("127.0.0.1", 5038, "dialerd", "secret")
        self.telephony = AsteriskTelephony("pbx1", settings, TOKEN, self.on_fact, make_link=HandLink)
        assert isinstance(self.telephony.link, HandLink)
        self.link = self.telephony.link

    def on_fact(self, fact: AnyFact) -> None:
        self.facts.append(fact)
        self.told.set()

    async def wait_for(self, seen: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not seen():
                self.told.clear()
                wait: Awaitable[object] = asyncio.wait_for(self.told.wait(), 0.02)
                try:
                    await wait
                except TimeoutError:
                    continue

    async def fact(self, kind: type[AnyFact]) -> None:
        await self.wait_for(lambda: any(isinstance(fact, kind) for fact in self.facts))

    async def reconciled(self) -> None:
        """Up and reconciled with an empty server, nothing told yet."""
        self.link.up()
        await self.fact(Reconciled)
        self.facts.clear()


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    made = Desk()
    running = asyncio.ensure_future(made.telephony.run())
    yield made
    await made.telephony.aclose()
    await running


# --- intents


async def test_O08_nothing_is_sent_before_the_server_is_reconciled(desk: Desk) -> None:
    desk.link.hold.clear()
    for up in (False, True):
        if up:
            desk.link.up()
        desk.telephony.submit(DIAL)
        desk.telephony.submit(OFFER)
        desk.telephony.submit(CONNECT)
        desk.telephony.submit(HangUp(LEG, "pbx1", ""))
        desk.telephony.submit(Drop(CALL, "pbx1", ""))
        call, phone = desk.facts
        assert isinstance(call, CallNotPlaced)
        assert call.call == CALL
        assert phone == PhoneEnded(LEG, channel=False, because=call.because)
        assert desk.link.sent == []
        assert not desk.telephony.connected
        desk.facts.clear()
    assert (desk.telephony.counters.not_sent, desk.telephony.counters.dropped) == (4, 6)
    desk.link.hold.set()
    await desk.fact(Reconciled)
    assert desk.telephony.connected
    desk.telephony.submit(DIAL)
    assert desk.link.actions() == ["Originate"]


async def test_O08_a_text_that_cannot_be_sent_ends_that_call_only(desk: Desk) -> None:
    await desk.reconciled()
    bad = Dial(CALL, "spring", 7, "0905", "pbx1", "t", "PJSIP/0905\r\n@t", "h", "", "", 30.0, 5.0, "music", "", "")
    desk.telephony.submit(bad)
    desk.telephony.submit(CallPhone(LEG, "anna", "pbx1", "PJSIP/1001\n", 20.0))
    call, phone = desk.facts
    assert isinstance(call, CallNotPlaced)
    assert call.because.startswith("dial: found")
    assert isinstance(phone, PhoneEnded)
    assert (phone.leg, phone.channel) == (LEG, False)
    assert desk.link.sent == []


async def test_V04_an_originate_refused_at_once_was_not_placed(desk: Desk) -> None:
    await desk.reconciled()
    desk.telephony.submit(DIAL)
    desk.telephony.submit(PHONE)
    desk.link.refuse(CALL, "Extension does not exist.")
    desk.link.refuse(LEG, "Originate Access Forbidden: app or data blacklisted")
    assert desk.facts == [
        CallNotPlaced(CALL, "Extension does not exist."),
        PhoneEnded(LEG, channel=False, because="Originate Access Forbidden: app or data blacklisted"),
    ]


async def test_V04_a_refused_bridge_is_told_and_the_talk_mark_taken_back(desk: Desk) -> None:
    await desk.reconciled()
    desk.telephony.submit(CONNECT)
    (_, mark), (_, bridge) = desk.link.sent
    desk.link.accept(mark)
    desk.link.refuse(bridge, "Channel1 does not exist")
    assert desk.facts == [ConnectFailed(CALL, LEG, "Channel1 does not exist")]
    assert desk.link.sent[-1][0] == {"Action": "Setvar", "Channel": CALL, "Variable": "DLR_TALK", "Value": ""}
    desk.telephony.submit(Drop(CALL, "pbx1", ""))
    desk.link.refuse(f"drop-{CALL}", "Channel does not exist")
    assert len(desk.facts) == 1
    assert desk.telephony.counters.gone == 1


async def test_O08_an_asterisk_that_does_not_read_gets_no_call(desk: Desk) -> None:
    await desk.reconciled()
    desk.link.reads = False
    desk.telephony.submit(DIAL)
    desk.telephony.submit(CONNECT)
    assert [type(fact) for fact in desk.facts] == [CallNotPlaced, ConnectFailed]


async def test_V04_events_become_facts_in_order(desk: Desk) -> None:
    await desk.reconciled()
    desk.telephony.submit(DIAL)
    desk.link.event("Newstate", CALL, ChannelState="5")
    desk.link.event("Newstate", FOREIGN, ChannelState="5")
    desk.link.enters(CALL, "h1", f"dlr-cust-{CALL}")
    desk.link.enters(LEG, "h2", "dlr-agent-anna")
    desk.link.enters(LEG, "b1")
    desk.link.enters(CALL, "b1")
    desk.link.event("Hangup", CALL, Cause="16")
    assert desk.facts == [
        CallRinging(CALL),
        CallAnswered(CALL),
        CallWaiting(CALL),
        PhoneIdle(LEG),
        CallBridged(CALL, LEG),
        CallEnded(CALL, 16),
    ]
    assert desk.telephony.reading.counters.foreign == 1


async def test_V08_a_dead_trunk_is_told_though_no_hangup_ever_comes(desk: Desk) -> None:
    await desk.reconciled()
    desk.telephony.submit(DIAL)
    began = asyncio.get_running_loop().time()
    desk.link.event("OriginateResponse", CALL, Response="Failure", Reason="0")
    assert desk.facts == []
    await desk.fact(CallEnded)
    assert desk.facts == [CallEnded(CALL, reason=0, channel=False, because="Asterisk made no channel")]
    assert asyncio.get_running_loop().time() >= began + UNSEEN_S - 0.01


# --- hang-ups


async def test_O08_a_hangup_that_comes_before_its_channel_is_sent_again_at_its_first_sign(desk: Desk) -> None:
    await desk.reconciled()
    desk.telephony.submit(DIAL)
    desk.telephony.submit(HangUp(CALL, "pbx1", "no agent left"))
    desk.link.accept(CALL)
    desk.link.refuse(f"hangup-{CALL}", "No such channel")
    desk.link.event("DialBegin", CALL2)
    assert desk.link.actions() == ["Originate", "Hangup"]
    desk.link.event("DialBegin", CALL)
    assert desk.link.actions() == ["Originate", "Hangup", "Hangup"]
    desk.link.accept(f"hangup-{CALL}")
    desk.link.event("OriginateResponse", CALL, Response="Failure", Reason="0")
    desk.link.event("Hangup", CALL, Cause="16")
    assert desk.link.actions() == ["Originate", "Hangup", "Hangup"]
    assert desk.telephony.counters.hung_up_late == 1


async def test_O08_a_leg_that_forgets_its_hangup_by_being_bridged_is_hung_up_again(desk: Desk) -> None:
    await desk.reconciled()
    desk.link.enters(LEG, "h1", "dlr-agent-anna")
    desk.telephony.submit(HangUp(LEG, "pbx1", "logout"))
    desk.link.accept(f"hangup-{LEG}")
    desk.link.enters(LEG, "b1")
    assert desk.link.actions() == ["Hangup", "Hangup"]
    desk.link.accept(f"hangup-{LEG}")
    desk.link.event("Hangup", LEG, Cause="16")
    assert desk.facts == [PhoneIdle(LEG), PhoneEnded(LEG, 16)]
    assert desk.link.actions() == ["Hangup", "Hangup"]


async def test_O08_a_sign_that_overtakes_the_refusal_of_the_hangup_is_not_missed(desk: Desk) -> None:
    await desk.reconciled()
    desk.telephony.submit(PHONE)
    desk.telephony.submit(HangUp(LEG, "pbx1", ""))
    desk.link.event("DialBegin", LEG)
    assert desk.link.actions() == ["Originate", "Hangup"]
    desk.link.refuse(f"hangup-{LEG}", "No such channel")
    assert desk.link.actions() == ["Originate", "Hangup", "Hangup"]
    desk.link.refuse(f"hangup-{LEG}", "No such channel")  # and no new sign: it is not asked without end
    assert desk.link.actions() == ["Originate", "Hangup", "Hangup"]


async def test_O08_a_hangup_of_a_leg_that_has_ended_is_not_sent_again(desk: Desk) -> None:
    await desk.reconciled()
    desk.link.event("Newstate", CALL, ChannelState="6")
    desk.telephony.submit(HangUp(CALL, "pbx1", ""))
    desk.link.event("Hangup", CALL, Cause="16")
    desk.link.refuse(f"hangup-{CALL}", "No such channel")
    desk.link.event("Newstate", CALL, ChannelState="6")
    assert desk.link.actions() == ["Hangup"]
    assert desk.facts == [CallAnswered(CALL), CallEnded(CALL, 16)]


async def test_O08_a_channel_whose_end_was_told_is_not_left_alive(desk: Desk) -> None:
    await desk.reconciled()
    desk.telephony.submit(DIAL)
    desk.link.event("Newstate", CALL, ChannelState="5")
    desk.link.event("OriginateResponse", CALL, Response="Failure", Reason="0")
    await desk.fact(CallEnded)
    assert desk.link.actions() == ["Originate", "Hangup"]
    assert desk.telephony.counters.leftovers == 1


# --- the link


async def test_O08_a_lost_link_is_told_once_and_only_if_it_was_reconciled(desk: Desk) -> None:
    desk.link.hold.clear()
    desk.link.up()
    desk.link.down("refused")
    assert desk.facts == []
    desk.link.hold.set()
    await desk.reconciled()
    desk.link.down("EOF")
    assert desk.facts == [LinkLost("pbx1", "EOF")]
    assert desk.telephony.status == "EOF"


async def test_O08_a_dial_whose_answer_was_lost_is_neither_refused_nor_repeated(desk: Desk) -> None:
    await desk.reconciled()
    desk.telephony.submit(DIAL)
    desk.link.down("EOF")
    desk.link.lists["CoreShowChannels"] = [desk.link.channel(CALL, "5")]
    desk.link.up()
    await desk.fact(Reconciled)
    assert desk.facts == [LinkLost("pbx1", "EOF"), Reconciled("pbx1", (CallSeen(CALL, "ringing"),), ())]
    assert desk.link.actions() == ["Originate"]


async def test_O08_half_an_end_is_told_before_the_link_is(desk: Desk) -> None:
    await desk.reconciled()
    desk.link.event("Newstate", CALL, ChannelState="5")
    desk.link.event("Hangup", CALL, Cause="17")
    desk.link.down("EOF")
    assert desk.facts == [CallRinging(CALL), CallEnded(CALL, 17), LinkLost("pbx1", "EOF")]


async def test_O08_reconciling_tells_each_leg_of_ours_as_it_is(desk: Desk) -> None:
    link = desk.link
    calls = [f"c{TOKEN}{number:015d}" for number in range(1, 8)]
    phones = [f"p{TOKEN}{number:015d}" for number in range(1, 6)]
    waiting = {"Application": "BridgeWait", "ApplicationData": f"dlr-cust-{calls[2]},participant,e(m)S(30)"}
    link.lists["CoreShowChannels"] = [
        link.channel(calls[0], "5"),
        link.channel(calls[1]),
        link.channel(calls[2], bridge="h3", **waiting),
        link.channel(calls[3], bridge="b4"),
        link.channel(calls[4], Context="dialer-drop"),
        link.channel(calls[5], bridge="unlisted"),
        link.channel(calls[6], bridge="b7"),
        link.channel(FOREIGN, bridge="b4"),
        link.channel("1795289208.2"),
        link.channel(phones[0], "5"),
        link.channel(phones[1], bridge="h9"),
        link.channel(phones[2], bridge="b4"),
        link.channel(phones[3], call=f"DLR_CALL={calls[2]}"),
        link.channel(phones[4], bridge="unlisted"),
    ]
    link.lists["BridgeList"] = [
        link.bridge("h3", f"dlr-cust-{calls[2]}"),
        link.bridge("h9", "dlr-agent-anna"),
        link.bridge("b4"),
        link.bridge("b7"),
        link.bridge("h8", "dlr-agent-bert"),
    ]
    link.up()
    await desk.fact(Reconciled)
    assert desk.facts == [
        Reconciled(
            "pbx1",
            (
                CallSeen(calls[0], "ringing"),
                CallSeen(calls[1], "answered"),
                CallSeen(calls[2], "waiting"),
                CallSeen(calls[3], "talking", phones[2]),
                CallSeen(calls[4], "dropping"),
                CallSeen(calls[5], "talking", phones[4]),
                CallSeen(calls[6], "talking"),
            ),
            (
                PhoneSeen(phones[0], "calling", "anna"),
                PhoneSeen(phones[1], "idle", "anna"),
                PhoneSeen(phones[2], "talking", "anna", calls[3]),
                PhoneSeen(phones[3], "calling", "anna", calls[2]),
                PhoneSeen(phones[4], "talking", "anna", calls[5]),
            ),
        )
    ]


async def test_O08_legs_of_another_store_are_left_alone_and_told_of_once_a_reconcile(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    theirs = [FOREIGN, "pffffffff000000000070001", "pffffffff000000000070002"]
    desk.link.lists["CoreShowChannels"] = [
        *(desk.link.channel(leg) for leg in theirs),
        desk.link.channel(LEG),
        desk.link.channel("1700000000.12"),  # nobody's: an inbound call
    ]
    for times in (1, 2):
        desk.facts.clear()
        desk.link.up()
        await desk.fact(Reconciled)
        assert [seen.leg for fact in desk.facts if isinstance(fact, Reconciled) for seen in fact.phones] == [LEG]
        warnings = [record.getMessage() for record in caplog.records if "another dialerd store" in record.getMessage()]
        assert len(warnings) == times
        assert warnings[-1].startswith(
            "3 channels of another dialerd store (token ffffffff) are alive on server pbx1, 2 of them softphones: "
            "they are left alone"
        )
        assert desk.telephony.counters.foreign_legs == 3
        desk.link.down("cut")
    assert desk.link.sent == []
    desk.link.lists["CoreShowChannels"] = [desk.link.channel(LEG)]
    desk.facts.clear()
    desk.link.up()
    await desk.fact(Reconciled)
    assert desk.telephony.counters.foreign_legs == 0
    assert caplog.text.count("another dialerd store") == 2


async def test_O08_without_channelvars_the_holding_bridge_tells_the_agent(desk: Desk) -> None:
    bare = desk.link.packet(Event="CoreShowChannel", Uniqueid=LEG, ChannelState="6", BridgeId="h1")
    desk.link.lists = {"CoreShowChannels": [bare], "BridgeList": [desk.link.bridge("h1", "dlr-ring-anna")]}
    desk.link.up()
    await desk.fact(Reconciled)
    assert desk.facts == [Reconciled("pbx1", (), (PhoneSeen(LEG, "idle", "anna"),))]


async def test_O08_a_leg_that_ended_while_the_lists_were_asked_is_told_before_and_not_listed(desk: Desk) -> None:
    link = desk.link
    link.lists["CoreShowChannels"] = [link.channel(CALL), link.channel(CALL2, "5")]
    link.hold.clear()
    link.up()
    await desk.wait_for(lambda: link.asked == ["CoreStatus"])
    link.event("Hangup", CALL, Cause="16")
    link.event("Newstate", CALL3, ChannelState="6")  # answered and gone, and in no list
    link.event("Hangup", CALL3, Cause="0")
    link.event("OriginateResponse", LEG, Response="Failure", Reason="0")
    link.hold.set()
    await desk.fact(Reconciled)
    assert desk.facts == [
        CallEnded(CALL, 16),
        CallAnswered(CALL3),
        CallEnded(CALL3, 16),
        PhoneEnded(LEG, reason=0, channel=False, because="Asterisk made no channel"),
        Reconciled("pbx1", (CallSeen(CALL2, "ringing"),), ()),
    ]


async def test_O08_events_of_living_legs_wait_for_the_lists_and_older_ones_are_dropped(desk: Desk) -> None:
    link = desk.link
    link.hold.clear()
    link.up()
    await desk.wait_for(lambda: link.asked == ["CoreStatus"])
    link.enters(LEG, "h1", "dlr-agent-anna")  # older than the line that lists it as talking
    link.event("Newstate", CALL2, ChannelState="5")
    link.lists["CoreShowChannels"] = [
        link.channel(CALL, bridge="b1"),
        link.channel(LEG, bridge="b1"),
        link.channel(CALL2, "5"),
    ]
    link.lists["BridgeList"] = [link.bridge("b1")]
    # queued inside Asterisk: they come after the lines and are older all the same
    link.enters(CALL, "h2", f"dlr-cust-{CALL}")
    link.enters(CALL, "b1")
    link.enters(LEG, "b1")
    link.event("Newstate", CALL2, ChannelState="6")  # this one is news
    link.hold.set()
    await desk.fact(CallAnswered)
    talking = Reconciled(
        "pbx1",
        (CallSeen(CALL, "talking", LEG), CallSeen(CALL2, "ringing")),
        (PhoneSeen(LEG, "talking", "anna", CALL),),
    )
    assert desk.facts == [talking, CallAnswered(CALL2)]
    link.event("Hangup", CALL, Cause="0")
    assert desk.facts[-1] == CallEnded(CALL, 16)


async def test_O08_a_failed_reconcile_is_tried_again_and_says_why(desk: Desk) -> None:
    link = desk.link
    link.trouble = AmiTimeout("no complete answer to CoreStatus within 10 s")
    link.up()
    await desk.wait_for(lambda: desk.telephony.counters.reconcile_failures == 1)
    assert "CoreStatus" in desk.telephony.status
    assert not desk.telephony.connected
    link.event("Newstate", CALL, ChannelState="5")
    link.event("Hangup", CALL2, Cause="17")
    link.trouble = None
    await desk.fact(Reconciled)
    assert desk.facts[0] == CallEnded(CALL2, 17)
    assert desk.telephony.connected


async def test_O08_an_asterisk_that_was_started_anew_is_told(desk: Desk) -> None:
    for startup, restarted in (("08:00:00", False), ("08:00:00", False), ("09:30:00", True), ("09:30:00", False)):
        desk.link.startup = startup
        desk.link.up()
        await desk.fact(Reconciled)
        assert desk.facts == [Reconciled("pbx1", (), (), restarted)]
        desk.link.down("EOF")
        desk.facts.clear()


async def test_O04_after_close_nothing_is_told(desk: Desk) -> None:
    await desk.reconciled()
    desk.link.event("Newstate", CALL, ChannelState="5")
    desk.facts.clear()
    await desk.telephony.aclose()
    desk.telephony.submit(DIAL)
    assert desk.facts == []


async def test_O08_our_own_mistake_while_reconciling_ends_run() -> None:
    desk = Desk()
    desk.link.trouble = KeyError("a bug")
    running = asyncio.ensure_future(desk.telephony.run())
    desk.link.up()
    with pytest.raises(KeyError):
        await running
