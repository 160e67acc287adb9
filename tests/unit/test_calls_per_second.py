"""Calls per second of a trunk (V09): kept, and reached although the daemon is always a little late."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from dialerd.campaigns.dialing import LATE_S
from dialerd.model import facts as f
from dialerd.model import intents as i
from tests.doubles.desk_of_facts import Centre, every, floor


def _centre(per_second: float, agents: int) -> Centre:
    trunk = {"server": "pbx", "dial": "PJSIP/{number}@main", "lines": 500, "calls_per_second": per_second}
    return Centre(floor(agents=agents, trunks={"main": trunk}), leads=900)


def test_V09_a_call_that_is_a_little_late_does_not_move_the_next_one() -> None:
    centre = _centre(1, agents=4)
    for number in range(4):
        centre.agent_ready(str(1001 + number))
    slot = centre.live.trunk_last["main"] + 1.0
    assert centre.exchange.next_wakeup() == pytest.approx(slot)
    assert len(every(centre.take(after=slot + LATE_S * 0.9 - centre.now), i.Dial)) == 1
    assert centre.exchange.next_wakeup() == pytest.approx(slot + 1.0)


def test_V09_a_call_that_is_much_later_than_it_might_have_been_is_not_made_up_for() -> None:
    centre = _centre(1, agents=4)
    for number in range(4):
        centre.agent_ready(str(1001 + number))
    assert len(every(centre.take(after=3.5), i.Dial)) == 1
    assert centre.exchange.next_wakeup() == pytest.approx(centre.now + 1.0)


@settings(deadline=None)
@given(
    per_second=st.sampled_from([0.5, 1, 3, 10, 40]),
    pauses=st.lists(
        st.sampled_from([0.001, 0.004, 0.02, 0.024, 0.03, 0.09, 0.11, 0.3, 1.0]), min_size=20, max_size=120
    ),
)
def test_V09_no_second_has_more_calls_than_the_trunk_may_get(per_second: float, pauses: list[float]) -> None:
    centre = _centre(per_second, agents=8)
    for number in range(8):
        centre.agent_ready(str(1001 + number))
    placed: list[float] = []
    for pause in pauses:
        busy = [f.CallEnded(call, cause=17, sip=486) for call in centre.live.calls]
        dials = every(centre.take(*busy, after=pause), i.Dial)
        placed += [centre.now] * len(dials)
    for first in placed:
        within = sum(first <= at <= first + 1.0 for at in placed)
        assert within <= per_second * (1 + LATE_S) + 1 + 1e-6
