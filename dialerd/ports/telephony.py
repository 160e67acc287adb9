"""Telephony as a promise: one per server; wishes are taken at once, what comes of them returns as facts.

Never waits and never repeats: an intent is sent once or not at all.
"""

from __future__ import annotations

from typing import Protocol

from dialerd.model.intents import ToTelephony


class Telephony(Protocol):
    """Keeps calls on one server. Facts go to the callback that it was made with:

    - after the link is up: Reconciled, before any other fact of that link but those of legs that ended while the server was
      being asked: these come just before it, and their legs are not in it;
    - when it is lost: LinkLost;
    - for a Dial, OfferCall or CallPhone that surely was never sent: CallNotPlaced, or PhoneEnded(channel=False);
    - each leg ends with exactly one CallEnded or PhoneEnded while the link is up.
    """

    def submit(self, intent: ToTelephony) -> None:
        """Send one wish; never waits, never raises for a lost link."""
