"""Ordinary calls on a real Asterisk's trunk are counted in, and what they leave is what campaigns use (V09)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.asterisk.centre import Centre
from tests.asterisk.rig.ami import Ami
from tests.asterisk.rig.asterisk import Rig


def test_V09_an_ordinary_call_takes_a_line_of_the_trunk_and_gives_it_back(
    asterisk: Rig, ami: Ami, tmp_path: Path
) -> None:
    """Two lines, one of them held by somebody's own call: one customer is called. His call over, the second is."""
    trunk = {
        "server": "pbx",
        "dial": "PJSIP/{number}@trunk",
        "lines": 2,
        "calls_per_second": 50,
        "count_ordinary": True,
    }
    more: dict[str, Any] = {"trunks": {"main": trunk}, "limits": {"calls": 10}}
    with Centre(asterisk, tmp_path, {"1001": "ring", "1002": "ring"}, {}, **more) as centre:

        def ordinary() -> int:
            found: int = centre.ask("trunk.list")["trunks"][0]["ordinary"]
            return found

        answer = ami.action(
            "Originate",
            Channel="PJSIP/71002000501@trunk",
            Application="Wait",
            Data="600",
            Async="true",
            ChannelId="somebody-s-own-call",
        )
        assert answer["Response"] == "Success"
        centre.until(lambda: ordinary() == 1, "the ordinary call is counted")
        centre.begin(["74000000502", "74000000503"], "1001")
        centre.log_in_without_waiting("1002")
        centre.until(lambda: centre.why()["factor"] == "trunk_lines", "one line is left")
        assert centre.why()["because"] == (
            "no line of trunk main is free: 1 line in use, 1 held by ordinary calls or kept for them"
        )
        assert centre.why()["calls"] == 1
        (name,) = (name for name in centre.channels("PJSIP/trunk-") if "somebody" in _uniqueid(centre, name))
        ami.action("Hangup", Channel=name)
        centre.until(lambda: ordinary() == 0, "the ordinary call is over")
        centre.until(lambda: centre.why()["calls"] == 2, "its line is used")


def _uniqueid(centre: Centre, name: str) -> str:
    """The id of a live channel."""
    lines = centre.rig.cli("core show channels concise").splitlines()
    return next((line.split("!")[-1] for line in lines if line.split("!")[0] == name), "")
