"""A customer who picked up and was last seen before a loss is not forgotten by the abandon rate (V04, V14)."""

from __future__ import annotations

from typing import Any

import pytest

from dialerd.model import facts as f
from dialerd.model import intents as i
from tests.doubles.desk_of_facts import Centre, floor, only

LOST = f.LinkLost("pbx", "reset by peer")
NOTHING_LIVES = f.Reconciled("pbx", (), (), restarted=True)


def stats(centre: Centre) -> dict[str, Any]:
    from dialerd.control.campaigns import stats_of

    return stats_of(centre.live, "spring").model_dump()


def test_V04_a_customer_who_picked_up_and_whose_end_nobody_saw_counts_as_abandoned() -> None:
    centre = Centre(floor(agents=1, softphone="ring"), leads=1)
    dial = only(centre.agent_ready("1001"), i.Dial)
    centre.answered(dial.call)
    centre.take(LOST, NOTHING_LIVES, after=5)
    attempt = centre.rows.attempts[dial.call]
    assert (attempt.outcome, attempt.because) == ("abandoned", "Asterisk was restarted")
    told = stats(centre)
    assert (told["answered"], told["abandoned"], told["lost"], told["abandon_rate"]) == (1, 1, 0, 1.0)
    lead = centre.lead("5000")
    assert lead.next_at == centre.now + 72 * 3600, "V14: not rung again by machine for 72 hours"


def test_V04_a_customer_who_came_to_the_information_message_unseen_counts_as_abandoned() -> None:
    centre = Centre(floor(agents=1, softphone="ring"), leads=1)
    dial = only(centre.agent_ready("1001"), i.Dial)
    listening = f.Reconciled("pbx", (f.CallSeen(dial.call, "dropping"),), ())
    centre.take(LOST, listening, f.CallEnded(dial.call, cause=16), after=20)
    told = stats(centre)
    assert (told["answered"], told["abandoned"]) == (1, 1)


def test_a_call_that_nobody_is_known_to_have_picked_up_is_lost_and_not_abandoned() -> None:
    centre = Centre(leads=1)
    dial = only(centre.agent_ready("1001"), i.Dial)
    centre.take(f.CallRinging(dial.call), after=1)
    centre.take(LOST, NOTHING_LIVES, after=5)
    assert centre.rows.attempts[dial.call].outcome == "lost"
    told = stats(centre)
    assert (told["answered"], told["abandoned"], told["lost"], told["abandon_rate"]) == (0, 0, 1, None)


@pytest.mark.parametrize("loss", ["Asterisk restarted", "server taken out of the configuration"])
def test_a_customer_who_talked_when_all_was_lost_was_connected(loss: str) -> None:
    centre = Centre(leads=1)
    dial = only(centre.agent_ready("1001"), i.Dial)
    connect = only(centre.answered(dial.call), i.Connect)
    centre.take(f.CallBridged(dial.call, connect.leg))
    if loss == "Asterisk restarted":
        centre.take(LOST, NOTHING_LIVES, after=30)
    else:
        centre.take(f.Configured({"servers": {"other": {}}}), after=30)
    assert centre.rows.attempts[dial.call].outcome == "connected"
    told = stats(centre)
    assert (told["connected"], told["abandoned"], told["lost"], told["talk_s"]) == (1, 0, 0, 30)
    assert centre.lead("5000").state == "succeeded"
