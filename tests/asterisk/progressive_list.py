"""Forty leads whose numbers say what happens to each, and what has to be on record of it afterwards.

Never looks at the daemon: what is here follows from the number, Q.850 and rules.md 7 alone.
"""

from __future__ import annotations

from dataclasses import dataclass

REFUSALS = {
    "486": ("busy", 17),
    "603": ("rejected", 21),
    "404": ("unallocated", 1),
    "410": ("changed", 22),
    "484": ("bad_format", 28),
    "503": ("congestion", 34),
    "500": ("congestion", 38),
}
"""SIP response -> outcome and the cause that Asterisk makes of it."""


@dataclass(frozen=True, slots=True)
class Scripted:
    """A lead: the number as the rig's carrier reads it, and what its one attempt comes to.

    `cause`: None where it is our own timeout, which Asterisk 22 and 16 tell differently. `speaks`: the customer's tone, or
    empty. `early`: sound came before the answer.
    """

    number: str
    outcome: str
    cause: int | None = None
    sip: int | None = None
    speaks: str = ""
    early: bool = False

    @property
    def connected(self) -> bool:
        return self.outcome == "connected"


def forty_leads(serial: int) -> list[Scripted]:
    """The list in the order it is dialed; `serial` (one digit) keeps its numbers apart from another list's.

    Those who ring for fifteen seconds come first, so that the run ends with the short ones.
    """
    speaking = [
        Scripted(f"7000{3 + n % 3}020{serial}{n:02d}", "connected", 16, speaks=f"customer-{n % 10}") for n in range(14)
    ]
    early = [Scripted(f"73020010{serial}{n:02d}", "connected", 16, early=True) for n in range(20, 24)]
    silent = [Scripted(f"71003010{serial}{n:02d}", "connected", 16) for n in range(30, 34)]
    refused = [
        Scripted(f"72003{sip}{serial}{50 + n:02d}", outcome, cause, int(sip))
        for n, (sip, (outcome, cause)) in enumerate(REFUSALS.items())
    ]
    refused += [
        Scripted(f"72000{sip}{serial}{60 + n:02d}", outcome, cause, int(sip))
        for n, (sip, (outcome, cause)) in enumerate(REFUSALS.items())
    ]
    slow = [Scripted(f"74000000{serial}{70 + n:02d}", "no_answer") for n in range(2)]
    slow += [Scripted(f"75000000{serial}80", "no_response"), Scripted(f"79000000{serial}90", "no_response")]
    rest = speaking + early + silent + refused
    mixed = [lead for n in range(7) for lead in rest[n::7]]
    return slow + mixed
