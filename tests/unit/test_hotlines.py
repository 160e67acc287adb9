"""Hotlines (V08): which caller id a call shows, what makes one rest and come back, and what becomes of the leads."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from dialerd.campaigns import hotlines
from dialerd.campaigns.engine import Engine
from dialerd.campaigns.hotline_rests import REST_MIN, SPARED_AT_MOST
from dialerd.campaigns.rebuilding import rebuild
from dialerd.campaigns.why import why
from dialerd.model import facts as f
from dialerd.model import intents as i
from dialerd.model.policies import Floor
from dialerd.runtime.exchange import Exchange
from tests.doubles.desk_of_facts import Centre, every, floor, only

ALL = {name: {"number": f"+8428710000{n:02}"} for n, name in enumerate(("a", "b", "c", "d"))}
FORBIDDEN: dict[str, Any] = {"cause": 21, "sip": 403}
BUSY: dict[str, Any] = {"cause": 17, "sip": 486}


def centre(leads: int = 200, **campaign: Any) -> Centre:
    """One agent who is always called for, so that one call follows the other."""
    campaign = {"hotlines": ["a", "b"], "max_attempts": 3, **campaign}
    groups = {"south": ["a", "b", "c"]}
    made = Centre(floor(agents=1, campaign=campaign, hotlines=ALL, hotline_groups=groups), leads=leads)
    made.agent_ready("1001")
    return made


def on_line(centre: Centre) -> Any:
    """The call that is being dialed; None if there is none."""
    return next(iter(centre.live.calls.values()), None)


def play(
    centre: Centre, broken: dict[str, dict[str, Any]], calls: int, other: dict[str, Any] | None = None
) -> Counter[str]:
    """So many calls, each ended at once: by its hotline's fault, or as `other` says. How often each was shown."""
    shown: Counter[str] = Counter()
    for _ in range(calls):
        call = on_line(centre)
        if call is None:
            break
        shown[call.hotline] += 1
        how = broken.get(call.hotline) or other or BUSY
        centre.take(f.CallEnded(call.id, **how), after=1)
    return shown


# --- the choice


def test_V08_a_group_is_shown_at_random_and_evenly() -> None:
    shown = play(centre(600, hotline_group="south", hotlines=[]), {}, 600)
    assert set(shown) == {"a", "b", "c"}
    assert all(150 < count < 250 for count in shown.values()), shown


def test_V08_all_is_every_hotline_of_the_house() -> None:
    shown = play(centre(400, hotline_group="all", hotlines=[]), {}, 400)
    assert set(shown) == set(ALL)


def test_V08_the_choice_can_be_told_random_for_a_list_and_in_turn_for_a_group() -> None:
    in_turn = centre(hotline_group="south", hotline_choice="in_turn", hotlines=["d"])
    assert [play(in_turn, {}, 1).popitem()[0] for _ in range(5)] == ["d", "a", "b", "c", "d"]
    random = centre(hotline_choice="random")
    names = [play(random, {}, 1).popitem()[0] for _ in range(40)]
    assert set(names) == {"a", "b"}
    assert names != ["a", "b"] * 20


def test_V08_the_same_call_of_the_same_store_shows_the_same_hotline() -> None:
    one, two = (centre(hotline_group="all", hotlines=[]) for _ in range(2))
    assert [play(one, {}, 1) for _ in range(30)] == [play(two, {}, 1) for _ in range(30)]


def test_V08_without_hotlines_the_trunk_s_own_number_is_shown() -> None:
    bare = Centre(floor(agents=1, hotlines=ALL), leads=1)
    assert only(bare.agent_ready("1001"), i.Dial).caller_number == ""


def test_V08_names_of_hotlines_and_groups_must_be_known() -> None:
    given = floor(campaign={"hotline_group": "north", "hotlines": ["x"]}, hotline_groups={"south": ["y"]})
    wrong = Floor.model_validate(given).unknown_names()
    assert wrong == [
        (("hotline_groups", "south", "0"), "y", []),
        (("campaigns", "spring", "hotlines", "0"), "x", []),
        (("campaigns", "spring", "hotline_group"), "north", ["all", "south"]),
    ]
    with pytest.raises(ValueError, match="all is every hotline"):
        Floor.model_validate(floor(hotline_groups={"all": ["a"]}))


# --- rests


@pytest.mark.parametrize(
    ("ended", "because"),
    [
        ({"cause": 21, "sip": 407}, "the carrier wants to be logged in (SIP 407)"),
        ({"cause": 21, "sip": 403, "because": "Caller ID not allowed"}, "the carrier does not let it call"),
        ({"cause": 50, "because": "CLI 842871000000 is not permitted"}, "the carrier does not let it call"),
    ],
)
def test_V08_a_hotline_that_the_carrier_does_not_let_call_rests_at_once(ended: dict[str, Any], because: str) -> None:
    house = centre()
    play(house, {"a": ended}, 1)
    row = house.live.hotlines.rows["a"]
    assert hotlines.state(row) == "resting"
    assert row.because.startswith(because)
    assert row.rested_until == house.now + REST_MIN[0] * 60
    lead = house.lead("5000")
    assert (lead.state, lead.attempts) == ("retry", 0), "nothing rang: it does not count"
    assert play(house, {}, 20) == {"b": 20}


def test_V08_calls_refused_while_another_hotline_gets_through_make_it_rest_and_its_leads_come_after_the_list() -> None:
    house = centre(leads=20)
    shown = play(house, {"a": FORBIDDEN}, 9)
    assert shown["a"] == 3, "the third refusal tells"
    row = house.live.hotlines.rows["a"]
    assert row.because == "3 calls refused (SIP 403) while others get through on trunk main"
    refused = [call.number for call in house.rows.attempts.values() if call.hotline == "a"]
    assert [house.lead(number).attempts for number in refused] == [0, 0, 0]
    assert not any(call.counted for call in house.rows.attempts.values() if call.hotline == "a")
    order: list[str] = []
    for _ in range(200):
        call = on_line(house)
        if call is None:
            if len(order) >= 14:
                break
            house.take(after=10)
            continue
        order.append(call.number)
        house.take(f.CallEnded(call.id, **BUSY), after=8)
    assert sorted(order) == sorted({*order}), "nobody twice"
    assert order[-3:] == refused, "they come after the rest of the list"
    assert len({call.number for call in house.rows.attempts.values() if call.counted}) == 20, "none is lost"


def test_V08_a_trunk_that_refuses_all_hotlines_is_not_their_fault_and_a_number_that_refuses_all_callers_is_counted() -> (
    None
):
    house = centre(leads=40)
    play(house, {"a": FORBIDDEN, "b": FORBIDDEN}, 30)
    assert [hotlines.state(house.live.hotlines.rows[name]) for name in ("a", "b")] == ["well", "well"]
    house = centre(leads=1)
    for _ in range(SPARED_AT_MOST + 1):
        play(house, {"a": FORBIDDEN, "b": FORBIDDEN}, 1)
        house.take(after=15 * 60)
    lead = house.lead("5000")
    assert (lead.attempts, lead.last_outcome) == (1, "rejected")
    assert lead.next_at > house.now + 23 * 3600


@pytest.mark.parametrize("ended", [{"cause": 21, "sip": 603}, {"cause": 17, "sip": 486}])
def test_V08_a_person_who_declines_does_not_speak_against_the_hotline(ended: dict[str, Any]) -> None:
    house = centre()
    play(house, {"a": ended}, 30)
    assert hotlines.state(house.live.hotlines.rows["a"]) == "well"
    assert house.lead("5000").attempts == 1


def test_V08_a_call_that_rang_counts_whatever_came_of_it() -> None:
    house = centre()
    call = on_line(house)
    house.take(f.CallRinging(call.id), after=1)
    house.take(f.CallEnded(call.id, cause=21, sip=407), after=5)
    assert house.lead("5000").attempts == 1
    assert hotlines.state(house.live.hotlines.rows["a"]) == "well"


def test_V08_too_many_calls_told_to_be_unwanted_make_it_rest() -> None:
    house = centre()
    play(house, {"a": {"cause": 21, "sip": 608}}, 5)
    row = house.live.hotlines.rows["a"]
    assert hotlines.state(row) == "resting"
    assert row.because == "3 of its newest 3 calls were called unwanted or blocked (607/608)"
    blocked = [call.number for call in house.rows.attempts.values() if call.hotline == "a"]
    assert {house.lead(number).state for number in blocked} == {"retry"}, (
        "blocked is the number shown, not the one called"
    )


def test_V08_who_calls_a_call_unwanted_is_not_called_again() -> None:
    house = centre()
    play(house, {"a": {"cause": 21, "sip": 607}}, 1)
    assert house.lead("5000").state == "exhausted"


def test_V08_it_comes_back_by_time_rests_longer_each_time_and_is_well_when_it_gets_through() -> None:
    house = centre()
    for minutes in (*REST_MIN, REST_MIN[-1]):
        play(house, {"a": {"cause": 21, "sip": 401}, "b": BUSY}, 2)
        row = house.live.hotlines.rows["a"]
        assert row.rested_until is not None
        assert row.rested_until - house.now == pytest.approx(minutes * 60, abs=2)
        assert house.exchange.next_wakeup() is not None
        wanted = house.take(after=row.rested_until - house.now)
        assert only(wanted, i.EndRest) == i.EndRest("a")
        assert hotlines.state(row) == "well"
        house.add_leads(20, first=int(house.now) % 10**9)
        if on_line(house).hotline == "b":
            play(house, {}, 1)
    assert row.failures == len(REST_MIN) + 1
    play(house, {}, 2)
    assert (row.failures, row.because) == (0, "")


def test_V08_when_all_hotlines_rest_nothing_is_dialed_and_why_says_until_when() -> None:
    house = centre(leads=50)
    login = {"cause": 21, "sip": 401}
    shown = play(house, {"a": login, "b": login}, 10)
    assert shown == {"a": 1, "b": 1}
    found = why(house.live, "spring")
    assert (found["factor"], found["dialing"]) == ("hotlines", False)
    first = min(house.live.hotlines.rows[name].rested_until or 0 for name in "ab")
    assert house.exchange.next_wakeup() == first
    assert found["until"].endswith("Z")
    assert found["hotlines"]["a"].startswith("rests until 2026-11-23T01:01")
    assert "a rests until" in found["because"]
    assert "logged in (SIP 401)" in found["because"]
    assert on_line(house) is None
    house.now = first
    assert only(house.take(), i.Dial).hotline == "a"
    assert why(house.live, "spring")["factor"] == "one_call_per_agent"


def test_V08_rests_hold_after_a_restart() -> None:
    house = centre()
    play(house, {"a": {"cause": 21, "sip": 401}}, 4)
    kept = house.rows.load("00c0ffee")
    again = Exchange(Engine(kept))
    again.engine.live.now = house.now
    again.engine.apply(f.Configured(house.configuration))
    assert again.engine.snapshot() == house.exchange.engine.snapshot()
    assert hotlines.usable(again.engine.live, "spring") == ("b",)


# --- people


def test_V08_a_hotline_is_disabled_and_enabled_by_command_and_it_is_noted() -> None:
    house = centre()
    assert house.ask("hotline.disable", "sam", hotline="a", note="the bank asked")["result"] == {
        "hotline": "a",
        "state": "disabled",
    }
    play(house, {}, 1)  # it was dialed before
    assert play(house, {}, 6) == {"b": 6}
    assert why(house.live, "spring")["hotlines"] == {"a": "disabled by sam: the bank asked"}
    again = house.ask("hotline.disable", "sam", hotline="a")
    assert again["error"]["code"] == "illegal_state"
    assert house.ask("hotline.enable", "sam", hotline="a")["result"]["state"] == "well"
    assert play(house, {}, 6).keys() == {"a", "b"}
    assert house.ask("hotline.enable", "sam", hotline="a")["error"]["code"] == "illegal_state"
    unknown = house.ask("hotline.enable", "sam", hotline="z")
    assert unknown["error"]["allowed"] == sorted(ALL)
    assert house.ask("hotline.disable", "1001", hotline="a")["error"]["code"] == "forbidden"
    notes = [row for turn in house.turns for row in turn.rows if type(row).__name__ == "AuditRow"]
    assert [(n.principal, n.command, n.note) for n in notes if n.command.startswith("hotline.")] == [
        ("sam", "hotline.disable", "the bank asked"),
        ("sam", "hotline.enable", ""),
    ]


def test_V08_each_call_is_counted_for_its_hotline_campaign_and_hour() -> None:
    house = centre()
    call = on_line(house)
    house.answered(call.id)
    connect = every([i_ for turn in house.turns for i_ in turn.turn.intents], i.Connect)[-1]
    house.take(f.CallBridged(call.id, connect.leg))
    house.take(f.PhoneIdle(connect.leg), f.CallEnded(call.id, cause=16), after=30)
    house.take(after=5)
    play(house, {"b": {"cause": 34, "sip": 503}, "a": {"cause": 21, "sip": 603}}, 2)
    hour = int(house.now // 3600)
    rows = house.live.hotlines.hours[hour, "spring"]
    a, b = rows["a"], rows["b"]
    assert (a.placed, a.rung, a.answered, a.short, a.rejected, a.failed) == (2, 1, 1, 0, 1, 0)
    assert (b.placed, b.failed, b.answered) == (1, 1, 0)
    assert a.talk_s == pytest.approx(30)


def test_V08_figures_older_than_a_day_are_let_go_and_a_restart_reads_the_same() -> None:
    house = centre(leads=60)
    for _ in range(30):
        play(house, {}, 1)
        house.take(after=3600)
    hours = {hour for hour, _ in house.live.hotlines.hours}
    assert max(hours) - min(hours) <= 24
    assert len(hours) > 20
    assert rebuild(house.rows.load("00c0ffee")).hotlines.snapshot() == house.live.hotlines.snapshot()
