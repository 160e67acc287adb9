"""Daily quota of leads per agent (C11), in the campaign's zone."""

from __future__ import annotations

from typing import Any

from dialerd.campaigns.why import why
from dialerd.model import facts as f
from dialerd.model.rows import QuotaRow
from tests.doubles.desk_of_facts import floor
from tests.doubles.desk_with_store import House

MIDNIGHT = 16 * 3600.0
"""Seconds from 08:00 to the end of the day."""


def house(quota: dict[str, Any], agents: int = 1, **campaign: Any) -> House:
    policy = {"wrap_up_s": 0, "quota": quota, "time_zone": "Asia/Ho_Chi_Minh", **campaign}
    made = House(floor(agents, "nailed_up", policy), leads=10)
    for agent in list(made.live.agents):
        made.agent_ready(agent)
    return made


def served(h: House, agent: str = "1001") -> bool:
    """Whether the agent gets a call now; it is talked and ended."""
    for _ in range(3):
        h.take(after=1.0)
    call = next((one for one in h.live.calls.values() if one.booked == agent), None)
    if call is None:
        return False
    h.answered(call.id)
    leg = h.live.agents[agent].leg
    h.take(f.CallBridged(call.id, leg), after=1.0)
    h.take(f.CallEnded(call.id, cause=16), f.PhoneIdle(leg), after=20.0)
    h.take(after=1.0)
    return True


def test_C11_at_his_quota_an_agent_is_handed_no_more_leads_until_the_next_day() -> None:
    h = house({"per_agent": 2})
    assert [served(h) for _ in range(3)] == [True, True, False]
    found = why(h.live, "spring")
    assert (found["factor"], found["dialing"]) == ("quota", False)
    assert "1 agent" in found["because"]
    assert found["until"] == "2026-11-23T17:00:00.000Z", "midnight in Viet Nam"
    assert h.exchange.next_wakeup() == 1_795_395_600.0 + MIDNIGHT
    last = h.rows_of(QuotaRow)[-1]
    assert (last.agent, last.day, last.handed) == ("1001", "2026-11-23", 2)
    h.take(after=MIDNIGHT)
    assert served(h)
    assert h.rows_of(QuotaRow)[-1].day == "2026-11-24"


def test_C11_each_agent_may_have_his_own_quota_or_none() -> None:
    h = house({"per_agent": 1, "each": {"1002": 2, "1003": None}}, agents=3)
    counts = {"1001": 0, "1002": 0, "1003": 0}
    for _ in range(3):
        for agent in counts:
            counts[agent] += served(h, agent)
    assert counts == {"1001": 1, "1002": 2, "1003": 3}


def test_C11_nobody_is_limited_by_default() -> None:
    h = house({})
    assert all(served(h) for _ in range(6))
    assert not h.rows_of(QuotaRow)


def test_C11_a_customer_who_hangs_up_before_the_agent_had_him_is_not_counted() -> None:
    h = house({"per_agent": 1})
    h.take(after=1.0)
    call = next(iter(h.live.calls))
    h.take(f.CallRinging(call), f.CallEnded(call, cause=19), after=3.0)
    assert served(h)


def test_C11_a_quota_that_is_raised_holds_at_once() -> None:
    h = house({"per_agent": 1})
    assert [served(h), served(h)] == [True, False]
    policy = {**h.configuration["campaigns"]["spring"], "quota": {"per_agent": 5}}
    h.take(f.Configured({**h.configuration, "campaigns": {"spring": policy}}))
    assert served(h)


def test_C11_what_was_handed_out_is_known_after_a_restart() -> None:
    h = house({"per_agent": 2})
    assert served(h)
    kept = h.ledger.load()
    assert [(row.agent, row.day, row.handed) for row in kept.quotas] == [("1001", "2026-11-23", 1)]
    assert h.rows.load("00c0ffee").quotas == kept.quotas
