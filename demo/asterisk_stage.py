"""A real Asterisk with SIPp customers and softphones, as the tests have it.

Never installs anything: `make asterisk-root` makes the root.
"""

from __future__ import annotations

import sys

from demo.stage import Ask
from dialerd.model.policies import Agent, Campaign, Floor, Hotline, Rest, Server, Trunk
from tests.asterisk.rig.asterisk import Rig

AGENTS = ("1001", "1002", "1003", "1301", "1302", "1303", "1101", "1102")
"""Softphones of the rig: some answer at once, some with a tone, some after two seconds."""
NUMBERS = (
    [f"71015{talk:03d}{n:03d}" for n, talk in enumerate([40, 60, 80, 50] * 8)]  # answer after 1.5 s, talk 4 to 8 s
    + [f"72010486{n:03d}" for n in range(8)]  # busy
    + [f"72005603{n:03d}" for n in range(3)]  # declined
    + [f"72005404{n:03d}" for n in range(4)]  # no such number
    + [f"72005503{n:03d}" for n in range(2)]  # congestion
    + [f"74000000{n:03d}" for n in range(3)]  # ring for ever
)


class AsteriskStage:
    """Keeps demo.stage.Stage."""

    speed = 1.0
    campaign = "spring"

    def __init__(self) -> None:
        self._rig = Rig()
        self.about = "a real Asterisk with SIPp phones"
        mixed = sorted(NUMBERS, key=lambda number: (number[-3:], number))
        self.leads_csv = "phone\n" + "\n".join(mixed)

    def __enter__(self) -> AsteriskStage:
        rig = self._rig
        rig.start()
        rig.start_phones()
        self.secret = rig.ami_secret
        self.about = rig.cli("core show version").split(" built")[0]
        short = {o: Rest(again_after_min=0.1) for o in ("busy", "no_answer", "no_response", "congestion", "hung_up")}
        short |= {"rejected": Rest(), "abandoned": Rest()}  # never again, so that the campaign ends
        self.floor = Floor(
            servers={"pbx": Server(host=rig.ami_host, port=rig.ami_port, username=rig.ami_user)},
            trunks={"carrier": Trunk(server="pbx", dial="PJSIP/{number}@trunk", lines=20, calls_per_second=10)},
            hotlines={"office": Hotline(number="+842871000000", name="Acme")},
            agents={
                n: Agent(phone=f"PJSIP/{n}", server="pbx", softphone="nailed_up" if n[1] == "3" else "ring")
                for n in AGENTS
            },
            campaigns={
                self.campaign: Campaign(
                    name="Spring offer",
                    trunks=["carrier"],
                    hotlines=["office"],
                    region="none",
                    ring_s=15,
                    wrap_up_s=1,
                    max_attempts=2,
                    rest=short,
                    finish_when_done=True,
                )
            },
        )
        return self

    def __exit__(self, *error: object) -> None:
        self._rig.stop_phones()
        self._rig.stop()

    def begin(self, ask: Ask) -> None:
        """All agents log in."""
        for agent in AGENTS:
            ask("agent.login", agent=agent, ready=True)
        sys.stdout.flush()

    def invites(self) -> dict[str, int]:
        """INVITEs by number, from SIPp's own log."""
        return dict(self._rig.invites())
