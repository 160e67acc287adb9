"""What stands in the INVITE: the hotline at the customer's phone, and at the agent's who calls; read off the wire."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.asterisk.centre import CAMPAIGN, Centre
from tests.asterisk.rig.asterisk import Rig

DEAD = "PJSIP/{number}@trunk-dead"


class Wire:
    """Listens where the rig's dead trunk points to, and is busy."""

    def __init__(self, rig: Rig) -> None:
        found = re.search(r"sip:([0-9.]+):([0-9]+)", rig.cli("pjsip show aor trunk-dead"))
        assert found is not None
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((found[1], int(found[2])))
        self._socket.settimeout(20)

    def close(self) -> None:
        self._socket.close()

    def invite(self) -> dict[str, str]:
        """The next INVITE's headers (by name in small letters), and `uri`; it is answered with 486."""
        while True:
            packet, sender = self._socket.recvfrom(65536)
            head = packet.decode().split("\r\n\r\n")[0].split("\r\n")
            if not head[0].startswith("INVITE "):
                continue
            headers = {name.strip().lower(): value.strip() for name, _, value in (h.partition(":") for h in head[1:])}
            echo = [f"{name}: {headers[name]}" for name in ("via", "from", "call-id", "cseq")]
            reply = ["SIP/2.0 486 Busy Here", *echo, f"to: {headers['to']};tag=busy", "content-length: 0", "", ""]
            self._socket.sendto("\r\n".join(reply).encode(), sender)
            return {**headers, "uri": head[0].split()[1]}


@pytest.fixture
def wire(asterisk: Rig) -> Iterator[Wire]:
    listening = Wire(asterisk)
    yield listening
    listening.close()


def calls_of(wire: Wire, count: int) -> list[dict[str, str]]:
    """So many calls that came over the wire, each once: a busy phone is not asked again."""
    seen: dict[str, dict[str, str]] = {}
    while len(seen) < count:
        invite = wire.invite()
        seen[invite["call-id"]] = invite
    return list(seen.values())


def test_V08_the_customer_sees_the_hotlines_number_and_name(asterisk: Rig, wire: Wire, tmp_path: Path) -> None:
    """Three hotlines take turns; the number is dialed in the trunk's way with its prefix."""
    hotlines = {
        "sales": {"number": "+842871000001", "name": "Acme, Ltd. & 50% (Đông)"},
        "care": {"number": "02871000002", "name": ""},
        "plain": {"number": "1234"},
    }
    more: dict[str, Any] = {
        "hotlines": hotlines,
        "trunks": {
            "dead": {"server": "pbx", "dial": DEAD, "calls_per_second": 100, "number_format": "e164", "prefix": "99"}
        },
    }
    policy = {"trunks": ["dead"], "hotlines": ["sales", "care", "plain"], "region": "LU"}
    numbers = [f"+35271003000{n}" for n in (931, 932, 933)]
    with Centre(asterisk, tmp_path, {"1003": "ring"}, policy, **more) as centre:
        centre.begin(numbers, "1003")
        invites = calls_of(wire, 3)
        assert [invite["uri"].split("@")[0] for invite in invites] == [f"sip:99{number}" for number in numbers]
        shown = [re.match(r'(?:"(.*)" )?<sip:([^@]*)@', invite["from"]) for invite in invites]
        assert [(found[1], found[2]) for found in shown if found is not None] == [
            ("Acme, Ltd. & 50% (Đông)", "+842871000001"),
            (None, "02871000002"),
            (None, "1234"),
        ]
        centre.until(lambda: centre.why()["factor"] == "leads_done", "all were busy")
        calls = centre.attempts_over(CAMPAIGN)
        assert [(call["hotline"], call["outcome"], call["sip"]) for call in calls] == [
            (name, "busy", 486 if asterisk.root.suite != "bullseye" else None) for name in hotlines
        ]


def test_V11_the_agents_phone_shows_who_waits(asterisk: Rig, wire: Wire, tmp_path: Path) -> None:
    """The lead's name is a stranger's text: it stays a name, whatever stands in it."""
    number = "71003000934"
    more = {"hotlines": {"sales": {"number": "+842871000001", "name": "Acme"}}}
    agents = {"ann": {"phone": "PJSIP/ann@trunk-dead", "softphone": "ring"}}
    with Centre(asterisk, tmp_path, agents, {"hotlines": ["sales"]}, **more) as centre:
        centre.ask(
            "lead.add", campaign=CAMPAIGN, phone=number, name='Trần "Bob" <sip:1900@evil>;x\\,y & Đặng\t${SHELL(id)}'
        )
        centre.log_in("ann")
        centre.ask("campaign.start", campaign=CAMPAIGN)
        (invite,) = calls_of(wire, 1)
        assert invite["uri"].startswith("sip:ann@")
        shown = re.match(r'"(.*)" <sip:([^@]*)@', invite["from"])
        assert shown is not None, invite["from"]
        assert shown[2] == "+842871000001"
        assert shown[1] == "Trần Bob sip:1900@evil x ,y & Đặng ${SHELL(id)}"
        assert centre.until_agent("ann", "not_ready")["reason"] == "softphone is busy"
        centre.ask("call.hangup", call=centre.until_call(number, "waiting")["call"])
