"""Manual, preview, callback and predictive on a real Asterisk, with rung and nailed-up softphones (V01, V02, V04, V06, V11)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.asterisk.centre import CAMPAIGN, Centre
from tests.asterisk.rig.asterisk import Rig
from tests.asterisk.rig.phones import AGENTS, CARRIER
from tests.doubles.daemon_process import RefusedError

SOFTPHONES = ("ring", "nailed_up")
HEARD_S = 0.3
"""So much of a tone is proof, in seconds; customers talk for three."""
SPEAKS = "70005030"
"""Rings for half a second, answers with a tone, hangs up three seconds later."""
BUSY = "72005486"


def house(rig: Rig, folder: Path, softphone: str, mode: str, agents: int = 1, **policy: Any) -> Centre:
    names = [str(1301 + n) for n in range(agents)]
    return Centre(
        rig, folder, dict.fromkeys(names, softphone), {"mode": mode, "wrap_up_s": 0.5, "region": "none", **policy}
    )


def talked(centre: Centre, number: str) -> dict[str, Any]:
    """The one connected call to a number, when it is over."""
    centre.until(
        lambda: any(row["number"] == number and row["outcome"] for row in centre.attempts(CAMPAIGN)),
        f"the call to {number} is over",
    )
    (row,) = [row for row in centre.attempts(CAMPAIGN) if row["number"] == number and row["outcome"] == "connected"]
    return row


def heard_each_other(rig: Rig, number: str, agent: str) -> None:
    """RTP both ways: the customer heard the agent's tone, the agent the customer's."""
    assert rig.phones.heard(number, CARRIER)[f"agent-{agent[-1]}"] > HEARD_S
    assert rig.phones.heard(agent, AGENTS)[f"customer-{number[-1]}"] > HEARD_S


def order_of_rings(rig: Rig, number: str, agent: str) -> list[str]:
    """Who was called, in order: the customer and the agent's phone."""
    calls = [(one.at, "customer") for one in rig.phones.invites(CARRIER) if one.number == number]
    calls += [(one.at, "agent") for one in rig.phones.invites(AGENTS) if one.number == agent]
    return [who for _, who in sorted(calls)]


@pytest.mark.parametrize("softphone", SOFTPHONES)
def test_V01_an_agent_dials_a_lead_again_until_it_answers(asterisk: Rig, tmp_path: Path, softphone: str) -> None:
    number = f"{SPEAKS}{11 if softphone == 'ring' else 12}1"
    busy = f"{BUSY}{11 if softphone == 'ring' else 12}2"
    with house(asterisk, tmp_path, softphone, "manual", max_attempts=2) as centre:
        centre.begin([busy, number], "1301")
        centre.until(lambda: centre.agent("1301")["state"] == "ready", "he is ready")
        centre.until(lambda: centre.why()["factor"] == "agents_choose", "leads are there for him to take")
        assert centre.ask("lead.next", agent="1301")["phone"] == busy
        assert centre.ask("lead.shown", agent="1301")["screen"]["state"] == "shown"
        for _ in range(2):
            centre.ask("lead.dial", agent="1301")
            centre.until(lambda: centre.agent("1301")["state"] in ("previewing", "ready"), "the customer was busy")
        with pytest.raises(RefusedError):  # both attempts are used
            centre.ask("lead.dial", agent="1301")
        assert [row["outcome"] for row in centre.attempts(CAMPAIGN)] == ["busy", "busy"]
        assert asterisk.invites()[busy] == 2
        assert centre.ask("lead.take", agent="1301", campaign=CAMPAIGN, phone=number)["phone"] == number
        centre.ask("lead.dial", agent="1301")
        assert talked(centre, number)["agent"] == "1301"
        heard_each_other(asterisk, number, "1301")
        if softphone == "ring":
            assert order_of_rings(asterisk, number, "1301")[-2:] == ["agent", "customer"], (
                "no customer waits for a phone"
            )
        centre.until(lambda: centre.agent("1301")["state"] == "ready", "he is ready again")
        kept = 1 if softphone == "nailed_up" else 0
        centre.until_channels(lambda names: len(names) == kept, f"{kept} channels are left")


@pytest.mark.parametrize("softphone", SOFTPHONES)
def test_V02_a_shown_lead_is_dialed_by_itself_and_a_skipped_one_is_not(
    asterisk: Rig, tmp_path: Path, softphone: str
) -> None:
    skipped, number = (f"{SPEAKS}{n}{21 if softphone == 'ring' else 22}1" for n in (1, 2))
    with house(asterisk, tmp_path, softphone, "preview", preview={"seconds": 1.5}) as centre:
        centre.begin([skipped, number], "1301")
        centre.until(lambda: centre.agent("1301")["lead"], "a lead is before him")
        centre.ask("lead.skip", agent="1301", reason="an acquaintance")
        shown = centre.agent("1301")
        assert shown["lead_until"] is not None and shown["state"] == "previewing"
        assert talked(centre, number)["agent"] == "1301"
        heard_each_other(asterisk, number, "1301")
        assert asterisk.invites().get(skipped, 0) == 0
        notes = [entry["note"] for entry in centre.ask("audit.list", subject="1301")["entries"]]
        assert any("acquaintance" in note for note in notes), notes


@pytest.mark.parametrize("softphone", SOFTPHONES)
def test_V06_the_agent_is_rung_first_and_then_the_customer_first_in_first_out(
    asterisk: Rig, tmp_path: Path, softphone: str
) -> None:
    numbers = [f"{SPEAKS}{n}{31 if softphone == 'ring' else 32}1" for n in range(2)]
    with house(asterisk, tmp_path, softphone, "callback") as centre:
        centre.begin(numbers, "1301")
        for number in numbers:
            assert talked(centre, number)["agent"] == "1301"
            if softphone == "ring":
                assert order_of_rings(asterisk, number, "1301")[0] == "agent"
        placed = [row["number"] for row in sorted(centre.attempts(CAMPAIGN), key=lambda row: row["placed_at"])]
        assert placed == numbers
        heard_each_other(asterisk, numbers[1], "1301")


@pytest.mark.parametrize("softphone", SOFTPHONES)
def test_V04_predictive_connects_whoever_answers_and_abandons_none_of_a_few(
    asterisk: Rig, tmp_path: Path, softphone: str
) -> None:
    leads = [f"{SPEAKS if n % 3 else BUSY}{n:02d}{41 if softphone == 'ring' else 42}{1 + n % 9}" for n in range(18)]
    with house(asterisk, tmp_path, softphone, "predictive", agents=3, max_wait_s=15, max_attempts=1) as centre:
        centre.begin(leads, "1301", "1302", "1303")
        centre.until(lambda: centre.why()["factor"] == "leads_done", "all leads are done", 90)
        rows = centre.attempts(CAMPAIGN)
        assert len(rows) == len(leads) == len({row["number"] for row in rows})
        wanted = {number: "busy" if number.startswith(BUSY) else "connected" for number in leads}
        assert {row["number"]: row["outcome"] for row in rows} == wanted
        assert {asterisk.invites()[number] for number in leads} == {1}
        stats = centre.stats()
        assert (stats["abandoned"], stats["lost"]) == (0, 0)
        for row in rows:
            if row["outcome"] == "connected":
                heard = asterisk.phones.heard(row["number"], CARRIER)
                assert heard[f"agent-{row['agent'][-1]}"] > HEARD_S, row
