"""The street's agents: their phones, and when they log in, rest, come back and leave.

Never a clock: every instant is written down or comes from the seed.
"""

from __future__ import annotations

from typing import Any

from sim.street import Street
from sim.street_events import AgentWants, AnyStreetEvent, PhoneEnded, PhoneIdle
from tests.unit.street_cases import FIXED, street, told

PEOPLE: dict[str, Any] = {
    "count": 2,
    "people": True,
    "phones": "drawn",
    "sign_in_s": 0,
    "settle": {**FIXED, "mean_s": 3},
    "pick_up": {**FIXED, "mean_s": 2},
    "back": {**FIXED, "mean_s": 30},
}


def people(**changes: Any) -> Street:
    return street(agents={**PEOPLE, **changes}, hours=1)


def wants(events: list[AnyStreetEvent]) -> list[tuple[float, str, str]]:
    return [(round(e.at - 1000, 3), e.agent, e.what) for e in events if isinstance(e, AgentWants)]


def test_V11_a_scripted_phone_answers_is_busy_or_rings_for_ever_by_its_last_digit() -> None:
    made = street()
    for i, agent in enumerate(("1001", "1008", "1009")):
        made.originate_phone(f"p-{i}", agent, 15, False, 1000.0)
    assert told(made.advance(1020))[3:] == [
        (0.2, "PhoneEnded", "p-1"),
        (0.3, "PhoneIdle", "p-0"),
        (10.3, "PhoneEnded", "p-0"),
        (15.0, "PhoneEnded", "p-2"),
    ]
    assert made.books.offers == {"busy": 1, "picked_up": 1, "unanswered": 1}


def test_V11_the_ends_of_a_phones_leg_say_why() -> None:
    made = street()
    made.originate_phone("p-0", "1008", 15, False, 1000.0)
    made.originate_phone("p-1", "1009", 15, False, 1000.0)
    ends = [e for e in made.advance(1020) if isinstance(e, PhoneEnded)]
    assert ends == [PhoneEnded(1000.2, "p-0", 17, 486, 0, True), PhoneEnded(1015.0, "p-1", 19, 480, 3, True)]


def test_V11_a_phone_that_does_not_exist_makes_no_channel() -> None:
    made = street()
    assert not made.originate_phone("p-0", "4711", 15, False, 1000.0)
    assert made.advance(1000) == [PhoneEnded(1000.0, "p-0", None, None, 0, False)]


def test_V11_a_softphone_has_one_line() -> None:
    made = street()
    made.originate_phone("p-0", "1001", 15, True, 1000.0)
    made.originate_phone("p-1", "1001", 15, True, 1001.0)
    assert made.advance(1002)[-1] == PhoneEnded(1001.0, "p-1", 17, 486, 0, True)
    made.hang_up("p-0", 1003.0)
    made.originate_phone("p-2", "1001", 15, True, 1004.0)
    assert isinstance(made.advance(1005)[-1], PhoneIdle)


def test_V10_agents_log_in_make_themselves_ready_and_log_out_at_the_end_of_the_shift() -> None:
    assert wants(people().advance(1000 + 3601)) == [
        (0, "1001", "login"),
        (0, "1002", "login"),
        (3, "1001", "ready"),
        (3, "1002", "ready"),
        (3600, "1001", "logout"),
        (3600, "1002", "logout"),
    ]


def test_V10_sign_in_is_spread_over_the_time_that_was_given() -> None:
    made = street(agents={**PEOPLE, "count": 200, "sign_in_s": 300}, hours=1)
    logins = [at for at, _, what in wants(made.advance(1301)) if what == "login"]
    assert len(logins) == 200
    assert 0 <= min(logins) < 15
    assert 285 < max(logins) <= 300


def test_V11_a_nailed_up_agent_is_ready_when_his_phone_is_connected_and_settled() -> None:
    made = people(count=1, softphone="nailed_up")
    assert wants(made.advance(1020)) == [(0, "1001", "login")]
    made.originate_phone("p-0", "1001", 15, True, 1020.0)
    assert wants(made.advance(1060)) == [(25, "1001", "ready")]


def test_V11_a_nailed_up_agent_whose_phone_is_cut_off_logs_in_again() -> None:
    made = people(count=1, softphone="nailed_up")
    made.originate_phone("p-0", "1001", 15, True, 1000.0)
    made.advance(1010)
    made.hang_up("p-0", 1010.0)
    assert wants(made.advance(1060)) == [(40, "1001", "login"), (43, "1001", "ready")]


def test_O08_after_the_exchange_died_nailed_up_agents_log_in_again() -> None:
    made = people(count=1, softphone="nailed_up")
    made.originate_phone("p-0", "1001", 15, True, 1000.0)
    made.advance(1010)
    made.vanish(1010.0)
    assert wants(made.advance(1060)) == [(40, "1001", "login"), (43, "1001", "ready")]


def test_V04_an_agent_who_lets_it_ring_comes_back_later() -> None:
    made = people(count=1, unanswered=1)
    made.advance(1005)
    made.originate_phone("p-0", "1001", 15, False, 1005.0)
    assert told(made.advance(1060)) == [
        (5, "PhoneRinging", "p-0"),
        (20, "PhoneEnded", "p-0"),
        (50, "AgentWants", "1001 ready"),
    ]


def test_V10_on_a_break_nobody_takes_the_phone() -> None:
    made = people(count=1, breaks_per_hour=60, break_length={**FIXED, "mean_s": 600}, break_reasons=["coffee"])
    events: list[AnyStreetEvent] = []
    while not any(isinstance(e, AgentWants) and e.what == "not_ready" for e in events):
        due = made.next_time()
        assert due is not None
        events = made.advance(due)
    rest = next(e for e in events if isinstance(e, AgentWants))
    assert rest.reason == "coffee"
    made.originate_phone("p-0", "1001", 15, False, rest.at)
    assert isinstance(made.advance(rest.at + 20)[-1], PhoneEnded)
    back = [e for e in made.advance(rest.at + 601) if isinstance(e, AgentWants)]
    assert [(e.at - rest.at, e.what) for e in back] == [(600, "ready")]


def test_V11_a_nailed_up_agent_ends_the_call_by_his_screen_and_else_the_customer_follows() -> None:
    always = {"numbers": "drawn", "answer_rate": 1, "busy": 0, "rejected": 0, "unallocated": 0, "hangs_up_first": 0}
    patient = {"pick_up": {**FIXED, "mean_s": 9}, "patience": {**FIXED, "mean_s": 99}, "setup": {**FIXED, "mean_s": 1}}
    made = street(agents={**PEOPLE, "count": 1, "softphone": "nailed_up"}, customers={**always, **patient})
    made.originate_phone("p-0", "1001", 15, True, 1000.0)
    made.originate_customer("c-0", "84900000001", 30, 30, 1000.0)
    made.advance(1010)
    assert made.bridge("c-0", "p-0", 1010.0) is None
    assert told(made.advance(1060)) == [
        (10, "Bridged", "c-0"),
        (15, "AgentWants", "1001 hang_up"),
        (20, "Ended", "c-0"),
        (20, "PhoneIdle", "p-0"),
    ]


def test_V11_scripted_phones_that_are_late_that_leave_and_that_are_a_crowd() -> None:
    made = street(agents={"count": 300})
    made.originate_phone("p-0", "1101", 15, True, 1000.0)
    made.originate_phone("p-1", "1201", 15, True, 1000.0)
    assert told(made.advance(1060))[2:] == [
        (0.3, "PhoneIdle", "p-1"),
        (2.0, "PhoneIdle", "p-0"),
        (2.3, "PhoneEnded", "p-1"),
    ]
    crowd = street(agents={"first": 30009, "count": 1})
    crowd.originate_phone("p-0", "30009", 15, True, 1000.0)
    assert isinstance(crowd.advance(1001)[-1], PhoneIdle)


def test_V11_a_phone_that_leaves_does_so_in_the_talk_too() -> None:
    made = street(agents={"count": 300})
    made.originate_phone("p-0", "1201", 15, False, 1000.0)
    made.originate_customer("c-0", "71005000001", 15, 60, 1000.0)
    made.advance(1001)
    made.bridge("c-0", "p-0", 1001.0)
    assert told(made.advance(1060))[1:] == [(2.3, "PhoneEnded", "p-0"), (2.3, "Left", "c-0"), (2.3, "Ended", "c-0")]


def test_V11_a_nailed_up_agent_who_missed_the_call_of_his_phone_logs_in_again() -> None:
    made = people(count=1, softphone="nailed_up", unanswered=1)
    made.originate_phone("p-0", "1001", 5, True, 1000.0)
    assert wants(made.advance(1060)) == [(0, "1001", "login"), (35, "1001", "login"), (38, "1001", "ready")]
