"""A nailed-up softphone is called anew when its agent is given another phone, or when it never came back (V11, O01)."""

from __future__ import annotations

from typing import Any

import pytest

from dialerd.model import facts as f
from dialerd.model import intents as i
from tests.doubles.desk_of_facts import Centre, every, floor, only


def moved(phone: str = "PJSIP/desk-7", agents: int = 1) -> f.Configured:
    """The configuration with another phone for 1001."""
    configuration: dict[str, Any] = floor(agents=agents)
    configuration["agents"]["1001"]["phone"] = phone
    return f.Configured(configuration)


def at_work(leads: int = 0, agents: int = 1) -> tuple[Centre, str]:
    """Agent 1001 is ready on his old phone; his leg there."""
    centre = Centre(floor(agents=agents), leads=leads)
    centre.agent_ready("1001")
    return centre, centre.live.agents["1001"].leg


def test_O01_an_idle_agent_who_is_given_another_phone_is_called_there_and_is_ready_again() -> None:
    centre, old = at_work()
    wanted = centre.take(moved())
    assert only(wanted, i.HangUp).leg == old
    phone = only(wanted, i.CallPhone)
    assert phone.phone == "PJSIP/desk-7"
    assert not centre.live.free, "no customer is for him until he has picked up there"
    centre.take(f.PhoneEnded(old, cause=16), f.PhoneIdle(phone.leg), after=2)
    agent = centre.live.agents["1001"]
    assert (agent.state, agent.leg, list(centre.live.free)) == ("ready", phone.leg, ["1001"])


def test_O01_a_new_phone_that_is_not_answered_leaves_him_not_ready_and_says_why() -> None:
    centre, _ = at_work()
    phone = only(centre.take(moved()), i.CallPhone)
    centre.take(f.PhoneEnded(phone.leg, cause=19, reason=3), after=30)
    agent = centre.live.agents["1001"]
    assert (agent.state, agent.reason) == ("not_ready", "softphone was not answered")


@pytest.mark.parametrize("idle_first", [True, False])
def test_O01_during_a_call_the_old_phone_is_kept_and_after_his_wrap_up_he_is_called_on_the_new_one(
    idle_first: bool,
) -> None:
    centre, old = at_work(leads=3)
    (dial,) = (intent for turn in centre.turns for intent in every(turn.turn.intents, i.Dial))
    centre.answered(dial.call)
    centre.take(f.CallBridged(dial.call, old))
    assert not every(centre.take(moved()), i.HangUp), "he talks"
    ends = (f.PhoneIdle(old), f.CallEnded(dial.call, cause=16))
    assert not every(centre.take(*(ends if idle_first else reversed(ends)), after=30), i.HangUp), "he wraps up"
    wanted = centre.take(after=5)
    assert only(wanted, i.HangUp).leg == old
    phone = only(wanted, i.CallPhone)
    assert phone.phone == "PJSIP/desk-7"
    assert not every(wanted, i.Dial)
    assert only(centre.take(f.PhoneIdle(phone.leg), after=2), i.Dial).booked == "1001"


def test_O01_the_call_that_was_on_its_way_to_him_goes_to_another_agent() -> None:
    centre, _ = at_work(leads=1, agents=2)
    (call,) = centre.live.calls.values()
    centre.agent_ready("1002")
    assert only(centre.take(moved(agents=2)), i.Book) == i.Book(call.id, "1002")


def test_O01_an_agent_at_lunch_is_left_in_peace_and_called_on_the_new_phone_when_he_is_ready() -> None:
    centre, old = at_work()
    centre.ask("agent.not-ready", "1001", reason="lunch")
    wanted = centre.take(moved())
    assert only(wanted, i.HangUp).leg == old
    assert not every(wanted, i.CallPhone)
    agent = centre.live.agents["1001"]
    assert (agent.state, agent.reason) == ("not_ready", "lunch")
    wanted = centre.take(f.Asked("back", "1001", ("agent",), "agent.ready", {}))
    assert only(wanted, i.CallPhone).phone == "PJSIP/desk-7"


def test_O01_an_agent_whose_old_phone_is_still_being_called_is_called_on_the_new_one() -> None:
    centre = Centre(floor(agents=1))
    wanted = centre.take(f.Asked("in", "1001", ("agent",), "agent.login", {"ready": True}))
    old = only(wanted, i.CallPhone)
    wanted = centre.take(moved())
    assert only(wanted, i.HangUp).leg == old.leg
    phone = only(wanted, i.CallPhone)
    centre.take(f.PhoneIdle(phone.leg))
    assert centre.live.agents["1001"].state == "ready"


def test_O01_a_reload_that_leaves_his_phone_as_it_is_leaves_him_alone() -> None:
    centre, old = at_work()
    wanted = centre.take(f.Configured(floor(agents=1)))
    assert not every(wanted, i.HangUp)
    assert not every(wanted, i.CallPhone)
    assert centre.live.agents["1001"].leg == old


def talked(wrap_up_s: float = 5) -> tuple[Centre, str]:
    """1001 had a call whose end was told; that his leg is idle again was not, and his wrap-up is over."""
    centre = Centre(floor(agents=1, campaign={"wrap_up_s": wrap_up_s}), leads=3)
    dial = only(centre.agent_ready("1001"), i.Dial)
    connect = only(centre.answered(dial.call), i.Connect)
    centre.take(f.CallBridged(dial.call, connect.leg))
    centre.take(f.CallEnded(dial.call, cause=16), after=30)
    centre.take(after=wrap_up_s)
    assert (centre.live.agents["1001"].state, centre.live.agents["1001"].leg_state) == ("ready", "talking")
    return centre, connect.leg


@pytest.mark.parametrize("wrap_up_s", [0, 5])
def test_V11_an_agent_whose_leg_never_told_to_be_idle_again_is_called_anew_after_five_seconds(wrap_up_s: float) -> None:
    centre, leg = talked(wrap_up_s)
    assert centre.exchange.next_wakeup() == pytest.approx(centre.now + 5)
    assert not every(centre.take(after=4), i.HangUp)
    wanted = centre.take(after=1)
    assert only(wanted, i.HangUp).leg == leg
    assert only(centre.take(f.PhoneIdle(only(wanted, i.CallPhone).leg), after=2), i.Dial).booked == "1001"


def test_V11_an_idle_leg_that_is_told_late_is_used_as_it_is() -> None:
    centre, leg = talked()
    assert only(centre.take(f.PhoneIdle(leg), after=2), i.Dial).booked == "1001"
    assert not every(centre.take(after=10), i.HangUp)


def test_V11_while_the_link_is_lost_no_leg_is_given_up_and_what_comes_after_it_tells() -> None:
    centre, leg = talked()
    centre.take(f.LinkLost("pbx", "reset by peer"))
    assert not every(centre.take(after=60), i.HangUp)
    due = centre.exchange.next_wakeup()
    assert due is None or due > centre.now, "nothing is due before the link is back"
    wanted = centre.take(f.Reconciled("pbx", (), (f.PhoneSeen(leg, "idle"),)))
    assert not every(wanted, i.HangUp)
    assert only(wanted, i.Dial).booked == "1001"


def test_V10_what_he_asked_for_during_a_call_is_over_when_he_asks_for_something_else_in_his_wrap_up() -> None:
    centre = Centre(floor(agents=1), leads=3)
    dial = only(centre.agent_ready("1001"), i.Dial)
    connect = only(centre.answered(dial.call), i.Connect)
    centre.take(f.CallBridged(dial.call, connect.leg))
    centre.ask("agent.not-ready", "1001", reason="lunch")
    centre.take(f.PhoneIdle(connect.leg), f.CallEnded(dial.call, cause=16), after=30)
    wanted = centre.take(f.Asked("r", "1001", ("agent",), "agent.ready", {}))
    again = only(wanted, i.Dial)
    connect = only(centre.answered(again.call), i.Connect)
    centre.take(f.CallBridged(again.call, connect.leg))
    centre.take(f.PhoneIdle(connect.leg), f.CallEnded(again.call, cause=16), after=30)
    centre.take(after=5)
    assert centre.live.agents["1001"].state == "ready", "lunch was for the call before"
