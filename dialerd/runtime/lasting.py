"""What of a turn must be on the disk before it leaves, and what only waits for the transaction.

Never lets a call be placed, or a promise made to a person, that a power cut could make us forget.
"""

from __future__ import annotations

from dialerd.model.facts import LeadsAdded, Reported
from dialerd.model.intents import Answer, AnyIntent, Connect, Dial, OfferCall
from dialerd.model.turn import Turn

SERVING = (Connect, OfferCall)
"""A customer waits for these, and Asterisk itself remembers them: after a power cut `Reconciled` tells of the bridge."""
_PROMISED = (Dial, Answer)
_GIVEN = (LeadsAdded, Reported)


def serving(turn: Turn) -> tuple[AnyIntent, ...]:
    """The intents that leave as soon as the turn is written."""
    return tuple(intent for intent in turn.intents if isinstance(intent, SERVING))


def must_last(turn: Turn) -> bool:
    """Whether the turn must be on the disk before the rest of it leaves."""
    return any(isinstance(intent, _PROMISED) for intent in turn.intents) or any(
        isinstance(fact, _GIVEN) for fact in turn.facts
    )
