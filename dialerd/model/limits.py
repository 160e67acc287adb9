"""Limits of the whole house across all campaigns (V09), and the channel names by which ordinary calls on a trunk are counted.

Never counts anything: it only says how much is allowed and where to look.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from dialerd.model.policy_words import Policy

EVERY = "all"
"""The group that every hotline is in."""

_NUMBER_THEN_ENDPOINT = re.compile(
    r"(?P<tech>PJSIP|SIP)/[^/@]*\{number\}[^/@]*@(?P<endpoint>[A-Za-z0-9_.-]+)", re.IGNORECASE
)
_ENDPOINT_THEN_NUMBER = re.compile(
    r"(?P<tech>PJSIP|SIP|IAX2)/(?P<endpoint>[A-Za-z0-9_.-]+)/.*\{number\}.*", re.IGNORECASE
)


def not_all(name: str) -> str:
    """`name`, if it may be given to a group of hotlines. Raises ValueError."""
    if name == EVERY:
        raise ValueError("all is every hotline there is; any other name is allowed")
    return name


class Limits(Policy):
    """What all campaigns together may use (V09)."""

    calls: Annotated[int, Field(ge=1, le=100000)] | None = None
    """Simultaneous calls of all campaigns, ordinary calls on the trunks counted in; empty: the trunks' lines."""


def channel_prefix(dial: str) -> str:
    """How the names of all channels on a trunk begin, by its dial string, such as `PJSIP/carrier-`; empty: it does not say.

    Asterisk names a channel after its endpoint, so a group of DAHDI lines or a Local channel cannot be told from its dial
    string.
    """
    found = _NUMBER_THEN_ENDPOINT.fullmatch(dial) or _ENDPOINT_THEN_NUMBER.fullmatch(dial)
    return f"{found['tech'].upper()}/{found['endpoint']}-" if found is not None else ""
