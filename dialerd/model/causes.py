"""How a call that nobody talked on is named: Q.850 cause, SIP code and Originate reason -> outcome.

Never guesses beyond the table of rules.md 7: what is not in it is `unknown`.

The cause and the SIP code are kept on the attempt as they came; the outcome is what recycling rules are written for.
Sources: Q.850; RFC 3398; Asterisk's own mapping as measured on 22 and 16 (docs/asterisk.md).
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, get_args

Outcome: TypeAlias = Literal[
    "connected",  # a customer talked with an agent
    "abandoned",  # a customer answered and no agent was given to him in time
    "hung_up",  # a customer answered and hung up while he waited
    "busy",
    "no_answer",  # it rang and nobody answered
    "no_response",  # nothing was heard from the called side, not even ringing
    "rejected",
    "unallocated",  # the number does not exist
    "changed",
    "bad_format",
    "absent",
    "no_route",
    "out_of_order",
    "congestion",
    "service_error",
    "unwanted",  # 607/608: the called party or its carrier calls it unwanted
    "unknown",
    "not_placed",  # Asterisk made no channel, or the daemon never sent it: nothing rang
    "cancelled",  # we ended it before it was answered
    "lost",  # nobody can say what became of it: the daemon or Asterisk went away
]
OUTCOMES: Final[tuple[str, ...]] = get_args(Outcome)

_BY_CAUSE: Final[dict[int, Outcome]] = {
    1: "unallocated",
    2: "no_route",
    3: "no_route",
    17: "busy",
    18: "no_response",
    19: "no_answer",
    20: "absent",
    21: "rejected",
    22: "changed",
    23: "changed",
    26: "changed",
    27: "out_of_order",
    28: "bad_format",
    31: "unknown",
    34: "congestion",
    38: "congestion",
    41: "congestion",
    42: "congestion",
    44: "congestion",
    47: "congestion",
    102: "no_response",
    127: "unknown",
}
_BY_SIP: Final[dict[int, Outcome]] = {
    403: "rejected",
    404: "unallocated",
    408: "no_response",
    410: "changed",
    480: "no_answer",
    484: "bad_format",
    485: "unallocated",
    486: "busy",
    487: "no_answer",
    488: "service_error",
    500: "congestion",
    501: "service_error",
    502: "out_of_order",
    503: "congestion",
    504: "congestion",
    600: "busy",
    603: "rejected",
    604: "unallocated",
    607: "unwanted",
    608: "unwanted",
}

TRUNK_FAULTS: Final[frozenset[str]] = frozenset(
    {"congestion", "out_of_order", "no_route", "service_error", "not_placed"}
)
"""Outcomes that speak of the trunk, not of the number: a row of them rests the trunk, not the list."""

UNCOUNTED: Final[frozenset[str]] = frozenset({"not_placed"})
"""Outcomes that use up no attempt: nothing was sent to the called party."""


def outcome_unanswered(cause: int | None, sip: int | None, reason: int | None, rang: bool, channel: bool) -> Outcome:
    """The outcome of a call that was never answered.

    `cause`: Q.850 of the Hangup event. `sip`: its TechCause (absent before Asterisk 18). `reason`: of OriginateResponse
    (3 our Timeout; 5 and 8 only from Local channels; 0 says nothing). `rang`: a 180 was seen. `channel`: a channel was seen.
    """
    if not channel and cause is None:
        return "not_placed"
    if reason == 3:
        return "no_answer" if rang else "no_response"
    if reason == 5:
        return "busy"
    if reason == 8:
        return "congestion"
    if sip in (607, 608):
        return "unwanted"
    named = _BY_CAUSE.get(cause or 0)
    if named is not None:
        return named
    if cause is not None and 50 <= cause <= 88:
        return "service_error"
    named = _BY_SIP.get(sip or 0)
    if named is not None:
        return named
    return "unknown"
