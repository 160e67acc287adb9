"""Reading on recorded Asterisk traffic (16 and 22): whole, from any point on, shuffled and doubled (O08, V04, V11)."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialerd.adapters.asterisk.ended_legs import KEEP_S
from dialerd.adapters.asterisk.packets import Packet
from dialerd.adapters.asterisk.reading import JOIN_S, UNSEEN_S, WANTED, Reading
from dialerd.adapters.asterisk.reconciling import Alive
from dialerd.model.causes import outcome_unanswered
from dialerd.model.facts import (
    AnyFact,
    CallAnswered,
    CallBridged,
    CallEnded,
    CallLeft,
    CallRinging,
    CallWaiting,
    PhoneEnded,
    PhoneIdle,
    PhoneRinging,
)
from tests.traces import traces

TOKEN = "0a1b2c3d"
CALL = f"c{TOKEN}000000000070001"
OTHER = f"c{TOKEN}000000000070002"
PHONE = f"p{TOKEN}000000000080001"
FLOWS = ["final_flows", "v16_final_flows"]


def lines(facts: list[AnyFact]) -> list[str]:
    return [traces.line(fact) for fact in facts]


def expected(name: str) -> list[str]:
    return (traces.EXPECTED / f"{name}.txt").read_text(encoding="utf-8").splitlines()


def event(name: str, leg: str, **headers: str) -> Packet:
    header = {"OriginateResponse": "ActionID", "DialBegin": "DestUniqueid"}.get(name, "Uniqueid")
    rest = [(key.replace("_", "-"), value) for key, value in headers.items()]
    return Packet.of([("Event", name), (header, leg), *rest])


def ringing(leg: str) -> Packet:
    return event("Newstate", leg, ChannelState="5")


def up(leg: str) -> Packet:
    return event("Newstate", leg, ChannelState="6")


def failure(leg: str, reason: str = "0") -> Packet:
    return event("OriginateResponse", leg, Response="Failure", Reason=reason)


def success(leg: str) -> Packet:
    return event("OriginateResponse", leg, Response="Success", Reason="4")


def hangup(leg: str, cause: str = "16", **headers: str) -> Packet:
    return event("Hangup", leg, Cause=cause, **headers)


def holding(leg: str, name: str, bridge: str) -> Packet:
    return event(
        "BridgeEnter",
        leg,
        BridgeUniqueid=bridge,
        BridgeType="base",
        BridgeTechnology="holding_bridge",
        BridgeName=name,
        ChannelState="6",
    )


def talking(leg: str, bridge: str) -> Packet:
    return event(
        "BridgeEnter",
        leg,
        BridgeUniqueid=bridge,
        BridgeType="basic",
        BridgeTechnology="simple_bridge",
        BridgeName="<unknown>",
        ChannelState="6",
    )


def played(*packets: Packet, reader: Reading | None = None) -> list[AnyFact]:
    """Facts of packets that come one millisecond apart."""
    reader = Reading(TOKEN) if reader is None else reader
    return traces.facts_of([(0.001 * place, packet) for place, packet in enumerate(packets)], reader)


# --- recorded


@pytest.mark.parametrize("name", traces.NAMES)
def test_O08_a_recorded_trace_gives_the_facts_written_beside_it(name: str) -> None:
    assert lines(traces.facts_of(traces.events(name))) == expected(name)


@pytest.mark.parametrize("name", traces.NAMES)
def test_O08_a_trace_read_from_any_event_on_never_raises_and_ends_each_leg_once(name: str) -> None:
    whole = traces.events(name)
    for start in range(len(whole)):
        facts = traces.facts_of(whole[start:])
        ends = [line.split()[1] for line in lines(facts) if line.split()[0] in ("CallEnded", "PhoneEnded")]
        assert len(ends) == len(set(ends)), f"from event {start}"


@pytest.mark.parametrize("name", traces.NAMES)
def test_O08_the_wanted_events_alone_give_the_same_facts(name: str) -> None:
    wanted = [(at, packet) for at, packet in traces.events(name) if packet.name in WANTED]
    assert lines(traces.facts_of(wanted)) == expected(name)


def instants(name: str) -> list[list[traces.Timed]]:
    """The events of a trace in groups of the same millisecond; whatever we sent lies between two groups."""
    groups: list[list[traces.Timed]] = []
    sent_since = True
    events = iter(traces.events(name))
    for direction, at, headers in traces.blocks(name):
        if direction == ">>>":
            sent_since = True
        elif headers[0][0] == "Event":
            timed = next(events)
            if sent_since or groups[-1][0][0] != at:
                groups.append([])
            groups[-1].append(timed)
            sent_since = False
    return groups


def shuffled(group: list[traces.Timed], chance: Random) -> list[traces.Timed]:
    """Another order of one instant; the dialplan thread of a leg sends its UserEvents before its Hangup."""
    mixed = chance.sample(group, len(group))
    for leg in {packet.get("Uniqueid") for _, packet in group}:
        own = [timed for timed in group if timed[1].get("Uniqueid") == leg and timed[1].name in ("UserEvent", "Hangup")]
        places = sorted(mixed.index(timed) for timed in own)
        for place, timed in zip(places, own, strict=True):
            mixed[place] = timed
    return mixed


@pytest.mark.parametrize("name", FLOWS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(chance=st.randoms(use_true_random=False))
def test_O08_the_events_of_one_instant_may_come_in_any_order(name: str, chance: Random) -> None:
    mixed = [timed for group in instants(name) for timed in shuffled(group, chance)]
    assert sorted(lines(traces.facts_of(mixed))) == sorted(expected(name))


@pytest.mark.parametrize("name", [name for name in traces.NAMES if "originate" in name])
@settings(max_examples=25, deadline=None)
@given(chance=st.randoms(use_true_random=False))
def test_V04_a_failed_call_is_told_alike_in_whatever_order_its_last_events_come(name: str, chance: Random) -> None:
    mixed = [timed for group in instants(name) for timed in shuffled(group, chance)]
    assert sorted(lines(traces.facts_of(mixed))) == sorted(expected(name))


@pytest.mark.parametrize("name", traces.NAMES)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(chance=st.randoms(use_true_random=False))
def test_O08_doubled_events_give_no_doubled_ends(name: str, chance: Random) -> None:
    whole = traces.events(name)
    doubled: list[traces.Timed] = []
    for place, (at, packet) in enumerate(whole):
        then, again = whole[chance.randrange(max(0, place - 3), place + 1)]
        doubled.append((at, packet))
        if at - then < KEEP_S:
            doubled.append((at, again))
    facts = lines(traces.facts_of(doubled))
    ends = [line for line in facts if "Ended" in line.split()[0]]
    assert sorted(ends) == sorted(line for line in expected(name) if "Ended" in line.split()[0])
    assert set(facts) == set(expected(name))


# --- one leg, told by hand


def test_O08_only_legs_of_our_store_are_ours() -> None:
    reader = Reading(TOKEN)
    foreign = ["1795289208.2", "cffffffff000000000070001", f"c{TOKEN}00000000007", "", CALL.upper()]
    for leg in foreign:
        assert reader.read(ringing(leg), 0.0) == []
    assert reader.counters.foreign == len(foreign)
    assert reader.remembered == 0
    assert reader.read(ringing(CALL), 0.0) == [CallRinging(CALL)]


def test_V04_answer_is_told_once_whatever_tells_it_first() -> None:
    waiting = holding(CALL, f"dlr-cust-{CALL}", "h1")
    facts = [CallAnswered(CALL), CallWaiting(CALL)]
    assert played(success(CALL), up(CALL), waiting) == facts
    assert played(up(CALL), waiting, success(CALL)) == facts
    assert played(waiting, success(CALL), up(CALL)) == facts


def test_V04_a_failure_waits_for_its_hangup_so_that_the_cause_is_known() -> None:
    busy = [CallRinging(CALL), CallEnded(CALL, 17, 486, 0)]
    assert played(ringing(CALL), failure(CALL), hangup(CALL, "17", TechCause="486")) == busy
    assert played(ringing(CALL), hangup(CALL, "17", TechCause="486"), failure(CALL)) == busy


def test_V04_one_half_of_a_failure_ends_the_call_a_second_later() -> None:
    for half in (failure(CALL), hangup(CALL, "17")):
        reader = Reading(TOKEN)
        reader.read(ringing(CALL), 5.0)
        assert reader.read(half, 10.0) == []
        assert reader.next_due() == 10.0 + JOIN_S
        assert reader.due(10.0 + JOIN_S - 0.001) == []
        [end] = reader.due(10.0 + JOIN_S)
        assert isinstance(end, CallEnded)
        assert end.channel
        assert reader.next_due() is None


def test_V08_a_call_without_any_channel_was_not_placed() -> None:
    reader = Reading(TOKEN)
    assert reader.read(failure(CALL), 10.0) == []
    [end] = reader.due(10.0 + UNSEEN_S)
    assert end == CallEnded(CALL, None, None, 0, False, "Asterisk made no channel")
    assert isinstance(end, CallEnded)
    assert outcome_unanswered(end.cause, end.sip, end.reason, rang=False, channel=end.channel) == "not_placed"


def test_O08_a_failure_that_overtakes_its_dialbegin_is_no_call_that_was_not_placed() -> None:
    refused = [CallEnded(CALL, 34, 503, 0)]
    dial = event("DialBegin", CALL)
    assert played(failure(CALL), dial, hangup(CALL, "34", TechCause="503")) == refused
    assert played(failure(CALL), hangup(CALL, "34", TechCause="503"), dial) == refused


def test_V04_our_timeout_is_told_by_its_reason_though_asterisk_16_gives_no_cause() -> None:
    [end] = played(event("DialBegin", CALL), failure(CALL, "3"), hangup(CALL, "0"))
    assert end == CallEnded(CALL, 0, None, 3)
    [_, end] = played(ringing(CALL), hangup(CALL, "19", TechCause="480"), failure(CALL, "3"))
    assert end == CallEnded(CALL, 19, 480, 3)


def test_V04_a_timeout_whose_channel_was_never_seen_was_placed_all_the_same() -> None:
    [end] = played(failure(CALL, "3"))
    assert isinstance(end, CallEnded)
    assert end.channel


def test_V04_a_hangup_after_the_answer_without_a_cause_is_a_normal_one() -> None:
    assert played(up(CALL), hangup(CALL, "0"))[-1] == CallEnded(CALL, 16)
    assert played(ringing(CALL), hangup(CALL, "0"))[-1] == CallEnded(CALL, 0)
    assert played(hangup(CALL, "0"), success(CALL)) == [CallAnswered(CALL), CallEnded(CALL, 16)]


def test_O08_a_second_originate_with_an_id_in_use_does_not_end_the_living_call() -> None:
    reader = Reading(TOKEN)
    facts = played(ringing(CALL), up(CALL), failure(CALL), reader=reader)
    assert facts == [CallRinging(CALL), CallAnswered(CALL)]
    assert reader.counters.odd == 1
    # and while it still rings: an answer within the second takes the failure back
    assert played(failure(CALL), event("DialBegin", CALL), ringing(CALL), success(CALL)) == facts


def test_V04_customer_and_agent_are_told_as_bridged_once_whoever_enters_first() -> None:
    for first, second in ((CALL, PHONE), (PHONE, CALL)):
        facts = played(talking(first, "b1"), talking(second, "b1"), talking(first, "b1"))
        assert [fact for fact in facts if isinstance(fact, CallBridged)] == [CallBridged(CALL, PHONE)]


def test_V04_two_customers_or_different_bridges_make_no_pair() -> None:
    facts = played(talking(CALL, "b1"), talking(PHONE, "b2"), talking(OTHER, "b1"))
    assert not [fact for fact in facts if isinstance(fact, CallBridged)]


def test_V11_a_nailed_up_agent_is_idle_each_time_he_enters_his_bridge() -> None:
    agent = "dlr-agent-anna"
    facts = played(
        holding(PHONE, agent, "h1"),
        holding(PHONE, agent, "h1"),  # doubled
        talking(PHONE, "b1"),
        talking(CALL, "b1"),
        hangup(CALL),
        holding(PHONE, agent, "h2"),
        hangup(PHONE),
    )
    assert facts == [
        PhoneIdle(PHONE),
        CallAnswered(CALL),
        CallBridged(CALL, PHONE),
        CallEnded(CALL, 16),
        PhoneIdle(PHONE),
        PhoneEnded(PHONE, 16),
    ]


def test_V11_a_rung_agent_who_picked_up_is_idle_in_his_bridge() -> None:
    assert played(ringing(PHONE), holding(PHONE, "dlr-ring-anna", "h1")) == [PhoneRinging(PHONE), PhoneIdle(PHONE)]


def test_V04_a_customer_waits_again_only_if_he_enters_again() -> None:
    name = f"dlr-cust-{CALL}"
    facts = played(holding(CALL, name, "h1"), talking(CALL, "b1"), holding(CALL, name, "h2"))
    assert facts == [CallAnswered(CALL), CallWaiting(CALL), CallWaiting(CALL)]


def test_O08_a_leg_in_a_holding_bridge_that_is_not_its_own_is_not_waiting() -> None:
    reader = Reading(TOKEN)
    facts = played(holding(CALL, f"dlr-cust-{OTHER}", "h1"), holding(PHONE, f"dlr-cust-{CALL}", "h1"), reader=reader)
    assert facts == [CallAnswered(CALL)]
    assert reader.counters.odd == 2


def test_V14_leaving_for_the_information_message_is_told_once() -> None:
    drop = event("UserEvent", CALL, UserEvent="DlrDrop", Call=CALL)
    other = event("UserEvent", CALL, UserEvent="DlrCustLeft", Call=CALL)
    facts = played(up(CALL), other, drop, drop, hangup(CALL))
    assert facts == [CallAnswered(CALL), CallLeft(CALL), CallEnded(CALL, 16)]


@pytest.mark.parametrize("text", ["", "x", "-1", "99999999999999999999", "16 ", "٣", "1e3"])
def test_O08_numbers_that_are_none_are_counted_and_never_raise(text: str) -> None:
    reader = Reading(TOKEN)
    facts = played(
        event("Newstate", CALL, ChannelState=text),
        hangup(CALL, text, TechCause=text),
        failure(CALL, text),
        reader=reader,
    )
    assert facts == [CallEnded(CALL)]
    assert reader.counters.odd == (0 if not text else 3)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([*sorted(WANTED), "BridgeLeave", "Cdr"]),
            st.sampled_from([CALL, PHONE, OTHER, "1.2"]),
            st.sampled_from(["", "0", "5", "6", "x"]),
            st.sampled_from(["Success", "Failure", "?"]),
            st.sampled_from(["", "basic", "base"]),
            st.sampled_from(["holding_bridge", "simple_bridge"]),
            st.sampled_from(["b1", "b2", ""]),
            st.floats(0, 3),
        ),
        max_size=30,
    )
)
def test_O08_any_events_in_any_order_never_raise_and_never_end_a_leg_twice_in_its_memory(
    strange: list[tuple[str, str, str, str, str, str, str, float]],
) -> None:
    reader, now = Reading(TOKEN), 0.0
    ended: dict[str, float] = {}
    for name, leg, state, response, kind, technology, bridge, pause in strange:
        packet = event(
            name,
            leg,
            ChannelState=state,
            Response=response,
            Reason=state,
            Cause=state,
            BridgeType=kind,
            BridgeTechnology=technology,
            BridgeUniqueid=bridge,
            BridgeName=f"dlr-cust-{leg}",
            UserEvent="DlrDrop",
        )
        now += pause
        for fact in [*reader.due(now), *reader.read(packet, now)]:
            told = getattr(fact, "call", "") or getattr(fact, "leg", "")
            assert told not in ended or ended[told] + KEEP_S <= now
            if isinstance(fact, CallEnded | PhoneEnded):
                ended[told] = now


def test_O08_memory_of_a_long_shift_does_not_grow() -> None:
    reader, now = Reading(TOKEN), 0.0
    for number in range(2000):
        call, bridge = f"c{TOKEN}{number:015d}", f"b{number}"
        for packet in (
            ringing(call),
            up(call),
            holding(call, f"dlr-cust-{call}", f"h{number}"),
            talking(call, bridge),
            talking(PHONE, bridge),
            hangup(call),
            holding(PHONE, "dlr-agent-anna", f"a{number}"),
        ):
            reader.read(packet, now)
        now += 1.0
        assert reader.remembered <= KEEP_S + 2
    assert not reader._bridges
    assert len(reader._legs) == 1
    assert not reader._legs[PHONE].told


def test_O08_a_channel_that_lives_after_its_end_was_told_is_given_out_to_be_hung_up_once() -> None:
    reader = Reading(TOKEN)
    reader.read(failure(CALL), 0.0)
    reader.due(UNSEEN_S)
    assert reader.take_leftovers() == []
    assert reader.read(ringing(CALL), 1.0) == []
    assert reader.take_leftovers() == [CALL]
    assert reader.read(up(CALL), 2.0) == []
    assert reader.take_leftovers() == []

    reader.read(ringing(OTHER), 3.0)
    reader.read(failure(OTHER), 3.0)
    reader.due(3.0 + JOIN_S)
    assert reader.take_leftovers() == [OTHER]

    reader.read(up(PHONE), 5.0)
    reader.read(hangup(PHONE), 5.0)
    reader.read(up(PHONE), 5.0)  # only late
    assert reader.take_leftovers() == []
    assert reader.counters.late == 3


def test_O08_an_adopted_leg_tells_nothing_again_and_ends_at_once() -> None:
    def alive(leg: str, *, held: bool = False, pair: bool = False, up: bool = True) -> Alive:
        bridge = "b1" if pair else "h1" if held else ""
        return Alive(leg, leg[0] == "c", up, not up, bridge, held, pair, False, "", "", 0)

    reader = Reading(TOKEN)
    reader.adopt([alive(CALL, pair=True), alive(PHONE, pair=True), alive(OTHER, held=True)])
    facts = played(
        up(CALL),
        talking(CALL, "b1"),
        talking(PHONE, "b1"),
        holding(OTHER, f"dlr-cust-{OTHER}", "h1"),
        hangup(CALL, "0"),
        reader=reader,
    )
    assert facts == [CallEnded(CALL, 16)]

    reader = Reading(TOKEN)
    reader.adopt([alive(CALL, up=False)])
    assert played(ringing(CALL), up(CALL), reader=reader) == [CallAnswered(CALL)]
