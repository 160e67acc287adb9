"""The street's customers: scripted numbers, waits, talks, drops, and what the exchange's own dialplan does.

Never a clock: every instant is written down.
"""

from __future__ import annotations

import pytest

from sim.callees import cause_of
from sim.street import Street
from sim.street_events import Answered, Dropped, Ended, Left, Ringing, Waiting
from tests.unit.street_cases import street, told

C1, C2 = "c-1", "c-2"
P1, P2 = "p-1", "p-2"


def with_idle_agent(*, nailed_up: bool = True) -> Street:
    made = street()
    made.originate_phone(P1, "1001", 15, nailed_up, 1000.0)
    made.advance(1000.3)
    return made


def test_O07_a_scripted_number_answers_and_hangs_up_when_it_says() -> None:
    made = street()
    assert made.originate_customer(C1, "71005020001", 30, 10, 1000.0)
    assert told(made.advance(1060)) == [
        (0.0, "Ringing", C1),
        (0.5, "Answered", C1),
        (0.5, "Waiting", C1),
        (2.5, "Ended", C1),
    ]
    assert made.books.hung_up == 1
    assert made.books.abandoned == 0


@pytest.mark.parametrize(
    ("sip", "cause"), [(486, 17), (480, 19), (408, 18), (404, 1), (410, 22), (484, 28), (603, 21), (403, 21), (503, 34)]
)
def test_O07_a_scripted_refusal_comes_with_its_code_and_cause(sip: int, cause: int) -> None:
    made = street()
    made.originate_customer(C1, f"72010{sip}001", 30, 10, 1000.0)
    ringing, ended = made.advance(1060)
    assert isinstance(ringing, Ringing)
    assert ended == Ended(1001.0, C1, cause, sip, 0, True)


def test_O07_codes_that_asterisk_does_not_know_become_interworking_or_congestion() -> None:
    assert [cause_of(sip) for sip in (418, 588, 699)] == [127, 34, 127]


@pytest.mark.parametrize(("number", "rings"), [("74000000001", True), ("79000000001", False)])
def test_O07_a_number_that_never_answers_ends_by_the_callers_own_timeout(number: str, rings: bool) -> None:
    made = street()
    made.originate_customer(C1, number, 20, 10, 1000.0)
    events = made.advance(1060)
    assert [type(e) for e in events] == ([Ringing] if rings else []) + [Ended]
    assert events[-1] == Ended(1020.0, C1, 19, 480, 3, True)


def test_O07_a_black_hole_ends_by_sip_itself_after_32_seconds_or_by_the_timeout_before() -> None:
    made = street()
    made.originate_customer(C1, "75000000001", 60, 10, 1000.0)
    made.originate_customer(C2, "75000000002", 20, 10, 1000.0)
    assert made.advance(1060) == [Ended(1020.0, C2, 19, 480, 3, True), Ended(1032.0, C1, 18, 408, 0, True)]


def test_O07_early_media_is_no_ringing() -> None:
    made = street()
    made.originate_customer(C1, "73010050001", 30, 10, 1000.0)
    assert [type(e) for e in made.advance(1003)] == [Answered, Waiting]


def test_V14_nobody_comes_and_the_dialplan_itself_sends_the_customer_to_the_message() -> None:
    made = street()
    made.originate_customer(C1, "71010000001", 30, 10, 1000.0, drop_s=4)
    events = made.advance(1060)[3:]
    assert events == [Left(1011.0, C1, False), Dropped(1011.0, C1), Ended(1015.0, C1, 16)]
    assert made.books.abandoned == 1
    assert made.books.dropped_after_s == 10


def test_V04_a_drop_ends_at_once_without_a_message_and_after_it_with_one() -> None:
    made = street()
    made.originate_customer(C1, "71010000001", 30, 30, 1000.0)
    made.originate_customer(C2, "71010000002", 30, 30, 1000.0, drop_s=4)
    made.advance(1003)
    assert made.drop(C1, 1003.0)
    assert made.drop(C2, 1003.0)
    assert told(made.advance(1060)) == [(3, "Dropped", C1), (3, "Ended", C1), (3, "Dropped", C2), (7, "Ended", C2)]
    assert made.books.abandoned == 2


def test_V04_a_customer_who_has_not_answered_cannot_be_dropped() -> None:
    made = street()
    made.originate_customer(C1, "74000000001", 30, 10, 1000.0)
    assert not made.drop(C1, 1001.0)
    assert not made.drop("c-9", 1001.0)


def test_V11_customer_hangs_up_first_and_the_nailed_up_phone_is_idle_again() -> None:
    made = with_idle_agent()
    made.originate_customer(C1, "71005030001", 30, 10, 1001.0)
    made.advance(1001.5)
    assert made.bridge(C1, P1, 1001.5) is None
    assert told(made.advance(1060)) == [(1.5, "Bridged", C1), (4.5, "Ended", C1), (4.5, "PhoneIdle", P1)]
    assert made.books.pairs == [(C1, "1001")]
    assert made.books.talk_s == pytest.approx(3)
    assert made.books.abandoned == 0


def test_V11_the_agent_is_done_first_where_nobody_acts_for_him_the_call_just_ends() -> None:
    made = with_idle_agent()
    made.originate_customer(C1, "71005000001", 30, 10, 1001.0)
    made.advance(1001.5)
    made.bridge(C1, P1, 1001.5)
    assert told(made.advance(1060)) == [(1.5, "Bridged", C1), (6.5, "Ended", C1), (6.5, "PhoneIdle", P1)]


def test_V11_a_rung_agent_hangs_up_and_the_dialplan_ends_the_customers_leg() -> None:
    made = with_idle_agent(nailed_up=False)
    made.originate_customer(C1, "71005000001", 30, 10, 1001.0)
    made.advance(1001.5)
    made.bridge(C1, P1, 1001.5)
    assert told(made.advance(1060)) == [
        (1.5, "Bridged", C1),
        (6.5, "PhoneEnded", P1),
        (6.5, "Left", C1),
        (6.5, "Ended", C1),
    ]


def test_V11_a_rung_agent_who_is_not_bridged_is_let_go_after_ten_seconds() -> None:
    made = with_idle_agent(nailed_up=False)
    assert told(made.advance(1060)) == [(10.3, "PhoneEnded", P1)]


def test_V04_without_the_mark_a_customer_who_talked_is_sent_to_the_message_when_the_agents_side_ends() -> None:
    made = with_idle_agent(nailed_up=False)
    made.originate_customer(C1, "71005000001", 30, 10, 1001.0, drop_s=4)
    made.advance(1001.5)
    made.bridge(C1, P1, 1001.5, mark=False)
    events = made.advance(1060)
    assert events[2:] == [Left(1006.5, C1, False), Dropped(1006.5, C1), Ended(1010.5, C1, 16)]
    assert made.books.abandoned == 0


def test_V03_bridging_a_ringing_customer_or_phone_is_refused_and_written_down() -> None:
    made = with_idle_agent()
    made.originate_customer(C1, "71050000001", 30, 10, 1001.0)
    made.originate_customer(C2, "71001000001", 30, 10, 1001.0)
    made.originate_phone(P2, "1009", 15, True, 1001.0)
    made.advance(1002)
    assert made.bridge(C1, P1, 1002.0) == "call not up"
    assert made.bridge(C2, P2, 1002.0) == "phone not up"
    assert made.bridge("c-9", P1, 1002.0) == "no call"
    assert made.bridge(C2, "p-9", 1002.0) == "no phone"
    assert sum(made.books.misuses.values()) == 2


def test_V03_a_second_bridge_steals_the_agent_and_is_written_down() -> None:
    made = with_idle_agent()
    made.originate_customer(C1, "71005000001", 30, 10, 1001.0)
    made.originate_customer(C2, "71005000002", 30, 10, 1001.0)
    made.advance(1001.5)
    made.bridge(C1, P1, 1001.5)
    made.bridge(C2, P1, 1002.0)
    assert told(made.advance(1002))[1:] == [(2, "Left", C1), (2, "Ended", C1), (2, "Bridged", C2)]
    assert made.books.misuses == {"took an agent away from his customer": 1}
    assert made.books.talk_s == pytest.approx(0.5)


def test_V13_a_customer_moved_to_another_agent_frees_the_first() -> None:
    made = with_idle_agent()
    made.originate_phone(P2, "1002", 15, True, 1000.5)
    made.originate_customer(C1, "71005000001", 30, 10, 1001.0)
    made.advance(1001.5)
    made.bridge(C1, P1, 1001.5)
    made.bridge(C1, P2, 1003.0)
    assert told(made.advance(1003))[1:] == [(3, "PhoneIdle", P1), (3, "Bridged", C1)]
    assert made.books.connected == 1
    assert made.books.pairs == [(C1, "1001"), (C1, "1002")]


def test_V13_dropping_a_talking_customer_frees_the_agent() -> None:
    made = with_idle_agent()
    made.originate_customer(C1, "71005000001", 30, 10, 1001.0)
    made.advance(1001.5)
    made.bridge(C1, P1, 1001.5)
    assert made.drop(C1, 1002.0)
    assert told(made.advance(1002))[1:] == [(2, "PhoneIdle", P1), (2, "Dropped", C1), (2, "Ended", C1)]


@pytest.mark.parametrize(("at", "cause", "reason"), [(1001.0, 26, 0), (1003.0, 26, None)])
def test_O07_our_own_hangup_ends_the_leg_with_the_cause_that_was_given(
    at: float, cause: int, reason: int | None
) -> None:
    made = street()
    made.originate_customer(C1, "71020000001", 30, 10, 1000.0)
    made.advance(at)
    assert made.hang_up(C1, at, cause)
    assert made.advance(1060) == [Ended(at, C1, cause, None, reason, True)]
    assert not made.hang_up(C1, 1060.0)


def test_V09_beyond_the_carriers_lines_the_next_call_gets_congestion_and_a_freed_line_serves_again() -> None:
    made = street(lines={"limit": 1})
    made.originate_customer(C1, "71005010001", 30, 10, 1000.0)
    made.originate_customer(C2, "71005010002", 30, 10, 1000.0)
    assert made.advance(1000.1)[-1] == Ended(1000.0, C2, 34, 503, 0, True)
    made.advance(1005)
    made.originate_customer("c-3", "71005010003", 30, 10, 1005.0)
    assert isinstance(made.advance(1005.5)[-1], Waiting)
    assert made.lines_used == (1, 1)
    assert made.books.invites == {"71005010001": 1, "71005010002": 1, "71005010003": 1}


def test_V09_beyond_the_carriers_calls_per_second_the_next_call_gets_congestion() -> None:
    made = street(lines={"calls_per_second": 2})
    causes = []
    for i, at in enumerate((1000.0, 1000.4, 1000.9, 1001.05)):
        made.originate_customer(f"c-{i}", f"7100500000{i}", 30, 10, at)
        causes += [(e.call, e.cause) for e in made.advance(at) if isinstance(e, Ended)]
    assert causes == [("c-2", 34)]


def test_V09_on_a_dead_trunk_no_channel_is_made_and_no_invite_counted() -> None:
    made = street(lines={"outages": [{"from_s": 10, "until_s": 20}]})
    assert not made.originate_customer(C1, "71005010001", 30, 10, 1010.0)
    assert made.advance(1010) == [Ended(1010.0, C1, None, None, 0, False)]
    assert made.books.invites == {}
    assert made.books.ends == {"none": 1}
    assert made.originate_customer(C2, "71005010001", 30, 10, 1020.0)


def test_O08_a_number_called_while_a_call_to_it_is_alive_is_busy_and_written_down() -> None:
    made = street()
    made.originate_customer(C1, "71005000001", 30, 10, 1000.0)
    made.originate_customer(C2, "71005000001", 30, 10, 1001.0)
    assert made.advance(1002)[-1] == Ended(1001.2, C2, 17, 486, 0, True)
    assert made.books.invites == {"71005000001": 2}
    assert made.books.misuses == {"number called while a call to it was alive": 1}


def test_O07_a_leg_id_that_is_alive_is_our_mistake() -> None:
    made = with_idle_agent()
    made.originate_customer(C1, "71005000001", 30, 10, 1001.0)
    with pytest.raises(ValueError, match="alive already"):
        made.originate_customer(C1, "71005000002", 30, 10, 1001.0)
    with pytest.raises(ValueError, match="alive already"):
        made.originate_phone(P1, "1002", 15, True, 1001.0)


def test_O07_time_does_not_go_back() -> None:
    made = street()
    made.advance(1005)
    with pytest.raises(ValueError, match="time goes forward only"):
        made.advance(1004)
    with pytest.raises(ValueError, match="time goes forward only"):
        made.originate_customer(C1, "71005000001", 30, 10, 1004.0)


def test_O08_an_exchange_that_dies_takes_every_leg_without_a_word() -> None:
    made = with_idle_agent()
    made.originate_customer(C1, "71005000001", 30, 10, 1001.0)
    made.originate_customer(C2, "74000000001", 30, 10, 1001.0)
    made.advance(1001.5)
    made.bridge(C1, P1, 1001.5)
    made.advance(1002)
    assert made.vanish(1002.0) == 3
    assert made.advance(1100) == []
    assert made.legs() == []
    assert made.lines_used[0] == 0
    assert made.books.ends == {"vanished": 2}
    assert made.originate_customer(C1, "71005000001", 30, 10, 1100.0)
