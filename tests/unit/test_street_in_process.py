"""The street as Telephony in virtual time: intents in, facts out, as ports.telephony promises.

Never a clock: the tests are the driver.
"""

from __future__ import annotations

import pytest

from dialerd.model.facts import (
    CallAnswered,
    CallBridged,
    CallEnded,
    CallLeft,
    CallNotPlaced,
    CallRinging,
    CallSeen,
    CallWaiting,
    ConnectFailed,
    LinkLost,
    PhoneEnded,
    PhoneIdle,
    PhoneRinging,
    PhoneSeen,
    Reconciled,
)
from dialerd.model.ids import leg_id
from dialerd.model.intents import CallPhone, Connect, Dial, Drop, HangUp, OfferCall
from dialerd.ports.telephony import Telephony
from sim.in_process import StreetTelephony
from tests.unit.street_cases import street

C1, C2, C3 = (leg_id("c", "00000001", 1, i) for i in range(3))
P1, P2 = (leg_id("p", "00000001", 1, i) for i in range(2))


def started() -> StreetTelephony:
    made = StreetTelephony(street())
    assert made.next_time() == 1000.0
    assert made.facts_until(1000.0) == [Reconciled("street", (), ())]
    return made


def dial(call: str, number: str, prompt: str = "", server: str = "street") -> Dial:
    return Dial(
        call,
        "camp",
        1,
        f"+{number}",
        server,
        "street",
        f"PJSIP/{number}@street",
        "",
        "",
        "",
        30,
        10,
        "music",
        prompt,
        "",
    )


def offer(leg: str, agent: str, call: str) -> OfferCall:
    return OfferCall(leg, agent, "street", f"PJSIP/{agent}", call, 15, "", "")


def test_O07_it_keeps_the_telephony_port() -> None:
    port: Telephony = started()
    port.submit(HangUp(C1, "street", "nobody there: it is passed by"))


def test_V03_a_call_is_rung_offered_and_connected_and_ends() -> None:
    made = started()
    made.submit(dial(C1, "71005050001"))
    assert made.next_time() == 1000.0
    assert made.facts_until(1000.5) == [CallRinging(C1), CallAnswered(C1), CallWaiting(C1)]
    made.submit(offer(P1, "1001", C1))
    assert made.facts_until(1000.8) == [PhoneRinging(P1), PhoneIdle(P1)]
    made.submit(Connect(C1, P1, "1001", "street"))
    assert made.facts_until(1000.8) == [CallBridged(C1, P1)]
    assert made.next_time() == 1005.5
    assert made.facts_until(1005.5) == [CallEnded(C1, 16), PhoneEnded(P1, 16)]
    assert made.next_time() is None
    assert made.street.books.invites == {"71005050001": 1}


def test_V03_a_refusal_brings_cause_code_and_reason() -> None:
    made = started()
    made.submit(dial(C1, "72005486001"))
    assert made.facts_until(1001) == [CallRinging(C1), CallEnded(C1, 17, 486, 0, True)]


def test_V04_a_dropped_customer_left_and_ended_after_the_message() -> None:
    made = started()
    made.submit(dial(C1, "71005000001", prompt="sorry"))
    made.submit(dial(C2, "71005000002"))
    made.facts_until(1001)
    made.submit(Drop(C1, "street", "nobody"))
    made.submit(Drop(C2, "street", "nobody"))
    assert made.facts_until(1001) == [CallLeft(C1), CallLeft(C2), CallEnded(C2, 16)]
    assert made.facts_until(1005) == [CallEnded(C1, 16)]


def test_V03_a_bridge_that_cannot_be_is_told() -> None:
    made = started()
    made.submit(CallPhone(P1, "1001", "street", "PJSIP/1001", 15))
    made.submit(dial(C1, "71005010001"))
    assert made.facts_until(1002)[-1] == CallEnded(C1, 16)
    made.submit(Connect(C1, P1, "1001", "street"))
    assert made.facts_until(1002) == [ConnectFailed(C1, P1, "no call")]


def test_V11_unanswered_and_busy_phones_end_with_their_reasons() -> None:
    made = started()
    made.submit(offer(P1, "1008", C1))
    made.submit(offer(P2, "1009", C1))
    facts = made.facts_until(1015)
    assert facts[2:] == [PhoneEnded(P1, 17, 486, 0, True), PhoneEnded(P2, 19, 480, 3, True)]


def test_O08_while_the_link_is_lost_nothing_is_placed_and_nothing_told() -> None:
    made = started()
    made.submit(dial(C1, "71005000001"))
    made.facts_until(1001)
    made.lose_link("cut")
    made.submit(dial(C2, "71005000002"))
    made.submit(CallPhone(P1, "1001", "street", "PJSIP/1001", 15))
    made.submit(HangUp(C1, "street", "lost with the link"))
    facts = made.facts_until(1002)
    assert facts[0] == LinkLost("street", "cut")
    assert facts[1] == CallNotPlaced(C2, "the link is down")
    assert facts[2] == PhoneEnded(P1, channel=False, because="the link is down")
    assert len(facts) == 3
    assert made.street.books.calls == 1


def test_O08_after_the_link_is_back_all_that_is_alive_is_told_first() -> None:
    made = started()
    made.submit(dial(C1, "71005000001"))
    made.submit(dial(C2, "74000000001"))
    made.submit(dial(C3, "71005000003", prompt="sorry"))
    made.submit(CallPhone(P1, "1001", "street", "PJSIP/1001", 15))
    made.submit(offer(P2, "1009", C3))
    made.facts_until(1001)
    made.submit(Connect(C1, P1, "1001", "street"))
    made.submit(Drop(C3, "street", ""))
    made.facts_until(1002)
    made.lose_link("cut")
    made.restore_link()
    made.restore_link()
    assert made.facts_until(1002) == [
        LinkLost("street", "cut"),
        Reconciled(
            "street",
            (CallSeen(C1, "talking", P1), CallSeen(C2, "ringing"), CallSeen(C3, "dropping")),
            (PhoneSeen(P1, "talking", "1001", C1), PhoneSeen(P2, "calling", "1009", C3)),
        ),
    ]
    assert made.facts_until(1030) != []


def test_O08_an_exchange_that_restarts_knows_no_call() -> None:
    made = started()
    made.submit(dial(C1, "71005000001"))
    made.facts_until(1001)
    made.restart()
    assert made.facts_until(1100) == [
        LinkLost("street", "the exchange died"),
        Reconciled("street", (), (), restarted=True),
    ]


def test_O07_a_wish_to_another_server_is_the_drivers_mistake() -> None:
    with pytest.raises(ValueError, match="this is server 'street', the intent is for 'elsewhere'"):
        started().submit(dial(C1, "71005000001", server="elsewhere"))


def test_V10_what_agents_want_is_taken_apart_from_facts() -> None:
    made = StreetTelephony(street(agents={"count": 1, "people": True, "sign_in_s": 0}))
    made.facts_until(1000)
    wants = made.take_wants()
    assert [(w.agent, w.what) for w in wants] == [("1001", "login")]
    assert made.take_wants() == []
