"""Erlang B, C and A: how many agents and lines a steady stream of calls needs, and what its callers meet (V04, O07).

Never used to decide a call: a steady state knows nothing of who talks since when; these are for staffing, forecasts and checks.

Sources: A. K. Erlang, "Solution of some Problems in the Theory of Probabilities of Significance in Automatic Telephone
Exchanges" (1917) for B and C; C. Palm, "Research on telephone traffic carried by full availability groups" (1946, in English
1957) and O. Garnett, A. Mandelbaum and M. Reiman, "Designing a Call Center with Impatient Customers" (2002) for A. Loads are
in erlangs (calls a second times mean seconds of service). All raise ValueError: the field, what was found, what is allowed.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec
import numpy as np
from scipy.special import gammaln, logsumexp

MOST_SERVERS: Final = 100_000


class Queue(msgspec.Struct, frozen=True):
    """A queue in its steady state."""

    waits: float
    """The share of callers who do not find a free agent at once."""
    abandons: float
    """The share of callers who give up waiting."""
    mean_wait_s: float
    """Seconds of waiting, over all callers."""
    occupancy: float
    """The share of their time that agents are busy."""


def blocking(servers: int, load: float) -> float:
    """Erlang B: the share of calls that find all of `servers` lines taken, and are lost.

    B(0) = 1; B(n) = load B(n-1) / (n + load B(n-1)), the recursion of the sum (load^n / n!) / sum over k <= n of load^k / k!.
    """
    _servers(servers, least=0)
    _not_below("load", load)
    if load == 0.0:
        return 1.0 if servers == 0 else 0.0
    counts = np.arange(servers + 1, dtype=np.float64)
    logs = counts * math.log(load) - gammaln(counts + 1.0)
    return float(np.exp(logs[-1] - logsumexp(logs)))


def delay(servers: int, load: float) -> float:
    """Erlang C: the share of callers who wait, if nobody gives up; 1 if the load is more than the agents can carry.

    C = B / (1 - rho (1 - B)) with B of `blocking` and rho = load / servers.
    """
    _servers(servers)
    _not_below("load", load)
    if load >= servers:
        return 1.0
    blocked = blocking(servers, load)
    return blocked / (1.0 - load / servers * (1.0 - blocked))


def patient_queue(servers: int, calls_a_second: float, service_s: float) -> Queue:
    """Erlang C's queue: mean wait = C service / (servers - load); endless if the load is not below `servers`."""
    _servers(servers)
    _not_below("calls_a_second", calls_a_second)
    _above("service_s", service_s)
    load = calls_a_second * service_s
    waits = delay(servers, load)
    mean = math.inf if load >= servers else waits * service_s / (servers - load)
    return Queue(waits=waits, abandons=0.0, mean_wait_s=mean, occupancy=min(1.0, load / servers))


def answered_within(servers: int, calls_a_second: float, service_s: float, wait_s: float) -> float:
    """The service level by Erlang C: the share answered within `wait_s`, 1 - C exp(-(servers - load) wait / service)."""
    _not_below("wait_s", wait_s)
    queue = patient_queue(servers, calls_a_second, service_s)
    load = calls_a_second * service_s
    if load >= servers:
        return 0.0
    return 1.0 - queue.waits * math.exp(-(servers - load) * wait_s / service_s)


def impatient_queue(servers: int, calls_a_second: float, service_s: float, patience_s: float) -> Queue:
    """Erlang A (Palm): callers give up after an exponential time of `patience_s` on average.

    The stationary chances of the birth-and-death process with births at the rate of calls and deaths at k / service for
    k <= servers, and servers / service + (k - servers) / patience beyond; the tail is cut where it is below 1e-16 of the largest.
    """
    _servers(servers)
    _not_below("calls_a_second", calls_a_second)
    _above("service_s", service_s)
    _above("patience_s", patience_s)
    if calls_a_second == 0.0:
        return Queue(waits=0.0, abandons=0.0, mean_wait_s=0.0, occupancy=0.0)
    load = calls_a_second * service_s
    counts = np.arange(servers + 1, dtype=np.float64)
    logs = counts * math.log(load) - gammaln(counts + 1.0)
    queued = np.arange(1, _longest_queue(servers, calls_a_second, service_s, patience_s) + 1, dtype=np.float64)
    beyond = logs[-1] + np.cumsum(math.log(calls_a_second) - np.log(servers / service_s + queued / patience_s))
    whole = float(logsumexp(np.concatenate([logs, beyond])))
    ahead, behind = np.exp(logs - whole), np.exp(beyond - whole)
    length = float(queued @ behind)
    abandons = length / patience_s / calls_a_second
    return Queue(
        waits=float(ahead[-1] + behind.sum()),
        abandons=abandons,
        mean_wait_s=length / calls_a_second,
        occupancy=load * (1.0 - abandons) / servers,
    )


def agents_needed(calls_a_second: float, service_s: float, patience_s: float, abandons: float) -> int:
    """The fewest agents with whom, by Erlang A, at most the share `abandons` of the callers gives up."""
    _above("abandons", abandons)
    low, high = 0, 1
    while impatient_queue(high, calls_a_second, service_s, patience_s).abandons > abandons:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if impatient_queue(middle, calls_a_second, service_s, patience_s).abandons > abandons:
            low = middle
        else:
            high = middle
    return high


def _longest_queue(servers: int, rate: float, service_s: float, patience_s: float) -> int:
    """A length beyond which the queue is never: each step on from there is at most half as likely as the one before."""
    peak = max(0.0, (rate - servers / service_s) * patience_s)
    half = max(0.0, (2.0 * rate - servers / service_s) * patience_s)
    return int(min(5e6, max(half, peak + 12.0 * math.sqrt(rate * patience_s + 1.0)) + 60))


def _servers(found: int, least: int = 1) -> None:
    if not least <= found <= MOST_SERVERS:
        raise ValueError(f"servers: found {found!r}, allowed {least} to {MOST_SERVERS}")


def _not_below(field: str, found: float) -> None:
    if not (0.0 <= found < math.inf):
        raise ValueError(f"{field}: found {found!r}, allowed 0 or more")


def _above(field: str, found: float) -> None:
    if not (0.0 < found < math.inf):
        raise ValueError(f"{field}: found {found!r}, allowed above 0")
