"""An agent's softphone is told of the lead he is offered or talks with (C08, C12, C13, V11)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, cast

from dialerd.model import facts as f
from dialerd.model import intents as i
from dialerd.model.rows import AttemptRow
from dialerd.ports.message_bus import NoBus
from dialerd.ports.store import StoreFailingError
from dialerd.runtime.lead_screens import LeadScreens
from tests.doubles.desk_of_facts import every, floor
from tests.doubles.desk_with_store import House


class Bus:
    """Keeps dialerd.ports.message_bus.MessageBus."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def publish_event(self, topic_tail: str, payload: bytes) -> None:
        self.events.append((topic_tail, json.loads(payload)))

    def publish_state(self, topic_tail: str, payload: bytes | None) -> None:
        raise AssertionError("no state")

    def keep_states(self, known: Callable[[str], bool]) -> None:
        raise AssertionError("no state")


class Told:
    """The attempts of a ledger, or a store that fails."""

    def __init__(self, house: House, *, fails: bool = False) -> None:
        self.house, self.fails = house, fails

    async def attempts_of(self, lead: int) -> list[AttemptRow]:
        if self.fails:
            raise StoreFailingError("disk full")
        return self.house.ledger.attempts_of(lead)


def house(softphone: str = "ring") -> House:
    campaign = {
        "fields": [{"name": "contract", "label": "Contract no", "significant": True, "editable": True}],
        "script": "offer",
        "rest": {"no_answer": {"again_after_min": 1}},
    }
    h = House(
        floor(
            1,
            softphone,
            campaign,
            scripts={"offer": {"name": "Offer", "greeting": "Xin chào"}},
            dispositions={
                "sale": {"title": "Sold", "success": True},
                "later": {"title": "Later", "recontact": True, "recall_within_days": 3},
                "machine": {"title": "Voice mail", "outcomes": ["no_answer"]},
            },
        )
    )
    h.take(f.LeadsAdded("spring", (f.NewLead("5000", "An", {"contract": "A-1", "shoe": "42"}),), "test", "olga"))
    h.agent_ready("1001")
    return h


def tell(screens: LeadScreens, h: House) -> None:
    """The last turn is committed."""
    screens.committed(h.turns[-1])


async def test_C13_the_agent_is_told_of_the_lead_when_he_is_offered_and_when_they_talk() -> None:
    h = house()
    bus = Bus()
    screens = LeadScreens(h.exchange.engine, cast(Any, Told(h)), bus)
    h.take(after=1.0)
    first = next(iter(h.live.calls))
    h.take(f.CallRinging(first), f.CallEnded(first, cause=19), after=5.0)
    h.take(after=61.0)
    h.take(after=1.0)
    call = next(iter(h.live.calls))
    offers = every(h.answered(call), i.OfferCall)
    tell(screens, h)
    h.take(f.PhoneIdle(offers[0].leg), after=1.0)
    tell(screens, h)
    h.take(f.CallBridged(call, offers[0].leg), after=1.0)
    tell(screens, h)
    await asyncio.gather(*screens._reading)
    told = [(topic, event["state"]) for topic, event in bus.events]
    assert told == [("agent/1001/lead", "offered"), ("agent/1001/lead", "talking")]
    shown = bus.events[-1][1]
    assert (shown["call"], shown["campaign_name"]) == (call, "Spring")
    assert (shown["lead"]["phone"], shown["lead"]["name"], shown["lead"]["significant"]) == ("5000", "An", "A-1")
    assert [(one["label"], one["value"], one["editable"]) for one in shown["fields"]] == [("Contract no", "A-1", True)]
    assert [(one["call"], one["outcome"]) for one in shown["history"]] == [(first, "no_answer")]
    assert (shown["script"]["id"], shown["script"]["greeting"]) == ("offer", "Xin chào")
    assert [(one["id"], one["needs_time"], one["within_days"]) for one in shown["dispositions"]] == [
        ("later", True, 3),
        ("sale", False, None),
    ]
    await screens.aclose()


async def test_C13_an_agent_hears_of_his_lead_though_the_store_cannot_be_read() -> None:
    h = house("nailed_up")
    bus = Bus()
    screens = LeadScreens(h.exchange.engine, cast(Any, Told(h, fails=True)), bus)
    h.take(after=1.0)
    call = next(iter(h.live.calls))
    seen = len(h.turns)
    h.answered(call)
    for committed in h.turns[seen:]:
        screens.committed(committed)
    await asyncio.gather(*screens._reading)
    ((topic, shown),) = bus.events
    assert (topic, shown["history"], shown["lead"]["phone"]) == ("agent/1001/lead", None, "5000")


async def test_O02_where_nobody_listens_nothing_is_made() -> None:
    h = house("nailed_up")
    screens = LeadScreens(h.exchange.engine, cast(Any, Told(h, fails=True)), NoBus())
    h.take(after=1.0)
    h.answered(next(iter(h.live.calls)))
    for committed in h.turns:
        screens.committed(committed)
    assert not screens._reading
