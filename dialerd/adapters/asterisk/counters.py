"""What the AMI side of one server counts, for metrics and for whoever asks why.

It must never decide anything, and never be set back while the daemon runs.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class AmiCounters:
    """What one link has counted since it was made."""

    packets: int = 0  # read, over all connections: the number of a packet is its place in the order of arrival
    events: int = 0  # given to on_event
    skipped: int = 0  # not wanted, or before the link was up
    responses: int = 0
    reconnects: int = 0  # times it was up again
    parse_errors: int = 0  # packets that were neither event nor response
    handler_errors: int = 0  # exceptions of on_event, on_response, on_up, on_down


@dataclass(slots=True)
class TelephonyCounters:
    """What became of intents and links since the start."""

    sent: int = 0  # intents
    not_sent: int = 0  # Dial, OfferCall, CallPhone that were told as not placed
    dropped: int = 0  # other intents while there was no reconciled link
    refused: int = 0  # Originates that Asterisk refused at once
    connect_failed: int = 0
    gone: int = 0  # Hangup, Redirect, Setvar: the channel was not there
    hung_up_late: int = 0  # hang-ups that had to wait for their channel
    leftovers: int = 0  # channels ended because their end was told already
    missed: int = 0  # legs that were gone without their end being told
    links_lost: int = 0
    reconciles: int = 0
    reconcile_failures: int = 0
    foreign_legs: int = 0  # channels of other stores, at the last reconcile
