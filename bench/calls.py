"""Calls a second, processor time and the way from answer to bridged: the daemon against the null client, window by window.

Never compares windows of different rounds: in each round both place the same calls, one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bench.call_clients import DaemonCalls, NullCalls, UnsyncedCalls
from bench.call_windows import Calls, Window
from bench.disk import sync_seconds
from bench.findings import Finding, Goal

RATES = (50.0, 100.0)
SPOKEN_RATE, SPOKEN_S = 20.0, 5.0
"""Calls a second, and seconds, of short calls with sound: a hundred packets a second for Asterisk and none for the daemon."""
NULL = "null client"
KINDS = (NullCalls, DaemonCalls, UnsyncedCalls)
SPOKEN = (NullCalls, DaemonCalls)


def measure(seconds: float, rounds: int, say: Callable[[str], None]) -> list[Finding]:
    """All findings about calls."""
    seen: dict[tuple[str, float], list[Window]] = {}
    with Calls(max(RATES)) as calls:
        for turn in range(rounds):
            for rate in RATES:
                for kind in KINDS if turn % 2 == 0 else KINDS[::-1]:
                    say(f"calls, round {turn + 1} of {rounds}: {kind.name} at {rate:g} a second")
                    seen.setdefault((kind.name, rate), []).append(calls.window(kind, rate, seconds))
    with Calls(SPOKEN_RATE, SPOKEN_S, sound=True) as calls:
        for turn in range(rounds):
            for spoken in SPOKEN if turn % 2 == 0 else SPOKEN[::-1]:
                say(f"calls with sound, round {turn + 1} of {rounds}: {spoken.name} at {SPOKEN_RATE:g} a second")
                seen.setdefault((spoken.name, -SPOKEN_RATE), []).append(calls.window(spoken, SPOKEN_RATE, seconds))
    found: list[Finding] = []
    for rate in RATES:
        ours, theirs, unsynced = (seen[kind.name, rate] for kind in (DaemonCalls, NullCalls, UnsyncedCalls))
        found += _at(rate, ours, theirs, unsynced)
    spoken_ours, spoken_theirs = (seen[kind.name, -SPOKEN_RATE] for kind in (DaemonCalls, NullCalls))
    return [*found, *_spoken(spoken_ours, spoken_theirs), *_disk()]


def _at(rate: float, ours: list[Window], theirs: list[Window], unsynced: list[Window]) -> Iterator[Finding]:
    others = [window.others for window in (*ours, *theirs)]
    at = f"at {rate:g}/s"
    yield Finding(
        f"calls placed {at}",
        "/s",
        [window.placed for window in ours],
        [window.placed for window in theirs],
        NULL,
        Goal("at least", 0.95),
        others,
    )
    yield _processor(f"processor {at}", ours, None, others)
    yield _processor(f"processor of the null client {at}", theirs, None, others)
    for share in (0.5, 0.95, 0.99):
        goal = Goal("at most", 1.5) if share == 0.99 else None
        what = f"answer to bridged, p{100 * share:.0f}, {at}"
        yield Finding(what, "ms", _from_answer(ours, share), _from_answer(theirs, share), NULL, goal, others)
    for share in (0.5, 0.99):
        what = f"waiting to bridged, p{100 * share:.0f}, {at}"
        yield Finding(what, "ms", _waits(ours, share), _waits(theirs, share), NULL, others=others)
    what = f"the same with synchronous: normal, p99, {at}"
    yield Finding(what, "ms", _waits(unsynced, 0.99), _waits(theirs, 0.99), NULL, others=others)


def _spoken(ours: list[Window], theirs: list[Window]) -> Iterator[Finding]:
    others = [window.others for window in (*ours, *theirs)]
    at = f"at {SPOKEN_RATE:g}/s, calls of {SPOKEN_S:g} s with sound"
    yield _processor(f"processor {at}", ours, Goal("at most", 0.25), others)
    yield _processor(f"processor of the null client {at}", theirs, None, others)
    what = f"answer to bridged, p99, {at}"
    yield Finding(what, "ms", _from_answer(ours, 0.99), _from_answer(theirs, 0.99), NULL, Goal("at most", 1.5), others)


def _processor(what: str, windows: list[Window], goal: Goal | None, others: list[float]) -> Finding:
    """The client's processor time beside Asterisk's in the same windows."""
    cores = ([100 * window.client_cores for window in windows], [100 * window.asterisk_cores for window in windows])
    return Finding(what, "% of a core", *cores, "Asterisk", goal, others)


def _from_answer(windows: list[Window], share: float) -> list[float]:
    return _percentiles(windows, [window.from_answer_s for window in windows], share)


def _waits(windows: list[Window], share: float) -> list[float]:
    return _percentiles(windows, [window.waits_s for window in windows], share)


def _percentiles(windows: list[Window], seen: list[list[float]], share: float) -> list[float]:
    """The percentile of each window, in milliseconds. Raises RuntimeError when customers were left without an agent."""
    for window, seconds in zip(windows, seen, strict=True):
        if window.unbridged or not seconds:
            raise RuntimeError(f"{window.unbridged} customers of {len(seconds)} were not bridged: {window.client}")
    return [1000 * percentile(seconds, share) for seconds in seen]


def percentile(ordered: list[float], share: float) -> float:
    """The value below which `share` of `ordered` lies."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _disk() -> Iterator[Finding]:
    took = sync_seconds()
    for share in (0.5, 0.99):
        yield Finding(f"one durable page on this disk, p{100 * share:.0f}", "ms", [1000 * percentile(took, share)])
